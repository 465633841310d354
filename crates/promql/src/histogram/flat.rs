//! Adding and subtracting histograms whose buckets differ.
//!
//! A histogram is unfolded into lists of (index, count). Two of them meet at
//! the coarser schema, at a zero bucket wide enough for both, and, with custom
//! bounds, at the bounds that both have.

use super::{FloatHistogram, bounds, combined_hint};
use crate::kahan::Sum;
use model::histogram::{BucketSpan, CUSTOM_BUCKETS_SCHEMA, CounterReset, buckets as indexed};

/// A count under construction: a plain number, or a sum that loses nothing.
pub(crate) trait Cell: Copy + Default {
    fn add(&mut self, value: f64);
    fn join(&mut self, other: Self);
    fn scale(&mut self, factor: f64);
    fn value(self) -> f64;
}

impl Cell for f64 {
    fn add(&mut self, value: f64) {
        *self += value;
    }
    fn join(&mut self, other: Self) {
        *self += other;
    }
    fn scale(&mut self, factor: f64) {
        *self *= factor;
    }
    fn value(self) -> f64 {
        self
    }
}

impl Cell for Sum {
    fn add(&mut self, value: f64) {
        Sum::add(self, value);
    }
    fn join(&mut self, other: Self) {
        Sum::join(self, other);
    }
    fn scale(&mut self, factor: f64) {
        self.sum *= factor;
        self.correction *= factor;
    }
    fn value(self) -> f64 {
        self.total()
    }
}

/// What is worth a note after combining two histograms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Combined {
    /// One says that a counter was reset, the other that it was not.
    pub(crate) hints_collide: bool,
    /// Custom bounds that only one of the two has were given up.
    pub(crate) bounds_reconciled: bool,
}

/// Exponential and custom bounds do not go together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Incompatible;

type Buckets<N> = Vec<(i32, N)>;

/// A histogram with its buckets unfolded.
#[derive(Debug, Clone)]
pub(crate) struct Flat<N> {
    schema: i32,
    zero_threshold: f64,
    zero: N,
    count: N,
    sum: N,
    positive: Buckets<N>,
    negative: Buckets<N>,
    bounds: Vec<f64>,
    hint: CounterReset,
}

impl<N: Cell> Flat<N> {
    pub(crate) fn new(h: &FloatHistogram) -> Self {
        let cell = |v: f64| {
            let mut cell = N::default();
            cell.add(v);
            cell
        };
        let side = |spans: &[BucketSpan], counts: &[f64]| indexed(spans, counts).map(|(i, n)| (i, cell(*n))).collect();
        Self {
            schema: h.schema,
            zero_threshold: h.zero_threshold,
            zero: cell(h.zero_count),
            count: cell(h.count),
            sum: cell(h.sum),
            positive: side(&h.positive_spans, &h.positive),
            negative: side(&h.negative_spans, &h.negative),
            bounds: h.custom_bounds.clone(),
            hint: h.counter_reset,
        }
    }

    pub(crate) fn set_hint(&mut self, hint: CounterReset) {
        self.hint = hint;
    }

    /// Adds `other`.
    pub(crate) fn add(&mut self, other: &FloatHistogram) -> Result<Combined, Incompatible> {
        self.combine(other, 1.0)
    }

    /// Subtracts `other`.
    pub(crate) fn subtract(&mut self, other: &FloatHistogram) -> Result<Combined, Incompatible> {
        self.combine(other, -1.0)
    }

