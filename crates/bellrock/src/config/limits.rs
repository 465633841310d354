//! How long and how much is kept: the part of the section `storage` that retention follows.

use std::time::Duration;

use foundation::units::{ByteSize, format_duration};
use serde::Deserialize;
use storage::{Limit, Limits, WhenLow};

use super::{Problems, raw};

/// A signal's part of `storage`, as it is written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Raw {
    retention: Option<String>,
    size_max: Option<raw::Size>,
}

/// Room that is kept free when nothing is configured.
const MIN_FREE: ByteSize = ByteSize::mib(128);

pub(super) fn validate(p: &mut Problems, raw: &raw::Storage, retention: Duration) -> Limits {
    let mut limit = |name: &str, raw: &Raw| {
        let setting = format!("storage.{name}.retention");
        let kept = p.duration(&setting, raw.retention.as_deref(), retention);
        if kept.is_zero() {
            p.say(format!("{setting}: must be greater than zero"));
        }
        // 0 is how `config print` writes that there is no limit.
        let size = p.size(&format!("storage.{name}.size_max"), raw.size_max.as_ref(), ByteSize(0));
        Limit { retention: Some(kept), bytes_max: (size.0 > 0).then_some(size.0) }
    };
    let (logs, traces, metrics) =
        (limit("logs", &raw.logs), limit("traces", &raw.traces), limit("metrics", &raw.metrics));
    let when_low = match raw.when_low.as_deref() {
        None | Some("refuse") => WhenLow::Refuse,
        Some("remove_oldest") => WhenLow::RemoveOldest,
        Some(other) => {
            p.say(format!("storage.when_low: `{other}` is not known; write `refuse` or `remove_oldest`"));
            WhenLow::Refuse
        }
    };
    let min_free = p.size("storage.min_free", raw.min_free.as_ref(), MIN_FREE).0;
    Limits { logs, traces, metrics, min_free, when_low }
}

/// The lines below `storage`.
pub(super) fn print(l: &Limits) -> String {
    let limit = |l: Limit| {
        let retention = l.retention.map_or_else(String::new, format_duration);
        format!("{{retention: {retention}, size_max: {}}}", ByteSize(l.bytes_max.unwrap_or(0)))
    };
    format!(
        "  \
  # Per signal: how long it is kept, and how many bytes it may take before its oldest partitions go (0: no limit).
  logs: {logs}
  traces: {traces}
  metrics: {metrics}
  # With less room on the disk senders are told to come back.
  min_free: {min_free}
  # With less than twice that: `refuse`, or `remove_oldest` partitions first.
  when_low: {when_low}
",
        logs = limit(l.logs),
        traces = limit(l.traces),
        metrics = limit(l.metrics),
        min_free = ByteSize(l.min_free),
        when_low = match l.when_low {
            WhenLow::Refuse => "refuse",
            WhenLow::RemoveOldest => "remove_oldest",
        },
    )
}
