//! What this version does not evaluate, refused before any series is read.

use super::EvalError;
use crate::ast::{Expr, ExprKind, Extended, Span, VectorSelector};

/// Functions that know `anchored`.
const ANCHORED_FUNCTIONS: [&str; 5] = ["changes", "delta", "increase", "rate", "resets"];

/// Functions that know `smoothed`.
const SMOOTHED_FUNCTIONS: [&str; 3] = ["delta", "increase", "rate"];

/// Refuses what cannot be evaluated, by name.
pub(crate) fn check(e: &Expr) -> Result<(), EvalError> {
    match &e.kind {
        ExprKind::Number(_) | ExprKind::String(_) => Ok(()),
        ExprKind::Selector(s) => selector(s, e.span, true),
        ExprKind::Range(r) => selector(&r.selector, e.span, false),
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

fn refuse(what: String, span: Span) -> Result<(), EvalError> {
    Err(EvalError::Unsupported { what, span })
}

fn selector(s: &VectorSelector, span: Span, instant: bool) -> Result<(), EvalError> {
    match s.extended {
        None => Ok(()),
        Some(Extended::Anchored) => refuse("`anchored` outside of a function".to_owned(), span),
        Some(Extended::Smoothed) if instant => Ok(()),
        Some(Extended::Smoothed) => refuse("`smoothed` outside of a function".to_owned(), span),
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
