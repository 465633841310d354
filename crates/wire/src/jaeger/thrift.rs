//! `jaeger.thrift`: a `Batch`, bare over HTTP, or as the argument of `emitBatch` over UDP.

use model::{SpanId, TraceId, Value};

use super::span::{Log, Process, Reference, Span};
use super::translate::Batch;
use super::{Converted, JaegerError};
use crate::bounded::{Tags, text};
use crate::thrift::{Field, Kind, Malformed, Protocol, Reader};

const NANOS_PER_MICRO: i64 = 1000;

/// A `Batch` struct, as clients post it to `/api/traces`.
///
/// # Errors
/// Bytes that are not such a struct.
pub fn batch(protocol: Protocol, bytes: &[u8]) -> Result<Converted, JaegerError> {
    Ok(read_batch(&mut Reader::new(protocol, bytes))?.into_converted())
}

/// A call of `Agent.emitBatch`, as clients send it in one datagram.
///
/// # Errors
/// Bytes that are not such a call.
pub fn emit_batch(protocol: Protocol, datagram: &[u8]) -> Result<Converted, JaegerError> {
    let mut r = Reader::new(protocol, datagram);
    let method = r.message()?;
    if method != b"emitBatch" {
        return Err(JaegerError::Method(text(method)));
    }
    let (mut last, mut batch) = (0, Batch::default());
    while let Some(field) = r.field(&mut last)? {
        if (field.id, field.kind) == (1, Kind::Struct) {
            batch = read_batch(&mut r)?;
        } else {
            r.skip(field)?;
        }
    }
    Ok(batch.into_converted())
}

/// Calls `each` for every field of a struct until its end.
fn fields<'a>(
    r: &mut Reader<'a>,
    mut each: impl FnMut(&mut Reader<'a>, Field) -> Result<(), Malformed>,
) -> Result<(), Malformed> {
    let mut last = 0;
    while let Some(field) = r.field(&mut last)? {
        each(r, field)?;
    }
    Ok(())
}

fn read_batch(r: &mut Reader<'_>) -> Result<Batch, Malformed> {
    let mut batch = Batch::default();
    fields(r, |r, field| {
        match field.id {
            1 => {
                r.expect(field, Kind::Struct)?;
                batch.process = read_process(r)?;
            }
            2 => {
                for _ in 0..r.structs(field)? {
                    batch.push(read_span(r)?);
                }
            }
            _ => r.skip(field)?,
        }
        Ok(())
    })?;
    Ok(batch)
}

fn read_process(r: &mut Reader<'_>) -> Result<Process, Malformed> {
    let mut process = Process::default();
    fields(r, |r, field| {
        match field.id {
            1 => process.service_name = text(r.binary(field)?),
            2 => read_tags(r, field, &mut process.tags)?,
            _ => r.skip(field)?,
        }
        Ok(())
    })?;
    Ok(process)
}

fn read_span(r: &mut Reader<'_>) -> Result<Span, Malformed> {
    let (mut span, mut high, mut low) = (Span::default(), 0, 0);
    fields(r, |r, field| {
        match field.id {
            1 => low = r.int(field)?,
            2 => high = r.int(field)?,
            3 => span.span_id = SpanId(r.int(field)?.to_be_bytes()),
            4 => span.parent_span_id = SpanId(r.int(field)?.to_be_bytes()),
            5 => span.operation_name = text(r.binary(field)?),
            6 => {
                for _ in 0..r.structs(field)? {
                    span.references.push(read_reference(r)?);
                }
            }
            7 => span.flags = r.int(field)? as u32,
            8 => span.start = r.int(field)?.saturating_mul(NANOS_PER_MICRO),
            9 => span.duration = r.int(field)?.saturating_mul(NANOS_PER_MICRO),
            10 => read_tags(r, field, &mut span.tags)?,
            11 => {
                for _ in 0..r.structs(field)? {
                    span.logs.push(read_log(r)?);
                }
            }
            _ => r.skip(field)?,
        }
        Ok(())
    })?;
    span.trace_id = trace_id(high, low);
    Ok(span)
}

fn read_reference(r: &mut Reader<'_>) -> Result<Reference, Malformed> {
    let (mut reference, mut high, mut low) = (Reference::default(), 0, 0);
    fields(r, |r, field| {
        match field.id {
            1 => reference.follows_from = r.int(field)? == 1,
            2 => low = r.int(field)?,
            3 => high = r.int(field)?,
            4 => reference.span_id = SpanId(r.int(field)?.to_be_bytes()),
            _ => r.skip(field)?,
        }
        Ok(())
    })?;
    reference.trace_id = trace_id(high, low);
    Ok(reference)
}

fn read_log(r: &mut Reader<'_>) -> Result<Log, Malformed> {
    let mut log = Log::default();
    fields(r, |r, field| {
        match field.id {
            1 => log.time = r.int(field)?.saturating_mul(NANOS_PER_MICRO),
            2 => read_tags(r, field, &mut log.fields)?,
            _ => r.skip(field)?,
        }
        Ok(())
    })?;
    Ok(log)
}

fn read_tags(r: &mut Reader<'_>, field: Field, tags: &mut Tags) -> Result<(), Malformed> {
    for _ in 0..r.structs(field)? {
        let (key, value) = read_tag(r)?;
        tags.push(key, value);
    }
    Ok(())
}

/// The value is in the field of its type; the type says which one, should several be set.
fn read_tag(r: &mut Reader<'_>) -> Result<(String, Value), Malformed> {
    let (mut key, mut kind) = (String::new(), 0);
    let mut values: [Value; 5] = [const { Value::Empty }; 5];
    fields(r, |r, field| {
        match field.id {
            1 => key = text(r.binary(field)?),
            2 => kind = r.int(field)?,
            3 => values[0] = Value::Str(text(r.binary(field)?)),
            4 => values[1] = Value::Double(r.double(field)?),
            5 => values[2] = Value::Bool(r.bool(field)?),
            6 => values[3] = Value::Int(r.int(field)?),
            7 => values[4] = Value::Bytes(r.binary(field)?.to_vec()),
            _ => r.skip(field)?,
        }
        Ok(())
    })?;
    let value = usize::try_from(kind).ok().and_then(|k| values.get_mut(k)).map(std::mem::take);
    Ok((key, value.unwrap_or_default()))
}

/// Ids are two big-endian halves.
fn trace_id(high: i64, low: i64) -> TraceId {
    TraceId(((high as u64 as u128) << 64 | low as u64 as u128).to_be_bytes())
}
