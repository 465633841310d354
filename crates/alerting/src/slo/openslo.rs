//! OpenSLO v1: `SLO` with its `SLI`, inline or by reference. Source: OpenSLO specification 1.0.

use std::collections::BTreeMap;
use std::time::Duration;

use foundation::units::parse_duration;
use serde::Deserialize;
use serde_json::Value;
use yaml::{Findings, Node, Place};

use super::config::{self, Parsed, Share, check_id, time_slices};
use super::selector::Selector;
use super::spec::{Alerting, Counted, EmptySlice, Indicator, Latency, Method, Origin, Slo};
use super::window::{Calendar, Window, time_zone};

#[derive(Debug, Deserialize)]
struct Document {
    #[serde(rename = "apiVersion")]
    api_version: String,
    kind: String,
    metadata: Metadata,
    #[serde(default)]
    spec: Value,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    name: String,
    #[serde(default)]
    display_name: Option<String>,
    #[serde(default)]
    labels: BTreeMap<String, Value>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct SloSpec {
    description: String,
    service: String,
    indicator: Option<Inline>,
    indicator_ref: Option<String>,
    time_window: Vec<TimeWindow>,
    budgeting_method: String,
    objectives: Vec<Objective>,
    alert_policies: Vec<Value>,
}

#[derive(Debug, Deserialize)]
struct Inline {
    spec: SliSpec,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct SliSpec {
    ratio_metric: Option<RatioMetric>,
    threshold_metric: Option<MetricSource>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct RatioMetric {
    good: Option<MetricSource>,
    bad: Option<MetricSource>,
    total: Option<MetricSource>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct MetricSource {
    metric_source: MetricSpec,
}

#[derive(Debug, Clone, Deserialize)]
struct MetricSpec {
    #[serde(rename = "type", default)]
    kind: Option<String>,
    #[serde(default)]
    spec: BTreeMap<String, Value>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct TimeWindow {
    duration: String,
    #[serde(default)]
    is_rolling: bool,
    #[serde(default)]
    calendar: Option<CalendarSpec>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct CalendarSpec {
    #[serde(default)]
    time_zone: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Objective {
    display_name: Option<String>,
    op: Option<String>,
    value: Option<f64>,
    target: Option<f64>,
    target_percent: Option<f64>,
    time_slice_target: Option<f64>,
    time_slice_window: Option<Value>,
}

/// Reads every document; kinds that say nothing of budgets are named and left out.
pub(super) fn parse(nodes: &[Node], origin: &Origin, parsed: &mut Parsed) {
    let Parsed { slos, findings } = parsed;
    let documents: Vec<(Document, Place)> =
        nodes.iter().filter_map(|n| Some((n.read("", findings)?, n.place.clone()))).collect();
    let mut indicators = BTreeMap::new();
    for (d, place) in documents.iter().filter(|(d, _)| d.kind == "SLI") {
        match serde_json::from_value::<SliSpec>(d.spec.clone()) {
            Ok(spec) => drop(indicators.insert(d.metadata.name.clone(), spec)),
            Err(e) => findings.error(place, format!("SLI {}", d.metadata.name), e.to_string(), ""),
        }
    }
    for (d, at) in &documents {
        let path = format!("{} {}", d.kind, d.metadata.name);
        if d.api_version != "openslo/v1" {
            let message = format!("`{}` is not supported", d.api_version);
            findings.error(at, &path, message, "write `apiVersion: openslo/v1`");
            continue;
        }
        match d.kind.as_str() {
            "SLO" => slos.extend(slo(d, &indicators, origin, (at, &path), findings)),
            "SLI" => {}
            "AlertPolicy" | "AlertCondition" | "AlertNotificationTarget" => {
                findings.warning(
                    at,
                    &path,
                    "is not used: alerts are made from the objective",
                    "route them in the alert manager",
                    None,
                );
            }
            "Service" | "DataSource" => findings.info(at, &path, "is not needed", ""),
            other => findings.error(at, &path, format!("`{other}` is no kind of OpenSLO"), "write SLO or SLI"),
        }
    }
}

fn slo(
    d: &Document,
    indicators: &BTreeMap<String, SliSpec>,
    origin: &Origin,
    (at, path): (&Place, &str),
    findings: &mut Findings,
) -> Vec<Slo> {
    let spec: SloSpec = match serde_json::from_value(d.spec.clone()) {
        Ok(spec) => spec,
        Err(e) => {
            findings.error(at, path, e.to_string(), "");
            return Vec::new();
        }
    };
    if !spec.alert_policies.is_empty() {
        findings.warning(at, path, "alertPolicies are not used: alerts are made from the objective", "", None);
    }
    let sli = match (&spec.indicator, &spec.indicator_ref) {
        (Some(inline), _) => Some(&inline.spec),
        (None, Some(name)) => indicators.get(name),
        (None, None) => None,
    };
    let Some(sli) = sli else {
        findings.error(at, path, "has no indicator", "write `indicator`, or an SLI that indicatorRef names");
        return Vec::new();
    };
    if spec.objectives.is_empty() {
        findings.error(at, path, "has no objectives", "write at least one with `target` or `targetPercent`");
    }
    let several = spec.objectives.len() > 1;
    let mut slos = Vec::new();
    for (i, objective) in spec.objectives.iter().enumerate() {
        let id = if several { format!("{}-{}", d.metadata.name, i + 1) } else { d.metadata.name.clone() };
        match one(d, &spec, sli, objective, id, origin) {
            Ok(slo) => slos.push(slo),
            Err(e) => findings.error(at, format!("{path} objectives[{i}]"), e, ""),
        }
    }
    slos
}

fn one(
    d: &Document,
    spec: &SloSpec,
    sli: &SliSpec,
    objective: &Objective,
    id: String,
    origin: &Origin,
) -> Result<Slo, String> {
    check_id(&id)?;
    let promised = match (objective.target, objective.target_percent) {
        (Some(t), None) => Share::Number(t),
        (None, Some(p)) => Share::Text(format!("{p}%")),
        _ => return Err("write either target or targetPercent".to_owned()),
    };
    let [window] = spec.time_window.as_slice() else { return Err("timeWindow must have exactly one entry".to_owned()) };
    let method = match spec.budgeting_method.as_str() {
        "" | "Occurrences" => Method::Events,
        "Timeslices" | "RatioTimeslices" => {
            let target = objective.time_slice_target.ok_or("timeSliceTarget is missing")?;
            time_slices(slice(objective.time_slice_window.as_ref())?, Share::Number(target).ratio()?, EmptySlice::Good)?
        }
        other => {
            return Err(format!("budgetingMethod `{other}` is not one of Occurrences, Timeslices, RatioTimeslices"));
        }
    };
    let labels = d.metadata.labels.iter().filter_map(|(k, v)| Some((k.clone(), v.as_str()?.to_owned())));
    Ok(Slo {
        title: objective.display_name.clone().or(d.metadata.display_name.clone()).unwrap_or_else(|| id.clone()),
        id,
        description: spec.description.clone(),
        service: spec.service.clone(),
        objective: promised.ratio()?,
        window: time_window(window)?,
        method,
        indicator: Some(indicator(sli, objective)?),
        group_by: Vec::new(),
        labels: labels.collect(),
        alerting: Alerting::default(),
        origin: origin.clone(),
        written: None,
    })
}

fn slice(window: Option<&Value>) -> Result<Duration, String> {
    match window {
        Some(Value::String(text)) => parse_duration(text).map_err(|e| e.to_string()),
        // A number is of minutes.
        Some(Value::Number(n)) => Ok(Duration::from_secs(n.as_u64().unwrap_or(0).saturating_mul(60))),
        _ => Err("timeSliceWindow is missing; write `1m` or `5m`".to_owned()),
    }
}

fn time_window(window: &TimeWindow) -> Result<Window, String> {
    let text = window.duration.trim();
    let Some(calendar) = &window.calendar else {
        if !window.is_rolling {
            return Err("timeWindow: write `isRolling: true`, or a calendar".to_owned());
        }
        // OpenSLO writes a month as `1M`.
        let months = text.strip_suffix('M').and_then(|n| n.parse::<u64>().ok());
        let length = match months {
            Some(n) => Duration::from_secs(n.saturating_mul(30 * 86_400)),
            None => parse_duration(text).map_err(|e| e.to_string())?,
        };
        return Window::rolling(length);
    };
    let unit = match text {
        "1d" => Calendar::Day,
        "1w" => Calendar::Week,
        "1M" => Calendar::Month,
        "1Q" => Calendar::Quarter,
        "1Y" | "1y" => Calendar::Year,
        other => return Err(format!("timeWindow: `{other}` is no period of a calendar; write 1d, 1w, 1M, 1Q or 1Y")),
    };
    Ok(Window::Calendar(unit, time_zone(calendar.time_zone.as_deref().unwrap_or("UTC"))?))
}

fn indicator(sli: &SliSpec, objective: &Objective) -> Result<Indicator, String> {
    if let Some(ratio) = &sli.ratio_metric {
        let total = selectors(ratio.total.as_ref().ok_or("ratioMetric has no total")?)?;
        let counted = match (&ratio.good, &ratio.bad) {
            (Some(good), None) => Counted::Good(selectors(good)?),
            (None, Some(bad)) => Counted::Bad(selectors(bad)?),
            _ => return Err("ratioMetric: write either good or bad".to_owned()),
        };
        return Ok(Indicator::Counters { counted, total });
    }
    let Some(threshold) = &sli.threshold_metric else {
        return Err("the indicator has neither ratioMetric nor thresholdMetric".to_owned());
    };
    if !matches!(objective.op.as_deref(), Some("lte" | "lt")) {
        return Err("thresholdMetric: `op` must be lte or lt: the histogram counts what is below".to_owned());
    }
    let limit = objective.value.ok_or("thresholdMetric: the objective has no value")?;
    let selectors = selectors(threshold)?;
    let [histogram] = selectors.as_slice() else {
        return Err("thresholdMetric: write the name of one histogram".to_owned());
    };
    let threshold = config::threshold(&Share::Number(limit), histogram.name())?;
    Ok(Indicator::Latency(Latency { histogram: histogram.clone(), threshold }))
}

fn selectors(source: &MetricSource) -> Result<Vec<Selector>, String> {
    let MetricSpec { kind, spec } = &source.metric_source;
    let kind = kind.as_deref().unwrap_or("Prometheus");
    if !kind.eq_ignore_ascii_case("prometheus") {
        return Err(format!("metricSource `{kind}` is not supported; there is Prometheus"));
    }
    let query = spec.get("query").or_else(|| spec.get("promql")).and_then(Value::as_str);
    let query = query.ok_or("metricSource: spec.query is missing")?;
    // Files for generators leave the window open.
    let query = query.replace("{{.window}}", "5m").replace("{{ .window }}", "5m").replace("$window", "5m");
    Selector::summed(&query)
}
