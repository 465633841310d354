//! One native histogram in a log record or snapshot, bit for bit, and what histograms of buckets can be made of.
//!
//! Format: `docs/formats/tsdb.md`, "Log records". Buckets here are maps from index to count; spans are
//! laid out as Prometheus' OTLP translation does.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::histogram::{BucketSpan, CounterReset, Histogram};

use crate::chunk::HistogramValue;
use crate::chunk::bits::{ByteReader, put_signed, put_varint};

const WHOLE_COUNTS: u8 = 0;
const FLOAT_COUNTS: u8 = 1;

const HINTS: [CounterReset; 4] =
    [CounterReset::Unknown, CounterReset::Reset, CounterReset::NotReset, CounterReset::Gauge];

/// A kind of counts.
trait Count: Copy {
    fn put(self, out: &mut Vec<u8>);
    fn take(r: &mut ByteReader<'_>) -> Option<Self>;
}

impl Count for u64 {
    fn put(self, out: &mut Vec<u8>) {
        put_varint(out, self);
    }

    fn take(r: &mut ByteReader<'_>) -> Option<Self> {
        r.varint()
    }
}

impl Count for f64 {
    fn put(self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.to_bits().to_le_bytes());
    }

    fn take(r: &mut ByteReader<'_>) -> Option<Self> {
        r.u64().map(f64::from_bits)
    }
}

pub(crate) fn encode(h: &HistogramValue, out: &mut Vec<u8>) {
    match h {
        HistogramValue::Int(h) => {
            out.push(WHOLE_COUNTS);
            put(h, out);
        }
        HistogramValue::Float(h) => {
            out.push(FLOAT_COUNTS);
            put(h, out);
        }
    }
}

pub(crate) fn decode(r: &mut ByteReader<'_>) -> Option<HistogramValue> {
    match r.u8()? {
        WHOLE_COUNTS => take(r).map(|h| HistogramValue::Int(Arc::new(h))),
        FLOAT_COUNTS => take(r).map(|h| HistogramValue::Float(Arc::new(h))),
        _ => None,
    }
}

fn put<N: Count>(h: &Histogram<N>, out: &mut Vec<u8>) {
    out.push(HINTS.iter().position(|hint| *hint == h.counter_reset).unwrap_or_default() as u8);
    put_signed(out, i64::from(h.schema));
    h.zero_threshold.put(out);
    h.zero_count.put(out);
    h.count.put(out);
    h.sum.put(out);
    for (spans, counts) in [(&h.positive_spans, &h.positive), (&h.negative_spans, &h.negative)] {
        put_varint(out, spans.len() as u64);
        for span in spans {
            put_signed(out, i64::from(span.offset));
            put_varint(out, u64::from(span.length));
        }
        put_varint(out, counts.len() as u64);
        counts.iter().for_each(|n| n.put(out));
    }
    put_varint(out, h.custom_bounds.len() as u64);
    h.custom_bounds.iter().for_each(|b| b.put(out));
}

fn take<N: Count + Default>(r: &mut ByteReader<'_>) -> Option<Histogram<N>> {
    let counter_reset = *HINTS.get(usize::from(r.u8()?))?;
    let mut h = Histogram { counter_reset, schema: i32::try_from(r.signed()?).ok()?, ..Histogram::default() };
    h.zero_threshold = f64::take(r)?;
    h.zero_count = N::take(r)?;
    h.count = N::take(r)?;
    h.sum = f64::take(r)?;
    for (spans, counts) in [(&mut h.positive_spans, &mut h.positive), (&mut h.negative_spans, &mut h.negative)] {
        // Grown as they are read: a length that the bytes do not keep takes no memory.
        for _ in 0..r.len()? {
            let offset = i32::try_from(r.signed()?).ok()?;
            spans.push(BucketSpan { offset, length: u32::try_from(r.varint()?).ok()? });
        }
        for _ in 0..r.len()? {
            counts.push(N::take(r)?);
        }
    }
    for _ in 0..r.len()? {
        h.custom_bounds.push(f64::take(r)?);
    }
    Some(h)
}

/// Buckets that are empty between two others and still stand in the same run: two counts of 0 are shorter than a new run.
const GAP_MAX: i64 = 2;

