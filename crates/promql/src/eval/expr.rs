//! Which code evaluates which node.

use super::columns::{Column, Row, Sink, is_present};
use super::{Eval, EvalError};
use crate::ast::{Expr, ExprKind, ValueType};

impl Eval<'_> {
    /// Hands every series of an instant vector to `sink`, one row at a time.
    pub(crate) fn each(&self, e: &Expr, sink: &mut Sink<'_>) -> Result<(), EvalError> {
        match &e.kind {
            ExprKind::Selector(s) => self.selector(s, false, sink),
            ExprKind::Paren(inner) => self.each(inner, sink),
            ExprKind::Unary { negative: false, expr } => self.each(expr, sink),
            ExprKind::Unary { negative: true, expr } => self.map(expr, sink, |v| -v),
            ExprKind::Binary(b) => self.binary(e, b, sink),
            ExprKind::Aggregate(a) => self.aggregate(a, sink),
            ExprKind::Call(c) => self.call(e, c, sink),
            ExprKind::Number(_) | ExprKind::String(_) | ExprKind::Range(_) | ExprKind::Subquery(_) => {
                Err(EvalError::execution("expected an instant vector"))
            }
        }
    }

    /// All series of an instant vector.
    pub(crate) fn vector(&self, e: &Expr) -> Result<Vec<Column>, EvalError> {
        let mut out = Vec::new();
        self.each(e, &mut |row| {
            out.push(Column { labels: row.labels.clone(), drop_name: row.drop_name, values: row.values.to_vec() });
            Ok(())
        })?;
        Ok(out)
    }

    /// Applies `f` to every value; the metric name goes away.
    pub(crate) fn map(&self, e: &Expr, sink: &mut Sink<'_>, f: impl Fn(f64) -> f64) -> Result<(), EvalError> {
        self.map_steps(e, sink, |_, v| f(v))
    }

    /// Applies `f` to every value and its step; the metric name goes away.
    pub(crate) fn map_steps(
        &self,
        e: &Expr,
        sink: &mut Sink<'_>,
        f: impl Fn(usize, f64) -> f64,
    ) -> Result<(), EvalError> {
        let mut values = Vec::with_capacity(self.steps.count);
        self.each(e, &mut |row| {
            values.clear();
            let mapped = row.values.iter().enumerate().map(|(i, v)| if is_present(*v) { f(i, *v) } else { *v });
            values.extend(mapped);
            sink(Row { labels: row.labels, drop_name: true, values: &values })
        })
    }

    /// The value of a scalar at every step.
    pub(crate) fn scalar(&self, e: &Expr) -> Result<Vec<f64>, EvalError> {
        match &e.kind {
            ExprKind::Number(n) => Ok(vec![n.value; self.steps.count]),
            ExprKind::Paren(inner) => self.scalar(inner),
            ExprKind::Unary { negative, expr } => {
                let mut values = self.scalar(expr)?;
                if *negative {
                    values.iter_mut().for_each(|v| *v = -*v);
                }
                Ok(values)
            }
            ExprKind::Binary(b) => self.scalar_binary(b),
            ExprKind::Call(c) => self.scalar_call(c),
            _ => Err(EvalError::execution("expected a scalar")),
        }
    }

    /// The text of a string argument.
    pub(crate) fn text<'e>(&self, e: &'e Expr) -> Result<&'e str, EvalError> {
        match &e.unwrap_parens().kind {
            ExprKind::String(text) => Ok(text),
            _ => Err(EvalError::execution(format!("expected a {}", ValueType::String.documented()))),
        }
    }
}
