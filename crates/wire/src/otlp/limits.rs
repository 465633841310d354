//! What a record may be to be stored; each limit refuses the one record that exceeds it.

use foundation::UnixNanos;

use super::fault::{Fault, Refusal};

/// Bounds on records, and the times that decide about them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The earliest time a record may have (inclusive): spans start, logs and points happen, not before it.
    pub accept_from: UnixNanos,
    /// The end of the times a record may have (exclusive): spans end, logs and points happen, before it.
    pub accept_to: UnixNanos,
    /// When the request arrived; the time of log records that have none.
    pub now: UnixNanos,
    /// Attributes of one resource, scope, record, event, link or exemplar.
    pub max_attributes: usize,
    /// Bytes of one key, text, bytes value, array or map, log bodies included.
    pub max_value_bytes: usize,
    /// Events of one span.
    pub max_events: usize,
    /// Links of one span.
    pub max_links: usize,
    /// Exemplars of one data point.
    pub max_exemplars: usize,
    /// Buckets of one sign of a histogram point, and quantiles of a summary point.
    pub max_buckets: usize,
}

impl Limits {
    /// The default sizes, and all of time. Times beyond the year 2262 do not fit and are refused even so.
    pub const fn new(now: UnixNanos) -> Self {
        Self {
            accept_from: UnixNanos::MIN,
            accept_to: UnixNanos::MAX,
            now,
            max_attributes: 1024,
            max_value_bytes: 1 << 20,
            max_events: 4096,
            max_links: 4096,
            max_exemplars: 1024,
            max_buckets: 16_384,
        }
    }

    /// The default sizes, and times from `from` (inclusive) to `to` (exclusive).
    pub const fn accepting(now: UnixNanos, from: UnixNanos, to: UnixNanos) -> Self {
        Self { accept_from: from, accept_to: to, ..Self::new(now) }
    }

    /// Refuses a time outside the window; `field` is its name on the wire.
    pub(super) fn check_time(&self, field: &'static str, time: UnixNanos) -> Result<(), Fault> {
        if time < self.accept_from {
            return Err(Refusal::TooOld { time, accept_from: self.accept_from }.in_field(field));
        }
        if time >= self.accept_to {
            return Err(Refusal::TooNew { time, accept_to: self.accept_to }.in_field(field));
        }
        Ok(())
    }

    /// Refuses a text, key or value of more bytes than the limit.
    #[inline]
    pub(super) fn check_bytes(&self, bytes: usize) -> Result<(), Fault> {
        if bytes > self.max_value_bytes {
            return Err(Refusal::TooLarge { bytes, limit: self.max_value_bytes }.into());
        }
        Ok(())
    }
}

/// Counts one more of `what` and refuses the record at the first one above the limit.
#[inline]
pub(super) fn count(n: &mut usize, limit: usize, what: &'static str) -> Result<usize, Fault> {
    let index = *n;
    if index >= limit {
        return Err(Refusal::TooMany { what, limit }.into());
    }
    *n += 1;
    Ok(index)
}
