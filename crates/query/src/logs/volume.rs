//! How many log records there are over time, by level.

use eventstore::EventStore;
use eventstore::query::{Buckets, GroupBy, Outcome};
use foundation::UnixNanos;

use crate::EventSignal;
use crate::read::{ReadError, Request, bounded};

/// The levels that [`Volume::counts`] counts, in this order; the names of the OpenTelemetry ranges.
pub const LEVELS: [&str; 7] = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL", "UNSPECIFIED"];

/// Most buckets: more than any screen has columns.
pub const BUCKETS_MAX: usize = 2_000;

/// Counts over time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Volume {
    /// Where the first bucket begins.
    pub start: UnixNanos,
    /// How long each bucket is; the last one may reach beyond the range.
    pub step_nanos: i64,
    /// Per bucket, one count per level of [`LEVELS`].
    pub counts: Vec<[u64; LEVELS.len()]>,
}

/// Counts matching records in at most `buckets` equal steps.
///
/// # Errors
/// A wrong filter, or more than [`BUCKETS_MAX`] buckets.
pub fn volume(store: &EventStore, request: &Request, buckets: usize) -> Result<Outcome<Volume>, ReadError> {
    let buckets = Buckets::split(request.range, bounded("buckets", buckets, BUCKETS_MAX)?);
    let (_, select) = request.select(EventSignal::Logs)?;
    let found = store.logs().count_over_time(&select, buckets, Some(&GroupBy::SeverityRange))?;
    Ok(found.map(|counts| {
        let mut volume = Volume {
            start: buckets.start,
            step_nanos: buckets.step_nanos,
            counts: vec![[0; LEVELS.len()]; buckets.count],
        };
        for group in counts.groups {
            // The engine names the groups as `LEVELS` does; anything else has no level.
            let level = LEVELS.iter().position(|l| *l == group.value).unwrap_or(LEVELS.len() - 1);
            for (bucket, n) in volume.counts.iter_mut().zip(group.counts) {
                bucket[level] += n;
            }
        }
        volume
    }))
}
