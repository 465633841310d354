//! Every limit stops a query and says so.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use foundation::ErrorKind;
use promql::eval::{Engine, EngineOptions, EvalError, Output, QueryLimits, QueryRange, SeriesSource};
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
