//! What a rule file says, checked: groups, their rules and what they ask.
//!
//! Beyond Prometheus an alerting rule may have [`Levels`] (several severities with thresholds and a recovery threshold each) and
//! [`Absent`] (an alert per group of labels whose data stopped), and any expression may ask logs or traces ([`Events`]).

use std::sync::Arc;
use std::time::Duration;

use foundation::UnixNanos;

/// Names and texts, sorted by name, each name once. An empty text stands for a label that is taken away.
pub type Texts = Vec<(String, String)>;

/// Rules that are evaluated one after another.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// Unique in its file.
    pub name: String,
    /// Time between two evaluations; that of the configuration when it is not given.
    pub interval: Option<Duration>,
    /// How far in the past the rules look, and their results are written; that of the configuration when it is not given.
    pub query_offset: Option<Duration>,
    /// Series or alerts that one rule may make; 0 is no limit.
    pub limit: usize,
    /// Given to every rule that does not have them.
    pub labels: Texts,
    /// In the order of evaluation.
    pub rules: Vec<Rule>,
}

/// One rule.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// The alert, or the metric that is recorded.
    pub name: String,
    /// What is evaluated.
    pub expression: Expression,
    /// Set on each result; those of the group included. Templates in alerting rules.
    pub labels: Texts,
    /// What only alerting rules have.
    pub alerting: Option<Alerting>,
}

/// What an alerting rule has besides.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Alerting {
    /// `for`: how long the condition holds before the alert fires.
    pub hold: Duration,
    /// How long it fires on after the condition ended.
    pub keep_firing: Duration,
    /// Templates.
    pub annotations: Texts,
    /// When there are any, the expression gives values and the levels make conditions of them; else each result is one.
    pub levels: Vec<Level>,
    /// Whether missing data is an alert.
    pub absent: Option<Absent>,
}

/// A severity of a rule, and when it is reached.
#[derive(Debug, Clone, PartialEq)]
pub struct Level {
    /// The value of the label `severity`.
    pub severity: String,
    /// On which side of `threshold` the condition holds.
    pub side: Side,
    /// The condition begins beyond it.
    pub threshold: f64,
    /// The condition, once it held, ends when this is passed; the threshold itself when there is no other.
    pub recovery: f64,
    /// How long it holds before the alert fires; that of the rule when it is not given.
    pub hold: Option<Duration>,
}

impl Level {
    /// Whether the condition holds for `value`; `held` says whether it did before.
    pub fn holds(&self, value: f64, held: bool) -> bool {
        let bound = if held { self.recovery } else { self.threshold };
        match self.side {
            Side::Above => value > bound,
            Side::Below => value < bound,
        }
    }
}

/// A side of a threshold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Larger values.
    Above,
    /// Smaller values.
    Below,
}

/// When data that stopped is an alert, for each set of labels that the expression had given.
#[derive(Debug, Clone, PartialEq)]
pub struct Absent {
    /// How long nothing came.
    pub after: Duration,
    /// The value of the label `severity`; those of the rule's labels when it is not given.
    pub severity: Option<String>,
    /// How long a set of labels is missed before it is taken as gone for good.
    pub forget: Duration,
}

/// What a rule evaluates.
#[derive(Debug, Clone, PartialEq)]
pub enum Expression {
    /// PromQL over series.
    Promql(Promql),
    /// An analysis over logs or traces.
    Events(Events),
}

impl Expression {
    /// As it is shown: PromQL in its canonical form, analyses as they are written.
    pub fn text(&self) -> &str {
        match self {
            Self::Promql(p) => &p.printed,
            Self::Events(e) => &e.text,
        }
    }

    /// As it was written.
    pub fn written(&self) -> &str {
        match self {
            Self::Promql(p) => &p.text,
            Self::Events(e) => &e.text,
        }
    }
}

/// A PromQL expression.
#[derive(Debug, Clone)]
pub struct Promql {
    /// As it was written; positions of warnings point into it.
    pub text: String,
    /// In its canonical form.
    pub printed: String,
    /// What it means.
    pub tree: Arc<promql::ast::Expr>,
}

impl PartialEq for Promql {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Promql {
    /// Reads an expression.
    ///
    /// # Errors
    /// What is not PromQL.
    pub fn parse(text: &str) -> Result<Self, promql::ParseError> {
        let tree = promql::parse(text)?;
        Ok(Self { text: text.to_owned(), printed: tree.to_string(), tree: Arc::new(tree) })
    }
}

/// An analysis of logs or traces: a filter with a `stats` stage. Its groups are the labels, its first measure is the value.
#[derive(Debug, Clone, PartialEq)]
pub struct Events {
    /// What is asked.
    pub source: EventSource,
    /// The filter and its stages.
    pub text: String,
    /// How far back from the moment of evaluation it looks.
    pub window: Duration,
}

/// What an analysis can be of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventSource {
    /// Log records.
    Logs,
    /// Spans.
    Traces,
}

impl EventSource {
    /// `logs` or `traces`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Logs => "logs",
            Self::Traces => "traces",
        }
    }
}

/// A stretch of the past that is evaluated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Past {
    /// The first evaluation.
    pub from: UnixNanos,
    /// The last evaluation is not after this.
    pub to: UnixNanos,
    /// Between two evaluations.
    pub step: Duration,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_recovers_beyond_its_recovery_threshold() {
        let above =
            Level { severity: "warning".to_owned(), side: Side::Above, threshold: 0.9, recovery: 0.8, hold: None };
        assert!(!above.holds(0.9, false) && above.holds(0.91, false));
        assert!(above.holds(0.85, true) && !above.holds(0.85, false));
        assert!(!above.holds(0.8, true) && !above.holds(f64::NAN, true));
        let below = Level { side: Side::Below, threshold: 10.0, recovery: 20.0, ..above };
        assert!(below.holds(9.0, false) && below.holds(15.0, true) && !below.holds(15.0, false));
    }
}
