//! Operators with at least one scalar.

use super::columns::{ABSENT, Histograms, Row, Sink, is_present, put_histogram};
use super::operate::{Operation, Outcome, arithmetic, compares};
use super::{Eval, EvalError, Point};
use crate::ast::{Binary, Expr, ValueType};

/// The result for two floats; a comparison that filters gives `kept` or nothing.
#[inline]
fn apply(b: &Binary, l: f64, r: f64, kept: f64) -> f64 {
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
            (ValueType::Vector, ValueType::Vector) => self.vector_binary(e, b, sink),
            (ValueType::Vector, _) => {
                let scalar = self.scalar(&b.rhs)?;
                self.with_scalar(e, b, &b.lhs, &scalar, false, sink)
            }
            (_, ValueType::Vector) => {
                let scalar = self.scalar(&b.lhs)?;
                self.with_scalar(e, b, &b.rhs, &scalar, true, sink)
            }
            _ => Err(EvalError::execution(format!("expected an instant vector, got {}", e.value_type().documented()))),
        }
    }

    fn with_scalar(
        &self,
        e: &Expr,
        b: &Binary,
        vector: &Expr,
        scalar: &[f64],
        scalar_left: bool,
        sink: &mut Sink<'_>,
    ) -> Result<(), EvalError> {
        let drops_name = b.op.is_arithmetic() || b.return_bool;
        let operation = Operation { eval: self, b, span: e.span };
        let floats_only = !b.op.is_trim();
        let mut values = Vec::with_capacity(self.steps.count);
        let mut histograms = Histograms::new();
        self.each(vector, &mut |row| {
            values.clear();
            histograms.clear();
            if row.histograms.is_empty() && floats_only {
                values.extend(row.values.iter().zip(scalar).map(|(v, s)| match scalar_left {
                    _ if !is_present(*v) => ABSENT,
                    true => apply(b, *s, *v, *v),
                    false => apply(b, *v, *s, *v),
                }));
            } else {
                values.resize(row.values.len(), ABSENT);
                row.each_step(|step| {
                    let Some(point) = row.point(step) else { return };
                    let scalar = Point::Float(scalar.get(step).copied().unwrap_or(f64::NAN));
                    let (l, r) = if scalar_left { (&scalar, &point) } else { (&point, &scalar) };
                    let result = match operation.outcome(l, r) {
                        Outcome::Value(value) => value,
                        Outcome::Holds(holds) if b.return_bool => Point::Float(f64::from(u8::from(holds))),
                        Outcome::Holds(true) => point,
                        Outcome::Holds(false) | Outcome::Nothing => return,
                    };
                    match result {
                        Point::Float(v) => values[step] = v,
                        Point::Histogram(h) => put_histogram(&mut histograms, row.values.len(), step, h),
                    }
                });
            }
            let drop_name = row.drop_name || drops_name;
            let row = Row { labels: row.labels, drop_name, values: &values, histograms: &histograms };
            if row.is_empty() { Ok(()) } else { sink(row) }
        })
    }
}
