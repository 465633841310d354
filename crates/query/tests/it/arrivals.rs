//! Who sent what, and what is odd about it.

use model::trace::Resource;
use model::{LogRecord, TraceId};
use query::EventSignal;
use query::arrivals::{Example, Oddity, events, metrics};

use super::*;

#[test]
fn services_are_listed_with_an_example_and_what_is_odd() {
    let store = store();
    let mut resource = service("api");
    resource.attributes.extend([
        ("telemetry.sdk.language".into(), "go".into()),
        ("telemetry.sdk.name".into(), "opentelemetry".into()),
        ("telemetry.sdk.version".into(), "1.30".into()),
    ]);
    let log = |seconds, resource: &Resource, trace: u8| LogRecord {
        time: at(seconds),
        observed_time: at(seconds),
        body: "x".into(),
        trace_id: TraceId([trace; 16]),
        resource: resource.clone(),
        ..LogRecord::default()
    };
    let nobody = Resource::default();
    put_logs(&store, &[log(1, &resource, 1), log(2, &resource, 0), log(3, &resource, 0), log(300, &nobody, 0)]);
    let found = events(&store, EventSignal::Logs, &ask(""), at(10)).unwrap();
    let lines: Vec<_> = found.iter().map(|a| (a.service.as_str(), a.count, a.first, a.last)).collect();
    assert_eq!(lines, [("api", 3, at(1), at(3)), ("unknown_service", 1, at(300), at(300))]);
    assert_eq!((found[0].language.as_deref(), found[0].sdk.as_deref()), (Some("go"), Some("opentelemetry 1.30")));
    assert!(matches!(found[0].example, Example::Log(id) if id.time == at(3)));
    assert_eq!(found[0].oddities, []);
    let ahead = Oddity::ClockAhead { nanos: 290_000_000_000 };
    assert_eq!(found[1].oddities, [Oddity::NoServiceName, ahead, Oddity::NoTraceIds]);
    assert_eq!(events(&store, EventSignal::Traces, &ask(""), at(10)).unwrap(), []);
}

#[test]
fn services_of_metrics_are_listed_without_what_is_derived() {
    let clock = Arc::new(foundation::clock::ManualClock::new(at(600)));
    let disk = Arc::new(foundation::disk::sim::SimDisk::new(1));
    let db = tsdb::Tsdb::open(disk, clock, tsdb::Options::new("metrics")).unwrap();
    let labels = |name: &str, more: &[(&str, &str)]| {
        let own = [("__name__", name), ("service", "api")];
        model::Labels::from_pairs(own.into_iter().chain(more.iter().copied()))
    };
    let mut samples = Vec::new();
    for step in 0..=40 {
        let t = at(step * 15).as_millis();
        samples.push((labels("http_seconds_bucket", &[("le", "7500")]), t, step as f64));
        let derived = [("__name__", "traces_span_metrics_calls_total"), ("service", "from-spans")];
        samples.push((model::Labels::from_pairs(derived), t, 1.0));
    }
    samples.push((labels("target_info", &[("telemetry_sdk_language", "go")]), at(600).as_millis(), 1.0));
    db.append_wait(samples).unwrap();
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
    let ask = query::metrics::Ask::new(AccessScope::ALL, deadline, Arc::default());
    let found = metrics(&db, &ask, (at(300).as_millis(), at(600).as_millis()), at(600)).unwrap();
    let [api] = &found[..] else { panic!("{found:?}") };
    assert_eq!((api.service.as_str(), api.language.as_deref(), api.count), ("api", Some("go"), 1));
    assert_eq!((api.first, api.last), (at(0), at(600)));
    assert_eq!(api.example, Example::Metric("http_seconds_bucket".to_owned()));
    assert_eq!(api.oddities, [Oddity::DefaultBounds]);
}
