//! Where the configuration of the alert manager is: a file of its own, the section `alerting`, or nowhere.
//!
//! What stands in it is read by `alerting::manager::config`, line by line; here only the place is decided.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::Problems;
use super::load::directory;
use super::rules::RawAlertmanager;
use crate::cli::ServeArgs;

/// The section, as far as this reader looks at it: the names that it may have.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawAlerting {
    /// Others that hear of alerts, as in Prometheus.
    pub alertmanagers: Vec<RawAlertmanager>,
    global: IgnoredAny,
    route: Option<IgnoredAny>,
    receivers: Option<IgnoredAny>,
    inhibit_rules: IgnoredAny,
    mute_time_intervals: IgnoredAny,
    time_intervals: IgnoredAny,
    maintenance_windows: IgnoredAny,
    templates: IgnoredAny,
    tracing: IgnoredAny,
    event_recorder: IgnoredAny,
}

/// Where the alert manager is configured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Source {
    /// Nowhere: what was set through the API is used, or nobody is told.
    Nowhere,
    /// A file as Alertmanager has it.
    File(PathBuf),
    /// The section `alerting` of these configuration files; the last that has it.
    Section(Vec<PathBuf>),
}

pub(super) fn source(args: &ServeArgs, file: Option<&Path>, section: &RawAlerting, p: &mut Problems) -> Source {
    let inline = section.route.is_some() || section.receivers.is_some();
    if args.alertmanager_config.is_none() && file.is_some() && inline {
        p.say("alerting_file: there is a section `alerting` with routes too; keep one of them".to_owned());
    }
    match (&args.alertmanager_config, file) {
        (Some(path), _) => Source::File(path.clone()),
        (None, Some(path)) => Source::File(directory(&args.config).join(path)),
        (None, None) if inline => {
            let files = args.config.iter().filter(|s| !s.starts_with("env:") && !s.starts_with("yaml:"));
            Source::Section(files.map(|s| PathBuf::from(s.strip_prefix("file:").unwrap_or(s))).collect())
        }
        (None, None) => Source::Nowhere,
    }
}
