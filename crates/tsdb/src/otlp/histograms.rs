//! OTLP histograms as native histograms.
//!
//! OpenTelemetry specification, "Prometheus and OpenMetrics Compatibility", "Exponential Histograms":
//! scales above 8 are merged down to 8, scales below -4 have no schema and are
//! refused; OTLP's bucket `i` is `(base^i, base^(i+1)]`, Prometheus' is
//! `(base^(i-1), base^i]`.

use std::collections::BTreeMap;

use model::histogram::{BucketSpan, CUSTOM_BUCKETS_SCHEMA, EXPONENTIAL_SCHEMAS, Histogram};
use wire::sink::{ExponentialBuckets, ExponentialHistogramFields, HistogramFields};

use crate::histogram;

/// What a zero threshold of 0 becomes, as in Prometheus: its buckets never reach zero either.
const ZERO_THRESHOLD_DEFAULT: f64 = 1e-128;

pub(super) fn exponential(h: &ExponentialHistogramFields<'_>) -> Result<Histogram<u64>, String> {
    let (min, max) = (*EXPONENTIAL_SCHEMAS.start(), *EXPONENTIAL_SCHEMAS.end());
    if h.scale < min {
        return Err(format!(
            "exponential histograms of scale {} cannot be stored: the smallest scale is {min}",
            h.scale
        ));
    }
    let merged = u32::try_from(h.scale.saturating_sub(max)).unwrap_or_default();
    let (positive_spans, positive) = buckets(&h.positive, merged)?;
    let (negative_spans, negative) = buckets(&h.negative, merged)?;
    let zero_threshold = if h.zero_threshold == 0.0 { ZERO_THRESHOLD_DEFAULT } else { h.zero_threshold };
    Ok(Histogram {
        schema: h.scale.min(max),
        zero_threshold,
        zero_count: h.zero_count,
        count: h.count,
        sum: h.sum.unwrap_or_default(),
        positive_spans,
        positive,
        negative_spans,
        negative,
        ..Histogram::default()
    })
}

/// Runs and counts of the buckets of one sign, `merged` scales coarser.
fn buckets(b: &ExponentialBuckets<'_>, merged: u32) -> Result<(Vec<BucketSpan>, Vec<u64>), String> {
    let mut found = BTreeMap::new();
    for (i, count) in (1i64..).zip(b.counts).filter(|(_, count)| **count > 0) {
        let Ok(index) = i32::try_from(i64::from(b.offset) + i) else {
            return Err(format!("the buckets of the exponential histogram lie beyond index {}", i32::MAX));
        };
        let n: &mut u64 = found.entry(histogram::coarser(index, merged)).or_default();
        *n = n.saturating_add(*count);
    }
    Ok(histogram::lay_out(&found))
}

/// A histogram with explicit bounds as one with custom buckets ("NHCB").
pub(super) fn custom(h: &HistogramFields<'_>) -> Histogram<u64> {
    let found: BTreeMap<i32, u64> = (0..).zip(h.bucket_counts.iter().copied()).collect();
    let (positive_spans, positive) = histogram::lay_out(&found);
    Histogram {
        schema: CUSTOM_BUCKETS_SCHEMA,
        count: h.count,
        sum: h.sum.unwrap_or_default(),
        positive_spans,
        positive,
        custom_bounds: h.bounds.iter().copied().filter(|b| *b != f64::INFINITY).collect(),
        ..Histogram::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(scale: i32, offset: i32, counts: &[u64]) -> ExponentialHistogramFields<'_> {
        ExponentialHistogramFields {
            count: counts.iter().sum(),
            sum: Some(1.5),
            min: None,
            max: None,
            scale,
            zero_count: 0,
            zero_threshold: 0.0,
            positive: ExponentialBuckets { offset, counts },
            negative: ExponentialBuckets::default(),
        }
    }

    fn positive(h: &Histogram<u64>) -> Vec<(i32, u64)> {
        model::histogram::buckets(&h.positive_spans, &h.positive).map(|(i, n)| (i, *n)).collect()
    }

    #[test]
    fn buckets_are_those_of_prometheus() {
        let h = exponential(&fields(3, -2, &[1, 2, 0, 4])).expect("scale 3");
        assert_eq!((h.schema, h.count, h.sum, h.zero_threshold), (3, 7, 1.5, 1e-128));
        assert_eq!(positive(&h), [(-1, 1), (0, 2), (1, 0), (2, 4)]);
    }

    #[test]
    fn finer_scales_are_merged_and_coarser_ones_refused() {
        // At scale 10 bucket i is 4 times finer than at scale 8: OTLP's 3 and 4 are the last of one and the first of the next.
        let h = exponential(&fields(10, 0, &[1, 1, 1, 1, 1])).expect("scale 10");
        assert_eq!(h.schema, 8);
        assert_eq!(positive(&h), [(1, 4), (2, 1)]);
        assert_eq!(exponential(&fields(-4, 0, &[1])).map(|h| h.schema), Ok(-4));
        let e = exponential(&fields(-5, 0, &[1])).expect_err("no schema");
        assert!(e.contains("scale -5"), "{e}");
        assert!(exponential(&fields(0, i32::MAX, &[1])).is_err());
        assert!(exponential(&fields(i32::MAX, i32::MIN, &[1])).is_ok());
    }

    #[test]
    fn explicit_bounds_can_be_custom_buckets() {
        let fields = HistogramFields {
            count: 6,
            sum: None,
            min: None,
            max: None,
            bucket_counts: &[1, 0, 0, 0, 5],
            bounds: &[1.0, 2.0, 3.0, 4.0],
        };
        let h = custom(&fields);
        assert_eq!((h.schema, h.count, h.custom_bounds.len()), (-53, 6, 4));
        assert_eq!(positive(&h), [(0, 1), (4, 5)]);
    }
}
