//! A stretch of time, the first thing every query is bounded by.

use crate::UnixNanos;

/// From `start` (inclusive) to `end` (exclusive).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TimeRange {
    /// The first nanosecond inside.
    pub start: UnixNanos,
    /// The first nanosecond after.
    pub end: UnixNanos,
}

impl TimeRange {
    /// All of time.
    pub const ALL: Self = Self { start: UnixNanos::MIN, end: UnixNanos::MAX };

    /// From `start` (inclusive) to `end` (exclusive); empty when `end <= start`.
    pub const fn new(start: UnixNanos, end: UnixNanos) -> Self {
        Self { start, end }
    }

    /// Whether `t` lies inside.
    pub fn contains(&self, t: UnixNanos) -> bool {
        self.start <= t && t < self.end
    }

    /// Whether any moment of `[min, max]` (both inclusive) lies inside.
    pub fn overlaps(&self, min: UnixNanos, max: UnixNanos) -> bool {
        self.start <= max && min < self.end
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn start_is_inside_and_end_is_not() {
        let r = TimeRange::new(UnixNanos(10), UnixNanos(20));
        assert!(r.contains(UnixNanos(10)) && !r.contains(UnixNanos(20)));
        assert!(r.overlaps(UnixNanos(0), UnixNanos(10)));
        assert!(!r.overlaps(UnixNanos(20), UnixNanos(30)));
    }
}
