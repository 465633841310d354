//! Everything the alert manager holds in memory, behind one lock: what it is asked takes microseconds, and nobody waits for the
//! disk or the network while holding it.

use std::sync::Arc;

use foundation::UnixNanos;
use model::Labels;
use rustc_hash::{FxHashMap, FxHashSet};

use super::acknowledge::Acknowledgement;
use super::active::{ActiveAlert, ActiveAlerts};
use super::config::{Config, Route};
use super::groups::Groups;
use super::inhibitor::Inhibitor;
use super::log::NotificationLog;
use super::maintenance::Window;
use super::quiet::Quiet;
use super::silences::Silences;
use crate::alert::Fingerprint;

/// Figures for the server's own metrics.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stats {
    /// Alerts that are held.
    pub alerts: usize,
    /// Groups that are not empty.
    pub groups: usize,
    /// Silences, expired ones included.
    pub silences: usize,
    /// Entries of the notification log.
    pub log_entries: usize,
    /// Alerts that came in.
    pub received: u64,
    /// Alerts that were refused.
    pub refused: u64,
    /// Messages that were delivered.
    pub delivered: u64,
    /// Messages that were given up.
    pub failed: u64,
    /// Attempts that were repeated.
    pub retried: u64,
    /// Events that the timeline had no room for.
    pub timeline_lost: u64,
}

pub(super) struct State {
    pub config: Arc<Config>,
    pub alerts: ActiveAlerts,
    pub groups: Groups,
    pub inhibitor: Inhibitor,
    pub silences: Silences,
    pub log: NotificationLog,
    /// Windows that were made through the API, by id.
    pub windows: FxHashMap<String, Window>,
    pub acknowledgements: FxHashMap<Fingerprint, Acknowledgement>,
    pub stats: Stats,
}

impl State {
    /// Puts an alert into memory and into its groups. Returns the groups that it joined, as receiver and route key.
    pub(super) fn insert(&mut self, alert: ActiveAlert, now: UnixNanos) -> Vec<Arc<Route>> {
        let fingerprint = alert.alert.fingerprint();
        let alert = Arc::new(alert);
        self.inhibitor.insert(fingerprint, &alert.alert.labels);
        self.alerts.insert(fingerprint, alert.clone());
        let config = self.config.clone();
        let routes = config.routes.matching(&alert.alert.labels);
        routes.into_iter().filter(|route| self.groups.insert(route, &alert, now)).cloned().collect()
    }

    /// All alerts into the groups of the present configuration.
    pub(super) fn regroup(&mut self, now: UnixNanos) {
        let old = std::mem::take(&mut self.groups);
        let config = self.config.clone();
        let mut groups = Groups::default();
        for (_, alert) in self.alerts.iter() {
            for route in config.routes.matching(&alert.alert.labels) {
                groups.insert(route, alert, now);
            }
        }
        groups.carry_over(old);
        self.groups = groups;
        self.inhibitor = Inhibitor::new(&config.inhibit_rules, &self.alerts);
    }

    /// Why an alert is not told on a route; `None` when nothing keeps it.
    pub(super) fn quiet(&self, labels: &Labels, route: &Route, now: UnixNanos) -> Option<Quiet> {
        if let Some(inhibited) = self.inhibitor.inhibiting(labels, &self.alerts, now) {
            return Some(Quiet::Inhibited(inhibited));
        }
        if let Some(muted) = self.muted(route, now) {
            return Some(muted);
        }
        let silences = self.silences.silencing(labels, now);
        if !silences.is_empty() {
            return Some(Quiet::Silenced(silences));
        }
        let windows = self.open_windows(labels, now);
        (!windows.is_empty()).then_some(Quiet::Maintenance(windows))
    }

    /// Whether the route does not speak at this time.
    pub(super) fn muted(&self, route: &Route, now: UnixNanos) -> Option<Quiet> {
        let contains = |name: &&String| {
            self.config.time_intervals.get(*name).is_some_and(|times| times.iter().any(|t| t.contains(now)))
        };
        if !route.active.is_empty() && !route.active.iter().any(|name| contains(&name)) {
            return Some(Quiet::Muted { outside: route.active.clone(), inside: Vec::new() });
        }
        let inside: Vec<String> = route.mute.iter().filter(contains).cloned().collect();
        (!inside.is_empty()).then_some(Quiet::Muted { outside: Vec::new(), inside })
    }

    /// Names of the maintenance windows that keep an alert quiet.
    pub(super) fn open_windows(&self, labels: &Labels, now: UnixNanos) -> Vec<String> {
        let windows = self.config.maintenance.iter().chain(self.windows.values());
        let mut names: Vec<String> = windows.filter(|w| w.mutes(labels, now)).map(|w| w.name.clone()).collect();
        names.sort_unstable();
        names
    }

    /// Whether somebody takes care of an alert.
    pub(super) fn acknowledged(&self, fingerprint: Fingerprint, now: UnixNanos) -> bool {
        self.acknowledgements.get(&fingerprint).is_some_and(|a| a.holds(now))
    }

    /// Alerts that ended and that no group has to tell any more; they are forgotten.
    pub(super) fn forget_ended(&mut self, now: UnixNanos) -> Vec<Fingerprint> {
        let held: FxHashSet<Fingerprint> = self.groups.iter().flat_map(|g| g.alerts.keys().copied()).collect();
        let ended: Vec<Fingerprint> = self
            .alerts
            .iter()
            .filter(|(fingerprint, a)| a.alert.is_resolved(now) && !held.contains(fingerprint))
            .map(|(fingerprint, _)| *fingerprint)
            .collect();
        for fingerprint in &ended {
            if let Some(alert) = self.alerts.remove(*fingerprint) {
                self.inhibitor.remove(*fingerprint, &alert.alert.labels);
            }
        }
        ended
    }

    pub(super) fn stats(&self) -> Stats {
        Stats {
            alerts: self.alerts.len(),
            groups: self.groups.len(),
            silences: self.silences.all().count(),
            log_entries: self.log.len(),
            ..self.stats
        }
    }
}
