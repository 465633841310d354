//! Writes remote write requests: for load generation, forwarding and tests.
//!
//! Sources as for [`super::remote_write`]. Labels are written in the order given; receivers want them sorted.

use std::collections::HashMap;

use model::Histogram;
use model::histogram::{BucketSpan, CounterReset};

use super::sink::{ExemplarRef, MetadataRef, MetricType, Stamp};
use crate::protobuf::Writer;

/// A request of remote write 1.0.
#[derive(Debug, Default)]
pub struct V1(Writer);

impl V1 {
    /// An empty request.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a series; `body` writes what it holds.
    pub fn series<'a>(
        &mut self,
        labels: impl IntoIterator<Item = (&'a str, &'a str)>,
        body: impl FnOnce(&mut V1Series<'_>),
    ) {
        self.0.message(1, |w| series(w, labels, body));
    }

    /// Adds metadata.
    pub fn metadata(&mut self, m: &MetadataRef<'_>) {
        self.0.message(3, |w| {
            w.uint(1, type_number(m.kind));
            w.string(2, m.family);
            w.string(4, m.help);
            w.string(5, m.unit);
        });
    }

    /// The request.
    pub fn into_bytes(self) -> Vec<u8> {
        self.0.into_bytes()
    }
}

/// What a series of remote write 1.0 holds.
#[derive(Debug)]
pub struct V1Series<'a>(&'a mut Writer);

impl V1Series<'_> {
    /// A sample.
    pub fn sample(&mut self, t: i64, value: f64) {
        sample(self.0, 2, Stamp { t, start: 0 }, value);
    }

    /// A native histogram.
    pub fn histogram<N: WireCount>(&mut self, t: i64, h: &Histogram<N>) {
        self.0.message(4, |w| histogram(w, Stamp { t, start: 0 }, h));
    }

    /// An exemplar.
    pub fn exemplar(&mut self, e: &ExemplarRef<'_>) {
        self.0.message(3, |w| {
            e.labels.iter().for_each(|(name, value)| label(w, name, value));
            w.double(2, e.value);
            w.uint(3, e.t as u64);
        });
    }
}

/// A request of remote write 2.0.
#[derive(Debug)]
pub struct V2 {
    symbols: HashMap<String, u64>,
    table: Writer,
    series: Writer,
}

impl Default for V2 {
    fn default() -> Self {
        let mut new = Self { symbols: HashMap::new(), table: Writer::new(), series: Writer::new() };
        // The first symbol is the empty text.
        symbol(&mut new.symbols, &mut new.table, "");
        new
    }
}

fn symbol(symbols: &mut HashMap<String, u64>, table: &mut Writer, text: &str) -> u64 {
    if let Some(n) = symbols.get(text) {
        return *n;
    }
    let n = symbols.len() as u64;
    symbols.insert(text.to_owned(), n);
    table.string(4, text);
    n
}

impl V2 {
    /// An empty request.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a series; `body` writes what it holds.
    pub fn series<'a>(
        &mut self,
        labels: impl IntoIterator<Item = (&'a str, &'a str)>,
        body: impl FnOnce(&mut V2Series<'_>),
    ) {
        let Self { symbols, table, series } = self;
        series.message(5, |w| {
            let refs = references(symbols, table, labels);
            w.bytes(1, &refs);
            body(&mut V2Series { symbols, table, w });
        });
    }

    /// The request.
    pub fn into_bytes(self) -> Vec<u8> {
        let mut out = self.table;
        out.raw(self.series.as_bytes());
        out.into_bytes()
    }
}

fn references<'a>(
    symbols: &mut HashMap<String, u64>,
    table: &mut Writer,
    labels: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Vec<u8> {
    let mut packed = Vec::new();
    for text in labels.into_iter().flat_map(|(name, value)| [name, value]) {
        varint(&mut packed, symbol(symbols, table, text));
    }
    packed
}

/// What a series of remote write 2.0 holds.
#[derive(Debug)]
pub struct V2Series<'a> {
    symbols: &'a mut HashMap<String, u64>,
    table: &'a mut Writer,
    w: &'a mut Writer,
}

impl V2Series<'_> {
    /// A sample.
    pub fn sample(&mut self, at: Stamp, value: f64) {
        sample(self.w, 2, at, value);
    }

    /// A native histogram.
    pub fn histogram<N: WireCount>(&mut self, at: Stamp, h: &Histogram<N>) {
        self.w.message(3, |w| histogram(w, at, h));
    }

    /// An exemplar.
    pub fn exemplar(&mut self, e: &ExemplarRef<'_>) {
        let refs = references(self.symbols, self.table, e.labels.iter().copied());
        self.w.message(4, |w| {
            w.bytes(1, &refs);
            w.double(2, e.value);
            w.uint(3, e.t as u64);
        });
    }

    /// Metadata of the series' metric; the family is that of the series.
    pub fn metadata(&mut self, kind: MetricType, help: &str, unit: &str) {
        let (help, unit) = (symbol(self.symbols, self.table, help), symbol(self.symbols, self.table, unit));
        self.w.message(5, |w| {
            w.uint(1, type_number(kind));
            w.uint(3, help);
            w.uint(4, unit);
        });
    }
}

