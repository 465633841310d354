//! The rules that watch a budget, as a group of a Prometheus rule file over the series of [`super::series`].
//!
//! They go the way of every other rule: states, routes, silences and timeline are the same.

use std::collections::BTreeMap;
use std::time::Duration;

use foundation::units::format_duration;
use serde::Serialize;

use super::burn::{Tier, Urgency, percent, tiers};
use super::series::{SILENCE, bad_name, ratio_name, sloth_id};
use super::spec::Slo;

/// Not sooner than this is silence told: a restart is no silence.
const SILENCE_MIN: Duration = Duration::from_secs(10 * 60);
/// The part of the budget that would be gone if nothing at all had worked meanwhile.
const SILENCE_SHARE: f64 = 0.01;

#[derive(Serialize)]
struct File {
    groups: [Group; 1],
}

#[derive(Serialize)]
struct Group {
    name: String,
    interval: &'static str,
    rules: Vec<Rule>,
}

#[derive(Serialize)]
struct Rule {
    alert: String,
    expr: String,
    labels: BTreeMap<String, String>,
    annotations: BTreeMap<String, String>,
}

/// A rule file for one objective; none when nobody is to be told, or nothing is counted.
pub fn rule_group(slo: &Slo) -> Option<String> {
    if !slo.alerting.enabled || slo.indicator.is_none() {
        return None;
    }
    let (tiers, _) = tiers(slo.window.period(), slo.objective);
    let of = |urgency| tiers.iter().filter(move |t| t.urgency == urgency).copied().collect::<Vec<_>>();
    let mut rules: Vec<Rule> =
        [Urgency::Page, Urgency::Ticket].into_iter().filter_map(|s| burning(slo, s, &of(s))).collect();
    if slo.alerting.no_data {
        rules.push(silent(slo));
    }
    let group = Group { name: format!("slo-{}", slo.id), interval: "1m", rules };
    serde_saphyr::to_string(&File { groups: [group] }).ok()
}

fn burning(slo: &Slo, urgency: Urgency, tiers: &[Tier]) -> Option<Rule> {
    let id = selector(slo);
    let pair = |t: &Tier| {
        let above = format!("({} * {})", t.factor, rounded(slo.budget()));
        format!(
            "(\n  {long}{id} > {above}\n  and ignoring (sloth_window) {short}{id} > {above}\n  and ignoring (sloth_window) {bad}{id} >= {min}\n)",
            long = ratio_name(t.long),
            short = ratio_name(t.short),
            bad = bad_name(t.long),
            min = slo.alerting.bad_events_min,
        )
    };
    if tiers.is_empty() {
        return None;
    }
    let expr =
        tiers.iter().map(|t| format!("max without (sloth_window) {}", pair(t))).collect::<Vec<_>>().join("\nor\n");
    let windows: Vec<String> = tiers.iter().map(|t| format_duration(t.long)).collect();
    let (severity, how) = match urgency {
        Urgency::Page => ("critical", "fast"),
        Urgency::Ticket => ("warning", "steadily"),
    };
    let summary = format!("{}: the error budget burns {how}", slo.title);
    let description = format!(
        "{{{{ $value | humanizePercentage }}}} of events were bad over {}; {}% over {} are allowed.",
        windows.join(" or "),
        percent(slo.budget()),
        slo.window.text()
    );
    Some(rule(slo, "ErrorBudgetBurn", urgency, severity, expr, summary, description))
}

fn silent(slo: &Slo) -> Rule {
    let outage = slo.window.period().mul_f64(SILENCE_SHARE * slo.budget());
    let after = Duration::from_secs(outage.max(SILENCE_MIN).as_secs().div_ceil(60) * 60);
    let expr = format!("{SILENCE}{} > {}", selector(slo), after.as_secs() / 60);
    let summary = format!("{}: no events any more", slo.title);
    let description = format!(
        "There was no event for {{{{ $value }}}} minutes: either nothing is asked for, or it is not measured. \
         An outage of {} would use up 1% of the budget.",
        format_duration(Duration::from_secs(outage.as_secs().max(1)))
    );
    rule(slo, "NoEvents", Urgency::Ticket, "warning", expr, summary, description)
}

fn rule(
    slo: &Slo,
    kind: &str,
    urgency: Urgency,
    severity: &str,
    expr: String,
    summary: String,
    description: String,
) -> Rule {
    let mut labels = BTreeMap::from([
        ("severity".to_owned(), severity.to_owned()),
        ("sloth_severity".to_owned(), urgency.name().to_owned()),
    ]);
    if !slo.service.is_empty() {
        labels.insert("service".to_owned(), slo.service.clone());
    }
    labels.extend(slo.alerting.labels.clone());
    let mut annotations = BTreeMap::from([("summary".to_owned(), summary), ("description".to_owned(), description)]);
    annotations.extend(slo.alerting.annotations.clone());
    Rule { alert: format!("{}{kind}", camel(&slo.id)), expr, labels, annotations }
}

fn selector(slo: &Slo) -> String {
    format!("{{sloth_id=\"{}\",sloth_slo=\"{}\"}}", sloth_id(slo), slo.id)
}

/// Without the noise of 1 - 0.999.
fn rounded(ratio: f64) -> f64 {
    (ratio * 1e12).round() / 1e12
}

/// `api_latency` -> `ApiLatency`.
fn camel(id: &str) -> String {
    let word = |w: &str| {
        let mut chars = w.chars();
        chars.next().map(|c| c.to_uppercase().chain(chars).collect::<String>()).unwrap_or_default()
    };
    id.split(['_', '-']).map(word).collect()
}
