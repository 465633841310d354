//! A rule over a past that is known.

use std::time::Duration;

use super::*;
use crate::rules::engine::tests::{Stage, T0};
use crate::rules::file;
use crate::rules::group::Options;

fn rule(yaml: &str) -> Rule {
    file::read(yaml).groups.remove(0).rules.remove(0)
}

#[test]
fn it_says_when_a_rule_would_have_fired() {
    let stage = Stage::new(Options::default());
    // High from minute 10 to 20 and from 30 to 33.
    stage.pass(3600, |s, t| {
        if t % 30 == 0 {
            let high = (600..1200).contains(&t) || (1800..1980).contains(&t);
            s.set("load{host=\"a\"}", if high { 9.0 } else { 1.0 });
        }
    });
    let rule = rule(
        "groups: [{name: g, rules: [{alert: Busy, expr: load > 5, for: 5m, annotations: {s: '{{ $labels.host }}'}}]}]",
    );
    let at = |s: i64| UnixNanos::from_secs(T0 + s);
    let past = Past { from: at(0), to: at(3600), step: Duration::from_secs(60) };
    let played = play(&rule, past, stage.engine.surroundings()).unwrap();
    let seconds = |t: UnixNanos| t.0 / 1_000_000_000 - T0;
    let alerts: Vec<_> = played
        .alerts
        .iter()
        .map(|a| (seconds(a.pending_at), a.fired_at.map(seconds), a.ended_at.map(seconds), a.value))
        .collect();
    assert_eq!(alerts, [(600, Some(900), Some(1200), 9.0), (1800, None, Some(1980), 9.0)]);
    assert_eq!(played.alerts[0].annotations.get("s"), "a");
    assert_eq!((played.evaluations, played.truncated), (61, false));
    assert!(stage.heard().is_empty() && stage.ask("ALERTS").is_empty(), "nothing is written, nobody is told");
}

#[test]
fn a_past_that_is_too_long_says_so() {
    let stage = Stage::new(Options::default());
    let rule = rule("groups: [{name: g, rules: [{alert: A, expr: up == 0}]}]");
    let past = Past { from: UnixNanos(0), to: UnixNanos::from_secs(1_000_000), step: Duration::from_secs(1) };
    let error = play(&rule, past, stage.engine.surroundings()).unwrap_err();
    assert_eq!(error.kind, ErrorKind::LimitExceeded);
    assert!(error.message.contains("longer step"), "{error}");
}
