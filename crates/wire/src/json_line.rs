//! A line of JSON as the attributes of a log record, in one pass from text to protobuf.
//!
//! What a caller looks for (the message, the time, ...) is shown to it; everything else is written as `KeyValue`s.
//! Source: RFC 8259; opentelemetry/proto/common/v1/common.proto.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::protobuf::Writer;

/// The keys that mean something, at the top of the line. The first that is there counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Interest<'i> {
    /// The text of the record.
    pub message: &'i [&'i str],
    /// When it happened.
    pub time: &'i [&'i str],
    /// How bad it is.
    pub severity: &'i [&'i str],
    /// The trace.
    pub trace_id: &'i [&'i str],
    /// The span.
    pub span_id: &'i [&'i str],
    /// The service.
    pub service: &'i [&'i str],
    /// Whether what was found is an attribute all the same.
    pub keep: bool,
}

/// The keys that loggers of many languages use.
pub const COMMON: Interest<'static> = Interest {
    message: &["message", "msg", "_msg", "body", "log", "event"],
    time: &["timestamp", "time", "@timestamp", "ts", "_time", "datetime"],
    severity: &["level", "severity", "severity_text", "lvl", "loglevel", "log.level", "levelname"],
    trace_id: &["trace_id", "traceId", "traceid", "trace.id", "dd.trace_id"],
    span_id: &["span_id", "spanId", "spanid", "span.id", "dd.span_id"],
    service: &["service.name", "service", "service_name"],
    keep: false,
};

/// A value of a key that was looked for.
#[derive(Debug, Clone, PartialEq)]
pub enum Scalar<'a> {
    /// A text.
    Str(Cow<'a, str>),
    /// A whole number.
    Int(i64),
    /// Another number.
    Double(f64),
    /// True or false.
    Bool(bool),
    /// Nothing.
    Null,
}

impl Scalar<'_> {
    /// As text.
    pub fn to_text(&self) -> Cow<'_, str> {
        match self {
            Self::Str(s) => Cow::Borrowed(s),
            Self::Int(n) => Cow::Owned(n.to_string()),
            Self::Double(n) => Cow::Owned(n.to_string()),
            Self::Bool(b) => Cow::Borrowed(if *b { "true" } else { "false" }),
            Self::Null => Cow::Borrowed(""),
        }
    }

    fn write(&self, w: &mut Writer) {
        match self {
            Self::Str(s) => w.string(1, s),
            Self::Bool(b) => w.uint(2, u64::from(*b)),
            Self::Int(n) => w.uint(3, *n as u64),
            Self::Double(n) => w.double(4, *n),
            Self::Null => {}
        }
    }
}

/// What was looked for and is there.
#[derive(Debug, Clone, PartialEq, Default)]
#[expect(missing_docs, reason = "the names are those of `Interest`")]
pub struct Found<'a> {
    pub message: Option<Scalar<'a>>,
    pub time: Option<Scalar<'a>>,
    pub severity: Option<Scalar<'a>>,
    pub trace_id: Option<Scalar<'a>>,
    pub span_id: Option<Scalar<'a>>,
    pub service: Option<Scalar<'a>>,
}

/// Reads an object and writes its members as `KeyValue`s in `field` of the message that `w` writes.
///
/// # Errors
/// A line that is not one JSON object; what was written until then must be thrown away.
pub fn read<'a>(
    line: &'a str,
    interest: &Interest<'_>,
    field: u32,
    w: &mut Writer,
) -> Result<Found<'a>, serde_json::Error> {
    let mut found = Found::default();
    let mut d = serde_json::Deserializer::from_str(line);
    d.deserialize_map(Top { interest, field, w, found: &mut found })?;
    d.end()?;
    Ok(found)
}

struct Top<'i, 'w, 'f, 'a> {
    interest: &'i Interest<'i>,
    field: u32,
    w: &'w mut Writer,
    found: &'f mut Found<'a>,
}

