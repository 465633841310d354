//! The evaluator: instant and range queries over a [`SeriesSource`].
//!
//! Every expression is evaluated for all steps at once: a series is decoded
//! one time, and windows move over it. Between expressions travel rows: one
//! series with one value per step. Labels are looked at once per series, never
//! per sample. Series of one selector are evaluated on several threads where
//! they do not depend on each other (`parallel`).

mod aggregate;
mod binary;
mod columns;
mod counted;
mod error;
mod expr;
mod finish;
mod functions;
mod matching;
mod notes;
mod operate;
mod output;
mod parallel;
mod run;
mod select;
mod sets;
mod source;
mod support;
mod windows;

use std::time::Duration;

use crate::ast::{Expr, ValueType};

pub use error::EvalError;
pub use output::{InstantSample, Output, Point, Series, Value};
pub use run::{EngineOptions, QueryLimits};
pub use source::{
    FloatColumns, HistogramSample, Reduce, Sample, Samples, SelectHints, SeriesReader, SeriesSet, SeriesSource,
    SourceError, StartTimes,
};

use counted::Counted;
use parallel::Part;
use run::Run;

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
        let run = Run::new(&self.options, source, query, limits, (at_ms, at_ms, 0), steps);
        support::check(expr)?;
        let value = finish::instant(&Eval::new(&run, steps), expr)?;
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
        let run = Run::new(&self.options, source, query, limits, (start_ms, end_ms, step_ms), steps);
        support::check(expr)?;
        let value = finish::range(&Eval::new(&run, steps), expr)?;
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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Steps {
    pub(crate) start_ms: i64,
    pub(crate) step_ms: i64,
    pub(crate) count: usize,
}

impl Steps {
    /// The time of a step.
    pub(crate) fn time(self, step: usize) -> i64 {
        self.start_ms.saturating_add(self.step_ms.saturating_mul(step as i64))
    }
}

/// Whether only count and sum of histograms are asked for.
///
/// Prometheus then reads histograms without buckets and finds counter resets
/// while reading, so that every histogram says whether it is one. Results
/// show it, so the same is done here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reading {
    /// As stored.
    Whole,
    /// Inside of `histogram_count`, `histogram_sum` or `histogram_avg`.
    Statistics,
    /// Inside of what needs buckets after all.
    Buckets,
}

/// A query, or one of its subqueries, with its own steps.
#[derive(Clone, Copy)]
pub(crate) struct Eval<'a> {
    pub(crate) run: &'a Run<'a>,
    pub(crate) steps: Steps,
    reading: Reading,
    /// Where samples are counted; nowhere inside of a subquery, whose results count instead.
    counted: Option<&'a Counted>,
    /// The part of the series of the only selector that this evaluates.
    part: Option<Part<'a>>,
}

impl<'a> Eval<'a> {
    fn new(run: &'a Run<'a>, steps: Steps) -> Self {
        Self { run, steps, reading: Reading::Whole, counted: run.counted.as_ref(), part: None }
    }

    /// For the argument of a function that only wants count and sum.
    fn for_statistics(self) -> Self {
        let reading = if self.reading == Reading::Buckets { self.reading } else { Reading::Statistics };
        Self { reading, ..self }
    }

    /// For the argument of a function that wants buckets.
    fn for_buckets(self) -> Self {
        Self { reading: Reading::Buckets, ..self }
    }
}
