//! Weeks of traffic against a reference that counts every event, through the real PromQL evaluator.
//!
//! The five objectives and three budgets of the design run here. Counters are sampled twice a minute and restart every
//! five hours; what the engine says must follow from the samples alone, whenever it is asked and restarted.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use foundation::clock::ManualClock;
use foundation::disk::SharedDisk;
use foundation::disk::sim::SimDisk;
use foundation::{Clock, UnixNanos};
use model::{Labels, Signal};
use parking_lot::Mutex;
use promql::eval::{
    Engine as PromQl, HistogramSample, Point, QueryLimits, QueryRange, Sample, Samples, SelectHints, SeriesSet,
    SeriesSource, Value,
};
use promql::matcher::Matcher;

use super::*;
use crate::rules::doors::Written;
use crate::rules::{QueryError, RuleAppender};

mod forms;

const DAY: i64 = 86_400;
const SCRAPE: i64 = 30;
/// 2026-09-01, a Tuesday.
const BEGIN: i64 = 1_788_220_800;

/// Numbers that look random and are the same every time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }
}

/// Good and bad events between two scrapes.
type Interval = (u64, u64);

/// What happened, from [`BEGIN`] on, and what was seen of it.
#[derive(Default)]
struct World {
    truth: BTreeMap<&'static str, Vec<Interval>>,
    series: Vec<(Arc<Labels>, Vec<Sample>)>,
    histograms: Vec<(Arc<Labels>, Vec<HistogramSample>)>,
    records: Vec<Record>,
    clock: ManualClock,
    written: Mutex<BTreeMap<Labels, f64>>,
}

/// A span or a log record of the service `api`.
struct Record {
    signal: Signal,
    /// Seconds since [`BEGIN`].
    at: i64,
    route: &'static str,
    bad: bool,
}

impl World {
    /// A counter of good and one of bad events; each with `common` labels and its own.
    fn counters(
        &mut self,
        name: &'static str,
        days: i64,
        of: impl Fn(i64, &mut Dice) -> Interval,
        (all, counted): (&str, &str),
    ) {
        let mut dice = Dice(days as u64 + name.len() as u64);
        let truth: Vec<Interval> = (0..days * DAY / SCRAPE).map(|i| of(i * SCRAPE, &mut dice)).collect();
        let sampled = |value: &dyn Fn(Interval) -> u64| {
            let mut count = 0;
            let mut samples = vec![Sample { t_ms: BEGIN * 1000, value: 0.0 }];
            for (i, interval) in truth.iter().enumerate() {
                let at = (i as i64 + 1) * SCRAPE;
                // A restart, right after a scrape.
                count = if at % (5 * 3_600) == SCRAPE { 0 } else { count } + value(*interval);
                samples.push(Sample { t_ms: (BEGIN + at) * 1000, value: count as f64 });
            }
            samples
        };
        self.series.push((labels(all), sampled(&|(good, bad)| good + bad)));
        let is_good = counted.contains("le=");
        self.series.push((labels(counted), sampled(&|(good, bad)| if is_good { good } else { bad })));
        self.truth.insert(name, truth);
    }

    /// A gauge that is 1 where nothing is bad.
    fn gauge(&mut self, name: &'static str, days: i64, down: impl Fn(i64) -> bool, of: &str) {
        let truth: Vec<Interval> =
            (1..=days * DAY / SCRAPE).map(|i| if down(i * SCRAPE) { (0, 1) } else { (1, 0) }).collect();
        let sample = |(i, (good, _)): (usize, &Interval)| Sample {
            t_ms: (BEGIN + (i as i64 + 1) * SCRAPE) * 1000,
            value: *good as f64,
        };
        self.series.push((labels(of), truth.iter().enumerate().map(sample).collect()));
        self.truth.insert(name, truth);
    }

    /// Bad and all events in `(from, to]`, in seconds since [`BEGIN`].
    fn between(&self, name: &str, from: i64, to: i64) -> (f64, f64) {
        let truth = &self.truth[name];
        let index = |t: i64| (t / SCRAPE).clamp(0, truth.len() as i64) as usize;
        let of = &truth[index(from)..index(to)];
        let bad: u64 = of.iter().map(|i| i.1).sum();
        let good: u64 = of.iter().map(|i| i.0).sum();
        (bad as f64, (good + bad) as f64)
    }

