//! Native histograms: the `Histogram` message that both versions of remote write share, and the check of what it says.
//!
//! Source: `prompb/types.proto` of Prometheus (the field numbers are the same in both versions); the rules are those of
//! Prometheus' `Histogram.Validate`.

use model::Histogram;
use model::histogram::{BucketSpan, CounterReset, EXPONENTIAL_SCHEMAS};

use super::fault::HistogramFault;
use super::limits::Limits;
use super::sink::Stamp;
use crate::protobuf::{Key, Malformed, Reader};

const KNOWN: u32 = 0b11_1111_1111_1111_1110;

/// What a `Histogram` message says, before it is known which kind of counts it has.
#[derive(Debug, Default)]
pub(super) struct Raw {
    pub(super) at: Stamp,
    common: Histogram<u64>,
    floats: Histogram<f64>,
    int: bool,
    float: bool,
    /// Set when the message has more of something than the limits allow: the rest was not kept.
    over: bool,
}

impl Raw {
    fn clear(&mut self) {
        let Self { common: c, floats: f, .. } = self;
        for spans in [&mut c.positive_spans, &mut c.negative_spans] {
            spans.clear();
        }
        for counts in [&mut c.positive, &mut c.negative] {
            counts.clear();
        }
        for counts in [&mut f.positive, &mut f.negative, &mut c.custom_bounds] {
            counts.clear();
        }
        (c.schema, c.zero_threshold, c.zero_count, c.count, c.sum) = (0, 0.0, 0, 0, 0.0);
        (f.zero_count, f.count, c.counter_reset) = (0.0, 0.0, CounterReset::Unknown);
        (self.at, self.int, self.float, self.over) = (Stamp::default(), false, false, false);
    }

    /// Reads a `Histogram` message; the memory of the one before is used again.
    pub(super) fn read(&mut self, mut r: Reader<'_>, limits: &Limits) -> Result<(), Malformed> {
        self.clear();
        let max = limits.max_buckets;
        let Self { at, common: c, floats: f, int, float, over } = self;
        while let Some(key) = r.key()? {
            match key {
                K_COUNT_INT => (c.count, *int) = (r.uint()?, true),
                K_COUNT_FLOAT => (f.count, *float) = (r.double()?, true),
                K_SUM => c.sum = r.double()?,
                K_SCHEMA => c.schema = r.sint()? as i32,
                K_ZERO_THRESHOLD => c.zero_threshold = r.double()?,
                K_ZERO_COUNT_INT => c.zero_count = r.uint()?,
                K_ZERO_COUNT_FLOAT => f.zero_count = r.double()?,
                K_NEGATIVE_SPANS => span(r.message()?, &mut c.negative_spans, max, over)?,
                K_NEGATIVE_DELTAS => deltas(r.message()?, &mut c.negative, max, over)?,
                K_NEGATIVE_DELTA => delta(&mut r, &mut c.negative, max, over)?,
                K_NEGATIVE_COUNTS => doubles(r.message()?, &mut f.negative, max, over)?,
                K_NEGATIVE_COUNT => push(&mut f.negative, r.double()?, max, over),
                K_POSITIVE_SPANS => span(r.message()?, &mut c.positive_spans, max, over)?,
                K_POSITIVE_DELTAS => deltas(r.message()?, &mut c.positive, max, over)?,
                K_POSITIVE_DELTA => delta(&mut r, &mut c.positive, max, over)?,
                K_POSITIVE_COUNTS => doubles(r.message()?, &mut f.positive, max, over)?,
                K_POSITIVE_COUNT => push(&mut f.positive, r.double()?, max, over),
                K_RESET_HINT => c.counter_reset = reset(r.uint()?),
                K_TIMESTAMP => at.t = r.uint()? as i64,
                K_CUSTOM_VALUES => doubles(r.message()?, &mut c.custom_bounds, max, over)?,
                K_CUSTOM_VALUE => push(&mut c.custom_bounds, r.double()?, max, over),
                K_START => at.start = r.uint()? as i64,
                other => r.skip_unknown(other, KNOWN)?,
            }
        }
        Ok(())
    }

