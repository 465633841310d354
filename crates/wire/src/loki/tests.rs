//! Pushes in both encodings, and what becomes of them.

use model::LogRecord;

use super::*;
use crate::otlp::{Limits, decode_logs};
use crate::rows::RowLogSink;

const NOW: UnixNanos = UnixNanos(1_700_000_001_000_000_000);
const JSON: &str = r#"{"streams":[{"stream":{"service_name":"shop","env":"prod","level":"warn"},"values":[
    ["1700000000000000000","first"],
    ["1700000000000000001","second",{"trace_id":"4bf92f3577b34da6a3ce929d0e0e4736","level":"error"}]]}]}"#;

fn proto() -> Vec<u8> {
    let mut w = Writer::new();
    w.message(1, |w| {
        w.string(1, "{service_name=\"shop\", env=\"prod\",level=`warn`}");
        for (nanos, line) in [(0, "first"), (1, "second")] {
            w.message(2, |w| {
                w.message(1, |w| {
                    w.uint(1, 1_700_000_000);
                    w.uint(2, nanos);
                });
                w.string(2, line);
                if nanos == 1 {
                    for (k, v) in [("trace_id", "4bf92f3577b34da6a3ce929d0e0e4736"), ("level", "error")] {
                        w.message(3, |w| {
                            w.string(1, k);
                            w.string(2, v);
                        });
                    }
                }
            });
        }
    });
    w.into_bytes()
}

fn rows(converted: &Converted) -> Vec<LogRecord> {
    let mut sink = RowLogSink::default();
    let decoded = decode_logs(&converted.request, &Limits::new(UnixNanos(1)), &mut sink).unwrap();
    assert_eq!(decoded.accepted, converted.records);
    sink.records
}

#[test]
fn the_encodings_mean_the_same() {
    let (a, b) = (rows(&json(JSON.as_bytes(), NOW).unwrap()), rows(&protobuf(&proto(), NOW).unwrap()));
    assert_eq!(a, b);
    let got: Vec<_> = a.iter().map(|r| (r.body.as_str().unwrap(), r.severity_number, r.time.0 % 10)).collect();
    assert_eq!(got, [("first", 13, 0), ("second", 17, 1)]);
    assert_eq!(a[1].trace_id.to_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
    let resource: Vec<_> = a[0].resource.attributes.iter().map(|(k, v)| (k.as_str(), v.as_str().unwrap())).collect();
    assert_eq!(resource, [("service.name", "shop"), ("env", "prod"), ("level", "warn")]);
}

#[test]
fn errors_say_where() {
    let e = json(br#"{"streams":[{"values":[["soon","x"]]}]}"#, NOW).unwrap_err();
    assert!(e.to_string().contains("`soon` is not a time in nanoseconds at line 1"), "{e}");
    let mut w = Writer::new();
    w.message(1, |w| w.string(1, "job=api"));
    let e = protobuf(w.as_bytes(), NOW).unwrap_err();
    assert_eq!(e.to_string(), "stream 0: `job=api` are not labels; write them as `{name=\"value\"}`");
}

#[test]
fn labels_with_quotes_and_escapes() {
    let pair = |k: &str, v: &str| (k.to_owned(), v.to_owned());
    assert_eq!(labels::parse(r#"{a="x\"\n\u00fc", b="}"}"#), Some(vec![pair("a", "x\"\nü"), pair("b", "}")]));
    assert_eq!(labels::parse("{}"), Some(vec![]));
    for bad in ["", "{a}", "{a=\"}", "{a=\"x\" b=\"y\"}", "{a=x}"] {
        assert_eq!(labels::parse(bad), None, "{bad}");
    }
}

#[test]
fn mutated_pushes_do_not_panic() {
    let lines = b"{\"msg\":\"x\",\"a\":[1,{\"b\":null}]}\nplain\n".to_vec();
    crate::mutation::run(crate::fuzz::fuzz_pushed_logs, &[JSON.into(), proto(), lines], 8000);
}