    fn now_s(&self) -> i64 {
        self.clock.now().0 / 1_000_000_000 - BEGIN
    }
}

/// `a{b="c"}` as labels.
fn labels(text: &str) -> Arc<Labels> {
    Arc::new(promql::parse_metric(text).unwrap())
}

enum Seen<'a> {
    Floats(&'a [Sample]),
    Histograms(&'a [HistogramSample]),
}

struct Found<'a> {
    series: Vec<(Arc<Labels>, Seen<'a>)>,
    range_ms: (i64, i64),
}

impl SeriesSource for World {
    fn select(
        &self,
        matchers: &[Matcher],
        start_ms: i64,
        end_ms: i64,
        _: SelectHints,
    ) -> Result<Box<dyn SeriesSet + '_>, promql::eval::SourceError> {
        let fits = |l: &Labels| matchers.iter().all(|m| m.matches_labels(l));
        let floats = self.series.iter().map(|(l, s)| (l.clone(), Seen::Floats(s)));
        let histograms = self.histograms.iter().map(|(l, s)| (l.clone(), Seen::Histograms(s)));
        let series = floats.chain(histograms).filter(|(l, _)| fits(l)).collect();
        let end_ms = end_ms.min(self.clock.now().as_millis());
        Ok(Box::new(Found { series, range_ms: (start_ms, end_ms) }))
    }
}

impl SeriesSet for Found<'_> {
    fn len(&self) -> usize {
        self.series.len()
    }

    fn labels(&self, at: usize) -> Arc<Labels> {
        self.series[at].0.clone()
    }

    fn read(&self, at: usize, into: &mut Samples) -> Result<(), promql::eval::SourceError> {
        let (from_ms, to_ms) = self.range_ms;
        match self.series[at].1 {
            Seen::Floats(samples) => {
                let from = samples.partition_point(|s| s.t_ms < from_ms);
                let to = samples.partition_point(|s| s.t_ms <= to_ms);
                into.floats.extend_from_slice(&samples[from..to.max(from)]);
            }
            Seen::Histograms(samples) => {
                let from = samples.partition_point(|s| s.t_ms < from_ms);
                let to = samples.partition_point(|s| s.t_ms <= to_ms);
                into.histograms.extend_from_slice(&samples[from..to.max(from)]);
            }
        }
        Ok(())
    }
}

impl Source for World {
    fn objectives(&self, _: &[super::Slo]) {}

    fn promql(&self, query: &str, start: UnixNanos, end: UnixNanos, step: Duration) -> Result<Vec<Series>, QueryError> {
        let expr = promql::parse(query).unwrap();
        let range =
            QueryRange { start_ms: start.as_millis(), end_ms: end.as_millis(), step_ms: step.as_millis() as i64 };
        let output = PromQl::default().range(self, query, &expr, range, &QueryLimits::default()).unwrap();
        let Value::Matrix(series) = output.value else { panic!("{query} is no range") };
        let points = |s: &[Sample]| s.iter().map(|s| (UnixNanos::from_millis(s.t_ms), s.value)).collect();
        Ok(series.into_iter().map(|s| Series { labels: s.labels, points: points(&s.samples) }).collect())
    }

    fn events(&self, query: &EventsQuery) -> Result<Vec<Series>, QueryError> {
        let wanted = |r: &&Record| match query.filter.as_str() {
            "service:api" => true,
            "(service:api) AND (status:error)" => r.bad,
            "(service:api) AND (level<error)" => !r.bad,
            other => panic!("nobody asks {other}"),
        };
        let step = query.step.as_secs() as i64;
        let mut counts = BTreeMap::<Labels, BTreeMap<i64, f64>>::new();
        for r in self.records.iter().filter(|r| r.signal == query.signal).filter(wanted) {
            let end = (BEGIN + r.at).div_euclid(step) * step + step;
            if (query.start.0..=query.end.0.min(self.clock.now().0)).contains(&UnixNanos::from_secs(end).0) {
                let group = Labels::from_pairs(query.group_by.iter().map(|name| (name.as_str(), r.route)));
                *counts.entry(group).or_default().entry(end).or_default() += 1.0;
            }
        }
        let series = |(labels, points): (Labels, BTreeMap<i64, f64>)| Series {
            labels,
            points: points.into_iter().map(|(at, n)| (UnixNanos::from_secs(at), n)).collect(),
        };
        Ok(counts.into_iter().map(series).collect())
    }

