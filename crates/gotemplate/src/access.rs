//! `.A.B` and `.A.Method argument`: what a name means on a value, in Go's order of methods, fields and keys.

use gotmpl::Value;

use crate::error::{Result, fail};
use crate::time;
use crate::value::{is_texts, struct_name, text, type_name};

/// Methods of values that an application brings. `None`: the value has no such method.
pub type Methods = fn(receiver: &Value, name: &str, arguments: &[Value]) -> Option<Result<Value>>;

/// No methods.
pub fn no_methods(_receiver: &Value, _name: &str, _arguments: &[Value]) -> Option<Result<Value>> {
    None
}

/// The function that field accesses are rewritten to: the value, where it stands, the number of names, the names,
/// arguments for the last one.
pub(crate) fn call(arguments: &[Value], methods: Methods) -> Result<Value> {
    let [value, Value::String(place), Value::Int(count), rest @ ..] = arguments else {
        return fail("a field access has the wrong shape");
    };
    let Some((names, extra)) = usize::try_from(*count).ok().and_then(|count| rest.split_at_checked(count)) else {
        return fail("a field access has the wrong shape");
    };
    let mut value = value.clone();
    for (i, name) in names.iter().enumerate() {
        let given = if i + 1 == names.len() { extra } else { &[] };
        value = get(&value, name.as_str().unwrap_or(""), given, methods)
            .or_else(|e| fail(format!("{place}: {}", e.to_string().trim_start_matches("execution error: "))))?;
    }
    Ok(value)
}

fn get(value: &Value, name: &str, arguments: &[Value], methods: Methods) -> Result<Value> {
    if let Some(result) = time::method(value, name, arguments).or_else(|| methods(value, name, arguments)) {
        return result;
    }
    let found = match value {
        Value::Nil => return fail(format!("nil pointer evaluating interface {{}}.{name}")),
        Value::Map(map) if struct_name(value).is_some() => map.get(name).cloned(),
        Value::Map(map) => match map.get(name) {
            Some(value) => Some(value.clone()),
            None if is_texts(map) => Some(text("")),
            None => Some(Value::Nil),
        },
        _ => None,
    };
    match found {
        None => fail(format!("can't evaluate field {name} in type {}", type_name(value))),
        Some(_) if !arguments.is_empty() => fail(format!("{name} has arguments but cannot be invoked as function")),
        Some(value) => Ok(value),
    }
}
