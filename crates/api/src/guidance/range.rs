//! Stretches of time in bodies.

use foundation::UnixNanos;
use model::TimeRange;

use crate::native::error::ApiError;

/// From `from` (inclusive) to `to` (exclusive), in unix milliseconds.
pub(super) fn range(from: i64, to: i64) -> Result<TimeRange, ApiError> {
    if from >= to {
        let message = format!("the range is empty: it goes from {from} to {to}");
        return Err(ApiError::invalid("from_unix_milli", message));
    }
    Ok(TimeRange::new(nanos(from), nanos(to)))
}

/// The moment; the first or last that can be stored when it lies beyond.
const fn nanos(ms: i64) -> UnixNanos {
    UnixNanos(ms.saturating_mul(1_000_000))
}
