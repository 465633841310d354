//! Which code evaluates which node.

use std::sync::Arc;

use super::columns::{ABSENT, Histograms, Row, Sink, is_present};
use super::select::Wanted;
use super::{Eval, EvalError};
use crate::ast::{Expr, ExprKind, ValueType};
use crate::histogram::scaled;

impl Eval<'_> {
    /// Hands every series of an instant vector to `sink`, one row at a time.
    pub(crate) fn each(&self, e: &Expr, sink: &mut Sink<'_>) -> Result<(), EvalError> {
        match &e.kind {
            ExprKind::Selector(s) => self.selector(s, e.span, Wanted::Value, sink),
            ExprKind::Paren(inner) => self.each(inner, sink),
            ExprKind::Unary { negative: false, expr } => self.each(expr, sink),
            ExprKind::Unary { negative: true, expr } => self.negated(expr, sink),
            ExprKind::Binary(b) => self.binary(e, b, sink),
            ExprKind::Aggregate(a) => self.aggregate(e, a, sink),
            ExprKind::Call(c) => self.call(e, c, sink),
            ExprKind::Number(_) | ExprKind::String(_) | ExprKind::Range(_) | ExprKind::Subquery(_) => {
                Err(EvalError::execution("expected an instant vector"))
            }
        }
    }

    fn negated(&self, e: &Expr, sink: &mut Sink<'_>) -> Result<(), EvalError> {
        let mut values = Vec::with_capacity(self.steps.count);
        let mut histograms = Histograms::new();
        self.each(e, &mut |row| {
            values.clear();
            values.extend(row.values.iter().map(|v| if is_present(*v) { -*v } else { ABSENT }));
            histograms.clear();
            histograms.extend(row.histograms.iter().map(|h| h.as_ref().map(|h| Arc::new(scaled(h, -1.0)))));
            sink(Row { labels: row.labels, drop_name: true, values: &values, histograms: &histograms })
        })
    }

    /// Applies `f` to every float; histograms and the metric name go away.
    pub(crate) fn map(&self, e: &Expr, sink: &mut Sink<'_>, f: impl Fn(f64) -> f64) -> Result<(), EvalError> {
        self.map_steps(e, sink, |_, v| f(v))
    }

    /// Applies `f` to every float and its step; histograms and the metric name go away.
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
            let mapped = Row::floats(row.labels, true, &values);
            if row.histograms.is_empty() || !mapped.is_empty() { sink(mapped) } else { Ok(()) }
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
