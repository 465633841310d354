//! What the alert manager shows of itself: alerts with their state, groups, and what a silence would hide.
//!
//! All of it is made of a copy that shares what there is, without the lock: fifty thousand alerts take a while to judge.

use std::sync::Arc;

use foundation::UnixNanos;
use model::Labels;

use super::acknowledge::Acknowledgement;
use super::active::ActiveAlert;
use super::alertmanager::Alertmanager;
use super::config::Route;
use super::flush;
use super::groups::Group;
use super::matchers::Matchers;
use super::present::Present;
use super::quiet::Quiet;
use crate::alert::Fingerprint;

/// Whether an alert is told, and what keeps it quiet.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AlertStatus {
    /// Ids of silences.
    pub silenced_by: Vec<String>,
    /// Alerts.
    pub inhibited_by: Vec<String>,
    /// Names of time intervals and maintenance windows.
    pub muted_by: Vec<String>,
}

impl AlertStatus {
    /// `active` or `suppressed`.
    pub const fn state(&self) -> &'static str {
        let quiet = !(self.silenced_by.is_empty() && self.inhibited_by.is_empty() && self.muted_by.is_empty());
        if quiet { "suppressed" } else { "active" }
    }
}

/// An alert as it is now.
#[derive(Debug, Clone)]
pub struct AlertView {
    /// What it is.
    pub alert: Arc<ActiveAlert>,
    /// Of its labels.
    pub fingerprint: Fingerprint,
    /// Who is told of it.
    pub receivers: Vec<String>,
    /// Whether it is told.
    pub status: AlertStatus,
    /// Who takes care of it.
    pub acknowledgement: Option<Acknowledgement>,
}

/// A group as it is now.
#[derive(Debug, Clone)]
pub struct GroupView {
    /// What its alerts have in common.
    pub labels: Labels,
    /// Who is told.
    pub receiver: String,
    /// As Alertmanager writes it.
    pub key: String,
    /// Those that fire, sorted.
    pub alerts: Vec<AlertView>,
    /// When it is looked at next.
    pub due: UnixNanos,
}

/// What a silence would hide.
#[derive(Debug, Clone)]
pub struct Preview {
    /// Alerts that fire and fit, sorted.
    pub alerts: Vec<AlertView>,
    /// How many of them are quiet already.
    pub quiet_already: usize,
}

impl Alertmanager {
    /// Alerts that fire and whose labels are `wanted`, sorted by fingerprint.
    pub fn alerts(&self, wanted: impl Fn(&Labels) -> bool) -> Vec<AlertView> {
        let (present, now) = (self.present(), self.now());
        let mut firing = present.firing(wanted, now);
        firing.sort_unstable_by_key(|(fingerprint, _)| *fingerprint);
        firing.into_iter().map(|(f, a)| present.view(f, a, None, now)).collect()
    }

    /// One alert, also one that ended and is not forgotten.
    pub fn alert(&self, fingerprint: Fingerprint) -> Option<AlertView> {
        let (present, now) = (self.present(), self.now());
        present.alerts.get(fingerprint).map(|a| present.view(fingerprint, a, None, now))
    }

    /// Groups with alerts that fire and whose labels are `wanted`, sorted by labels and receiver.
    pub fn groups(&self, wanted: impl Fn(&Labels) -> bool) -> Vec<GroupView> {
        let (present, found) = self.with_state(|state, _| {
            let of = |g: &Group| (g.route.clone(), g.labels.clone(), g.key.clone(), g.due, g.alerts());
            (state.present.clone(), state.groups.iter().map(of).collect::<Vec<_>>())
        });
        let now = self.now();
        let mut groups: Vec<GroupView> = Vec::with_capacity(found.len());
        for (route, labels, key, due, mut alerts) in found {
            alerts.retain(|a| !a.alert.is_resolved(now) && wanted(&a.alert.labels));
            if alerts.is_empty() {
                continue;
            }
            alerts.sort_by(|a, b| flush::before(&a.alert.labels, &b.alert.labels));
            let view = |a: &Arc<ActiveAlert>| present.view(a.alert.fingerprint(), a, Some(&route), now);
            let alerts = alerts.iter().map(view).collect();
            groups.push(GroupView { labels, receiver: route.receiver.clone(), key, alerts, due });
        }
        groups.sort_by(|a, b| {
            flush::before(&a.labels, &b.labels)
                .then_with(|| a.receiver.cmp(&b.receiver))
                .then_with(|| a.key.cmp(&b.key))
        });
        groups
    }

    /// What a silence with these matchers would hide if it began now.
    pub fn preview(&self, matchers: &Matchers) -> Preview {
        let (present, now) = (self.present(), self.now());
        let mut fits = present.firing(|labels| matchers.matches(labels), now);
        fits.sort_by(|(_, a), (_, b)| flush::before(&a.alert.labels, &b.alert.labels));
        let alerts: Vec<AlertView> = fits.into_iter().map(|(f, a)| present.view(f, a, None, now)).collect();
        let quiet_already = alerts.iter().filter(|v| v.status.state() != "active").count();
        Preview { alerts, quiet_already }
    }
}

impl Present {
    fn firing(&self, wanted: impl Fn(&Labels) -> bool, now: UnixNanos) -> Vec<(Fingerprint, &Arc<ActiveAlert>)> {
        let firing = self.alerts.iter().filter(|(_, a)| !a.alert.is_resolved(now) && wanted(&a.alert.labels));
        firing.map(|(f, a)| (*f, a)).collect()
    }

    /// Without a route an alert is muted by time when all its routes are.
    fn view(
        &self,
        fingerprint: Fingerprint,
        alert: &Arc<ActiveAlert>,
        route: Option<&Arc<Route>>,
        now: UnixNanos,
    ) -> AlertView {
        let labels = &alert.alert.labels;
        let inhibited = self.inhibitor.inhibiting(labels, &self.alerts, now);
        let routes = route.map_or_else(|| self.config.routes.matching(labels), |route| vec![route]);
        let muted: Vec<Vec<String>> = routes.iter().map(|r| self.muted_by(r, now)).collect();
        let muted = if muted.iter().any(Vec::is_empty) { Vec::new() } else { muted.concat() };
        let windows = self.open_windows(labels, now).into_iter().map(|name| format!("maintenance: {name}"));
        let status = AlertStatus {
            silenced_by: self.silences.silencing(labels, now),
            inhibited_by: inhibited.map(|i| i.by.to_string()).into_iter().collect(),
            muted_by: muted.into_iter().chain(windows).collect(),
        };
        let mut receivers: Vec<String> = Vec::new();
        for route in routes {
            if !receivers.contains(&route.receiver) {
                receivers.push(route.receiver.clone());
            }
        }
        let acknowledgement = self.acknowledgements.get(&fingerprint).filter(|a| a.holds(now)).cloned();
        AlertView { alert: alert.clone(), fingerprint, receivers, status, acknowledgement }
    }

    fn muted_by(&self, route: &Route, now: UnixNanos) -> Vec<String> {
        match self.muted(route, now) {
            Some(Quiet::Muted { outside, inside }) => outside.into_iter().chain(inside).collect(),
            _ => Vec::new(),
        }
    }
}
