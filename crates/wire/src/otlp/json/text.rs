//! A protobuf request as OTLP JSON, for back ends and files that want text.
//!
//! Goes by the schema and knows no message by name. Of a message that is there twice the parts are one message, of a value that
//! is there twice the last counts, as protobuf has it. Fields stand in the order of the schema, numbers of 64 bits are texts,
//! enums are numbers, ids are hex, and what is the zero of its type is left out unless its being there says something.
//! Source: OTLP specification, "JSON Protobuf encoding", and the proto3 JSON mapping.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use model::Signal;

use super::super::fault::DecodeError;
use super::super::schema::{self, Field, Kind, Label, Message};
use super::super::structure::wire_type;
use super::MAX_DEPTH;
use crate::protobuf::{Malformation, Malformed, Reader};

/// Wire type of texts, bytes, messages and packed numbers.
const LEN: u8 = 2;

/// Writes an `Export*ServiceRequest` as JSON without line breaks. Values that nest deeper than [`MAX_DEPTH`] allows are empty.
///
/// # Errors
/// The bytes are not such a request.
pub fn from_protobuf(signal: Signal, request: &[u8]) -> Result<Vec<u8>, DecodeError> {
    let message = match signal {
        Signal::Traces => &schema::TRACES_REQUEST,
        Signal::Metrics => &schema::METRICS_REQUEST,
        Signal::Logs => &schema::LOGS_REQUEST,
    };
    // Names and hex make it two to three times as long.
    let mut writer = Writer { out: Vec::with_capacity(request.len() * 5 / 2), found: Vec::new() };
    match writer.message(message, Reader::new(request), 0) {
        Ok(()) => Ok(writer.out),
        Err(source) => Err(DecodeError { source, path: String::new() }),
    }
}

struct Writer<'a> {
    out: Vec<u8>,
    /// The fields of the messages that are open, each message's behind those of the one it lies in.
    found: Vec<Found<'a>>,
}

/// One field as it stands in the bytes.
#[derive(Clone, Copy)]
struct Found<'a> {
    /// Its place in the schema.
    place: usize,
    wire_type: u8,
    /// From its value on.
    value: Reader<'a>,
}

impl<'a> Writer<'a> {
    fn message(&mut self, message: &'static Message, r: Reader<'a>, depth: usize) -> Result<(), Malformed> {
        if depth == MAX_DEPTH {
            self.out.extend_from_slice(b"{}");
            return Ok(());
        }
        let begin = self.found.len();
        self.find(message, r)?;
        self.out.push(b'{');
        let mut first = true;
        let mut at = begin;
        while let Some(Found { place, .. }) = self.found.get(at).copied() {
            let same = self.found[at..].iter().take_while(|f| f.place == place).count();
            self.field(&message.fields[place], at..at + same, &mut first, depth)?;
            at += same;
        }
        self.found.truncate(begin);
        self.out.push(b'}');
        Ok(())
    }

    /// Finds the fields of a message that the schema has, and puts them into its order.
    fn find(&mut self, message: &'static Message, mut r: Reader<'a>) -> Result<(), Malformed> {
        let begin = self.found.len();
        let mut sorted = true;
        while let Some(key) = r.key()? {
            let value = r;
            r.skip(key)?;
            if let Some(place) = message.fields.iter().position(|f| f.number == key.field()) {
                sorted &= self.found.get(begin..).and_then(<[_]>::last).is_none_or(|last| last.place <= place);
                if message.fields[place].label == Label::Either {
                    // What came before is no more, unless it is a part of the same message.
                    let another = |f: &Found<'_>| message.fields[f.place].label == Label::Either && f.place != place;
                    if self.found[begin..].iter().any(another) {
                        let kept: Vec<_> = self.found.drain(begin..).filter(|f| !another(f)).collect();
                        self.found.extend(kept);
                    }
                }
                self.found.push(Found { place, wire_type: key.wire_type(), value });
            }
        }
        if !sorted {
            self.found[begin..].sort_by_key(|f| f.place);
        }
        Ok(())
    }

