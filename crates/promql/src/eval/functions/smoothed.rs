//! Instant selectors with `smoothed`: values on the line between the samples around each time.

use std::sync::Arc;

use model::histogram::CounterReset;
use model::labels::Labels;

use super::extended::interpolated;
use super::mixed::Mixed;
use crate::ast::Span;
use crate::eval::columns::{ABSENT, Histograms, is_present, put_histogram};
use crate::eval::select::Reference;
use crate::eval::{Eval, HistogramSample, Sample, Samples};
use crate::histogram::FloatHistogram;

/// One series of such a selector.
pub(crate) struct Smoothing<'a> {
    pub(crate) eval: &'a Eval<'a>,
    pub(crate) labels: &'a Labels,
    pub(crate) span: Span,
    pub(crate) lookback_ms: i64,
}

impl Smoothing<'_> {
    /// Fills the values and histograms of all steps.
    pub(crate) fn values(
        &self,
        samples: &Samples,
        reference: &Reference,
        values: &mut [f64],
        histograms: &mut Histograms,
    ) {
        let mixed = Mixed { eval: self.eval, labels: self.labels, span: self.span };
        let steps = values.len();
        for (step, out) in values.iter_mut().enumerate() {
            let t = reference.at(step);
            *out = ABSENT;
            let (float, histogram) = (self.float(&samples.floats, t), self.histogram(&mixed, &samples.histograms, t));
            if self.near(&samples.floats, |s| s.t_ms, t) && self.near(&samples.histograms, |s| s.t_ms, t) {
                mixed.warn_mix();
            } else if let Some(h) = histogram {
                put_histogram(histograms, steps, step, h);
            } else {
                *out = float;
            }
        }
    }

    fn is_near(&self, t: i64, t_ms: i64) -> bool {
        t.saturating_sub(t_ms).saturating_abs() < self.lookback_ms
    }

    /// Whether there is any sample around `t`.
    fn near<T>(&self, samples: &[T], t_ms: impl Fn(&T) -> i64, t: i64) -> bool {
        let next = samples.partition_point(|s| t_ms(s) <= t);
        let around = [next.checked_sub(1), Some(next)].into_iter().flatten();
        around.filter_map(|at| samples.get(at)).any(|s| self.is_near(t, t_ms(s)))
    }

    fn float(&self, samples: &[Sample], t: i64) -> f64 {
        let next = samples.partition_point(|s| s.t_ms <= t);
        let near = |s: &&Sample| self.is_near(t, s.t_ms) && is_present(s.value);
        let before = next.checked_sub(1).and_then(|at| samples.get(at)).filter(near);
        match (before, samples.get(next).filter(near)) {
            (Some(a), Some(b)) => a.value + (b.value - a.value) * (t - a.t_ms) as f64 / (b.t_ms - a.t_ms) as f64,
            (Some(a), None) => a.value,
            (None, _) => ABSENT,
        }
    }

    fn histogram(&self, mixed: &Mixed<'_>, samples: &[HistogramSample], t: i64) -> Option<Arc<FloatHistogram>> {
        let next = samples.partition_point(|s| s.t_ms <= t);
        let near = |s: &&HistogramSample| self.is_near(t, s.t_ms) && !s.histogram.is_stale();
        let before = next.checked_sub(1).and_then(|at| samples.get(at)).filter(near)?;
        match samples.get(next).filter(near) {
            Some(after) if after.histogram.has_custom_bounds() != before.histogram.has_custom_bounds() => {
                mixed.warn_mixed_buckets();
                None
            }
            Some(after) => {
                let counter = before.histogram.counter_reset != CounterReset::Gauge;
                interpolated(mixed, before, after, t, counter)
            }
            None => Some(before.histogram.clone()),
        }
    }
}
