//! Groups on a clock that the test moves, over series in memory.

use std::sync::Arc;
use std::time::Duration;

use foundation::clock::ManualClock;
use foundation::{Clock, UnixNanos};
use model::Labels;
use parking_lot::Mutex;
use promql::eval::{Point, Value};

use super::*;
use crate::alert::Alert;
use crate::rules::doors::AlertSink;
use crate::rules::file;
use crate::rules::group::Options;
use crate::rules::memory::MemoryStore;
use crate::rules::template::External;

/// 2026-11-28T00:00:00Z
pub(in crate::rules) const T0: i64 = 1_795_824_000;

/// Remembers what it heard, and when.
pub(in crate::rules) struct Heard(Mutex<Vec<(UnixNanos, Alert)>>, ManualClock);

impl AlertSink for Heard {
    fn send(&self, alerts: &[Alert]) {
        self.0.lock().extend(alerts.iter().map(|a| (self.1.now(), a.clone())));
    }
}

/// An engine and all that is around it.
pub(in crate::rules) struct Stage {
    pub(in crate::rules) store: Arc<MemoryStore>,
    pub(in crate::rules) wall: ManualClock,
    pub(in crate::rules) steady: ManualClock,
    pub(in crate::rules) heard: Arc<Heard>,
    pub(in crate::rules) engine: Arc<Engine>,
}

impl Stage {
    /// One that begins at [`T0`].
    pub(in crate::rules) fn new(options: Options) -> Self {
        let wall = ManualClock::new(UnixNanos::from_secs(T0));
        Self::over(Arc::new(MemoryStore::new()), wall, options)
    }

    /// A server that starts over what another one stored.
    pub(in crate::rules) fn over(store: Arc<MemoryStore>, wall: ManualClock, options: Options) -> Self {
        let (steady, heard) = (ManualClock::new(wall.now()), Arc::new(Heard(Mutex::default(), wall.clone())));
        let surroundings = Surroundings {
            query: store.clone(),
            appender: store.clone(),
            sink: heard.clone(),
            external: External { labels: Labels::default(), url: "http://bellrock".to_owned() },
            timeline: None,
            options,
        };
        let times = Times { wall: Arc::new(wall.clone()), steady: Arc::new(steady.clone()) };
        let engine = Arc::new(Engine::new(surroundings, times));
        Self { store, wall, steady, heard, engine }
    }

    /// Loads one file.
    pub(in crate::rules) fn load(&self, yaml: &str) {
        let read = file::read(yaml);
        assert!(read.is_usable(), "{:?}", read.findings);
        let placed = |group| Placed { file: "rules.yaml".to_owned(), group };
        self.engine.replace(read.groups.into_iter().map(placed).collect());
    }

    /// Lets seconds pass one after another.
    pub(in crate::rules) fn pass(&self, seconds: u64, mut each: impl FnMut(&Self, i64)) {
        for _ in 0..seconds {
            self.wall.advance(Duration::from_secs(1));
            self.steady.advance(Duration::from_secs(1));
            each(self, self.now());
            self.engine.run_due();
        }
    }

    /// Seconds since [`T0`].
    pub(in crate::rules) fn now(&self) -> i64 {
        self.wall.now().0 / 1_000_000_000 - T0
    }

    pub(in crate::rules) fn set(&self, series: &str, value: f64) {
        let labels = promql::parse_metric(series).unwrap();
        self.store.add(&labels, self.wall.now().as_millis(), Point::Float(value));
    }

    /// What was heard since the last time, with the time at which it was.
    pub(in crate::rules) fn heard_at(&self) -> Vec<(UnixNanos, Alert)> {
        std::mem::take(&mut *self.heard.0.lock())
    }

    /// The same without the times.
    pub(in crate::rules) fn heard(&self) -> Vec<Alert> {
        self.heard_at().into_iter().map(|(_, alert)| alert).collect()
    }

    /// The same in words.
    pub(in crate::rules) fn told(&self) -> Vec<String> {
        let word = |(at, a): &(UnixNanos, Alert)| {
            format!("{} {}", a.name(), if a.is_resolved(*at) { "resolved" } else { "firing" })
        };
        self.heard_at().iter().map(word).collect()
    }

    /// The value of an expression now.
    pub(in crate::rules) fn ask(&self, query: &str) -> String {
        let Value::Vector(found) = self.store.value(query, self.wall.now().as_millis()).unwrap() else {
            panic!("{query}")
        };
        let mut lines: Vec<_> = found.iter().map(|s| format!("{} {}", s.labels, s.value)).collect();
        lines.sort();
        lines.join("\n")
    }

