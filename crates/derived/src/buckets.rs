//! The upper bounds of a histogram of durations.

use std::time::Duration;

/// Rising upper bounds (inclusive) in nanoseconds; the infinite one is not among them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Buckets(Box<[u64]>);

impl Buckets {
    pub(crate) fn new(bounds: &[Duration]) -> Self {
        let mut nanos: Vec<u64> = bounds.iter().map(|d| u64::try_from(d.as_nanos()).unwrap_or(u64::MAX)).collect();
        nanos.sort_unstable();
        nanos.dedup();
        Self(nanos.into())
    }

    /// How many counts a histogram has, that of the infinite bound included.
    pub(crate) fn counts(&self) -> usize {
        self.0.len() + 1
    }

    pub(crate) fn bounds(&self) -> &[u64] {
        &self.0
    }

    /// The bucket of a duration. A plain count of lower bounds: no branch to mispredict, and bounds are few.
    pub(crate) fn index(&self, nanos: u64) -> usize {
        self.0.iter().map(|bound| usize::from(*bound < nanos)).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_inclusive() {
        let buckets = Buckets::new(&[Duration::from_nanos(10), Duration::from_nanos(5)]);
        assert_eq!([0, 5, 6, 10, 11].map(|n| buckets.index(n)), [0, 0, 1, 1, 2]);
        assert_eq!(buckets.counts(), 3);
    }
}
