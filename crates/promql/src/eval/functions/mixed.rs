//! Range functions over windows with histograms or start times.
//!
//! Windows of plain floats do not come here. Some functions combine
//! histograms, some look at times only, and the others leave histograms out
//! and say so.

use std::sync::Arc;

use model::labels::Labels;

use super::rate::is_start_reset;
use super::{RangeFunction, extended, histogram_rate, rate};
use crate::ast::{Extended, Span};
use crate::eval::aggregate::histograms::mixed_buckets;
use crate::eval::operate::{conflicting_resets, reconciled};
use crate::eval::windows::Window;
use crate::eval::{Eval, HistogramSample, Point, Sample};
use crate::histogram::{Total, detect_reset, same_data};
use crate::text::quote;

/// A function call on one series, and where its notes belong.
pub(super) struct Mixed<'a> {
    pub(super) eval: &'a Eval<'a>,
    pub(super) labels: &'a Labels,
    pub(super) span: Span,
}

/// One sample of either kind.
#[derive(Clone, Copy)]
pub(super) enum Either<'a> {
    /// With the start of its counter.
    Float(&'a Sample, i64),
    Histogram(&'a HistogramSample),
}

impl Either<'_> {
    pub(super) fn t_ms(&self) -> i64 {
        match self {
            Either::Float(s, _) => s.t_ms,
            Either::Histogram(s) => s.t_ms,
        }
    }

    fn point(&self) -> Point {
        match self {
            Either::Float(s, _) => Point::Float(s.value),
            Either::Histogram(s) => Point::Histogram(s.histogram.clone()),
        }
    }
}

