//! `jaeger.api_v2`: the request of `CollectorService/PostSpans`.
//!
//! A span may name its own process; then it does not belong to the batch's.

use model::{SpanId, TraceId, Value};

use super::span::{Log, Process, Reference, Span};
use super::translate::Batch;
use super::{Converted, JaegerError};
use crate::bounded::{Tags, id, text};
use crate::protobuf::{Key, Malformed, Reader};

/// A `PostSpansRequest`.
///
/// # Errors
/// Bytes that are not such a message.
pub fn post_spans(message: &[u8]) -> Result<Converted, JaegerError> {
    let mut batch = Batch::default();
    let mut r = Reader::new(message);
    while let Some(key) = r.key()? {
        match key {
            k if k == Key::delimited(1) => read_batch(r.message()?, &mut batch)?,
            other => r.skip_unknown(other, 0b10)?,
        }
    }
    Ok(batch.into_converted())
}

fn read_batch(mut r: Reader<'_>, batch: &mut Batch) -> Result<(), Malformed> {
    while let Some(key) = r.key()? {
        match key.field() {
            1 if key == Key::delimited(1) => {
                let (span, process) = read_span(r.message()?)?;
                match process {
                    Some(process) => batch.push_of(&process, span),
                    None => batch.push(span),
                }
            }
            2 if key == Key::delimited(2) => batch.process = read_process(r.message()?)?,
            _ => r.skip_unknown(key, 0b110)?,
        }
    }
    Ok(())
}

fn read_process(mut r: Reader<'_>) -> Result<Process, Malformed> {
    let mut process = Process::default();
    while let Some(key) = r.key()? {
        match key.field() {
            1 if key == Key::delimited(1) => process.service_name = text(r.delimited()?),
            2 if key == Key::delimited(2) => read_tag(r.message()?, &mut process.tags)?,
            _ => r.skip_unknown(key, 0b110)?,
        }
    }
    Ok(process)
}

fn read_span(mut r: Reader<'_>) -> Result<(Span, Option<Process>), Malformed> {
    let (mut span, mut process) = (Span::default(), None);
    while let Some(key) = r.key()? {
        match (key.field(), key.wire_type()) {
            (1, 2) => span.trace_id = TraceId(id(r.delimited()?)),
            (2, 2) => span.span_id = SpanId(id(r.delimited()?)),
            (3, 2) => span.operation_name = text(r.delimited()?),
            (4, 2) => span.references.push(read_reference(r.message()?)?),
            (5, 0) => span.flags = r.uint()? as u32,
            (6, 2) => span.start = read_time(r.message()?)?,
            (7, 2) => span.duration = read_time(r.message()?)?,
            (8, 2) => read_tag(r.message()?, &mut span.tags)?,
            (9, 2) => span.logs.push(read_log(r.message()?)?),
            (10, 2) => process = Some(read_process(r.message()?)?),
            _ => r.skip_unknown(key, 0x7fe)?,
        }
    }
    Ok((span, process))
}

fn read_reference(mut r: Reader<'_>) -> Result<Reference, Malformed> {
    let mut reference = Reference::default();
    while let Some(key) = r.key()? {
        match (key.field(), key.wire_type()) {
            (1, 2) => reference.trace_id = TraceId(id(r.delimited()?)),
            (2, 2) => reference.span_id = SpanId(id(r.delimited()?)),
            (3, 0) => reference.follows_from = r.uint()? == 1,
            _ => r.skip_unknown(key, 0b1110)?,
        }
    }
    Ok(reference)
}

fn read_log(mut r: Reader<'_>) -> Result<Log, Malformed> {
    let mut log = Log::default();
    while let Some(key) = r.key()? {
        match (key.field(), key.wire_type()) {
            (1, 2) => log.time = read_time(r.message()?)?,
            (2, 2) => read_tag(r.message()?, &mut log.fields)?,
            _ => r.skip_unknown(key, 0b110)?,
        }
    }
    Ok(log)
}

/// A `Timestamp` or `Duration` in nanoseconds; saturates.
fn read_time(mut r: Reader<'_>) -> Result<i64, Malformed> {
    let (mut seconds, mut nanos) = (0i64, 0i64);
    while let Some(key) = r.key()? {
        match (key.field(), key.wire_type()) {
            (1, 0) => seconds = r.uint()? as i64,
            (2, 0) => nanos = r.uint()? as i64,
            _ => r.skip_unknown(key, 0b110)?,
        }
    }
    Ok(seconds.saturating_mul(1_000_000_000).saturating_add(nanos))
}

fn read_tag(mut r: Reader<'_>, tags: &mut Tags) -> Result<(), Malformed> {
    let (mut name, mut kind) = (String::new(), 0);
    // proto3 does not send what is empty, false or zero: the type alone says that there is a value.
    let (mut string, mut flag, mut int, mut float, mut bytes) = (String::new(), false, 0, 0.0, Vec::new());
    while let Some(key) = r.key()? {
        match (key.field(), key.wire_type()) {
            (1, 2) => name = text(r.delimited()?),
            (2, 0) => kind = r.uint()?,
            (3, 2) => string = text(r.delimited()?),
            (4, 0) => flag = r.uint()? != 0,
            (5, 0) => int = r.uint()? as i64,
            (6, 1) => float = r.double()?,
            (7, 2) => bytes = r.delimited()?.to_vec(),
            _ => r.skip_unknown(key, 0xfe)?,
        }
    }
    let value = match kind {
        0 => Value::Str(string),
        1 => Value::Bool(flag),
        2 => Value::Int(int),
        3 => Value::Double(float),
        4 => Value::Bytes(bytes),
        _ => Value::Empty,
    };
    tags.push(name, value);
    Ok(())
}
