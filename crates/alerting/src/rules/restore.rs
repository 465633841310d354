//! Alerts go on after a restart: since when they are active is read back from `ALERTS_FOR_STATE`.
//!
//! As Prometheus's `Group.RestoreForState`: an outage longer than the tolerance begins anew; the time of the outage does not
//! count as time in which the condition held; nothing fires sooner than the grace period after the restart, unless it fired before.

use std::time::Duration;

use foundation::UnixNanos;
use model::Labels;
use model::labels::NAME;
use rustc_hash::FxHashMap;

use super::doors::Newest;
use super::group::{ALERTS_FOR_STATE, RuleRun, Surroundings};
use super::spec::Past;
use crate::alert::ALERTNAME;

/// Restores the alerts of one rule that are active at `now`. Once this was tried, its series are written.
pub(super) fn restore(rule: &mut RuleRun, now: UnixNanos, s: &Surroundings) {
    let Some(alerting) = rule.spec.alerting.as_ref().filter(|_| !rule.restored) else {
        rule.restored = true;
        return;
    };
    rule.restored = true;
    let longest = alerting.levels.iter().filter_map(|l| l.hold).max().unwrap_or_default().max(alerting.hold);
    if longest < s.options.grace_period || rule.instances.iter().next().is_none() {
        // It would fire after its own time, which is shorter than the grace period.
        return;
    }
    let from = now.minus(s.options.outage_tolerance);
    let found = match s.query.newest(ALERTS_FOR_STATE, &[(ALERTNAME, &rule.spec.name)], from, now) {
        Ok(found) => found,
        Err(e) => {
            tracing::error!(rule = rule.spec.name, error = %e, "cannot read when alerts became active; they begin anew");
            return;
        }
    };
    let known: FxHashMap<Labels, Newest> = found.into_iter().map(|n| (without_name(&n.labels), n)).collect();
    for instance in rule.instances.iter_mut() {
        let Some(before) = known.get(&instance.labels).filter(|n| n.value.to_bits() != model::STALE_NAN_BITS) else {
            continue;
        };
        instance.active_at = active_at(before, now, alerting.hold, s.options.grace_period);
    }
}

/// Evaluations of the past that say what a rule would remember.
const RECALLED_MAX: u32 = 240;

/// Before the first evaluation after a start: what a rule remembers of its results (levels that recover later than they begin, data
/// that came and may be missing) follows from the past of its expression.
pub(super) fn recall(rule: &mut RuleRun, at: UnixNanos, interval: Duration, s: &Surroundings) {
    let Some(alerting) = &rule.spec.alerting else { return };
    let recovers = alerting.levels.iter().any(|l| l.recovery != l.threshold);
    let levels = recovers.then(|| (interval * RECALLED_MAX).min(s.options.outage_tolerance));
    let absent = alerting.absent.as_ref().map(|a| a.forget);
    for length in levels.into_iter().chain(absent) {
        let step = interval.max(length / RECALLED_MAX);
        // The newest evaluation is the one that follows.
        let past = Past { from: at.minus(length), to: at.minus(step), step };
        match s.query.range(&rule.spec.expression, past) {
            Ok(answer) => rule.elements.recall(alerting, past, &answer.series),
            Err(e) => {
                tracing::warn!(rule = rule.spec.name, error = %e, "cannot read what the rule's results were; it remembers nothing");
            }
        }
    }
}

fn without_name(labels: &Labels) -> Labels {
    let mut labels = labels.clone();
    labels.retain(|name, _| name != NAME);
    labels
}

/// Since when the alert counts as active.
fn active_at(before: &Newest, now: UnixNanos, hold: Duration, grace: Duration) -> UnixNanos {
    let (hold, grace) = (hold.as_nanos() as i64, grace.as_nanos() as i64);
    let was = UnixNanos::from_secs(before.value as i64);
    let waited = before.at.0.saturating_sub(was.0);
    let remaining = hold.saturating_sub(waited);
    if remaining <= 0 {
        // It fired when the server went down, and does so again.
        was
    } else if remaining < grace {
        UnixNanos(now.0.saturating_add(grace).saturating_sub(hold))
    } else {
        let down = now.0.saturating_sub(before.at.0);
        UnixNanos(was.0.saturating_add(down))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_outage_does_not_count_and_the_grace_period_does() {
        let minutes = |m: i64| UnixNanos::from_secs(m * 60);
        let of = |active: i64, down: i64, now: i64, hold: u64| {
            let labels = Labels::default();
            let before = Newest { labels, at: minutes(down), value: (active * 60) as f64 };
            let at = active_at(&before, minutes(now), Duration::from_secs(hold * 60), Duration::from_secs(600));
            at.0 / 60_000_000_000
        };
        assert_eq!(of(0, 30, 50, 30), 0, "it fired");
        assert_eq!(of(0, 25, 50, 30), 30, "5 minutes were left: it fires 10 minutes after the restart");
        assert_eq!(of(0, 10, 50, 60), 40, "50 minutes are left, as before");
    }
}