    fn combine(&mut self, other: &FloatHistogram, factor: f64) -> Result<Combined, Incompatible> {
        if (self.schema == CUSTOM_BUCKETS_SCHEMA) != other.has_custom_bounds() {
            return Err(Incompatible);
        }
        let (hint, hints_collide) = combined_hint(self.hint, other.counter_reset);
        self.hint = hint;
        self.count.add(factor * other.count);
        self.sum.add(factor * other.sum);
        if other.has_custom_bounds() {
            let bounds_reconciled = self.bounds != other.custom_bounds;
            if bounds_reconciled {
                self.meet_bounds(other, factor);
            } else {
                merge(&mut self.positive, indexed(&other.positive_spans, &other.positive), |i| i, factor);
            }
            return Ok(Combined { hints_collide, bounds_reconciled });
        }
        let other_zero = self.meet_zero_bucket(other);
        self.zero.add(factor * other_zero);
        self.reduce(other.schema);
        let (schema, threshold) = (self.schema, self.zero_threshold);
        let into = |i| bounds::coarser(i, other.schema, schema);
        let sides = [
            (&mut self.positive, &other.positive_spans, &other.positive),
            (&mut self.negative, &other.negative_spans, &other.negative),
        ];
        for (side, spans, counts) in sides {
            // Those in the zero bucket are counted there.
            let outside =
                indexed(spans, counts).skip_while(|(i, _)| bounds::exponential(into(*i), schema) <= threshold);
            merge(side, outside, into, factor);
        }
        Ok(Combined { hints_collide, bounds_reconciled: false })
    }

    /// Goes over to a coarser schema; a finer one changes nothing.
    pub(crate) fn reduce(&mut self, schema: i32) {
        if schema >= self.schema {
            return;
        }
        for side in [&mut self.positive, &mut self.negative] {
            let finer = std::mem::take(side);
            for (i, n) in finer {
                push(side, bounds::coarser(i, self.schema, schema), n);
            }
        }
        self.schema = schema;
    }

    /// Widens the zero bucket until it holds the other one too; what is then in the zero bucket of the other.
    fn meet_zero_bucket(&mut self, other: &FloatHistogram) -> f64 {
        let (mut zero, mut threshold) = (other.zero_count, other.zero_threshold);
        // Each turn widens one of the two to a bucket bound; NaN never compares and ends it.
        while threshold != self.zero_threshold {
            if self.zero_threshold > threshold {
                (zero, threshold) = zero_count_for(other, self.zero_threshold);
            }
            if threshold > self.zero_threshold {
                (self.zero, self.zero_threshold) =
                    widened(self.schema, self.zero, &self.positive, &self.negative, threshold);
                let (schema, wide) = (self.schema, self.zero_threshold);
                let outside = |(i, _): &(i32, N)| bounds::exponential(i.wrapping_sub(1), schema) >= wide;
                self.positive.retain(outside);
                self.negative.retain(outside);
            } else if self.zero_threshold.is_nan() || threshold.is_nan() {
                break;
            }
        }
        zero
    }

    /// Both go over to the bounds that both have.
    fn meet_bounds(&mut self, other: &FloatHistogram, factor: f64) {
        let common = common_bounds(&self.bounds, &other.custom_bounds);
        let own = std::mem::take(&mut self.positive);
        for (i, n) in own {
            push(&mut self.positive, index_in(&common, &self.bounds, i), n);
        }
        let into = |i| index_in(&common, &other.custom_bounds, i);
        merge(&mut self.positive, indexed(&other.positive_spans, &other.positive), into, factor);
        self.bounds = common;
    }

    /// Multiplies everything; a negative factor makes it a gauge.
    pub(crate) fn scale(&mut self, factor: f64) {
        self.each_cell(|cell| cell.scale(factor));
        if factor < 0.0 {
            self.hint = CounterReset::Gauge;
        }
    }

    /// Divides everything; division by zero leaves no buckets.
    pub(crate) fn divide(&mut self, divisor: f64) {
        if divisor == 0.0 {
            self.positive.clear();
            self.negative.clear();
        }
        self.each_cell(|cell| {
            let value = cell.value() / divisor;
            *cell = N::default();
            cell.add(value);
        });
        if divisor < 0.0 {
            self.hint = CounterReset::Gauge;
        }
    }

    fn each_cell(&mut self, mut f: impl FnMut(&mut N)) {
        let buckets = self.positive.iter_mut().chain(&mut self.negative).map(|(_, n)| n);
        [&mut self.zero, &mut self.count, &mut self.sum].into_iter().chain(buckets).for_each(&mut f);
    }

    /// The largest number in it, without its sign.
    pub(crate) fn largest(&self) -> f64 {
        let buckets = self.positive.iter().chain(&self.negative).map(|(_, n)| n);
        let all = [&self.zero, &self.count, &self.sum].into_iter().chain(buckets);
        all.map(|n| n.value().abs()).fold(0.0, f64::max)
    }

