//! A JSON request, streamed into the protobuf encoding of the same request.

use std::fmt::{self, Write as _};

use foundation::ErrorKind;
use model::Signal;
use serde::Deserializer;
use serde::de::{DeserializeSeed, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use thiserror::Error;

use super::super::schema::{self, Field, Kind, Message};
use super::scalar::{self, Scalar};
use crate::protobuf::Writer;

/// How deep objects and arrays of the schema may nest in a request. A map that nests as deep as an
/// attribute value may ([`crate::sink::MAX_NESTING`]) needs four for each level and ten around it.
pub const MAX_DEPTH: usize = 160;

/// A request that is not JSON, or not OTLP's.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{message} at line {line} column {column}{}{path}", if path.is_empty() { "" } else { " in " })]
pub struct JsonError {
    /// What is wrong.
    pub message: String,
    /// The line, from 1; 0 when unknown.
    pub line: usize,
    /// The column in bytes, from 1; 0 when unknown.
    pub column: usize,
    /// The place in the schema's names, for example `resourceSpans[0].scopeSpans[1].spans[3].kind`.
    pub path: String,
}

impl JsonError {
    /// What a caller can do about it.
    pub const fn kind(&self) -> ErrorKind {
        ErrorKind::InvalidInput
    }
}

/// Rewrites an OTLP JSON request as protobuf, for the decoder of the same signal.
///
/// # Errors
/// When the text is not JSON, a field has a value that its type does not have, or nesting exceeds [`MAX_DEPTH`].
pub fn to_protobuf(signal: Signal, json: &[u8]) -> Result<Vec<u8>, JsonError> {
    let message = match signal {
        Signal::Traces => &schema::TRACES_REQUEST,
        Signal::Metrics => &schema::METRICS_REQUEST,
        Signal::Logs => &schema::LOGS_REQUEST,
    };
    // Once for all, instead of once for each text.
    let json = simdutf8::compat::from_utf8(json).map_err(|e| not_utf8(json, e.valid_up_to()))?;
    let mut output = Output { writer: Writer::new(), path: Vec::new(), depth: 0 };
    let mut input = serde_json::Deserializer::from_str(json);
    // `Output` counts the depth of what it reads; unknown fields are skipped without recursion.
    input.disable_recursion_limit();
    let read = input.deserialize_any(Fields { output: &mut output, message }).and_then(|()| input.end());
    match read {
        Ok(()) => Ok(output.writer.into_bytes()),
        Err(e) => Err(located(&e, &output.path)),
    }
}

fn not_utf8(json: &[u8], valid: usize) -> JsonError {
    let before = json.get(..valid).unwrap_or_default();
    let line_start = before.iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
    JsonError {
        message: "the text is not valid UTF-8".to_owned(),
        line: 1 + before.iter().filter(|b| **b == b'\n').count(),
        column: 1 + valid - line_start,
        path: String::new(),
    }
}

fn located(e: &serde_json::Error, path: &[Step]) -> JsonError {
    let mut message = e.to_string();
    if let Some(at) = message.rfind(" at line ") {
        message.truncate(at);
    }
    let mut text = String::new();
    for step in path {
        // Writing to a String cannot fail.
        let _ = match step {
            Step::Field(name) if text.is_empty() => write!(text, "{name}"),
            Step::Field(name) => write!(text, ".{name}"),
            Step::Index(i) => write!(text, "[{i}]"),
        };
    }
    JsonError { message, line: e.line(), column: e.column(), path: text }
}

#[derive(Debug, Clone, Copy)]
enum Step {
    Field(&'static str),
    Index(usize),
}

/// What was written, and where in the schema reading stands. After an error it stands where the error is.
struct Output {
    writer: Writer,
    path: Vec<Step>,
    depth: usize,
}

impl Output {
    fn enter<E: serde::de::Error>(&mut self) -> Result<(), E> {
        if self.depth == MAX_DEPTH {
            return Err(E::custom(format_args!("objects and arrays nest deeper than {MAX_DEPTH}")));
        }
        self.depth += 1;
        Ok(())
    }

    fn leave(&mut self) {
        self.depth -= 1;
    }
}

/// Reads an object's fields into the message that is open.
struct Fields<'o> {
    output: &'o mut Output,
    message: &'static Message,
}

impl<'de> Visitor<'de> for Fields<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        self.output.enter()?;
        while let Some(field) = map.next_key_seed(Name(self.message))? {
            match field {
                Some(field) => {
                    self.output.path.push(Step::Field(field.name));
                    map.next_value_seed(FieldValue { output: self.output, field, element: false })?;
                    self.output.path.pop();
                }
                None => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        self.output.leave();
        Ok(())
    }
}

/// Looks up a field by its key, without keeping the key.
struct Name(&'static Message);

impl<'de> DeserializeSeed<'de> for Name {
    type Value = Option<&'static Field>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Name {
    type Value = Option<&'static Field>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a field name")
    }

    fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<Self::Value, E> {
        Ok(self.0.field(name))
    }
}

/// Writes one value of a field, or all of them if it is repeated.
struct FieldValue<'o> {
    output: &'o mut Output,
    field: &'static Field,
    /// Whether this is one of the values of a repeated field.
    element: bool,
}

