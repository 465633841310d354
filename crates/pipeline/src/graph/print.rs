//! JSON values as YAML that can be used as it is.

use std::fmt::Write as _;

use serde_json::Value;

/// The mapping `value` as YAML lines.
pub(super) fn yaml(value: &Value) -> String {
    let mut out = String::new();
    write(value, 0, &mut out);
    out
}

fn write(value: &Value, depth: usize, out: &mut String) {
    let indent = "  ".repeat(depth);
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                let _ = write!(out, "{indent}{}:", quoted_key(key));
                below(value, depth, out);
            }
        }
        Value::Array(items) => {
            for item in items {
                let _ = write!(out, "{indent}-");
                match item {
                    Value::Object(map) if !map.is_empty() => {
                        // The first key stands behind the dash.
                        let mut text = String::new();
                        write(item, depth + 1, &mut text);
                        let _ = writeln!(out, " {}", text.trim());
                    }
                    _ => below(item, depth, out),
                }
            }
        }
        scalar => {
            let _ = writeln!(out, "{indent}{}", inline(scalar));
        }
    }
}

fn below(value: &Value, depth: usize, out: &mut String) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            out.push('\n');
            write(value, depth + 1, out);
        }
        Value::Array(items) if items.iter().any(|i| i.is_object() || i.is_array()) => {
            out.push('\n');
            write(value, depth + 1, out);
        }
        _ => {
            let _ = writeln!(out, " {}", inline(value));
        }
    }
}

fn inline(value: &Value) -> String {
    match value {
        Value::Object(_) => "{}".to_owned(),
        Value::Array(items) => format!("[{}]", items.iter().map(inline).collect::<Vec<_>>().join(", ")),
        // `$` begins a reference where it is read again.
        Value::String(text) if text.contains('\n') => {
            serde_json::to_string(&text.replace('$', "$$")).unwrap_or_default()
        }
        Value::String(text) => format!("'{}'", text.replace('\'', "''").replace('$', "$$")),
        other => other.to_string(),
    }
}

fn quoted_key(key: &str) -> String {
    let plain = !key.is_empty()
        && key.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '/' | '-' | '.'))
        && key.starts_with(|c: char| c.is_alphabetic() || c == '_');
    if plain { key.to_owned() } else { format!("'{}'", key.replace('\'', "''")) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use yaml::{Manner, parse, read};

    use super::*;

    #[test]
    fn what_is_written_is_read_as_the_same() {
        let value = json!({
            "a": {"b": 1, "c": "it's", "d": null, "e": [], "f": {}, "x y": true},
            "list": [{"k": "v", "deep": {"z": [1, "2"]}}, "plain", ["nested", [1]]],
            "text": "two\nlines",
        });
        let (again, _) = read::<Value>(&parse("f", &yaml(&value)).unwrap(), Manner::Loose).unwrap();
        assert_eq!(again, value, "{}", yaml(&value));
    }
}