    fn label_values(&self, selector: &str, label: &str, _: UnixNanos, _: UnixNanos) -> Result<Vec<String>, QueryError> {
        let matchers = promql::parse_selector(selector).unwrap();
        let found = self.series.iter().filter(|(l, _)| matchers.iter().all(|m| m.matches_labels(l)));
        let mut values: Vec<String> = found.map(|(l, _)| l.get(label).to_owned()).filter(|v| !v.is_empty()).collect();
        values.sort();
        values.dedup();
        Ok(values)
    }
}

impl RuleAppender for World {
    fn append(&self, samples: Vec<Written>, _: bool) -> Result<(), String> {
        let value = |point: Point| match point {
            Point::Float(v) => v,
            Point::Histogram(_) => f64::NAN,
        };
        self.written.lock().extend(samples.into_iter().map(|w| (w.labels, value(w.value))));
        Ok(())
    }
}

const DAYS: i64 = 40;

/// The MeetsMatch stack for forty days.
fn meetsmatch() -> World {
    let mut w = World::default();
    let day = |t: i64| t / DAY;
    // Busy by day; a bad hour on day 20 and a small one near the end.
    w.counters(
        "api",
        DAYS,
        move |t, dice| {
            let all = 20 + dice.below(if t % DAY > DAY / 2 { 60 } else { 10 });
            let bad = match (day(t), t % DAY / 3_600) {
                (20, 5) => all / 4,
                (39, 3) => all / 50,
                _ => u64::from(dice.below(400) == 0),
            };
            (all - bad, bad)
        },
        (
            "http_requests_total{service=\"meetsmatch-api\",status=\"200\"}",
            "http_requests_total{service=\"meetsmatch-api\",status=\"503\"}",
        ),
    );
    let slow = move |t: i64, dice: &mut Dice| {
        let all = 10 + dice.below(10);
        let bad = if day(t) % 9 == 3 { all / 5 } else { dice.below(2) };
        (all - bad, bad)
    };
    let bucket = |name: &str, le: &str| format!("{name}_bucket{{service=\"meetsmatch\",le=\"{le}\"}}");
    let both = |name: &str, le: &str| (bucket(name, "+Inf"), bucket(name, le));
    let (all, fast) = both("http_request_duration_seconds", "0.5");
    w.counters("latency", DAYS, slow, (&all, &fast));
    // Messages come in the evening only.
    let (all, fast) = both("telegram_message_processing_duration_seconds", "2.0");
    w.counters(
        "bot",
        DAYS,
        |t, dice| if t % DAY < 18 * 3_600 { (0, 0) } else { (dice.below(5), u64::from(dice.below(60) == 0)) },
        (&all, &fast),
    );
    w.gauge("postgres", DAYS, |t| (12 * DAY..12 * DAY + 1_200).contains(&t), "postgresql_up{instance=\"db:5432\"}");
    w.gauge("redis", DAYS, |t| t % (7 * DAY) < 120, "redis_up{instance=\"cache:6379\"}");
    w
}

const OBJECTIVES: &str = r#"
slos:
  api_availability: {objective: 99.9%, window: 30d, indicator: {ratio: {bad: 'http_requests_total{status=~"5.."}', total: 'http_requests_total'}}}
  api_latency: {objective: 95%, window: 7d, indicator: {latency: {histogram: http_request_duration_seconds, threshold: 500ms}}}
  bot_processing: {objective: 99%, window: 24h, indicator: {latency: {histogram: telegram_message_processing_duration_seconds, threshold: 2s}}}
  database: {objective: 99.95%, window: 30d, indicator: {up: postgresql_up}}
  redis: {objective: 99.9%, window: 30d, indicator: {up: redis_up}}
"#;

/// Which truth belongs to an objective.
const TRUTH: [(&str, &str); 5] = [
    ("api_availability", "api"),
    ("api_latency", "latency"),
    ("bot_processing", "bot"),
    ("database", "postgres"),
    ("redis", "redis"),
];

