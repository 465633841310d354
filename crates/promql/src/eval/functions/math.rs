//! Functions of one value: rounding, logarithms, trigonometry, clamping.

use crate::ast::Expr;
use crate::eval::columns::{Row, Sink, is_present};
use crate::eval::{Eval, EvalError};

/// The function of this name.
pub(super) fn function(name: &str) -> Option<fn(f64) -> f64> {
    Some(match name {
        "abs" => f64::abs,
        "ceil" => f64::ceil,
        "floor" => f64::floor,
        "exp" => f64::exp,
        "sqrt" => f64::sqrt,
        "ln" => f64::ln,
        "log2" => f64::log2,
        "log10" => f64::log10,
        "sin" => f64::sin,
        "cos" => f64::cos,
        "tan" => f64::tan,
        "asin" => f64::asin,
        "acos" => f64::acos,
        "atan" => f64::atan,
        "sinh" => f64::sinh,
        "cosh" => f64::cosh,
        "tanh" => f64::tanh,
        "asinh" => f64::asinh,
        "acosh" => f64::acosh,
        "atanh" => f64::atanh,
        "deg" => |v| v * 180.0 / std::f64::consts::PI,
        "rad" => |v| v * std::f64::consts::PI / 180.0,
        "sgn" => |v| {
            if v < 0.0 {
                -1.0
            } else if v > 0.0 {
                1.0
            } else {
                v
            }
        },
        _ => return None,
    })
}

/// The smaller; NaN when one is NaN.
pub(super) fn min(a: f64, b: f64) -> f64 {
    if a.is_nan() || b.is_nan() { f64::NAN } else { a.min(b) }
}

/// The greater; NaN when one is NaN.
pub(super) fn max(a: f64, b: f64) -> f64 {
    if a.is_nan() || b.is_nan() { f64::NAN } else { a.max(b) }
}

impl Eval<'_> {
    pub(super) fn clamp(
        &self,
        e: &Expr,
        low: Option<&Expr>,
        high: Option<&Expr>,
        sink: &mut Sink<'_>,
    ) -> Result<(), EvalError> {
        let bound =
            |e: Option<&Expr>, none: f64| e.map_or_else(|| Ok(vec![none; self.steps.count]), |e| self.scalar(e));
        let (low, high) = (bound(low, f64::NEG_INFINITY)?, bound(high, f64::INFINITY)?);
        let mut values = Vec::with_capacity(self.steps.count);
        self.each(e, &mut |row| {
            values.clear();
            values.extend(row.values.iter().zip(low.iter().zip(&high)).map(|(v, (low, high))| {
                if !is_present(*v) || high < low { crate::eval::columns::ABSENT } else { max(*low, min(*high, *v)) }
            }));
            let row = Row::floats(row.labels, true, &values);
            if row.is_empty() { Ok(()) } else { sink(row) }
        })
    }

    /// Rounds to a multiple; ties go up.
    pub(super) fn round(&self, e: &Expr, nearest: Option<&Expr>, sink: &mut Sink<'_>) -> Result<(), EvalError> {
        let nearest = match nearest {
            Some(nearest) => self.scalar(nearest)?,
            None => vec![1.0; self.steps.count],
        };
        self.map_steps(e, sink, |step, v| {
            // The inverse loses less than dividing by the multiple.
            let inverse = 1.0 / nearest.get(step).copied().unwrap_or(1.0);
            (v * inverse + 0.5).floor() / inverse
        })
    }
}
