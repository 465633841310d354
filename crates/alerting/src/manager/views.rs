//! What the alert manager shows of itself: alerts with their state, groups, and what a silence would hide.

use std::sync::Arc;

use foundation::UnixNanos;
use model::Labels;

use super::acknowledge::Acknowledgement;
use super::active::ActiveAlert;
use super::alertmanager::{Alertmanager, receivers};
use super::config::Route;
use super::flush;
use super::matchers::Matchers;
use super::quiet::Quiet;
use super::state::State;
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
    /// Alerts that fire, sorted.
    pub fn alerts(&self) -> Vec<AlertView> {
        self.with_state(|state, now| {
            let firing = state.alerts.iter().filter(|(_, a)| !a.alert.is_resolved(now));
            let mut views: Vec<AlertView> = firing.map(|(f, a)| view(state, *f, a, None, now)).collect();
            views.sort_by_key(|v| v.fingerprint);
            views
        })
    }

    /// One alert, also one that ended and is not forgotten.
    pub fn alert(&self, fingerprint: Fingerprint) -> Option<AlertView> {
        self.with_state(|state, now| state.alerts.get(fingerprint).map(|a| view(state, fingerprint, a, None, now)))
    }

    /// Groups with alerts that fire, sorted by labels and receiver.
    pub fn groups(&self) -> Vec<GroupView> {
        self.with_state(|state, now| {
            let mut groups: Vec<GroupView> = Vec::new();
            for group in state.groups.iter() {
                let firing = group.alerts.iter().filter(|(_, a)| !a.alert.is_resolved(now));
                let mut alerts: Vec<AlertView> =
                    firing.map(|(f, a)| view(state, *f, a, Some(&group.route), now)).collect();
                if alerts.is_empty() {
                    continue;
                }
                alerts.sort_by(|a, b| flush::before(&a.alert.alert.labels, &b.alert.alert.labels));
                groups.push(GroupView {
                    labels: group.labels.clone(),
                    receiver: group.route.receiver.clone(),
                    key: group.key.clone(),
                    alerts,
                    due: group.due,
                });
            }
            groups.sort_by(|a, b| {
                flush::before(&a.labels, &b.labels)
                    .then_with(|| a.receiver.cmp(&b.receiver))
                    .then_with(|| a.key.cmp(&b.key))
            });
            groups
        })
    }

    /// What a silence with these matchers would hide if it began now.
    pub fn preview(&self, matchers: &Matchers) -> Preview {
        self.with_state(|state, now| {
            let fits =
                state.alerts.iter().filter(|(_, a)| !a.alert.is_resolved(now) && matchers.matches(&a.alert.labels));
            let mut alerts: Vec<AlertView> = fits.map(|(f, a)| view(state, *f, a, None, now)).collect();
            alerts.sort_by(|a, b| flush::before(&a.alert.alert.labels, &b.alert.alert.labels));
            let quiet_already = alerts.iter().filter(|v| v.status.state() != "active").count();
            Preview { alerts, quiet_already }
        })
    }
}

/// Without a route an alert is muted by time when all its routes are.
fn view(
    state: &State,
    fingerprint: Fingerprint,
    alert: &Arc<ActiveAlert>,
    route: Option<&Arc<Route>>,
    now: UnixNanos,
) -> AlertView {
    let labels = &alert.alert.labels;
    let inhibited = state.inhibitor.inhibiting(labels, &state.alerts, now);
    let muted = match route {
        Some(route) => muted_by(state, route, now),
        None => {
            let routes = state.config.routes.matching(labels);
            let muted: Vec<Vec<String>> = routes.iter().map(|r| muted_by(state, r, now)).collect();
            if muted.iter().any(Vec::is_empty) { Vec::new() } else { muted.concat() }
        }
    };
    let windows = state.open_windows(labels, now).into_iter().map(|name| format!("maintenance: {name}"));
    let status = AlertStatus {
        silenced_by: state.silences.silencing(labels, now),
        inhibited_by: inhibited.map(|i| i.by.to_string()).into_iter().collect(),
        muted_by: muted.into_iter().chain(windows).collect(),
    };
    AlertView {
        alert: alert.clone(),
        fingerprint,
        receivers: route.map_or_else(|| receivers(state, labels), |r| vec![r.receiver.clone()]),
        status,
        acknowledgement: state.acknowledgements.get(&fingerprint).filter(|a| a.holds(now)).cloned(),
    }
}

fn muted_by(state: &State, route: &Route, now: UnixNanos) -> Vec<String> {
    match state.muted(route, now) {
        Some(Quiet::Muted { outside, inside }) => outside.into_iter().chain(inside).collect(),
        _ => Vec::new(),
    }
}
