//! What a group has to say now: one message per channel that does not know it yet.

use std::sync::Arc;
use std::time::Duration;

use foundation::UnixNanos;
use metastore::{LogEntry, LogKey};
use model::Labels;
use serde_json::json;

use super::active::ActiveAlert;
use super::config::Slot;
use super::groups::GroupId;
use super::log::{self, Told};
use super::state::State;
use crate::alert::Fingerprint;
use crate::notification::{Channel, Notification, NotifiedAlert, Reason, Status};
use crate::timeline::{Happened, Timeline};

/// Attempts go on for at least so long, however short the interval is.
const TIMEOUT_MIN: Duration = Duration::from_secs(10);

/// A group that is told.
pub(super) struct Flush {
    pub id: GroupId,
    pub receiver: String,
    pub group_key: String,
    /// Alerts that ended before the flush.
    pub ended: Vec<Arc<ActiveAlert>>,
    pub sends: Vec<Send>,
    /// How long attempts go on.
    pub timeout: Duration,
}

/// One message to one channel.
pub(super) struct Send {
    pub slot: Slot,
    pub channel: Arc<Channel>,
    pub key: LogKey,
    pub entry: LogEntry,
    /// `None`: the log is cleared and nobody is told.
    pub notification: Option<Notification>,
    pub alerts: Vec<Fingerprint>,
    pub reason: Reason,
}

/// Makes the flush of a group that is due.
pub(super) fn prepare(
    state: &mut State,
    id: &GroupId,
    external_url: &str,
    timeline: &Timeline,
    now: UnixNanos,
) -> Option<Flush> {
    let group = state.groups.get(id)?;
    let (route, labels, group_key) = (group.route.clone(), group.labels.clone(), group.key.clone());
    let mut alerts: Vec<Arc<ActiveAlert>> = group.alerts.values().cloned().collect();
    let ended: Vec<Arc<ActiveAlert>> = alerts.iter().filter(|a| a.alert.is_resolved(now)).cloned().collect();
    alerts.retain(|alert| audible(state, id, alert, timeline, now));
    alerts.sort_by(|a, b| before(&a.alert.labels, &b.alert.labels));
    let timeout = route.group_interval.max(TIMEOUT_MIN);
    let mut flush =
        Flush { id: id.clone(), receiver: route.receiver.clone(), group_key, ended, sends: Vec::new(), timeout };
    if alerts.is_empty() {
        return Some(flush);
    }
    let told = told(&alerts, now);
    let receiver = state.present.config.receiver(&route.receiver).cloned()?;
    if receiver.slots.iter().all(|s| s.channel.is_err()) {
        nobody(state, &receiver, &told, timeline, now);
        return Some(flush);
    }
    for slot in receiver.slots {
        let Ok(channel) = slot.channel.clone() else { continue };
        let key = LogKey {
            group_key: flush.group_key.clone(),
            receiver: receiver.name.clone(),
            integration: slot.integration.clone(),
            position: slot.position,
        };
        let last = state.log.get(&key, now);
        let reason = log::reason(last, &told, channel.send_resolved, route.repeat_interval, now);
        let Some(reason) = reason else { continue };
        let acknowledged = || told.firing.iter().all(|f| state.present.acknowledged(Fingerprint(*f), now));
        // The log goes on, or what is repeated would be told as new when it is forgotten.
        let left_out = reason == Reason::RepeatIntervalElapsed && acknowledged();
        let parts = Parts { external_url, route_labels: &route.labels, labels: &labels, receiver: &receiver.name };
        let notification = notification(&alerts, parts, &flush.group_key, reason, channel.send_resolved, now);
        let notification = notification.filter(|_| !left_out);
        let alerts = notification.iter().flat_map(|n| n.alerts.iter().map(|a| a.fingerprint)).collect();
        let entry = log::entry(&told, now, route.repeat_interval);
        flush.sends.push(Send { slot, channel, key, entry, notification, alerts, reason });
    }
    Some(flush)
}

