//! What every channel was told last of every group, and whether it has to be told again.
//!
//! From Alertmanager's `notify.DedupStage`: an entry per group and channel with the fingerprints that fired and those that
//! did not. It is kept for twice the repeat interval.

use std::time::Duration;

use foundation::UnixNanos;
use metastore::{LogEntry, LogKey};
use rustc_hash::FxHashMap;

use crate::notification::Reason;

/// The longest that entries are kept, as Alertmanager's `--data.retention`.
pub(super) const RETENTION: Duration = Duration::from_secs(120 * 3600);

/// The alerts of a group as a channel would be told now: fingerprints, sorted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Told {
    pub firing: Vec<u64>,
    pub resolved: Vec<u64>,
}

#[derive(Default)]
pub(super) struct NotificationLog(FxHashMap<LogKey, LogEntry>);

impl NotificationLog {
    pub(super) fn restore(entries: Vec<(LogKey, LogEntry)>) -> Self {
        Self(entries.into_iter().collect())
    }

    pub(super) fn get(&self, key: &LogKey, now: UnixNanos) -> Option<&LogEntry> {
        self.0.get(key).filter(|e| e.expires_at > now)
    }

    pub(super) fn insert(&mut self, key: LogKey, entry: LogEntry) {
        self.0.insert(key, entry);
    }

    pub(super) fn prune(&mut self, now: UnixNanos) {
        self.0.retain(|_, e| e.expires_at > now);
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Moves all times, because the clock was set.
    pub(super) fn shift(&mut self, by_ns: i64) {
        for entry in self.0.values_mut() {
            entry.at = UnixNanos(entry.at.0.saturating_add(by_ns));
            entry.expires_at = UnixNanos(entry.expires_at.0.saturating_add(by_ns));
        }
    }
}

/// The entry of a message that was delivered.
pub(super) fn entry(told: &Told, now: UnixNanos, repeat: Duration) -> LogEntry {
    let kept = RETENTION.min(repeat.saturating_mul(2));
    LogEntry { at: now, expires_at: now.plus(kept), firing: told.firing.clone(), resolved: told.resolved.clone() }
}

/// Why a channel has to be told now, if it has to.
pub(super) fn reason(
    last: Option<&LogEntry>,
    told: &Told,
    send_resolved: bool,
    repeat: Duration,
    now: UnixNanos,
) -> Option<Reason> {
    let Some(last) = last else {
        return (!told.firing.is_empty()).then_some(Reason::FirstNotification);
    };
    let all_in = |these: &[u64], those: &[u64]| these.iter().all(|t| those.binary_search(t).is_ok());
    if !all_in(&told.firing, &last.firing) {
        return Some(Reason::NewAlertsInGroup);
    }
    if told.firing.is_empty() {
        return (!last.firing.is_empty()).then_some(Reason::AllAlertsResolved);
    }
    if send_resolved && !all_in(&told.resolved, &last.resolved) {
        return Some(Reason::NewResolvedAlerts);
    }
    (last.at < now.minus(repeat)).then_some(Reason::RepeatIntervalElapsed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_channel_is_told_what_it_does_not_know() {
        let told = |firing: &[u64], resolved: &[u64]| Told { firing: firing.to_vec(), resolved: resolved.to_vec() };
        let repeat = Duration::from_secs(100);
        let last = entry(&told(&[1, 2], &[3]), UnixNanos::from_secs(1000), repeat);
        let reason = |last: Option<&LogEntry>, firing: &[u64], resolved: &[u64], send_resolved, now| {
            super::reason(last, &told(firing, resolved), send_resolved, repeat, UnixNanos::from_secs(now))
        };
        assert_eq!(reason(None, &[], &[1], true, 0), None, "what ended before anybody heard of it");
        assert_eq!(reason(None, &[1], &[], true, 0), Some(Reason::FirstNotification));
        let last = Some(&last);
        assert_eq!(reason(last, &[1, 4], &[], true, 1001), Some(Reason::NewAlertsInGroup));
        assert_eq!(reason(last, &[1, 2], &[3], true, 1100), None, "not yet");
        assert_eq!(reason(last, &[1, 2], &[3], true, 1101), Some(Reason::RepeatIntervalElapsed));
        assert_eq!(reason(last, &[1], &[2, 3], true, 1001), Some(Reason::NewResolvedAlerts));
        assert_eq!(reason(last, &[1], &[2, 3], false, 1001), None);
        assert_eq!(reason(last, &[], &[1, 2], false, 1001), Some(Reason::AllAlertsResolved), "to clear the log");
        let cleared = entry(&told(&[], &[1]), UnixNanos::from_secs(1000), repeat);
        assert_eq!(reason(Some(&cleared), &[], &[1], true, 5000), None);
        assert_eq!(cleared.expires_at, UnixNanos::from_secs(1200));
    }
}
