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
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    slos: BTreeMap<&'a str, Printed<'a>>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    error_budgets: BTreeMap<&'a str, Promised<'a>>,
}

/// A promise that nothing is counted for yet.
#[derive(Serialize)]
struct Promised<'a> {
    slo: &'a str,
    window: String,
    budget: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    service: &'a str,
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

/// Prints objectives; those without an indicator as the promises that they are.
pub fn print<'a>(slos: impl IntoIterator<Item = &'a Slo>) -> String {
    let mut file = File { slos: BTreeMap::new(), error_budgets: BTreeMap::new() };
    for slo in slos {
        match (&slo.indicator, &slo.written) {
            (Some(indicator), _) => drop(file.slos.insert(&slo.id, one(slo, indicator))),
            (None, Some(written)) => {
                let promised = Promised {
                    slo: written,
                    window: slo.window.text(),
                    budget: share(slo.budget()),
                    service: &slo.service,
                };
                file.error_budgets.insert(&slo.id, promised);
            }
            // Such a one cannot be read, so there is none.
            (None, None) => {}
        }
    }
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
pub fn indicator(indicator: &Indicator) -> serde_json::Value {
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
