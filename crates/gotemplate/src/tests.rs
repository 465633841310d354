//! Templates as users write them, beside what Go makes of them.

mod alertmanager;
mod conformance;
mod engine;
mod times;

use std::sync::Arc;

use foundation::UnixNanos;
use foundation::clock::ManualClock;

use crate::alertmanager::{Alert, Data, Pairs};
use crate::{Library, Mode};

/// 2024-03-01T12:00:00Z.
const NOON: UnixNanos = UnixNanos::from_secs(1_709_294_400);

fn library() -> Library {
    crate::alertmanager::library(Arc::new(ManualClock::new(NOON.plus(std::time::Duration::from_secs(90)))))
}

fn pairs(pairs: &[(&str, &str)]) -> Pairs {
    pairs.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect()
}

fn alert(status: &str, instance: &str) -> Alert {
    Alert {
        status: status.into(),
        labels: pairs(&[("severity", "page"), ("alertname", "Down"), ("instance", instance)]),
        annotations: pairs(&[("summary", "it's <down> & out")]),
        starts_at: NOON,
        ends_at: (status == "resolved").then(|| NOON.plus(std::time::Duration::from_secs(3723))),
        generator_url: "http://b/graph".into(),
        fingerprint: "0a".into(),
    }
}

fn data() -> Data {
    Data {
        receiver: "team x&y".into(),
        status: "firing".into(),
        alerts: vec![alert("firing", "a"), alert("resolved", "b")],
        notification_reason: "first notification".into(),
        group_labels: pairs(&[("alertname", "Down")]),
        common_labels: pairs(&[("alertname", "Down"), ("severity", "page")]),
        common_annotations: pairs(&[("summary", "it's <down> & out")]),
        route_labels: Vec::new(),
        external_url: "http://bellrock:9093".into(),
    }
}

fn fill(source: &str) -> String {
    match library().compile("t", source, Mode::Text) {
        Ok(template) => template.fill(&data().value()).unwrap_or_else(|e| format!("ERR {e}")),
        Err(e) => format!("ERR {e}"),
    }
}
