//! Reading selectors: instant values with lookback, and moving windows.
//!
//! Prometheus 3 rules: a window and the lookback are open on the left, a
//! stale marker ends a series until its next sample.

use std::sync::Arc;

use model::labels::Labels;

use super::columns::{ABSENT, Row, Sink};
use super::{Eval, EvalError, Sample, SelectHints, Series, Steps};
use crate::ast::{At, DurationExpr, Expr, ExprKind, Extended, Span, Subquery, TimeModifiers, VectorSelector};
use crate::duration::millis;
use crate::series::STALE_NAN_BITS;

/// The samples of one series inside one window.
#[derive(Clone, Copy)]
pub(crate) struct Window<'a> {
    /// Sorted by time.
    pub(crate) samples: &'a [Sample],
    /// Exclusive.
    pub(crate) start_ms: i64,
    /// Inclusive.
    pub(crate) end_ms: i64,
    /// The evaluation time of the step.
    pub(crate) step_ms: i64,
}

impl Window<'_> {
    /// The width in seconds.
    pub(crate) fn seconds(&self) -> f64 {
        (self.end_ms - self.start_ms) as f64 / 1000.0
    }
}

/// A series whose windows are wanted.
pub(crate) struct RangeSeries {
    pub(crate) labels: Arc<Labels>,
    pub(crate) drop_name: bool,
    /// Without stale markers.
    pub(crate) samples: Vec<Sample>,
}

/// Which time a selector looks at for each step.
#[derive(Clone, Copy)]
pub(crate) struct Reference {
    fixed_ms: Option<i64>,
    offset_ms: i64,
    steps: Steps,
}

impl Reference {
    /// The time that a step looks at.
    pub(crate) fn at(&self, step: usize) -> i64 {
        self.fixed_ms.unwrap_or_else(|| self.steps.time(step)).saturating_sub(self.offset_ms)
    }

    fn first(&self) -> i64 {
        self.at(0)
    }

    fn last(&self) -> i64 {
        self.at(self.steps.count.saturating_sub(1))
    }

    /// Whether all steps look at the same time.
    pub(crate) fn is_fixed(&self) -> bool {
        self.fixed_ms.is_some()
    }
}

