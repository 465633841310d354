//! Reading selectors: instant values with lookback, and the samples of ranges.
//!
//! Prometheus 3 rules: the lookback is open on the left, a stale marker ends
//! a series until its next sample.

use std::sync::Arc;

use model::histogram::CounterReset;
use model::labels::Labels;

use super::columns::{ABSENT, Histograms, Row, Sink, is_present, put_histogram};
use super::windows::Windows;
use super::{
    Eval, EvalError, FloatColumns, HistogramSample, Reading, Reduce, Sample, Samples, SelectHints, SeriesSet,
    StartTimes, Steps,
};
use crate::ast::{At, DurationExpr, Expr, ExprKind, Extended, Span, Subquery, TimeModifiers, VectorSelector};
use crate::duration::millis;
use crate::histogram::detect_reset;
use crate::matcher::Matcher;
use crate::series::STALE_NAN_BITS;

/// Steps of one subquery: 40 MB for each row that is held.
const MAX_SUBQUERY_STEPS: usize = 5_000_000;

/// A series whose windows are wanted.
pub(crate) struct RangeSeries<'a> {
    pub(crate) labels: &'a Arc<Labels>,
    pub(crate) drop_name: bool,
    /// Without stale markers.
    pub(crate) samples: &'a Samples,
    /// The samples, when they are columns; `samples` is empty then.
    pub(crate) columns: Option<FloatColumns<'a>>,
}

/// What a selector reads.
pub(crate) struct Selection {
    matchers: Vec<Matcher>,
    start_ms: i64,
    end_ms: i64,
    hints: SelectHints,
    reduce: Option<Reduce>,
    /// Whether columns are welcome.
    columns: bool,
}

/// What of a sample an instant selector gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    Value,
    /// Its time in seconds.
    Time,
    /// Its time when it is a float; a histogram as it is.
    TimeOfFloat,
    /// When its counter began, in seconds.
    StartTime,
}

/// Which time a selector looks at for each step.
#[derive(Clone, Copy)]
pub(crate) struct Reference {
    fixed_ms: Option<i64>,
    offset_ms: i64,
    steps: Steps,
}

impl Reference {
    #[cfg(test)]
    pub(super) fn plain(steps: Steps) -> Self {
        Self { fixed_ms: None, offset_ms: 0, steps }
    }

    /// The time that a step looks at.
    pub(crate) fn at(&self, step: usize) -> i64 {
        self.fixed_ms.unwrap_or_else(|| self.steps.time(step)).saturating_sub(self.offset_ms)
    }

    pub(super) fn first(&self) -> i64 {
        self.at(0)
    }

    pub(super) fn last(&self) -> i64 {
        self.at(self.steps.count.saturating_sub(1))
    }

    pub(super) fn steps(&self) -> Steps {
        self.steps
    }

    /// Whether all steps look at the same time.
    pub(crate) fn is_fixed(&self) -> bool {
        self.fixed_ms.is_some()
    }
}

impl<'a> Eval<'a> {
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

