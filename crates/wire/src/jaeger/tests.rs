//! Batches as clients of three kinds send them, and what becomes of them.

use model::{Span, UnixNanos, Value};

use super::*;
use crate::otlp::{Limits, decode_traces};
use crate::protobuf::Writer;
use crate::rows::RowSpanSink;
use crate::thrift::Protocol;

/// Writes Thrift; only tests need that.
struct ThriftWriter {
    protocol: Protocol,
    out: Vec<u8>,
    last: Vec<i16>,
}

impl ThriftWriter {
    fn new(protocol: Protocol) -> Self {
        Self { protocol, out: Vec::new(), last: vec![0] }
    }

    fn varint(&mut self, mut v: u64) {
        while v >= 0x80 {
            self.out.push(v as u8 | 0x80);
            v >>= 7;
        }
        self.out.push(v as u8);
    }

    fn zigzag(&mut self, v: i64) {
        self.varint((v << 1 ^ v >> 63) as u64);
    }

    fn head(&mut self, id: i16, compact: u8, binary: u8) {
        let last = self.last.last_mut().unwrap();
        let delta = id - *last;
        *last = id;
        match self.protocol {
            Protocol::Binary => {
                self.out.push(binary);
                self.out.extend_from_slice(&id.to_be_bytes());
            }
            Protocol::Compact if (1..=15).contains(&delta) => self.out.push((delta as u8) << 4 | compact),
            Protocol::Compact => {
                self.out.push(compact);
                self.zigzag(id.into());
            }
        }
    }

    fn i32(&mut self, id: i16, v: i32) {
        self.head(id, 5, 8);
        match self.protocol {
            Protocol::Binary => self.out.extend_from_slice(&v.to_be_bytes()),
            Protocol::Compact => self.zigzag(v.into()),
        }
    }

    fn i64(&mut self, id: i16, v: i64) {
        self.head(id, 6, 10);
        match self.protocol {
            Protocol::Binary => self.out.extend_from_slice(&v.to_be_bytes()),
            Protocol::Compact => self.zigzag(v),
        }
    }

    fn double(&mut self, id: i16, v: f64) {
        self.head(id, 7, 4);
        match self.protocol {
            Protocol::Binary => self.out.extend_from_slice(&v.to_be_bytes()),
            Protocol::Compact => self.out.extend_from_slice(&v.to_le_bytes()),
        }
    }

    fn bool(&mut self, id: i16, v: bool) {
        self.head(id, if v { 1 } else { 2 }, 2);
        if self.protocol == Protocol::Binary {
            self.out.push(v.into());
        }
    }

    fn len(&mut self, n: usize) {
        match self.protocol {
            Protocol::Binary => self.out.extend_from_slice(&(n as i32).to_be_bytes()),
            Protocol::Compact => self.varint(n as u64),
        }
    }

    fn string(&mut self, id: i16, v: &str) {
        self.head(id, 8, 11);
        self.len(v.len());
        self.out.extend_from_slice(v.as_bytes());
    }

    fn body(&mut self, body: impl FnOnce(&mut Self)) {
        self.last.push(0);
        body(self);
        self.last.pop();
        self.out.push(0);
    }

    fn structure(&mut self, id: i16, body: impl FnOnce(&mut Self)) {
        self.head(id, 12, 12);
        self.body(body);
    }

    fn list<T>(&mut self, id: i16, items: &[T], each: impl Fn(&mut Self, &T)) {
        self.head(id, 9, 15);
        match self.protocol {
            Protocol::Binary => {
                self.out.push(12);
                self.out.extend_from_slice(&(items.len() as i32).to_be_bytes());
            }
            Protocol::Compact if items.len() < 15 => self.out.push((items.len() as u8) << 4 | 12),
            Protocol::Compact => {
                self.out.push(0xfc);
                self.varint(items.len() as u64);
            }
        }
        for item in items {
            self.body(|w| each(w, item));
        }
    }

