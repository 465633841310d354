//! What holds at present for every alert: which alerts there are, and what keeps them quiet.
//!
//! Clones share everything and cost nothing, so that whoever has much to look at takes one under the lock and looks at it
//! without: a change that comes meanwhile copies the part that it changes.

use std::sync::Arc;

use foundation::UnixNanos;
use model::Labels;
use rustc_hash::FxHashMap;

use super::acknowledge::Acknowledgement;
use super::active::ActiveAlerts;
use super::config::{Config, Route};
use super::inhibitor::Inhibitor;
use super::maintenance::Window;
use super::quiet::Quiet;
use super::silences::Silences;
use crate::alert::Fingerprint;

#[derive(Clone)]
pub(super) struct Present {
    pub config: Arc<Config>,
    pub alerts: Arc<ActiveAlerts>,
    pub inhibitor: Arc<Inhibitor>,
    pub silences: Arc<Silences>,
    /// Windows that were made through the API, by id.
    pub windows: Arc<FxHashMap<String, Window>>,
    pub acknowledgements: Arc<FxHashMap<Fingerprint, Acknowledgement>>,
}

impl Present {
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
}
