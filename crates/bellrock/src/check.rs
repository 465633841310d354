//! `bellrock check`: everything that is to be said of a configuration and of the files that it names (rules, objectives, the
//! alert manager's), as a start would find it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use alerting::rules::book::{self, matching};
use alerting::slo;
use foundation::clock::SystemClock;
use yaml::{Finding, Findings, Place, Severity};

use crate::cli::CheckArgs;
use crate::config::alerting::Source;
use crate::config::{self, Config, Draft};
use crate::serve::alerting::Reader;

/// Everything that is to be said, and whether the files pass.
pub(crate) fn run(args: &CheckArgs) -> (String, bool) {
    let Draft { config, plan, document, mut findings } = config::draft(args);
    let place_of = |setting: &str| document.place_of(setting).clone();
    let found = if args.collect { Vec::new() } else { named(&config, place_of, &mut findings) };
    let mut text = findings.to_string();
    if !text.is_empty() {
        text.push('\n');
    }
    let passes = !findings.has_errors() && (findings.is_empty() || !args.strict);
    if let (Some(plan), true) = (plan, passes) {
        for (id, [receivers, processors, exporters]) in plan.pipelines() {
            let parts: Vec<String> =
                [receivers, processors, exporters].iter().filter(|p| !p.is_empty()).map(|p| p.join(", ")).collect();
            text.push_str(&format!("{id}: {}\n", parts.join(" -> ")));
        }
        found.iter().for_each(|line| text.push_str(&format!("{line}\n")));
    }
    (text, passes)
}

/// Looks into all files that are named; a line for each kind says what was found.
fn named(config: &Config, place_of: impl Fn(&str) -> Place, findings: &mut Findings) -> Vec<String> {
    let mut found = Vec::new();
    let rule_files = files("rule_files", &config.rules.files, &place_of, findings);
    let mut rules = 0;
    for path in &rule_files {
        let read = book::read_file(path);
        rules += read.groups.iter().map(|g| g.rules.len()).sum::<usize>();
        add(findings, path, &read.findings);
    }
    if !rule_files.is_empty() {
        found.push(format!("rule_files: {} with {}", count(rule_files.len(), "file"), count(rules, "rule")));
    }
    let slo_files = files("slo_files", &config.objectives.files, &place_of, findings);
    let mut objectives = config.objectives.configured.len();
    for path in &slo_files {
        let parsed = slo::read_file(path);
        objectives += parsed.slos.len();
        add(findings, path, &parsed.findings.into_sorted());
    }
    if objectives > 0 || !slo_files.is_empty() {
        found.push(format!("objectives: {objectives}, from {}", count(slo_files.len(), "file")));
    }
    let setting = if matches!(config.alerting, Source::File(_)) { "alerting_file" } else { "alerting" };
    match Reader::new(config, Arc::new(SystemClock)).find() {
        Ok(None) => {}
        Ok(Some((path, loaded))) => {
            add(findings, &path, &loaded.findings);
            if let Some(usable) = &loaded.config {
                let channels: Vec<_> = usable.receivers.iter().flat_map(|r| &r.slots).collect();
                let disabled = channels.iter().filter(|s| s.channel.is_err()).count();
                found.push(format!(
                    "{setting}: {}, {} with {}, {disabled} of them disabled",
                    count(usable.routes.all().len(), "route"),
                    count(usable.receivers.len(), "receiver"),
                    count(channels.len(), "channel"),
                ));
            }
        }
        Err(e) => findings.error(&place_of(setting), setting, format!("{e:#}"), ""),
    }
    found
}

fn count(n: usize, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}

fn files(
    setting: &str,
    patterns: &[PathBuf],
    place_of: impl Fn(&str) -> Place,
    findings: &mut Findings,
) -> Vec<PathBuf> {
    for pattern in patterns.iter().filter(|pattern| matching(pattern).is_empty()) {
        let message = format!("no file fits {}", pattern.display());
        let fix = "check the path; what comes later is read at a reload";
        findings.warning(&place_of(setting), setting, message, fix, None);
    }
    book::files(patterns)
}

/// What is only worth knowing is left to the commands that look at one kind of file.
fn add(findings: &mut Findings, path: &Path, noticed: &[Finding]) {
    let file: Arc<str> = path.display().to_string().into();
    noticed.iter().filter(|n| n.severity != Severity::Info).for_each(|n| findings.push(n.of(&file)));
}
