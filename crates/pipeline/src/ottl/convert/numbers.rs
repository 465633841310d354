//! Numbers and lengths.

use wire::otlp::tree::Value;

use super::{Converter, ones};
use crate::ottl::eval::EvalError;
use crate::ottl::path::{double, mismatch};
use crate::ottl::value::Val;

pub(super) const ONE: &[Converter] = ones!["Len"("target") => len, "Log"("value") => log];

fn len(v: &Val) -> Result<Val, EvalError> {
    Ok(match v {
        Val::Plain(Value::Str(s)) => s.len().into(),
        Val::Plain(Value::Bytes(b)) => b.len().into(),
        Val::Plain(Value::Array(items)) => items.len().into(),
        Val::Plain(Value::Map(map)) => map.len().into(),
        _ => return Err(mismatch("a text, list or map", v)),
    })
}

fn log(v: &Val) -> Result<Val, EvalError> {
    match double(v)? {
        d if d > 0.0 => Ok(d.ln().into()),
        d => Err(EvalError::new(format!("{d} has no logarithm"))),
    }
}
