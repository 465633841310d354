//! Attributes that have no column of their own: beyond the cap on columns (`block::overflow`), or inside of maps and
//! arrays, where `k8s.labels.app` is the key `app` of the map `labels` of the attribute `k8s`, and `tags.0` the first
//! element of the array `tags`.
//!
//! A key that is there as a whole comes before any path.

use model::{Attributes, Value, attributes};

use super::run::Halt;
use super::view::View;
use crate::block::Values;
use crate::schema::{ATTRIBUTE, REST};
use crate::value_type::ValueType;

/// The value at a key or path.
pub(crate) fn lookup<'a>(of: &'a Attributes, key: &str) -> Option<&'a Value> {
    attributes::get(of, key).or_else(|| {
        key.match_indices('.').find_map(|(dot, _)| inside(attributes::get(of, &key[..dot])?, &key[dot + 1..]))
    })
}

/// The value at a path into a map or an array.
fn inside<'a>(of: &'a Value, path: &str) -> Option<&'a Value> {
    match of {
        Value::Map(entries) => lookup(entries, path),
        Value::Array(elements) => {
            let (place, rest) = path.split_once('.').map_or((path, None), |(place, rest)| (place, Some(rest)));
            let is_place = place.bytes().all(|b| b.is_ascii_digit());
            let element = elements.get(place.parse::<usize>().ok().filter(|_| is_place)?)?;
            rest.map_or(Some(element), |rest| inside(element, rest))
        }
        _ => None,
    }
}

/// Calls `each` with every row that has attributes beyond the cap, in rising order, and them.
pub(crate) fn each(view: &View<'_>, mut each: impl FnMut(usize, Attributes)) -> Result<(), Halt> {
    match view.with_id(REST).next() {
        Some((place, _)) => raw(view, place, |row, map| each(row, wire::otlp::read_map(map))),
        None => Ok(()),
    }
}

/// The messages of the maps or arrays in the column at `place`.
fn raw(view: &View<'_>, place: usize, mut each: impl FnMut(usize, &[u8])) -> Result<(), Halt> {
    let column = view.load(place)?;
    if let Values::Binary(messages) = &column.values {
        for i in 0..view.rows() {
            let row = column.presence.row(i);
            if row >= view.rows() {
                break;
            }
            each(row, messages.get(i));
        }
    }
    Ok(())
}

/// Calls `found` with every row that has a value at this key or path outside of the columns of the key, and the value.
pub(crate) fn each_value(view: &View<'_>, key: &str, mut found: impl FnMut(usize, &Value)) -> Result<(), Halt> {
    for (place, e) in view.with_id(ATTRIBUTE) {
        let read = match e.value_type {
            ValueType::Map => |raw: &[u8]| Value::Map(wire::otlp::read_map(raw)),
            ValueType::Array => |raw: &[u8]| Value::Array(wire::otlp::read_array(raw)),
            _ => continue,
        };
        let Some(path) = key.strip_prefix(&*e.key).and_then(|path| path.strip_prefix('.')) else { continue };
        raw(view, place, |row, message| {
            if let Some(value) = inside(&read(message), path) {
                found(row, value);
            }
        })?;
    }
    each(view, |row, map| {
        if let Some(value) = lookup(&map, key) {
            found(row, value);
        }
    })
}

/// Whether a row has this attribute, in a column or elsewhere.
pub(crate) fn has(view: &View<'_>, key: &str) -> Result<bool, Halt> {
    let mut found = view.attribute(key).next().is_some();
    if !found {
        each_value(view, key, |_, _| found = true)?;
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_keys_come_before_paths() {
        let map = |entries: &[(&str, Value)]| -> Attributes {
            entries.iter().map(|(k, v)| ((*k).to_owned(), v.clone())).collect()
        };
        let labels = Value::Map(map(&[("app", Value::Int(1)), ("a.b", Value::Int(2))]));
        let pairs = Value::Array(vec![Value::Int(5), Value::Map(map(&[("id", Value::Int(6))]))]);
        let all = map(&[
            ("k8s", Value::Map(map(&[("labels", labels)]))),
            ("k8s.pod", Value::Int(3)),
            ("x", Value::Int(4)),
            ("pairs", pairs),
            ("pairs.1", Value::Int(7)),
        ]);
        for (key, value) in [
            ("k8s.labels.app", Some(1)),
            ("k8s.labels.a.b", Some(2)),
            ("k8s.pod", Some(3)),
            ("k8s.labels.none", None),
            ("x.y", None),
            ("pairs.0", Some(5)),
            ("pairs.1", Some(7)),
            ("pairs.1.id", Some(6)),
            ("pairs.2", None),
            ("pairs.+0", None),
            ("pairs.", None),
            ("pairs.0.x", None),
            (".", None),
        ] {
            assert_eq!(lookup(&all, key), value.map(Value::Int).as_ref(), "{key}");
        }
    }
}
