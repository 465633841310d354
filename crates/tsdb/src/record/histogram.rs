//! One native histogram in a log record: the fields one after another, bit for bit.
//!
//! Format: `docs/formats/tsdb.md`, "Log records".

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

pub(super) fn encode(h: &HistogramValue, out: &mut Vec<u8>) {
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

pub(super) fn decode(r: &mut ByteReader<'_>) -> Option<HistogramValue> {
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
}
