//! PromQL over a real engine in memory.

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use expect_test::{Expect, expect};
use foundation::UnixNanos;
use foundation::clock::ManualClock;
use foundation::disk::Disk as _;
use foundation::disk::sim::SimDisk;
use model::{AccessScope, Labels};
use promql::eval::{Engine, Output, QueryRange, Value};
use tsdb::{Options, Tsdb};

use super::*;

/// Unix milliseconds of the first sample.
const T0: i64 = 1_795_357_800_000;

/// Two services count requests for ten minutes, one sample each 15 seconds.
fn engine() -> Tsdb {
    let clock = ManualClock::new(UnixNanos::from_millis(T0 + 600_000));
    let db = Tsdb::open(Arc::new(SimDisk::new(1)), Arc::new(clock), Options::new("metrics")).unwrap();
    let mut samples = Vec::new();
    for step in 0..=40 {
        for (service, code, per_step) in [("api", "200", 30), ("api", "500", 3), ("bot", "200", 15)] {
            let labels = Labels::from_pairs([("__name__", "requests_total"), ("service", service), ("code", code)]);
            samples.push((labels, T0 + step * 15_000, (step * per_step) as f64));
        }
    }
    db.append_wait(samples).unwrap();
    db
}

fn ask(access: AccessScope) -> Ask {
    Ask::new(access, Instant::now() + Duration::from_secs(60), Arc::new(AtomicBool::new(false)))
}

fn show(output: &Output) -> String {
    let mut out = String::new();
    match &output.value {
        Value::Scalar(s) => writeln!(out, "{} @{}", s.value, s.t_ms - T0),
        Value::String(s) => writeln!(out, "{s:?}"),
        Value::Vector(v) => v.iter().try_for_each(|s| writeln!(out, "{} {}", s.labels, s.value)),
        Value::Matrix(m) => m.iter().try_for_each(|s| {
            let values: Vec<_> = s.samples.iter().map(|p| format!("{}@{}", p.value, p.t_ms - T0)).collect();
            writeln!(out, "{} {}", s.labels, values.join(" "))
        }),
    }
    .unwrap();
    out
}

fn check(query: &str, expect: Expect) {
    check_as(AccessScope::ALL, query, expect);
}

fn check_as(access: AccessScope, query: &str, expect: Expect) {
    let out = match instant(&Engine::default(), &engine(), &ask(access), query, T0 + 600_000) {
        Ok(evaluated) => show(&evaluated.output),
        Err(e) => format!("{:?}: {e}\n", e.kind()),
    };
    expect.assert_eq(&out);
}