/// Runs and counts of buckets.
pub(crate) fn lay_out(buckets: &BTreeMap<i32, u64>) -> (Vec<BucketSpan>, Vec<u64>) {
    let (mut spans, mut counts): (Vec<BucketSpan>, Vec<u64>) = Default::default();
    // Behind the last bucket so far.
    let mut end = 0i64;
    for (index, count) in buckets.iter().filter(|(_, count)| **count > 0) {
        let gap = i64::from(*index) - end;
        match spans.last_mut() {
            Some(span) if gap <= GAP_MAX => {
                counts.extend((0..gap).map(|_| 0));
                span.length += gap as u32 + 1;
            }
            _ => spans.push(BucketSpan { offset: gap as i32, length: 1 }),
        }
        counts.push(*count);
        end = i64::from(*index) + 1;
    }
    (spans, counts)
}

/// The index, `scales` scales coarser, of the bucket that holds bucket `index`. Prometheus' buckets include their upper bound.
pub(crate) fn coarser(index: i32, scales: u32) -> i32 {
    (((i64::from(index) - 1) >> scales.min(62)) + 1) as i32
}

/// A histogram whose buckets are maps.
struct Mapped {
    positive: BTreeMap<i32, u64>,
    negative: BTreeMap<i32, u64>,
}

impl Mapped {
    fn of(h: &Histogram<u64>, scales: u32) -> Self {
        let map = |spans, counts| {
            let mut map = BTreeMap::new();
            for (index, count) in model::histogram::buckets(spans, counts) {
                let sum: &mut u64 = map.entry(coarser(index, scales)).or_default();
                *sum = sum.saturating_add(*count);
            }
            map
        };
        Self { positive: map(&h.positive_spans, &h.positive), negative: map(&h.negative_spans, &h.negative) }
    }

    /// Moves the buckets that reach into `threshold` around zero into the zero bucket; returns what they held, and how
    /// far the zero bucket then reaches: to the end of the last bucket that was moved.
    fn move_to_zero(&mut self, schema: i32, threshold: f64) -> (u64, f64) {
        let base = 2f64.powf(2f64.powi(-schema));
        let last = if threshold > 0.0 { (threshold.ln() / base.ln()).ceil() as i32 } else { i32::MIN };
        let (mut moved, mut reach) = (0u64, threshold);
        for buckets in [&mut self.positive, &mut self.negative] {
            buckets.retain(|index, count| {
                if *index > last {
                    return true;
                }
                moved = moved.saturating_add(*count);
                if *index == last && *count > 0 {
                    reach = reach.max(base.powi(last));
                }
                false
            });
        }
        (moved, reach)
    }
}

