//! Which partitions go: past their time first, then the oldest above a size, then the oldest of all while the disk is low.
//!
//! Pure: the same partitions, limits, time and room give the same removals, so
//! what a dry run announces is what retention does.

use std::time::Duration;

use foundation::UnixNanos;
use model::Signal;
use serde::Serialize;

/// A day of logs or spans, or a block of samples.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartitionInfo {
    /// Of which signal.
    pub signal: Signal,
    /// The day's folder, or the block's number.
    pub name: String,
    /// When its time is over: retention counts from here.
    pub end: UnixNanos,
    /// Of the oldest and the newest record.
    pub min_time: UnixNanos,
    /// See `min_time`.
    pub max_time: UnixNanos,
    /// Records: log records, spans, samples.
    pub records: u64,
    /// Bytes of its files.
    pub bytes: u64,
    /// Numbers of its segments; of a block its own.
    pub parts: Vec<u64>,
}

/// How much of a signal is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Limit {
    /// Partitions that ended longer ago are removed.
    pub retention: Option<Duration>,
    /// Above, the oldest partitions are removed, the newest never. Segments and blocks count, logs do not.
    pub bytes_max: Option<u64>,
}

/// What to do when the disk has less room than is to be kept free.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum WhenLow {
    /// Refuse new data until there is room.
    #[default]
    Refuse,
    /// Remove the oldest partitions of all signals, the newest of each never; refuse when that is not enough.
    RemoveOldest,
}

/// Everything that retention follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Limits {
    /// Log records.
    pub logs: Limit,
    /// Spans.
    pub traces: Limit,
    /// Samples.
    pub metrics: Limit,
    /// Bytes of disk that stay free.
    pub min_free: u64,
    /// What happens below.
    pub when_low: WhenLow,
}

impl Limits {
    /// Those of a signal.
    pub fn of(&self, signal: Signal) -> Limit {
        match signal {
            Signal::Logs => self.logs,
            Signal::Traces => self.traces,
            Signal::Metrics => self.metrics,
        }
    }

    /// The same with another one for a signal.
    #[must_use]
    pub fn with(mut self, signal: Signal, limit: Limit) -> Self {
        match signal {
            Signal::Logs => self.logs = limit,
            Signal::Traces => self.traces = limit,
            Signal::Metrics => self.metrics = limit,
        }
        self
    }

    /// At how much free room removing begins: above the point where new data is refused, so that it need not be.
    pub fn low_water(&self) -> u64 {
        self.min_free.saturating_mul(2)
    }
}

/// Why a partition goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// It ended longer ago than the retention.
    Retention,
    /// The signal takes more than its size.
    Size,
    /// The disk is nearly full.
    LowDisk,
}

impl Reason {
    /// One or two words.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Retention => "retention",
            Self::Size => "size",
            Self::LowDisk => "low disk",
        }
    }
}

/// A partition that goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removal {
    /// As it was when this was decided; what came since stays.
    pub partition: PartitionInfo,
    /// Why.
    pub reason: Reason,
}

/// What goes now, oldest first within each reason. `free` is the room on the disk.
pub fn plan(partitions: &[PartitionInfo], limits: &Limits, now: UnixNanos, free: u64) -> Vec<Removal> {
    let mut left: Vec<&PartitionInfo> = partitions.iter().collect();
    left.sort_by_key(|p| (p.end, p.signal.name(), p.parts.clone()));
    let mut out = Vec::new();
    let mut take = |left: &mut Vec<&PartitionInfo>, at: usize, reason| {
        out.push(Removal { partition: left.remove(at).clone(), reason });
    };
    while let Some(at) = left.iter().position(|p| limits.of(p.signal).retention.is_some_and(|r| p.end <= now.minus(r)))
    {
        take(&mut left, at, Reason::Retention);
    }
    for signal in [Signal::Logs, Signal::Traces, Signal::Metrics] {
        let Some(max) = limits.of(signal).bytes_max else { continue };
        let bytes = |left: &[&PartitionInfo]| left.iter().filter(|p| p.signal == signal).map(|p| p.bytes).sum::<u64>();
        while bytes(&left) > max
            && let Some(at) = oldest(&left, |p| p.signal == signal)
        {
            take(&mut left, at, Reason::Size);
        }
    }
    let gone: u64 = partitions.iter().map(|p| p.bytes).sum::<u64>() - left.iter().map(|p| p.bytes).sum::<u64>();
    let mut free = free.saturating_add(gone);
    while limits.when_low == WhenLow::RemoveOldest
        && free < limits.low_water()
        && let Some(at) = oldest(&left, |_| true)
    {
        free = free.saturating_add(left[at].bytes);
        take(&mut left, at, Reason::LowDisk);
    }
    out
}

