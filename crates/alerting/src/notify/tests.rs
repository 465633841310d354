//! Contract tests: each service as a server on loopback, which says what it was asked.

mod email;
mod failures;
mod findings;
mod services;
mod slack;
mod templates;
mod webhook;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use foundation::UnixNanos;
use foundation::clock::ManualClock;
use model::Labels;
use yaml::{Finding, Findings, Node};

use super::Receivers;
use crate::alert::Fingerprint;
use crate::notification::{Channel, Delivery, Integrations, Notification, NotifiedAlert, Reason, Shared, Status};

/// 2026-03-01T12:00:00Z.
const NOON: UnixNanos = UnixNanos::from_secs(1_772_366_400);

/// Long enough for a slow machine; no test waits for it to pass.
const DEADLINE: Duration = Duration::from_secs(30);

/// A channel out of YAML, and what was noticed.
fn build(kind: &str, global: &str, entry: &str) -> (Option<Channel>, Vec<Finding>) {
    build_in(Path::new("/"), &[], kind, global, entry)
}

fn build_in(
    base: &Path,
    templates: &[String],
    kind: &str,
    global: &str,
    entry: &str,
) -> (Option<Channel>, Vec<Finding>) {
    let mut findings = Findings::default();
    let (global, entry) = (yaml::parse("", global).unwrap(), yaml::parse("", entry).unwrap());
    let shared = Shared { global: Some(&global), templates, base, external_url: "http://bellrock:9093" };
    let receivers = Receivers::new(Arc::new(ManualClock::new(NOON)));
    let channel =
        receivers.open(&shared, &mut findings).build(kind, &entry, "receivers[0].x_configs[0]", &mut findings);
    (channel, findings.into_sorted())
}

/// A channel that must be good.
fn channel(kind: &str, entry: &str) -> Channel {
    let (channel, findings) = build(kind, "{}", entry);
    assert!(findings.is_empty(), "{findings:?}");
    channel.unwrap()
}

async fn send(channel: &Channel, notification: &Notification) -> Delivery {
    channel.notifier.notify(notification, Instant::now() + DEADLINE).await
}

fn alert(status: Status, instance: &str) -> NotifiedAlert {
    let labels = Labels::from_pairs([("alertname", "Down"), ("instance", instance), ("severity", "critical")]);
    NotifiedAlert {
        status,
        annotations: Labels::from_pairs([("summary", "it's <down> & out"), ("description", "no answer")]),
        starts_at: NOON,
        ends_at: if status == Status::Firing { UnixNanos(0) } else { NOON.plus(Duration::from_secs(60)) },
        generator_url: "http://bellrock/graph?g0.expr=up".into(),
        fingerprint: Fingerprint::of(&labels),
        labels,
    }
}

/// Two alerts of the group `Down`.
fn notification(status: Status) -> Notification {
    Notification {
        receiver: "team x".into(),
        status,
        group_key: "{}:{alertname=\"Down\"}".into(),
        group_labels: Labels::from_pairs([("alertname", "Down")]),
        common_labels: Labels::from_pairs([("alertname", "Down"), ("severity", "critical")]),
        common_annotations: Labels::from_pairs([("summary", "it's <down> & out")]),
        route_labels: Labels::default(),
        external_url: "http://bellrock:9093".into(),
        reason: Reason::FirstNotification,
        alerts: vec![alert(status, "a:1"), alert(Status::Resolved, "b:1")],
        truncated: 0,
    }
}

/// SHA-256 of the group key, as services get it.
fn group_hash() -> String {
    super::data::sha256(&notification(Status::Firing).group_key)
}
