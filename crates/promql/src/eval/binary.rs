//! Operators with at least one scalar, and the arithmetic of all of them.

use super::columns::{ABSENT, Row, Sink, is_present};
use super::{Eval, EvalError};
use crate::ast::{Binary, BinaryOp, Expr, ValueType};

/// The value of an arithmetic operator.
#[inline]
pub(crate) fn arithmetic(op: BinaryOp, l: f64, r: f64) -> f64 {
    match op {
        BinaryOp::Add => l + r,
        BinaryOp::Sub => l - r,
        BinaryOp::Mul => l * r,
        BinaryOp::Div => l / r,
        BinaryOp::Mod => l % r,
        BinaryOp::Pow => l.powf(r),
        BinaryOp::Atan2 => l.atan2(r),
        _ => f64::NAN,
    }
}

/// Whether a comparison holds.
#[inline]
pub(crate) fn compares(op: BinaryOp, l: f64, r: f64) -> bool {
    match op {
        BinaryOp::Eq => l == r,
        BinaryOp::Ne => l != r,
        BinaryOp::Gt => l > r,
        BinaryOp::Lt => l < r,
        BinaryOp::Ge => l >= r,
        BinaryOp::Le => l <= r,
        _ => false,
    }
}

/// The result for two values; a comparison that filters gives `kept` or nothing.
#[inline]
pub(crate) fn apply(b: &Binary, l: f64, r: f64, kept: f64) -> f64 {
    if !b.op.is_comparison() {
        return arithmetic(b.op, l, r);
    }
    match (b.return_bool, compares(b.op, l, r)) {
        (true, holds) => f64::from(u8::from(holds)),
        (false, true) => kept,
        (false, false) => ABSENT,
    }
}

impl Eval<'_> {
    pub(crate) fn scalar_binary(&self, b: &Binary) -> Result<Vec<f64>, EvalError> {
        let (l, r) = (self.scalar(&b.lhs)?, self.scalar(&b.rhs)?);
        Ok(l.iter().zip(&r).map(|(l, r)| apply(b, *l, *r, *l)).collect())
    }

    pub(crate) fn binary(&self, e: &Expr, b: &Binary, sink: &mut Sink<'_>) -> Result<(), EvalError> {
        match (b.lhs.value_type(), b.rhs.value_type()) {
            (ValueType::Vector, ValueType::Vector) if b.op.is_set() => self.set_operation(b, sink),
            (ValueType::Vector, ValueType::Vector) => self.vector_binary(b, sink),
            (ValueType::Vector, _) => {
                let scalar = self.scalar(&b.rhs)?;
                self.with_scalar(b, &b.lhs, &scalar, false, sink)
            }
            (_, ValueType::Vector) => {
                let scalar = self.scalar(&b.lhs)?;
                self.with_scalar(b, &b.rhs, &scalar, true, sink)
            }
            _ => Err(EvalError::execution(format!("expected an instant vector, got {}", e.value_type().documented()))),
        }
    }

    fn with_scalar(
        &self,
        b: &Binary,
        vector: &Expr,
        scalar: &[f64],
        scalar_left: bool,
        sink: &mut Sink<'_>,
    ) -> Result<(), EvalError> {
        let drops_name = !b.op.is_comparison() || b.return_bool;
        let mut values = Vec::with_capacity(self.steps.count);
        self.each(vector, &mut |row| {
            values.clear();
            values.extend(row.values.iter().zip(scalar).map(|(v, s)| {
                if !is_present(*v) {
                    return ABSENT;
                }
                if scalar_left { apply(b, *s, *v, *v) } else { apply(b, *v, *s, *v) }
            }));
            if values.iter().any(|v| is_present(*v)) {
                sink(Row { labels: row.labels, drop_name: row.drop_name || drops_name, values: &values })?;
            }
            Ok(())
        })
    }
}
