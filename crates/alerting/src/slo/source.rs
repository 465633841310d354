//! What objectives ask of the engines; the binary connects them.

use std::time::Duration;

use foundation::UnixNanos;
use model::{Labels, Signal};

use super::spec::Slo;
use crate::rules::QueryError;

/// Values of one group over time.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// Without a name.
    pub labels: Labels,
    /// In order of time; numbers only.
    pub points: Vec<(UnixNanos, f64)>,
}

/// How many records match, by step and group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventsQuery {
    /// Logs or traces.
    pub signal: Signal,
    /// A filter of the query language.
    pub filter: String,
    /// Attributes.
    pub group_by: Vec<String>,
    /// The first step ends here.
    pub start: UnixNanos,
    /// The last step ends here.
    pub end: UnixNanos,
    /// Length of a step; the point of a step stands at its end.
    pub step: Duration,
}

/// Answers from the engines.
pub trait Source: Send + Sync {
    /// These objectives are counted from now on, in place of those before. Whatever counts of them by itself as records arrive
    /// has to know it before the records come.
    fn objectives(&self, slos: &[Slo]);

    /// PromQL at every `step` from `start` to `end`, both included.
    ///
    /// # Errors
    /// The query is wrong or ran into a limit.
    fn promql(&self, query: &str, start: UnixNanos, end: UnixNanos, step: Duration) -> Result<Vec<Series>, QueryError>;

    /// Counts of log records or spans.
    ///
    /// # Errors
    /// The filter is wrong, or the query ran into a limit.
    fn events(&self, query: &EventsQuery) -> Result<Vec<Series>, QueryError>;

    /// Values of `label` in the series that `selector` matches and that have samples between the two times, sorted.
    ///
    /// # Errors
    /// The selector is wrong, or the query ran into a limit.
    fn label_values(
        &self,
        selector: &str,
        label: &str,
        start: UnixNanos,
        end: UnixNanos,
    ) -> Result<Vec<String>, QueryError>;
}