/// The oldest partition that has a newer one of its signal beside it.
fn oldest(left: &[&PartitionInfo], mut wanted: impl FnMut(&PartitionInfo) -> bool) -> Option<usize> {
    let has_newer = |at: usize| left[at + 1..].iter().any(|p| p.signal == left[at].signal);
    (0..left.len()).find(|at| wanted(left[*at]) && has_newer(*at))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_secs(86_400);

    fn day(signal: Signal, day: u32, bytes: u64) -> PartitionInfo {
        let end = UnixNanos(0).plus(DAY * (day + 1));
        let parts = vec![u64::from(day)];
        let name = day.to_string();
        PartitionInfo { signal, name, end, min_time: end.minus(DAY), max_time: end, records: 1, bytes, parts }
    }

    fn planned(partitions: &[PartitionInfo], limits: &Limits, free: u64) -> Vec<String> {
        let now = UnixNanos(0).plus(DAY * 10);
        let text = |r: Removal| format!("{} {} {}", r.partition.signal.name(), r.partition.name, r.reason.name());
        plan(partitions, limits, now, free).into_iter().map(text).collect()
    }

    #[test]
    fn nothing_goes_without_a_limit() {
        assert!(planned(&[day(Signal::Logs, 0, 10)], &Limits::default(), 0).is_empty());
    }

    #[test]
    fn each_signal_has_its_own_limits() {
        let all: Vec<_> = [Signal::Logs, Signal::Traces, Signal::Metrics]
            .into_iter()
            .flat_map(|s| (5..10).map(move |d| day(s, d, 10)))
            .collect();
        let limits = Limits {
            logs: Limit { retention: Some(DAY * 3), bytes_max: None },
            traces: Limit { retention: None, bytes_max: Some(39) },
            ..Limits::default()
        };
        assert_eq!(
            planned(&all, &limits, 0),
            ["logs 5 retention", "logs 6 retention", "traces 5 size", "traces 6 size"]
        );
    }

    #[test]
    fn the_newest_partition_goes_only_when_its_time_is_over() {
        let one = [day(Signal::Logs, 2, 1_000)];
        let limits = Limits {
            logs: Limit { retention: None, bytes_max: Some(10) },
            min_free: 1_000,
            when_low: WhenLow::RemoveOldest,
            ..Limits::default()
        };
        assert!(planned(&one, &limits, 0).is_empty());
        let limits = Limits { logs: Limit { retention: Some(DAY), bytes_max: None }, ..limits };
        assert_eq!(planned(&one, &limits, 0), ["logs 2 retention"]);
    }

    #[test]
    fn on_a_low_disk_the_oldest_go_until_there_is_room() {
        let all = [
            day(Signal::Metrics, 1, 10),
            day(Signal::Logs, 2, 10),
            day(Signal::Metrics, 3, 10),
            day(Signal::Logs, 4, 10),
            day(Signal::Logs, 5, 10),
        ];
        let limits = Limits { min_free: 10, when_low: WhenLow::RemoveOldest, ..Limits::default() };
        assert_eq!(planned(&all, &limits, 0), ["metrics 1 low disk", "logs 2 low disk"]);
        assert_eq!(planned(&all, &limits, 15), ["metrics 1 low disk"]);
        assert!(planned(&all, &limits, 20).is_empty());
        assert!(planned(&all, &Limits { when_low: WhenLow::Refuse, ..limits }, 0).is_empty());
        // What another limit removes counts as room.
        let limits = Limits { logs: Limit { retention: Some(DAY * 6), bytes_max: None }, ..limits };
        assert_eq!(planned(&all, &limits, 10), ["logs 2 retention"]);
        let limits = limits.with(Signal::Logs, Limit::default()).with(Signal::Metrics, limits.logs);
        assert_eq!(planned(&all, &limits, 20), ["metrics 1 retention", "metrics 3 retention"]);
    }
}
