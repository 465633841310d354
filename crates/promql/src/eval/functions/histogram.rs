//! Functions of histograms, native ones and classic ones (`_bucket` series with `le`).

use std::sync::Arc;

use super::classic::{self, Bucket};
use crate::ast::{Call, Expr, Span};
use crate::eval::columns::{ABSENT, Columns, Histograms, Map, Row, Sink, is_present};
use crate::eval::run::Held;
use crate::eval::{Eval, EvalError, Point};
use crate::histogram::{FloatHistogram, NanNote, fraction, quantile, variance};
use crate::number::{format_compact, format_float};
use crate::text::quote;
use model::labels::Labels;

/// The label with the upper bound of a bucket.
const LE: &str = "le";

/// The function of one native histogram with this name.
pub(super) fn function(name: &str) -> Option<fn(&FloatHistogram) -> f64> {
    Some(match name {
        "histogram_count" => |h| h.count,
        "histogram_sum" => |h| h.sum,
        "histogram_avg" => |h| h.sum / h.count,
        "histogram_stdvar" => variance,
        "histogram_stddev" => |h| variance(h).sqrt(),
        _ => return None,
    })
}

/// All that is known of one histogram: its classic buckets, or the native histogram, or (a mistake) both.
struct Group {
    labels: Arc<Labels>,
    /// Bound and values per step, ascending by bound.
    buckets: Vec<(f64, Vec<f64>)>,
    native: Histograms,
}

/// What a histogram is at one step.
enum AtStep<'a> {
    Nothing,
    Classic,
    Native(&'a FloatHistogram),
    Both,
}

impl Group {
    /// Puts the classic buckets of a step into `into`.
    fn at<'g>(&'g self, step: usize, into: &mut Vec<Bucket>) -> AtStep<'g> {
        into.clear();
        let present = self.buckets.iter().filter_map(|(upper, values)| Some((*upper, *values.get(step)?)));
        into.extend(present.filter(|(_, v)| is_present(*v)).map(|(upper, count)| Bucket { upper, count }));
        match self.native.get(step) {
            Some(Some(_)) if !into.is_empty() => AtStep::Both,
            Some(Some(h)) => AtStep::Native(h),
            _ if into.is_empty() => AtStep::Nothing,
            _ => AtStep::Classic,
        }
    }
}

impl<'a> Eval<'a> {
    /// A function of native histograms; floats go away.
    pub(super) fn of_histograms(
        &self,
        name: &str,
        e: &Expr,
        f: fn(&FloatHistogram) -> f64,
        sink: &mut Sink<'_>,
    ) -> Result<(), EvalError> {
        let statistics = matches!(name, "histogram_count" | "histogram_sum" | "histogram_avg");
        let eval = if statistics { self.for_statistics() } else { *self };
        let mut values = Vec::with_capacity(self.steps.count);
        eval.each(e, &mut |row| {
            if row.histograms.is_empty() {
                return Ok(());
            }
            values.clear();
            values.extend(row.histograms.iter().map(|h| h.as_ref().map_or(ABSENT, |h| f(h))));
            sink(Row::floats(row.labels, true, &values))
        })
    }

    /// The histograms of a vector, and the memory they take.
    fn groups(&self, e: &Expr) -> Result<(Vec<Group>, Held<'a>), EvalError> {
        let rows = self.for_buckets().vector(e)?;
        let mut held = Held::new(self.run);
        let mut by_labels: Map<Labels, usize> = Map::default();
        let mut out: Vec<Group> = Vec::new();
        let mut find = |out: &mut Vec<Group>, labels: Labels| {
            let next = out.len();
            *by_labels.entry(labels).or_insert_with_key(|labels| {
                let labels = Arc::new(labels.clone());
                out.push(Group { labels, buckets: Vec::new(), native: Histograms::new() });
                next
            })
        };
        for row in rows.iter() {
            if row.values.iter().any(|v| is_present(*v)) {
                let le = row.labels.get(LE);
                if let Some(upper) = crate::number::parse_number(le) {
                    let mut labels = Labels::clone(&row.labels);
                    labels.set(LE, "");
                    let at = find(&mut out, labels);
                    held.add(row.values.len() * size_of::<f64>())?;
                    out[at].buckets.push((upper, row.values.clone()));
                } else {
                    let what = format!("bucket label \"le\" is missing or has a malformed value of {}", quote(le));
                    self.warn(&format!("{what}{}", for_metric(&row.labels)), e.span);
                }
            }
            if row.histograms.iter().any(Option::is_some) {
                let at = find(&mut out, Labels::clone(&row.labels));
                out[at].native.clone_from(&row.histograms);
            }
        }
        for group in &mut out {
            group.buckets.sort_by(|a, b| a.0.total_cmp(&b.0));
        }
        Ok((out, held))
    }

