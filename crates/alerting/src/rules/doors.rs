//! What the rules need of others: answers, a place for series, and somebody who hears of alerts.
//!
//! The binary implements these over the engines; unit tests of rule files implement them in memory. All are called from
//! the threads that evaluate and may block.

use std::sync::Arc;

use foundation::{ErrorKind, UnixNanos};
use model::Labels;
use promql::eval::Point;
use rustc_hash::FxHashMap;

use super::spec::{Expression, Past};
use crate::alert::Alert;

/// Why an expression gave no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct QueryError {
    /// What a caller can do about it.
    pub kind: ErrorKind,
    /// What happened.
    pub message: String,
}

impl QueryError {
    /// With the words of another error.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }
}

/// One element of an answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// With the metric name, where there is one.
    pub labels: Labels,
    /// The value.
    pub value: Point,
}

/// An answer: a scalar is one sample without labels.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Answer {
    /// In the order of the query.
    pub samples: Vec<Sample>,
    /// Why it may be less than there is, and probable mistakes.
    pub warnings: Vec<String>,
}

/// An answer over a stretch of time.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RangeAnswer {
    /// In no order.
    pub series: Vec<RangeSeries>,
    /// As in [`Answer`].
    pub warnings: Vec<String>,
}

/// A series of an answer.
#[derive(Debug, Clone, PartialEq)]
pub struct RangeSeries {
    /// With the metric name, where there is one.
    pub labels: Labels,
    /// In ascending time.
    pub samples: Vec<(UnixNanos, Point)>,
}

/// Evaluates expressions.
pub trait RuleQuery: Send + Sync {
    /// The value of an expression at one moment.
    ///
    /// # Errors
    /// What kept it from being evaluated.
    fn instant(&self, expression: &Expression, at: UnixNanos) -> Result<Answer, QueryError>;

    /// The values of an expression at each step of a stretch of time.
    ///
    /// # Errors
    /// As [`RuleQuery::instant`].
    fn range(&self, expression: &Expression, past: Past) -> Result<RangeAnswer, QueryError> {
        let mut answer = RangeAnswer::default();
        let mut places: FxHashMap<Labels, usize> = FxHashMap::default();
        let mut at = past.from;
        while at <= past.to {
            let found = self.instant(expression, at)?;
            answer.warnings.extend(found.warnings);
            for sample in found.samples {
                let place = *places.entry(sample.labels.clone()).or_insert_with(|| {
                    answer.series.push(RangeSeries { labels: sample.labels, samples: Vec::new() });
                    answer.series.len() - 1
                });
                if let Some(series) = answer.series.get_mut(place) {
                    series.samples.push((at, sample.value));
                }
            }
            at = at.plus(past.step.max(std::time::Duration::from_millis(1)));
        }
        Ok(answer)
    }

    /// Whether an analysis of events can be evaluated. PromQL is checked where it is read.
    ///
    /// # Errors
    /// What is wrong with it.
    fn check(&self, expression: &Expression) -> Result<(), QueryError>;

    /// The newest sample of each series of a metric name with these labels, stale markers included, in
    /// `from..=to`.
    ///
    /// # Errors
    /// What kept it from being read.
    fn newest(
        &self,
        metric: &str,
        labels: &[(&str, &str)],
        from: UnixNanos,
        to: UnixNanos,
    ) -> Result<Vec<Newest>, QueryError>;
}

/// The newest sample of a series.
#[derive(Debug, Clone, PartialEq)]
pub struct Newest {
    /// With the metric name.
    pub labels: Labels,
    /// Its time.
    pub at: UnixNanos,
    /// Its value, or the stale marker.
    pub value: f64,
}

/// A sample on its way into the store.
#[derive(Debug, Clone, PartialEq)]
pub struct Written {
    /// With the metric name.
    pub labels: Labels,
    /// When.
    pub at: UnixNanos,
    /// The value, or the stale marker.
    pub value: Point,
}

/// Takes series.
pub trait RuleAppender: Send + Sync {
    /// Stores samples. When `wait` is set they can be queried when this returns; otherwise soon after.
    ///
    /// # Errors
    /// Why some were not stored, when that is known by then.
    fn append(&self, samples: Vec<Written>, wait: bool) -> Result<(), String>;
}

/// Hears of alerts: the alert manager, and others like it.
pub trait AlertSink: Send + Sync {
    /// Takes alerts that fire or are resolved. What cannot be taken at once is queued or counted by the sink: rules do not wait.
    fn send(&self, alerts: &[Alert]);
}

/// All of them hear.
impl AlertSink for Vec<Arc<dyn AlertSink>> {
    fn send(&self, alerts: &[Alert]) {
        self.iter().for_each(|sink| sink.send(alerts));
    }
}
