//! The specification for generators of alerts, rule by rule, on a clock that the test moves.
//!
//! Source: prometheus/compliance, `alert_generator/specification.md`, of which each test names the part. Where Prometheus's code says
//! otherwise than the text, the code counts: the end of a firing alert is counted from the evaluation.

use std::collections::BTreeMap;
use std::time::Duration;

use foundation::UnixNanos;

use super::tests::{Stage, T0};
use crate::alert::Alert;
use crate::rules::group::Options;

const INTERVAL: u64 = 30;
const RESEND_S: i64 = 60;

fn stage(rules: &str) -> Stage {
    let stage = Stage::new(Options { interval: Duration::from_secs(15), ..Options::default() });
    stage.load(&format!("groups: [{{name: g, interval: {INTERVAL}s, rules: [{rules}]}}]"));
    stage
}

fn seconds(t: UnixNanos) -> f64 {
    (t.0 - T0 * 1_000_000_000) as f64 / 1e9
}

/// Plays a series of values, one per second.
fn play(stage: &Stage, seconds: u64, series: &str, value: impl Fn(i64) -> Option<f64>) {
    stage.pass(seconds, |s, t| {
        if let Some(value) = value(t) {
            s.set(series, value);
        }
    });
}

/// Alerts that were sent, by whether they were resolved, with the times of sending.
fn split(stage: &Stage) -> (Vec<(f64, Alert)>, Vec<(f64, Alert)>) {
    let all = stage.heard_at().into_iter().map(|(at, a)| (seconds(at), a));
    all.partition(|(at, a)| seconds(a.ends_at) > *at)
}

#[test]
fn executing_an_alerting_rule_evaluates_at_the_interval_and_holds_for_the_duration() {
    let stage = stage("{alert: A, expr: m > 0, for: 2m}");
    let begins = |t: i64| Some(if (100..400).contains(&t) { 1.0 } else { 0.0 });
    play(&stage, 600, "m", begins);
    let (firing, resolved) = split(&stage);
    let first = &firing[0];
    // Pending at the first evaluation after 100 s, firing at the first one that is 2 minutes after that.
    assert!((220.0..250.0).contains(&first.0), "{first:?}");
    assert!((400.0..430.0).contains(&resolved[0].0), "{resolved:?}");
    let evaluations = stage.engine.groups()[0].iterations;
    assert_eq!(evaluations, 600 / INTERVAL, "one per interval");
}

#[test]
fn alerts_are_sent_when_they_change_and_again_after_the_resend_delay() {
    let stage = stage("{alert: A, expr: m > 0}");
    play(&stage, 600, "m", |t| Some(if t < 400 { 1.0 } else { 0.0 }));
    let (firing, resolved) = split(&stage);
    // At intervals of 30 s, the first that is more than a minute later is 90 s later.
    let gaps = |sent: &[(f64, Alert)]| sent.windows(2).map(|w| (w[1].0 - w[0].0).round() as i64).collect::<Vec<_>>();
    assert!(gaps(&firing).iter().all(|g| *g == RESEND_S + INTERVAL as i64), "{:?}", gaps(&firing));
    assert!(gaps(&resolved).iter().all(|g| *g == RESEND_S + INTERVAL as i64), "{:?}", gaps(&resolved));
    assert!(!resolved.is_empty());
    for (at, alert) in &firing {
        let until = seconds(alert.ends_at) - seconds(alert.starts_at);
        assert!(until > 0.0 && seconds(alert.starts_at) <= *at);
        // 4 times the resend delay, from the evaluation that sent it.
        let left = seconds(alert.ends_at) - at;
        assert!((4 * RESEND_S) as f64 - left < 1.0 && left <= (4 * RESEND_S) as f64, "{left}");
    }
    let starts: Vec<_> = firing.iter().map(|(_, a)| a.starts_at).collect();
    assert!(starts.windows(2).all(|w| w[0] == w[1]), "an alert keeps its beginning");
    let ends: Vec<_> = resolved.iter().map(|(_, a)| a.ends_at).collect();
    assert!(ends.windows(2).all(|w| w[0] == w[1]), "and its end");
}

#[test]
fn resolved_alerts_are_sent_for_15_minutes() {
    let stage = stage("{alert: A, expr: m > 0}");
    play(&stage, 1_500, "m", |t| Some(if t < 100 { 1.0 } else { 0.0 }));
    let (_, resolved) = split(&stage);
    let (first, last) = (resolved[0].0, resolved[resolved.len() - 1].0);
    assert!((870.0..=900.0).contains(&(last - first)), "{first} {last}");
}

#[test]
fn a_resolved_alert_that_fires_again_is_a_new_one() {
    let stage = stage("{alert: A, expr: m > 0}");
    play(&stage, 600, "m", |t| Some(if (200..300).contains(&t) { 0.0 } else { 1.0 }));
    let (firing, resolved) = split(&stage);
    let starts: std::collections::BTreeSet<_> = firing.iter().map(|(_, a)| a.starts_at).collect();
    assert_eq!(starts.len(), 2);
    assert!(resolved.iter().all(|(at, _)| (200.0..330.0).contains(at)), "none after it fires again: {resolved:?}");
}