#[test]
fn instant_queries_read_the_engine() {
    check(
        "requests_total",
        expect![[r#"
        requests_total{code="200", service="api"} 1200
        requests_total{code="200", service="bot"} 600
        requests_total{code="500", service="api"} 120
    "#]],
    );
    check(
        "sum by (service) (rate(requests_total[5m]))",
        expect![[r#"
        {service="api"} 2.1999999999999997
        {service="bot"} 0.9999999999999999
    "#]],
    );
    check(
        "sum(rate(requests_total{code=~\"5..\"}[5m])) / sum(rate(requests_total[5m]))",
        expect![[r#"
        {} 0.0625
    "#]],
    );
    check(
        "requests_total{code=~\"[45]\\\\d{2}\"}",
        expect![[r#"
        requests_total{code="500", service="api"} 120
    "#]],
    );
    check("requests_total{service=\"nobody\"}", expect![[r#""#]]);
}

/// Scrapes that jitter, in blocks and in memory: four counters of one target, of which one falls, one ends and comes back, and
/// one is a little late on its own; and one that is a histogram for a while.
fn scraped() -> Tsdb {
    let clock = ManualClock::new(UnixNanos::from_millis(T0 + 9_000_000));
    let mut options = Options::new("metrics");
    options.block_span = Duration::from_secs(1 << 20);
    options.min_free_bytes = 0;
    let db = Tsdb::open(Arc::new(SimDisk::new(1)), Arc::new(clock), options).unwrap();
    for step in 0..600 {
        let mut batch = db.batch();
        let t = T0 + step * 15_000 + step * 37 % 11;
        for kind in ["ends", "falls", "late", "mixed", "rises"] {
            let labels = Labels::from_pairs([("__name__", "work_total"), ("kind", kind)]);
            let value = match kind {
                "falls" => f64::from((step % 70) as u32),
                "ends" if step % 90 == 89 => f64::from_bits(tsdb::STALE_NAN),
                _ => step as f64 * 1.5,
            };
            if kind == "mixed" && step == 300 {
                let h = model::histogram::Histogram::<u64> { count: 3, zero_count: 3, ..Default::default() };
                batch.series_of(&labels).histogram(t, tsdb::HistogramValue::Int(Arc::new(h)));
            } else {
                batch.series_of(&labels).sample(t + i64::from(kind == "late"), value);
            }
        }
        db.append_batch_wait(batch).unwrap();
        if step == 200 || step == 500 {
            db.flush().unwrap();
        }
    }
    db
}

#[test]
fn a_range_is_the_instants_at_its_steps() {
    let (db, engine) = (scraped(), Engine::default());
    for query in ["rate(work_total[5m])", "increase(work_total[40s])"] {
        let (start_ms, step_ms, count) = (T0 - 30_000, 47_000, 180);
        let asked = QueryRange { start_ms, end_ms: start_ms + step_ms * count, step_ms };
        let all = range(&engine, &db, &ask(AccessScope::ALL), query, asked).unwrap();
        let Value::Matrix(series) = all.output.value else { panic!("no matrix") };
        let mut swept: Vec<_> = series
            .iter()
            .flat_map(|s| s.samples.iter().map(|p| (p.t_ms, s.labels.to_string(), p.value.to_string())))
            .collect();
        swept.sort();
        let mut alone = Vec::new();
        for t_ms in (0..=count).map(|i| start_ms + step_ms * i) {
            let one = instant(&engine, &db, &ask(AccessScope::ALL), query, t_ms).unwrap();
            let Value::Vector(series) = one.output.value else { panic!("no vector") };
            alone.extend(series.iter().map(|s| (t_ms, s.labels.to_string(), s.value.to_string())));
        }
        alone.sort();
        assert!(alone.len() > 500, "{}", alone.len());
        assert_eq!(swept, alone, "{query}");
    }
}

/// Counters that were at 5 when they were first seen: one began 10 s before that, of one it is not known, and one begins anew
/// after 20 samples and is above what it was already when it is seen again.
fn started() -> Tsdb {
    let clock = ManualClock::new(UnixNanos::from_millis(T0 + 900_000));
    let mut options = Options::new("metrics");
    options.block_span = Duration::from_secs(7200);
    let db = Tsdb::open(Arc::new(SimDisk::new(1)), Arc::new(clock), options).unwrap();
    for step in 0..=40 {
        let mut batch = db.batch();
        for (kind, start, value) in [
            ("anew", T0 - 10_000 + if step < 20 { 0 } else { 15_000 * 20 + 1000 }, 5 + step),
            ("known", T0 - 10_000, 5 + step),
            ("unknown", 0, 5 + step),
        ] {
            let labels = [("__name__", "started_total"), ("kind", kind)];
            batch.series(labels).since(start).sample(T0 + step * 15_000, value as f64);
        }
        db.append_batch_wait(batch).unwrap();
    }
    db
}

#[test]
fn counters_count_since_their_start_times() {
    let db = started();
    for stored in [false, true] {
        if stored {
            db.flush().unwrap();
        }
        let check = |query: &str, expect: Expect| {
            let evaluated = instant(&Engine::default(), &db, &ask(AccessScope::ALL), query, T0 + 600_000).unwrap();
            expect.assert_eq(&show(&evaluated.output));
        };
        check(
            "round(increase(started_total[20m]), 0.01)",
            expect![[r#"
            {kind="anew"} 69
            {kind="known"} 45
            {kind="unknown"} 40.5
        "#]],
        );
        check(
            "start_timestamp(started_total) - 1795357800",
            expect![[r#"
            {kind="anew"} 291
            {kind="known"} -10
            {kind="unknown"} -1795357800
        "#]],
        );
        check(
            "resets(started_total[20m])",
            expect![[r#"
            {kind="anew"} 1
            {kind="known"} 0
            {kind="unknown"} 0
        "#]],
        );
        check(
            "sum(increase(started_total{kind=\"known\"}[5m]))",
            expect![[r#"
            {} 20
        "#]],
        );
    }
}

#[test]
fn range_queries_include_both_ends() {
    let range_of = QueryRange { start_ms: T0 + 300_000, end_ms: T0 + 600_000, step_ms: 100_000 };
    let query = "sum by (service) (rate(requests_total[1m]))";
    let output = range(&Engine::default(), &engine(), &ask(AccessScope::ALL), query, range_of).unwrap().output;
    expect![[r#"
        {service="api"} 2.1999999999999997@300000 2.1999999999999997@400000 2.1999999999999997@500000 2.1999999999999997@600000
        {service="bot"} 0.9999999999999999@300000 0.9999999999999999@400000 0.9999999999999999@500000 0.9999999999999999@600000
    "#]].assert_eq(&show(&output));
}

#[test]
fn a_reader_sees_the_allowed_services_only() {
    let only_bot = AccessScope { services: Some(vec!["bot".into()]) };
    check_as(
        only_bot.clone(),
        "requests_total",
        expect![[r#"
        requests_total{code="200", service="bot"} 600
    "#]],
    );
    let db = engine();
    let all = (i64::MIN, i64::MAX);
    assert_eq!(label_values(&db, &ask(only_bot.clone()), "service", &[], all).unwrap(), ["bot"]);
    assert_eq!(label_values(&db, &ask(AccessScope::ALL), "service", &[], all).unwrap(), ["api", "bot"]);
    assert_eq!(series(&db, &ask(only_bot), &["requests_total"], all).unwrap().len(), 1);
}

#[test]
fn lists_are_unions_of_selectors() {
    let db = engine();
    let all = (i64::MIN, i64::MAX);
    let ask = ask(AccessScope::ALL);
    let found = series(&db, &ask, &["{code=\"500\"}", "requests_total{service=\"api\"}"], all).unwrap();
    assert_eq!(found.len(), 2);
    assert_eq!(label_names(&db, &ask, &[], all).unwrap(), ["__name__", "code", "service"]);
    assert_eq!(label_values(&db, &ask, "code", &["requests_total{service=\"bot\"}"], all).unwrap(), ["200"]);
    assert!(matches!(series(&db, &ask, &[], all), Err(MetricsError::NoSelector)));
    assert!(series(&db, &ask, &["up{"], all).is_err());
    // Nothing was recorded before the first sample.
    assert!(series(&db, &ask, &["requests_total"], (0, T0 - 1)).unwrap().is_empty());
}

#[test]
fn the_newest_sample_of_a_series_is_not_older_than_the_lookback() {
    let db = engine();
    let ask = ask(AccessScope::ALL);
    let at =
        |t| latest(&db, &ask, &["requests_total{code=\"500\"}", "requests_total{service=\"api\"}"], T0 + t, 60_000);
    let found = at(20_000).unwrap();
    let values: Vec<_> = found.iter().map(|s| (s.labels.get("code"), s.t_ms - T0, s.value.clone())).collect();
    let float = NewestValue::Float;
    assert_eq!(values, [("200", 15_000, float(30.0)), ("500", 15_000, float(3.0))]);
    assert_eq!(at(659_999).unwrap().len(), 2);
    assert_eq!(at(660_000).unwrap().len(), 0);
    assert!(matches!(latest(&db, &ask, &[], T0, 60_000), Err(MetricsError::NoSelector)));
}

#[test]
fn mistakes_and_limits_are_said() {
    check(
        "sum(",
        expect![[r#"
        InvalidInput: 1:5: parse error: unexpected end of input
    "#]],
    );
    check(
        "up{a=~\"(\"}",
        expect![[r#"
        InvalidInput: 1:4: parse error: error parsing regexp "(": error: unclosed group
    "#]],
    );
    let few = Ask { series_max: 1, ..ask(AccessScope::ALL) };
    let e = instant(&Engine::default(), &engine(), &few, "requests_total", T0).unwrap_err();
    assert_eq!(e.kind(), foundation::ErrorKind::LimitExceeded, "{e}");
    let late = Ask { deadline: Instant::now() - Duration::from_secs(1), ..ask(AccessScope::ALL) };
    let e = instant(&Engine::default(), &engine(), &late, "requests_total", T0).unwrap_err();
    assert_eq!(e.kind(), foundation::ErrorKind::Timeout, "{e}");
}

/// Six hours of one series in three blocks. The first sample of the second block is damaged, the last block does not open.
fn damaged() -> Tsdb {
    let disk = SimDisk::new(2);
    let open = || {
        let clock = ManualClock::new(UnixNanos::from_millis(T0));
        let mut options = Options::new("metrics");
        options.min_free_bytes = 0;
        Tsdb::open(Arc::new(disk.clone()), Arc::new(clock), options).unwrap()
    };
    let db = open();
    for block in 0..3 {
        let labels = Labels::from_pairs([("__name__", "m"), ("block", &*block.to_string()), ("service", "a")]);
        db.append_wait((0..60).map(|i| (labels.clone(), hour(block) + i * 60_000, i as f64)).collect()).unwrap();
        assert!(db.flush().unwrap());
    }
    drop(db);
    let files = disk.list(std::path::Path::new("metrics")).unwrap();
    let mut blocks: Vec<_> = files.into_iter().filter(|p| p.to_string_lossy().contains("block-")).collect();
    blocks.sort();
    // Behind magic and version lies the first chunk.
    disk.flip_bit(&blocks[1], 14, 1).unwrap();
    disk.flip_bit(&blocks[2], 3, 1).unwrap();
    open()
}

/// When the block begins.
fn hour(block: i64) -> i64 {
    T0 - (6 - 2 * block) * 3_600_000
}

#[test]
fn what_is_damaged_is_left_out_and_said() {
    let db = damaged();
    let (chunk, block) = ("is damaged at byte 12: a chunk", "does not begin as a block does");
    let told = |warnings: &[String], expected: &[&str]| {
        assert_eq!(warnings.len(), expected.len(), "{warnings:?}");
        expected.iter().for_each(|e| assert!(warnings.iter().any(|w| w.contains(e)), "{e} is not in {warnings:?}"));
    };
    let whole = QueryRange { start_ms: hour(0), end_ms: T0, step_ms: 60_000 };
    let found = range(&Engine::default(), &db, &ask(AccessScope::ALL), "m", whole).unwrap().output;
    told(&found.warnings, &[chunk, block]);
    let Value::Matrix(series) = &found.value else { panic!("{found:?}") };
    assert_eq!(series.iter().map(|s| s.labels.get("block")).collect::<Vec<_>>(), ["0"]);

    let asked = ask(AccessScope::ALL);
    let output = instant(&Engine::default(), &db, &asked, "sum_over_time(m[6h])", T0 - 1).unwrap().output;
    told(&output.warnings, &[chunk, block]);

    // The labels of the damaged chunk can be read; those of the block cannot.
    let asked = ask(AccessScope::ALL);
    let all = (i64::MIN, i64::MAX);
    assert_eq!(label_values(&db, &asked, "block", &[], all).unwrap(), ["0", "1"]);
    assert_eq!(label_names(&db, &asked, &["m"], all).unwrap(), ["__name__", "block", "service"]);
    assert_eq!(series_of(&db, &asked), 2);
    assert!(exemplars(&db, &asked, "m", all).unwrap().is_empty());
    told(&asked.partial.reasons(), &[block]);
    assert!(latest(&db, &asked, &["m{block=\"1\"}"], hour(2), 7_200_000).unwrap().is_empty());
    told(&asked.partial.reasons(), &[chunk, block]);

    // A copy with holes would be taken for whole.
    let matchers = [promql::matcher::Matcher::new(promql::matcher::MatchOp::Equal, "__name__", "m").unwrap()];
    let copied = raw(&db, &ask(AccessScope::ALL), &matchers, all, |_, _| Ok::<_, MetricsError>(()));
    assert!(matches!(copied, Err(MetricsError::Store(tsdb::TsdbError::Damaged { .. }))), "{copied:?}");
}

fn series_of(db: &Tsdb, ask: &Ask) -> usize {
    series(db, ask, &["m"], (i64::MIN, i64::MAX)).unwrap().len()
}

/// A counter with a reset, a gauge and an ended series over some blocks and the head.
fn long_engine() -> Tsdb {
    let clock = ManualClock::new(UnixNanos::from_millis(T0 + 3_600_000));
    let options = Options { min_free_bytes: 0, ..Options::new("metrics") };
    let db = Tsdb::open(Arc::new(SimDisk::new(1)), Arc::new(clock), options).unwrap();
    let named = |name: &str, i: i64| (Labels::from_pairs([("__name__", name)]), T0 + i * 5_000);
    for i in 0..720i64 {
        let values = [("c_total", (i % 500) * 3), ("g", (i * 37) % 101), ("ended", i)];
        let mut samples = Vec::new();
        for (name, v) in values.into_iter().filter(|(name, _)| *name != "ended" || i < 600) {
            let ((labels, t), v) = (
                named(name, i),
                if name == "ended" && i == 599 { f64::from_bits(model::STALE_NAN_BITS) } else { v as f64 },
            );
            samples.push((labels, t, v));
        }
        db.append_wait(samples).unwrap();
        if i % 250 == 249 {
            db.flush().unwrap();
        }
    }
    db
}

#[test]
fn one_window_is_answered_as_each_of_many() {
    let db = long_engine();
    let engine = Engine::default();
    let of = |name: &str| {
        ["rate", "increase", "max_over_time", "min_over_time", "last_over_time", "count_over_time", "present_over_time"]
            .map(|f| format!("{f}({name}[1h])"))
    };
    let names = ["c_total", "g", "ended"];
    let queries = names
        .into_iter()
        .flat_map(of)
        .chain(names.map(str::to_owned))
        .chain(["g @ end()".to_owned(), "max_over_time(g[30m] @ end())".to_owned()]);
    for query in queries {
        for at in [T0 + 3_595_000, T0 + 3_597_111, T0 + 2_999_999, T0 + 1_800_000, T0 + 60] {
            // A range of two steps sees every sample; its last step is the moment that is asked for alone.
            let both = QueryRange { start_ms: at - 1, end_ms: at, step_ms: 1 };
            let expected = range(&engine, &db, &ask(AccessScope::ALL), &query, both).unwrap().output.value;
            let alone = instant(&engine, &db, &ask(AccessScope::ALL), &query, at).unwrap().output.value;
            let (Value::Matrix(expected), Value::Vector(alone)) = (expected, alone) else { panic!("{query}") };
            let expected: Vec<_> = expected
                .iter()
                .filter_map(|s| {
                    Some((s.labels.to_string(), s.samples.iter().find(|p| p.t_ms == at)?.value.to_string()))
                })
                .collect();
            let alone: Vec<_> = alone.iter().map(|s| (s.labels.to_string(), s.value.to_string())).collect();
            assert_eq!(alone, expected, "{query} at {}", at - T0);
        }
    }
}
