//! Everything the alert manager holds in memory, behind one lock: nobody waits for the disk or the network while holding it, and
//! who looks at many alerts does so in a copy of [`Present`].

use std::sync::Arc;

use foundation::UnixNanos;
use rustc_hash::FxHashSet;

use super::active::ActiveAlert;
use super::config::Route;
use super::groups::Groups;
use super::inhibitor::Inhibitor;
use super::log::NotificationLog;
use super::present::Present;
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
    pub present: Present,
    pub groups: Groups,
    pub log: NotificationLog,
    pub stats: Stats,
}

impl State {
    /// Puts an alert into memory and into its groups. Returns the groups that it joined, as receiver and route key.
    pub(super) fn insert(&mut self, alert: ActiveAlert, now: UnixNanos) -> Vec<Arc<Route>> {
        let fingerprint = alert.alert.fingerprint();
        let alert = Arc::new(alert);
        let is_new = Arc::make_mut(&mut self.present.alerts).insert(fingerprint, alert.clone()).is_none();
        if is_new && self.present.inhibitor.is_source(&alert.alert.labels) {
            Arc::make_mut(&mut self.present.inhibitor).insert(fingerprint, &alert.alert.labels);
        }
        let config = self.present.config.clone();
        let routes = config.routes.matching(&alert.alert.labels);
        routes.into_iter().filter(|route| self.groups.insert(route, &alert, now)).cloned().collect()
    }

    /// All alerts into the groups of the present configuration.
    pub(super) fn regroup(&mut self, now: UnixNanos) {
        let old = std::mem::take(&mut self.groups);
        let config = self.present.config.clone();
        let mut groups = Groups::default();
        for (_, alert) in self.present.alerts.iter() {
            for route in config.routes.matching(&alert.alert.labels) {
                groups.insert(route, alert, now);
            }
        }
        groups.carry_over(old);
        self.groups = groups;
        self.present.inhibitor = Arc::new(Inhibitor::new(&config.inhibit_rules, &self.present.alerts));
    }

    /// Alerts that ended and that no group has to tell any more; they are forgotten.
    pub(super) fn forget_ended(&mut self, now: UnixNanos) -> Vec<Fingerprint> {
        let held: FxHashSet<Fingerprint> = self.groups.iter().flat_map(|g| g.alerts.keys().copied()).collect();
        let ended: Vec<Fingerprint> = self
            .present
            .alerts
            .iter()
            .filter(|(fingerprint, a)| a.alert.is_resolved(now) && !held.contains(fingerprint))
            .map(|(fingerprint, _)| *fingerprint)
            .collect();
        if ended.is_empty() {
            return ended;
        }
        let alerts = Arc::make_mut(&mut self.present.alerts);
        let gone: Vec<_> = ended.iter().filter_map(|f| Some((*f, alerts.remove(*f)?))).collect();
        for (fingerprint, alert) in gone {
            if self.present.inhibitor.is_source(&alert.alert.labels) {
                Arc::make_mut(&mut self.present.inhibitor).remove(fingerprint, &alert.alert.labels);
            }
        }
        ended
    }

    pub(super) fn stats(&self) -> Stats {
        Stats {
            alerts: self.present.alerts.len(),
            groups: self.groups.len(),
            silences: self.present.silences.len(),
            log_entries: self.log.len(),
            ..self.stats
        }
    }
}
