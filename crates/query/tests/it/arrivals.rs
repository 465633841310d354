//! Who sent what, and what is odd about it.

use model::trace::Resource;
use model::{LogRecord, TraceId};
use query::EventSignal;
use query::arrivals::{Example, Oddity, events};

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
