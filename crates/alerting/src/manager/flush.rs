//! What a group has to say now: one message per channel that does not know it yet.
//!
//! In three steps: [`draft`] takes what there is under the lock, [`Draft::flush`] judges and writes without it, and
//! [`Flush::conclude`] notes the outcome under it again.

use std::sync::Arc;
use std::time::Duration;

use foundation::UnixNanos;
use metastore::{LogEntry, LogKey};
use model::Labels;
use rustc_hash::FxHashMap;
use serde_json::json;

use super::active::ActiveAlert;
use super::config::{Receiver, Route, Slot};
use super::groups::GroupId;
use super::log::{self, Told};
use super::present::Present;
use super::quiet::Quiet;
use super::state::State;
use crate::alert::Fingerprint;
use crate::notification::{Channel, Notification, NotifiedAlert, Reason, Status};
use crate::timeline::{Happened, Timeline};

/// Attempts go on for at least so long, however short the interval is.
const TIMEOUT_MIN: Duration = Duration::from_secs(10);

/// A group that is due, as it was at that moment: what is needed to say what its channels have to be told.
pub(super) struct Draft {
    id: GroupId,
    route: Arc<Route>,
    labels: Labels,
    group_key: String,
    alerts: Vec<Arc<ActiveAlert>>,
    /// Why alerts of it were not told the last time.
    quiet: FxHashMap<Fingerprint, Quiet>,
    /// Channels that nobody tells now, and what each was told last.
    slots: Vec<(Slot, LogKey, Option<LogEntry>)>,
    /// Whether all channels are looked at, and not one that was busy before.
    is_whole: bool,
}

/// One message to one channel.
pub(super) struct Send {
    pub group: GroupId,
    pub slot: Slot,
    pub channel: Arc<Channel>,
    pub key: LogKey,
    pub entry: LogEntry,
    /// `None`: the log is cleared and nobody is told.
    pub notification: Option<Notification>,
    pub alerts: Vec<Fingerprint>,
    pub reason: Reason,
    /// Alerts that ended before: when this is delivered, the channel needs to hear no more of them.
    pub ended: Arc<[Arc<ActiveAlert>]>,
    /// How long attempts go on.
    pub timeout: Duration,
}

/// Takes what is needed of a group, for all its channels or one; those are busy from now on. Under the lock, so nothing is judged here.
pub(super) fn draft(state: &mut State, id: &GroupId, only: Option<&str>, now: UnixNanos) -> Option<Draft> {
    let config = state.present.config.clone();
    let group = state.groups.get(id)?;
    let (route, labels, group_key) = (group.route.clone(), group.labels.clone(), group.key.clone());
    let (alerts, quiet) = (group.alerts(), group.quiet.clone());
    let mut slots = Vec::new();
    for slot in config.receiver(&route.receiver).iter().flat_map(|r| &r.slots).filter(|s| s.channel.is_ok()) {
        let name = slot.name();
        if only.is_some_and(|only| only != name) || !state.groups.occupy(id, &name) {
            continue;
        }
        let key = LogKey {
            group_key: group_key.clone(),
            receiver: route.receiver.clone(),
            integration: slot.integration.clone(),
            position: slot.position,
        };
        let last = state.log.get(&key, now).cloned();
        slots.push((slot.clone(), key, last));
    }
    Some(Draft { id: id.clone(), route, labels, group_key, alerts, quiet, slots, is_whole: only.is_none() })
}

/// What a group has to say.
pub(super) struct Flush {
    pub id: GroupId,
    pub sends: Vec<Send>,
    /// Channels that have nothing to hear.
    pub idle: Vec<String>,
    /// Alerts that ended.
    pub ended: Arc<[Arc<ActiveAlert>]>,
    /// Why alerts are not told, where that changed.
    pub quiet: Vec<(Fingerprint, Option<Quiet>)>,
    /// Alerts that nobody can be told of, when no channel can be used.
    pub nobody: Vec<Fingerprint>,
}

