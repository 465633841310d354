//! Which alerts keep which others quiet.
//!
//! For each rule the alerts of the source side are kept under their values of `equal`, so that an alert looks at those
//! few only.

use std::sync::Arc;

use foundation::UnixNanos;
use model::Labels;
use rustc_hash::{FxHashMap, FxHashSet};

use super::active::ActiveAlerts;
use super::config::InhibitRule;
use crate::alert::Fingerprint;

#[derive(Clone, Default)]
pub(super) struct Inhibitor {
    rules: Vec<Indexed>,
}

#[derive(Clone)]
struct Indexed {
    rule: Arc<InhibitRule>,
    sources: FxHashMap<Vec<String>, FxHashSet<Fingerprint>>,
}

/// Why an alert is quiet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Inhibited {
    /// The alert that keeps it so.
    pub by: Fingerprint,
    /// `inhibit_rules[0]`, or its name.
    pub rule: String,
}

impl Inhibitor {
    pub(super) fn new(rules: &[InhibitRule], alerts: &ActiveAlerts) -> Self {
        let of = |rule: &InhibitRule| Indexed { rule: Arc::new(rule.clone()), sources: FxHashMap::default() };
        let rules = rules.iter().map(of).collect();
        let mut inhibitor = Self { rules };
        for (fingerprint, alert) in alerts.iter() {
            inhibitor.insert(*fingerprint, &alert.alert.labels);
        }
        inhibitor
    }

    /// Whether an alert may keep others quiet.
    pub(super) fn is_source(&self, labels: &Labels) -> bool {
        self.rules.iter().any(|r| r.rule.source.matches(labels))
    }

    pub(super) fn insert(&mut self, fingerprint: Fingerprint, labels: &Labels) {
        for Indexed { rule, sources } in self.rules.iter_mut().filter(|r| r.rule.source.matches(labels)) {
            sources.entry(values(rule, labels)).or_default().insert(fingerprint);
        }
    }

    pub(super) fn remove(&mut self, fingerprint: Fingerprint, labels: &Labels) {
        for Indexed { rule, sources } in self.rules.iter_mut().filter(|r| r.rule.source.matches(labels)) {
            let values = values(rule, labels);
            if let Some(of) = sources.get_mut(&values) {
                of.remove(&fingerprint);
                if of.is_empty() {
                    sources.remove(&values);
                }
            }
        }
    }

    /// Whether an alert is kept quiet by one that fires; the first rule that says so.
    pub(super) fn inhibiting(&self, labels: &Labels, alerts: &ActiveAlerts, now: UnixNanos) -> Option<Inhibited> {
        self.rules.iter().filter(|r| r.rule.target.matches(labels)).find_map(|Indexed { rule, sources }| {
            let candidates = sources.get(&values(rule, labels))?;
            // What fits both sides is not kept quiet by what fits both sides.
            let both = rule.source.matches(labels);
            let acts = |by: &&Fingerprint| {
                alerts
                    .get(**by)
                    .filter(|a| !a.alert.is_resolved(now))
                    .is_some_and(|a| !both || !rule.target.matches(&a.alert.labels))
            };
            let by = *candidates.iter().filter(acts).min()?;
            let name = if rule.name.is_empty() { rule.path.clone() } else { rule.name.clone() };
            Some(Inhibited { by, rule: name })
        })
    }
}

fn values(rule: &InhibitRule, labels: &Labels) -> Vec<String> {
    rule.equal.iter().map(|name| labels.get(name).to_owned()).collect()
}