    /// The histogram, consistent in itself.
    pub(super) fn finish(&mut self, limits: &Limits) -> Result<Counts<'_>, HistogramFault> {
        if self.over {
            return Err(HistogramFault::TooManyBuckets { limit: limits.max_buckets });
        }
        let Self { common: c, floats: f, int, float, .. } = self;
        let (floats, wholes) =
            (!(f.positive.is_empty() && f.negative.is_empty()), !(c.positive.is_empty() && c.negative.is_empty()));
        if (*float || floats) && (*int || wholes) {
            return Err(HistogramFault::MixedCounts);
        }
        if !*float && !floats {
            check(c)?;
            return Ok(Counts::Whole(c));
        }
        (f.schema, f.zero_threshold, f.sum, f.counter_reset) = (c.schema, c.zero_threshold, c.sum, c.counter_reset);
        f.positive_spans.clone_from(&c.positive_spans);
        f.negative_spans.clone_from(&c.negative_spans);
        f.custom_bounds.clone_from(&c.custom_bounds);
        check(f)?;
        Ok(Counts::Float(f))
    }
}

/// Fills a [`Raw`] field by field, for messages that number the same fields otherwise.
pub(super) struct Parts<'r> {
    raw: &'r mut Raw,
    max: usize,
}

impl<'r> Parts<'r> {
    pub(super) fn new(raw: &'r mut Raw, max: usize) -> Self {
        raw.clear();
        Self { raw, max }
    }

    pub(super) fn count(&mut self, n: u64) {
        self.raw.common.count = n;
    }

    pub(super) fn count_float(&mut self, n: f64) {
        (self.raw.floats.count, self.raw.float) = (n, true);
    }

    pub(super) fn sum(&mut self, v: f64) {
        self.raw.common.sum = v;
    }

    pub(super) fn schema(&mut self, n: i32) {
        self.raw.common.schema = n;
    }

    pub(super) fn zero_threshold(&mut self, v: f64) {
        self.raw.common.zero_threshold = v;
    }

    pub(super) fn zero_count(&mut self, n: u64) {
        self.raw.common.zero_count = n;
    }

    pub(super) fn zero_count_float(&mut self, n: f64) {
        self.raw.floats.zero_count = n;
    }

    pub(super) fn gauge(&mut self) {
        self.raw.common.counter_reset = CounterReset::Gauge;
    }

    /// Says whether the span counts as one: an empty one at 0 only says that the histogram is native.
    pub(super) fn span(&mut self, message: Reader<'_>, positive: bool) -> Result<bool, Malformed> {
        let c = &mut self.raw.common;
        let spans = if positive { &mut c.positive_spans } else { &mut c.negative_spans };
        span(message, spans, self.max, &mut self.raw.over)?;
        Ok(true)
    }

    pub(super) fn deltas(&mut self, message: Reader<'_>, positive: bool) -> Result<(), Malformed> {
        let c = &mut self.raw.common;
        let counts = if positive { &mut c.positive } else { &mut c.negative };
        deltas(message, counts, self.max, &mut self.raw.over)
    }

    pub(super) fn delta(&mut self, r: &mut Reader<'_>, positive: bool) -> Result<(), Malformed> {
        let c = &mut self.raw.common;
        let counts = if positive { &mut c.positive } else { &mut c.negative };
        delta(r, counts, self.max, &mut self.raw.over)
    }

    pub(super) fn floats(&mut self, message: Reader<'_>, positive: bool) -> Result<(), Malformed> {
        let f = &mut self.raw.floats;
        let counts = if positive { &mut f.positive } else { &mut f.negative };
        doubles(message, counts, self.max, &mut self.raw.over)
    }

    pub(super) fn one_float(&mut self, v: f64, positive: bool) {
        let f = &mut self.raw.floats;
        let counts = if positive { &mut f.positive } else { &mut f.negative };
        push(counts, v, self.max, &mut self.raw.over);
    }
}

