//! A chunk of native histograms: what they share stands once, counts stand in columns, one per bucket.
//!
//! The histograms of a chunk have one kind of counts, one schema, one zero
//! threshold and one set of custom bounds. Their buckets may differ: the
//! columns are those of all buckets that any of them has, and a table of
//! layouts says which spans each one came with, so that every histogram comes
//! back bit for bit although a new bucket does not cut the chunk. Of a stale
//! marker only time, start time and hint are kept.
//! Format: `docs/formats/tsdb.md`, "Histograms".

use std::sync::Arc;

use model::histogram::{BucketSpan, CounterReset, Histogram};

use super::bits::{ByteReader, put_prefixed, put_signed, put_varint};
use super::samples::{HistogramSample, HistogramValue, Sample, indexes, is_well_formed};
use super::{Effort, TimesAt, ints, times, values};

pub(super) const KIND_INT: u8 = 2;
pub(super) const KIND_FLOAT: u8 = 3;

/// Buckets times samples of a chunk, at most, and spans and bounds likewise: what decoding may take in memory (8 bytes
/// each). A chunk of one sample may have as many of them as its bytes can name.
const CELLS_MAX: usize = 1 << 20;

/// How many buckets, spans or bounds each of `count` samples may have.
fn cells_per_sample(count: usize) -> usize {
    if count > 1 { CELLS_MAX / count } else { usize::MAX }
}

/// Set when start times follow.
const FLAG_START_TIMES: u8 = 1;

const HINTS: [CounterReset; 4] =
    [CounterReset::Unknown, CounterReset::Reset, CounterReset::NotReset, CounterReset::Gauge];

/// Which buckets a histogram has.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Layout {
    positive: Vec<BucketSpan>,
    negative: Vec<BucketSpan>,
}

impl Layout {
    fn of<N>(h: &Histogram<N>) -> Self {
        Self { positive: h.positive_spans.clone(), negative: h.negative_spans.clone() }
    }

    fn is_of<N>(&self, h: &Histogram<N>) -> bool {
        self.positive == h.positive_spans && self.negative == h.negative_spans
    }
}

/// Sorted, without repeats.
fn union(a: &[i32], b: &[i32]) -> Vec<i32> {
    let mut all = [a, b].concat();
    all.sort_unstable();
    all.dedup();
    all
}

/// A count, as a column holds it.
trait Count: Copy + Default {
    fn put_column(column: &[Self], out: &mut Vec<u8>);
    fn take_column(r: &mut ByteReader<'_>, count: usize) -> Option<Vec<Self>>;
    /// What of `total` is beyond the counts of buckets; `undo` gives the total back.
    fn beyond(total: Self, buckets: Self) -> Self;
    fn undo(beyond: Self, buckets: Self) -> Self;
    fn add(self, other: Self) -> Self;
    fn of(value: &HistogramValue) -> Option<&Histogram<Self>>;
    fn wrap(h: Histogram<Self>) -> HistogramValue;
}

impl Count for u64 {
    fn put_column(column: &[Self], out: &mut Vec<u8>) {
        ints::encode(&column.iter().map(|n| *n as i64).collect::<Vec<_>>(), out);
    }

    fn take_column(r: &mut ByteReader<'_>, count: usize) -> Option<Vec<Self>> {
        let mut column = vec![0; count];
        ints::decode(r, &mut column)?;
        Some(column.into_iter().map(|n| n as u64).collect())
    }

    /// All observations are in some bucket unless some were NaN, so that this column is nearly always zero.
    fn beyond(total: Self, buckets: Self) -> Self {
        total.wrapping_sub(buckets)
    }

    fn undo(beyond: Self, buckets: Self) -> Self {
        beyond.wrapping_add(buckets)
    }

    fn add(self, other: Self) -> Self {
        self.wrapping_add(other)
    }

    fn of(value: &HistogramValue) -> Option<&Histogram<Self>> {
        match value {
            HistogramValue::Int(h) => Some(h),
            HistogramValue::Float(_) => None,
        }
    }

    fn wrap(h: Histogram<Self>) -> HistogramValue {
        HistogramValue::Int(Arc::new(h))
    }
}

impl Count for f64 {
    fn put_column(column: &[Self], out: &mut Vec<u8>) {
        put_floats(column, out);
    }

