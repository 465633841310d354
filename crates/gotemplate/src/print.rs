//! How Go prints a value (`fmt`, verb `%v`).

use std::fmt::Write;

use gotmpl::Value;

use crate::time;
use crate::value::{struct_fields, struct_name};

/// The value as a text where `gotmpl` would print it otherwise than Go does; the value itself where it prints it well.
pub(crate) fn show(value: &Value) -> Value {
    match value {
        Value::Float(_) | Value::Map(_) | Value::List(_) => {
            let mut out = String::new();
            write(&mut out, value);
            Value::String(out.into())
        }
        other => other.clone(),
    }
}

/// Whether [`show`] makes a text of it. Maps and lists without structs are left, so that JavaScript in HTML gets JSON.
pub(crate) fn needs_show(value: &Value) -> bool {
    match value {
        Value::Float(f) => float(*f) != f.to_string(),
        Value::Map(map) => struct_name(value).is_some() || map.values().any(needs_show),
        Value::List(items) => items.iter().any(needs_show),
        _ => false,
    }
}

fn write(out: &mut String, value: &Value) {
    if let Some(text) = time::shown(value) {
        out.push_str(&text);
        return;
    }
    match value {
        Value::Float(f) => out.push_str(&float(*f)),
        Value::List(items) => group(out, "[", items.iter().map(|v| (None, v)), "]"),
        Value::Map(map) => match struct_fields(value) {
            Some(fields) => group(out, "{", fields.into_iter().map(|(_, v)| (None, v)), "}"),
            None => group(out, "map[", map.iter().map(|(k, v)| (Some(&**k), v)), "]"),
        },
        other => {
            // Writing into a `String` cannot fail.
            let _ = write!(out, "{other}");
        }
    }
}

fn group<'a>(out: &mut String, open: &str, items: impl Iterator<Item = (Option<&'a str>, &'a Value)>, close: &str) {
    out.push_str(open);
    for (i, (key, value)) in items.enumerate() {
        if i > 0 {
            out.push(' ');
        }
        if let Some(key) = key {
            out.push_str(key);
            out.push(':');
        }
        write(out, value);
    }
    out.push_str(close);
}

/// The shortest digits that read back as `f`, with an exponent below -4 and from 6 on (`%v`; compared with promtool).
pub(crate) fn float(f: f64) -> String {
    if f.is_nan() {
        return "NaN".into();
    }
    if f.is_infinite() {
        return if f > 0.0 { "+Inf".into() } else { "-Inf".into() };
    }
    let scientific = format!("{f:e}");
    let Some((digits, exponent)) = scientific.split_once('e') else { return scientific };
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if f != 0.0 && !(-4..6).contains(&exponent) {
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{digits}e{sign}{:02}", exponent.abs());
    }
    f.to_string()
}