    /// Writes a field and its name; `at` is where it was found.
    fn field(
        &mut self,
        field: &'static Field,
        at: std::ops::Range<usize>,
        first: &mut bool,
        depth: usize,
    ) -> Result<(), Malformed> {
        let mark = self.out.len();
        if !std::mem::take(first) {
            self.out.push(b',');
        }
        self.out.push(b'"');
        self.out.extend_from_slice(field.name.as_bytes());
        self.out.extend_from_slice(b"\":");
        if field.repeated() {
            self.out.push(b'[');
            let begin = self.out.len();
            for i in at {
                self.elements(field, self.found[i], begin, depth)?;
            }
            self.out.push(b']');
            return Ok(());
        }
        let last = self.found[at.end - 1];
        if let Kind::Message(message) = field.kind {
            if at.len() == 1 {
                return self.message(message, delimited(field, last)?, depth + 1);
            }
            let parts = at.map(|i| delimited(field, self.found[i]));
            let whole = parts.map(|part| part.map(|r| r.rest())).collect::<Result<Vec<_>, _>>()?.concat();
            let mut merged = Writer { out: std::mem::take(&mut self.out), found: Vec::new() };
            let written = merged.message(message, Reader::new(&whole), depth + 1);
            self.out = merged.out;
            return written;
        }
        let zero = self.scalar(field, last)?;
        if zero && field.label == Label::One {
            self.out.truncate(mark);
            *first = self.out.last() == Some(&b'{');
        }
        Ok(())
    }

    /// Writes the values of a repeated field that stand in one place: several when they are packed.
    fn elements(
        &mut self,
        field: &'static Field,
        found: Found<'a>,
        begin: usize,
        depth: usize,
    ) -> Result<(), Malformed> {
        let separate = |out: &mut Vec<u8>| {
            if out.len() > begin {
                out.push(b',');
            }
        };
        match field.kind {
            Kind::Message(message) => {
                separate(&mut self.out);
                self.message(message, delimited(field, found)?, depth + 1)
            }
            kind if found.wire_type == LEN && wire_type(kind) != LEN => {
                let mut packed = delimited(field, found)?;
                while !packed.is_empty() {
                    separate(&mut self.out);
                    self.value(kind, &mut packed)?;
                }
                Ok(())
            }
            _ => {
                separate(&mut self.out);
                self.scalar(field, found).map(drop)
            }
        }
    }

    /// Writes a value that is no message; says whether it is the zero of its type.
    fn scalar(&mut self, field: &Field, found: Found<'_>) -> Result<bool, Malformed> {
        if found.wire_type != wire_type(field.kind) {
            return Err(unexpected(field, found));
        }
        let mut value = found.value;
        self.value(field.kind, &mut value)
    }

    fn value(&mut self, kind: Kind, r: &mut Reader<'_>) -> Result<bool, Malformed> {
        use std::io::Write as _;
        let out = &mut self.out;
        // Writing to memory does not fail.
        let zero = match kind {
            Kind::Text => {
                let bytes = r.delimited()?;
                let _ = match simdutf8::basic::from_utf8(bytes) {
                    Ok(text) => serde_json::to_writer(out, text),
                    Err(_) => serde_json::to_writer(out, &String::from_utf8_lossy(bytes)),
                };
                bytes.is_empty()
            }
            Kind::Base64 => {
                let bytes = r.delimited()?;
                let _ = write!(out, "\"{}\"", STANDARD.encode(bytes));
                bytes.is_empty()
            }
            Kind::Id => {
                let bytes = r.delimited()?;
                out.push(b'"');
                for b in bytes {
                    out.extend([b >> 4, b & 15].map(|digit| b"0123456789abcdef"[usize::from(digit)]));
                }
                out.push(b'"');
                bytes.is_empty()
            }
            Kind::Bool => {
                let v = r.uint()? != 0;
                let _ = write!(out, "{v}");
                !v
            }
            Kind::Uint32 => whole(out, (r.uint()? as u32).into()),
            Kind::Fixed32 => whole(out, r.fixed32()?.into()),
            Kind::Sint32 => whole(out, (r.sint()? as i32).into()),
            Kind::Enum(_) => whole(out, (r.uint()? as i32).into()),
            Kind::Uint64 => long(out, r.uint()?.into()),
            Kind::Fixed64 => long(out, r.fixed64()?.into()),
            Kind::Int64 => long(out, (r.uint()? as i64).into()),
            Kind::Sfixed64 => long(out, (r.fixed64()? as i64).into()),
            Kind::Double => {
                let v = r.double()?;
                let _ = match v {
                    v if v.is_nan() => write!(out, "\"NaN\""),
                    f64::INFINITY => write!(out, "\"Infinity\""),
                    f64::NEG_INFINITY => write!(out, "\"-Infinity\""),
                    v => return serde_json::to_writer(out, &v).map_or(Ok(false), |()| Ok(v.to_bits() == 0)),
                };
                false
            }
            // Messages are written by their own.
            Kind::Message(_) => false,
        };
        Ok(zero)
    }
}

