//! Attributes that have no column of their own: beyond the cap on columns (`block::overflow`), or inside of maps, where
//! `k8s.labels.app` is the key `app` of the map `labels` of the attribute `k8s`.
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
        key.match_indices('.').find_map(|(dot, _)| match attributes::get(of, &key[..dot]) {
            Some(Value::Map(inner)) => lookup(inner, &key[dot + 1..]),
            _ => None,
        })
    })
}

/// Calls `each` with every row that has attributes beyond the cap, in rising order, and them.
pub(crate) fn each(view: &View<'_>, each: impl FnMut(usize, Attributes)) -> Result<(), Halt> {
    match view.with_id(REST).next() {
        Some((place, _)) => maps(view, place, each),
        None => Ok(()),
    }
}

/// Reads the maps of the column at `place`.
fn maps(view: &View<'_>, place: usize, mut each: impl FnMut(usize, Attributes)) -> Result<(), Halt> {
    let column = view.load(place)?;
    if let Values::Binary(maps) = &column.values {
        for i in 0..view.rows() {
            let row = column.presence.row(i);
            if row >= view.rows() {
                break;
            }
            each(row, wire::otlp::read_map(maps.get(i)));
        }
    }
    Ok(())
}

/// Calls `found` with every row that has a value at this key or path outside of the columns of the key, and the value.
pub(crate) fn each_value(view: &View<'_>, key: &str, mut found: impl FnMut(usize, &Value)) -> Result<(), Halt> {
    let mut look = |place: usize, key: &str| {
        maps(view, place, |row, map| {
            if let Some(value) = lookup(&map, key) {
                found(row, value);
            }
        })
    };
    for (place, e) in view.with_id(ATTRIBUTE).filter(|(_, e)| e.value_type == ValueType::Map) {
        if let Some(path) = key.strip_prefix(&*e.key).and_then(|path| path.strip_prefix('.')) {
            look(place, path)?;
        }
    }
    for (place, _) in view.with_id(REST) {
        look(place, key)?;
    }
    Ok(())
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
        let all =
            map(&[("k8s", Value::Map(map(&[("labels", labels)]))), ("k8s.pod", Value::Int(3)), ("x", Value::Int(4))]);
        for (key, value) in [
            ("k8s.labels.app", Some(1)),
            ("k8s.labels.a.b", Some(2)),
            ("k8s.pod", Some(3)),
            ("k8s.labels.none", None),
            ("x.y", None),
            (".", None),
        ] {
            assert_eq!(lookup(&all, key), value.map(Value::Int).as_ref(), "{key}");
        }
    }
}
