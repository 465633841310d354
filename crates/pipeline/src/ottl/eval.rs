//! Running what was compiled: values, comparisons, arithmetic, and what can go wrong with them.

use serde::{Deserialize, Serialize};
use wire::otlp::tree::Value;

use super::context::Scene;
use super::keys::Key;
use super::path::Path;
use super::value::Val;

/// A statement met data that it cannot work with.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct EvalError(pub Box<str>);

impl EvalError {
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self(message.into().into_boxed_str())
    }
}

/// What happens when a statement meets data that it cannot work with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ErrorMode {
    /// The request is refused.
    Propagate,
    /// It is logged, and the next statement runs.
    #[default]
    Ignore,
    /// The next statement runs.
    Silent,
}

pub(super) type Getting = Box<dyn Fn(&Scene<'_>) -> Result<Val, EvalError> + Send + Sync>;

/// Something that has a value.
pub(super) enum Getter {
    Literal(Val),
    Path(Path),
    Computed(Getting),
}

impl std::fmt::Debug for Getter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Literal(v) => write!(f, "{v:?}"),
            Self::Path(_) => f.write_str("path"),
            Self::Computed(_) => f.write_str("computed"),
        }
    }
}

impl Getter {
    pub(super) fn get(&self, scene: &Scene<'_>) -> Result<Val, EvalError> {
        match self {
            Self::Literal(v) => Ok(v.clone()),
            Self::Path(path) => path.get(scene),
            Self::Computed(f) => f(scene),
        }
    }

    /// Hands the value over without a copy where there is one to borrow.
    pub(super) fn with<T>(&self, scene: &Scene<'_>, f: impl FnOnce(&Val) -> T) -> Result<T, EvalError> {
        match self {
            Self::Literal(v) => Ok(f(v)),
            other => Ok(f(&other.get(scene)?)),
        }
    }

    pub(super) fn computed(f: impl Fn(&Scene<'_>) -> Result<Val, EvalError> + Send + Sync + 'static) -> Self {
        Self::Computed(Box::new(f))
    }
}

/// What brackets behind a value choose of it; `nil` when it is not there.
pub(super) fn index(mut value: Val, keys: &[Key]) -> Val {
    for key in keys {
        value = match (value, key) {
            (Val::Plain(Value::Map(mut map)), Key::Text(k)) => map.remove(k).map_or(Val::NIL, Val::Plain),
            (Val::Plain(Value::Array(mut items)), Key::Index(i)) if *i < items.len() => items.swap_remove(*i).into(),
            _ => Val::NIL,
        };
    }
    value
}

/// Compares as OTTL does.
pub(super) fn compare(op: &str, a: &Val, b: &Val) -> bool {
    use std::cmp::Ordering::{Equal, Greater, Less};
    match op {
        "==" => a.same(b),
        "!=" => !a.same(b),
        "<" => a.order(b) == Some(Less),
        "<=" => matches!(a.order(b), Some(Less | Equal)),
        ">" => a.order(b) == Some(Greater),
        _ => matches!(a.order(b), Some(Greater | Equal)),
    }
}

/// Adds, subtracts, multiplies or divides.
pub(super) fn math(op: char, a: &Val, b: &Val) -> Result<Val, EvalError> {
    let overflow = || EvalError::new(format!("the result of `{op}` does not fit 64 bits"));
    match (a, b) {
        (Val::Plain(Value::Int(a)), Val::Plain(Value::Int(b))) => {
            if op == '/' && *b == 0 {
                return Err(EvalError::new("division by zero"));
            }
            integers(op, *a, *b).map(Val::from).ok_or_else(overflow)
        }
        (Val::Time(a), Val::Time(b)) if op == '-' => a.checked_sub(*b).map(Val::Duration).ok_or_else(overflow),
        (Val::Time(a), Val::Duration(b)) if op == '-' || op == '+' => {
            integers(op, *a, *b).map(Val::Time).ok_or_else(overflow)
        }
        (Val::Duration(a), Val::Time(b)) if op == '+' => a.checked_add(*b).map(Val::Time).ok_or_else(overflow),
        (Val::Duration(a), Val::Duration(b)) if op == '-' || op == '+' => {
            integers(op, *a, *b).map(Val::Duration).ok_or_else(overflow)
        }
        _ => match (a.as_f64(), b.as_f64()) {
            (Some(a), Some(b)) => Ok(match op {
                '+' => a + b,
                '-' => a - b,
                '*' => a * b,
                _ => a / b,
            }
            .into()),
            _ => Err(EvalError::new(format!("`{op}` cannot be applied to {} and {}", a.type_name(), b.type_name()))),
        },
    }
}

fn integers(op: char, a: i64, b: i64) -> Option<i64> {
    match op {
        '+' => a.checked_add(b),
        '-' => a.checked_sub(b),
        '*' => a.checked_mul(b),
        _ => a.checked_div(b),
    }
}
