//! `zipkin.proto3.ListOfSpans`.

use super::span::{Annotation, Endpoint, Kind, Micros, Span};
use super::translate::Spans;
use super::{Converted, Options, ZipkinError};
use crate::bounded::text;
use crate::protobuf::{Malformed, Reader};

/// `POST /api/v2/spans` with `application/x-protobuf`.
///
/// # Errors
/// Bytes that are not such a message, and ids that are none.
pub fn proto_v2(body: &[u8], options: &Options) -> Result<Converted, ZipkinError> {
    let (mut spans, mut r) = (Spans::new(*options), Reader::new(body));
    while let Some(key) = r.key()? {
        match (key.field(), key.wire_type()) {
            (1, 2) => spans.push(read_span(r.message()?)?)?,
            _ => r.skip_unknown(key, 0b10)?,
        }
    }
    Ok(spans.into_converted())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().take(64).map(|b| format!("{b:02x}")).collect()
}

fn read_span(mut r: Reader<'_>) -> Result<Span, Malformed> {
    let mut span = Span::default();
    while let Some(key) = r.key()? {
        match (key.field(), key.wire_type()) {
            (1, 2) => span.trace_id = hex(r.delimited()?),
            (2, 2) => span.parent_id = Some(hex(r.delimited()?)).filter(|id| !id.is_empty()),
            (3, 2) => span.id = hex(r.delimited()?),
            (4, 0) => {
                span.kind = match r.uint()? {
                    1 => Some(Kind::Client),
                    2 => Some(Kind::Server),
                    3 => Some(Kind::Producer),
                    4 => Some(Kind::Consumer),
                    _ => None,
                }
            }
            (5, 2) => span.name = Some(text(r.delimited()?)),
            (6, 1) => span.timestamp = Some(micros(r.fixed64()?)),
            (7, 0) => span.duration = Some(micros(r.uint()?)),
            (8, 2) => span.local_endpoint = Some(read_endpoint(r.message()?)?),
            (9, 2) => span.remote_endpoint = Some(read_endpoint(r.message()?)?),
            (10, 2) => span.annotations.push(read_annotation(r.message()?)?),
            (11, 2) => {
                let (name, value) = read_tag(r.message()?)?;
                span.tags.push(name, model::Value::Str(value));
            }
            (12, 0) => drop(r.uint()?),
            (13, 0) => span.shared = Some(r.uint()? != 0),
            _ => r.skip_unknown(key, 0x3ffe)?,
        }
    }
    Ok(span)
}

fn micros(n: u64) -> Micros {
    Micros(i64::try_from(n).unwrap_or(i64::MAX))
}

fn read_endpoint(mut r: Reader<'_>) -> Result<Endpoint, Malformed> {
    let mut endpoint = Endpoint::default();
    while let Some(key) = r.key()? {
        match (key.field(), key.wire_type()) {
            (1, 2) => endpoint.service_name = Some(text(r.delimited()?)),
            (2, 2) => {
                endpoint.ipv4 =
                    <[u8; 4]>::try_from(r.delimited()?).ok().map(|b| std::net::Ipv4Addr::from(b).to_string())
            }
            (3, 2) => {
                endpoint.ipv6 =
                    <[u8; 16]>::try_from(r.delimited()?).ok().map(|b| std::net::Ipv6Addr::from(b).to_string())
            }
            (4, 0) => endpoint.port = Some(micros(r.uint()?)),
            _ => r.skip_unknown(key, 0b11110)?,
        }
    }
    Ok(endpoint)
}

fn read_annotation(mut r: Reader<'_>) -> Result<Annotation, Malformed> {
    let mut annotation = Annotation::default();
    while let Some(key) = r.key()? {
        match (key.field(), key.wire_type()) {
            (1, 1) => annotation.timestamp = micros(r.fixed64()?),
            (2, 2) => annotation.value = text(r.delimited()?),
            _ => r.skip_unknown(key, 0b110)?,
        }
    }
    Ok(annotation)
}

fn read_tag(mut r: Reader<'_>) -> Result<(String, String), Malformed> {
    let (mut name, mut value) = (String::new(), String::new());
    while let Some(key) = r.key()? {
        match (key.field(), key.wire_type()) {
            (1, 2) => name = text(r.delimited()?),
            (2, 2) => value = text(r.delimited()?),
            _ => r.skip_unknown(key, 0b110)?,
        }
    }
    Ok((name, value))
}