impl FieldValue<'_> {
    fn scalar<E: serde::de::Error>(self, scalar: Scalar<'_>) -> Result<(), E> {
        if self.field.repeated() && !self.element {
            return Err(E::custom("expected an array"));
        }
        scalar::write(&mut self.output.writer, self.field, scalar).map_err(E::custom)
    }
}

impl<'de> DeserializeSeed<'de> for FieldValue<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for FieldValue<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match (self.field.kind, self.field.repeated() && !self.element) {
            (_, true) => "an array",
            (Kind::Message(_), _) => "an object",
            _ => "a text or number",
        })
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<(), A::Error> {
        let Kind::Message(message) = self.field.kind else {
            return Err(A::Error::custom("expected a text or number, found an object"));
        };
        if self.field.repeated() && !self.element {
            return Err(A::Error::custom("expected an array, found an object"));
        }
        let open = self.output.writer.open(self.field.number);
        Fields { output: self.output, message }.visit_map(map)?;
        self.output.writer.close(open);
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        if !self.field.repeated() || self.element {
            return Err(A::Error::custom("expected one value, found an array"));
        }
        self.output.enter()?;
        for index in 0.. {
            self.output.path.push(Step::Index(index));
            let next = FieldValue { output: self.output, field: self.field, element: true };
            let more = seq.next_element_seed(next)?.is_some();
            self.output.path.pop();
            if !more {
                break;
            }
        }
        self.output.leave();
        Ok(())
    }

    /// `null` is a field that is not set; among the elements of an array it is an empty message.
    fn visit_unit<E: serde::de::Error>(self) -> Result<(), E> {
        match self.field.kind {
            _ if !self.element => {}
            Kind::Message(_) => self.output.writer.bytes(self.field.number, b""),
            _ => return Err(E::custom("expected a text or number, found null")),
        }
        Ok(())
    }

    fn visit_str<E: serde::de::Error>(self, v: &str) -> Result<(), E> {
        self.scalar(Scalar::Text(v))
    }

    fn visit_bool<E: serde::de::Error>(self, v: bool) -> Result<(), E> {
        self.scalar(Scalar::Bool(v))
    }

    fn visit_i64<E: serde::de::Error>(self, v: i64) -> Result<(), E> {
        self.scalar(Scalar::Int(v.into()))
    }

    fn visit_u64<E: serde::de::Error>(self, v: u64) -> Result<(), E> {
        self.scalar(Scalar::Int(v.into()))
    }

    fn visit_f64<E: serde::de::Error>(self, v: f64) -> Result<(), E> {
        self.scalar(Scalar::Double(v))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::otlp::{Limits, decode_logs, decode_traces};
    use crate::rows::{RowLogSink, RowSpanSink};
    use foundation::UnixNanos;
    use model::{Span, Value};

    fn spans(json: &str) -> Vec<Span> {
        let request = to_protobuf(Signal::Traces, json.as_bytes()).unwrap();
        let mut sink = RowSpanSink::default();
        decode_traces(&request, &Limits::new(UnixNanos(1)), &mut sink).unwrap();
        sink.spans
    }

    fn failure(json: &str) -> JsonError {
        to_protobuf(Signal::Traces, json.as_bytes()).unwrap_err()
    }

    #[test]
    fn reads_the_spellings_that_senders_use() {
        let strict = r#"{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"api"}}]},
            "scopeSpans":[{"scope":{"name":"lib"},"spans":[{"traceId":"4BF92F3577B34DA6A3CE929D0E0E4736",
            "spanId":"00f067aa0ba902b7","parentSpanId":"","name":"GET","kind":2,"startTimeUnixNano":"1700000000000000000",
            "endTimeUnixNano":"1700000000000000005","attributes":[{"key":"n","value":{"intValue":"-5"}},
            {"key":"d","value":{"doubleValue":"NaN"}},{"key":"b","value":{"bytesValue":"AP8="}}],
            "status":{"code":2,"message":"b\u00e4d"}}]}]}]}"#;
        let loose = r#" {"ignored":{"deep":[1,{"a":null}]},"resource_spans":[{"resource":{"attributes":[{"key":"service.name",
            "value":{"string_value":"api"}}]},"scope_spans":[{"scope":{"name":"lib","version":null},"spans":[{
            "trace_id":"4bf92f3577b34da6a3ce929d0e0e4736","span_id":"00F067AA0BA902B7","parent_span_id":null,"name":"GET",
            "kind":"SPAN_KIND_SERVER","start_time_unix_nano":1700000000000000000,"end_time_unix_nano":1700000000000000005,
            "attributes":[{"key":"n","value":{"int_value":-5}},{"key":"d","value":{"doubleValue":"NaN"}},
            {"key":"b","value":{"bytesValue":"AP8"}}],
            "status":{"code":"STATUS_CODE_ERROR","message":"b\u00e4d"}}],"schemaUrl":null}]}]} "#;
        let (strict, loose) = (spans(strict), spans(loose));
        assert_eq!(strict.len(), 1);
        let span = &strict[0];
        assert_eq!(span.trace_id.to_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_eq!((span.kind, span.start.0, span.end.0), (2, 1_700_000_000_000_000_000, 1_700_000_000_000_000_005));
        assert_eq!(span.attributes[0], ("n".into(), Value::Int(-5)));
        assert_eq!(span.attributes[2], ("b".into(), Value::Bytes(vec![0, 255])));
        assert_eq!(span.resource.service(), "api");
        assert_eq!(format!("{strict:?}"), format!("{loose:?}"));
    }

    #[test]
    fn an_empty_object_is_an_empty_request() {
        assert_eq!(to_protobuf(Signal::Metrics, b"{}"), Ok(vec![]));
    }

    #[test]
    fn errors_name_the_place() {
        let e = failure("{\"resourceSpans\":[{},{\"scopeSpans\":[{\"spans\":[\n{\"kind\":\"SERVER\"}]}]}]}");
        assert_eq!((e.line, e.path.as_str()), (2, "resourceSpans[1].scopeSpans[0].spans[0].kind"));
        assert_eq!(
            e.message,
            "expected an enum's number or name such as SPAN_KIND_CONSUMER, found the text \"SERVER\""
        );
        for (json, path, message) in [
            ("", "", "EOF while parsing a value"),
            ("[]", "", "invalid type: sequence, expected an object"),
            ("{} {}", "", "trailing characters"),
            (r#"{"resourceSpans":{}}"#, "resourceSpans", "expected an array, found an object"),
            (r#"{"resourceSpans":[5]}"#, "resourceSpans[0]", "expected an object, found 5"),
            (r#"{"resourceSpans":[{"schemaUrl":["#, "resourceSpans[0].schemaUrl", "expected one value, found an array"),
            (
                r#"{"resourceSpans":[{"resource":{"droppedAttributesCount":-1"#,
                "resourceSpans[0].resource.droppedAttributesCount",
                "expected an integer from 0 to 4294967295, found -1",
            ),
            (
                r#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"S/kvNXezTaajzpKdDg5HNg=="#,
                "resourceSpans[0].scopeSpans[0].spans[0].traceId",
                "EOF while parsing a string",
            ),
            (
                r#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"S/kvNXezTaajzpKdDg5HNg=="}"#,
                "resourceSpans[0].scopeSpans[0].spans[0].traceId",
                "expected hex digits, two for each byte, found the text \"S/kvNXezTaajzpKdDg5HNg==\"",
            ),
        ] {
            let e = failure(json);
            assert_eq!((e.path.as_str(), e.message.as_str()), (path, message), "{json}");
        }
    }

    #[test]
    fn text_that_is_not_utf8_is_refused() {
        let e = to_protobuf(Signal::Traces, b"{\n  \"a\": \"\xff\"}").unwrap_err();
        assert_eq!((e.line, e.column), (2, 9));
    }

    #[test]
    fn nesting_is_limited_by_the_record_and_in_the_end_by_the_request() {
        let nested = |n: usize| {
            let open = r#"{"kvlistValue":{"values":[{"key":"k","value":"#.repeat(n);
            let close = "}]}}".repeat(n);
            let record = format!(r#"{{"timeUnixNano":"5","body":{open}{{}}{close}}}"#);
            format!(r#"{{"resourceLogs":[{{"scopeLogs":[{{"logRecords":[{record},{{"timeUnixNano":6}}]}}]}}]}}"#)
        };
        let decode = |n| {
            let request = to_protobuf(Signal::Logs, nested(n).as_bytes())?;
            let decoded = decode_logs(&request, &Limits::new(UnixNanos(1)), &mut RowLogSink::default()).unwrap();
            Ok::<_, JsonError>((decoded.accepted, decoded.rejected))
        };
        assert_eq!(decode(32), Ok((2, 0)));
        assert_eq!(decode(33), Ok((1, 1)));
        let e = decode(20_000).unwrap_err();
        assert_eq!(e.message, "objects and arrays nest deeper than 160");
        let unknown = format!("{{\"unknown\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(to_protobuf(Signal::Logs, unknown.as_bytes()), Ok(vec![]));
    }
}
