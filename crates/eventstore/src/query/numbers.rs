//! The number that each row has in a field: what sums, averages and quantiles are made of.

use std::sync::Arc;

use model::Value;

use super::filter::{AttributeScope, Field};
use super::nested;
use super::run::Halt;
use super::view::{IntColumn, View};
use crate::block::{Loaded, Values};
use crate::column::binary::Binary;
use crate::column::presence::Presence;
use crate::schema::*;
use crate::value_type::ValueType;

/// Numbers of the rows of a block.
pub(crate) enum Numbers {
    /// No row has one.
    None,
    /// Every row has the number 0: the block does not store the column.
    Zero,
    /// Every row has one.
    Ints(IntColumn),
    /// One per row; NaN where there is none. Whole ones are marked by `integral`.
    Sparse { values: Vec<f64>, integral: bool },
}

/// The numbers of a field. Text that spells a number counts; truth values, bytes, arrays and maps do not.
/// The record's own number wins over that of its resource.
pub(crate) fn numbers(view: &View<'_>, field: &Field) -> Result<Numbers, Halt> {
    let spans = view.schema() == Schema::Spans;
    let dense = |id| view.ints(id).map(|c| c.map_or(Numbers::Zero, Numbers::Ints));
    match field {
        Field::Duration if spans => dense(DURATION),
        Field::Kind if spans => dense(KIND),
        Field::Status if spans => dense(STATUS),
        Field::Severity if !spans => {
            let Some(column) = view.ints(SEVERITY)? else { return Ok(Numbers::None) };
            let values = column.get().iter().map(|v| if *v == 0 { f64::NAN } else { *v as f64 }).collect();
            Ok(Numbers::Sparse { values, integral: true })
        }
        Field::Body if !spans => keyed(view, None, None, view.with_id(BODY).map(|(p, e)| (p, e.value_type)).collect()),
        Field::Attribute { scope, key } => {
            let resource = (*scope != AttributeScope::Record).then_some(key.as_str());
            let record = (*scope != AttributeScope::Resource).then_some(key.as_str());
            let columns = record.into_iter().flat_map(|key| view.attribute(key)).map(|(p, e)| (p, e.value_type));
            keyed(view, resource, record, columns.collect())
        }
        _ => Ok(Numbers::None),
    }
}

/// What a text spells, if it spells a number that can be counted with.
pub(crate) fn spelled(text: &[u8]) -> Option<f64> {
    // Words such as `inf`, `nan` or `infinity` are words.
    let first = text.first().filter(|c| c.is_ascii_digit() || matches!(c, b'-' | b'+' | b'.'))?;
    let digits =
        if first.is_ascii_digit() { true } else { text.get(1).is_some_and(|c| c.is_ascii_digit() || *c == b'.') };
    digits.then_some(text).and_then(|t| std::str::from_utf8(t).ok()?.parse().ok())
}

fn of_value(v: &Value) -> f64 {
    match v {
        Value::Int(i) => *i as f64,
        Value::Double(d) => *d,
        Value::Str(s) => spelled(s.as_bytes()).unwrap_or(f64::NAN),
        Value::Empty | Value::Bool(_) | Value::Bytes(_) | Value::Array(_) | Value::Map(_) => f64::NAN,
    }
}

fn number_of(v: &Value) -> Option<f64> {
    Some(of_value(v)).filter(|n| !n.is_nan())
}

fn keyed(
    view: &View<'_>,
    resource: Option<&str>,
    record: Option<&str>,
    columns: Vec<(usize, ValueType)>,
) -> Result<Numbers, Halt> {
    let of_resource: Vec<f64> = match resource {
        Some(key) => {
            let resources = view.resources()?.iter();
            resources.map(|r| nested::find_at(&r.resource.attributes, key, number_of).unwrap_or(f64::NAN)).collect()
        }
        None => Vec::new(),
    };
    let in_resources = of_resource.iter().any(|v| !v.is_nan());
    let mut beyond = Vec::new();
    if let Some(key) = record {
        nested::each_value(view, key, |row, v| beyond.push((row, of_value(v))))?;
    }
    if columns.is_empty() && !in_resources && beyond.is_empty() {
        return Ok(Numbers::None);
    }
    let mut values = vec![f64::NAN; view.rows()];
    if in_resources {
        for (out, code) in values.iter_mut().zip(view.resource_codes()?.get()) {
            *out = of_resource.get(*code as usize).copied().unwrap_or(f64::NAN);
        }
    }
    // Of several numbers the first counts.
    for (row, v) in beyond.into_iter().rev().filter(|(_, v)| !v.is_nan()) {
        if let Some(out) = values.get_mut(row) {
            *out = v;
        }
    }
    for (place, value_type) in columns {
        let column = view.load(place)?;
        put(&column, value_type, &mut values);
    }
    let integral = values.iter().all(|v| v.is_nan() || v.fract() == 0.0);
    Ok(Numbers::Sparse { values, integral })
}

fn put(column: &Arc<Loaded>, value_type: ValueType, out: &mut [f64]) {
    let present = match &column.presence {
        Presence::All => out.len(),
        Presence::Rows(rows) => rows.len(),
    };
    let mut set = |i: usize, v: f64| {
        if let Some(out) = out.get_mut(column.presence.row(i))
            && !v.is_nan()
        {
            *out = v;
        }
    };
    let number = |text: &[u8]| spelled(text).unwrap_or(f64::NAN);
    match (&column.values, value_type) {
        (Values::Ints(v), ValueType::Int) => v.iter().enumerate().for_each(|(i, v)| set(i, *v as f64)),
        (Values::Doubles(v), _) => v.iter().enumerate().for_each(|(i, v)| set(i, *v)),
        (Values::Binary(Binary::Const(text)), ValueType::Str) => {
            let v = number(text);
            (0..present).for_each(|i| set(i, v));
        }
        (Values::Binary(Binary::Dict { codes, entries }), ValueType::Str) => {
            let spelled: Vec<f64> = (0..entries.len()).map(|i| number(entries.get(i))).collect();
            for (i, code) in codes.iter().enumerate() {
                set(i, spelled.get(*code as usize).copied().unwrap_or(f64::NAN));
            }
        }
        (Values::Binary(Binary::Plain(texts)), ValueType::Str) => {
            (0..texts.len()).for_each(|i| set(i, number(texts.get(i))));
        }
        _ => {}
    }
}
