//! Every limit stops a query and says so; what is not evaluated is refused first.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use foundation::ErrorKind;
use promql::eval::{Engine, EngineOptions, EvalError, QueryLimits, QueryRange, SelectHints, Series, SeriesSource};
use promql::eval::{Output, SourceError};
use promql::matcher::Matcher;
use promql::series::parse_series;

use crate::storage::Storage;

fn storage() -> Storage {
    let mut storage = Storage::default();
    let (labels, values) = parse_series("m{a=\"b\"} 0+1x100").expect("valid series");
    storage.load(&labels, &values, 10_000);
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
    let past = QueryLimits { deadline: Some(Instant::now()), cancel: None };
    let err = range(&Engine::default(), &storage(), "m", &past).expect_err("too late");
    assert_eq!(err, EvalError::TimedOut);
    let cancelled = QueryLimits { deadline: None, cancel: Some(Arc::new(AtomicBool::new(true))) };
    let err = range(&Engine::default(), &storage(), "m", &cancelled).expect_err("cancelled");
    assert_eq!(err, EvalError::Cancelled);
    let later = QueryLimits { deadline: Some(Instant::now() + Duration::from_secs(3600)), cancel: None };
    let output = range(&Engine::default(), &storage(), "m", &later).expect("in time");
    assert_eq!(output.samples_loaded, 101);
}

/// A source that must not be asked.
struct Untouchable;

impl SeriesSource for Untouchable {
    fn select(&self, _: &[Matcher], _: i64, _: i64, _: SelectHints) -> Result<Vec<Series>, SourceError> {
        panic!("the source was asked");
    }
}

#[test]
fn unsupported_parts_are_refused_before_anything_is_read() {
    let cases = [
        ("m + histogram_sum(m)", "function `histogram_sum` is not supported by this version"),
        ("m >/ 1", "operator `>/` is not supported by this version"),
        ("max(start_timestamp(m))", "function `start_timestamp` is not supported by this version"),
    ];
    for (query, want) in cases {
        let err = range(&Engine::default(), &Untouchable, query, &QueryLimits::default()).expect_err(query);
        assert_eq!((err.to_string().as_str(), err.kind()), (want, ErrorKind::Unsupported));
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
