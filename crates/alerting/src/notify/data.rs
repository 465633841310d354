//! A notification as data of templates, as JSON of webhooks, and as keys.

use foundation::UnixNanos;
use gotemplate::alertmanager::{Alert, Data, Pairs};
use model::Labels;

use crate::notification::{Notification, NotifiedAlert};

/// The data of templates, with the labels of the route already filled.
pub(super) fn of(n: &Notification, route_labels: Pairs) -> Data {
    Data {
        receiver: n.receiver.clone(),
        status: n.status.name().into(),
        alerts: n.alerts.iter().map(alert).collect(),
        notification_reason: n.reason.name().into(),
        group_labels: pairs(&n.group_labels),
        common_labels: pairs(&n.common_labels),
        common_annotations: pairs(&n.common_annotations),
        route_labels,
        external_url: n.external_url.clone(),
    }
}

fn alert(a: &NotifiedAlert) -> Alert {
    Alert {
        status: a.status.name().into(),
        labels: pairs(&a.labels),
        annotations: pairs(&a.annotations),
        starts_at: a.starts_at,
        ends_at: (a.ends_at != UnixNanos(0)).then_some(a.ends_at),
        generator_url: a.generator_url.clone(),
        fingerprint: a.fingerprint.to_string(),
    }
}

/// Labels as names and values.
pub(super) fn pairs(labels: &Labels) -> Pairs {
    labels.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// The SHA-256 of a text in hexadecimal digits: the key of an incident at services, the same as Alertmanager's for a group.
pub(super) fn sha256(text: &str) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, text.as_bytes());
    digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The same for every attempt to send the same thing: the group and the state of each of its alerts.
pub(super) fn idempotency_key(n: &Notification) -> String {
    let mut text = format!("{}\n{}\n{}\n", n.receiver, n.group_key, n.reason.name());
    for a in &n.alerts {
        text.push_str(&format!("{} {} {} {}\n", a.fingerprint, a.status.name(), a.starts_at.0, a.ends_at.0));
    }
    sha256(&text)
}