#[test]
fn labels_and_annotations_are_templates_and_identify_alerts() {
    let stage = stage(
        r#"{alert: A, expr: m > 0, labels: {foo: bar, copied: "{{ $labels.instance }}", alertname: other},
            annotations: {value: "{{ $value }}", label: "{{ $labels.instance }} of {{ $labels.job }}"}}"#,
    );
    stage.pass(200, |s, t| {
        s.set("m{instance=\"a\", job=\"x\"}", t as f64);
        s.set("m{instance=\"b\", job=\"x\"}", 5.0);
    });
    let mut by_instance: BTreeMap<String, Vec<Alert>> = BTreeMap::new();
    for alert in stage.heard() {
        by_instance.entry(alert.labels.get("instance").to_owned()).or_default().push(alert);
    }
    assert_eq!(by_instance.len(), 2);
    let b = &by_instance["b"][0];
    assert_eq!(
        b.labels.to_string(),
        r#"{alertname="A", copied="b", foo="bar", instance="b", job="x"}"#,
        "without __name__"
    );
    assert_eq!((b.annotations.get("value"), b.annotations.get("label")), ("5", "b of x"));
    let values: std::collections::BTreeSet<_> =
        by_instance["a"].iter().map(|a| a.annotations.get("value").to_owned()).collect();
    assert!(values.len() > 1, "annotations follow the value, the identity does not: {values:?}");
}

#[test]
fn the_series_of_alerts_follow_their_states() {
    let stage = stage("{alert: A, expr: m > 0, for: 2m, labels: {foo: bar}}");
    let mut seen = Vec::new();
    stage.pass(700, |s, t| {
        s.set("m", if (150..500).contains(&t) { 1.0 } else { 0.0 });
        let now = format!("{} | {}", s.ask("ALERTS"), s.ask("ALERTS_FOR_STATE"));
        if seen.last() != Some(&now) {
            seen.push(now);
        }
    });
    let active = {
        let (firing, _) = split(&stage);
        // Active 2 minutes before it fires.
        (seconds(firing[0].1.starts_at) as i64 - 120) + T0
    };
    let of = |state: &str| {
        format!(
            "ALERTS{{alertname=\"A\", alertstate=\"{state}\", foo=\"bar\"}} 1 | ALERTS_FOR_STATE{{alertname=\"A\", foo=\"bar\"}} {active}"
        )
    };
    assert_eq!(seen, [" | ".to_owned(), of("pending"), of("firing"), " | ".to_owned()]);
}

#[test]
fn what_the_api_shows_follows_the_states() {
    let stage = stage("{alert: A, expr: m > 0, for: 1m, keep_firing_for: 2m}");
    let mut seen = Vec::new();
    stage.pass(600, |s, t| {
        s.set("m", if (100..250).contains(&t) { 1.0 } else { 0.0 });
        let groups = s.engine.groups();
        let alert = groups[0].rules[0].alerts.first();
        let now = alert.map_or("none".to_owned(), |a| {
            format!("{}{}", a.state.name(), if a.keep_firing_since.is_some() { " kept" } else { "" })
        });
        if seen.last() != Some(&now) {
            seen.push(now);
        }
    });
    assert_eq!(seen, ["none", "pending", "firing", "firing kept", "none"]);
}

#[test]
fn a_pending_alert_that_ends_is_never_sent_and_begins_anew() {
    let stage = stage("{alert: A, expr: m > 0, for: 2m}");
    // On for 90 s, off for 60 s, again and again.
    play(&stage, 1_200, "m", |t| Some(if t % 150 < 90 { 1.0 } else { 0.0 }));
    assert_eq!(stage.heard(), []);
}

#[test]
fn a_series_that_vanishes_ends_its_alert_and_one_that_comes_makes_one() {
    let stage = stage("{alert: A, expr: m > 0}");
    stage.pass(900, |s, t| {
        if t < 200 {
            s.set("m{x=\"1\"}", 1.0);
        }
        if t >= 300 {
            s.set("m{x=\"2\"}", 1.0);
        }
    });
    let (firing, resolved) = split(&stage);
    let first_of =
        |sent: &[(f64, Alert)], x: &str| sent.iter().find(|(_, a)| a.labels.get("x") == x).map(|(at, _)| *at);
    // A sample counts for 5 minutes.
    assert!((500.0..530.0).contains(&first_of(&resolved, "1").unwrap()), "{resolved:?}");
    assert!((300.0..330.0).contains(&first_of(&firing, "2").unwrap()));
    assert_eq!(first_of(&resolved, "2"), None);
}

#[test]
fn alerts_of_one_rule_do_not_touch_those_of_another() {
    let stage = stage(
        "{alert: A, expr: m > 0, labels: {n: '1'}}, {alert: A, expr: m > 5, labels: {n: '2'}}, {alert: B, expr: 'm > 0', for: 5m}",
    );
    play(&stage, 100, "m", |_| Some(3.0));
    let names: std::collections::BTreeSet<_> = stage.heard().iter().map(|a| a.labels.to_string()).collect();
    assert_eq!(names.into_iter().collect::<Vec<_>>(), [r#"{alertname="A", n="1"}"#]);
}

#[test]
fn the_offset_of_a_group_moves_the_data_and_not_the_times_of_alerts() {
    let stage = Stage::new(Options::default());
    stage.load("groups: [{name: g, interval: 30s, query_offset: 2m, rules: [{alert: A, expr: m > 0}]}]");
    play(&stage, 400, "m", |t| Some(if t >= 100 { 1.0 } else { 0.0 }));
    let (firing, _) = split(&stage);
    assert!((220.0..=251.0).contains(&firing[0].0), "two minutes after the data: {firing:?}");
    assert!(firing[0].0 - seconds(firing[0].1.starts_at) < 1.0, "its beginning is that of the evaluation");
}
