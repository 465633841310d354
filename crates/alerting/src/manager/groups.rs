//! Groups of alerts, each with the time at which it is looked at next.
//!
//! A group waits `group_wait` for its first flush, or not at all when its alert fires for longer than that already (as
//! after a restart); then it is flushed every `group_interval`. A group that is being told is not flushed a second
//! time; it follows at once when it is done.

use std::collections::BTreeSet;
use std::sync::Arc;

use foundation::UnixNanos;
use model::Labels;
use rustc_hash::FxHashMap;

use super::active::ActiveAlert;
use super::config::Route;
use super::matchers::label_set;
use super::quiet::Quiet;
use crate::alert::Fingerprint;

/// A route and the values of its `group_by`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct GroupId {
    route: Arc<str>,
    labels: Arc<str>,
}

pub(super) struct Group {
    pub route: Arc<Route>,
    pub labels: Labels,
    /// As Alertmanager writes it: `{}/{severity="critical"}:{alertname="Down"}`.
    pub key: String,
    pub alerts: FxHashMap<Fingerprint, Arc<ActiveAlert>>,
    /// When it is looked at next.
    pub due: UnixNanos,
    /// Whether it was looked at once.
    pub flushed: bool,
    /// Whether it is being told.
    pub in_flight: bool,
    /// Whether it became due meanwhile.
    pub again: bool,
    /// Why alerts of it were not told the last time.
    pub quiet: FxHashMap<Fingerprint, Quiet>,
}

impl Group {
    /// Those that ended too, in no order.
    pub(super) fn alerts(&self) -> Vec<Arc<ActiveAlert>> {
        self.alerts.values().cloned().collect()
    }
}

#[derive(Default)]
pub(super) struct Groups {
    by_id: FxHashMap<GroupId, Group>,
    due: BTreeSet<(UnixNanos, GroupId)>,
}

impl Groups {
    pub(super) fn get(&self, id: &GroupId) -> Option<&Group> {
        self.by_id.get(id)
    }

    pub(super) fn get_mut(&mut self, id: &GroupId) -> Option<&mut Group> {
        self.by_id.get_mut(id)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Group> {
        self.by_id.values()
    }

    pub(super) fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Puts an alert into its group of a route. True when it was not in it.
    pub(super) fn insert(&mut self, route: &Arc<Route>, alert: &Arc<ActiveAlert>, now: UnixNanos) -> bool {
        let labels = route.group_labels(&alert.alert.labels);
        let text = label_set(&labels);
        let id = GroupId { route: Arc::from(&*route.id), labels: Arc::from(&*text) };
        let group = self.by_id.entry(id.clone()).or_insert_with(|| {
            let due = now.plus(route.group_wait);
            self.due.insert((due, id.clone()));
            Group {
                route: route.clone(),
                labels,
                key: format!("{}:{text}", route.key),
                alerts: FxHashMap::default(),
                due,
                flushed: false,
                in_flight: false,
                again: false,
                quiet: FxHashMap::default(),
            }
        });
        let is_new = group.alerts.insert(alert.alert.fingerprint(), alert.clone()).is_none();
        if !group.flushed && group.due > now && alert.alert.starts_at.plus(route.group_wait) < now {
            self.set_due(&id, now);
        }
        is_new
    }

    pub(super) fn set_due(&mut self, id: &GroupId, due: UnixNanos) {
        if let Some(group) = self.by_id.get_mut(id) {
            self.due.remove(&(group.due, id.clone()));
            group.due = due;
            self.due.insert((due, id.clone()));
        }
    }

    /// When the first group is due.
    pub(super) fn next_due(&self) -> Option<UnixNanos> {
        self.due.first().map(|(due, _)| *due)
    }

    /// Groups that are due, not more than `limit`; their next time is set before they are told.
    pub(super) fn take_due(&mut self, now: UnixNanos, limit: usize) -> Vec<GroupId> {
        let due: Vec<GroupId> =
            self.due.iter().take_while(|(due, _)| *due <= now).take(limit).map(|(_, id)| id.clone()).collect();
        let mut ready = Vec::new();
        for id in due {
            let Some(interval) = self.get(&id).map(|g| g.route.group_interval) else { continue };
            self.set_due(&id, now.plus(interval));
            if let Some(group) = self.get_mut(&id) {
                if group.in_flight {
                    group.again = true;
                } else {
                    (group.flushed, group.in_flight) = (true, true);
                    ready.push(id);
                }
            }
        }
        ready
    }

    /// A group was told, or not. What ended and was told leaves the group, unless it changed meanwhile; an empty group goes.
    /// Returns the alerts that left.
    pub(super) fn finish(&mut self, id: &GroupId, told: &[Arc<ActiveAlert>], now: UnixNanos) -> Vec<Arc<ActiveAlert>> {
        let Some(group) = self.by_id.get_mut(id) else { return Vec::new() };
        group.in_flight = false;
        let mut left = Vec::new();
        for alert in told {
            let fingerprint = alert.alert.fingerprint();
            if group.alerts.get(&fingerprint).is_some_and(|present| present.alert == alert.alert) {
                group.alerts.remove(&fingerprint);
                group.quiet.remove(&fingerprint);
                left.push(alert.clone());
            }
        }
        let again = std::mem::take(&mut group.again);
        if group.alerts.is_empty() {
            let due = group.due;
            self.due.remove(&(due, id.clone()));
            self.by_id.remove(id);
        } else if again {
            self.set_due(id, now);
        }
        left
    }

    /// Takes over what the groups of an earlier configuration were about.
    pub(super) fn carry_over(&mut self, mut old: Self) {
        let ids: Vec<GroupId> = self.by_id.keys().cloned().collect();
        for id in ids {
            let Some(was) = old.by_id.remove(&id) else { continue };
            let due = was.due;
            if let Some(group) = self.by_id.get_mut(&id) {
                (group.flushed, group.in_flight, group.again) = (was.flushed, was.in_flight, was.again);
                group.quiet = was.quiet;
                // A shorter interval counts from now on.
                let latest = group.due.plus(group.route.group_interval);
                self.set_due(&id, due.min(latest));
            }
        }
    }

    /// Moves all times, because the clock was set.
    pub(super) fn shift(&mut self, by_ns: i64) {
        let ids: Vec<(GroupId, UnixNanos)> = self.by_id.iter().map(|(id, g)| (id.clone(), g.due)).collect();
        for (id, due) in ids {
            self.set_due(&id, UnixNanos(due.0.saturating_add(by_ns)));
        }
    }
}
