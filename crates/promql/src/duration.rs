//! The value of duration expressions.

use crate::ast::{BinaryOp, DurationExpr, DurationKind, Span};

/// What `step()` and `range()` stand for, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DurationContext {
    /// The step of the query; 0 for an instant query.
    pub step_ms: i64,
    /// End minus start of the query.
    pub range_ms: i64,
}

/// Why a duration expression has no usable value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct DurationError {
    /// The offending part.
    pub span: Span,
    /// What is wrong.
    pub message: &'static str,
}

/// The value in milliseconds; `positive` refuses zero and less.
///
/// # Errors
/// Division or modulo by zero, a value out of range, or not positive.
pub fn millis(expr: &DurationExpr, context: DurationContext, positive: bool) -> Result<i64, DurationError> {
    let seconds = seconds(expr, context)?;
    let fail = |message| Err(DurationError { span: expr.span, message });
    if positive && seconds <= 0.0 {
        return fail("duration must be greater than 0");
    }
    let millis = (seconds * 1000.0).round();
    if millis.is_nan() || millis.abs() > i64::MAX as f64 / 1e6 {
        return fail("duration is out of range");
    }
    Ok(millis as i64)
}

fn seconds(expr: &DurationExpr, context: DurationContext) -> Result<f64, DurationError> {
    let fail = |message| Err(DurationError { span: expr.span, message });
    Ok(match &expr.kind {
        DurationKind::Literal(n) => n.value,
        DurationKind::Step => context.step_ms as f64 / 1000.0,
        DurationKind::Range => context.range_ms as f64 / 1000.0,
        DurationKind::Negative(e) => -seconds(e, context)?,
        DurationKind::Positive(e) | DurationKind::Paren(e) => seconds(e, context)?,
        DurationKind::MinOf(a, b) => seconds(a, context)?.min(seconds(b, context)?),
        DurationKind::MaxOf(a, b) => seconds(a, context)?.max(seconds(b, context)?),
        DurationKind::Binary(op, a, b) => {
            let (a, b) = (seconds(a, context)?, seconds(b, context)?);
            match op {
                BinaryOp::Add => a + b,
                BinaryOp::Sub => a - b,
                BinaryOp::Mul => a * b,
                BinaryOp::Div if b == 0.0 => return fail("division by zero"),
                BinaryOp::Mod if b == 0.0 => return fail("modulo by zero"),
                BinaryOp::Div => a / b,
                BinaryOp::Mod => a % b,
                BinaryOp::Pow => a.powf(b),
                _ => return fail("operator is not allowed in a duration"),
            }
        }
    })
}