/// `api` has a series for good and one for all; counters of status codes have no total, so it is their sum.
fn start(world: &Arc<World>, disk: SharedDisk) -> Engine {
    let engine =
        Engine::new(world.clone(), world.clone(), Arc::new(world.clock.clone()), disk, Options { dir: "slo".into() });
    engine.apply(parse(OBJECTIVES, &Origin::Api).slos).unwrap();
    engine
}

#[track_caller]
fn close(a: f64, b: f64, what: &str) {
    assert!((a - b).abs() <= 1e-9 * b.abs().max(1.0), "{what}: {a} is not {b}");
}

/// Every figure of every objective is what counting every event gives.
fn check(world: &World, engine: &Engine) {
    let now = world.now_s() / 60 * 60;
    for (id, truth) in TRUTH {
        let entry = engine.entry(id).unwrap();
        assert_eq!((entry.error, entry.groups.len()), (None, 1), "{id}");
        let s = &entry.groups[0].status;
        let what = format!("{id} at {now}");
        let window = s.length.as_secs() as i64;
        let (bad, all) = world.between(truth, now - window, now);
        close(s.bad, bad, &what);
        close(s.total, all, &what);
        let allowed = entry.slo.budget();
        let spent = if all > 0.0 { bad / all / allowed } else { 0.0 };
        close(s.budget.remaining, 1.0 - spent, &what);
        assert_eq!(s.sli.is_some(), all > 0.0, "{what}");
        for burn in &s.burn {
            let (bad, all) = world.between(truth, now - burn.window.as_secs() as i64, now);
            close(burn.bad, bad, &what);
            close(burn.rate, if all > 0.0 { bad / all / allowed } else { 0.0 }, &what);
        }
    }
}

#[test]
fn weeks_of_the_design_are_what_counting_every_event_gives() {
    let mut world = meetsmatch();
    // The design's counter has one series for each status; `all` above is the sum, so the good one is what is left.
    let (bad, all) = (world.series[1].1.clone(), &mut world.series[0].1);
    all.iter_mut().zip(bad).for_each(|(all, bad)| all.value -= bad.value);
    let world = Arc::new(world);
    let disk: SharedDisk = Arc::new(SimDisk::new(7));
    let at = |seconds: i64| UnixNanos::from_secs(BEGIN + seconds);
    world.clock.set(at(3 * DAY + 1));
    let mut engine = start(&world, disk.clone());
    let mut dice = Dice(5);
    for round in 0..25 {
        engine.tick();
        check(&world, &engine);
        // Minutes, hours or a day later; sometimes another process goes on.
        let step = [61, 7_205, 19 * 3_600, 62 * 3_600, 90 * 3_600][dice.below(5) as usize];
        world.clock.set(at((world.now_s() + step).min(DAYS * DAY)));
        if round == 14 {
            // Without a word: what was not saved is counted again.
            engine = start(&world, disk.clone());
        } else if round % 4 == 3 {
            engine.save_all();
            engine = start(&world, disk.clone());
        }
    }
    assert!(world.now_s() > 30 * DAY, "the month has passed: {}", world.now_s());
}

#[test]
fn budgets_in_words_count_after_a_proposal_is_taken() {
    let world = meetsmatch();
    world.clock.set(UnixNanos::from_secs(BEGIN + 30 * DAY));
    let text = "error_budgets:\n  api_availability: {slo: 99.9%, window: 30d}\n  api_latency: {slo: 95th_percentile < 500ms, window: 7d}\n  bot_processing: {slo: 99% within 2s, window: 24h}\n  redis_availability: {slo: 99.9%, window: 30d}\n";
    let first = |slo: &Slo| propose(&world, slo, world.clock.now()).unwrap().into_iter().next().map(|p| p.reason);
    let slos = parse(text, &Origin::Api).slos;
    assert_eq!(
        slos.iter().map(first).collect::<Vec<_>>(),
        [
            Some("http_requests_total of meetsmatch-api: bad where status is 5..|error|failed|failure".to_owned()),
            Some("http_request_duration_seconds: good up to 0.5".to_owned()),
            Some("telegram_message_processing_duration_seconds: good up to 2".to_owned()),
            Some("redis_up: bad while it is 0".to_owned()),
        ]
    );
}

