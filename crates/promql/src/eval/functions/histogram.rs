//! Quantiles and fractions of classic histograms (`_bucket` series with `le`).

use std::sync::Arc;

use crate::ast::{Call, Expr, Span};
use crate::eval::columns::{Columns, Map, Row, Sink, is_present};
use crate::eval::functions::label::format_float;
use crate::eval::{Eval, EvalError};
use crate::text::quote;
use model::labels::Labels;

/// The label with the upper bound of a bucket.
const LE: &str = "le";

/// Differences of counts up to this part of the count are rounding errors.
const TOLERANCE: f64 = 1e-12;

/// One bucket: everything up to and including its bound.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Bucket {
    upper: f64,
    count: f64,
}

/// The series of one histogram: bound and values per step.
struct Histogram {
    labels: Arc<Labels>,
    series: Vec<(f64, Vec<f64>)>,
}

impl Histogram {
    fn buckets(&self, step: usize) -> Vec<Bucket> {
        let at = |(upper, values): &(f64, Vec<f64>)| {
            values.get(step).filter(|v| is_present(**v)).map(|count| Bucket { upper: *upper, count: *count })
        };
        self.series.iter().filter_map(at).collect()
    }
}

impl Eval<'_> {
    fn histograms(&self, e: &Expr) -> Result<Vec<Histogram>, EvalError> {
        let mut by_labels: Map<Labels, usize> = Map::default();
        let mut out: Vec<Histogram> = Vec::new();
        self.each(e, &mut |row| {
            let le = row.labels.get(LE);
            let Some(upper) = crate::number::parse_number(le) else {
                self.warn(
                    &format!(
                        "bucket label \"le\" is missing or has a malformed value of {}{}",
                        quote(le),
                        for_metric(row.labels)
                    ),
                    e.span,
                );
                return Ok(());
            };
            let mut labels = Labels::clone(row.labels);
            labels.set(LE, "");
            let next = out.len();
            let at = *by_labels.entry(labels).or_insert_with_key(|labels| {
                out.push(Histogram { labels: Arc::new(labels.clone()), series: Vec::new() });
                next
            });
            if let Some(histogram) = out.get_mut(at) {
                histogram.series.push((upper, row.values.to_vec()));
            }
            Ok(())
        })?;
        Ok(out)
    }

    pub(super) fn histogram_quantile(&self, q: &Expr, e: &Expr, sink: &mut Sink<'_>) -> Result<(), EvalError> {
        let quantiles = self.scalar(q)?;
        self.check_quantiles(&quantiles, q.span);
        let mut values = Vec::with_capacity(self.steps.count);
        for histogram in self.histograms(e)? {
            self.run.check_deadline()?;
            self.quantile_row(&histogram, &quantiles, e.span, &mut values);
            sink(Row { labels: &histogram.labels, drop_name: true, values: &values })?;
        }
        Ok(())
    }

    fn quantile_row(&self, histogram: &Histogram, quantiles: &[f64], span: Span, values: &mut Vec<f64>) {
        values.clear();
        for (step, q) in quantiles.iter().enumerate() {
            let mut buckets = histogram.buckets(step);
            if buckets.is_empty() {
                values.push(crate::eval::columns::ABSENT);
                continue;
            }
            let (value, forced) = quantile(*q, &mut buckets);
            if let Some(forced) = forced {
                let message = format!(
                    "input to histogram_quantile needed to be fixed for monotonicity (see https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile){}, from buckets {} to {}, with a max diff of {}",
                    for_metric(&histogram.labels),
                    format_float(forced.from),
                    format_float(forced.to),
                    format_float(forced.difference),
                );
                self.info(&message, span);
            }
            values.push(value);
        }
    }

    pub(super) fn histogram_quantiles(&self, c: &Call, sink: &mut Sink<'_>) -> Result<(), EvalError> {
        let (Some(e), Some(label), Some(quantiles)) = (c.args.first(), c.args.get(1), c.args.get(2..)) else {
            return Err(EvalError::execution("missing argument"));
        };
        let label = self.text(label)?;
        let histograms = self.histograms(e)?;
        let mut out = Columns::new(self.steps.count);
        let mut values = Vec::new();
        for q in quantiles {
            let each = self.scalar(q)?;
            self.check_quantiles(&each, q.span);
            for histogram in &histograms {
                self.quantile_row(histogram, &each, e.span, &mut values);
                // The label is the quantile, which may differ from step to step.
                for (step, value) in values.iter().enumerate().filter(|(_, v)| is_present(**v)) {
                    let mut labels = Labels::clone(&histogram.labels);
                    labels.set(label, &open_metrics_float(each.get(step).copied().unwrap_or(f64::NAN)));
                    let slot = out.slot(Arc::new(labels), true);
                    out.set(slot, step, *value)?;
                }
            }
        }
        self.collected(&out, sink)
    }

    pub(super) fn histogram_fraction(
        &self,
        lower: &Expr,
        upper: &Expr,
        e: &Expr,
        sink: &mut Sink<'_>,
    ) -> Result<(), EvalError> {
        let (lower, upper) = (self.scalar(lower)?, self.scalar(upper)?);
        for histogram in self.histograms(e)? {
            let bounds = lower.iter().zip(&upper).enumerate();
            let values: Vec<f64> = bounds
                .map(|(step, (lower, upper))| {
                    let mut buckets = histogram.buckets(step);
                    if buckets.is_empty() {
                        crate::eval::columns::ABSENT
                    } else {
                        fraction(*lower, *upper, &mut buckets)
                    }
                })
                .collect();
            sink(Row { labels: &histogram.labels, drop_name: true, values: &values })?;
        }
        Ok(())
    }
}

