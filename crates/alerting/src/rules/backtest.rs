//! When would a rule have fired? Its expression is evaluated over what is stored, and its state machine runs over the results.
//!
//! Nothing is written and nobody is told. What other rules of the same file record is only there when it was recorded at the time.

use std::collections::BTreeMap;

use foundation::{ErrorKind, UnixNanos};
use model::Labels;

use super::doors::{QueryError, Sample};
use super::element::Elements;
use super::group::Surroundings;
use super::spec::{Past, Rule};
use super::state::{AlertState, Change, Instances, Motion};
use super::template::{Expander, RuleTexts};

/// Evaluations of one test.
pub const STEPS_MAX: u64 = 50_000;
/// Steps that are asked for at once.
const STEPS_AT_ONCE: i64 = 2_000;
/// Alerts that an answer has, at most.
const ALERTS_MAX: usize = 10_000;

/// What would have happened.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Played {
    /// In the order in which they became pending.
    pub alerts: Vec<PastAlert>,
    /// Whether there were more alerts than an answer has.
    pub truncated: bool,
    /// Evaluations that were made.
    pub evaluations: u64,
    /// What expressions had to be told, each once.
    pub warnings: Vec<String>,
}

/// An alert that would have been.
#[derive(Debug, Clone, PartialEq)]
pub struct PastAlert {
    /// With `alertname`.
    pub labels: Labels,
    /// After templates, as they were when it became pending.
    pub annotations: Labels,
    /// When the condition began to hold.
    pub pending_at: UnixNanos,
    /// When it would have fired; `None` when it never did.
    pub fired_at: Option<UnixNanos>,
    /// When the condition ended; `None` when it still holds at the end.
    pub ended_at: Option<UnixNanos>,
    /// The value at its beginning.
    pub value: f64,
}

/// Plays one alerting rule over the past.
///
/// # Errors
/// A rule that records, more than [`STEPS_MAX`] steps, an expression that cannot be evaluated.
pub fn play(rule: &Rule, past: Past, s: &Surroundings) -> Result<Played, QueryError> {
    let Some(alerting) = &rule.alerting else {
        return Err(QueryError::new(ErrorKind::InvalidInput, "a recording rule does not fire"));
    };
    let step = i64::try_from(past.step.as_nanos()).unwrap_or(i64::MAX).max(1);
    let steps = past.to.0.saturating_sub(past.from.0).max(0) / step;
    if steps as u64 >= STEPS_MAX {
        let message = format!(
            "{} evaluations; a test makes {STEPS_MAX} at most: take a shorter time or a longer step",
            steps + 1
        );
        return Err(QueryError::new(ErrorKind::LimitExceeded, message));
    }
    let (mut elements, mut instances, mut played) = (Elements::default(), Instances::default(), Played::default());
    let texts_of_rule = RuleTexts::new(rule);
    let motion = Motion { keep_firing: alerting.keep_firing, limit: s.options.results_max, unsettled_since: None };
    let mut open: BTreeMap<Labels, usize> = BTreeMap::new();
    let mut at_step = 0;
    while at_step <= steps {
        let last = (at_step + STEPS_AT_ONCE - 1).min(steps);
        let time = |n: i64| UnixNanos(past.from.0 + n * step);
        let asked = Past { from: time(at_step), to: time(last), step: past.step };
        let (mut results, warnings) = by_time(rule, asked, s)?;
        played.warnings.extend(warnings);
        for n in at_step..=last {
            let at = time(n);
            let found = results.remove(&at).unwrap_or_default();
            let mut expander = Expander::new(&rule.name, &s.external, s.query.clone(), at);
            let wrong = |e: &dyn std::fmt::Display| QueryError::new(ErrorKind::InvalidInput, e.to_string());
            let candidates = elements
                .candidates(rule, (alerting, &texts_of_rule), at, &found, &mut expander)
                .map_err(|e| wrong(&e))?;
            let texts: BTreeMap<Labels, Labels> =
                candidates.iter().map(|c| (c.labels.clone(), c.annotations.clone())).collect();
            for change in instances.step(at, candidates, motion).map_err(|e| wrong(&e))? {
                played.note(change, at, &texts, &mut open);
            }
            played.evaluations += 1;
        }
        at_step = last + 1;
    }
    played.warnings.sort();
    played.warnings.dedup();
    Ok(played)
}

impl Played {
    /// Writes down a change; `open` knows where alerts are that have not ended.
    fn note(
        &mut self,
        change: Change,
        at: UnixNanos,
        texts: &BTreeMap<Labels, Labels>,
        open: &mut BTreeMap<Labels, usize>,
    ) {
        if change.to == AlertState::Pending {
            if self.alerts.len() >= ALERTS_MAX {
                self.truncated = true;
                return;
            }
            open.insert(change.labels.clone(), self.alerts.len());
            self.alerts.push(PastAlert {
                annotations: texts.get(&change.labels).cloned().unwrap_or_default(),
                labels: change.labels,
                pending_at: at,
                fired_at: None,
                ended_at: None,
                value: change.value,
            });
            return;
        }
        let Some(alert) = open.get(&change.labels).and_then(|n| self.alerts.get_mut(*n)) else { return };
        if change.to == AlertState::Firing {
            alert.fired_at = Some(at);
        } else {
            alert.ended_at = Some(at);
            open.remove(&change.labels);
        }
    }
}

/// The results of a rule's expression at each step.
fn by_time(
    rule: &Rule,
    past: Past,
    s: &Surroundings,
) -> Result<(BTreeMap<UnixNanos, Vec<Sample>>, Vec<String>), QueryError> {
    let answer = s.query.range(&rule.expression, past)?;
    let mut out: BTreeMap<UnixNanos, Vec<Sample>> = BTreeMap::new();
    for series in answer.series {
        for (at, value) in series.samples {
            out.entry(at).or_default().push(Sample { labels: series.labels.clone(), value });
        }
    }
    Ok((out, answer.warnings))
}

#[cfg(test)]
mod tests;
