//! What is seen of groups from outside: their rules, alerts, and how their last evaluation went.

use std::time::Duration;

use foundation::UnixNanos;

use super::group::{GroupRun, RuleRun};
use super::spec::{Group, Rule};
use super::state::Instance;

/// A group as it stands.
#[derive(Debug, Clone)]
pub struct GroupView {
    /// The file, or what stands for it.
    pub file: String,
    /// As it is defined.
    pub group: Group,
    /// The interval that holds for it.
    pub interval: Duration,
    /// As many as the definition has.
    pub rules: Vec<RuleView>,
    /// The last evaluation.
    pub last: Option<EvaluationView>,
    /// Evaluations that were made.
    pub iterations: u64,
    /// Evaluations that were left out because the one before took too long.
    pub missed: u64,
    /// Evaluations of rules.
    pub evaluations: u64,
    /// Those that failed.
    pub failures: u64,
    /// Time that all evaluations took.
    pub seconds: f64,
    /// Time that evaluating rules took.
    pub rule_seconds: f64,
}

/// An evaluation of a group.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EvaluationView {
    /// For which time.
    pub at: UnixNanos,
    /// How long it took.
    pub took: Duration,
    /// How long its rules took together.
    pub rules_took: Duration,
    /// Series that the rules gave.
    pub samples: usize,
}

/// A rule as it stands.
#[derive(Debug, Clone)]
pub struct RuleView {
    /// As it is defined.
    pub rule: Rule,
    /// Why the last evaluation failed.
    pub error: Option<String>,
    /// What the last evaluation noticed.
    pub warnings: Vec<String>,
    /// When it was evaluated, and how long that took.
    pub last: Option<(UnixNanos, Duration)>,
    /// What is pending or firing.
    pub alerts: Vec<Instance>,
}

pub(super) fn group(file: &str, interval: Duration, run: &GroupRun) -> GroupView {
    let last =
        run.last.map(|l| EvaluationView { at: l.at, took: l.took, rules_took: l.rules_took, samples: l.samples });
    GroupView {
        file: file.to_owned(),
        group: run.spec.clone(),
        interval,
        rules: run.rules.iter().map(rule).collect(),
        last,
        iterations: run.counts.iterations,
        missed: run.counts.missed,
        evaluations: run.counts.evaluations,
        failures: run.counts.failures,
        seconds: run.counts.seconds,
        rule_seconds: run.counts.rule_seconds,
    }
}

fn rule(run: &RuleRun) -> RuleView {
    RuleView {
        rule: run.spec.clone(),
        error: run.last.as_ref().and_then(|l| l.error.clone()),
        warnings: run.warnings.clone(),
        last: run.last.as_ref().map(|l| (l.at, l.took)),
        alerts: run.instances.shown().into_iter().cloned().collect(),
    }
}
