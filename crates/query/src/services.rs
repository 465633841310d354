//! Reads of services: rate, errors and durations, one operation per file.

mod list;
mod operations;

pub use list::{ServiceSummary, list};
pub use operations::{OperationSummary, operations};

use eventstore::query::RedGroup;

/// Rate, errors and durations of calls.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Red {
    /// How many calls there were.
    pub calls: u64,
    /// Calls with the status error.
    pub errors: u64,
    /// Calls per second over the whole range.
    pub rate_per_s: f64,
    /// Errors per call, 0 without calls.
    pub error_ratio: f64,
    /// Median duration, within 1/64; 0 without calls. So for the others.
    pub p50_nanos: u64,
    /// 95 % of the calls took at most this.
    pub p95_nanos: u64,
    /// 99 % of the calls took at most this.
    pub p99_nanos: u64,
}

impl Red {
    fn of(group: &RedGroup, seconds: f64) -> Self {
        Self {
            calls: group.calls,
            errors: group.errors,
            rate_per_s: group.calls as f64 / seconds,
            error_ratio: if group.calls == 0 { 0.0 } else { group.errors as f64 / group.calls as f64 },
            p50_nanos: group.p50_nanos,
            p95_nanos: group.p95_nanos,
            p99_nanos: group.p99_nanos,
        }
    }
}