    /// The result, without empty buckets.
    pub(crate) fn into_histogram(self) -> FloatHistogram {
        let (positive_spans, positive) = fold(&self.positive);
        let (negative_spans, negative) = fold(&self.negative);
        FloatHistogram {
            schema: self.schema,
            zero_threshold: self.zero_threshold,
            zero_count: self.zero.value(),
            count: self.count.value(),
            sum: self.sum.value(),
            positive_spans,
            positive,
            negative_spans,
            negative,
            custom_bounds: self.bounds,
            counter_reset: self.hint,
        }
    }
}

/// Adds to the last bucket when it is the same one.
fn push<N: Cell>(into: &mut Buckets<N>, index: i32, n: N) {
    match into.last_mut() {
        Some((last, cell)) if *last == index => cell.join(n),
        _ => into.push((index, n)),
    }
}

/// Adds counts in ascending order of index, each under the index that `at` gives.
fn merge<'a, N: Cell>(
    into: &mut Buckets<N>,
    counts: impl Iterator<Item = (i32, &'a f64)>,
    at: impl Fn(i32) -> i32,
    factor: f64,
) {
    let mut next = 0;
    for (index, count) in counts {
        let index = at(index);
        while into.get(next).is_some_and(|(i, _)| *i < index) {
            next += 1;
        }
        match into.get_mut(next) {
            Some((i, cell)) if *i == index => cell.add(factor * count),
            _ => {
                let mut cell = N::default();
                cell.add(factor * count);
                into.insert(next, (index, cell));
            }
        }
    }
}

/// Runs and counts of the buckets that are not empty.
fn fold<N: Cell>(buckets: &Buckets<N>) -> (Vec<BucketSpan>, Vec<f64>) {
    let mut spans: Vec<BucketSpan> = Vec::new();
    let mut counts = Vec::with_capacity(buckets.len());
    let mut next = 0i32;
    for (index, n) in buckets.iter().map(|(i, n)| (*i, n.value())).filter(|(_, n)| *n != 0.0) {
        match spans.last_mut() {
            Some(span) if index == next => span.length += 1,
            _ => spans.push(BucketSpan { offset: index.wrapping_sub(next), length: 1 }),
        }
        next = index.wrapping_add(1);
        counts.push(n);
    }
    (spans, counts)
}

/// The bounds that are in both lists.
pub(super) fn common_bounds(a: &[f64], b: &[f64]) -> Vec<f64> {
    let mut rest = b.iter().peekable();
    let mut out = Vec::new();
    for bound in a {
        while rest.next_if(|other| **other < *bound).is_some() {}
        if rest.peek().is_some_and(|other| **other == *bound) {
            out.push(*bound);
        }
    }
    out
}

/// The bucket of `common` bounds that holds bucket `index` of `own` bounds.
pub(super) fn index_in(common: &[f64], own: &[f64], index: i32) -> i32 {
    let upper = bounds::custom(index, own);
    i32::try_from(common.partition_point(|bound| *bound < upper)).unwrap_or(i32::MAX)
}

/// What the zero bucket of `h` would hold if it were as wide as `threshold` (not narrower than it is), and how wide
/// it must be to end at a bound of a bucket that has observations.
pub(super) fn zero_count_for(h: &FloatHistogram, threshold: f64) -> (f64, f64) {
    if threshold == h.zero_threshold {
        return (h.zero_count, threshold);
    }
    let side = |spans, counts| -> Buckets<f64> { indexed(spans, counts).map(|(i, n): (i32, &f64)| (i, *n)).collect() };
    let (positive, negative) = (side(&h.positive_spans, &h.positive), side(&h.negative_spans, &h.negative));
    widened(h.schema, h.zero_count, &positive, &negative, threshold)
}

/// A zero bucket together with the buckets within `threshold`, and where it then ends. Sides begin next to zero.
fn widened<N: Cell>(
    schema: i32,
    zero: N,
    positive: &Buckets<N>,
    negative: &Buckets<N>,
    mut threshold: f64,
) -> (N, f64) {
    loop {
        let mut count = zero;
        threshold = swallow(positive, schema, &mut count, threshold);
        let wider = swallow(negative, schema, &mut count, threshold);
        // A bucket of the negative side pushed the edge, so the positive side has to be looked at again.
        if wider == threshold || wider.is_nan() {
            return (count, threshold);
        }
        threshold = wider;
    }
}

