//! The state machine of an alerting rule: inactive, pending, firing, resolved.
//!
//! Each set of labels that satisfies the condition is an [`Instance`]. [`Instances::step`] moves all of them by one evaluation,
//! as Prometheus's `AlertingRule.Eval` does; [`Instances::due`] says which are to be sent now.
//! *Invariant:* knows neither expressions nor templates; time is an argument.

use std::time::Duration;

use foundation::UnixNanos;
use model::Labels;
use rustc_hash::{FxHashMap, FxHashSet};

use crate::alert::Alert;

/// A resolved alert is sent again for so long, in case nobody heard. Prometheus: `resolvedRetention`.
const RESOLVED_RETENTION: Duration = Duration::from_secs(15 * 60);

/// How far an alert is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum AlertState {
    /// The condition does not hold any more.
    Inactive,
    /// It holds, not yet for long enough.
    Pending,
    /// It does.
    Firing,
}

impl AlertState {
    /// The value of the label `alertstate`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Inactive => "inactive",
            Self::Pending => "pending",
            Self::Firing => "firing",
        }
    }
}

/// A set of labels for which the condition holds now.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Candidate {
    /// Of the alert.
    pub(super) labels: Labels,
    pub(super) annotations: Labels,
    pub(super) value: f64,
    /// How long it must hold.
    pub(super) hold: Duration,
    /// Of which level it is an alert.
    pub(super) level: Option<LevelOf>,
}

/// Which of several severities an alert has. Of one element only the highest that fires is told.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct LevelOf {
    /// The labels of the result.
    pub(super) element: Labels,
    /// Alerts of different chains do not cover each other.
    pub(super) chain: u8,
    /// Higher ones cover lower ones.
    pub(super) rank: usize,
}

/// One alert.
#[derive(Debug, Clone, PartialEq)]
pub struct Instance {
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
    /// Of the expression, at the last evaluation at which the condition held.
    pub value: f64,
    /// A higher severity of the same element fires, so that this one is not told.
    pub covered: bool,
    fired_at: UnixNanos,
    resolved_at: Option<UnixNanos>,
    last_sent_at: Option<UnixNanos>,
    /// Whether the receiver of alerts takes it as firing.
    told_firing: bool,
    hold: Duration,
    level: Option<LevelOf>,
}

impl Instance {
    fn new(c: Candidate, at: UnixNanos) -> Self {
        Self {
            labels: c.labels,
            annotations: c.annotations,
            state: AlertState::Pending,
            active_at: at,
            keep_firing_since: None,
            value: c.value,
            covered: false,
            fired_at: at,
            resolved_at: None,
            last_sent_at: None,
            told_firing: false,
            hold: c.hold,
            level: c.level,
        }
    }

    /// Pending or firing.
    pub fn is_active(&self) -> bool {
        self.state != AlertState::Inactive
    }
}

/// What of a rule's definition the state machine goes by.
#[derive(Debug, Clone, Copy)]
pub(super) struct Motion {
    pub(super) keep_firing: Duration,
    /// Alerts that one rule may have; 0 is no limit.
    pub(super) limit: usize,
    /// Set while the time of day cannot be trusted: what was active before stays as it is, what became active since does not fire.
    pub(super) unsettled_since: Option<UnixNanos>,
}

/// More alerts than the group allows; all were dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("exceeded limit of {limit} with {alerts} alerts")]
pub(super) struct TooMany {
    limit: usize,
    alerts: usize,
}

/// Time since `from`, 0 when that is in the future.
fn since(at: UnixNanos, from: UnixNanos) -> Duration {
    Duration::from_nanos(u64::try_from(at.0.saturating_sub(from.0)).unwrap_or(0))
}

/// An alert that came to another state.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Change {
    pub(super) labels: Labels,
    pub(super) to: AlertState,
    pub(super) value: f64,
}

/// The alerts of one rule.
#[derive(Debug, Default)]
pub(super) struct Instances(FxHashMap<Labels, Instance>);

