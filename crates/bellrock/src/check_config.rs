//! `bellrock check-config`: looks at files for Alertmanager, says everything that is to be said, and whether Alertmanager takes
//! them too.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use alerting::manager::config::{self, Source};
use alerting::notify::Receivers;
use anyhow::Context as _;
use foundation::clock::SystemClock;

use crate::cli::CheckConfigArgs;

/// What there is to say, and whether every file can be used.
pub(crate) fn run(args: &CheckConfigArgs) -> anyhow::Result<(String, bool)> {
    let receivers = Receivers::new(Arc::new(SystemClock));
    let (mut out, mut usable) = (String::new(), true);
    for path in &args.files {
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        let base = path.parent().unwrap_or(Path::new(""));
        let source = Source { base, external_url: "http://localhost:9093", section: false };
        let loaded = config::load(&text, source, &receivers);
        let verdict = if loaded.config.is_some() { "SUCCESS" } else { "FAILED" };
        usable &= loaded.config.is_some();
        let _ = writeln!(out, "Checking '{}'  {verdict}", path.display());
        if let Some(config) = &loaded.config {
            let channels: Vec<_> = config.receivers.iter().flat_map(|r| &r.slots).collect();
            let disabled = channels.iter().filter(|s| s.channel.is_err()).count();
            let _ = writeln!(
                out,
                "Found:\n - {} routes\n - {} receivers with {} channels, {disabled} of them disabled\n - {} inhibit rules\n - {} time intervals",
                config.routes.all().len(),
                config.receivers.len(),
                channels.len(),
                config.inhibit_rules.len(),
                config.time_intervals.len(),
            );
        }
        let name = path.display().to_string().into();
        for finding in &loaded.findings {
            let _ = writeln!(out, "{}", finding.of(&name));
        }
        let valid = if loaded.valid_in_alertmanager { "yes" } else { "no" };
        let _ = writeln!(out, "valid in Alertmanager: {valid}");
    }
    Ok((out, usable))
}