/// A histogram of one of both kinds.
pub(super) enum Counts<'a> {
    Whole(&'a Histogram<u64>),
    Float(&'a Histogram<f64>),
}

const K_COUNT_INT: Key = Key::varint(1);
const K_COUNT_FLOAT: Key = Key::fixed64(2);
const K_SUM: Key = Key::fixed64(3);
const K_SCHEMA: Key = Key::varint(4);
const K_ZERO_THRESHOLD: Key = Key::fixed64(5);
const K_ZERO_COUNT_INT: Key = Key::varint(6);
const K_ZERO_COUNT_FLOAT: Key = Key::fixed64(7);
const K_NEGATIVE_SPANS: Key = Key::delimited(8);
const K_NEGATIVE_DELTAS: Key = Key::delimited(9);
const K_NEGATIVE_DELTA: Key = Key::varint(9);
const K_NEGATIVE_COUNTS: Key = Key::delimited(10);
const K_NEGATIVE_COUNT: Key = Key::fixed64(10);
const K_POSITIVE_SPANS: Key = Key::delimited(11);
const K_POSITIVE_DELTAS: Key = Key::delimited(12);
const K_POSITIVE_DELTA: Key = Key::varint(12);
const K_POSITIVE_COUNTS: Key = Key::delimited(13);
const K_POSITIVE_COUNT: Key = Key::fixed64(13);
const K_RESET_HINT: Key = Key::varint(14);
const K_TIMESTAMP: Key = Key::varint(15);
const K_CUSTOM_VALUES: Key = Key::delimited(16);
const K_CUSTOM_VALUE: Key = Key::fixed64(16);
const K_START: Key = Key::varint(17);

fn reset(hint: u64) -> CounterReset {
    match hint {
        1 => CounterReset::Reset,
        2 => CounterReset::NotReset,
        3 => CounterReset::Gauge,
        _ => CounterReset::Unknown,
    }
}

fn push<T>(to: &mut Vec<T>, value: T, max: usize, over: &mut bool) {
    if to.len() < max { to.push(value) } else { *over = true }
}

fn span(mut r: Reader<'_>, to: &mut Vec<BucketSpan>, max: usize, over: &mut bool) -> Result<(), Malformed> {
    let mut span = BucketSpan { offset: 0, length: 0 };
    while let Some(key) = r.key()? {
        match key {
            K_SPAN_OFFSET => span.offset = r.sint()? as i32,
            K_SPAN_LENGTH => span.length = r.uint()? as u32,
            other => r.skip_unknown(other, 0b110)?,
        }
    }
    push(to, span, max, over);
    Ok(())
}

const K_SPAN_OFFSET: Key = Key::varint(1);
const K_SPAN_LENGTH: Key = Key::varint(2);

/// The marker of a count below zero, which no real count reaches: [`check`] refuses it.
const BELOW_ZERO: u64 = u64::MAX;

/// One difference to the count before.
fn delta(r: &mut Reader<'_>, to: &mut Vec<u64>, max: usize, over: &mut bool) -> Result<(), Malformed> {
    let delta = r.sint()?;
    let before = to.last().copied().unwrap_or(0);
    let count = if before == BELOW_ZERO { None } else { before.checked_add_signed(delta) };
    push(to, count.unwrap_or(BELOW_ZERO), max, over);
    Ok(())
}

fn deltas(mut r: Reader<'_>, to: &mut Vec<u64>, max: usize, over: &mut bool) -> Result<(), Malformed> {
    while !r.is_empty() {
        delta(&mut r, to, max, over)?;
    }
    Ok(())
}

fn doubles(mut r: Reader<'_>, to: &mut Vec<f64>, max: usize, over: &mut bool) -> Result<(), Malformed> {
    while !r.is_empty() {
        push(to, r.double()?, max, over);
    }
    Ok(())
}

/// What counts have in common.
pub trait Count: Copy {
    /// Whether this cannot be a count.
    fn is_bad(self) -> bool;
    /// For the comparison with the sum of the buckets; `None` where rounding forbids it.
    fn whole(self) -> Option<u64>;
}

impl Count for u64 {
    fn is_bad(self) -> bool {
        self == BELOW_ZERO
    }

    fn whole(self) -> Option<u64> {
        Some(self)
    }
}

impl Count for f64 {
    fn is_bad(self) -> bool {
        self < 0.0
    }

    fn whole(self) -> Option<u64> {
        None
    }
}

/// Whether a histogram is consistent in itself. A stale marker is.
///
/// # Errors
/// How it contradicts itself.
pub fn check<N: Count>(h: &Histogram<N>) -> Result<(), HistogramFault> {
    if h.is_stale() {
        return Ok(());
    }
    check_spans("positive", &h.positive_spans, h.positive.len())?;
    check_spans("negative", &h.negative_spans, h.negative.len())?;
    if h.has_custom_bounds() {
        check_custom(h)?;
    } else if !EXPONENTIAL_SCHEMAS.contains(&h.schema) {
        return Err(HistogramFault::Schema(h.schema));
    } else if !h.custom_bounds.is_empty() {
        return Err(HistogramFault::BoundsWithoutSchema);
    }
    for (sign, counts) in [("positive", &h.positive), ("negative", &h.negative)] {
        if let Some(at) = counts.iter().position(|n| n.is_bad()) {
            return Err(HistogramFault::NegativeCount(sign, at));
        }
    }
    if h.zero_count.is_bad() || h.count.is_bad() {
        return Err(HistogramFault::NegativeCount("zero", 0));
    }
    check_count(h)
}

/// NaN observations are in the count and in no bucket.
fn check_count<N: Count>(h: &Histogram<N>) -> Result<(), HistogramFault> {
    let Some(count) = h.count.whole() else { return Ok(()) };
    let all = h.positive.iter().chain(&h.negative).chain([&h.zero_count]);
    let buckets = all.filter_map(|n| n.whole()).fold(0u64, u64::saturating_add);
    let fits = if h.sum.is_nan() { buckets <= count } else { buckets == count };
    if fits { Ok(()) } else { Err(HistogramFault::CountMismatch { buckets, count }) }
}

fn check_spans(sign: &'static str, spans: &[BucketSpan], counts: usize) -> Result<(), HistogramFault> {
    if let Some(at) = spans.iter().skip(1).position(|s| s.offset < 0) {
        return Err(HistogramFault::SpanOffset(sign, at + 1));
    }
    let buckets: u64 = spans.iter().map(|s| u64::from(s.length)).sum();
    if buckets != counts as u64 {
        return Err(HistogramFault::SpanMismatch { sign, spans: buckets, counts });
    }
    let last =
        spans.iter().fold(0i64, |at, s| at.saturating_add(i64::from(s.offset)).saturating_add(i64::from(s.length)));
    if last > i64::from(i32::MAX) { Err(HistogramFault::SpanOverflow(sign)) } else { Ok(()) }
}

fn check_custom<N: Count>(h: &Histogram<N>) -> Result<(), HistogramFault> {
    let zero = h.zero_count.whole().is_none_or(|n| n == 0) && h.zero_threshold == 0.0;
    if !zero || !h.negative.is_empty() || !h.negative_spans.is_empty() {
        return Err(HistogramFault::CustomWithZeroOrNegative);
    }
    if !h.custom_bounds.is_sorted_by(|a, b| a < b) || h.custom_bounds.last().is_some_and(|b| !b.is_finite()) {
        return Err(HistogramFault::Bounds);
    }
    if h.positive_spans.first().is_some_and(|s| s.offset < 0) {
        return Err(HistogramFault::SpanOffset("positive", 0));
    }
    let reach = h.positive_spans.iter().map(|s| s.offset as u64 + u64::from(s.length)).sum();
    let bounds = h.custom_bounds.len();
    if reach > bounds as u64 + 1 { Err(HistogramFault::BeyondBounds { reach, bounds }) } else { Ok(()) }
}
