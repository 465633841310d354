//! Values as Go's `encoding/json` writes them: fields in the order of the declaration, keys sorted, `<`, `>` and `&` escaped.

use std::fmt::Write;

use gotmpl::Value;

use crate::error::{Result, fail};
use crate::time;
use crate::value::{MARK, struct_fields};

/// The JSON of a value.
///
/// # Errors
/// A function, a number that is not finite.
pub(crate) fn encode(value: &Value) -> Result<String> {
    let mut out = String::new();
    write(&mut out, value)?;
    Ok(out)
}

fn write(out: &mut String, value: &Value) -> Result<()> {
    if let Some(time) = time::json(value) {
        match time {
            time::Json::Text(text) => string(out, &text),
            time::Json::Number(n) => out.push_str(&n.to_string()),
        }
        return Ok(());
    }
    match value {
        Value::Nil => out.push_str("null"),
        Value::Bool(b) => out.push_str(if *b { "true" } else { "false" }),
        Value::Int(n) => out.push_str(&n.to_string()),
        Value::Uint(n) => out.push_str(&n.to_string()),
        Value::Float(f) if f.is_finite() => number(out, *f),
        Value::Float(f) => return fail(format!("json: unsupported value: {}", crate::print::float(*f))),
        Value::String(s) | Value::Safe { s, .. } => string(out, s),
        Value::List(items) => {
            out.push('[');
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                write(out, item)?;
            }
            out.push(']');
        }
        Value::Map(map) => {
            let fields = struct_fields(value)
                .unwrap_or_else(|| map.iter().filter(|(k, _)| &***k != MARK).map(|(k, v)| (&**k, v)).collect());
            out.push('{');
            for (i, (name, value)) in fields.into_iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                string(out, name);
                out.push(':');
                write(out, value)?;
            }
            out.push('}');
        }
        Value::Function(_) => return fail("json: unsupported type: func"),
    }
    Ok(())
}

/// ES6's form: an exponent below 1e-6 and from 1e21 on.
fn number(out: &mut String, f: f64) {
    let size = f.abs();
    if size != 0.0 && !(1e-6..1e21).contains(&size) {
        let text = format!("{f:e}");
        out.push_str(&if text.contains("e-") { text } else { text.replace('e', "e+") });
    } else {
        out.push_str(&f.to_string());
    }
}

fn string(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' | '\0'..='\u{1f}' => {
                // Writing into a `String` cannot fail.
                let _ = write!(out, "\\u{:04x}", c as u32);
            }
            c => out.push(c),
        }
    }
    out.push('"');
}
