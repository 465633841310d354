//! Writes `io.prometheus.client.MetricFamily` messages.

use model::histogram::{BucketSpan, CounterReset, Histogram};

use crate::protobuf::Writer;

/// One series of a family.
#[derive(Debug)]
pub struct FamilyMetric<'a, L> {
    /// Without the name.
    pub labels: L,
    /// Unix milliseconds.
    pub t_ms: i64,
    /// What it was.
    pub value: FamilyValue<'a>,
}

/// The value of a [`FamilyMetric`].
#[derive(Debug, Clone, Copy)]
pub enum FamilyValue<'a> {
    /// A float of whatever it counts.
    Untyped(f64),
    /// A native histogram with an exponential schema.
    Histogram(&'a Histogram<f64>),
}

impl FamilyValue<'_> {
    /// The number of the type; the metrics of one family have the same.
    pub fn kind(&self) -> u64 {
        match self {
            Self::Untyped(_) => 3,
            Self::Histogram(h) if h.counter_reset == CounterReset::Gauge => 5,
            Self::Histogram(_) => 4,
        }
    }
}

/// Appends a family of metrics of this [`FamilyValue::kind`], its length in front.
pub fn write_family<'l, 'v, L: IntoIterator<Item = (&'l str, &'l str)>>(
    out: &mut Vec<u8>,
    name: &str,
    kind: u64,
    metrics: impl IntoIterator<Item = FamilyMetric<'v, L>>,
) {
    let mut w = Writer::new();
    w.string(1, name);
    w.uint(3, kind);
    for FamilyMetric { labels, t_ms, value } in metrics {
        w.message(4, |w| {
            for (name, value) in labels {
                w.message(1, |w| {
                    w.string(1, name);
                    w.string(2, value);
                });
            }
            match value {
                FamilyValue::Untyped(v) => w.message(5, |w| w.double(1, v)),
                FamilyValue::Histogram(h) => w.message(7, |w| histogram(w, h)),
            }
            w.uint(6, t_ms as u64);
        });
    }
    let message = w.as_bytes();
    let mut length = message.len();
    while length >= 0x80 {
        out.push(length as u8 | 0x80);
        length >>= 7;
    }
    out.push(length as u8);
    out.extend_from_slice(message);
}

fn histogram(w: &mut Writer, h: &Histogram<f64>) {
    w.double(2, h.sum);
    w.double(4, h.count);
    w.sint(5, i64::from(h.schema));
    w.double(6, h.zero_threshold);
    w.double(8, h.zero_count);
    buckets(w, (9, 11), &h.negative_spans, &h.negative);
    buckets(w, (12, 14), &h.positive_spans, &h.positive);
}

fn buckets(w: &mut Writer, (span, count): (u32, u32), spans: &[BucketSpan], counts: &[f64]) {
    for s in spans {
        w.message(span, |w| {
            w.sint(1, i64::from(s.offset));
            w.uint(2, u64::from(s.length));
        });
    }
    if !counts.is_empty() {
        w.bytes(count, &counts.iter().flat_map(|n| n.to_le_bytes()).collect::<Vec<u8>>());
    }
}
