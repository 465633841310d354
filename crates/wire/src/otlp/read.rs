//! Reads stored messages into `model`: what the decoder passed on as `raw`, and values.
//!
//! The decoder has checked these bytes. Should they be damaged all the same,
//! the functions return what comes before the damage, and never fail.
//! Source: opentelemetry/proto/{common,resource,trace}/v1.

use foundation::UnixNanos;
use model::trace::{Event, Link, Resource, Scope};
use model::{Attributes, SpanId, TraceId, Value};

use super::any_value::field as value_field;
use crate::protobuf::{Key, Malformed, Reader};
use crate::sink::{MAX_NESTING, ValueRef};

/// Reads a `Resource` message. Its schema URL is not part of the message and left empty.
pub fn read_resource(raw: &[u8]) -> Resource {
    let mut resource = Resource::default();
    fields(raw, |r, key| {
        match key.field() {
            1 => resource.attributes.push(key_value(r, key, 0)?),
            2 => resource.dropped_attributes_count = r.uint()? as u32,
            _ => r.skip(key)?,
        }
        Ok(())
    });
    resource.attributes = unique(resource.attributes);
    resource
}

/// Reads an `InstrumentationScope` message. Its schema URL is not part of the message and left empty.
pub fn read_scope(raw: &[u8]) -> Scope {
    let mut scope = Scope::default();
    fields(raw, |r, key| {
        match key.field() {
            1 => scope.name = text(r)?,
            2 => scope.version = text(r)?,
            3 => scope.attributes.push(key_value(r, key, 0)?),
            4 => scope.dropped_attributes_count = r.uint()? as u32,
            _ => r.skip(key)?,
        }
        Ok(())
    });
    scope.attributes = unique(scope.attributes);
    scope
}

/// Reads an `Event` message.
pub fn read_event(raw: &[u8]) -> Event {
    let mut event = Event::default();
    fields(raw, |r, key| {
        match key.field() {
            1 => event.time = UnixNanos::from_u64(r.fixed64()?),
            2 => event.name = text(r)?,
            3 => event.attributes.push(key_value(r, key, 0)?),
            4 => event.dropped_attributes_count = r.uint()? as u32,
            _ => r.skip(key)?,
        }
        Ok(())
    });
    event.attributes = unique(event.attributes);
    event
}

/// Reads a `Link` message. An id that is missing is zero.
pub fn read_link(raw: &[u8]) -> Link {
    let mut link = Link::default();
    fields(raw, |r, key| {
        match key.field() {
            1 => link.trace_id = TraceId(r.delimited()?.try_into().unwrap_or_default()),
            2 => link.span_id = SpanId(r.delimited()?.try_into().unwrap_or_default()),
            3 => link.trace_state = text(r)?,
            4 => link.attributes.push(key_value(r, key, 0)?),
            5 => link.dropped_attributes_count = r.uint()? as u32,
            6 => link.flags = r.fixed32()?,
            _ => r.skip(key)?,
        }
        Ok(())
    });
    link.attributes = unique(link.attributes);
    link
}

/// Reads an `AnyValue` message.
pub fn read_value(raw: &[u8]) -> Value {
    value(raw, 0)
}

/// Reads an `ArrayValue` message: [`ValueRef::Array`].
pub fn read_array(raw: &[u8]) -> Vec<Value> {
    array(raw, 0)
}

/// Reads a `KeyValueList` message: [`ValueRef::Map`]. A repeated key keeps its first place and last value.
pub fn read_map(raw: &[u8]) -> Attributes {
    map(raw, 0)
}

impl From<ValueRef<'_>> for Value {
    fn from(v: ValueRef<'_>) -> Self {
        match v {
            ValueRef::Empty => Self::Empty,
            ValueRef::Str(s) => Self::Str(s.to_owned()),
            ValueRef::Bool(b) => Self::Bool(b),
            ValueRef::Int(i) => Self::Int(i),
            ValueRef::Double(d) => Self::Double(d),
            ValueRef::Bytes(b) => Self::Bytes(b.to_vec()),
            ValueRef::Array(raw) => Self::Array(read_array(raw)),
            ValueRef::Map(raw) => Self::Map(read_map(raw)),
        }
    }
}