fn for_metric(labels: &Labels) -> String {
    match labels.metric_name() {
        "" => String::new(),
        name => format!(" for metric name {}", quote(name)),
    }
}

/// As OpenMetrics writes numbers: with a point.
fn open_metrics_float(v: f64) -> String {
    let text = format_float(v);
    if v.is_finite() && !text.contains('.') { format!("{text}.0") } else { text }
}

/// Counts that had to be raised so that they never fall.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Forced {
    from: f64,
    to: f64,
    difference: f64,
}

/// Sorts, joins buckets of the same bound, repairs counts. False when there is no `+Inf` bucket.
fn prepare(buckets: &mut Vec<Bucket>) -> (bool, Option<Forced>) {
    buckets.sort_by(|a, b| a.upper.total_cmp(&b.upper));
    if buckets.last().is_none_or(|b| b.upper != f64::INFINITY) {
        return (false, None);
    }
    buckets.dedup_by(|next, kept| {
        let same = next.upper == kept.upper;
        if same {
            kept.count += next.count;
        }
        same
    });
    let mut forced: Option<Forced> = None;
    let mut highest = buckets.first().map_or(0.0, |b| b.count);
    for b in buckets.iter_mut().skip(1) {
        let difference = b.count - highest;
        if difference == 0.0 {
            continue;
        }
        if difference.abs() / b.count <= TOLERANCE && b.count > 0.0 {
            b.count = highest;
        } else if difference < 0.0 {
            let f = forced.get_or_insert(Forced { from: b.upper, to: b.upper, difference: 0.0 });
            f.to = b.upper;
            f.difference = f.difference.max(-difference);
            b.count = highest;
        } else {
            highest = b.count;
        }
    }
    (true, forced)
}

fn quantile(q: f64, buckets: &mut Vec<Bucket>) -> (f64, Option<Forced>) {
    if q.is_nan() {
        return (f64::NAN, None);
    }
    if q < 0.0 {
        return (f64::NEG_INFINITY, None);
    }
    if q > 1.0 {
        return (f64::INFINITY, None);
    }
    let (complete, forced) = prepare(buckets);
    let (Some(last), true) = (buckets.last().copied(), complete && buckets.len() >= 2) else {
        return (f64::NAN, None);
    };
    if last.count == 0.0 || last.count.is_nan() {
        return (f64::NAN, None);
    }
    let mut rank = q * last.count;
    let highest = buckets.len() - 1;
    let at = buckets[..highest].partition_point(|b| b.count < rank);
    if at == highest {
        return (buckets[highest - 1].upper, forced);
    }
    let b = buckets[at];
    if at == 0 && b.upper <= 0.0 {
        return (b.upper, forced);
    }
    let (mut start, mut count) = (0.0, b.count);
    if let Some(before) = at.checked_sub(1).and_then(|i| buckets.get(i)) {
        start = before.upper;
        count -= before.count;
        rank -= before.count;
    }
    (start + (b.upper - start) * (rank / count), forced)
}

/// The part of the observations between two bounds.
fn fraction(lower: f64, upper: f64, buckets: &mut Vec<Bucket>) -> f64 {
    let (complete, _) = prepare(buckets);
    let Some(total) = buckets.last().map(|b| b.count).filter(|c| *c != 0.0 && !c.is_nan()) else {
        return f64::NAN;
    };
    if !complete || lower.is_nan() || upper.is_nan() {
        return f64::NAN;
    }
    if lower >= upper {
        return 0.0;
    }
    (rank_of(upper, buckets) - rank_of(lower, buckets)) / total
}

/// How many observations are at or below a value, interpolated inside its bucket.
fn rank_of(value: f64, buckets: &[Bucket]) -> f64 {
    let mut start = if buckets.first().is_some_and(|b| b.upper > 0.0) { 0.0 } else { f64::NEG_INFINITY };
    let mut below = 0.0;
    for b in buckets {
        if value < b.upper {
            if value <= start {
                return below;
            }
            // A bucket without an end cannot be divided: none of it counts.
            if start == f64::NEG_INFINITY {
                return b.count;
            }
            if b.upper == f64::INFINITY {
                return below;
            }
            return below + (b.count - below) * (value - start) / (b.upper - start);
        }
        (start, below) = (b.upper, b.count);
    }
    below
}

#[cfg(test)]
mod tests {
    use super::*;

    fn buckets(of: &[(f64, f64)]) -> Vec<Bucket> {
        of.iter().map(|(upper, count)| Bucket { upper: *upper, count: *count }).collect()
    }

    #[test]
    fn interpolates_and_repairs() {
        let inf = f64::INFINITY;
        assert_eq!(quantile(0.5, &mut buckets(&[(1.0, 10.0), (2.0, 20.0), (inf, 20.0)])).0, 1.0);
        assert_eq!(quantile(0.75, &mut buckets(&[(1.0, 10.0), (2.0, 20.0), (inf, 20.0)])).0, 1.5);
        assert!(quantile(0.5, &mut buckets(&[(1.0, 10.0)])).0.is_nan());
        let (_, forced) = quantile(0.5, &mut buckets(&[(1.0, 10.0), (2.0, 8.0), (inf, 20.0)]));
        assert_eq!(forced, Some(Forced { from: 2.0, to: 2.0, difference: 2.0 }));
        let (_, forced) = quantile(0.5, &mut buckets(&[(1.0, 10.0), (2.0, 10.0 - 1e-12), (inf, 20.0)]));
        assert_eq!(forced, None);
    }

    #[test]
    fn fractions() {
        let inf = f64::INFINITY;
        let mut b = buckets(&[(1.0, 10.0), (2.0, 20.0), (inf, 20.0)]);
        assert_eq!(fraction(0.0, 1.5, &mut b), 0.75);
        assert_eq!(fraction(-inf, inf, &mut b), 1.0);
    }
}