/// Adds `more` to `total`: to the coarser of the two scales and the wider of the two zero buckets. `false`, with nothing
/// done, when their bounds are custom and differ: those cannot be added.
#[must_use]
pub(crate) fn add(total: &mut Histogram<u64>, more: &Histogram<u64>) -> bool {
    let custom = total.has_custom_bounds() || more.has_custom_bounds();
    if custom && (total.schema != more.schema || total.custom_bounds != more.custom_bounds) {
        return false;
    }
    let schema = total.schema.min(more.schema);
    let scales = |h: &Histogram<u64>| h.schema.abs_diff(schema);
    let (mut sum, other) = (Mapped::of(total, scales(total)), Mapped::of(more, scales(more)));
    for (into, from) in [(&mut sum.positive, other.positive), (&mut sum.negative, other.negative)] {
        for (index, count) in from {
            let n = into.entry(index).or_default();
            *n = n.saturating_add(count);
        }
    }
    total.schema = schema;
    total.zero_count = total.zero_count.saturating_add(more.zero_count);
    if total.zero_threshold != more.zero_threshold && !custom {
        let (moved, reach) = sum.move_to_zero(schema, total.zero_threshold.max(more.zero_threshold));
        total.zero_threshold = reach;
        total.zero_count = total.zero_count.saturating_add(moved);
    }
    total.count = total.count.saturating_add(more.count);
    total.sum += more.sum;
    (total.positive_spans, total.positive) = lay_out(&sum.positive);
    (total.negative_spans, total.negative) = lay_out(&sum.negative);
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(h: &HistogramValue) {
        let mut out = Vec::new();
        encode(h, &mut out);
        let mut r = ByteReader(&out);
        assert_eq!(decode(&mut r).as_ref(), Some(h));
        assert!(r.0.is_empty());
        for len in 0..out.len() {
            assert!(decode(&mut ByteReader(&out[..len])).is_none(), "{len} of {} bytes", out.len());
        }
    }

    #[test]
    fn histograms_come_back() {
        let spans = vec![BucketSpan { offset: -3, length: 2 }, BucketSpan { offset: 4, length: 1 }];
        let whole = Histogram::<u64> {
            schema: -4,
            zero_threshold: 1e-128,
            zero_count: 1,
            count: u64::MAX,
            sum: f64::NEG_INFINITY,
            positive_spans: spans.clone(),
            positive: vec![1, 0, 300],
            negative_spans: spans,
            negative: vec![7, 8, 9],
            custom_bounds: vec![],
            counter_reset: CounterReset::Gauge,
        };
        check(&HistogramValue::Float(Arc::new(Histogram::from(&whole))));
        check(&HistogramValue::Int(Arc::new(whole)));
        let custom = Histogram::<u64> {
            schema: model::histogram::CUSTOM_BUCKETS_SCHEMA,
            custom_bounds: vec![-0.0, 1.5],
            counter_reset: CounterReset::NotReset,
            ..Histogram::default()
        };
        check(&HistogramValue::Int(Arc::new(custom)));
    }

    fn exponential(schema: i32, zero_threshold: f64, positive: &[(i32, u64)]) -> Histogram<u64> {
        let buckets: BTreeMap<i32, u64> = positive.iter().copied().collect();
        let (positive_spans, positive) = lay_out(&buckets);
        let count = positive.iter().sum();
        Histogram { schema, zero_threshold, count, sum: 1.0, positive_spans, positive, ..Histogram::default() }
    }

    fn positive(h: &Histogram<u64>) -> Vec<(i32, u64)> {
        let all = model::histogram::buckets(&h.positive_spans, &h.positive);
        all.filter(|(_, n)| **n > 0).map(|(i, n)| (i, *n)).collect()
    }

    #[test]
    fn short_gaps_are_filled_and_long_ones_begin_a_run() {
        let buckets = [(-3, 1), (0, 2), (1, 3), (5, 4)].into_iter().collect();
        let (spans, counts) = lay_out(&buckets);
        assert_eq!(spans, [BucketSpan { offset: -3, length: 5 }, BucketSpan { offset: 3, length: 1 }]);
        assert_eq!(counts, [1, 0, 0, 2, 3, 4]);
    }

    #[test]
    fn sums_have_the_coarser_scale_and_the_wider_zero() {
        // Scale 1: bucket 3 is (2, 2.83], 4 is (2.83, 4]; at scale 0 both are bucket 2, (2, 4].
        let mut total = exponential(1, 1e-128, &[(3, 1), (4, 2), (5, 4)]);
        assert!(add(&mut total, &exponential(0, 1e-128, &[(2, 10), (-4, 1)])));
        assert_eq!((total.schema, total.count, total.sum), (0, 18, 2.0));
        assert_eq!(positive(&total), [(-4, 1), (2, 13), (3, 4)]);
        // Bucket -4 is (0.03, 0.06], within a zero bucket that reaches to 0.5; bucket 0 is (0.5, 1].
        assert!(add(&mut total, &exponential(0, 0.5, &[(0, 5)])));
        assert_eq!((total.zero_threshold, total.zero_count, total.count), (0.5, 1, 23));
        assert_eq!(positive(&total), [(0, 5), (2, 13), (3, 4)]);
    }

    #[test]
    fn custom_bounds_are_added_only_to_the_same() {
        let custom = |bounds: &[f64]| Histogram {
            schema: model::histogram::CUSTOM_BUCKETS_SCHEMA,
            custom_bounds: bounds.to_vec(),
            ..exponential(0, 0.0, &[(0, 1)])
        };
        let mut total = custom(&[1.0]);
        assert!(add(&mut total, &custom(&[1.0])));
        assert_eq!((total.count, positive(&total)), (2, vec![(0, 2)]));
        assert!(!add(&mut total, &custom(&[2.0])));
        assert_eq!(total.count, 2);
    }
}
