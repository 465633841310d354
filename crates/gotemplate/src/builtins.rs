//! Go's own functions where types matter, and those that the rewriting calls.

use std::sync::Arc;

use gotmpl::{FuncMap, Value, ValueFunc};

use crate::access::{self, Methods};
use crate::error::{Result, fail};
use crate::print::{needs_show, show};
use crate::rewrite::{CALL, CALL_PIPED, EACH, NUMBER, SHOW};
use crate::time;
use crate::value::{is_texts, struct_name, text, type_name};

/// What stands over `gotmpl`'s builtins.
pub(crate) fn over(methods: Methods) -> FuncMap {
    let functions: [(&str, ValueFunc); 7] = [
        (CALL, Arc::new(move |a| access::call(a, methods))),
        (CALL_PIPED, Arc::new(move |a| call_piped(a, methods))),
        (SHOW, Arc::new(|a| Ok(a.first().map_or(Value::Nil, |v| if needs_show(v) { show(v) } else { v.clone() })))),
        (NUMBER, Arc::new(|a| Ok(a.first().map_or(Value::Nil, number)))),
        (EACH, Arc::new(|a| each(a.first().unwrap_or(&Value::Nil)))),
        ("len", Arc::new(len)),
        ("index", Arc::new(index)),
    ];
    functions.into_iter().map(|(name, function)| (name.to_owned(), function)).collect()
}

/// The value comes last, because it was piped.
fn call_piped(arguments: &[Value], methods: Methods) -> Result<Value> {
    let Some((value, rest)) = arguments.split_last() else { return fail("a field access has the wrong shape") };
    let mut all = vec![value.clone()];
    all.extend_from_slice(rest);
    access::call(&all, methods)
}

/// A duration is a number to comparisons and to `%d`.
fn number(value: &Value) -> Value {
    time::duration_ns(value).map_or_else(|| value.clone(), Value::Int)
}

fn each(value: &Value) -> Result<Value> {
    match struct_name(value) {
        Some(name) => fail(format!("range can't iterate over a {name}")),
        None => Ok(value.clone()),
    }
}

fn len(arguments: &[Value]) -> Result<Value> {
    let [value] = arguments else {
        return fail(format!("wrong number of args for len: want 1 got {}", arguments.len()));
    };
    match value.len() {
        Some(n) if struct_name(value).is_none() => Ok(Value::Int(n as i64)),
        _ => fail(format!("error calling len: len of type {}", type_name(value))),
    }
}

fn index(arguments: &[Value]) -> Result<Value> {
    let Some((first, keys)) = arguments.split_first() else {
        return fail("wrong number of args for index: want at least 1 got 0");
    };
    keys.iter().try_fold(first.clone(), |value, key| {
        if struct_name(&value).is_some() {
            return fail(format!("error calling index: can't index item of type {}", type_name(&value)));
        }
        match (&value, value.index(key)?) {
            (Value::Map(map), Value::Nil) if is_texts(map) => Ok(text("")),
            (_, found) => Ok(found),
        }
    })
}
