//! The data of a notification (`template.Data`, `template.Alert`).

use foundation::UnixNanos;
use gotmpl::Value;

use crate::time;
use crate::value::{StructType, list, text, texts};

const DATA: StructType = StructType::new(
    "*template.Data",
    &[
        ("Receiver", "receiver"),
        ("Status", "status"),
        ("Alerts", "alerts"),
        ("NotificationReason", "notification_reason"),
        ("GroupLabels", "groupLabels"),
        ("CommonLabels", "commonLabels"),
        ("CommonAnnotations", "commonAnnotations"),
        ("RouteLabels", "routeLabels"),
        ("ExternalURL", "externalURL"),
    ],
);

const ALERT: StructType = StructType::new(
    "template.Alert",
    &[
        ("Status", "status"),
        ("Labels", "labels"),
        ("Annotations", "annotations"),
        ("StartsAt", "startsAt"),
        ("EndsAt", "endsAt"),
        ("GeneratorURL", "generatorURL"),
        ("Fingerprint", "fingerprint"),
    ],
);

/// Names and values.
pub type Pairs = Vec<(String, String)>;

/// What a template of a notification is filled with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Data {
    /// Name of the receiver.
    pub receiver: String,
    /// `firing` or `resolved`.
    pub status: String,
    /// The alerts of the group.
    pub alerts: Vec<Alert>,
    /// Why now.
    pub notification_reason: String,
    /// What the alerts are grouped by.
    pub group_labels: Pairs,
    /// What all alerts have in common.
    pub common_labels: Pairs,
    /// What all alerts have in common.
    pub common_annotations: Pairs,
    /// Labels of the route.
    pub route_labels: Pairs,
    /// Where the alert manager is reached.
    pub external_url: String,
}

/// One alert.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Alert {
    /// `firing` or `resolved`.
    pub status: String,
    /// Which alert it is.
    pub labels: Pairs,
    /// What is said of it.
    pub annotations: Pairs,
    /// Since when it fires.
    pub starts_at: UnixNanos,
    /// When it ended; `None` is Go's zero time.
    pub ends_at: Option<UnixNanos>,
    /// Where the expression can be looked at.
    pub generator_url: String,
    /// Of the labels.
    pub fingerprint: String,
}

impl Data {
    /// As a value for templates.
    pub fn value(&self) -> Value {
        DATA.value([
            text(&self.receiver),
            text(&self.status),
            list(self.alerts.iter().map(Alert::value).collect()),
            text(&self.notification_reason),
            pairs(&self.group_labels),
            pairs(&self.common_labels),
            pairs(&self.common_annotations),
            pairs(&self.route_labels),
            text(&self.external_url),
        ])
    }
}

impl Alert {
    /// As a value for templates.
    pub fn value(&self) -> Value {
        ALERT.value([
            text(&self.status),
            pairs(&self.labels),
            pairs(&self.annotations),
            time::at(self.starts_at),
            self.ends_at.map_or_else(time::zero, time::at),
            text(&self.generator_url),
            text(&self.fingerprint),
        ])
    }
}

fn pairs(pairs: &[(String, String)]) -> Value {
    texts(pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())))
}
