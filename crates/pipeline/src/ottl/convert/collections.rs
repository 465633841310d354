//! Lists and maps.

use wire::otlp::tree::{Attributes, Value};

use super::{Converter, many};
use crate::ottl::Problem;
use crate::ottl::arguments::Arguments;
use crate::ottl::eval::{EvalError, Getter};
use crate::ottl::path::mismatch;
use crate::ottl::value::Val;

pub(super) const ALL: &[Converter] = &[
    many("ContainsValue", &["target", "item"], 2, contains_value),
    many("Index", &["target", "value"], 2, index),
    many("Keys", &["target"], 1, |a| of_map(a, |map| map.iter().map(|(k, _)| k.into()).collect())),
    many("Values", &["target"], 1, |a| of_map(a, |map| map.iter().map(|(_, v)| v.clone()).collect())),
    many("SliceToMap", &["target", "keyPath", "valuePath"], 1, slice_to_map),
    many("Sort", &["target", "order"], 1, sort),
];

fn list(v: Val) -> Result<Vec<Value>, EvalError> {
    match v {
        Val::Plain(Value::Array(items)) => Ok(items),
        other => Err(mismatch("a list", &other)),
    }
}

fn contains_value(a: &Arguments<'_>) -> Result<Getter, Problem> {
    let (target, item) = (a.value(0)?, a.value(1)?);
    Ok(Getter::computed(move |s| {
        let item = item.get(s)?;
        Ok(list(target.get(s)?)?.into_iter().any(|v| Val::Plain(v).same(&item)).into())
    }))
}

/// Where a value is in a list or text; -1 when it is not.
fn index(a: &Arguments<'_>) -> Result<Getter, Problem> {
    let (target, item) = (a.value(0)?, a.value(1)?);
    Ok(Getter::computed(move |s| {
        let (target, item) = (target.get(s)?, item.get(s)?);
        let at = match (target.as_str(), item.as_str()) {
            (Some(text), Some(part)) => text.find(part),
            _ => list(target)?.into_iter().position(|v| Val::Plain(v).same(&item)),
        };
        Ok(at.map_or(-1, |at| at as i64).into())
    }))
}

fn of_map(a: &Arguments<'_>, f: fn(&Attributes) -> Vec<Value>) -> Result<Getter, Problem> {
    let target = a.value(0)?;
    Ok(Getter::computed(move |s| {
        let v = target.get(s)?;
        v.as_map().map(|map| f(map).into()).ok_or_else(|| mismatch("a map", &v))
    }))
}

/// A map of the list's items, by a key in each, or by their places.
fn slice_to_map(a: &Arguments<'_>) -> Result<Getter, Problem> {
    let target = a.value(0)?;
    let key_path = if a.has(1) { a.texts(1)? } else { vec![] };
    let value_path = if a.has(2) { a.texts(2)? } else { vec![] };
    Ok(Getter::computed(move |s| {
        let mut map = Attributes::new();
        for (n, item) in list(target.get(s)?)?.into_iter().enumerate() {
            let by_path = || at(&item, &key_path).map(Value::to_text);
            let key = if key_path.is_empty() { Some(n.to_string().into()) } else { by_path() };
            let (Some(key), Some(value)) = (key, at(&item, &value_path)) else {
                return Err(EvalError::new(format!("item {n} of the list has no such key")));
            };
            map.set(&key, value.clone());
        }
        Ok(map.into())
    }))
}

fn at<'v>(value: &'v Value, path: &[String]) -> Option<&'v Value> {
    path.iter().try_fold(value, |v, key| if let Value::Map(map) = v { map.get(key) } else { None })
}

fn sort(a: &Arguments<'_>) -> Result<Getter, Problem> {
    let target = a.value(0)?;
    let descending = match a.has(1).then(|| a.text(1)).transpose()?.as_deref() {
        None | Some("asc") => false,
        Some("desc") => true,
        Some(_) => return Err(a.problem(1, "must be \"asc\" or \"desc\"")),
    };
    Ok(Getter::computed(move |s| {
        let items = list(target.get(s)?)?;
        let mut items: Vec<Val> = items.into_iter().map(Val::Plain).collect();
        // Numbers come first, in their order, then texts: an order whatever the list holds.
        let key = |v: &Val| (v.as_f64().is_none(), v.to_text());
        items.sort_by(|a, b| match (a.as_f64(), b.as_f64()) {
            (Some(x), Some(y)) => x.total_cmp(&y),
            _ => key(a).cmp(&key(b)),
        });
        if descending {
            items.reverse();
        }
        Ok(items.into_iter().map(Val::into_value).collect::<Vec<_>>().into())
    }))
}
