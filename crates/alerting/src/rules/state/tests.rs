//! One alert, second by second.

use super::*;

const RESEND: Duration = Duration::from_secs(60);
const INTERVAL: Duration = Duration::from_secs(15);

fn s(seconds: i64) -> UnixNanos {
    UnixNanos::from_secs(seconds)
}

fn named(name: &str) -> Labels {
    Labels::from_pairs([("alertname", name)])
}

fn candidate(name: &str, hold: u64) -> Candidate {
    Candidate {
        labels: named(name),
        annotations: Labels::default(),
        value: 1.0,
        hold: Duration::from_secs(hold),
        level: None,
    }
}

const PLAIN: Motion = Motion { keep_firing: Duration::ZERO, limit: 0, unsettled_since: None };

/// Steps to `at` with or without the candidate, and says what is shown and what is sent.
fn step(a: &mut Instances, at: i64, candidates: Vec<Candidate>, motion: Motion) -> String {
    if let Err(e) = a.step(s(at), candidates, motion) {
        return e.to_string();
    }
    let shown: Vec<_> = a.shown().iter().map(|a| format!("{} {}", a.labels.get("alertname"), a.state.name())).collect();
    let sent: Vec<_> = a
        .due(s(at), RESEND, INTERVAL)
        .iter()
        .map(|sent| {
            let seconds = |t: UnixNanos| t.0 / 1_000_000_000;
            format!("{} {}..{}", sent.name(), seconds(sent.starts_at), seconds(sent.ends_at))
        })
        .collect();
    format!("{} | {}", shown.join(","), sent.join(","))
}

#[test]
fn pending_fires_after_for_and_is_sent_at_once_then_every_minute() {
    let mut a = Instances::default();
    let mut at = |t, on: bool| step(&mut a, t, if on { vec![candidate("A", 30)] } else { vec![] }, PLAIN);
    assert_eq!(at(0, true), "A pending | ");
    assert_eq!(at(15, true), "A pending | ");
    // 4 times the resend delay, which is longer than the interval.
    assert_eq!(at(30, true), "A firing | A 30..270");
    assert_eq!(at(45, true), "A firing | ");
    assert_eq!(at(90, true), "A firing | ", "a minute has not passed, it is exactly one");
    assert_eq!(at(105, true), "A firing | A 30..345");
    assert_eq!(at(120, false), " | A 30..120", "resolved: told at once");
    assert_eq!(at(135, false), " | ");
    assert_eq!(at(195, false), " | A 30..120", "and again");
    assert_eq!(at(120 + 900, false), " | A 30..120");
    assert_eq!(at(120 + 915, false), " | ", "for a quarter of an hour");
    assert_eq!(a.iter().count(), 0);
}

#[test]
fn pending_that_ends_is_forgotten() {
    let mut a = Instances::default();
    assert_eq!(step(&mut a, 0, vec![candidate("A", 30)], PLAIN), "A pending | ");
    assert_eq!(step(&mut a, 15, vec![], PLAIN), " | ");
    assert_eq!(step(&mut a, 30, vec![candidate("A", 30)], PLAIN), "A pending | ", "the time begins anew");
}

#[test]
fn without_for_it_fires_at_once_and_fires_again_after_it_was_resolved() {
    let mut a = Instances::default();
    assert_eq!(step(&mut a, 0, vec![candidate("A", 0)], PLAIN), "A firing | A 0..240");
    assert_eq!(step(&mut a, 15, vec![], PLAIN), " | A 0..15");
    assert_eq!(step(&mut a, 30, vec![candidate("A", 0)], PLAIN), "A firing | A 30..270");
}

#[test]
fn keep_firing_for_bridges_gaps() {
    let mut a = Instances::default();
    let motion = Motion { keep_firing: Duration::from_secs(40), ..PLAIN };
    step(&mut a, 0, vec![candidate("A", 0)], motion);
    assert_eq!(step(&mut a, 15, vec![], motion), "A firing | ");
    assert_eq!(a.shown()[0].keep_firing_since, Some(s(15)));
    assert_eq!(step(&mut a, 30, vec![candidate("A", 0)], motion), "A firing | ");
    assert_eq!(a.shown()[0].keep_firing_since, None);
    assert_eq!(step(&mut a, 45, vec![], motion), "A firing | ");
    assert_eq!(step(&mut a, 75, vec![], motion), "A firing | A 0..315");
    assert_eq!(step(&mut a, 90, vec![], motion), " | A 0..90");
}

#[test]
fn beyond_the_limit_all_are_dropped() {
    let mut a = Instances::default();
    let motion = Motion { limit: 1, ..PLAIN };
    step(&mut a, 0, vec![candidate("A", 0)], motion);
    let both = vec![candidate("A", 0), candidate("B", 0)];
    assert_eq!(step(&mut a, 15, both, motion), "exceeded limit of 1 with 2 alerts");
    assert_eq!(a.iter().count(), 0);
}

fn at_level(rank: usize) -> Candidate {
    let level = LevelOf { element: named("element"), chain: 0, rank };
    Candidate { level: Some(level), ..candidate(["warning", "critical"][rank], 0) }
}

#[test]
fn the_highest_severity_covers_the_others() {
    let mut a = Instances::default();
    assert_eq!(step(&mut a, 0, vec![at_level(0)], PLAIN), "warning firing | warning 0..240");
    let both = || vec![at_level(0), at_level(1)];
    assert_eq!(step(&mut a, 15, both(), PLAIN), "critical firing | critical 15..255,warning 0..15");
    assert_eq!(step(&mut a, 30, both(), PLAIN), "critical firing | ");
    assert_eq!(step(&mut a, 45, vec![at_level(0)], PLAIN), "warning firing | critical 15..45,warning 0..285");
    assert_eq!(step(&mut a, 60, vec![], PLAIN), " | warning 0..60");
    // A severity that was never told is never told to be over.
    let mut a = Instances::default();
    assert_eq!(step(&mut a, 0, both(), PLAIN), "critical firing | critical 0..240");
    assert_eq!(step(&mut a, 15, vec![], PLAIN), " | critical 0..15");
}

#[test]
fn while_the_clock_is_not_trusted_nothing_begins_and_nothing_ends() {
    let mut a = Instances::default();
    let old = || vec![candidate("Old", 0), candidate("Waits", 60)];
    step(&mut a, 0, old(), PLAIN);
    // An hour forward.
    a.shift(3_600_000_000_000, s(3600));
    let unsettled = Motion { unsettled_since: Some(s(3600)), ..PLAIN };
    assert_eq!(step(&mut a, 3615, vec![], unsettled), "Old firing,Waits pending | ");
    let new = || [old(), vec![candidate("New", 0)]].concat();
    assert_eq!(step(&mut a, 3630, new(), unsettled), "New pending,Old firing,Waits pending | ");
    assert_eq!(step(&mut a, 3660, new(), unsettled), "New pending,Old firing,Waits firing | Waits 3660..3900");
    assert_eq!(
        step(&mut a, 3900, new(), PLAIN),
        "New firing,Old firing,Waits firing | New 3900..4140,Old 0..4140,Waits 3660..4140"
    );
}