/// Of repeated keys, keeps the first place and the last value, as `model` defines [`Attributes`].
pub(crate) fn unique(attributes: Attributes) -> Attributes {
    // Comparing all pairs is cheapest for the few attributes that records have; a map of
    // a mebibyte can have a hundred thousand keys, and is sorted.
    if attributes.len() <= 32 {
        let mut out = Attributes::with_capacity(attributes.len());
        for (k, v) in attributes {
            match out.iter_mut().find(|(seen, _)| *seen == k) {
                Some((_, old)) => *old = v,
                None => out.push((k, v)),
            }
        }
        return out;
    }
    let mut order: Vec<(usize, String, Value)> =
        attributes.into_iter().enumerate().map(|(at, (k, v))| (at, k, v)).collect();
    order.sort_by(|a, b| a.1.cmp(&b.1));
    let mut kept: Vec<(usize, String, Value)> = Vec::with_capacity(order.len());
    for (at, k, v) in order {
        match kept.last_mut() {
            Some(last) if last.1 == k => last.2 = v,
            _ => kept.push((at, k, v)),
        }
    }
    kept.sort_by_key(|(at, ..)| *at);
    kept.into_iter().map(|(_, k, v)| (k, v)).collect()
}

/// Calls `read` with each field until the end or the first damage.
fn fields<'a>(raw: &'a [u8], mut read: impl FnMut(&mut Reader<'a>, Key) -> Result<(), Malformed>) {
    let mut r = Reader::new(raw);
    while let Ok(Some(key)) = r.key() {
        if read(&mut r, key).is_err() {
            return;
        }
    }
}

fn text(r: &mut Reader<'_>) -> Result<String, Malformed> {
    r.delimited().map(|b| String::from_utf8_lossy(b).into_owned())
}

fn key_value(r: &mut Reader<'_>, key: Key, depth: usize) -> Result<(String, Value), Malformed> {
    // A scalar where a message belongs is damage; the wire type decides, so that nothing is misread.
    if key.wire_type() != 2 {
        return Err(r.malformed(crate::protobuf::Malformation::UnexpectedWireType {
            field: key.field(),
            found: key.wire_type(),
        }));
    }
    let (mut k, mut v) = (String::new(), Value::Empty);
    fields(r.delimited()?, |r, key| {
        match key {
            value_field::KEY => k = text(r)?,
            value_field::VALUE => v = value(r.delimited()?, depth),
            _ => r.skip(key)?,
        }
        Ok(())
    });
    Ok((k, v))
}

fn value(raw: &[u8], depth: usize) -> Value {
    let mut v = Value::Empty;
    fields(raw, |r, key| {
        v = match key {
            value_field::STRING => Value::Str(text(r)?),
            value_field::BOOL => Value::Bool(r.uint()? != 0),
            value_field::INT => Value::Int(r.uint()? as i64),
            value_field::DOUBLE => Value::Double(r.double()?),
            value_field::ARRAY => Value::Array(array(r.delimited()?, depth)),
            value_field::MAP => Value::Map(map(r.delimited()?, depth)),
            value_field::BYTES => Value::Bytes(r.delimited()?.to_vec()),
            _ => return r.skip(key),
        };
        Ok(())
    });
    v
}

fn array(raw: &[u8], depth: usize) -> Vec<Value> {
    let mut out = Vec::new();
    if depth < MAX_NESTING {
        fields(raw, |r, key| {
            match key {
                value_field::VALUES => out.push(value(r.delimited()?, depth + 1)),
                _ => r.skip(key)?,
            }
            Ok(())
        });
    }
    out
}

fn map(raw: &[u8], depth: usize) -> Attributes {
    let mut out = Attributes::new();
    if depth < MAX_NESTING {
        fields(raw, |r, key| {
            match key {
                value_field::VALUES => out.push(key_value(r, key, depth + 1)?),
                _ => r.skip(key)?,
            }
            Ok(())
        });
    }
    unique(out)
}