/// The content of a `prometheus.TimeSeries`.
pub(super) fn series<'a>(
    w: &mut Writer,
    labels: impl IntoIterator<Item = (&'a str, &'a str)>,
    body: impl FnOnce(&mut V1Series<'_>),
) {
    labels.into_iter().for_each(|(name, value)| label(w, name, value));
    body(&mut V1Series(w));
}

pub(super) fn label(w: &mut Writer, name: &str, value: &str) {
    w.message(1, |w| {
        w.string(1, name);
        w.string(2, value);
    });
}

fn sample(w: &mut Writer, field: u32, at: Stamp, value: f64) {
    w.message(field, |w| {
        w.double(1, value);
        w.uint(2, at.t as u64);
        if at.start != 0 {
            w.uint(3, at.start as u64);
        }
    });
}

/// A count as the `Histogram` message writes it.
pub trait WireCount: Copy {
    /// Fields of the count, the zero count, and of the buckets of one sign.
    const FIELDS: Fields;
    /// Writes one number.
    fn number(self, w: &mut Writer, field: u32);
    /// Writes buckets, packed.
    fn packed(counts: &[Self]) -> Vec<u8>;
}

/// Field numbers that differ between whole and float counts.
#[derive(Debug, Clone, Copy)]
pub struct Fields {
    count: u32,
    zero: u32,
    negative: u32,
    positive: u32,
}

impl WireCount for u64 {
    const FIELDS: Fields = Fields { count: 1, zero: 6, negative: 9, positive: 12 };

    fn number(self, w: &mut Writer, field: u32) {
        w.uint(field, self);
    }

    fn packed(counts: &[Self]) -> Vec<u8> {
        let (mut out, mut before) = (Vec::new(), 0);
        for count in counts {
            zigzag(&mut out, count.wrapping_sub(before) as i64);
            before = *count;
        }
        out
    }
}

impl WireCount for f64 {
    const FIELDS: Fields = Fields { count: 2, zero: 7, negative: 10, positive: 13 };

    fn number(self, w: &mut Writer, field: u32) {
        w.double(field, self);
    }

    fn packed(counts: &[Self]) -> Vec<u8> {
        counts.iter().flat_map(|n| n.to_le_bytes()).collect()
    }
}

fn histogram<N: WireCount>(w: &mut Writer, at: Stamp, h: &Histogram<N>) {
    let fields = N::FIELDS;
    h.count.number(w, fields.count);
    w.double(3, h.sum);
    w.sint(4, i64::from(h.schema));
    w.double(5, h.zero_threshold);
    h.zero_count.number(w, fields.zero);
    for (spans, spans_field, counts, counts_field) in
        [(&h.negative_spans, 8, &h.negative, fields.negative), (&h.positive_spans, 11, &h.positive, fields.positive)]
    {
        spans.iter().for_each(|s| span(w, spans_field, *s));
        if !counts.is_empty() {
            w.bytes(counts_field, &N::packed(counts));
        }
    }
    w.uint(
        14,
        match h.counter_reset {
            CounterReset::Unknown => 0,
            CounterReset::Reset => 1,
            CounterReset::NotReset => 2,
            CounterReset::Gauge => 3,
        },
    );
    w.uint(15, at.t as u64);
    if !h.custom_bounds.is_empty() {
        w.bytes(16, &f64::packed(&h.custom_bounds));
    }
    if at.start != 0 {
        w.uint(17, at.start as u64);
    }
}

fn span(w: &mut Writer, field: u32, span: BucketSpan) {
    w.message(field, |w| {
        w.sint(1, i64::from(span.offset));
        w.uint(2, u64::from(span.length));
    });
}

fn varint(out: &mut Vec<u8>, mut v: u64) {
    while v >= 0x80 {
        out.push(v as u8 | 0x80);
        v >>= 7;
    }
    out.push(v as u8);
}

fn zigzag(out: &mut Vec<u8>, v: i64) {
    varint(out, (v << 1 ^ v >> 63) as u64);
}

/// The inverse of the decoders' numbers; both versions agree.
fn type_number(kind: MetricType) -> u64 {
    match kind {
        MetricType::Unknown => 0,
        MetricType::Counter => 1,
        MetricType::Gauge => 2,
        MetricType::Histogram => 3,
        MetricType::GaugeHistogram => 4,
        MetricType::Summary => 5,
        MetricType::Info => 6,
        MetricType::StateSet => 7,
    }
}
