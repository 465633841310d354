//! Objectives as a file of our own form, which reads back as the same.

use std::collections::BTreeMap;

use foundation::units::format_duration;
use serde::Serialize;

use super::burn::percent;
use super::selector::Selector;
use super::spec::{Alerting, Counted, EmptySlice, Indicator, Method, Slo};
use super::window::Window;

#[derive(Serialize)]
struct File<'a> {
    slos: BTreeMap<&'a str, Printed<'a>>,
}

#[derive(Serialize)]
struct Printed<'a> {
    title: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    description: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    service: &'a str,
    objective: String,
    window: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    time_zone: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    group_by: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    slices: Option<Slices>,
    indicator: serde_json::Value,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    labels: &'a BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    alerts: Option<Alerts<'a>>,
}

#[derive(Serialize)]
struct Slices {
    length: String,
    target: String,
    empty: &'static str,
}

#[derive(Serialize)]
struct Alerts<'a> {
    enabled: bool,
    bad_events_min: f64,
    no_data: bool,
    labels: &'a BTreeMap<String, String>,
    annotations: &'a BTreeMap<String, String>,
}

/// Prints objectives; those without an indicator are left out, since they count nothing yet.
pub fn print<'a>(slos: impl IntoIterator<Item = &'a Slo>) -> String {
    let printed = |slo: &'a Slo| Some((slo.id.as_str(), one(slo, slo.indicator.as_ref()?)));
    let file = File { slos: slos.into_iter().filter_map(printed).collect() };
    serde_saphyr::to_string(&file).unwrap_or_default()
}

fn one<'a>(slo: &'a Slo, indicator: &Indicator) -> Printed<'a> {
    let time_zone = match &slo.window {
        Window::Calendar(_, zone) => zone.iana_name().map(str::to_owned),
        Window::Rolling(_) => None,
    };
    let slices = match &slo.method {
        Method::Events => None,
        Method::TimeSlices { slice, target, empty } => Some(Slices {
            length: format_duration(*slice),
            target: share(*target),
            empty: match empty {
                EmptySlice::Good => "good",
                EmptySlice::Excluded => "excluded",
            },
        }),
    };
    let alerts = (slo.alerting != Alerting::default()).then_some(Alerts {
        enabled: slo.alerting.enabled,
        bad_events_min: slo.alerting.bad_events_min,
        no_data: slo.alerting.no_data,
        labels: &slo.alerting.labels,
        annotations: &slo.alerting.annotations,
    });
    Printed {
        title: &slo.title,
        description: &slo.description,
        service: &slo.service,
        objective: share(slo.objective),
        window: slo.window.text(),
        time_zone,
        group_by: slo.group_by.iter().map(String::as_str).collect(),
        slices,
        indicator: self::indicator(indicator),
        labels: &slo.labels,
        alerts,
    }
}

/// What is counted, as it stands in a file.
pub(super) fn indicator(indicator: &Indicator) -> serde_json::Value {
    let texts = |s: &[Selector]| s.iter().map(ToString::to_string).collect::<Vec<_>>();
    let key = |good: bool| if good { "good" } else { "bad" };
    match indicator {
        Indicator::Counters { counted, total } => serde_json::json!({
            "ratio": {key(matches!(counted, Counted::Good(_))): texts(counted.of()), "total": texts(total)}
        }),
        Indicator::Latency(l) => {
            serde_json::json!({"latency": {"histogram": l.histogram.to_string(), "threshold": l.threshold}})
        }
        Indicator::Up(selectors) => serde_json::json!({"up": texts(selectors)}),
        Indicator::Events(e) => serde_json::json!({
            "events": {
                "signal": e.signal.name(),
                "total": e.total,
                key(matches!(e.counted, Counted::Good(_))): e.counted.of(),
            }
        }),
    }
}

fn share(ratio: f64) -> String {
    format!("{}%", percent(ratio))
}