#[test]
fn rings_remember_longer_than_the_engines() {
    let mut world = meetsmatch();
    let disk: SharedDisk = Arc::new(SimDisk::new(3));
    world.clock.set(UnixNanos::from_secs(BEGIN + 25 * DAY));
    let world_before = Arc::new(std::mem::take(&mut world));
    let engine = start(&world_before, disk.clone());
    engine.tick();
    let before = engine.entry("redis").unwrap().groups[0].status.clone();
    engine.save_all();
    // The metrics are gone, the file is not.
    let empty = Arc::new(World { clock: world_before.clock.clone(), ..World::default() });
    let engine = start(&empty, disk);
    engine.tick();
    assert_eq!(engine.entry("redis").unwrap().groups[0].status, before);
    let history =
        engine.history("redis", &Labels::default(), (before.since, before.at), Duration::from_secs(3_600)).unwrap();
    assert_eq!(history.len(), 30 * 24 + 1);
    assert!(history.iter().all(|(_, left)| (-25.0..=1.0).contains(left)));
    assert_eq!(history.last().map(|h| h.1), Some(before.budget.remaining));
}

#[test]
fn nothing_happens_and_nothing_is_not_a_number() {
    let world = Arc::new(World::default());
    world.clock.set(UnixNanos::from_secs(BEGIN));
    let engine = start(&world, Arc::new(SimDisk::new(1)));
    engine.tick();
    for entry in engine.entries() {
        let s = &entry.groups[0].status;
        assert_eq!((s.sli, s.total, s.budget.remaining, s.exhausted_in), (None, 0.0, 1.0, None), "{}", entry.slo.id);
        assert_eq!(s.coverage, 0.0, "nothing is known yet");
    }
    assert!(world.written.lock().values().all(|v| v.is_finite()));
    assert!(!world.written.lock().keys().any(|l| l.metric_name().contains("ratio_rate")));
}

/// The generated rules, evaluated each minute over the series that were written.
#[test]
fn alerts_fire_when_the_budget_burns_and_only_then() {
    let world = Arc::new(meetsmatch());
    let engine = start(&world, Arc::new(SimDisk::new(1)));
    let mut fired = BTreeMap::<String, Vec<i64>>::new();
    // From before to after the bad hour of day 20.
    let begin = 20 * DAY + 4 * 3_600;
    for minute in 0..4 * 60 {
        world.clock.set(UnixNanos::from_secs(BEGIN + begin + minute * 60));
        engine.tick();
        let written = World {
            series: world
                .written
                .lock()
                .iter()
                .map(|(l, v)| (Arc::new(l.clone()), vec![Sample { t_ms: world.clock.now().as_millis(), value: *v }]))
                .collect(),
            clock: world.clock.clone(),
            ..World::default()
        };
        world.written.lock().clear();
        for entry in engine.entries().iter().filter(|e| e.slo.id == "api_availability") {
            let rules = rule_group(&entry.slo).unwrap();
            let rules: serde_json::Value = serde_saphyr::from_str(&rules).unwrap();
            for rule in rules["groups"][0]["rules"].as_array().unwrap() {
                let now = world.clock.now();
                let firing = written.promql(rule["expr"].as_str().unwrap(), now, now, Duration::from_secs(60)).unwrap();
                if !firing.is_empty() {
                    assert_eq!(firing.len(), 1, "one alert for a severity");
                    fired
                        .entry(rule["alert"].to_string() + &rule["labels"]["severity"].to_string())
                        .or_default()
                        .push(minute);
                }
            }
        }
    }
    let spans: BTreeMap<&str, (i64, i64)> =
        fired.iter().map(|(name, minutes)| (name.as_str(), (minutes[0], minutes[minutes.len() - 1]))).collect();
    // The hour begins at minute 60: a quarter of all requests fail, 250 times the budget.
    let (first, last) = spans["\"ApiAvailabilityErrorBudgetBurn\"\"critical\""];
    assert!((61..=66).contains(&first), "{spans:?}");
    assert!((119..=155).contains(&last), "the short window lets it end: {spans:?}");
    assert!(spans.contains_key("\"ApiAvailabilityErrorBudgetBurn\"\"warning\""), "{spans:?}");
    assert!(!spans.keys().any(|name| name.contains("NoEvents")));
}