impl Eval<'_> {
    fn duration(&self, expr: &DurationExpr, positive: bool) -> Result<i64, EvalError> {
        millis(expr, self.run.context, positive).map_err(|e| EvalError::execution(e.message))
    }

    /// The value of `offset`.
    pub(crate) fn offset_ms(&self, modifiers: &TimeModifiers) -> Result<i64, EvalError> {
        modifiers.offset.as_ref().map_or(Ok(0), |o| self.duration(o, false))
    }

    /// The value of `@`.
    pub(crate) fn fixed_time(&self, modifiers: &TimeModifiers) -> Option<i64> {
        modifiers.at.map(|at| match at {
            At::UnixMillis(ms) => ms,
            At::Start => self.run.start_ms,
            At::End => self.run.end_ms,
        })
    }

    fn reference(&self, modifiers: &TimeModifiers) -> Result<Reference, EvalError> {
        let offset_ms = self.offset_ms(modifiers)?;
        Ok(Reference { fixed_ms: self.fixed_time(modifiers), offset_ms, steps: self.steps })
    }

    fn read(
        &self,
        selector: &VectorSelector,
        start_ms: i64,
        end_ms: i64,
        hints: SelectHints,
    ) -> Result<Vec<Series>, EvalError> {
        self.run.check_deadline()?;
        let series = self.run.source.select(&selector.all_matchers(), start_ms, end_ms, hints)?;
        self.run.charge(series.iter().map(|s| s.samples.len()).sum())?;
        Ok(series)
    }

    /// The values of an instant selector, or the times of its samples in seconds.
    pub(crate) fn selector(
        &self,
        selector: &VectorSelector,
        timestamps: bool,
        sink: &mut Sink<'_>,
    ) -> Result<(), EvalError> {
        let reference = self.reference(&selector.modifiers)?;
        let lookback_ms = i64::try_from(self.run.options.lookback.as_millis()).unwrap_or(i64::MAX);
        let hints = SelectHints { step_ms: self.run.context.step_ms, ..SelectHints::default() };
        let start_ms = reference.first().saturating_sub(lookback_ms).saturating_add(1);
        let smoothed = selector.extended == Some(Extended::Smoothed);
        let end_ms = if smoothed { reference.last().saturating_add(lookback_ms) } else { reference.last() };
        let mut values = vec![ABSENT; self.steps.count];
        for series in self.read(selector, start_ms, end_ms, hints)? {
            let any = if smoothed {
                smoothed_values(&series.samples, &reference, lookback_ms, &mut values)
            } else {
                instant_values(&series.samples, &reference, lookback_ms, timestamps, &mut values)
            };
            if any {
                let labels = Arc::new(series.labels);
                sink(Row { labels: &labels, drop_name: timestamps, values: &values })?;
            }
        }
        Ok(())
    }

    /// The series of a range selector or subquery, and how its windows lie.
    pub(crate) fn range_series(&self, expr: &Expr, function: Option<&'static str>) -> Result<RangeInput, EvalError> {
        match &expr.unwrap_parens().kind {
            ExprKind::Range(r) => {
                let reference = self.reference(&r.selector.modifiers)?;
                let range_ms = self.duration(&r.range, true)?;
                let hints = SelectHints { step_ms: self.run.context.step_ms, range_ms, function };
                // Extended ranges see the samples around their edges too.
                let lookback_ms = i64::try_from(self.run.options.lookback.as_millis()).unwrap_or(i64::MAX);
                let before_ms = if r.selector.extended.is_some() { lookback_ms } else { 0 };
                let after_ms = if r.selector.extended == Some(Extended::Smoothed) { lookback_ms } else { 0 };
                let open_ms = reference.first().saturating_sub(range_ms).saturating_sub(before_ms);
                let end_ms = reference.last().saturating_add(after_ms);
                let series = self.read(&r.selector, open_ms.saturating_add(1), end_ms, hints)?;
                let series = series.into_iter().map(without_stale).collect();
                Ok(RangeInput { series, reference, range_ms, before_ms, after_ms })
            }
            ExprKind::Subquery(s) => self.subquery(s),
            _ => Err(EvalError::execution("expected a range vector")),
        }
    }

    fn subquery(&self, s: &Subquery) -> Result<RangeInput, EvalError> {
        let reference = self.reference(&s.modifiers)?;
        let range_ms = self.duration(&s.range, true)?;
        let step_ms = match &s.step {
            Some(step) => self.duration(step, true)?,
            None => i64::try_from(self.run.options.default_subquery_step.as_millis()).unwrap_or(60_000),
        }
        .max(1);
        // Steps lie on multiples of the step, strictly after the start of the window.
        let open_ms = reference.first().saturating_sub(range_ms);
        let mut start_ms = step_ms * (open_ms / step_ms);
        if start_ms <= open_ms {
            start_ms += step_ms;
        }
        let mut out = RangeInput { series: Vec::new(), reference, range_ms, before_ms: 0, after_ms: 0 };
        if reference.last() < start_ms {
            return Ok(out);
        }
        let count = usize::try_from((reference.last() - start_ms) / step_ms).unwrap_or(usize::MAX).saturating_add(1);
        if count > self.run.options.max_samples {
            return Err(EvalError::TooManySamples { limit: self.run.options.max_samples });
        }
        let steps = Steps { start_ms, step_ms, count };
        Eval { run: self.run, steps }.each(&s.expr, &mut |row| {
            let present = row.values.iter().enumerate().filter(|(_, v)| super::columns::is_present(**v));
            let samples: Vec<Sample> =
                present.map(|(step, value)| Sample { t_ms: steps.time(step), value: *value }).collect();
            self.run.charge(samples.len())?;
            out.series.push(RangeSeries { labels: row.labels.clone(), drop_name: row.drop_name, samples });
            Ok(())
        })?;
        Ok(out)
    }

    /// Adds an info.
    pub(crate) fn info(&self, message: &str, span: Span) {
        self.run.notes.borrow_mut().info(message, span);
    }

    /// Adds a warning.
    pub(crate) fn warn(&self, message: &str, span: Span) {
        self.run.notes.borrow_mut().warn(message, span);
    }
}