/// Adds the buckets within `threshold` to `count`; the threshold, moved to the end of the last of them.
fn swallow<N: Cell>(buckets: &Buckets<N>, schema: i32, count: &mut N, threshold: f64) -> f64 {
    for (index, n) in buckets.iter().copied() {
        if bounds::exponential(index.wrapping_sub(1), schema) >= threshold {
            break;
        }
        count.join(n);
        let upper = bounds::exponential(index, schema);
        if upper > threshold {
            return if n.value() == 0.0 { threshold } else { upper };
        }
    }
    threshold
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::histogram::{compact, parse};

    fn h(text: &str) -> FloatHistogram {
        parse(text).expect("valid histogram")
    }

    fn check_sum(a: &str, b: &str, want: &str) {
        let mut plain = Flat::<f64>::new(&h(a));
        plain.add(&h(b)).expect("compatible");
        assert_eq!(plain.into_histogram(), compact(&h(want)), "{a} + {b}");
        let mut careful = Flat::<Sum>::new(&h(a));
        careful.add(&h(b)).expect("compatible");
        assert_eq!(careful.into_histogram(), compact(&h(want)), "{a} + {b}");
        let mut back = Flat::<f64>::new(&h(want));
        back.subtract(&h(b)).expect("compatible");
        let back = back.into_histogram();
        assert_eq!((back.count, back.sum), (h(a).count, h(a).sum), "{want} - {b}");
    }

    #[test]
    fn buckets_are_inserted_and_schemas_meet() {
        check_sum(
            "{{count:2 buckets:[1 1] offset:3}}",
            "{{count:3 buckets:[1 1 1] offset:2}}",
            "{{count:5 buckets:[1 2 2] offset:2}}",
        );
        check_sum("{{schema:1 count:4 buckets:[1 1 1 1]}}", "{{count:1 buckets:[1]}}", "{{count:5 buckets:[2 2 1]}}");
        check_sum("{{count:1 n_buckets:[1]}}", "{{count:1 n_buckets:[0 0 1]}}", "{{count:2 n_buckets:[1 0 1]}}");
    }

    #[test]
    fn zero_buckets_meet_at_a_bound() {
        check_sum(
            "{{count:3 z_bucket:1 z_bucket_w:0.5 buckets:[2]}}",
            "{{count:1 z_bucket:1 z_bucket_w:0.001}}",
            "{{count:4 z_bucket:2 z_bucket_w:0.5 buckets:[2]}}",
        );
        // 0.75 is inside of a bucket that has observations, so the zero bucket goes to 1.
        check_sum(
            "{{count:3 z_bucket:1 z_bucket_w:0.001 buckets:[2]}}",
            "{{count:1 z_bucket:1 z_bucket_w:0.75}}",
            "{{count:4 z_bucket:4 z_bucket_w:1}}",
        );
    }

    #[test]
    fn custom_bounds_meet_where_both_have_them() {
        let mut flat = Flat::<f64>::new(&h("{{schema:-53 count:6 custom_values:[1 2 4] buckets:[1 2 3]}}"));
        let found = flat.add(&h("{{schema:-53 count:3 custom_values:[2 3 4] buckets:[1 1 0 1]}}"));
        assert_eq!(found, Ok(Combined { hints_collide: false, bounds_reconciled: true }));
        let want = h("{{schema:-53 count:9 custom_values:[2 4] buckets:[4 4 1]}}");
        assert_eq!(flat.into_histogram(), want);
        assert_eq!(Flat::<f64>::new(&want).add(&h("{{count:1}}")), Err(Incompatible));
    }

    #[test]
    fn hints_meet_too() {
        let mut flat = Flat::<f64>::new(&h("{{counter_reset_hint:reset}}"));
        assert!(flat.add(&h("{{counter_reset_hint:not_reset}}")).expect("compatible").hints_collide);
        assert_eq!(flat.into_histogram().counter_reset, CounterReset::Unknown);
    }
}
