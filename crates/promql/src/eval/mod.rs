//! The evaluator: instant and range queries over a [`SeriesSource`].
//!
//! Every expression is evaluated for all steps at once: a series is decoded
//! one time, and windows move over it. Between expressions travel rows: one
//! series with one value per step. Labels are looked at once per series, never
//! per sample.
//!
//! What this version cannot evaluate is refused by name before any series is
//! read (`support`); nothing is evaluated wrongly instead.

mod aggregate;
mod binary;
mod columns;
mod error;
mod expr;
mod finish;
mod functions;
mod kahan;
mod matching;
mod notes;
mod select;
mod sets;
mod support;

use std::cell::{Cell, RefCell};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use foundation::ErrorKind;
use model::labels::Labels;

use crate::ast::{Expr, ValueType};
use crate::duration::DurationContext;
use crate::matcher::Matcher;

pub use error::EvalError;

use notes::Notes;

/// One sample of a series.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample {
    /// Unix milliseconds.
    pub t_ms: i64,
    /// The value; the stale marker has the bits [`crate::series::STALE_NAN_BITS`].
    pub value: f64,
}

/// A series with samples in ascending time, no two at the same time.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// Its labels, the metric name included.
    pub labels: Labels,
    /// Its samples.
    pub samples: Vec<Sample>,
}

/// What a source may use to read less.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SelectHints {
    /// Step of the query, 0 for an instant query.
    pub step_ms: i64,
    /// Width of the range selector, 0 for an instant selector.
    pub range_ms: i64,
    /// The function around the selector, when there is one.
    pub function: Option<&'static str>,
}

/// Why a source could not answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct SourceError {
    /// What a caller can do about it.
    pub kind: ErrorKind,
    /// What happened.
    pub message: String,
}

/// Where series come from. Lives here because the evaluator is its consumer.
pub trait SeriesSource {
    /// All series that pass all matchers, with their samples in `start_ms..=end_ms`.
    ///
    /// More samples than asked for do no harm. The order of series is the
    /// order of equal elements in results; sorted by labels is best.
    ///
    /// # Errors
    /// Whatever kept the source from reading.
    fn select(
        &self,
        matchers: &[Matcher],
        start_ms: i64,
        end_ms: i64,
        hints: SelectHints,
    ) -> Result<Vec<Series>, SourceError>;

    /// Like [`SeriesSource::select`], one series at a time, until `sink` breaks off.
    ///
    /// The evaluator only calls this one. A source that can decode series by
    /// series overrides it; then a query over many series needs the memory of one.
    ///
    /// # Errors
    /// Whatever kept the source from reading.
    fn select_each(
        &self,
        matchers: &[Matcher],
        start_ms: i64,
        end_ms: i64,
        hints: SelectHints,
        sink: &mut dyn FnMut(Series) -> ControlFlow<()>,
    ) -> Result<(), SourceError> {
        for series in self.select(matchers, start_ms, end_ms, hints)? {
            if sink(series).is_break() {
                break;
            }
        }
        Ok(())
    }
}

/// Settings of an engine; the defaults are Prometheus's.
#[derive(Debug, Clone)]
pub struct EngineOptions {
    /// How old a sample may be to count at a step (exclusive).
    pub lookback: Duration,
    /// The step of subqueries that name none.
    pub default_subquery_step: Duration,
    /// Samples that one query may load and produce.
    pub max_samples: usize,
    /// Steps of one range query; 11,000 times the step is the longest range that Prometheus takes.
    pub max_points: usize,
}

impl Default for EngineOptions {
    fn default() -> Self {
        Self {
            lookback: Duration::from_secs(300),
            default_subquery_step: Duration::from_secs(60),
            max_samples: 50_000_000,
            max_points: 11_001,
        }
    }
}

/// When one query has to give up.
#[derive(Debug, Clone, Default)]
pub struct QueryLimits {
    /// Not later than this.
    pub deadline: Option<Instant>,
    /// As soon as this is set.
    pub cancel: Option<Arc<AtomicBool>>,
}

/// One element of an instant vector.
#[derive(Debug, Clone, PartialEq)]
pub struct InstantSample {
    /// Its labels.
    pub labels: Labels,
    /// The evaluation time in unix milliseconds.
    pub t_ms: i64,
    /// Its value.
    pub value: f64,
}

/// The value of a query.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A number; only of instant queries.
    Scalar(Sample),
    /// A text; only of instant queries.
    String(String),
    /// In the order that the query asks for (`sort`, `topk`), else as the source gave it.
    Vector(Vec<InstantSample>),
    /// Sorted by labels.
    Matrix(Vec<Series>),
}

/// A value and what there is to say about it.
#[derive(Debug, Clone, PartialEq)]
pub struct Output {
    /// The value.
    pub value: Value,
    /// Probable mistakes, each once, with the position in the query.
    pub warnings: Vec<String>,
    /// Things to know, each once, with the position in the query.
    pub infos: Vec<String>,
    /// Samples loaded from the source.
    pub samples_loaded: usize,
}

/// Evaluates parsed queries. Cheap to make, holds only settings.
#[derive(Debug, Clone, Default)]
pub struct Engine {
    options: EngineOptions,
}

impl Engine {
    /// An engine with these settings.
    pub fn new(options: EngineOptions) -> Self {
        Self { options }
    }

    /// The same engine with another lookback.
    pub fn with_lookback(&self, lookback: Duration) -> Self {
        Self { options: EngineOptions { lookback, ..self.options.clone() } }
    }

