//! Reading selectors: instant values with lookback, and moving windows.
//!
//! Prometheus 3 rules: a window and the lookback are open on the left, a
//! stale marker ends a series until its next sample.

use std::ops::ControlFlow;
use std::sync::Arc;

use model::labels::Labels;

use super::columns::{ABSENT, Row, Sink};
use super::{Eval, EvalError, Sample, SelectHints, Series, Steps};
use crate::ast::{At, DurationExpr, Expr, ExprKind, Extended, Span, Subquery, TimeModifiers, VectorSelector};
use crate::duration::millis;
use crate::series::STALE_NAN_BITS;

/// Steps of one subquery: 40 MB for each row that is held.
const MAX_SUBQUERY_STEPS: usize = 5_000_000;

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

    /// Hands the series of a selector to `f`, one at a time.
    fn read(
        &self,
        selector: &VectorSelector,
        start_ms: i64,
        end_ms: i64,
        hints: SelectHints,
        f: &mut dyn FnMut(Series) -> Result<(), EvalError>,
    ) -> Result<(), EvalError> {
        self.run.check_deadline()?;
        let mut outcome = Ok(());
        self.run.source.select_each(&selector.all_matchers(), start_ms, end_ms, hints, &mut |series| {
            outcome = self.run.charge_loaded(series.samples.len()).and_then(|()| f(series));
            if outcome.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })?;
        outcome
    }

    fn lookback_ms(&self) -> i64 {
        i64::try_from(self.run.options.lookback.as_millis()).unwrap_or(i64::MAX)
    }

    /// The values of an instant selector, or the times of its samples in seconds.
    pub(crate) fn selector(
        &self,
        selector: &VectorSelector,
        timestamps: bool,
        sink: &mut Sink<'_>,
    ) -> Result<(), EvalError> {
        let reference = self.reference(&selector.modifiers)?;
        let lookback_ms = self.lookback_ms();
        let hints = SelectHints { step_ms: self.run.context.step_ms, ..SelectHints::default() };
        let start_ms = reference.first().saturating_sub(lookback_ms).saturating_add(1);
        let smoothed = selector.extended == Some(Extended::Smoothed);
        let end_ms = if smoothed { reference.last().saturating_add(lookback_ms) } else { reference.last() };
        let mut values = vec![ABSENT; self.steps.count];
        self.read(selector, start_ms, end_ms, hints, &mut |series| {
            let any = if smoothed {
                smoothed_values(&series.samples, &reference, lookback_ms, &mut values)
            } else {
                instant_values(&series.samples, &reference, lookback_ms, timestamps, &mut values)
            };
            if any {
                let labels = Arc::new(series.labels);
                sink(Row { labels: &labels, drop_name: timestamps, values: &values })?;
            }
            Ok(())
        })
    }

    /// How the windows of a range selector or subquery lie.
    pub(crate) fn windows_of(&self, expr: &Expr) -> Result<Windows, EvalError> {
        let (modifiers, range, extended) = match &expr.unwrap_parens().kind {
            ExprKind::Range(r) => (&r.selector.modifiers, &r.range, r.selector.extended),
            ExprKind::Subquery(s) => (&s.modifiers, &s.range, None),
            _ => return Err(EvalError::execution("expected a range vector")),
        };
        // Extended ranges see the samples around their edges too.
        let before_ms = if extended.is_some() { self.lookback_ms() } else { 0 };
        let after_ms = if extended == Some(Extended::Smoothed) { self.lookback_ms() } else { 0 };
        let (reference, range_ms) = (self.reference(modifiers)?, self.duration(range, true)?);
        Ok(Windows { reference, range_ms, before_ms, after_ms })
    }

    /// Hands the series of a range selector or subquery to `f`, one at a time.
    pub(crate) fn each_range(
        &self,
        expr: &Expr,
        windows: &Windows,
        function: Option<&'static str>,
        f: &mut dyn FnMut(RangeSeries) -> Result<(), EvalError>,
    ) -> Result<(), EvalError> {
        let open_ms = windows.reference.first().saturating_sub(windows.range_ms).saturating_sub(windows.before_ms);
        let end_ms = windows.reference.last().saturating_add(windows.after_ms);
        match &expr.unwrap_parens().kind {
            ExprKind::Range(r) => {
                let hints = SelectHints { step_ms: self.run.context.step_ms, range_ms: windows.range_ms, function };
                let start_ms = open_ms.saturating_add(1);
                self.read(&r.selector, start_ms, end_ms, hints, &mut |series| f(without_stale(series)))
            }
            ExprKind::Subquery(s) => self.subquery(s, open_ms, end_ms, f),
            _ => Err(EvalError::execution("expected a range vector")),
        }
    }

    /// Evaluates the inner expression at the multiples of the step in `open_ms..=end_ms`, the start excluded.
    fn subquery(
        &self,
        s: &Subquery,
        open_ms: i64,
        end_ms: i64,
        f: &mut dyn FnMut(RangeSeries) -> Result<(), EvalError>,
    ) -> Result<(), EvalError> {
        let step_ms = match &s.step {
            Some(step) => self.duration(step, true)?,
            None => i64::try_from(self.run.options.default_subquery_step.as_millis()).unwrap_or(60_000),
        }
        .max(1);
        let mut start_ms = step_ms * (open_ms / step_ms);
        if start_ms <= open_ms {
            start_ms = start_ms.saturating_add(step_ms);
        }
        if end_ms < start_ms {
            return Ok(());
        }
        let count = usize::try_from((end_ms - start_ms) / step_ms).unwrap_or(usize::MAX).saturating_add(1);
        if count > MAX_SUBQUERY_STEPS {
            return Err(EvalError::TooManyPoints { points: count, limit: MAX_SUBQUERY_STEPS });
        }
        let steps = Steps { start_ms, step_ms, count };
        Eval { run: self.run, steps }.each(&s.expr, &mut |row| {
            let present = row.values.iter().enumerate().filter(|(_, v)| super::columns::is_present(**v));
            let samples: Vec<Sample> =
                present.map(|(step, value)| Sample { t_ms: steps.time(step), value: *value }).collect();
            self.run.charge(samples.len())?;
            f(RangeSeries { labels: row.labels.clone(), drop_name: row.drop_name, samples })
        })
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

/// How the windows of a range vector lie.
pub(crate) struct Windows {
    reference: Reference,
    range_ms: i64,
    /// How far windows reach beyond their edges.
    before_ms: i64,
    after_ms: i64,
}

impl Windows {
    /// Calls `f` with the window of every step, empty ones included.
    pub(crate) fn each<'s>(&self, samples: &'s [Sample], mut f: impl FnMut(usize, Window<'s>)) {
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
        if t.saturating_sub(sample.t_ms) < lookback_ms && super::columns::is_present(sample.value) {
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
        let near = |s: &&Sample| {
            t.saturating_sub(s.t_ms).saturating_abs() < lookback_ms && super::columns::is_present(s.value)
        };
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
