//! What functions of templates are called with.

use gotmpl::Value;

use crate::error::{Result, fail};
use crate::value::type_name;

/// As many arguments as there must be.
///
/// # Errors
/// There are more or fewer.
pub fn args<'a, const N: usize>(name: &str, arguments: &'a [Value]) -> Result<&'a [Value; N]> {
    match arguments.try_into() {
        Ok(arguments) => Ok(arguments),
        Err(_) => fail(format!("wrong number of args for {name}: want {N} got {}", arguments.len())),
    }
}

/// An argument that must be a text.
///
/// # Errors
/// It is something else.
pub fn as_text<'a>(name: &str, value: &'a Value) -> Result<&'a str> {
    match value {
        Value::String(s) | Value::Safe { s, .. } => Ok(s),
        other => fail(format!("{name}: expected string, got {}", type_name(other))),
    }
}
