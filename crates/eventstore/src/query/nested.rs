//! Attributes that have no column of their own: beyond the cap on columns (`block::overflow`), or inside of maps and
//! arrays, where `k8s.labels.app` is the key `app` of the map `labels` of the attribute `k8s`, `tags.0` the first
//! element of the array `tags`, and `items.name` the key `name` of each of the maps in the array `items`.
//!
//! A key that is there as a whole comes before any path.

use model::{Attributes, Value, attributes};

use super::run::Halt;
use super::view::View;
use crate::block::Values;
use crate::schema::{ATTRIBUTE, REST};
use crate::value_type::ValueType;

/// The first value at a key or path; an attribute of a record that was read.
pub fn lookup<'a>(of: &'a Attributes, key: &str) -> Option<&'a Value> {
    let mut first = None;
    each_at(of, key, &mut |value| {
        first.get_or_insert(value);
    });
    first
}

/// What `make` makes of the first value at a key or path that it makes something of.
pub(crate) fn find_at<T>(of: &Attributes, key: &str, make: impl Fn(&Value) -> Option<T>) -> Option<T> {
    let mut first = None;
    each_at(of, key, &mut |value| first = first.take().or_else(|| make(value)));
    first
}

/// Whether a value at a key or path satisfies `holds`.
pub(crate) fn any_at(of: &Attributes, key: &str, holds: impl Fn(&Value) -> bool) -> bool {
    let mut any = false;
    each_at(of, key, &mut |value| any = any || holds(value));
    any
}

/// Calls `found` with every value at a key or path; whether there is one.
fn each_at<'a>(of: &'a Attributes, key: &str, found: &mut dyn FnMut(&'a Value)) -> bool {
    if let Some(whole) = attributes::get(of, key) {
        found(whole);
        return true;
    }
    key.match_indices('.').any(|(dot, _)| match attributes::get(of, &key[..dot]) {
        Some(value) => inside(value, &key[dot + 1..], found),
        None => false,
    })
}

/// Calls `found` with every value at a path into a map or an array; whether there is one.
pub(super) fn inside<'a>(of: &'a Value, path: &str, found: &mut dyn FnMut(&'a Value)) -> bool {
    match of {
        Value::Map(entries) => each_at(entries, path, found),
        Value::Array(elements) => {
            let (place, rest) = path.split_once('.').map_or((path, None), |(place, rest)| (place, Some(rest)));
            if !place.is_empty() && place.bytes().all(|b| b.is_ascii_digit()) {
                let element = place.parse::<usize>().ok().and_then(|place| elements.get(place));
                return match (element, rest) {
                    (Some(element), None) => {
                        found(element);
                        true
                    }
                    (Some(element), Some(rest)) => inside(element, rest, found),
                    (None, _) => false,
                };
            }
            // A key is one of the maps in the array.
            let mut any = false;
            for map in elements.iter().filter(|element| matches!(element, Value::Map(_))) {
                any |= inside(map, path, found);
            }
            any
        }
        _ => false,
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

/// Calls `found` with every row that has a value at this key or path outside of the columns of the key, and the value; a
/// path into the maps of an array can have several.
pub(crate) fn each_value(view: &View<'_>, key: &str, mut found: impl FnMut(usize, &Value)) -> Result<(), Halt> {
    for (place, e) in view.with_id(ATTRIBUTE) {
        let read = match e.value_type {
            ValueType::Map => |raw: &[u8]| Value::Map(wire::otlp::read_map(raw)),
            ValueType::Array => |raw: &[u8]| Value::Array(wire::otlp::read_array(raw)),
            _ => continue,
        };
        let Some(path) = key.strip_prefix(&*e.key).and_then(|path| path.strip_prefix('.')) else { continue };
        raw(view, place, |row, message| {
            inside(&read(message), path, &mut |value| found(row, value));
        })?;
    }
    each(view, |row, map| {
        each_at(&map, key, &mut |value| found(row, value));
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
            ("pairs.id", Some(6)),
            ("pairs.none", None),
            ("pairs.+0", None),
            ("pairs.", None),
            ("pairs.0.x", None),
            (".", None),
        ] {
            assert_eq!(lookup(&all, key), value.map(Value::Int).as_ref(), "{key}");
        }
    }

    #[test]
    fn values_that_something_can_be_made_of_come_before_others() {
        let of = |x: Value| Value::Map(vec![("x".into(), x)]);
        let list = Value::Array(vec![of(Value::Bytes(vec![1])), of(Value::Str("a".into())), of(Value::Int(2))]);
        let all = vec![("k".to_owned(), list)];
        assert_eq!(find_at(&all, "k.x", crate::query::text::value_text), Some("a".to_owned()));
        let int = |v: &Value| if let Value::Int(i) = v { Some(*i) } else { None };
        assert_eq!((find_at(&all, "k.x", int), find_at(&all, "k.y", int)), (Some(2), None));
    }

    #[test]
    fn a_key_of_maps_in_an_array_has_many_values() {
        let item = |n: i64| Value::Map(vec![("n".to_owned(), Value::Int(n)), ("in".to_owned(), Value::Array(vec![]))]);
        let items = Value::Array(vec![item(1), Value::Int(9), item(2)]);
        let all = vec![("items".to_owned(), items), ("box".to_owned(), Value::Map(vec![]))];
        let mut found = Vec::new();
        assert!(each_at(&all, "items.n", &mut |v| found.push(v.clone())));
        assert_eq!(found, [Value::Int(1), Value::Int(2)]);
        assert!(any_at(&all, "items.n", |v| *v == Value::Int(2)) && !any_at(&all, "items.n", |v| *v == Value::Int(3)));
        assert!(!each_at(&all, "items.in.x", &mut |_| ()) && !each_at(&all, "box.n", &mut |_| ()));
    }
}
