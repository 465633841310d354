//! When a group is evaluated: at multiples of its interval, moved by an offset of its own, so that not all begin at once.
//!
//! As Prometheus's `Group.EvalTimestamp`. A group that comes late is evaluated for the newest time that has passed; those before
//! are missed.

use std::time::Duration;

use foundation::UnixNanos;

use crate::alert::Fingerprint;
use model::Labels;

/// The next time of one group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Schedule {
    interval: i64,
    offset: i64,
    next: UnixNanos,
}

/// A time for which a group is to be evaluated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Due {
    pub(super) at: UnixNanos,
    /// Times before it that were not evaluated.
    pub(super) missed: u64,
}

impl Schedule {
    /// The first time after `now` of the group `name` in `file`.
    pub(super) fn new(file: &str, name: &str, interval: Duration, now: UnixNanos) -> Self {
        let interval = i64::try_from(interval.as_nanos()).unwrap_or(i64::MAX).max(1);
        let hash = Fingerprint::of(&Labels::from_pairs([("file", file), ("name", name)])).0;
        let offset = (hash % interval as u64) as i64;
        let mut schedule = Self { interval, offset, next: now };
        schedule.realign(now);
        schedule
    }

    /// The first time after `now` again.
    pub(super) fn realign(&mut self, now: UnixNanos) {
        let slot = now.0.saturating_sub(self.offset).div_euclid(self.interval);
        self.next = UnixNanos((slot + 1).saturating_mul(self.interval).saturating_add(self.offset));
    }

    pub(super) fn next(&self) -> UnixNanos {
        self.next
    }

    /// The newest time that has come by `now`, if there is one; the next is after `now`.
    pub(super) fn take(&mut self, now: UnixNanos) -> Option<Due> {
        let late = now.0.saturating_sub(self.next.0);
        if late < 0 {
            return None;
        }
        let missed = late / self.interval;
        let at = UnixNanos(self.next.0 + missed * self.interval);
        self.next = UnixNanos(at.0.saturating_add(self.interval));
        Some(Due { at, missed: missed as u64 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INTERVAL: Duration = Duration::from_secs(15);

    #[test]
    fn times_are_the_same_after_every_start_and_differ_between_groups() {
        let now = UnixNanos::from_secs(1_000_000);
        let of = |name, now| Schedule::new("rules.yaml", name, INTERVAL, now).next();
        let first = of("a", now);
        assert!(first > now && first <= now.plus(INTERVAL));
        assert_eq!(of("a", now.plus(INTERVAL)), first.plus(INTERVAL));
        assert_eq!(of("a", first), first.plus(INTERVAL), "strictly after");
        assert_ne!(of("b", now), first);
    }

    #[test]
    fn a_late_group_takes_the_newest_time_and_counts_the_others() {
        let now = UnixNanos::from_secs(1_000_000);
        let mut s = Schedule::new("f", "g", INTERVAL, now);
        let first = s.next();
        assert_eq!(s.take(first.minus(Duration::from_nanos(1))), None);
        assert_eq!(s.take(first), Some(Due { at: first, missed: 0 }));
        let late = first.plus(Duration::from_secs(50));
        assert_eq!(s.take(late), Some(Due { at: first.plus(Duration::from_secs(45)), missed: 2 }));
        assert_eq!(s.take(late), None);
        assert_eq!(s.next(), first.plus(Duration::from_secs(60)));
    }
}
