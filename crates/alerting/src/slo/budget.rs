//! What is left of a budget at one moment.

use std::time::Duration;

use foundation::UnixNanos;

use super::ring::{Count, Ring};
use super::spec::Slo;
use super::window::Window;

/// The minutes of a day are enough to say how fast the budget burns now.
const BURN_WINDOW: Duration = Duration::from_secs(3_600);

/// An objective at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Status {
    /// The end of the last minute that is counted.
    pub at: UnixNanos,
    /// When the window began.
    pub since: UnixNanos,
    /// The window in whole, also where it lies ahead.
    pub length: Duration,
    /// Units in the window: events, or slices of time.
    pub total: f64,
    /// Those that were bad.
    pub bad: f64,
    /// The share of good units; undefined without any.
    pub sli: Option<f64>,
    /// What is left.
    pub budget: Budget,
    /// How many times faster than allowed, by window.
    pub burn: Vec<BurnRate>,
    /// When the budget is gone if it goes on burning as in the last hour; none when it lasts, zero when it is gone.
    pub exhausted_in: Option<Duration>,
    /// The part of the window, up to now, of which anything is known, from 0 to 1.
    pub coverage: f64,
    /// When there was an event for the last time.
    pub last_event: Option<UnixNanos>,
}

/// What is left of a budget.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Budget {
    /// The share of bad units that is allowed.
    pub allowed: f64,
    /// What is left of it: 1 is all, 0 none, below 0 more than all was spent.
    pub remaining: f64,
    /// What is left in units, of what there was in the window.
    pub remaining_units: f64,
    /// What is left as time of a complete outage.
    pub remaining_time_secs: f64,
}

/// How fast a budget burns.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BurnRate {
    /// The last so many minutes.
    pub window: Duration,
    /// 1 uses up the budget exactly at the end of the period; without events nothing burns.
    pub rate: f64,
    /// Bad units in the window.
    pub bad: f64,
    /// Units in the window.
    pub total: f64,
}

/// The minute that contains `at`.
pub fn minute_of(at: UnixNanos) -> i64 {
    at.0.div_euclid(60_000_000_000)
}

/// When a minute begins.
pub fn start_of(minute: i64) -> UnixNanos {
    UnixNanos(minute.saturating_mul(60_000_000_000))
}

/// The window whose last minute is the one before `end`: at the stroke of a new period the old one is still shown.
pub(super) fn window_ending(slo: &Slo, end: i64) -> (UnixNanos, Duration) {
    match &slo.window {
        Window::Rolling(length) => (start_of(end).minus(*length), *length),
        calendar @ Window::Calendar(..) => calendar.at(UnixNanos(start_of(end).0 - 1)),
    }
}

fn minutes(d: Duration) -> i64 {
    (d.as_secs() / 60) as i64
}

/// The status at the end of what `ring` knows, with the burn rates of `windows`.
pub(super) fn status(slo: &Slo, ring: &Ring, known_from: i64, windows: &[Duration]) -> Status {
    let end = ring.end();
    let at = start_of(end);
    let (since, length) = window_ending(slo, end);
    let from = minute_of(since);
    let count = ring.count(from, end);
    let allowed = slo.budget();
    let spent = spent(count, allowed);
    let burn: Vec<BurnRate> = windows.iter().map(|w| burn_rate(ring, *w, allowed)).collect();
    let elapsed = (end - from).max(1) as f64;
    Status {
        at,
        since,
        length,
        total: count.total,
        bad: count.bad(),
        sli: (count.total > 0.0).then(|| count.good / count.total),
        budget: Budget {
            allowed,
            remaining: 1.0 - spent,
            remaining_units: count.total * allowed - count.bad(),
            remaining_time_secs: (1.0 - spent) * allowed * length.as_secs_f64(),
        },
        exhausted_in: exhausted_in(1.0 - spent, burn_rate(ring, BURN_WINDOW, allowed).rate, length),
        burn,
        coverage: ((end - known_from.max(from)).max(0) as f64 / elapsed).min(1.0),
        last_event: ring.last_event(end).map(|m| start_of(m + 1)),
    }
}

/// The share of the budget that is gone. Without events nothing is.
pub(super) fn spent(count: Count, allowed: f64) -> f64 {
    if count.total > 0.0 { count.bad() / count.total / allowed } else { 0.0 }
}

pub(super) fn burn_rate(ring: &Ring, window: Duration, allowed: f64) -> BurnRate {
    let count = ring.count(ring.end() - minutes(window), ring.end());
    BurnRate { window, rate: spent(count, allowed), bad: count.bad(), total: count.total }
}

fn exhausted_in(remaining: f64, burn: f64, length: Duration) -> Option<Duration> {
    if remaining <= 0.0 {
        return Some(Duration::ZERO);
    }
    // A rolling budget that burns at 1 or less never ends: as much comes back.
    if burn <= 1.0 {
        return None;
    }
    Duration::try_from_secs_f64(remaining * length.as_secs_f64() / burn).ok()
}