impl<'a> Visitor<'a> for Top<'_, '_, '_, 'a> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<(), A::Error> {
        let Self { interest, field, w, found } = self;
        while let Some(key) = map.next_key_seed(Text)? {
            let is = |names: &[&str]| names.contains(&&*key);
            let slot = match () {
                () if is(interest.message) && found.message.is_none() => Some(&mut found.message),
                () if is(interest.time) && found.time.is_none() => Some(&mut found.time),
                () if is(interest.severity) && found.severity.is_none() => Some(&mut found.severity),
                () if is(interest.trace_id) && found.trace_id.is_none() => Some(&mut found.trace_id),
                () if is(interest.span_id) && found.span_id.is_none() => Some(&mut found.span_id),
                () if is(interest.service) && found.service.is_none() => Some(&mut found.service),
                () => None,
            };
            let entry = w.open(field);
            w.string(1, &key);
            let value = w.open(2);
            let wanted = slot.is_some();
            let scalar = map.next_value_seed(AnyValue { w: &mut *w, scalar: wanted })?;
            match (slot, scalar) {
                (Some(slot), Some(scalar)) => {
                    if interest.keep {
                        scalar.write(w);
                        w.close(value);
                        w.close(entry);
                    } else {
                        w.abandon(entry);
                    }
                    *slot = Some(scalar);
                }
                _ => {
                    w.close(value);
                    w.close(entry);
                }
            }
        }
        Ok(())
    }
}

/// A text, borrowed where the line has no escapes in it.
struct Text;

impl<'a> DeserializeSeed<'a> for Text {
    type Value = Cow<'a, str>;

    fn deserialize<D: Deserializer<'a>>(self, d: D) -> Result<Cow<'a, str>, D::Error> {
        d.deserialize_str(self)
    }
}

impl<'a> Visitor<'a> for Text {
    type Value = Cow<'a, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }

    fn visit_borrowed_str<E: Error>(self, v: &'a str) -> Result<Cow<'a, str>, E> {
        Ok(Cow::Borrowed(v))
    }

    fn visit_str<E: Error>(self, v: &str) -> Result<Cow<'a, str>, E> {
        Ok(Cow::Owned(v.to_owned()))
    }
}

/// Writes the fields of an `AnyValue`; a scalar that is wanted is given back instead.
struct AnyValue<'w> {
    w: &'w mut Writer,
    scalar: bool,
}

impl AnyValue<'_> {
    fn give<'a>(self, scalar: Scalar<'a>) -> Option<Scalar<'a>> {
        if self.scalar {
            return Some(scalar);
        }
        scalar.write(self.w);
        None
    }
}

impl<'a> DeserializeSeed<'a> for AnyValue<'_> {
    type Value = Option<Scalar<'a>>;

    fn deserialize<D: Deserializer<'a>>(self, d: D) -> Result<Option<Scalar<'a>>, D::Error> {
        d.deserialize_any(self)
    }
}

impl<'a> Visitor<'a> for AnyValue<'_> {
    type Value = Option<Scalar<'a>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_borrowed_str<E: Error>(self, v: &'a str) -> Result<Self::Value, E> {
        Ok(self.give(Scalar::Str(Cow::Borrowed(v))))
    }

    fn visit_str<E: Error>(self, v: &str) -> Result<Self::Value, E> {
        if self.scalar {
            return Ok(Some(Scalar::Str(Cow::Owned(v.to_owned()))));
        }
        self.w.string(1, v);
        Ok(None)
    }

    fn visit_bool<E: Error>(self, v: bool) -> Result<Self::Value, E> {
        Ok(self.give(Scalar::Bool(v)))
    }

    fn visit_i64<E: Error>(self, v: i64) -> Result<Self::Value, E> {
        Ok(self.give(Scalar::Int(v)))
    }

    fn visit_u64<E: Error>(self, v: u64) -> Result<Self::Value, E> {
        Ok(self.give(i64::try_from(v).map_or(Scalar::Double(v as f64), Scalar::Int)))
    }

    fn visit_f64<E: Error>(self, v: f64) -> Result<Self::Value, E> {
        Ok(self.give(Scalar::Double(v)))
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(self.give(Scalar::Null))
    }

    fn visit_seq<A: SeqAccess<'a>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let list = self.w.open(5);
        loop {
            let item = self.w.open(1);
            if seq.next_element_seed(AnyValue { w: &mut *self.w, scalar: false })?.is_none() {
                self.w.abandon(item);
                break;
            }
            self.w.close(item);
        }
        self.w.close(list);
        Ok(None)
    }

    fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let list = self.w.open(6);
        while let Some(key) = map.next_key_seed(Text)? {
            let entry = self.w.open(1);
            self.w.string(1, &key);
            let value = self.w.open(2);
            map.next_value_seed(AnyValue { w: &mut *self.w, scalar: false })?;
            self.w.close(value);
            self.w.close(entry);
        }
        self.w.close(list);
        Ok(None)
    }
}