/// The series of a range vector and how its windows lie.
pub(crate) struct RangeInput {
    pub(crate) series: Vec<RangeSeries>,
    reference: Reference,
    range_ms: i64,
    /// How far windows reach beyond their edges.
    before_ms: i64,
    after_ms: i64,
}

impl RangeInput {
    /// Calls `f` with the window of every step, empty ones included.
    pub(crate) fn windows<'s>(&self, samples: &'s [Sample], mut f: impl FnMut(usize, Window<'s>)) {
        let (mut low, mut high) = (0, 0);
        for step in 0..self.reference.steps.count {
            let end_ms = self.reference.at(step);
            let start_ms = end_ms.saturating_sub(self.range_ms);
            let (open_ms, last_ms) = (start_ms.saturating_sub(self.before_ms), end_ms.saturating_add(self.after_ms));
            while samples.get(high).is_some_and(|s| s.t_ms <= last_ms) {
                high += 1;
            }
            while low < high && samples.get(low).is_some_and(|s| s.t_ms <= open_ms) {
                low += 1;
            }
            let samples = samples.get(low..high).unwrap_or(&[]);
            f(step, Window { samples, start_ms, end_ms, step_ms: self.reference.steps.time(step) });
        }
    }

    /// Whether every step has the same window.
    pub(crate) fn is_fixed(&self) -> bool {
        self.reference.is_fixed()
    }
}

fn without_stale(series: Series) -> RangeSeries {
    let mut samples = series.samples;
    samples.retain(|s| s.value.to_bits() != STALE_NAN_BITS);
    RangeSeries { labels: Arc::new(series.labels), drop_name: false, samples }
}

/// Fills `values`; whether there is any.
fn instant_values(
    samples: &[Sample],
    reference: &Reference,
    lookback_ms: i64,
    timestamps: bool,
    values: &mut [f64],
) -> bool {
    let mut next = 0;
    let mut any = false;
    for (step, out) in values.iter_mut().enumerate() {
        let t = reference.at(step);
        while samples.get(next).is_some_and(|s| s.t_ms <= t) {
            next += 1;
        }
        *out = ABSENT;
        let Some(sample) = next.checked_sub(1).and_then(|at| samples.get(at)) else { continue };
        // A stale marker has the bits of ABSENT, so it needs no case of its own
        // except when times are asked for.
        if t - sample.t_ms < lookback_ms && super::columns::is_present(sample.value) {
            *out = if timestamps { sample.t_ms as f64 / 1000.0 } else { sample.value };
            any = true;
        }
    }
    any
}

/// Like [`instant_values`], on the line between the samples around each time.
fn smoothed_values(samples: &[Sample], reference: &Reference, lookback_ms: i64, values: &mut [f64]) -> bool {
    let mut any = false;
    for (step, out) in values.iter_mut().enumerate() {
        let t = reference.at(step);
        let next = samples.partition_point(|s| s.t_ms <= t);
        let near = |s: &&Sample| (t - s.t_ms).abs() < lookback_ms && super::columns::is_present(s.value);
        let before = next.checked_sub(1).and_then(|at| samples.get(at)).filter(near);
        let after = samples.get(next).filter(near);
        *out = match (before, after) {
            (Some(a), Some(b)) => a.value + (b.value - a.value) * (t - a.t_ms) as f64 / (b.t_ms - a.t_ms) as f64,
            (Some(a), None) => a.value,
            (None, _) => ABSENT,
        };
        any |= before.is_some();
    }
    any
}
