//! From the results of an alerting rule to the sets of labels for which its condition holds.
//!
//! Without levels every result is a condition that holds. With levels a result is a value, which each level compares with its
//! threshold, or with its recovery threshold when it held before. Results that stop coming may be alerts themselves.

use std::time::Duration;

use foundation::UnixNanos;
use model::Labels;
use model::labels::NAME;
use promql::eval::Point;
use rustc_hash::{FxHashMap, FxHashSet};

use super::doors::{RangeSeries, Sample};
use super::spec::{Absent, Alerting, Level, Past, Rule, Side};
use super::state::{Candidate, LevelOf};
use super::template::{Expander, RuleTexts, float};
use crate::alert::ALERTNAME;

/// The label of severities.
const SEVERITY: &str = "severity";
/// The label that says that an alert is about missing data.
const REASON: &str = "reason";
/// Sets of labels whose data are watched, per rule; further ones are not.
pub(super) const WATCHED_MAX: usize = 10_000;

/// What is remembered of results between evaluations.
#[derive(Debug, Default)]
pub(super) struct Elements {
    /// The levels that held at the last evaluation.
    held: FxHashSet<(Labels, usize)>,
    /// When a result was last seen.
    seen: FxHashMap<Labels, UnixNanos>,
    /// Results that there was no room to watch.
    pub(super) unwatched: u64,
}

/// Two results have the same labels once those of the rule are set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("vector contains metrics with the same labelset after applying alert labels")]
pub(super) struct SameLabels;

impl Elements {
    /// The conditions that hold at `at`.
    pub(super) fn candidates(
        &mut self,
        rule: &Rule,
        (alerting, texts): (&Alerting, &RuleTexts),
        at: UnixNanos,
        results: &[Sample],
        expander: &mut Expander,
    ) -> Result<Vec<Candidate>, SameLabels> {
        let mut found = Found { rule, alerting, texts, expander, all: Vec::new(), labels: FxHashSet::default() };
        if alerting.levels.is_empty() {
            for result in results {
                found.add(result, None, None)?;
            }
            return Ok(found.all);
        }
        let mut held = FxHashSet::default();
        for result in results {
            let element = without_name(&result.labels);
            for (n, level) in alerting.levels.iter().enumerate() {
                let key = (element.clone(), n);
                if level.holds(float(&result.value), self.held.contains(&key)) {
                    held.insert(key);
                    found.add(result, Some((n, level)), None)?;
                }
            }
        }
        self.held = held;
        if let Some(absent) = &alerting.absent {
            self.missing(absent, at, results, &mut found)?;
        }
        Ok(found.all)
    }

    /// Remembers what evaluations before a restart would have: which levels held at the end of `past`, and when each result came
    /// last.
    pub(super) fn recall(&mut self, alerting: &Alerting, past: Past, series: &[RangeSeries]) {
        let oldest = past.to.minus(past.step * 2);
        for one in series {
            let element = without_name(&one.labels);
            let Some((last, _)) = one.samples.last() else { continue };
            if alerting.absent.is_some() && (self.seen.len() < WATCHED_MAX || self.seen.contains_key(&element)) {
                let seen = self.seen.entry(element.clone()).or_insert(*last);
                *seen = (*seen).max(*last);
            }
            for (n, level) in alerting.levels.iter().enumerate().filter(|_| *last >= oldest) {
                let holds = one.samples.iter().fold(false, |held, (_, value)| level.holds(float(value), held));
                if holds {
                    self.held.insert((element.clone(), n));
                }
            }
        }
    }

    /// Alerts for what had data and has none any more.
    fn missing(
        &mut self,
        absent: &Absent,
        at: UnixNanos,
        results: &[Sample],
        found: &mut Found<'_>,
    ) -> Result<(), SameLabels> {
        for result in results {
            let element = without_name(&result.labels);
            if self.seen.len() < WATCHED_MAX || self.seen.contains_key(&element) {
                self.seen.insert(element, at);
            } else {
                self.unwatched += 1;
            }
        }
        let silent = |last: &UnixNanos| Duration::from_nanos(u64::try_from(at.0.saturating_sub(last.0)).unwrap_or(0));
        self.seen.retain(|_, last| silent(last) <= absent.forget);
        let mut gone: Vec<_> = self.seen.iter().filter(|(_, last)| silent(last) >= absent.after).collect();
        gone.sort();
        for (labels, _) in gone {
            let result = Sample { labels: labels.clone(), value: Point::Float(f64::NAN) };
            found.add(&result, None, Some(absent))?;
        }
        Ok(())
    }

    /// The time of day was moved.
    pub(super) fn shift(&mut self, nanos: i64) {
        self.seen.values_mut().for_each(|t| t.0 = t.0.saturating_add(nanos));
    }
}

fn without_name(labels: &Labels) -> Labels {
    let mut labels = labels.clone();
    labels.retain(|name, _| name != NAME);
    labels
}

struct Found<'a> {
    rule: &'a Rule,
    alerting: &'a Alerting,
    texts: &'a RuleTexts,
    expander: &'a mut Expander,
    all: Vec<Candidate>,
    labels: FxHashSet<Labels>,
}

impl Found<'_> {
    fn add(
        &mut self,
        result: &Sample,
        level: Option<(usize, &Level)>,
        absent: Option<&Absent>,
    ) -> Result<(), SameLabels> {
        let severity = match (level, absent) {
            (Some((_, level)), _) => Some(level.severity.as_str()),
            (None, Some(absent)) => absent.severity.as_deref(),
            (None, None) => None,
        };
        let mut seen = result.labels.clone();
        if let Some(severity) = severity {
            seen.set(SEVERITY, severity);
        }
        self.expander.about(seen, &result.value);
        let set: Vec<_> = self.texts.labels.iter().map(|(name, text)| (name, self.expander.expand(text))).collect();
        let own = result.labels.iter().filter(|(name, _)| *name != NAME);
        let added = set.iter().map(|(name, text)| (name.as_str(), text.as_str()));
        let ours = severity.map(|s| (SEVERITY, s)).into_iter().chain(absent.map(|_| (REASON, "no_data")));
        let labels = Labels::from_pairs(own.chain(added).chain(ours).chain([(ALERTNAME, self.rule.name.as_str())]));
        if !self.labels.insert(labels.clone()) {
            return Err(SameLabels);
        }
        let annotations = self.texts.annotations.iter().map(|(name, text)| (name.clone(), self.expander.expand(text)));
        let hold = match (level, absent) {
            // It was waited for already.
            (_, Some(_)) => Duration::ZERO,
            (Some((_, level)), None) => level.hold.unwrap_or(self.alerting.hold),
            (None, None) => self.alerting.hold,
        };
        let level = level.map(|(n, level)| LevelOf {
            element: without_name(&result.labels),
            chain: level.side as u8,
            rank: rank(&self.alerting.levels, n),
        });
        let value = float(&result.value);
        self.all.push(Candidate { labels, annotations: annotations.collect(), value, hold, level });
        Ok(())
    }
}

/// How many levels on the same side are less severe than this one: their thresholds are passed earlier.
fn rank(levels: &[Level], n: usize) -> usize {
    let Some(level) = levels.get(n) else { return 0 };
    let milder = |other: &&Level| {
        other.side == level.side
            && match level.side {
                Side::Above => other.threshold < level.threshold,
                Side::Below => other.threshold > level.threshold,
            }
    };
    levels.iter().filter(milder).count()
}
