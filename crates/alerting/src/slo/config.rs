//! Text -> [`Raw`] -> [`Slo`]: our own form, the `error_budgets` of a file that gives promises only, and OpenSLO.

use std::collections::BTreeMap;
use std::time::Duration;

use foundation::units::parse_duration;
use model::Signal;
use serde::Deserialize;
use yaml::{Findings, Node, Place, Severity, nearest};

use super::selector::Selector;
use super::spec::{Alerting, Counted, EmptySlice, Events, Indicator, Latency, Method, Origin, Slo};
use super::window::Window;
use super::{budgets_file, openslo};

/// Objectives of one file.
const SLOS_MAX: usize = 1_000;
/// Characters of an id: it is part of file names and labels.
const ID_MAX: usize = 64;

/// A file that was read: what can be used of it, and what is to be said.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Parsed {
    /// The valid ones, sorted by id.
    pub slos: Vec<Slo>,
    /// What is wrong, and how lines were understood.
    pub findings: Findings,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawSlo {
    title: Option<String>,
    description: String,
    service: String,
    objective: Option<Share>,
    window: Option<String>,
    time_zone: Option<String>,
    group_by: Vec<String>,
    slices: Option<RawSlices>,
    indicator: Option<RawIndicator>,
    labels: BTreeMap<String, String>,
    alerts: RawAlerts,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSlices {
    length: String,
    target: Share,
    #[serde(default)]
    empty: Option<String>,
}

/// One of its parts is given.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawIndicator {
    ratio: Option<RawRatio>,
    latency: Option<RawLatency>,
    up: Option<OneOrMany>,
    events: Option<RawEvents>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRatio {
    good: Option<OneOrMany>,
    bad: Option<OneOrMany>,
    total: OneOrMany,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawLatency {
    histogram: String,
    threshold: Share,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawEvents {
    signal: String,
    total: String,
    good: Option<String>,
    bad: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawAlerts {
    enabled: Option<bool>,
    bad_events_min: Option<f64>,
    no_data: Option<bool>,
    labels: BTreeMap<String, String>,
    annotations: BTreeMap<String, String>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl OneOrMany {
    fn texts(&self) -> &[String] {
        match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::Many(many) => many,
        }
    }
}

/// A number, or a text with a unit.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub(super) enum Share {
    Number(f64),
    Text(String),
}

impl Share {
    /// `99.9%` or `0.999`; more than nothing and less than everything.
    pub(super) fn ratio(&self) -> Result<f64, String> {
        let (text, ratio) = match self {
            Self::Number(n) => (n.to_string(), Some(*n)),
            Self::Text(text) => (text.clone(), ratio_of(text)),
        };
        ratio.filter(|r| *r > 0.0 && *r < 1.0).ok_or_else(|| {
            format!("`{text}` is not a share between 0% and 100%, both excluded; write `99.9%` or `0.999`")
        })
    }
}

/// `99.9%` or `0.999`. Percents are divided as decimals, so that 99.9% is the same as 0.999.
pub(super) fn ratio_of(text: &str) -> Option<f64> {
    let text = text.trim();
    match text.strip_suffix('%') {
        Some(percent) => format!("{}e-2", percent.trim()).parse().ok(),
        None => text.parse().ok(),
    }
}

/// Reads the objectives of `text`.
pub fn parse(text: &str, origin: &Origin) -> Parsed {
    documents(text, |documents, parsed| {
        if documents.iter().any(|d| d.get("apiVersion").is_some()) {
            openslo::parse(documents, origin, parsed);
        } else {
            documents.iter().for_each(|d| sections(d, origin, parsed));
        }
    })
}

fn documents(text: &str, read: impl FnOnce(&[Node], &mut Parsed)) -> Parsed {
    let mut parsed = Parsed::default();
    match yaml::parse_all("", text) {
        Ok(documents) => read(&documents, &mut parsed),
        Err(e) => parsed.findings.error(&e.place, "", e.message, ""),
    }
    parsed.slos.sort_by(|a, b| a.id.cmp(&b.id));
    if let Some(twice) = parsed.slos.windows(2).find(|w| w[0].id == w[1].id).map(|w| w[0].id.clone()) {
        parsed.findings.error(&Place::default(), "slos", format!("`{twice}` is there twice"), "give each its own name");
        parsed.slos.dedup_by(|a, b| a.id == b.id);
    }
    if parsed.slos.len() > SLOS_MAX {
        let message = format!("{} objectives, of which the first {SLOS_MAX} are used", parsed.slos.len());
        parsed.findings.error(&Place::default(), "slos", message, "split them over several servers");
        parsed.slos.truncate(SLOS_MAX);
    }
    parsed
}

fn sections(document: &Node, origin: &Origin, parsed: &mut Parsed) {
    for (key, section) in document.entries() {
        let read: fn(&Entry<'_>, &mut Findings) -> Option<Slo> = match key.text.as_str() {
            "slos" => objective,
            "error_budgets" => budgets_file::objective,
            other => {
                let known = ["slos", "error_budgets"];
                let near = nearest(other, known).unwrap_or("slos` or `error_budgets");
                parsed.findings.error(&key.place, "", format!("unknown section `{other}`"), format!("write `{near}`"));
                continue;
            }
        };
        for (id, node) in section.entries() {
            let entry =
                Entry { id: &id.text, path: format!("{}.{}", key.text, id.text), place: &id.place, node, origin };
            parsed.slos.extend(read(&entry, &mut parsed.findings));
        }
    }
}

/// One entry of a section.
pub(super) struct Entry<'a> {
    pub id: &'a str,
    pub path: String,
    /// Of the id.
    pub place: &'a Place,
    pub node: &'a Node,
    pub origin: &'a Origin,
}

impl Entry<'_> {
    /// Where a field is, or where it is missing.
    pub(super) fn place(&self, field: &str) -> &Place {
        self.node.get(field).map_or(self.place, |n| &n.place)
    }

    pub(super) fn path(&self, field: &str) -> String {
        format!("{}.{field}", self.path)
    }

    /// The value, or its error noted.
    pub(super) fn take<T>(&self, field: &str, result: Result<T, String>, findings: &mut Findings) -> Option<T> {
        result.map_err(|e| findings.error(self.place(field), self.path(field), e, "")).ok()
    }

    pub(super) fn missing<T>(&self, field: &str, remedy: &str, findings: &mut Findings) -> Option<T> {
        findings.error(self.place, self.path(field), "is missing", remedy);
        None
    }
}

/// Whether `id` can name an objective.
pub(super) fn check_id(id: &str) -> Result<(), String> {
    let valid =
        !id.is_empty() && id.len() <= ID_MAX && id.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    if valid {
        return Ok(());
    }
    Err(format!("`{id}` cannot name an objective; use up to {ID_MAX} letters, digits, `-` and `_`"))
}

fn objective(entry: &Entry<'_>, findings: &mut Findings) -> Option<Slo> {
    let before = findings.iter().count();
    let raw: RawSlo = entry.node.read(&entry.path, findings)?;
    if let Err(e) = check_id(entry.id) {
        findings.error(entry.place, &entry.path, e, "");
    }
    let promised = match &raw.objective {
        Some(o) => entry.take("objective", o.ratio(), findings),
        None => entry.missing("objective", "write the promise, such as `objective: 99.9%`", findings),
    };
    let window = match &raw.window {
        Some(w) => entry.take("window", Window::parse(w, raw.time_zone.as_deref()), findings),
        None => entry.missing("window", "write a length such as `window: 30d`, or `month`", findings),
    };
    let method = match &raw.slices {
        Some(s) => entry.take("slices", slices(s), findings),
        None => Some(Method::Events),
    };
    let indicator = match &raw.indicator {
        Some(i) => entry.take("indicator", indicator(i), findings),
        None => entry.missing("indicator", "write one of ratio, latency, up and events", findings),
    };
    if raw.group_by.iter().any(String::is_empty) {
        findings.error(entry.place("group_by"), entry.path("group_by"), "an empty text is no label", "");
    }
    if findings.iter().skip(before).any(|f| f.severity == Severity::Error) {
        return None;
    }
    let default = Alerting::default();
    Some(Slo {
        id: entry.id.to_owned(),
        title: raw.title.unwrap_or_else(|| title_of(entry.id)),
        description: raw.description,
        service: raw.service,
        objective: promised?,
        window: window?,
        method: method?,
        indicator: Some(indicator?),
        group_by: raw.group_by,
        labels: raw.labels,
        alerting: Alerting {
            enabled: raw.alerts.enabled.unwrap_or(default.enabled),
            bad_events_min: raw.alerts.bad_events_min.unwrap_or(default.bad_events_min),
            no_data: raw.alerts.no_data.unwrap_or(default.no_data),
            labels: raw.alerts.labels,
            annotations: raw.alerts.annotations,
        },
        origin: entry.origin.clone(),
        written: None,
    })
}

/// `api_availability` -> `Api availability`.
pub(super) fn title_of(id: &str) -> String {
    let words = id.replace(['_', '-'], " ");
    let mut chars = words.chars();
    chars.next().map(|c| c.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

fn slices(raw: &RawSlices) -> Result<Method, String> {
    let slice = parse_duration(&raw.length).map_err(|e| e.to_string())?;
    let empty = match raw.empty.as_deref() {
        None | Some("good") => EmptySlice::Good,
        Some("excluded") => EmptySlice::Excluded,
        Some(other) => return Err(format!("empty: `{other}` is neither `good` nor `excluded`")),
    };
    time_slices(slice, raw.target.ratio()?, empty)
}

pub(super) fn time_slices(slice: Duration, target: f64, empty: EmptySlice) -> Result<Method, String> {
    let minutes = slice.as_secs() / 60;
    if minutes == 0 || minutes > 60 || !slice.as_secs().is_multiple_of(60) || 60 % minutes != 0 {
        return Err("a slice has 1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30 or 60 minutes".to_owned());
    }
    Ok(Method::TimeSlices { slice, target, empty })
}

/// Reads the part that is given.
pub(super) fn indicator(raw: &RawIndicator) -> Result<Indicator, String> {
    match raw {
        RawIndicator { ratio: Some(r), latency: None, up: None, events: None } => Ok(Indicator::Counters {
            counted: counted(r.good.as_ref().map(selectors), r.bad.as_ref().map(selectors))?,
            total: selectors(&r.total)?,
        }),
        RawIndicator { ratio: None, latency: Some(l), up: None, events: None } => {
            let histogram = Selector::parse(&l.histogram)?;
            if histogram.name().ends_with("_bucket") {
                return Err(format!("`{}` is one bucket; write the histogram without `_bucket`", l.histogram));
            }
            let threshold = threshold(&l.threshold, histogram.name())?;
            Ok(Indicator::Latency(Latency { histogram, threshold }))
        }
        RawIndicator { ratio: None, latency: None, up: Some(up), events: None } => Ok(Indicator::Up(selectors(up)?)),
        RawIndicator { ratio: None, latency: None, up: None, events: Some(e) } => {
            let signal = match e.signal.as_str() {
                "traces" => Signal::Traces,
                "logs" => Signal::Logs,
                other => return Err(format!("events.signal: `{other}` is neither `traces` nor `logs`")),
            };
            let counted = counted(e.good.clone().map(Ok), e.bad.clone().map(Ok))?;
            Ok(Indicator::Events(Events { signal, counted, total: e.total.clone() }))
        }
        _ => Err("write exactly one of ratio, latency, up and events".to_owned()),
    }
}

fn counted<T>(good: Option<Result<T, String>>, bad: Option<Result<T, String>>) -> Result<Counted<T>, String> {
    match (good, bad) {
        (Some(good), None) => good.map(Counted::Good),
        (None, Some(bad)) => bad.map(Counted::Bad),
        _ => Err("write either good or bad; the other is the rest of total".to_owned()),
    }
}

fn selectors(raw: &OneOrMany) -> Result<Vec<Selector>, String> {
    match raw.texts() {
        [] => Err("the list is empty; write at least one selector".to_owned()),
        texts => texts.iter().map(|t| Selector::parse(t)).collect(),
    }
}

/// A threshold in the unit that the name of the histogram ends with.
pub(super) fn threshold(raw: &Share, histogram: &str) -> Result<f64, String> {
    let value = match raw {
        Share::Number(n) => *n,
        Share::Text(text) => in_unit_of(histogram, parse_duration(text).map_err(|e| e.to_string())?),
    };
    if value > 0.0 && value.is_finite() {
        return Ok(value);
    }
    Err("a threshold is a duration above zero such as `500ms`, or a number in the unit of the histogram".to_owned())
}

pub(super) fn in_unit_of(histogram: &str, d: Duration) -> f64 {
    let millis = ["_milliseconds", "_ms", "_millis"].iter().any(|end| histogram.ends_with(end));
    if millis { d.as_secs_f64() * 1_000.0 } else { d.as_secs_f64() }
}

#[cfg(test)]
mod tests;
