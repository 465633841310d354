//! The ten rules of the MeetsMatch design: each fires when its cause is injected, and no other does.
//!
//! Two services, a bot, a database, a cache and a runtime are played for half an hour of a healthy system, then for half an hour with
//! one thing wrong with it, then again healthy.

use std::collections::BTreeSet;
use std::time::Duration;

use super::tests::Stage;
use crate::rules::group::Options;

const RULES: &str = include_str!("../../../tests/data/alert-rules.yaml");

/// The bounds that durations are counted by.
const BOUNDS: [f64; 12] = [0.05, 0.1, 0.25, 0.5, 0.75, 1.0, 2.0, 2.5, 5.0, 7.5, 10.0, f64::INFINITY];

/// Totals of all counters.
#[derive(Default)]
struct World(std::collections::BTreeMap<String, f64>);

impl World {
    fn add(&mut self, series: String, by: f64) {
        *self.0.entry(series).or_default() += by;
    }

    /// Counts durations of `seconds` in a classic histogram.
    fn observe(&mut self, name: &str, labels: &str, seconds: f64, count: f64) {
        for bound in BOUNDS {
            let le = if bound.is_finite() { bound.to_string() } else { "+Inf".to_owned() };
            let by = if seconds <= bound { count } else { 0.0 };
            self.add(format!("{name}_bucket{{{labels}le=\"{le}\"}}"), by);
        }
    }

    /// Fifteen seconds of the system, with one thing wrong with it, or nothing.
    fn live(&mut self, stage: &Stage, wrong: &str) {
        let is = |cause: &str| wrong == cause;
        for service in ["api", "bot"] {
            let errors = if is("HighErrorRate") && service == "api" { 30.0 } else { 1.0 };
            self.add(format!("http_requests_total{{service=\"{service}\",status=\"500\"}}"), errors);
            self.add(format!("http_requests_total{{service=\"{service}\",status=\"200\"}}"), 150.0 - errors);
            let slow = if is("HighResponseTime") && service == "api" { 15.0 } else { 1.0 };
            let labels = format!("service=\"{service}\",");
            self.observe("http_request_duration_seconds", &labels, 3.0, slow);
            self.observe("http_request_duration_seconds", &labels, 0.04, 150.0 - slow);
        }
        let slow = if is("DatabaseSlowQueries") { 30.0 } else { 1.0 };
        self.observe("db_query_duration_seconds", "", 1.5, slow);
        self.observe("db_query_duration_seconds", "", 0.01, 300.0 - slow);
        let misses = if is("RedisCacheMissRateHigh") { 80.0 } else { 5.0 };
        self.add("redis_cache_misses_total".to_owned(), misses);
        self.add("redis_cache_hits_total".to_owned(), 100.0 - misses);
        let errors = if is("TelegramMessageProcessingErrors") { 3.0 } else { 0.0 };
        self.add("telegram_messages_total{status=\"error\"}".to_owned(), errors);
        self.add("telegram_messages_total{status=\"success\"}".to_owned(), 20.0);
        let delay = if is("TelegramMessageProcessingDelay") { 6.0 } else { 0.2 };
        self.observe("telegram_message_processing_duration_seconds", "", delay, 20.0);
        for (series, total) in &self.0 {
            stage.set(series, *total);
        }
        let or = |cause: &str, bad: f64, good: f64| if is(cause) { bad } else { good };
        stage.set("db_connections_active{service=\"api\"}", or("DatabaseConnectionsHigh", 85.0, 12.0));
        stage.set("redis_memory_usage_bytes", or("RedisMemoryHigh", 1.44e9, 2e8));
        stage.set("go_memstats_alloc_bytes{service=\"bot\"}", or("HighMemoryUsage", 6e8, 5e7));
        stage.set("go_goroutines{service=\"bot\"}", or("HighGoroutineCount", 1500.0, 40.0));
    }
}

fn firing(stage: &Stage) -> BTreeSet<String> {
    let groups = stage.engine.groups();
    let alerts = groups.iter().flat_map(|g| g.rules.iter().flat_map(|r| &r.alerts));
    let firing = alerts.filter(|a| a.state == crate::rules::AlertState::Firing);
    firing.map(|a| a.labels.get("alertname").to_owned()).collect()
}

#[test]
fn each_rule_of_the_design_fires_when_and_only_when_its_cause_is_injected() {
    let causes = [
        "HighErrorRate",
        "HighResponseTime",
        "DatabaseConnectionsHigh",
        "DatabaseSlowQueries",
        "RedisMemoryHigh",
        "RedisCacheMissRateHigh",
        "HighMemoryUsage",
        "HighGoroutineCount",
        "TelegramMessageProcessingErrors",
        "TelegramMessageProcessingDelay",
    ];
    for cause in causes {
        let stage = Stage::new(Options { interval: Duration::from_secs(15), ..Options::default() });
        stage.load(RULES);
        let mut world = World::default();
        let mut play = |seconds, wrong: &str| {
            let mut seen = BTreeSet::new();
            stage.pass(seconds, |s, t| {
                if t % 15 == 0 {
                    world.live(s, wrong);
                    seen.extend(firing(s));
                }
            });
            seen
        };
        assert_eq!(play(20 * 60, ""), BTreeSet::new(), "a healthy system");
        let expected = BTreeSet::from([cause.to_owned()]);
        assert_eq!(play(20 * 60, cause), expected);
        assert_eq!(firing(&stage), expected, "as long as the cause is there");
        play(10 * 60, "");
        assert_eq!(firing(&stage), BTreeSet::new(), "{cause} ends with its cause");
        let errors: Vec<_> = stage.engine.groups()[0].rules.iter().filter_map(|r| r.error.clone()).collect();
        assert_eq!(errors, Vec::<String>::new());
        let told = stage.heard();
        let texts =
            |a: &crate::Alert| a.annotations.iter().map(|(_, text)| text.to_owned()).collect::<Vec<_>>().join(" | ");
        assert!(told.iter().all(|a| !texts(a).contains("<error")), "{:?}", told.first().map(texts));
        if cause == "RedisMemoryHigh" {
            assert_eq!(told[0].annotations.get("description"), "Redis memory usage is 1.341GiB");
        }
        if cause == "HighErrorRate" {
            assert_eq!(told[0].labels.get("service"), "api");
            assert!(told[0].annotations.get("description").ends_with("% for service api"), "{:?}", told[0]);
        }
    }
}