    /// Evaluates at one instant. `query` is the text `expr` was parsed from; positions point into it.
    ///
    /// # Errors
    /// See [`EvalError`].
    pub fn instant(
        &self,
        source: &dyn SeriesSource,
        query: &str,
        expr: &Expr,
        at_ms: i64,
        limits: &QueryLimits,
    ) -> Result<Output, EvalError> {
        let steps = Steps { start_ms: at_ms, step_ms: 1, count: 1 };
        let run = Run::new(self, source, query, limits, at_ms, at_ms, 0);
        support::check(expr)?;
        let value = finish::instant(&Eval { run: &run, steps }, expr)?;
        Ok(run.output(value))
    }

    /// Evaluates at `start_ms`, `start_ms + step_ms`, ... up to and including `end_ms`.
    ///
    /// # Errors
    /// See [`EvalError`].
    pub fn range(
        &self,
        source: &dyn SeriesSource,
        query: &str,
        expr: &Expr,
        range: QueryRange,
        limits: &QueryLimits,
    ) -> Result<Output, EvalError> {
        let QueryRange { start_ms, end_ms, step_ms } = range;
        if step_ms <= 0 {
            return Err(EvalError::BadRange {
                message: "zero or negative query resolution step widths are not accepted",
            });
        }
        if end_ms < start_ms {
            return Err(EvalError::BadRange { message: "end timestamp must not be before start time" });
        }
        let t = expr.value_type();
        if !matches!(t, ValueType::Scalar | ValueType::Vector) {
            return Err(EvalError::RangeQueryType { got: t.documented() });
        }
        let width = end_ms.checked_sub(start_ms).ok_or(EvalError::BadRange { message: "range is too wide" })?;
        let count = usize::try_from(width / step_ms).unwrap_or(usize::MAX).saturating_add(1);
        if count > self.options.max_points {
            return Err(EvalError::TooManyPoints { points: count, limit: self.options.max_points });
        }
        let steps = Steps { start_ms, step_ms, count };
        let run = Run::new(self, source, query, limits, start_ms, end_ms, step_ms);
        support::check(expr)?;
        let value = finish::range(&Eval { run: &run, steps }, expr)?;
        Ok(run.output(value))
    }
}

/// The steps of a range query, in unix milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueryRange {
    /// First step.
    pub start_ms: i64,
    /// The last step is not after this.
    pub end_ms: i64,
    /// Positive.
    pub step_ms: i64,
}

/// The evaluation times of a (sub)query.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Steps {
    pub(crate) start_ms: i64,
    pub(crate) step_ms: i64,
    pub(crate) count: usize,
}

impl Steps {
    /// The time of a step.
    pub(crate) fn time(self, step: usize) -> i64 {
        self.start_ms + self.step_ms * step as i64
    }
}

/// What all parts of one query share.
pub(crate) struct Run<'a> {
    source: &'a dyn SeriesSource,
    options: &'a EngineOptions,
    limits: &'a QueryLimits,
    context: DurationContext,
    /// Start and end of the whole query, for `@ start()` and `@ end()`.
    start_ms: i64,
    end_ms: i64,
    notes: RefCell<Notes<'a>>,
    /// Samples loaded from the source so far.
    loaded: Cell<usize>,
    /// Samples loaded or produced so far, which the limit is about.
    charged: Cell<usize>,
}

impl<'a> Run<'a> {
    fn new(
        engine: &'a Engine,
        source: &'a dyn SeriesSource,
        query: &'a str,
        limits: &'a QueryLimits,
        start_ms: i64,
        end_ms: i64,
        step_ms: i64,
    ) -> Self {
        let context = DurationContext { step_ms, range_ms: end_ms - start_ms };
        let notes = RefCell::new(Notes::new(query));
        let (loaded, charged) = (Cell::new(0), Cell::new(0));
        Self { source, options: &engine.options, limits, context, start_ms, end_ms, notes, loaded, charged }
    }

    fn output(&self, value: Value) -> Output {
        let (warnings, infos) = self.notes.borrow_mut().take();
        Output { value, warnings, infos, samples_loaded: self.loaded.get() }
    }

    /// Counts samples from the source.
    fn charge_loaded(&self, samples: usize) -> Result<(), EvalError> {
        self.loaded.set(self.loaded.get().saturating_add(samples));
        self.charge(samples)
    }

    /// Counts samples against the limit, and looks at the clock.
    fn charge(&self, samples: usize) -> Result<(), EvalError> {
        let total = self.charged.get().saturating_add(samples);
        self.charged.set(total);
        if total > self.options.max_samples {
            return Err(EvalError::TooManySamples { limit: self.options.max_samples });
        }
        self.check_deadline()
    }

    /// Fails when the query was cancelled or is out of time.
    fn check_deadline(&self) -> Result<(), EvalError> {
        if self.limits.cancel.as_ref().is_some_and(|c| c.load(Ordering::Relaxed)) {
            return Err(EvalError::Cancelled);
        }
        if self.limits.deadline.is_some_and(|d| Instant::now() >= d) {
            return Err(EvalError::TimedOut);
        }
        Ok(())
    }
}

/// A query, or one of its subqueries, with its own steps.
#[derive(Clone, Copy)]
pub(crate) struct Eval<'a> {
    pub(crate) run: &'a Run<'a>,
    pub(crate) steps: Steps,
}
