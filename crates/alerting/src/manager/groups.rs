//! Groups of alerts, each with the time at which it is looked at next.
//!
//! A group waits `group_wait` for its first flush, or not at all when its alert fires for longer than that already (as
//! after a restart); then it is flushed every `group_interval`. Each channel is told on its own: one that is still being told
//! is not told a second time beside that; it is told the rest at once when it is done. Who is quicker does not wait for it.

use std::collections::BTreeSet;
use std::sync::Arc;

use foundation::UnixNanos;
use model::Labels;
use rustc_hash::{FxHashMap, FxHashSet};

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
    /// Channels that are being told, by name, and whether the group became due meanwhile.
    pub busy: FxHashMap<String, bool>,
    /// Alerts that ended, and the channels that need to hear no more of that.
    settled: FxHashMap<Fingerprint, (Arc<ActiveAlert>, FxHashSet<String>)>,
    /// Why alerts of it were not told the last time.
    pub quiet: FxHashMap<Fingerprint, Quiet>,
}

impl Group {
    /// Those that ended too, in no order.
    pub(super) fn alerts(&self) -> Vec<Arc<ActiveAlert>> {
        self.alerts.values().cloned().collect()
    }
}

/// What became of a group when a channel of it was done.
#[derive(Default)]
pub(super) struct Finished {
    /// Alerts that left it.
    pub left: Vec<Arc<ActiveAlert>>,
    /// Whether the channel has to be told again at once.
    pub again: bool,
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
                busy: FxHashMap::default(),
                settled: FxHashMap::default(),
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

    /// Groups that are due, not more than `limit`; their next time is set.
    pub(super) fn take_due(&mut self, now: UnixNanos, limit: usize) -> Vec<GroupId> {
        let due: Vec<GroupId> =
            self.due.iter().take_while(|(due, _)| *due <= now).take(limit).map(|(_, id)| id.clone()).collect();
        for id in &due {
            let Some(interval) = self.get(id).map(|g| g.route.group_interval) else { continue };
            self.set_due(id, now.plus(interval));
            if let Some(group) = self.get_mut(id) {
                group.flushed = true;
            }
        }
        due
    }

    /// From now on the channel of a group is being told. False when it is already: then it is told again afterwards.
    pub(super) fn occupy(&mut self, id: &GroupId, channel: &str) -> bool {
        let Some(group) = self.by_id.get_mut(id) else { return false };
        match group.busy.get_mut(channel) {
            Some(again) => {
                *again = true;
                false
            }
            None => {
                group.busy.insert(channel.to_owned(), false);
                true
            }
        }
    }

    /// A channel was told, or not, or had nothing to hear; `settled` ended and it needs to hear no more of them. What is
    /// settled with all `channels` leaves the group, unless it changed meanwhile; an empty group goes.
    pub(super) fn finish(
        &mut self,
        id: &GroupId,
        channel: &str,
        settled: &[Arc<ActiveAlert>],
        channels: &[String],
    ) -> Finished {
        let mut finished = Finished::default();
        let Some(group) = self.by_id.get_mut(id) else { return finished };
        finished.again = group.busy.remove(channel).unwrap_or(false);
        for alert in settled {
            let fingerprint = alert.alert.fingerprint();
            if group.alerts.get(&fingerprint).is_none_or(|present| present.alert != alert.alert) {
                group.settled.remove(&fingerprint);
                continue;
            }
            let new = || (alert.clone(), FxHashSet::default());
            let of = group.settled.entry(fingerprint).or_insert_with(new);
            if of.0.alert != alert.alert {
                *of = new();
            }
            of.1.insert(channel.to_owned());
            if channels.iter().all(|c| of.1.contains(c)) {
                group.alerts.remove(&fingerprint);
                group.quiet.remove(&fingerprint);
                group.settled.remove(&fingerprint);
                finished.left.push(alert.clone());
            }
        }
        if group.alerts.is_empty() {
            let due = group.due;
            self.due.remove(&(due, id.clone()));
            self.by_id.remove(id);
        }
        finished
    }

    /// Takes over what the groups of an earlier configuration were about.
    pub(super) fn carry_over(&mut self, mut old: Self) {
        let ids: Vec<GroupId> = self.by_id.keys().cloned().collect();
        for id in ids {
            let Some(was) = old.by_id.remove(&id) else { continue };
            let due = was.due;
            if let Some(group) = self.by_id.get_mut(&id) {
                (group.flushed, group.busy) = (was.flushed, was.busy);
                (group.quiet, group.settled) = (was.quiet, was.settled);
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