impl Mixed<'_> {
    /// The value of the function `name`; `floats` is what it does with floats alone.
    pub(super) fn value(
        &self,
        name: &str,
        extension: Option<Extended>,
        floats: RangeFunction,
        w: &Window<'_>,
        params: &[f64],
    ) -> Option<Point> {
        if w.is_empty() {
            return None;
        }
        match name {
            "rate" | "increase" | "delta" => {
                if !w.samples.is_empty() && !w.histograms.is_empty() {
                    self.warn_mix();
                    return None;
                }
                let (counter, per_second) = (name != "delta", name == "rate");
                match extension {
                    None if w.histograms.is_empty() => rate::with_start_times(self, w, counter, per_second),
                    None => histogram_rate::extrapolated(self, w, counter, per_second),
                    Some(_) if w.histograms.is_empty() => floats(w, params).map(Point::Float),
                    Some(e) => extended::of_histograms(self, w, e, counter, per_second),
                }
            }
            "irate" | "idelta" => histogram_rate::instant(self, w, name == "irate"),
            "changes" | "resets" => self.pairs(w, name == "changes", extension),
            "sum_over_time" | "avg_over_time" if !w.histograms.is_empty() => {
                if w.samples.is_empty() {
                    return self.total(w.histograms, name == "avg_over_time");
                }
                self.warn_mix();
                None
            }
            "count_over_time" => Some(Point::Float((w.samples.len() + w.histograms.len()) as f64)),
            "present_over_time" => Some(Point::Float(1.0)),
            "first_over_time" => first(w).map(|s| s.point()),
            "last_over_time" => last(w).map(|s| s.point()),
            "ts_of_first_over_time" => first(w).map(|s| Point::Float(s.t_ms() as f64 / 1000.0)),
            "ts_of_last_over_time" => last(w).map(|s| Point::Float(s.t_ms() as f64 / 1000.0)),
            _ => {
                if w.samples.is_empty() {
                    return None;
                }
                if !w.histograms.is_empty() {
                    let metric = quote(self.labels.metric_name());
                    let what = "ignored histograms in a range containing both floats and histograms for metric name";
                    self.eval.info(&format!("{what} {metric}"), self.span);
                }
                floats(w, params).map(Point::Float)
            }
        }
    }

    pub(super) fn warn_mix(&self) {
        let metric = quote(self.labels.metric_name());
        self.eval.warn(&format!("encountered a mix of histograms and floats for metric name {metric}"), self.span);
    }

    pub(super) fn warn_mixed_buckets(&self) {
        self.eval.warn(&mixed_buckets(self.labels.metric_name()), self.span);
    }

    pub(super) fn warn_not_counter(&self) {
        let metric = quote(self.labels.metric_name());
        self.eval.warn(&format!("this native histogram metric is not a counter: {metric}"), self.span);
    }

    pub(super) fn warn_not_gauge(&self) {
        let metric = quote(self.labels.metric_name());
        self.eval.warn(&format!("this native histogram metric is not a gauge: {metric}"), self.span);
    }

    pub(super) fn note_reconciled(&self, during: &str) {
        self.eval.info(&reconciled(during), self.span);
    }

    fn total(&self, histograms: &[HistogramSample], mean: bool) -> Option<Point> {
        let (first, rest) = histograms.split_first()?;
        let mut total = Total::new(&first.histogram, mean);
        for h in rest {
            match total.add(&h.histogram) {
                Ok(true) => self.note_reconciled("aggregation"),
                Ok(false) => {}
                Err(_) => {
                    self.warn_mixed_buckets();
                    return None;
                }
            }
        }
        if total.resets_conflict() {
            self.eval.warn(&conflicting_resets("aggregation"), self.span);
        }
        Some(Point::Histogram(Arc::new(total.finish())))
    }

    /// Counts the neighbours that differ, or of which the second is a reset.
    fn pairs(&self, w: &Window<'_>, changes: bool, extension: Option<Extended>) -> Option<Point> {
        let all = in_order(w);
        let mut from = 0;
        if extension.is_some() {
            // From the last sample at or before the start on; nothing when no sample is inside.
            if all.last()?.t_ms() <= w.start_ms {
                return None;
            }
            from = all.partition_point(|s| s.t_ms() <= w.start_ms).saturating_sub(1);
        }
        let counts = |pair: &&[Either<'_>]| match (pair[0], pair[1]) {
            (Either::Float(a, _), Either::Float(b, _)) if changes => super::over_time::changed(a.value, b.value),
            (Either::Float(a, start_a), Either::Float(b, start_b)) => {
                b.value < a.value || is_start_reset(start_a, a.t_ms, start_b, b.t_ms)
            }
            (Either::Histogram(a), Either::Histogram(b)) if changes => !same_data(&a.histogram, &b.histogram),
            (Either::Histogram(a), Either::Histogram(b)) => {
                is_start_reset(a.start_ms, a.t_ms, b.start_ms, b.t_ms) || detect_reset(&b.histogram, &a.histogram)
            }
            _ => true,
        };
        let count = all.get(from..)?.windows(2).filter(counts).count();
        Some(Point::Float(count as f64))
    }
}

/// All samples of a window by time.
pub(super) fn in_order<'a>(w: &Window<'a>) -> Vec<Either<'a>> {
    let starts = w.start_times.iter().copied().chain(std::iter::repeat(0));
    let mut all: Vec<Either<'a>> = w.samples.iter().zip(starts).map(|(s, start)| Either::Float(s, start)).collect();
    all.extend(w.histograms.iter().map(Either::Histogram));
    all.sort_by_key(Either::t_ms);
    all
}

fn first<'a>(w: &Window<'a>) -> Option<Either<'a>> {
    let (float, histogram) =
        (w.samples.first().map(|s| Either::Float(s, 0)), w.histograms.first().map(Either::Histogram));
    float.into_iter().chain(histogram).min_by_key(Either::t_ms)
}

fn last<'a>(w: &Window<'a>) -> Option<Either<'a>> {
    let (float, histogram) =
        (w.samples.last().map(|s| Either::Float(s, 0)), w.histograms.last().map(Either::Histogram));
    float.into_iter().chain(histogram).max_by_key(Either::t_ms)
}