    /// Alerts that are shown, with their states.
    pub(in crate::rules) fn shown(&self) -> Vec<String> {
        let groups = self.engine.groups();
        let alerts = groups.iter().flat_map(|g| g.rules.iter().flat_map(|r| &r.alerts));
        alerts.map(|a| format!("{} {}", a.labels, a.state.name())).collect()
    }
}

fn quick() -> Options {
    Options { interval: Duration::from_secs(15), ..Options::default() }
}

const CHAIN: &str = r#"
groups:
  - name: chain
    rules:
      - record: a
        expr: source * 2
      - record: b
        expr: sum(a) + 1
        labels: {made: "yes"}
      - alert: High
        expr: b > 10
        labels: {severity: page}
        annotations: {summary: "b is {{ $value }}"}
      - record: alerts:count
        expr: count(ALERTS{alertstate="firing"})
"#;

#[test]
fn later_rules_see_what_earlier_ones_recorded_in_the_same_iteration() {
    let stage = Stage::new(quick());
    stage.load(CHAIN);
    // The series of alerts begin with the third evaluation: then it is known what was before the start.
    stage.pass(50, |s, _| s.set("source{x=\"1\"}", 7.0));
    assert_eq!(stage.ask("a"), "a{x=\"1\"} 14");
    assert_eq!(stage.ask("b"), "b{made=\"yes\"} 15");
    assert_eq!(stage.ask("alerts:count"), "alerts:count 1");
    let [alert] = &stage.heard()[..] else { panic!("not one alert") };
    assert_eq!(alert.labels.to_string(), r#"{alertname="High", made="yes", severity="page"}"#);
    assert_eq!(alert.annotations.get("summary"), "b is 15");
    assert_eq!(alert.generator_url, "http://bellrock/graph?g0.expr=b+%3E+10&g0.tab=1");
    assert_eq!(alert.ends_at.0 - alert.starts_at.0, 240_000_000_000);
}

#[test]
fn series_that_disappear_are_ended() {
    let stage = Stage::new(quick());
    stage.load("groups: [{name: g, rules: [{record: r, expr: source > 5}, {alert: A, expr: source > 5}]}]");
    stage.pass(50, |s, _| s.set("source", 7.0));
    assert_eq!(stage.ask("r"), "r 7");
    assert_eq!(stage.ask("ALERTS"), r#"ALERTS{alertname="A", alertstate="firing"} 1"#);
    stage.pass(20, |s, _| s.set("source", 1.0));
    assert_eq!((stage.ask("r"), stage.ask("ALERTS")), (String::new(), String::new()), "at once, not after 5 minutes");
    assert_eq!(stage.told(), ["A firing", "A resolved"]);
}

#[test]
fn the_offset_moves_what_is_asked_and_what_is_written() {
    let stage = Stage::new(quick());
    stage.load("groups: [{name: g, query_offset: 1m, rules: [{record: r, expr: source}]}]");
    stage.pass(200, |s, t| s.set("source", t as f64));
    let Value::Vector(found) = stage.store.value("r - timestamp(r)", stage.wall.now().as_millis()).unwrap() else {
        panic!()
    };
    let Point::Float(value) = found[0].value else { panic!() };
    assert!((value + T0 as f64).abs() <= 1.0, "the value is that of the time at which it is written: {value}");
    assert!(stage.store.value("timestamp(r)", stage.wall.now().as_millis()).unwrap() != Value::Vector(Vec::new()));
}

#[test]
fn a_failing_rule_says_why_and_leaves_its_alerts() {
    let stage = Stage::new(quick());
    stage.load(
        "groups: [{name: g, rules: [{alert: A, expr: 'source * on(x) other > 0'}, {record: r, expr: source, labels: {x: ''}}]}]",
    );
    stage.pass(20, |s, _| {
        s.set("source{x=\"1\"}", 1.0);
        s.set("other{x=\"1\"}", 1.0);
    });
    assert_eq!(stage.shown(), [r#"{alertname="A", x="1"} firing"#]);
    stage.pass(20, |s, _| {
        s.set("source{x=\"1\"}", 1.0);
        s.set("source{x=\"1\", y=\"2\"}", 1.0);
        s.set("other{x=\"1\"}", 1.0);
    });
    let group = &stage.engine.groups()[0];
    assert!(group.rules[0].error.as_ref().unwrap().contains("multiple matches"), "{:?}", group.rules[0].error);
    assert_eq!(stage.shown(), [r#"{alertname="A", x="1"} firing"#]);
    assert_eq!(group.rules[1].error, None);
    assert_eq!((group.evaluations, group.failures), (group.iterations * 2, group.failures));
    assert!(group.failures > 0);
}

#[test]
fn two_results_with_the_same_labels_are_an_error() {
    let stage = Stage::new(quick());
    stage.load("groups: [{name: g, rules: [{alert: A, expr: source, labels: {x: ''}}, {record: r, expr: source, labels: {x: ''}}]}]");
    stage.pass(20, |s, _| {
        s.set("source{x=\"1\"}", 1.0);
        s.set("source{x=\"2\"}", 1.0);
    });
    let errors: Vec<_> = stage.engine.groups()[0].rules.iter().map(|r| r.error.clone().unwrap_or_default()).collect();
    assert_eq!(
        errors,
        [
            "vector contains metrics with the same labelset after applying alert labels",
            "vector contains metrics with the same labelset after applying rule labels"
        ]
    );
}

#[test]
fn limits_of_a_group_hold_for_each_rule() {
    let stage = Stage::new(quick());
    stage.load("groups: [{name: g, limit: 1, rules: [{alert: A, expr: source}, {record: r, expr: source}]}]");
    stage.pass(20, |s, _| {
        s.set("source{x=\"1\"}", 1.0);
        s.set("source{x=\"2\"}", 1.0);
    });
    let errors: Vec<_> = stage.engine.groups()[0].rules.iter().map(|r| r.error.clone().unwrap_or_default()).collect();
    assert_eq!(errors, ["exceeded limit of 1 with 2 alerts", "exceeded limit of 1 with 2 series"]);
    assert!(stage.heard().is_empty() && stage.ask("r").is_empty());
}

#[test]
fn what_did_not_change_in_a_reload_goes_on_and_what_is_gone_ends() {
    let stage = Stage::new(quick());
    let file = |hold: &str, record: &str| {
        format!(
            "groups: [{{name: g, rules: [{{alert: A, expr: source > 0, for: {hold}}}, {{record: {record}, expr: source}}]}}]"
        )
    };
    stage.load(&file("1m", "old"));
    stage.pass(60, |s, _| s.set("source", 1.0));
    let before = stage.engine.groups()[0].rules[0].alerts[0].active_at;
    assert_eq!(stage.shown(), [r#"{alertname="A"} pending"#]);
    stage.load(&file("30s", "new"));
    stage.pass(16, |s, _| s.set("source", 1.0));
    let alert = &stage.engine.groups()[0].rules[0].alerts[0];
    assert_eq!((alert.active_at, alert.state.name()), (before, "firing"), "it goes on with its new duration");
    assert_eq!((stage.ask("old"), stage.ask("new").as_str()), (String::new(), "new 1"));
    // A group that is gone ends its series, unless another one writes them by then.
    stage.load("groups: [{name: renamed, rules: [{record: new, expr: source}]}]");
    stage.pass(45, |s, _| s.set("source", 1.0));
    assert_eq!((stage.ask("ALERTS"), stage.ask("new").as_str()), (String::new(), "new 1"));
    stage.load("groups: []");
    stage.pass(45, |s, _| s.set("source", 1.0));
    assert_eq!(stage.ask("new"), "");
}

const SLOW: &str = "groups: [{name: g, rules: [{alert: A, expr: source > 0, for: 30m}]}]";

#[test]
fn after_a_restart_alerts_go_on() {
    let stage = Stage::new(quick());
    stage.load(SLOW);
    stage.pass(20 * 60, |s, _| s.set("source", 1.0));
    assert_eq!(stage.shown(), [r#"{alertname="A"} pending"#]);
    let Stage { store, wall, .. } = stage;
    // 15 minutes of nothing.
    wall.advance(Duration::from_secs(900));
    let after = Stage::over(store, wall, quick());
    after.load(SLOW);
    after.pass(60, |s, _| s.set("source", 1.0));
    assert_eq!(after.shown(), [r#"{alertname="A"} pending"#]);
    after.pass(9 * 60 - 30, |s, _| s.set("source", 1.0));
    assert_eq!(after.told(), Vec::<String>::new());
    after.pass(120, |s, _| s.set("source", 1.0));
    assert_eq!(after.told(), ["A firing"], "10 minutes were left");
}

#[test]
fn an_alert_that_fired_before_a_restart_fires_again_at_once() {
    let stage = Stage::new(quick());
    stage.load(SLOW);
    stage.pass(31 * 60, |s, _| s.set("source", 1.0));
    let told = stage.told();
    assert!(!told.is_empty() && told.iter().all(|t| t == "A firing"), "{told:?}");
    let Stage { store, wall, .. } = stage;
    wall.advance(Duration::from_secs(600));
    let after = Stage::over(store, wall, quick());
    after.load(SLOW);
    after.pass(60, |s, _| s.set("source", 1.0));
    assert_eq!(after.told(), ["A firing"]);
}

#[test]
fn an_outage_beyond_the_tolerance_begins_anew() {
    let stage = Stage::new(quick());
    stage.load(SLOW);
    stage.pass(31 * 60, |s, _| s.set("source", 1.0));
    let Stage { store, wall, .. } = stage;
    wall.advance(Duration::from_secs(3700));
    let after = Stage::over(store, wall, quick());
    after.load(SLOW);
    after.pass(29 * 60, |s, _| s.set("source", 1.0));
    assert_eq!(after.told(), Vec::<String>::new());
}

#[test]
fn missed_iterations_are_counted() {
    let stage = Stage::new(quick());
    stage.load("groups: [{name: g, rules: [{record: r, expr: source}]}]");
    stage.pass(16, |_, _| {});
    // Something held the engine up for a minute and a bit.
    for clock in [&stage.wall, &stage.steady] {
        clock.advance(Duration::from_secs(62));
    }
    stage.engine.run_due();
    let group = &stage.engine.groups()[0];
    assert!(group.missed == 3 || group.missed == 4, "{}", group.missed);
    assert!(stage.engine.health().lag < Duration::from_secs(15), "the newest time is taken, not the oldest");
}

const LEVELS: &str = r#"
groups:
  - name: g
    rules:
      - alert: Disk
        expr: disk
        levels:
          - {severity: critical, above: 0.95}
          - {severity: warning, above: 0.8, recover_below: 0.7, for: 30s}
        absent: {after: 2m, severity: info, forget: 10m}
        annotations: {summary: "{{ $labels.host }} {{ $labels.severity }} {{ $value }}"}
"#;

#[test]
fn several_severities_with_a_recovery_threshold_in_one_rule() {
    let stage = Stage::new(quick());
    stage.load(LEVELS);
    let at = |value: f64, seconds| {
        stage.pass(seconds, |s, _| s.set("disk{host=\"a\"}", value));
        stage.shown()
    };
    assert_eq!(at(0.5, 20), [""; 0]);
    assert_eq!(at(0.9, 16), [r#"{alertname="Disk", host="a", severity="warning"} pending"#]);
    assert_eq!(at(0.9, 45), [r#"{alertname="Disk", host="a", severity="warning"} firing"#]);
    assert_eq!(at(0.97, 16), [r#"{alertname="Disk", host="a", severity="critical"} firing"#]);
    assert_eq!(
        at(0.75, 16),
        [r#"{alertname="Disk", host="a", severity="warning"} firing"#],
        "above the recovery threshold"
    );
    let words = |(at, a): &(UnixNanos, Alert)| format!("{} {}", a.labels.get("severity"), a.is_resolved(*at));
    let mut told: Vec<_> = stage.heard_at().iter().map(words).collect();
    told.dedup();
    assert_eq!(told, ["warning false", "critical false", "warning true", "critical true", "warning false"]);
    assert_eq!(at(0.6, 16), [""; 0]);
}

#[test]
fn data_that_stops_is_an_alert_for_each_set_of_labels() {
    let stage = Stage::new(quick());
    stage.load(LEVELS);
    stage.pass(60, |s, _| {
        s.set("disk{host=\"a\"}", 0.1);
        s.set("disk{host=\"b\"}", 0.1);
    });
    let only_a = |seconds| {
        stage.pass(seconds, |s, _| s.set("disk{host=\"a\"}", 0.1));
        stage.shown()
    };
    // A sample counts for the 5 minutes of the lookback.
    assert_eq!(only_a(300 + 100), [""; 0]);
    assert_eq!(only_a(60), [r#"{alertname="Disk", host="b", reason="no_data", severity="info"} firing"#]);
    stage.pass(20, |s, _| {
        s.set("disk{host=\"a\"}", 0.1);
        s.set("disk{host=\"b\"}", 0.1);
    });
    assert_eq!(stage.shown(), [""; 0]);
    assert_eq!(only_a(300 + 130).len(), 1);
    assert_eq!(only_a(600), [""; 0], "it is gone for good");
}

const JUMPY: &str = r#"
groups:
  - name: g
    rules:
      - {alert: Old, expr: source > 0}
      - {alert: Waits, expr: source > 0, for: 20m}
      - {alert: Absent, expr: absent(source)}
"#;

#[test]
fn a_clock_that_jumps_does_not_page_everybody() {
    for jump_s in [3600i64, -3600] {
        let stage = Stage::new(quick());
        stage.load(JUMPY);
        stage.pass(600, |s, _| s.set("source", 1.0));
        let told = stage.told();
        assert!(told.iter().all(|t| t == "Old firing"), "{told:?}");
        stage.wall.set(UnixNanos(stage.wall.now().0 + jump_s * 1_000_000_000));
        // The first sample with the new time comes after a minute.
        stage.pass(60, |_, _| {});
        stage.pass(500, |s, _| s.set("source", 1.0));
        let told = stage.told();
        assert!(told.iter().all(|t| t == "Old firing"), "neither resolved, nor anything new: {told:?}");
        let health = stage.engine.health();
        assert_eq!((health.clock_jumps, health.unsettled), (1, jump_s < 0));
        // Its 20 minutes are counted as they passed.
        stage.pass(20, |s, _| s.set("source", 1.0));
        assert!(stage.shown().contains(&r#"{alertname="Waits"} pending"#.to_owned()), "{:?}", stage.shown());
        stage.pass(60, |s, _| s.set("source", 1.0));
        assert!(stage.shown().contains(&r#"{alertname="Waits"} firing"#.to_owned()), "{:?}", stage.shown());
        assert_eq!(stage.engine.groups()[0].missed, 0);
    }
}

#[test]
fn a_template_that_fails_does_not_lose_the_alert() {
    let stage = Stage::new(quick());
    stage.load(r#"groups: [{name: g, rules: [{alert: A, expr: source, annotations: {summary: '{{ query "nothing" | first }}'}}]}]"#);
    stage.pass(20, |s, _| s.set("source", 1.0));
    let [alert] = &stage.heard()[..] else { panic!("not one alert") };
    assert!(alert.annotations.get("summary").starts_with("<error expanding template: "), "{alert:?}");
}

/// Hysteresis and missing data are known to the next process: 85 % began the alert, 78 % does not end it, and what sent before
/// the restart is missed after it.
#[test]
fn what_rules_remember_of_their_results_outlives_a_restart() {
    const RULES: &str = r#"
groups:
  - name: disks
    interval: 15s
    rules:
      - alert: DiskFull
        expr: used
        levels: [{severity: warning, above: 0.8, recover_below: 0.75}]
        absent: {after: 5m, severity: none, forget: 1d}
"#;
    let before = Stage::new(quick());
    before.load(RULES);
    before.pass(120, |s, t| {
        s.set("used{disk=\"a\"}", if t < 60 { 0.85 } else { 0.78 });
        s.set("used{disk=\"b\"}", 0.78);
        s.set("used{disk=\"gone\"}", 0.1);
    });
    assert_eq!(before.shown(), ["{alertname=\"DiskFull\", disk=\"a\", severity=\"warning\"} firing"]);
    let after = Stage::over(before.store.clone(), before.wall.clone(), quick());
    after.load(RULES);
    after.pass(60, |s, _| {
        s.set("used{disk=\"a\"}", 0.78);
        s.set("used{disk=\"b\"}", 0.78);
    });
    assert_eq!(after.shown(), before.shown(), "below the threshold, above where it recovers");
    // Nobody runs while the last sample of `gone` grows too old to be a result.
    after.wall.advance(Duration::from_secs(500));
    let last = Stage::over(after.store.clone(), after.wall.clone(), quick());
    last.load(RULES);
    last.pass(60, |s, _| {
        s.set("used{disk=\"a\"}", 0.5);
        s.set("used{disk=\"b\"}", 0.78);
    });
    assert_eq!(
        last.shown(),
        ["{alertname=\"DiskFull\", disk=\"gone\", reason=\"no_data\", severity=\"none\"} firing"],
        "it sent before the restart and not since"
    );
}