    /// Calls `f` with what a histogram is at every step; where it is both, that is noted and nothing comes of it.
    fn each_step(
        &self,
        group: &Group,
        span: Span,
        values: &mut Vec<f64>,
        mut f: impl FnMut(usize, Result<&FloatHistogram, &mut Vec<Bucket>>) -> f64,
    ) {
        let mut buckets = Vec::with_capacity(group.buckets.len());
        values.clear();
        for step in 0..self.steps.count {
            let value = match group.at(step, &mut buckets) {
                AtStep::Nothing => ABSENT,
                AtStep::Native(h) => f(step, Ok(h)),
                AtStep::Classic => f(step, Err(&mut buckets)),
                AtStep::Both => {
                    let metric = for_metric(&group.labels);
                    self.warn(&format!("vector contains a mix of classic and native histograms{metric}"), span);
                    ABSENT
                }
            };
            values.push(value);
        }
    }

    pub(super) fn histogram_quantile(&self, q: &Expr, e: &Expr, sink: &mut Sink<'_>) -> Result<(), EvalError> {
        let quantiles = self.scalar(q)?;
        self.check_quantiles(&quantiles, q.span);
        let mut values = Vec::with_capacity(self.steps.count);
        let (groups, _held) = self.groups(e)?;
        for group in &groups {
            self.run.check_deadline()?;
            self.quantile_row(group, &quantiles, e.span, &mut values);
            let row = Row::floats(&group.labels, true, &values);
            if !row.is_empty() {
                sink(row)?;
            }
        }
        Ok(())
    }

    fn quantile_row(&self, group: &Group, quantiles: &[f64], span: Span, values: &mut Vec<f64>) {
        self.each_step(group, span, values, |step, histogram| {
            let q = quantiles.get(step).copied().unwrap_or(f64::NAN);
            match histogram {
                Ok(h) => {
                    let (value, note) = quantile(q, h);
                    if let Some(note) = note {
                        self.note_nan(note, &group.labels, span);
                    }
                    value
                }
                Err(buckets) => {
                    let (value, forced) = classic::quantile(q, buckets);
                    if let Some(forced) = forced {
                        self.note_forced(forced, &group.labels, span);
                    }
                    value
                }
            }
        });
    }

    fn note_nan(&self, note: NanNote, labels: &Labels, span: Span) {
        let result = match note {
            NanNote::Result => "result is NaN",
            NanNote::Skewed => "result is skewed higher",
        };
        let metric = for_metric(labels);
        self.info(&format!("input to histogram_quantile has NaN observations, {result}{metric}"), span);
    }

    fn note_forced(&self, forced: classic::Forced, labels: &Labels, span: Span) {
        let message = format!(
            "input to histogram_quantile needed to be fixed for monotonicity (see https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile){}, from buckets {} to {}, with a max diff of {}",
            for_metric(labels),
            format_compact(forced.from),
            format_compact(forced.to),
            format_compact(forced.difference),
        );
        self.info(&message, span);
    }

    pub(super) fn histogram_quantiles(&self, c: &Call, sink: &mut Sink<'_>) -> Result<(), EvalError> {
        let (Some(e), Some(label), Some(quantiles)) = (c.args.first(), c.args.get(1), c.args.get(2..)) else {
            return Err(EvalError::execution("missing argument"));
        };
        let label = self.text(label)?;
        let (groups, _held) = self.groups(e)?;
        let mut out = Columns::new(self.steps.count, Held::new(self.run));
        let mut values = Vec::new();
        for q in quantiles {
            let each = self.scalar(q)?;
            self.check_quantiles(&each, q.span);
            for group in &groups {
                self.quantile_row(group, &each, e.span, &mut values);
                // The label is the quantile, which may differ from step to step.
                for (step, value) in values.iter().enumerate().filter(|(_, v)| is_present(**v)) {
                    let mut labels = Labels::clone(&group.labels);
                    labels.set(label, &open_metrics_float(each.get(step).copied().unwrap_or(f64::NAN)));
                    let slot = out.slot(Arc::new(labels), true)?;
                    out.set(slot, step, Point::Float(*value))?;
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
        let (groups, _held) = self.groups(e)?;
        let mut values = Vec::with_capacity(self.steps.count);
        for group in &groups {
            self.run.check_deadline()?;
            self.each_step(group, e.span, &mut values, |step, histogram| {
                let bound = |of: &[f64]| of.get(step).copied().unwrap_or(f64::NAN);
                match histogram {
                    Err(buckets) => classic::fraction(bound(&lower), bound(&upper), buckets),
                    Ok(h) => {
                        let (value, nan) = fraction(bound(&lower), bound(&upper), h);
                        if nan {
                            let what = "input to histogram_fraction has NaN observations, which are excluded from all fractions";
                            self.info(&format!("{what}{}", for_metric(&group.labels)), e.span);
                        }
                        value
                    }
                }
            });
            let row = Row::floats(&group.labels, true, &values);
            if !row.is_empty() {
                sink(row)?;
            }
        }
        Ok(())
    }
}

/// The end of a note: which metric it is about, when it has a name.
fn for_metric(labels: &Labels) -> String {
    let name = labels.metric_name();
    if name.is_empty() { String::new() } else { format!(" for metric name {}", quote(name)) }
}

/// As OpenMetrics writes numbers: with a point.
fn open_metrics_float(v: f64) -> String {
    let text = format_float(v);
    if v.is_finite() && !text.contains('.') { format!("{text}.0") } else { text }
}
