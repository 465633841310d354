//! Every limit stops a query and says so.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use foundation::ErrorKind;
use promql::eval::{Engine, EngineOptions, EvalError, Output, QueryLimits, QueryRange, SeriesSource, Value};
use promql::series::parse_series;

use crate::storage::Storage;

fn storage() -> Storage {
    let mut storage = Storage::default();
    let (labels, values) = parse_series("m{a=\"b\"} 0+1x100").expect("valid series");
    storage.load(&labels, &values, None, 10_000);
    storage
}

fn range(engine: &Engine, source: &dyn SeriesSource, query: &str, limits: &QueryLimits) -> Result<Output, EvalError> {
    let expr = promql::parse(query).expect("valid query");
    engine.range(source, query, &expr, QueryRange { start_ms: 0, end_ms: 1_000_000, step_ms: 10_000 }, limits)
}

#[test]
fn samples_and_points_are_limited() {
    let none = QueryLimits::default();
    let few_samples = Engine::new(EngineOptions { max_samples: 50, ..EngineOptions::default() });
    let err = range(&few_samples, &storage(), "m", &none).expect_err("too many samples");
    assert_eq!(err, EvalError::TooManySamples { limit: 50 });
    assert_eq!(err.kind(), ErrorKind::LimitExceeded);
    let few_points = Engine::new(EngineOptions { max_points: 100, ..EngineOptions::default() });
    let err = range(&few_points, &storage(), "m", &none).expect_err("too many points");
    assert_eq!(err, EvalError::TooManyPoints { points: 101, limit: 100 });
    let err = range(&Engine::default(), &storage(), "sum_over_time(m[1y:1ms])", &none).expect_err("too many steps");
    assert_eq!(err.kind(), ErrorKind::InvalidInput);
}

#[test]
fn deadline_and_cancellation_stop_a_query() {
    let past = QueryLimits { deadline: Some(Instant::now()), ..QueryLimits::default() };
    let err = range(&Engine::default(), &storage(), "m", &past).expect_err("too late");
    assert_eq!(err, EvalError::TimedOut);
    let cancelled = QueryLimits { cancel: Some(Arc::new(AtomicBool::new(true))), ..QueryLimits::default() };
    let err = range(&Engine::default(), &storage(), "m", &cancelled).expect_err("cancelled");
    assert_eq!(err, EvalError::Cancelled);
    let later = QueryLimits { deadline: Some(Instant::now() + Duration::from_secs(3600)), ..QueryLimits::default() };
    let output = range(&Engine::default(), &storage(), "m", &later).expect("in time");
    assert_eq!(output.samples_loaded, 101);
}

#[test]
fn memory_of_values_is_limited() {
    let engine = Engine::new(EngineOptions { max_memory_bytes: 4_000, ..EngineOptions::default() });
    let none = QueryLimits::default();
    let err = range(&engine, &storage(), "m + on () group_right () (m * 2)", &none).expect_err("two vectors are kept");
    assert_eq!((&err, err.kind()), (&EvalError::TooMuchMemory { limit_bytes: 4_000 }, ErrorKind::LimitExceeded));
    assert!(err.to_string().contains("4000 bytes of memory"), "{err}");
    let output = range(&engine, &storage(), "count(m * 2)", &none).expect("a count keeps one row");
    assert!((1..4_000).contains(&output.peak_memory_bytes), "{}", output.peak_memory_bytes);
}

/// Many series of all kinds, so that threads get parts of them.
fn many() -> Storage {
    let mut storage = Storage::default();
    for i in 0..300 {
        let values = match i % 3 {
            0 => format!("{i}+{}x100", i % 7),
            1 => format!("{{{{count:{i} sum:1 buckets:[{i} 1]}}}}+{{{{count:2 buckets:[1 0 1]}}}}x100"),
            _ => format!("{i}x40 stale 3+1x50"),
        };
        let line = format!("m{{i=\"{i}\", g=\"{}\", le=\"{}\"}} {values}", i % 5, i / 10);
        let (labels, values) = parse_series(&line).expect("valid series");
        storage.load(&labels, &values, None, 10_000);
    }
    storage
}

