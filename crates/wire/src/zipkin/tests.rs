//! Spans as clients of three kinds send them, and what becomes of them.

use model::{Span, Value};

use super::*;
use crate::otlp::{Limits, decode_traces};
use crate::protobuf::Writer;
use crate::rows::RowSpanSink;

const OPTIONS: Options = Options { now: UnixNanos(7_000), parse_string_tags: false };

const V2: &str = r#"[{"traceId":"5af7183fb1d4cf5f","id":"352bff9a74ca9ad2","parentId":"6b221d5bc9e6496c","name":"get /api",
  "kind":"CLIENT","timestamp":1556604172355737,"duration":1431,"debug":true,"unknown":{"a":[1]},
  "localEndpoint":{"serviceName":"backend","ipv4":"192.168.99.1","port":3306},
  "remoteEndpoint":{"serviceName":"db","ipv4":"172.19.0.2","port":58648},
  "annotations":[{"timestamp":1556604172355800,"value":"retry"}],
  "tags":{"http.method":"GET","error":"timed out","otel.scope.name":"lib","n":"12"}}]"#;

const V1: &str = r#"[{"traceId":"5af7183fb1d4cf5f","id":"352bff9a74ca9ad2","parentId":"6b221d5bc9e6496c","name":"get /api",
  "annotations":[
    {"timestamp":1556604172355737,"value":"cs","endpoint":{"serviceName":"backend","ipv4":"192.168.99.1","port":3306}},
    {"timestamp":1556604172357168,"value":"cr","endpoint":{"serviceName":"backend","ipv4":"192.168.99.1","port":3306}},
    {"timestamp":1556604172355800,"value":"retry"}],
  "binaryAnnotations":[
    {"key":"otel.scope.name","value":"lib"},{"key":"http.method","value":"GET"},{"key":"error","value":"timed out"},{"key":"n","value":"12"},
    {"key":"sa","value":true,"endpoint":{"serviceName":"db","ipv4":"172.19.0.2","port":58648}}]}]"#;

fn proto() -> Vec<u8> {
    let mut w = Writer::new();
    w.message(1, |w| {
        w.bytes(1, &0x5af7_183f_b1d4_cf5f_u64.to_be_bytes());
        w.bytes(2, &0x6b22_1d5b_c9e6_496c_u64.to_be_bytes());
        w.bytes(3, &0x352b_ff9a_74ca_9ad2_u64.to_be_bytes());
        w.uint(4, 1);
        w.string(5, "get /api");
        w.fixed64(6, 1_556_604_172_355_737);
        w.uint(7, 1431);
        for (field, name, ip, port) in [(8, "backend", [192, 168, 99, 1], 3306), (9, "db", [172, 19, 0, 2], 58648)] {
            w.message(field, |w| {
                w.string(1, name);
                w.bytes(2, &ip);
                w.uint(4, port);
            });
        }
        w.message(10, |w| {
            w.fixed64(1, 1_556_604_172_355_800);
            w.string(2, "retry");
        });
        for (k, v) in [("http.method", "GET"), ("error", "timed out"), ("otel.scope.name", "lib"), ("n", "12")] {
            w.message(11, |w| {
                w.string(1, k);
                w.string(2, v);
            });
        }
    });
    w.into_bytes()
}

fn rows(converted: &Converted) -> Vec<Span> {
    let mut sink = RowSpanSink::default();
    let decoded = decode_traces(&converted.request, &Limits::new(UnixNanos(1)), &mut sink).unwrap();
    assert_eq!((decoded.accepted, decoded.first_error), (converted.spans, None));
    sink.spans
}

fn check(converted: &Converted) {
    let spans = rows(converted);
    let [s] = spans.as_slice() else { panic!("{spans:?}") };
    assert_eq!(s.trace_id.to_string(), "00000000000000005af7183fb1d4cf5f");
    assert_eq!(s.parent_span_id.to_string(), "6b221d5bc9e6496c");
    assert_eq!(
        (s.name.as_str(), s.kind, s.resource.service(), s.scope.name.as_str()),
        ("get /api", 3, "backend", "lib")
    );
    assert_eq!((s.start.0, s.end.0 - s.start.0), (1_556_604_172_355_737_000, 1_431_000));
    assert_eq!((s.status.code, s.status.message.as_str()), (2, "timed out"));
    assert_eq!((s.events.len(), s.events[0].name.as_str()), (1, "retry"));
    let text = |v: &str| Value::Str(v.to_owned());
    let want = [
        ("http.method", text("GET")),
        ("error", text("timed out")),
        ("n", text("12")),
        ("net.host.ip", text("192.168.99.1")),
        ("net.host.port", Value::Int(3306)),
        ("peer.service", text("db")),
        ("net.peer.ip", text("172.19.0.2")),
        ("net.peer.port", Value::Int(58648)),
    ];
    assert_eq!(s.attributes, want.map(|(k, v)| (k.to_owned(), v)));
}

#[test]
fn the_versions_and_encodings_mean_the_same() {
    check(&json_v2(V2.as_bytes(), &OPTIONS).unwrap());
    check(&json_v1(V1.as_bytes(), &OPTIONS).unwrap());
    check(&proto_v2(&proto(), &OPTIONS).unwrap());
}

#[test]
fn both_sides_of_an_old_span_become_spans() {
    let both = r#"[{"traceId":"1","id":"2","name":"x","annotations":[
        {"timestamp":100,"value":"cs","endpoint":{"serviceName":"a"}},{"timestamp":400,"value":"cr","endpoint":{"serviceName":"a"}},
        {"timestamp":200,"value":"sr","endpoint":{"serviceName":"b"}},{"timestamp":300,"value":"ss","endpoint":{"serviceName":"b"}}]}]"#;
    let spans = rows(&json_v1(both.as_bytes(), &OPTIONS).unwrap());
    let got: Vec<_> = spans.iter().map(|s| (s.resource.service(), s.kind, s.start.0, s.end.0)).collect();
    assert_eq!(got, [("a", 3, 100_000, 400_000), ("b", 2, 200_000, 300_000)]);
}

#[test]
fn what_a_span_does_not_say() {
    let least = r#"[{"traceId":"0000000000000000000000000000000a","id":"b","parentId":"0"}]"#;
    let spans = rows(&json_v2(least.as_bytes(), &OPTIONS).unwrap());
    assert_eq!((spans[0].start, spans[0].end, spans[0].parent_span_id.is_zero()), (OPTIONS.now, OPTIONS.now, true));
    assert_eq!(spans[0].resource.service(), "unknown_service");
}

#[test]
fn tags_become_numbers_when_that_is_wanted() {
    let options = Options { parse_string_tags: true, ..OPTIONS };
    let spans = rows(&json_v2(V2.as_bytes(), &options).unwrap());
    assert_eq!(model::attributes::get(&spans[0].attributes, "n"), Some(&Value::Int(12)));
}

#[test]
fn errors_say_where() {
    let e = json_v2(br#"[{"traceId":"1","id":"2"},{"traceId":"xyz","id":"2"}]"#, &OPTIONS).unwrap_err();
    assert_eq!(e.to_string(), "span 1: traceId `xyz` is not an id; write up to 32 hex digits, not all zero");
    let e = json_v2(br#"{"traceId":"1"}"#, &OPTIONS).unwrap_err();
    assert!(e.to_string().contains("expected a list of spans at line 1 column 0"), "{e}");
    assert!(json_v2(b"[] x", &OPTIONS).is_err());
}

#[test]
fn mutated_spans_do_not_panic() {
    crate::mutation::run(crate::fuzz::fuzz_zipkin, &[V1.into(), V2.into(), proto()], 8000);
}