/// Whether an alert may be told; what changed since the last flush is recorded.
fn audible(state: &mut State, id: &GroupId, alert: &ActiveAlert, timeline: &Timeline, now: UnixNanos) -> bool {
    let fingerprint = alert.alert.fingerprint();
    let Some(route) = state.groups.get(id).map(|g| g.route.clone()) else { return false };
    let quiet = state.present.quiet(&alert.alert.labels, &route, now);
    let is_audible = quiet.is_none();
    let Some(group) = state.groups.get_mut(id) else { return false };
    let before = match &quiet {
        Some(quiet) => group.quiet.insert(fingerprint, quiet.clone()),
        None => group.quiet.remove(&fingerprint),
    };
    if before != quiet {
        let (what, mut body) = match &quiet {
            Some(quiet) => (quiet.happened(), quiet.body()),
            None => (Happened::Unmuted, json!({})),
        };
        body["receiver"] = route.receiver.clone().into();
        timeline.record(fingerprint, now, what, body);
    }
    is_audible
}

/// Says once per alert that there is no channel.
fn nobody(state: &mut State, receiver: &super::config::Receiver, told: &Told, timeline: &Timeline, now: UnixNanos) {
    let disabled = receiver.slots.iter().filter_map(|s| Some((s.name(), s.channel.as_ref().err()?)));
    let disabled: serde_json::Map<_, _> = disabled.map(|(name, why)| (name, why.clone().into())).collect();
    let disabled = serde_json::Value::Object(disabled);
    for fingerprint in &told.firing {
        let key = LogKey {
            group_key: fingerprint.to_string(),
            receiver: receiver.name.clone(),
            integration: String::new(),
            position: 0,
        };
        if state.log.get(&key, now).is_none() {
            let body = json!({"receiver": receiver.name, "channels": disabled});
            timeline.record(Fingerprint(*fingerprint), now, Happened::Nobody, body);
            state.log.insert(key, log::entry(&Told::default(), now, log::RETENTION));
        }
    }
}

fn told(alerts: &[Arc<ActiveAlert>], now: UnixNanos) -> Told {
    let mut told = Told::default();
    for alert in alerts {
        let list = if alert.alert.is_resolved(now) { &mut told.resolved } else { &mut told.firing };
        list.push(alert.alert.fingerprint().0);
    }
    told.firing.sort_unstable();
    told.resolved.sort_unstable();
    told
}

struct Parts<'a> {
    external_url: &'a str,
    route_labels: &'a Labels,
    labels: &'a Labels,
    receiver: &'a str,
}

/// `None` when the channel does not want to hear of ends and there is nothing else.
fn notification(
    alerts: &[Arc<ActiveAlert>],
    parts: Parts<'_>,
    group_key: &str,
    reason: Reason,
    send_resolved: bool,
    now: UnixNanos,
) -> Option<Notification> {
    let of = |alert: &Arc<ActiveAlert>| {
        let resolved = alert.alert.is_resolved(now);
        (send_resolved || !resolved).then(|| NotifiedAlert {
            status: if resolved { Status::Resolved } else { Status::Firing },
            labels: alert.alert.labels.clone(),
            annotations: alert.alert.annotations.clone(),
            starts_at: alert.alert.starts_at,
            ends_at: if resolved { alert.alert.ends_at } else { UnixNanos(0) },
            generator_url: alert.alert.generator_url.clone(),
            fingerprint: alert.alert.fingerprint(),
        })
    };
    let alerts: Vec<NotifiedAlert> = alerts.iter().filter_map(of).collect();
    let first = alerts.first()?;
    let common = |of: fn(&NotifiedAlert) -> &Labels| {
        let mut common = of(first).clone();
        common.retain(|name, value| alerts.iter().all(|a| of(a).get(name) == value));
        common
    };
    let firing = alerts.iter().any(|a| a.status == Status::Firing);
    Some(Notification {
        receiver: parts.receiver.to_owned(),
        status: if firing { Status::Firing } else { Status::Resolved },
        group_key: group_key.to_owned(),
        group_labels: parts.labels.clone(),
        common_labels: common(|a| &a.labels),
        common_annotations: common(|a| &a.annotations),
        route_labels: parts.route_labels.clone(),
        external_url: parts.external_url.to_owned(),
        reason,
        alerts,
        truncated: 0,
    })
}

/// By `job`, by `instance`, then by all labels; fewer labels first. From `types.AlertSlice` and `model.LabelSet.Before`.
pub(super) fn before(a: &Labels, b: &Labels) -> std::cmp::Ordering {
    let by = |name: &str| {
        let (a, b) = (a.get(name), b.get(name));
        a.is_empty().cmp(&b.is_empty()).then_with(|| a.cmp(b))
    };
    by("job").then_with(|| by("instance")).then_with(|| a.len().cmp(&b.len())).then_with(|| a.cmp(b))
}