#[test]
fn threads_change_nothing() {
    let source = many();
    for query in [
        "m",
        "sum by (g) (rate(m[1m]))",
        "avg by (g) (m * 2)",
        "stddev(m) + count(m)",
        "min by (g) (m) + max by (g) (m)",
        "topk by (g) (3, m)",
        "quantile(0.3, m)",
        "histogram_quantile(0.5, sum by (le) (m))",
        "histogram_count(sum by (g) (increase(m[2m])))",
        "max_over_time(rate(m[1m])[2m:20s])",
        "sort_desc(m) or -m",
        "m{g=\"1\"} + on (i) m",
    ] {
        let [one, four] = [1, 4].map(|threads| {
            let engine = Engine::new(EngineOptions { threads, ..EngineOptions::default() });
            range(&engine, &source, query, &QueryLimits::default()).expect(query)
        });
        assert_eq!((&one.warnings, &one.infos), (&four.warnings, &four.infos), "{query}");
        assert_eq!(one.samples_loaded, four.samples_loaded, "{query}");
        let (Value::Matrix(one), Value::Matrix(four)) = (one.value, four.value) else { panic!("no matrix") };
        assert_eq!(one.len(), four.len(), "{query}");
        for (a, b) in one.iter().zip(&four) {
            assert_eq!(
                (&a.labels, a.samples.len(), a.histograms.len()),
                (&b.labels, b.samples.len(), b.histograms.len())
            );
            let near = |a: f64, b: f64| (a - b).abs() <= 1e-12 * a.abs();
            assert!(
                a.samples.iter().zip(&b.samples).all(|(a, b)| a.t_ms == b.t_ms && near(a.value, b.value)),
                "{query}"
            );
            let counts = a.histograms.iter().zip(&b.histograms);
            assert!(counts.into_iter().all(|(a, b)| near(a.histogram.count, b.histogram.count)), "{query}");
        }
    }
}

#[test]
fn a_range_needs_a_direction_and_a_step() {
    let expr = promql::parse("m").expect("valid query");
    for (start_ms, end_ms, step_ms) in [(0, 10, 0), (10, 0, 1), (i64::MIN, i64::MAX, 1)] {
        let range = QueryRange { start_ms, end_ms, step_ms };
        let got = Engine::default().range(&storage(), "m", &expr, range, &QueryLimits::default());
        assert_eq!(got.expect_err("no range").kind(), ErrorKind::InvalidInput);
    }
    let err = range(&Engine::default(), &storage(), "m[5m]", &QueryLimits::default()).expect_err("a range vector");
    assert_eq!(err, EvalError::RangeQueryType { got: "range vector" });
}

#[test]
fn samples_are_counted_where_they_are_looked_at() {
    let counted = |query: &str| {
        let limits = QueryLimits { count_samples: true, ..QueryLimits::default() };
        range(&Engine::default(), &storage(), query, &limits).expect(query).samples_per_step.expect(query)
    };
    assert_eq!(counted("m"), [1; 101]);
    assert_eq!(counted("m + on () (m * 2)"), [2; 101]);
    assert_eq!(counted("m @ 100"), [1; 101]);
    assert_eq!(counted("vector(1) or none"), [0; 101]);
    let windows = counted("sum(sum_over_time(m[1m]))");
    assert_eq!((windows[..7].to_vec(), windows[100]), (vec![1, 2, 3, 4, 5, 6, 6], 6));
    // Only the results of a subquery: a rate needs two samples, which the step at 20 s is the first to have.
    let results = counted("max_over_time(rate(m[1m])[2m:20s])");
    assert_eq!((results[..5].to_vec(), results[100]), (vec![0, 0, 1, 1, 2], 6));
    let output = range(&Engine::default(), &storage(), "m", &QueryLimits::default()).expect("m");
    assert_eq!((output.samples_per_step, output.samples_largest_series), (None, 101));
}
