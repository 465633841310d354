//! What other parts of the server know and the faces show: rules and alertmanagers.
//!
//! A face must not know who evaluates: the binary hands in functions that are asked at every request. What no
//! part of the server fills is an empty list, for then there is none.

use std::sync::Arc;
use std::time::Duration;

pub use alerting::rules::AlertState;
use alerting::rules::alertmanager::Sent;
use foundation::UnixNanos;
use model::Labels;

/// Answers with the state of now.
pub type Source<T> = Arc<dyn Fn() -> T + Send + Sync>;

/// What is to be said of the text of a configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConfigChecked {
    /// Whether a server would start with it.
    pub usable: bool,
    /// What it would run; empty when it is not usable.
    pub pipelines: Vec<String>,
    /// By place.
    pub findings: Vec<ConfigFinding>,
}

/// One thing that is to be said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigFinding {
    /// Nothing starts with it; else it starts, and something is not as it is written.
    pub error: bool,
    /// From 1.
    pub line: u32,
    /// From 1.
    pub column: u32,
    /// `processors.batch.timeout`
    pub path: String,
    /// What is wrong.
    pub message: String,
    /// What to write instead; empty when the message says it.
    pub fix: String,
}

/// The parts that are asked.
#[derive(Clone)]
pub struct Sources {
    /// Groups of rules, in the order of their files.
    pub rule_groups: Source<Vec<RuleGroup>>,
    /// Where alerts are sent.
    pub alertmanagers: Source<Alertmanagers>,
    /// How sending to them goes.
    pub alerts_sent: Source<Vec<Sent>>,
    /// Looks at the text of a configuration, our own or a collector's, and changes nothing.
    pub check_config: Arc<dyn Fn(&str) -> ConfigChecked + Send + Sync>,
}

impl Default for Sources {
    /// No rule is evaluated.
    fn default() -> Self {
        Self {
            rule_groups: Arc::new(Vec::new),
            alertmanagers: Arc::new(Alertmanagers::default),
            alerts_sent: Arc::new(Vec::new),
            check_config: Arc::new(|_| ConfigChecked::default()),
        }
    }
}

/// Alertmanagers by the URL of their API.
#[derive(Debug, Clone, Default)]
pub struct Alertmanagers {
    /// Alerts are sent there.
    pub active: Vec<String>,
    /// Discovered and not used.
    pub dropped: Vec<String>,
}

/// A group of rules.
#[derive(Debug, Clone)]
pub struct RuleGroup {
    /// Unique in its file.
    pub name: String,
    /// Path of the file.
    pub file: String,
    /// Time between two evaluations.
    pub interval: Duration,
    /// Series or alerts that one rule may make; 0 is no limit.
    pub limit: u64,
    /// In the order of evaluation.
    pub rules: Vec<Rule>,
    /// How long the last evaluation took.
    pub evaluation_time: Duration,
    /// When it was.
    pub last_evaluation: Option<UnixNanos>,
}

/// One rule.
#[derive(Debug, Clone)]
pub struct Rule {
    /// Of the alert or the recorded series.
    pub name: String,
    /// PromQL, as it is printed.
    pub query: String,
    /// What is added to each result.
    pub labels: Labels,
    /// Why the last evaluation failed.
    pub last_error: Option<String>,
    /// Whether there was an evaluation at all.
    pub evaluated: bool,
    /// How long the last evaluation took.
    pub evaluation_time: Duration,
    /// When it was.
    pub last_evaluation: Option<UnixNanos>,
    /// What only alerting rules have.
    pub alerting: Option<Alerting>,
}

impl Rule {
    /// `ok`, `err` or `unknown`.
    pub const fn health(&self) -> &'static str {
        match (&self.last_error, self.evaluated) {
            (Some(_), _) => "err",
            (None, true) => "ok",
            (None, false) => "unknown",
        }
    }
}

/// What an alerting rule has besides.
#[derive(Debug, Clone)]
pub struct Alerting {
    /// `for`.
    pub hold: Duration,
    /// `keep_firing_for`.
    pub keep_firing: Duration,
    /// As written, before templates.
    pub annotations: Labels,
    /// What is pending or firing.
    pub alerts: Vec<Alert>,
}

impl Alerting {
    /// The state of the rule is that of its worst alert.
    pub fn state(&self) -> AlertState {
        self.alerts.iter().map(|a| a.state).max().unwrap_or(AlertState::Inactive)
    }
}

/// One alert.
#[derive(Debug, Clone)]
pub struct Alert {
    /// With `alertname`.
    pub labels: Labels,
    /// After templates.
    pub annotations: Labels,
    /// How far it is.
    pub state: AlertState,
    /// Since when the condition holds.
    pub active_at: UnixNanos,
    /// Since when it is only kept firing.
    pub keep_firing_since: Option<UnixNanos>,
    /// Of the expression.
    pub value: f64,
}
