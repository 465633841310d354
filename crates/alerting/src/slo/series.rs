//! Budgets as series, with the names and labels that Sloth gives them, so that its dashboards work.

use std::time::Duration;

use foundation::units::format_duration;
use model::Labels;
use model::labels::NAME;

use super::budget::{BurnRate, Status};
use super::burn::Tier;
use super::spec::Slo;

/// Minutes since there was an event; not a name of Sloth's.
pub(super) const SILENCE: &str = "slo:no_events:minutes";

/// The windows that are written: those of the tiers, and the period.
pub(super) fn windows(slo: &Slo, tiers: &[Tier]) -> Vec<Duration> {
    let mut windows: Vec<Duration> = tiers.iter().flat_map(|t| [t.short, t.long]).collect();
    windows.push(Duration::from_secs(3_600));
    windows.push(slo.window.period());
    windows.sort_unstable();
    windows.dedup();
    windows
}

/// The name of the error ratio in a window.
pub(super) fn ratio_name(window: Duration) -> String {
    format!("slo:sli_error:ratio_rate{}", format_duration(window))
}

/// The name of the bad units in a window; not a name of Sloth's.
pub(super) fn bad_name(window: Duration) -> String {
    format!("slo:bad_events:count{}", format_duration(window))
}

/// What Sloth calls `sloth_id`.
pub(super) fn sloth_id(slo: &Slo) -> String {
    if slo.service.is_empty() { slo.id.clone() } else { format!("{}-{}", slo.service, slo.id) }
}

/// Every sample of one group at one moment.
pub(super) fn samples(slo: &Slo, group: &Labels, status: &Status) -> Vec<(Labels, f64)> {
    let mut base = Labels::from_pairs([
        ("sloth_id", sloth_id(slo).as_str()),
        ("sloth_service", &slo.service),
        ("sloth_slo", &slo.id),
    ]);
    for (name, value) in slo.labels.iter().map(|(n, v)| (n.as_str(), v.as_str())).chain(group.iter()) {
        base.set(name, value);
    }
    base.retain(|_, value| !value.is_empty());
    let named = |name: &str, window: Option<Duration>| {
        let mut labels = base.clone();
        labels.set(NAME, name);
        if let Some(window) = window {
            labels.set("sloth_window", &format_duration(window));
        }
        labels
    };
    let period = slo.window.period();
    let rate_in = |window: Duration| status.burn.iter().find(|b| b.window == window);
    let mut samples = Vec::new();
    for BurnRate { window, bad, total, .. } in &status.burn {
        // Without events there is no ratio: not a number would be read as one.
        if *total > 0.0 {
            samples.push((named(&ratio_name(*window), Some(*window)), bad / total));
        }
        samples.push((named(&bad_name(*window), Some(*window)), *bad));
    }
    let now = status.burn.first().map_or(0.0, |b| b.rate);
    samples.extend([
        (named("slo:objective:ratio", None), slo.objective),
        (named("slo:error_budget:ratio", None), slo.budget()),
        (named("slo:time_period:days", None), period.as_secs_f64() / 86_400.0),
        (named("slo:current_burn_rate:ratio", None), now),
        (named("slo:period_burn_rate:ratio", None), rate_in(period).map_or(0.0, |b| b.rate)),
        (named("slo:period_error_budget_remaining:ratio", None), status.budget.remaining),
    ]);
    if let Some(last) = status.last_event {
        let minutes = (status.at.0 - last.0) as f64 / 60e9;
        samples.push((named(SILENCE, None), minutes));
    }
    let mut info = named("sloth_slo_info", None);
    info.set("sloth_mode", "bellrock");
    info.set("sloth_objective", &super::burn::percent(slo.objective).to_string());
    info.set("sloth_spec", "bellrock/v1");
    info.set("sloth_version", env!("CARGO_PKG_VERSION"));
    samples.push((info, 1.0));
    samples
}
