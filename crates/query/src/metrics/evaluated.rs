//! The result of a query and how long its parts took.

use std::time::{Duration, Instant};

use promql::ast::Expr;
use promql::eval::{EvalError, Output};

use super::{Ask, MetricsError, keys};

/// The result of a query.
#[derive(Debug, Clone)]
pub struct Evaluated {
    /// Value, warnings, cost in samples.
    pub output: Output,
    /// Cost in time.
    pub timings: Timings,
}

/// How long the parts of a query took.
#[derive(Debug, Clone, Copy)]
pub struct Timings {
    /// Reading its text.
    pub preparation: Duration,
    /// Reading series and evaluating.
    pub evaluation: Duration,
}

impl Evaluated {
    /// Parses, evaluates, and looks at the clock. What was damaged is among the warnings.
    pub(super) fn time(
        ask: &Ask,
        query: &str,
        evaluate: impl FnOnce(&Expr) -> Result<Output, EvalError>,
    ) -> Result<Self, MetricsError> {
        let begin = Instant::now();
        let expr = promql::parse(query)?;
        let preparation = begin.elapsed();
        let mut output = evaluate(&keys::with_stored(&expr))?;
        let timings = Timings { preparation, evaluation: begin.elapsed().saturating_sub(preparation) };
        output.warnings.extend(ask.partial.reasons());
        Ok(Self { output, timings })
    }
}
