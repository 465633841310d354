//! What other parts of the server know and the faces show: scrape targets, rules, alertmanagers.
//!
//! A face must not know who scrapes or evaluates: the binary hands in functions that are asked at every request. What no
//! part of the server fills is an empty list, for then there is none.

use std::sync::Arc;
use std::time::Duration;

use foundation::UnixNanos;
use model::Labels;
use tsdb::Metadata;

/// Answers with the state of now.
pub type Source<T> = Arc<dyn Fn() -> T + Send + Sync>;

/// The parts that are asked.
#[derive(Clone)]
pub struct Sources {
    /// What is scraped, by name of the pool.
    pub scrape_pools: Source<Vec<ScrapePool>>,
    /// Groups of rules, in the order of their files.
    pub rule_groups: Source<Vec<RuleGroup>>,
    /// Where alerts are sent.
    pub alertmanagers: Source<Alertmanagers>,
}

impl Default for Sources {
    /// Nothing is scraped and no rule is evaluated.
    fn default() -> Self {
        Self {
            scrape_pools: Arc::new(Vec::new),
            rule_groups: Arc::new(Vec::new),
            alertmanagers: Arc::new(Alertmanagers::default),
        }
    }
}

/// The targets of one scrape configuration.
#[derive(Debug, Clone, Default)]
pub struct ScrapePool {
    /// `job_name`.
    pub name: String,
    /// What is scraped.
    pub active: Vec<Target>,
    /// What relabelling dropped, by the labels before it.
    pub dropped: Vec<Labels>,
}

/// One scraped target.
#[derive(Debug, Clone)]
pub struct Target {
    /// Before relabelling.
    pub discovered_labels: Labels,
    /// What its series get.
    pub labels: Labels,
    /// As it is requested.
    pub scrape_url: String,
    /// As others reach it.
    pub global_url: String,
    /// Why the last scrape failed; empty when it did not.
    pub last_error: String,
    /// Begin of the last scrape.
    pub last_scrape: Option<UnixNanos>,
    /// How long it took.
    pub last_scrape_duration: Duration,
    /// Whether it answered.
    pub health: Health,
    /// Time between two scrapes.
    pub scrape_interval: Duration,
    /// When a scrape gives up.
    pub scrape_timeout: Duration,
    /// What the target says of its metrics, by name.
    pub metadata: Arc<[(String, Metadata)]>,
}

/// How a target or a rule fares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
    /// The last scrape succeeded.
    Up,
    /// It failed.
    Down,
    /// There was none yet.
    Unknown,
}

impl Health {
    /// Of a target.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Down => "down",
            Self::Unknown => "unknown",
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

/// How far an alert is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum AlertState {
    /// The condition does not hold.
    Inactive,
    /// It holds, not yet for `for`.
    Pending,
    /// It does.
    Firing,
}

impl AlertState {
    /// `inactive`, `pending` or `firing`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Inactive => "inactive",
            Self::Pending => "pending",
            Self::Firing => "firing",
        }
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