    fn tags(&mut self, id: i16, tags: &[(&str, Value)]) {
        self.list(id, tags, |w, (key, value)| {
            w.string(1, key);
            match value {
                Value::Double(v) => {
                    w.i32(2, 1);
                    w.double(4, *v);
                }
                Value::Bool(v) => {
                    w.i32(2, 2);
                    w.bool(5, *v);
                }
                Value::Int(v) => {
                    w.i32(2, 3);
                    w.i64(6, *v);
                }
                other => {
                    w.i32(2, 0);
                    w.string(3, other.as_str().unwrap());
                }
            }
        });
    }
}

fn tags() -> Vec<(&'static str, Value)> {
    vec![
        ("span.kind", "client".into()),
        ("error", Value::Bool(true)),
        ("otel.status_description", "no route".into()),
        ("otel.library.name", "requests".into()),
        ("w3c.tracestate", "a=b".into()),
        ("ratio", Value::Double(0.25)),
        ("n", Value::Int(-7)),
    ]
}

fn thrift_batch(protocol: Protocol, call: bool) -> Vec<u8> {
    let mut w = ThriftWriter::new(protocol);
    let batch = |w: &mut ThriftWriter| {
        w.structure(1, |w| {
            w.string(1, "shop");
            w.tags(2, &[("hostname", "web-1".into()), ("jaeger.version", "Python-4.8.0".into())]);
        });
        w.list(2, &[1i64], |w, id| {
            w.i64(1, 0x0102);
            w.i64(2, 0x0304);
            w.i64(3, *id);
            w.i64(4, 9);
            w.string(5, "GET /");
            w.list(6, &[(0, 9i64), (1, 8)], |w, (kind, span)| {
                w.i32(1, *kind);
                w.i64(2, 0x0102);
                w.i64(3, 0x0304);
                w.i64(4, *span);
            });
            w.i32(7, 3);
            w.i64(8, 1_700_000_000_000_000);
            w.i64(9, 1500);
            w.tags(10, &tags());
            w.list(11, &[1_700_000_000_000_100i64], |w, t| {
                w.i64(1, *t);
                w.tags(2, &[("event", "retry".into()), ("attempt", Value::Int(2))]);
            });
        });
    };
    if call {
        match protocol {
            Protocol::Compact => w.out.extend_from_slice(b"\x82\x81\x00\x09emitBatch"),
            Protocol::Binary => w.out.extend_from_slice(b"\x80\x01\x00\x04\x00\x00\x00\x09emitBatch\x00\x00\x00\x00"),
        }
        w.body(|w| w.structure(1, batch));
    } else {
        batch(&mut w);
        w.out.push(0);
    }
    w.out
}