    fn take_column(r: &mut ByteReader<'_>, count: usize) -> Option<Vec<Self>> {
        take_floats(r, count)
    }

    /// Sums of floats round: the total stands as it is.
    fn beyond(total: Self, _: Self) -> Self {
        total
    }

    fn undo(beyond: Self, _: Self) -> Self {
        beyond
    }

    fn add(self, _: Self) -> Self {
        self
    }

    fn of(value: &HistogramValue) -> Option<&Histogram<Self>> {
        match value {
            HistogramValue::Float(h) => Some(h),
            HistogramValue::Int(_) => None,
        }
    }

    fn wrap(h: Histogram<Self>) -> HistogramValue {
        HistogramValue::Float(Arc::new(h))
    }
}

fn put_floats(column: &[f64], out: &mut Vec<u8>) {
    let samples: Vec<Sample> = column.iter().map(|v| Sample { t: 0, v: *v }).collect();
    let mut bytes = Vec::new();
    values::encode(&samples, Effort::Quick, &mut bytes);
    put_prefixed(out, &bytes);
}

fn take_floats(r: &mut ByteReader<'_>, count: usize) -> Option<Vec<f64>> {
    let mut samples = vec![Sample { t: 0, v: 0.0 }; count];
    values::decode(&mut ByteReader(r.prefixed()?), &mut samples)?;
    Some(samples.into_iter().map(|s| s.v).collect())
}

/// How many of the first samples can share a chunk; at most `max`, at least 1 when there is one.
pub(crate) fn shared_len(samples: &[HistogramSample], max: usize) -> usize {
    let is_int = |s: &HistogramSample| matches!(s.value, HistogramValue::Int(_));
    let Some(first) = samples.first() else { return 0 };
    let same_kind = samples.iter().take(max).take_while(|s| is_int(s) == is_int(first)).count();
    let samples = samples.get(..same_kind).unwrap_or_default();
    if is_int(first) { shared_len_of::<u64>(samples) } else { shared_len_of::<f64>(samples) }
}

fn shared_len_of<N: Count>(samples: &[HistogramSample]) -> usize {
    let mut first: Option<&Histogram<N>> = None;
    let (mut positive, mut negative) = (Vec::new(), Vec::new());
    let mut last: Option<&Histogram<N>> = None;
    for (i, s) in samples.iter().enumerate() {
        let Some(h) = N::of(&s.value).filter(|h| !h.is_stale()) else { continue };
        let same_bits = |a: f64, b: f64| a.to_bits() == b.to_bits();
        let fits = first.is_none_or(|f| {
            f.schema == h.schema
                && same_bits(f.zero_threshold, h.zero_threshold)
                && f.custom_bounds.len() == h.custom_bounds.len()
                && f.custom_bounds.iter().zip(&h.custom_bounds).all(|(a, b)| same_bits(*a, *b))
        });
        if !fits {
            return i;
        }
        first = first.or(Some(h));
        if last.is_none_or(|l| l.positive_spans != h.positive_spans || l.negative_spans != h.negative_spans) {
            let of = |spans, counts: usize| indexes(spans, counts).unwrap_or_default();
            positive = union(&positive, &of(&h.positive_spans, h.positive.len()));
            negative = union(&negative, &of(&h.negative_spans, h.negative.len()));
        }
        last = Some(h);
        let spans = h.positive_spans.len() + h.negative_spans.len();
        let largest = [positive.len(), negative.len(), spans, h.custom_bounds.len()].into_iter().max();
        if largest > Some(cells_per_sample(i + 1)) {
            return i;
        }
    }
    samples.len()
}

/// Encodes histograms that can share a chunk ([`shared_len`]) and have strictly rising times.
///
/// `None` when they cannot, or when one is not well formed.
pub(crate) fn encode(samples: &[HistogramSample]) -> Option<Vec<u8>> {
    encode_sharing(samples, &mut |_| None)
}

/// As [`encode`]; `share` as in [`super::encode_sharing`].
pub(crate) fn encode_sharing(
    samples: &[HistogramSample],
    share: &mut dyn FnMut(&[u8]) -> Option<TimesAt>,
) -> Option<Vec<u8>> {
    match samples.first()?.value {
        HistogramValue::Int(_) => encode_of::<u64>(samples, KIND_INT, share),
        HistogramValue::Float(_) => encode_of::<f64>(samples, KIND_FLOAT, share),
    }
}

fn encode_of<N: Count>(
    samples: &[HistogramSample],
    kind: u8,
    share: &mut dyn FnMut(&[u8]) -> Option<TimesAt>,
) -> Option<Vec<u8>> {
    if samples.len() > super::SAMPLES_MAX || shared_len(samples, samples.len()) < samples.len() {
        return None;
    }
    let histograms: Vec<&Histogram<N>> = samples.iter().map(|s| N::of(&s.value)).collect::<Option<_>>()?;
    let live = || histograms.iter().filter(|h| !h.is_stale());
    if !live().all(|h| is_well_formed(h)) {
        return None;
    }
    let mut out = vec![kind];
    put_varint(&mut out, samples.len() as u64);
    let sums: Vec<Sample> = samples.iter().map(|s| Sample { t: s.t, v: s.value.sum() }).collect();
    times::encode_sharing(&sums, share, &mut out);
    let has_start = samples.iter().any(|s| s.start_t != 0);
    out.push(if has_start { FLAG_START_TIMES } else { 0 });
    if has_start {
        put_runs(samples.iter().map(|s| s.start_t), &mut out, |start, out| put_signed(out, start));
    }
    put_runs(histograms.iter().map(|h| h.counter_reset), &mut out, |hint, out| {
        out.push(HINTS.iter().position(|h| *h == hint).unwrap_or_default() as u8);
    });
    put_shape(live().next().copied(), &mut out);
    let layouts = put_layouts(live().copied(), samples.len(), &histograms, &mut out);
    let mut bytes = Vec::new();
    values::encode(&sums, Effort::Quick, &mut bytes);
    put_prefixed(&mut out, &bytes);
    put_counts(&histograms, &layouts, &mut out);
    Some(out)
}

/// Schema, zero threshold and custom bounds.
fn put_shape<N>(first: Option<&Histogram<N>>, out: &mut Vec<u8>) {
    let (schema, threshold) = first.map_or((0, 0.0), |h| (h.schema, h.zero_threshold));
    put_signed(out, i64::from(schema));
    out.extend_from_slice(&threshold.to_bits().to_le_bytes());
    let bounds = first.map_or(&[][..], |h| &h.custom_bounds);
    put_varint(out, bounds.len() as u64);
    bounds.iter().for_each(|b| out.extend_from_slice(&b.to_bits().to_le_bytes()));
}

/// Writes the table of layouts and which samples have which; stale markers have that of their neighbour.
fn put_layouts<'a, N: 'a>(
    live: impl Iterator<Item = &'a Histogram<N>>,
    count: usize,
    histograms: &[&Histogram<N>],
    out: &mut Vec<u8>,
) -> Vec<Layout> {
    let mut layouts: Vec<Layout> = Vec::new();
    for h in live {
        if !layouts.iter().rev().any(|l| l.is_of(h)) {
            layouts.push(Layout::of(h));
        }
    }
    if layouts.is_empty() {
        layouts.push(Layout::default());
    }
    put_varint(out, layouts.len() as u64);
    for layout in &layouts {
        for spans in [&layout.positive, &layout.negative] {
            put_varint(out, spans.len() as u64);
            for s in spans {
                put_signed(out, i64::from(s.offset));
                put_varint(out, u64::from(s.length));
            }
        }
    }
    if layouts.len() > 1 {
        let mut used = Vec::with_capacity(count);
        let mut last = 0;
        for h in histograms {
            if !h.is_stale() {
                last = layouts.iter().position(|l| l.is_of(h)).unwrap_or_default();
            }
            used.push(last);
        }
        put_runs(used.into_iter(), out, |layout, out| put_varint(out, layout as u64));
    }
    layouts
}

/// Writes the columns: beyond the buckets, zero bucket, positive buckets, negative buckets.
fn put_counts<N: Count>(histograms: &[&Histogram<N>], layouts: &[Layout], out: &mut Vec<u8>) {
    let mut total = Vec::with_capacity(histograms.len());
    let mut zero = Vec::with_capacity(histograms.len());
    let mut last = (N::default(), N::default());
    for h in histograms {
        if !h.is_stale() {
            let buckets = h.positive.iter().chain(&h.negative).fold(h.zero_count, |sum, n| sum.add(*n));
            last = (N::beyond(h.count, buckets), h.zero_count);
        }
        total.push(last.0);
        zero.push(last.1);
    }
    N::put_column(&total, out);
    N::put_column(&zero, out);
    let positive = layouts.iter().map(|l| &*l.positive);
    put_buckets(histograms, positive, |h| (&h.positive_spans, &h.positive), out);
    let negative = layouts.iter().map(|l| &*l.negative);
    put_buckets(histograms, negative, |h| (&h.negative_spans, &h.negative), out);
}

fn put_buckets<'a, N: Count>(
    histograms: &[&'a Histogram<N>],
    layouts: impl Iterator<Item = &'a [BucketSpan]>,
    side: impl Fn(&'a Histogram<N>) -> (&'a [BucketSpan], &'a [N]),
    out: &mut Vec<u8>,
) {
    let all = layouts.fold(Vec::new(), |all, spans| union(&all, &indexes(spans, usize::MAX).unwrap_or_default()));
    let mut columns: Vec<Vec<N>> = vec![Vec::with_capacity(histograms.len()); all.len()];
    for h in histograms {
        if h.is_stale() {
            // Repeats the histogram before it: the differences are zero.
            columns.iter_mut().for_each(|c| c.push(c.last().copied().unwrap_or_default()));
            continue;
        }
        let (spans, counts) = side(h);
        let mut have = model::histogram::buckets(spans, counts).peekable();
        for (index, column) in all.iter().zip(&mut columns) {
            let count = have.next_if(|(i, _)| i == index).map(|(_, n)| *n);
            column.push(count.unwrap_or_default());
        }
    }
    columns.iter().for_each(|c| N::put_column(c, out));
}

/// Appends the histograms of a chunk to `out`, in order of time; `shared` as in [`super::decode`].
///
/// `None` when the bytes are not such a chunk; `out` may then hold part of it.
#[must_use]
pub(crate) fn decode(bytes: &[u8], shared: &[i64], out: &mut Vec<HistogramSample>) -> Option<()> {
    let mut r = ByteReader(bytes);
    match r.u8()? {
        KIND_INT => decode_of::<u64>(&mut r, shared, out),
        KIND_FLOAT => decode_of::<f64>(&mut r, shared, out),
        _ => None,
    }
}

fn decode_of<N: Count>(r: &mut ByteReader<'_>, shared: &[i64], out: &mut Vec<HistogramSample>) -> Option<()> {
    let count = r.len().filter(|n| (1..=super::SAMPLES_MAX).contains(n))?;
    let mut times: Vec<i64> = Vec::new();
    times::decode(r, count, shared, &mut times)?;
    let starts = match r.u8()? {
        0 => vec![0; count],
        FLAG_START_TIMES => take_runs(r, count, ByteReader::signed)?,
        _ => return None,
    };
    let hints = take_runs(r, count, |r| HINTS.get(usize::from(r.u8()?)).copied())?;
    let schema = i32::try_from(r.signed()?).ok()?;
    let zero_threshold = f64::from_bits(r.u64()?);
    let mut custom_bounds = Vec::new();
    for _ in 0..r.len().filter(|n| *n <= cells_per_sample(count))? {
        custom_bounds.push(f64::from_bits(r.u64()?));
    }
    let layouts = take_layouts(r, count)?;
    let used = if layouts.len() > 1 { take_runs(r, count, ByteReader::len)? } else { vec![0; count] };
    let sums = take_floats(r, count)?;
    let beyond = N::take_column(r, count)?;
    let zero = N::take_column(r, count)?;
    let positive = Side::take(r, count, layouts.iter().map(|l| &*l.positive))?;
    let negative = Side::take(r, count, layouts.iter().map(|l| &*l.negative))?;
    for (i, time) in times.iter().enumerate() {
        let sum = *sums.get(i)?;
        let counter_reset = *hints.get(i)?;
        let mut h = Histogram { sum, counter_reset, ..Histogram::default() };
        if !h.is_stale() {
            let at = *used.get(i)?;
            let layout = layouts.get(at)?;
            h.schema = schema;
            h.zero_threshold = zero_threshold;
            h.custom_bounds.clone_from(&custom_bounds);
            h.positive_spans.clone_from(&layout.positive);
            h.negative_spans.clone_from(&layout.negative);
            h.positive = positive.counts(at, i)?;
            h.negative = negative.counts(at, i)?;
            h.zero_count = *zero.get(i)?;
            let buckets = h.positive.iter().chain(&h.negative).fold(h.zero_count, |sum, n| sum.add(*n));
            h.count = N::undo(*beyond.get(i)?, buckets);
        }
        out.push(HistogramSample { t: *time, start_t: *starts.get(i)?, value: N::wrap(h) });
    }
    Some(())
}

fn take_layouts(r: &mut ByteReader<'_>, count: usize) -> Option<Vec<Layout>> {
    let mut layouts = Vec::new();
    for _ in 0..r.len().filter(|n| (1..=count).contains(n))? {
        let mut spans = || {
            let mut spans = Vec::new();
            for _ in 0..r.len().filter(|n| *n <= cells_per_sample(count))? {
                let offset = i32::try_from(r.signed()?).ok()?;
                spans.push(BucketSpan { offset, length: u32::try_from(r.varint()?).ok()? });
            }
            Some(spans)
        };
        layouts.push(Layout { positive: spans()?, negative: spans()? });
    }
    Some(layouts)
}

/// The columns of the positive or negative buckets, and which of them each layout has.
struct Side<N> {
    columns: Vec<Vec<N>>,
    by_layout: Vec<Vec<usize>>,
}

impl<N: Count> Side<N> {
    fn take<'a>(r: &mut ByteReader<'_>, count: usize, layouts: impl Iterator<Item = &'a [BucketSpan]>) -> Option<Self> {
        // Every column takes a byte at least: spans that claim more are damaged.
        let columns_max = r.0.len().min(cells_per_sample(count));
        let layouts: Vec<Vec<i32>> = layouts.map(|spans| indexes(spans, columns_max)).collect::<Option<_>>()?;
        let all = layouts.iter().fold(Vec::new(), |all, l| if *l == all { all } else { union(&all, l) });
        if all.len() > columns_max {
            return None;
        }
        let columns = (0..all.len()).map(|_| N::take_column(r, count)).collect::<Option<_>>()?;
        let place = |l: &Vec<i32>| l.iter().map(|i| all.binary_search(i).ok()).collect::<Option<Vec<_>>>();
        Some(Self { columns, by_layout: layouts.iter().map(place).collect::<Option<_>>()? })
    }

    fn counts(&self, layout: usize, sample: usize) -> Option<Vec<N>> {
        let columns = self.by_layout.get(layout)?;
        columns.iter().map(|c| self.columns.get(*c)?.get(sample).copied()).collect()
    }
}

/// Writes runs of equal values: the value and its length, until all are told.
fn put_runs<T: PartialEq + Copy>(values: impl Iterator<Item = T>, out: &mut Vec<u8>, put: impl Fn(T, &mut Vec<u8>)) {
    let mut values = values.peekable();
    while let Some(v) = values.next() {
        let mut len = 1u64;
        while values.next_if_eq(&v).is_some() {
            len += 1;
        }
        put(v, out);
        put_varint(out, len);
    }
}

fn take_runs<'a, T: Copy>(
    r: &mut ByteReader<'a>,
    count: usize,
    mut take: impl FnMut(&mut ByteReader<'a>) -> Option<T>,
) -> Option<Vec<T>> {
    let mut out = Vec::with_capacity(count);
    while out.len() < count {
        let v = take(r)?;
        let len = r.len().filter(|n| (1..=count - out.len()).contains(n))?;
        out.resize(out.len() + len, v);
    }
    Some(out)
}

#[cfg(test)]
mod tests;
