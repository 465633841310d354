//! Events, links and exemplars as lists of maps, so that they can be counted, looked into, and copied to another record.

use wire::otlp::tree::{Attributes, Event, Exemplar, Link, Number, Value};

use super::{id_of, id_value};
use crate::ottl::eval::EvalError;
use crate::ottl::path::{count, mismatch, nanos};
use crate::ottl::value::Val;

fn list<T>(items: &[T], map: fn(&T) -> Attributes) -> Val {
    items.iter().map(|item| Value::from(map(item))).collect::<Vec<_>>().into()
}

/// Reads each map of the list.
fn each<T>(v: &Val, read: fn(&Attributes) -> Result<T, EvalError>) -> Result<Vec<T>, EvalError> {
    let Val::Plain(Value::Array(items)) = v else { return Err(mismatch("a list of maps", v)) };
    let map = |item: &Value| match item {
        Value::Map(map) => read(map),
        other => Err(mismatch("a map", &other.clone().into())),
    };
    items.iter().map(map).collect()
}

fn field(map: &Attributes, key: &str) -> Option<Val> {
    map.get(key).map(|v| v.clone().into())
}

fn attributes(map: &Attributes, key: &str) -> Result<Attributes, EvalError> {
    match map.get(key) {
        None => Ok(Attributes::new()),
        Some(Value::Map(inner)) => Ok(inner.clone()),
        Some(other) => Err(mismatch("a map", &other.clone().into())),
    }
}

fn text(map: &Attributes, key: &str) -> wire::otlp::tree::Text {
    map.get(key).map(Value::to_text).unwrap_or_default()
}

pub(super) fn events(events: &[Event]) -> Val {
    list(events, |e| {
        let mut map = Attributes::new();
        map.push("name", e.name.clone());
        map.push("time_unix_nano", Val::from(e.time_unix_nano).into_value());
        map.push("attributes", e.attributes.clone());
        map.push("dropped_attributes_count", i64::from(e.dropped_attributes_count));
        map
    })
}

pub(super) fn events_of(v: &Val) -> Result<Vec<Event>, EvalError> {
    each(v, |map| {
        Ok(Event {
            name: text(map, "name"),
            time_unix_nano: field(map, "time_unix_nano").map_or(Ok(0), |v| nanos(&v))?,
            attributes: attributes(map, "attributes")?,
            dropped_attributes_count: field(map, "dropped_attributes_count").map_or(Ok(0), |v| count(&v))?,
        })
    })
}

pub(super) fn links(links: &[Link]) -> Val {
    list(links, |l| {
        let mut map = Attributes::new();
        map.push("trace_id", id_value(&l.trace_id).into_value());
        map.push("span_id", id_value(&l.span_id).into_value());
        map.push("trace_state", l.trace_state.clone());
        map.push("attributes", l.attributes.clone());
        map.push("dropped_attributes_count", i64::from(l.dropped_attributes_count));
        map.push("flags", i64::from(l.flags));
        map
    })
}

pub(super) fn links_of(v: &Val) -> Result<Vec<Link>, EvalError> {
    each(v, |map| {
        Ok(Link {
            trace_id: field(map, "trace_id").map_or(Ok(Default::default()), |v| id_of(&v))?,
            span_id: field(map, "span_id").map_or(Ok(Default::default()), |v| id_of(&v))?,
            trace_state: text(map, "trace_state"),
            attributes: attributes(map, "attributes")?,
            dropped_attributes_count: field(map, "dropped_attributes_count").map_or(Ok(0), |v| count(&v))?,
            flags: field(map, "flags").map_or(Ok(0), |v| count(&v))?,
        })
    })
}

pub(super) fn exemplars(exemplars: &[Exemplar]) -> Val {
    list(exemplars, |e| {
        let mut map = Attributes::new();
        map.push("time_unix_nano", Val::from(e.time_unix_nano).into_value());
        match e.value {
            Some(Number::Double(d)) => map.push("double_value", d),
            Some(Number::Int(i)) => map.push("int_value", i),
            None => {}
        }
        map.push("trace_id", id_value(&e.trace_id).into_value());
        map.push("span_id", id_value(&e.span_id).into_value());
        map.push("filtered_attributes", e.filtered_attributes.clone());
        map
    })
}

pub(super) fn exemplars_of(v: &Val) -> Result<Vec<Exemplar>, EvalError> {
    each(v, |map| {
        let value = match (map.get("double_value"), map.get("int_value")) {
            (Some(Value::Double(d)), _) => Some(Number::Double(*d)),
            (_, Some(Value::Int(i))) => Some(Number::Int(*i)),
            _ => None,
        };
        Ok(Exemplar {
            filtered_attributes: attributes(map, "filtered_attributes")?,
            time_unix_nano: field(map, "time_unix_nano").map_or(Ok(0), |v| nanos(&v))?,
            value,
            span_id: field(map, "span_id").map_or(Ok(Default::default()), |v| id_of(&v))?,
            trace_id: field(map, "trace_id").map_or(Ok(Default::default()), |v| id_of(&v))?,
        })
    })
}