impl Draft {
    /// Judges the alerts and writes the messages.
    pub(super) fn flush(self, present: &Present, external_url: &str, now: UnixNanos) -> Flush {
        let Self { id, route, labels, group_key, mut alerts, quiet: was_quiet, slots, is_whole } = self;
        let ended: Arc<[_]> = alerts.iter().filter(|a| a.alert.is_resolved(now)).cloned().collect();
        let mut quiet = Vec::new();
        alerts.retain(|alert| {
            let fingerprint = alert.alert.fingerprint();
            let why = present.quiet(&alert.alert.labels, &route, now);
            let is_audible = why.is_none();
            if is_whole && was_quiet.get(&fingerprint) != why.as_ref() {
                quiet.push((fingerprint, why));
            }
            is_audible
        });
        alerts.sort_by(|a, b| before(&a.alert.labels, &b.alert.labels));
        let told = told(&alerts, now);
        let nobody = if present.config.usable(&route.receiver).is_empty() {
            told.firing.iter().map(|f| Fingerprint(*f)).collect()
        } else {
            Vec::new()
        };
        let mut flush = Flush { id, sends: Vec::new(), idle: Vec::new(), ended, quiet, nobody };
        for (slot, key, last) in slots {
            let Ok(channel) = slot.channel.clone() else { continue };
            let repeat = route.repeat_interval;
            let reason = log::reason(last.as_ref(), &told, channel.send_resolved, repeat, now);
            let Some(reason) = reason.filter(|_| !alerts.is_empty()) else {
                flush.idle.push(slot.name());
                continue;
            };
            let acknowledged = || told.firing.iter().all(|f| present.acknowledged(Fingerprint(*f), now));
            // The log goes on, or what is repeated would be told as new when it is forgotten.
            let left_out = reason == Reason::RepeatIntervalElapsed && acknowledged();
            let parts = Parts { external_url, route_labels: &route.labels, labels: &labels, receiver: &route.receiver };
            let notification = notification(&alerts, parts, &group_key, reason, channel.send_resolved, now);
            let notification = notification.filter(|_| !left_out);
            flush.sends.push(Send {
                group: flush.id.clone(),
                slot,
                channel,
                key,
                entry: log::entry(&told, now, repeat),
                alerts: notification.iter().flat_map(|n| n.alerts.iter().map(|a| a.fingerprint)).collect(),
                notification,
                reason,
                ended: flush.ended.clone(),
                timeout: route.group_interval.max(TIMEOUT_MIN),
            });
        }
        flush
    }
}

impl Flush {
    /// Writes down what it changed, but for what is sent. Returns the alerts that left the group.
    pub(super) fn conclude(&self, state: &mut State, timeline: &Timeline, now: UnixNanos) -> Vec<Arc<ActiveAlert>> {
        let Some(route) = state.groups.get(&self.id).map(|g| g.route.clone()) else { return Vec::new() };
        for (fingerprint, quiet) in &self.quiet {
            let (what, mut body) = match quiet {
                Some(quiet) => (quiet.happened(), quiet.body()),
                None => (Happened::Unmuted, json!({})),
            };
            body["receiver"] = route.receiver.clone().into();
            timeline.record(*fingerprint, now, what, body);
            if let Some(group) = state.groups.get_mut(&self.id) {
                match quiet {
                    Some(quiet) => group.quiet.insert(*fingerprint, quiet.clone()),
                    None => group.quiet.remove(fingerprint),
                };
            }
        }
        let config = state.present.config.clone();
        let usable = config.usable(&route.receiver);
        if let Some(receiver) = config.receiver(&route.receiver).filter(|_| !self.nobody.is_empty()) {
            nobody(state, receiver, &self.nobody, timeline, now);
        }
        let mut left = Vec::new();
        if usable.is_empty() {
            left.extend(state.groups.finish(&self.id, "", &self.ended, &usable).left);
        }
        for channel in &self.idle {
            let finished = state.groups.finish(&self.id, channel, &self.ended, &usable);
            if finished.again {
                state.groups.set_due(&self.id, now);
            }
            left.extend(finished.left);
        }
        left
    }
}

/// Says once per alert that there is no channel.
fn nobody(state: &mut State, receiver: &Receiver, firing: &[Fingerprint], timeline: &Timeline, now: UnixNanos) {
    let disabled = receiver.slots.iter().filter_map(|s| Some((s.name(), s.channel.as_ref().err()?)));
    let disabled: serde_json::Map<_, _> = disabled.map(|(name, why)| (name, why.clone().into())).collect();
    let disabled = serde_json::Value::Object(disabled);
    for fingerprint in firing {
        let key = LogKey {
            group_key: fingerprint.to_string(),
            receiver: receiver.name.clone(),
            integration: String::new(),
            position: 0,
        };
        if state.log.get(&key, now).is_none() {
            let body = json!({"receiver": receiver.name, "channels": disabled});
            timeline.record(*fingerprint, now, Happened::Nobody, body);
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