/// Up to 32 bits are a number.
fn whole(out: &mut Vec<u8>, v: i64) -> bool {
    use std::io::Write as _;
    let _ = write!(out, "{v}");
    v == 0
}

/// 64 bits are a text: JavaScript has no such numbers.
fn long(out: &mut Vec<u8>, v: i128) -> bool {
    use std::io::Write as _;
    let _ = write!(out, "\"{v}\"");
    v == 0
}

fn delimited<'a>(field: &Field, found: Found<'a>) -> Result<Reader<'a>, Malformed> {
    let mut value = found.value;
    if found.wire_type != LEN { Err(unexpected(field, found)) } else { value.message() }
}

fn unexpected(field: &Field, found: Found<'_>) -> Malformed {
    found.value.malformed(Malformation::UnexpectedWireType { field: field.number, found: found.wire_type })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protobuf::Writer as Protobuf;

    fn json(signal: Signal, write: impl FnOnce(&mut Protobuf)) -> String {
        let mut w = Protobuf::new();
        write(&mut w);
        String::from_utf8(from_protobuf(signal, w.as_bytes()).unwrap()).unwrap()
    }

    #[test]
    fn a_span_is_written_as_the_specification_has_it() {
        let text = json(Signal::Traces, |w| {
            w.message(1, |w| {
                w.message(2, |w| {
                    w.message(2, |w| {
                        w.string(5, "GET /\u{1}\"");
                        w.bytes(1, &[0xab; 16]);
                        w.bytes(2, &[1; 8]);
                        w.uint(6, 2);
                        w.fixed64(7, u64::MAX);
                        w.uint(10, 0);
                        w.message(9, |w| {
                            w.string(1, "n");
                            w.message(2, |w| w.uint(3, (-5i64) as u64));
                        });
                        w.uint(99, 7);
                    });
                });
            });
        });
        assert_eq!(
            text,
            r#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"abababababababababababababababab","spanId":"0101010101010101","name":"GET /\u0001\"","kind":2,"startTimeUnixNano":"18446744073709551615","attributes":[{"key":"n","value":{"intValue":"-5"}}]}]}]}]}"#
        );
    }

    #[test]
    fn what_is_there_twice_is_one_and_of_two_kinds_the_last_counts() {
        let text = json(Signal::Logs, |w| {
            w.message(1, |w| {
                w.message(1, |w| w.uint(2, 3));
                w.message(1, |w| w.message(1, |w| w.string(1, "a")));
                w.message(2, |w| {
                    w.message(2, |w| {
                        w.message(5, |w| {
                            w.string(1, "lost");
                            w.uint(2, 0);
                        });
                        w.uint(2, 3);
                        w.uint(2, 9);
                    });
                });
            });
        });
        assert_eq!(
            text,
            r#"{"resourceLogs":[{"resource":{"attributes":[{"key":"a"}],"droppedAttributesCount":3},"scopeLogs":[{"logRecords":[{"severityNumber":9,"body":{"boolValue":false}}]}]}]}"#
        );
    }

    #[test]
    fn numbers_of_points_packed_or_not() {
        let text = json(Signal::Metrics, |w| {
            w.message(1, |w| {
                w.message(2, |w| {
                    w.message(2, |w| {
                        w.message(9, |w| {
                            w.message(1, |w| {
                                w.double(5, 0.0);
                                w.fixed64(6, 1);
                                w.bytes(6, &[2, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0]);
                                w.double(7, f64::INFINITY);
                                w.double(7, 0.5);
                            });
                        });
                    });
                });
            });
        });
        assert!(
            text.contains(r#"{"sum":0.0,"bucketCounts":["1","2","3"],"explicitBounds":["Infinity",0.5]}"#),
            "{text}"
        );
    }

    #[test]
    fn what_is_no_request_is_refused_with_its_place() {
        let mut w = Protobuf::new();
        w.uint(1, 5);
        let e = from_protobuf(Signal::Traces, w.as_bytes()).unwrap_err();
        assert!(e.to_string().contains("field 1 has wire type 0"), "{e}");
    }
}