    pub(super) fn open(&self, s: &Selection) -> Result<Box<dyn SeriesSet + 'a>, EvalError> {
        self.run.check_deadline()?;
        Ok(self.run.source.select(&s.matchers, s.start_ms, s.end_ms, s.hints)?)
    }

    /// Hands the series of a selection to `f`, one at a time: all of them, or those of the part that this evaluates.
    fn read(
        &self,
        selection: &Selection,
        f: &mut dyn FnMut(&Arc<Labels>, &mut Samples, Option<FloatColumns<'_>>) -> Result<(), EvalError>,
    ) -> Result<(), EvalError> {
        let opened;
        let (set, range) = match self.part {
            Some(part) => part.series(),
            None => {
                opened = self.open(selection)?;
                (&*opened, 0..opened.len())
            }
        };
        let mut samples = Samples::default();
        let mut reader = set.reader();
        for at in range {
            samples.clear();
            if selection.columns
                && let Some(reader) = &mut reader
                && let Some(columns) = reader.columns(at)?
            {
                self.run.charge_loaded(columns.times_ms.len())?;
                if !columns.times_ms.is_empty() {
                    f(&set.labels(at), &mut samples, Some(columns))?;
                }
                continue;
            }
            match &mut reader {
                Some(reader) => reader.read(at, selection.reduce, &mut samples)?,
                None => set.read(at, &mut samples)?,
            }
            self.run.charge_loaded(samples.weight())?;
            if !samples.is_empty() {
                if self.reading == Reading::Statistics {
                    tell_resets(&mut samples.histograms);
                }
                f(&set.labels(at), &mut samples, None)?;
            }
        }
        Ok(())
    }

    pub(super) fn instant_selection(&self, selector: &VectorSelector, wanted: Wanted) -> Result<Selection, EvalError> {
        let reference = self.reference(&selector.modifiers)?;
        let lookback_ms = self.run.lookback_ms();
        let smoothed = selector.extended == Some(Extended::Smoothed);
        let start_times = if wanted == Wanted::StartTime { StartTimes::All } else { StartTimes::None };
        let newest_only = self.is_one_window(&reference) && !smoothed && wanted != Wanted::StartTime;
        Ok(Selection {
            matchers: selector.all_matchers(),
            start_ms: reference.first().saturating_sub(lookback_ms).saturating_add(1),
            end_ms: reference.last().saturating_add(if smoothed { lookback_ms } else { 0 }),
            hints: SelectHints {
                step_ms: self.run.context.step_ms,
                newest_only,
                start_times,
                ..SelectHints::default()
            },
            reduce: newest_only.then_some(Reduce::Newest),
            columns: false,
        })
    }

    /// The values of an instant selector, or the times of its samples.
    pub(crate) fn selector(
        &self,
        selector: &VectorSelector,
        span: Span,
        wanted: Wanted,
        sink: &mut Sink<'_>,
    ) -> Result<(), EvalError> {
        let reference = self.reference(&selector.modifiers)?;
        let lookback_ms = self.run.lookback_ms();
        let smoothed = selector.extended == Some(Extended::Smoothed);
        let mut values = vec![ABSENT; self.steps.count];
        let mut histograms = Histograms::new();
        self.read(&self.instant_selection(selector, wanted)?, &mut |labels, samples, _| {
            histograms.clear();
            if smoothed {
                let smoothing = super::functions::smoothed::Smoothing { eval: self, labels, span, lookback_ms };
                smoothing.values(samples, &reference, &mut values, &mut histograms);
            } else if samples.histograms.is_empty() && wanted != Wanted::StartTime {
                let times = wanted != Wanted::Value;
                instant_floats(&samples.floats, &reference, lookback_ms, times, &mut values);
            } else {
                instant_points(samples, &reference, lookback_ms, wanted, &mut values, &mut histograms);
            }
            let row = Row { labels, drop_name: wanted != Wanted::Value, values: &values, histograms: &histograms };
            if row.is_empty() {
                return Ok(());
            }
            if let Some(counted) = self.counted {
                counted.row(&row);
            }
            sink(row)
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
        let before_ms = if extended.is_some() { self.run.lookback_ms() } else { 0 };
        let after_ms = if extended == Some(Extended::Smoothed) { self.run.lookback_ms() } else { 0 };
        let (reference, range_ms) = (self.reference(modifiers)?, self.duration(range, true)?);
        Ok(Windows { reference, range_ms, before_ms, after_ms })
    }

    pub(super) fn range_selection(
        &self,
        selector: &VectorSelector,
        windows: &Windows,
        function: Option<&'static str>,
    ) -> Result<Selection, EvalError> {
        let (open_ms, end_ms) = windows.bounds();
        let start_times = function.map_or(StartTimes::None, super::functions::start_times);
        let one_window = self.is_one_window(&windows.reference);
        let sweeps = function.is_some_and(|name| super::functions::sweeps(name, windows));
        Ok(Selection {
            matchers: selector.all_matchers(),
            start_ms: open_ms.saturating_add(1),
            end_ms,
            hints: SelectHints {
                step_ms: self.run.context.step_ms,
                range_ms: windows.range_ms,
                function,
                start_times,
                newest_only: false,
            },
            reduce: function.and_then(super::functions::reduce).filter(|_| one_window && windows.is_plain()),
            columns: sweeps && !one_window && self.counted.is_none(),
        })
    }

    /// Whether every step sees the same samples, and nobody counts them.
    fn is_one_window(&self, reference: &Reference) -> bool {
        self.counted.is_none() && (reference.is_fixed() || self.steps.count == 1)
    }

    /// Hands the series of a range selector or subquery to `f`, one at a time.
    pub(crate) fn each_range(
        &self,
        expr: &Expr,
        windows: &Windows,
        function: Option<&'static str>,
        f: &mut dyn FnMut(RangeSeries<'_>) -> Result<(), EvalError>,
    ) -> Result<(), EvalError> {
        match &expr.unwrap_parens().kind {
            ExprKind::Range(r) => {
                let selection = self.range_selection(&r.selector, windows, function)?;
                self.read(&selection, &mut |labels, samples, mut columns| {
                    if let Some(all) = columns.take_if(|all| has_stale(all.values)) {
                        let all = all.times_ms.iter().zip(all.values);
                        samples.floats.extend(all.map(|(t_ms, value)| Sample { t_ms: *t_ms, value: *value }));
                    }
                    drop_stale(samples);
                    self.count(windows, samples);
                    f(RangeSeries { labels, drop_name: false, samples, columns })
                })
            }
            ExprKind::Subquery(s) => self.subquery(s, windows, f),
            _ => Err(EvalError::execution("expected a range vector")),
        }
    }

    /// The steps of a subquery: the multiples of its step in its windows; none when there is none.
    pub(super) fn subquery_steps(&self, s: &Subquery, windows: &Windows) -> Result<Option<Steps>, EvalError> {
        let (open_ms, end_ms) = windows.bounds();
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
            return Ok(None);
        }
        let count = usize::try_from(end_ms.saturating_sub(start_ms) / step_ms).unwrap_or(usize::MAX).saturating_add(1);
        if count > MAX_SUBQUERY_STEPS {
            return Err(EvalError::TooManyPoints { points: count, limit: MAX_SUBQUERY_STEPS });
        }
        Ok(Some(Steps { start_ms, step_ms, count }))
    }

    fn subquery(
        &self,
        s: &Subquery,
        windows: &Windows,
        f: &mut dyn FnMut(RangeSeries<'_>) -> Result<(), EvalError>,
    ) -> Result<(), EvalError> {
        let Some(steps) = self.subquery_steps(s, windows)? else { return Ok(()) };
        let mut samples = Samples::default();
        Eval { steps, counted: None, ..self.for_buckets() }.each(&s.expr, &mut |row| {
            samples.clear();
            let present = row.values.iter().enumerate().filter(|(_, v)| is_present(**v));
            samples.floats.extend(present.map(|(step, value)| Sample { t_ms: steps.time(step), value: *value }));
            let present = row.histograms.iter().enumerate().filter_map(|(step, h)| Some((step, h.as_ref()?)));
            samples.histograms.extend(present.map(|(step, h)| {
                // What it says of the sample before it is not true of the step before it.
                let mut histogram = h.clone();
                if !matches!(h.counter_reset, CounterReset::Gauge | CounterReset::Unknown) {
                    Arc::make_mut(&mut histogram).counter_reset = CounterReset::Unknown;
                }
                HistogramSample { t_ms: steps.time(step), start_ms: 0, histogram }
            }));
            self.run.charge(samples.weight())?;
            self.count(windows, &samples);
            f(RangeSeries { labels: row.labels, drop_name: row.drop_name, samples: &samples, columns: None })
        })
    }

    fn count(&self, windows: &Windows, samples: &Samples) {
        if let Some(counted) = self.counted {
            counted.windows(windows, samples);
        }
    }

    /// Adds an info.
    pub(crate) fn info(&self, message: &str, span: Span) {
        self.run.info(message, span);
    }

    /// Adds a warning.
    pub(crate) fn warn(&self, message: &str, span: Span) {
        self.run.warn(message, span);
    }
}

/// Makes every histogram say whether it is a reset.
fn tell_resets(histograms: &mut [HistogramSample]) {
    for at in 1..histograms.len() {
        let (before, rest) = histograms.split_at_mut(at);
        let (Some(before), Some(h)) = (before.last(), rest.first_mut()) else { continue };
        if h.histogram.counter_reset == CounterReset::Unknown && !h.histogram.is_stale() && !before.histogram.is_stale()
        {
            let reset = detect_reset(&h.histogram, &before.histogram);
            Arc::make_mut(&mut h.histogram).counter_reset =
                if reset { CounterReset::Reset } else { CounterReset::NotReset };
        }
    }
}

/// Without a way out, so that it runs over several at a time.
fn has_stale(values: &[f64]) -> bool {
    values.iter().fold(false, |any, v| any | !is_present(*v))
}

fn drop_stale(samples: &mut Samples) {
    let stale = |s: &Sample| s.value.to_bits() == STALE_NAN_BITS;
    // Without a way out, so that it runs over several at a time.
    if samples.floats.iter().fold(false, |any, s| any | stale(s)) {
        if !samples.start_times.is_empty() {
            let mut floats = samples.floats.iter();
            samples.start_times.retain(|_| floats.next().is_some_and(|s| !stale(s)));
        }
        samples.floats.retain(|s| !stale(s));
    }
    samples.histograms.retain(|h| !h.histogram.is_stale());
}

/// The value at every step, or its time.
fn instant_floats(samples: &[Sample], reference: &Reference, lookback_ms: i64, times: bool, values: &mut [f64]) {
    let mut next = 0;
    for (step, out) in values.iter_mut().enumerate() {
        let t = reference.at(step);
        while samples.get(next).is_some_and(|s| s.t_ms <= t) {
            next += 1;
        }
        *out = ABSENT;
        let Some(sample) = next.checked_sub(1).and_then(|at| samples.get(at)) else { continue };
        // A stale marker has the bits of ABSENT, so it needs no case of its own
        // except when times are asked for.
        if t.saturating_sub(sample.t_ms) < lookback_ms && is_present(sample.value) {
            *out = if times { sample.t_ms as f64 / 1000.0 } else { sample.value };
        }
    }
}

/// As [`instant_floats`], with histograms and start times.
fn instant_points(
    samples: &Samples,
    reference: &Reference,
    lookback_ms: i64,
    wanted: Wanted,
    values: &mut [f64],
    histograms: &mut Histograms,
) {
    let steps = values.len();
    let (mut next, mut next_histogram) = (0, 0);
    for (step, out) in values.iter_mut().enumerate() {
        let t = reference.at(step);
        while samples.floats.get(next).is_some_and(|s| s.t_ms <= t) {
            next += 1;
        }
        while samples.histograms.get(next_histogram).is_some_and(|s| s.t_ms <= t) {
            next_histogram += 1;
        }
        *out = ABSENT;
        let float = next.checked_sub(1).and_then(|at| samples.floats.get(at));
        let histogram = next_histogram.checked_sub(1).and_then(|at| samples.histograms.get(at));
        let newest = match (float, histogram) {
            (Some(f), Some(h)) if h.t_ms > f.t_ms => (h.t_ms, h.start_ms, Some(h)),
            (Some(f), _) => {
                let start_ms = next.checked_sub(1).and_then(|at| samples.start_times.get(at));
                (f.t_ms, start_ms.copied().unwrap_or(0), None)
            }
            (None, Some(h)) => (h.t_ms, h.start_ms, Some(h)),
            (None, None) => continue,
        };
        let (t_ms, start_ms, histogram) = newest;
        let stale = match (histogram, float) {
            (Some(h), _) => h.histogram.is_stale(),
            (None, float) => float.is_none_or(|f| !is_present(f.value)),
        };
        if stale || t.saturating_sub(t_ms) >= lookback_ms {
            continue;
        }
        match (wanted, histogram) {
            (Wanted::Time, _) | (Wanted::TimeOfFloat, None) => *out = t_ms as f64 / 1000.0,
            (Wanted::StartTime, _) => *out = start_ms as f64 / 1000.0,
            (Wanted::Value | Wanted::TimeOfFloat, Some(h)) => {
                put_histogram(histograms, steps, step, h.histogram.clone())
            }
            (Wanted::Value, None) => *out = float.map_or(ABSENT, |f| f.value),
        }
    }
}