fn proto_batch() -> Vec<u8> {
    let mut trace = [0u8; 16];
    trace[6..8].copy_from_slice(&[3, 4]);
    trace[14..].copy_from_slice(&[1, 2]);
    let tag = |w: &mut Writer, field, key: &str, value: &Value| {
        w.message(field, |w| {
            w.string(1, key);
            match value {
                Value::Bool(v) => {
                    w.uint(2, 1);
                    w.uint(4, (*v).into());
                }
                Value::Int(v) => {
                    w.uint(2, 2);
                    w.uint(5, *v as u64);
                }
                Value::Double(v) => {
                    w.uint(2, 3);
                    w.double(6, *v);
                }
                other => w.string(3, other.as_str().unwrap()),
            }
        });
    };
    let mut w = Writer::new();
    w.message(1, |w| {
        w.message(1, |w| {
            w.bytes(1, &trace);
            w.bytes(2, &1u64.to_be_bytes());
            w.string(3, "GET /");
            for (kind, span) in [(0, 9u64), (1, 8)] {
                w.message(4, |w| {
                    w.bytes(1, &trace);
                    w.bytes(2, &span.to_be_bytes());
                    w.uint(3, kind);
                });
            }
            w.uint(5, 3);
            w.message(6, |w| w.uint(1, 1_700_000_000));
            w.message(7, |w| w.uint(2, 1_500_000));
            tags().iter().for_each(|(k, v)| tag(w, 8, k, v));
            w.message(9, |w| {
                w.message(1, |w| {
                    w.uint(1, 1_700_000_000);
                    w.uint(2, 100_000);
                });
                tag(w, 2, "event", &"retry".into());
                tag(w, 2, "attempt", &Value::Int(2));
            });
        });
        w.message(2, |w| {
            w.string(1, "shop");
            tag(w, 2, "hostname", &"web-1".into());
            tag(w, 2, "jaeger.version", &"Python-4.8.0".into());
        });
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
    assert_eq!(s.trace_id.to_string(), "00000000000003040000000000000102");
    assert_eq!(
        (s.span_id.to_string(), s.parent_span_id.to_string()),
        ("0000000000000001".into(), "0000000000000009".into())
    );
    assert_eq!((s.name.as_str(), s.kind, s.flags, s.trace_state.as_str()), ("GET /", 3, 1, "a=b"));
    assert_eq!((s.start.0, s.end.0 - s.start.0), (1_700_000_000_000_000_000, 1_500_000));
    assert_eq!((s.status.code, s.status.message.as_str()), (2, "no route"));
    assert_eq!(s.scope.name, "requests");
    assert_eq!(s.attributes, [("ratio".to_owned(), Value::Double(0.25)), ("n".to_owned(), Value::Int(-7))]);
    assert_eq!((s.events.len(), s.events[0].name.as_str()), (1, "retry"));
    assert_eq!(s.events[0].attributes, [("attempt".to_owned(), Value::Int(2))]);
    assert_eq!((s.links.len(), s.links[0].span_id.to_string()), (1, "0000000000000008".to_owned()));
    let resource: Vec<_> = s.resource.attributes.iter().map(|(k, v)| (k.as_str(), v.as_str().unwrap())).collect();
    assert_eq!(resource, [("service.name", "shop"), ("host.name", "web-1"), ("jaeger.version", "Python-4.8.0")]);
}

#[test]
fn the_encodings_mean_the_same() {
    for protocol in [Protocol::Compact, Protocol::Binary] {
        check(&batch(protocol, &thrift_batch(protocol, false)).unwrap());
        check(&emit_batch(protocol, &thrift_batch(protocol, true)).unwrap());
    }
    check(&post_spans(&proto_batch()).unwrap());
}

#[test]
fn what_is_cut_off_is_refused() {
    let whole = thrift_batch(Protocol::Compact, true);
    for end in 0..whole.len() {
        assert!(emit_batch(Protocol::Compact, &whole[..end]).is_err(), "{end}");
    }
    let e = emit_batch(Protocol::Binary, &whole).unwrap_err();
    assert_eq!(e.to_string(), "the batch is not valid Thrift: not a message of this protocol at byte 4");
}

#[test]
fn other_calls_are_named() {
    let e = emit_batch(Protocol::Compact, b"\x82\x81\x00\x0femitZipkinBatch\x00").unwrap_err();
    assert_eq!(e.to_string(), "there is no method `emitZipkinBatch`; agents are sent `emitBatch`");
}

#[test]
fn http_codes_say_how_a_span_ended_when_nothing_else_does() {
    let mut w = ThriftWriter::new(Protocol::Compact);
    w.list(2, &[("client", 404), ("server", 404), ("server", 503)], |w, (kind, code)| {
        w.i64(1, 1);
        w.i64(3, 1);
        w.i64(8, 1);
        w.tags(10, &[("span.kind", Value::Str((*kind).into())), ("http.status_code", Value::Int(*code))]);
    });
    w.out.push(0);
    let codes: Vec<_> = rows(&batch(Protocol::Compact, &w.out).unwrap()).iter().map(|s| s.status.code).collect();
    assert_eq!(codes, [2, 0, 2]);
}

#[test]
fn mutated_batches_do_not_panic() {
    let mut samples = vec![proto_batch()];
    for protocol in [Protocol::Compact, Protocol::Binary] {
        samples.extend([thrift_batch(protocol, false), thrift_batch(protocol, true)]);
    }
    crate::mutation::run(crate::fuzz::fuzz_jaeger, &samples, 8000);
}
