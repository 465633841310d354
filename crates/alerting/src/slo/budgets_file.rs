//! `error_budgets`: promises in words, such as `95th_percentile < 500ms`, and what may be spent.
//!
//! Such a file does not say what is counted. An objective without an indicator is shown with proposals from the metrics
//! that are there, and counts once one of them is confirmed, or once the file says `indicator`.

use std::time::Duration;

use foundation::units::parse_duration;
use serde::Deserialize;
use yaml::{Findings, Severity};

use super::burn::percent;
use super::config::{self, Entry, RawIndicator, Share, check_id, ratio_of, title_of};
use super::spec::{Alerting, EmptySlice, Method, Slo};
use super::window::Window;

/// How far budget and promise may be apart: noise of decimals.
const TOLERANCE: f64 = 1e-9;
/// Slices of a budget that is no share of events.
const SLICE: Duration = Duration::from_secs(300);

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawBudget {
    slo: Option<String>,
    window: Option<String>,
    budget: Option<Share>,
    service: String,
    indicator: Option<RawIndicator>,
}

/// What a line promises.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Promise {
    /// `99.9%`: of all events are good.
    Share(f64),
    /// `95th_percentile < 500ms`.
    Quantile(f64, Duration),
    /// `99% within 2s`.
    Within(f64, Duration),
}

/// Reads the words of a promise.
pub(super) fn promise(text: &str) -> Result<Promise, String> {
    let bad =
        || format!("`{text}` is no promise that is known; write `99.9%`, `95th_percentile < 500ms` or `99% within 2s`");
    let share = |t: &str| ratio_of(t).filter(|r| *r > 0.0 && *r < 1.0).ok_or_else(bad);
    let limit = |t: &str| parse_duration(t.trim_start_matches('=')).map_err(|_| bad());
    if let Some((left, right)) = text.split_once('<') {
        return Ok(Promise::Quantile(quantile(left.trim()).ok_or_else(bad)?, limit(right.trim())?));
    }
    if let Some((left, right)) = text.split_once("within") {
        return Ok(Promise::Within(share(left)?, limit(right.trim())?));
    }
    if text.trim().ends_with('%') { share(text).map(Promise::Share) } else { Err(bad()) }
}

/// `95th_percentile`, `99.9th percentile` or `p95`.
fn quantile(text: &str) -> Option<f64> {
    let digits = match text.strip_prefix(['p', 'P']) {
        Some(rest) if !rest.starts_with("ercentile") => rest,
        _ => {
            let (number, rest) = text.split_at(text.find(|c: char| !c.is_ascii_digit() && c != '.')?);
            let rest = rest.trim_start_matches(['t', 'h', 's', 'n', 'd', 'r']).trim_start_matches([' ', '_', '-']);
            (rest == "percentile").then_some(number)?
        }
    };
    ratio_of(&format!("{digits}%")).filter(|q| *q > 0.0 && *q < 1.0)
}

pub(super) fn objective(entry: &Entry<'_>, findings: &mut Findings) -> Option<Slo> {
    let before = findings.iter().count();
    let raw: RawBudget = entry.node.read(&entry.path, findings)?;
    if let Err(e) = check_id(entry.id) {
        findings.error(entry.place, &entry.path, e, "");
    }
    let promised = match &raw.slo {
        Some(text) => entry.take("slo", promise(text), findings),
        None => entry.missing("slo", "write the promise, such as `slo: 99.9%`", findings),
    };
    let window = match &raw.window {
        Some(w) => entry.take("window", Window::parse(w, None), findings),
        None => entry.missing("window", "write a length such as `window: 30d`", findings),
    };
    let budget = raw.budget.as_ref().and_then(|b| entry.take("budget", b.ratio(), findings));
    let indicator = raw.indicator.as_ref().and_then(|i| entry.take("indicator", config::indicator(i), findings));
    let (objective, method) = promised.and_then(|p| reading(p, budget, entry, findings))?;
    if findings.iter().skip(before).any(|f| f.severity == Severity::Error) {
        return None;
    }
    if indicator.is_none() {
        let remedy = "confirm one of the proposals on the page of the objective, or add `indicator`";
        findings.warning(entry.place, &entry.path, "does not say what is counted", remedy, None);
    }
    Some(Slo {
        id: entry.id.to_owned(),
        title: title_of(entry.id),
        description: String::new(),
        service: raw.service,
        objective,
        window: window?,
        method,
        indicator,
        group_by: Vec::new(),
        labels: Default::default(),
        alerting: Alerting::default(),
        origin: entry.origin.clone(),
        written: raw.slo,
    })
}

/// What promise and budget mean together.
fn reading(promise: Promise, budget: Option<f64>, entry: &Entry<'_>, findings: &mut Findings) -> Option<(f64, Method)> {
    let (Promise::Share(share) | Promise::Quantile(share, _) | Promise::Within(share, _)) = promise;
    let Some(budget) = budget else { return Some((share, Method::Events)) };
    if (budget - (1.0 - share)).abs() <= TOLERANCE {
        return Some((share, Method::Events));
    }
    let (place, path, rest) = (entry.place("budget"), entry.path("budget"), percent(1.0 - share));
    if let Promise::Quantile(..) = promise {
        let message = format!(
            "{}% is not what {}% leaves: read as the share of five-minute slices that may miss it",
            percent(budget),
            percent(share)
        );
        findings.info(place, &path, message, format!("write {rest}% to count events"));
        let slices = Method::TimeSlices { slice: SLICE, target: share, empty: EmptySlice::Good };
        return Some((1.0 - budget, slices));
    }
    let message = format!("{}% does not fit the promise of {}%", percent(budget), percent(share));
    findings.error(place, &path, message, format!("write {rest}%, or change the promise"));
    None
}