/// Whether a text is one JSON object.
pub fn is_object(line: &str) -> bool {
    struct Object;
    impl<'a> Visitor<'a> for Object {
        type Value = ();
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a JSON object")
        }
        fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<(), A::Error> {
            while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            Ok(())
        }
    }
    let mut d = serde_json::Deserializer::from_str(line);
    d.deserialize_map(Object).and_then(|()| d.end()).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::otlp::tree::{Attributes, LogRecord, Record, Shape, Value};
    use crate::protobuf::Reader;

    fn attributes(line: &str, interest: &Interest<'_>) -> (Attributes, Found<'static>) {
        let mut w = Writer::new();
        let found = read(line, interest, 6, &mut w).unwrap();
        let own = |s: Option<Scalar<'_>>| s.map(|s| Scalar::Str(Cow::Owned(s.to_text().into_owned())));
        let found = Found {
            message: own(found.message),
            time: own(found.time),
            severity: own(found.severity),
            ..Found::default()
        };
        let record = LogRecord::decode(Reader::new(w.as_bytes()), &mut Shape::default()).unwrap();
        (record.attributes, found)
    }

    #[test]
    fn members_become_attributes_with_their_types() {
        let line = r#"{"a":"x\ny","i":-3,"big":18446744073709551615,"d":0.5,"b":true,"n":null,"l":[1,"two",[]],"m":{"k":{"j":1}}}"#;
        let (got, found) = attributes(line, &COMMON);
        assert_eq!(found, Found::default());
        let map = |k: &str, v: Value| Value::Map([(k, v)].into_iter().collect());
        let want = [
            ("a", Value::from("x\ny")),
            ("i", Value::Int(-3)),
            ("big", Value::Double(18_446_744_073_709_551_615.0)),
            ("d", Value::Double(0.5)),
            ("b", Value::Bool(true)),
            ("n", Value::Empty),
            ("l", Value::Array(vec![Value::Int(1), "two".into(), Value::Array(vec![])])),
            ("m", map("k", map("j", Value::Int(1)))),
        ];
        assert_eq!(got, want.into_iter().collect());
    }

    #[test]
    fn what_is_looked_for_is_taken_out_or_kept() {
        let line = r#"{"level":"warn","ts":1700000000,"msg":"hi","other":1,"message":"second"}"#;
        let (got, found) = attributes(line, &COMMON);
        assert_eq!(got.iter().map(|(k, _)| k.to_owned()).collect::<Vec<_>>(), ["other", "message"]);
        assert_eq!(found.message.unwrap().to_text(), "hi");
        assert_eq!(found.time.unwrap().to_text(), "1700000000");
        let (got, found) = attributes(line, &Interest { keep: true, ..COMMON });
        assert_eq!(got.len(), 5);
        assert_eq!(found.severity.unwrap().to_text(), "warn");
    }

    #[test]
    fn what_is_no_object_is_refused() {
        for line in ["[1]", "1", "{", "{} x", "", "{\"a\":}"] {
            assert!(read(line, &COMMON, 6, &mut Writer::new()).is_err() && !is_object(line), "{line}");
        }
    }
}
