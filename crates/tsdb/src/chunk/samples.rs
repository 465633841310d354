//! Samples: what a series holds.

use std::sync::Arc;

use model::histogram::{BucketSpan, Histogram};

/// A histogram as it was sent: with whole counts or with any numbers.
#[derive(Debug, Clone, PartialEq)]
pub enum HistogramValue {
    /// Whole counts.
    Int(Arc<Histogram<u64>>),
    /// Any numbers, as after a recording rule.
    Float(Arc<Histogram<f64>>),
}

impl HistogramValue {
    /// Whether every span has its counts and the indexes of buckets rise; others are not stored.
    pub fn is_well_formed(&self) -> bool {
        match self {
            Self::Int(h) => is_well_formed(h),
            Self::Float(h) => is_well_formed(h),
        }
    }
}

/// Whether each span has its counts and bucket indexes rise.
fn is_well_formed<N>(h: &Histogram<N>) -> bool {
    fits(&h.positive_spans, h.positive.len()) && fits(&h.negative_spans, h.negative.len())
}

fn fits(spans: &[BucketSpan], counts: usize) -> bool {
    let mut next = 0i64;
    let mut buckets = 0u64;
    for (i, span) in spans.iter().enumerate() {
        let first = next + i64::from(span.offset);
        next = first + i64::from(span.length);
        buckets += u64::from(span.length);
        if i > 0 && span.offset < 0 || i32::try_from(first).is_err() || i32::try_from(next).is_err() {
            return false;
        }
    }
    buckets == counts as u64
}