impl Instances {
    /// Pending and firing ones, and those resolved a short time ago.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Instance> {
        self.0.values()
    }

    /// What is pending or firing and told, sorted by labels.
    pub(super) fn shown(&self) -> Vec<&Instance> {
        let mut all: Vec<_> = self.0.values().filter(|a| a.is_active() && !a.covered).collect();
        all.sort_by(|a, b| a.labels.cmp(&b.labels));
        all
    }

    /// Moves all alerts by one evaluation at `at`, which found `candidates` (no labels twice); answers with what changed.
    pub(super) fn step(
        &mut self,
        at: UnixNanos,
        candidates: Vec<Candidate>,
        motion: Motion,
    ) -> Result<Vec<Change>, TooMany> {
        let mut changes = Vec::new();
        let mut change = |a: &Instance, to| changes.push(Change { labels: a.labels.clone(), to, value: a.value });
        let mut present = FxHashSet::default();
        for c in candidates {
            present.insert(c.labels.clone());
            match self.0.get_mut(&c.labels).filter(|a| a.is_active()) {
                Some(known) => {
                    (known.value, known.annotations, known.hold) = (c.value, c.annotations, c.hold);
                }
                None => {
                    let new = Instance::new(c, at);
                    change(&new, AlertState::Pending);
                    self.0.insert(new.labels.clone(), new);
                }
            }
        }
        let mut active = 0;
        self.0.retain(|labels, a| {
            let kept = if present.contains(labels) {
                a.keep_firing_since = None;
                true
            } else {
                a.keeps(at, motion)
            };
            if kept {
                active += 1;
                if a.ripen(at, motion) {
                    change(a, AlertState::Firing);
                }
                return true;
            }
            if a.is_active() {
                change(a, AlertState::Inactive);
            }
            a.end(at)
        });
        if motion.limit > 0 && active > motion.limit {
            self.0.clear();
            return Err(TooMany { limit: motion.limit, alerts: active });
        }
        self.cover();
        Ok(changes)
    }

    /// Of the severities of one element, the highest that fires covers the others.
    fn cover(&mut self) {
        let mut highest: FxHashMap<(Labels, u8), usize> = FxHashMap::default();
        for a in self.0.values().filter(|a| a.state == AlertState::Firing) {
            if let Some(l) = &a.level {
                let rank = highest.entry((l.element.clone(), l.chain)).or_default();
                *rank = (*rank).max(l.rank);
            }
        }
        for a in self.0.values_mut().filter(|a| a.is_active()) {
            let above = a.level.as_ref().and_then(|l| Some(*highest.get(&(l.element.clone(), l.chain))? > l.rank));
            a.covered = above.unwrap_or(false);
        }
    }

    /// What is to be sent at `at`, sorted by labels: what began or ended since it was last sent, and what was sent longer ago than `resend`.
    pub(super) fn due(&mut self, at: UnixNanos, resend: Duration, interval: Duration) -> Vec<Alert> {
        // Two evaluations or deliveries may fail before a firing alert is taken as resolved.
        let valid_until = at.plus(4 * resend.max(interval));
        let mut due: Vec<Alert> = self.0.values_mut().filter_map(|a| a.due(at, resend, valid_until)).collect();
        due.sort_by(|a, b| a.labels.cmp(&b.labels));
        due
    }

    /// All of them, for what changes them from outside.
    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Instance> {
        self.0.values_mut()
    }

    /// The time of day was moved by `nanos`: how long things have lasted is not changed by that.
    pub(super) fn shift(&mut self, nanos: i64, now: UnixNanos) {
        let moved = |t: UnixNanos| UnixNanos(t.0.saturating_add(nanos));
        for a in self.0.values_mut() {
            a.active_at = moved(a.active_at);
            // Receivers know the alert by its beginning as it was told.
            a.fired_at = a.fired_at.min(now);
            a.keep_firing_since = a.keep_firing_since.map(moved);
            a.resolved_at = a.resolved_at.map(moved);
            a.last_sent_at = a.last_sent_at.map(moved);
        }
    }
}

impl Instance {
    /// Whether an alert whose condition does not hold at `at` goes on all the same.
    fn keeps(&mut self, at: UnixNanos, motion: Motion) -> bool {
        if !self.is_active() {
            return false;
        }
        if motion.unsettled_since.is_some() {
            return true;
        }
        if self.state == AlertState::Firing && !motion.keep_firing.is_zero() {
            let from = *self.keep_firing_since.get_or_insert(at);
            return since(at, from) < motion.keep_firing;
        }
        false
    }

    /// Fires when it has been pending for long enough; answers whether it began to.
    fn ripen(&mut self, at: UnixNanos, motion: Motion) -> bool {
        let trusted = motion.unsettled_since.is_none_or(|unsettled| self.active_at <= unsettled);
        let fires = self.state == AlertState::Pending && trusted && since(at, self.active_at) >= self.hold;
        if fires {
            self.state = AlertState::Firing;
            self.fired_at = at;
        }
        fires
    }

    /// The condition does not hold any more; returns whether the alert is still remembered.
    fn end(&mut self, at: UnixNanos) -> bool {
        match self.state {
            AlertState::Pending => false,
            AlertState::Firing => {
                self.state = AlertState::Inactive;
                self.resolved_at = Some(at);
                self.keep_firing_since = None;
                self.told_firing
            }
            AlertState::Inactive => self.resolved_at.is_some_and(|t| since(at, t) <= RESOLVED_RETENTION),
        }
    }

    fn due(&mut self, at: UnixNanos, resend: Duration, valid_until: UnixNanos) -> Option<Alert> {
        let again = self.last_sent_at.is_none_or(|sent| sent.plus(resend) < at);
        let ends_at = match self.state {
            AlertState::Pending => return None,
            AlertState::Inactive => {
                let resolved_at = self.resolved_at?;
                (again || self.told_firing).then_some(resolved_at)?
            }
            AlertState::Firing if self.covered => self.told_firing.then_some(at)?,
            AlertState::Firing => (again || !self.told_firing).then_some(valid_until)?,
        };
        self.told_firing = self.state == AlertState::Firing && !self.covered;
        self.last_sent_at = Some(at);
        Some(Alert {
            labels: self.labels.clone(),
            annotations: self.annotations.clone(),
            starts_at: self.fired_at,
            ends_at,
            generator_url: String::new(),
        })
    }
}

#[cfg(test)]
mod tests;
