//! Modifiers where they mean nothing, refused before any series is read.

use super::EvalError;
use crate::ast::{Expr, ExprKind, Extended, VectorSelector};

/// Functions that know `anchored`.
const ANCHORED_FUNCTIONS: [&str; 5] = ["changes", "delta", "increase", "rate", "resets"];

/// Functions that know `smoothed`.
const SMOOTHED_FUNCTIONS: [&str; 3] = ["delta", "increase", "rate"];

/// Refuses `anchored` and `smoothed` ranges in functions that do not know them.
pub(crate) fn check(e: &Expr) -> Result<(), EvalError> {
    match &e.kind {
        ExprKind::Number(_) | ExprKind::String(_) | ExprKind::Selector(_) | ExprKind::Range(_) => Ok(()),
        ExprKind::Subquery(s) => check(&s.expr),
        ExprKind::Unary { expr, .. } | ExprKind::Paren(expr) => check(expr),
        ExprKind::Binary(b) => {
            check(&b.lhs)?;
            check(&b.rhs)
        }
        ExprKind::Aggregate(a) => {
            a.param.as_ref().map_or(Ok(()), check)?;
            check(&a.expr)
        }
        ExprKind::Call(c) => c.args.iter().try_for_each(|arg| match &arg.unwrap_parens().kind {
            ExprKind::Range(r) if r.selector.extended.is_some() => extended(c.function.name, &r.selector),
            _ => check(arg),
        }),
    }
}

/// Only some functions know what to do with the samples around a range.
fn extended(function: &str, s: &VectorSelector) -> Result<(), EvalError> {
    let (name, known): (_, &[&str]) = match s.extended {
        Some(Extended::Anchored) => ("anchored", &ANCHORED_FUNCTIONS),
        Some(Extended::Smoothed) => ("smoothed", &SMOOTHED_FUNCTIONS),
        None => return Ok(()),
    };
    if known.contains(&function) {
        return Ok(());
    }
    let known = known.join(", ");
    Err(EvalError::execution(format!("{name} modifier can only be used with: {known} - not with {function}")))
}
