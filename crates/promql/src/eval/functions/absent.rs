//! `absent` and `absent_over_time`.

use std::sync::Arc;

use crate::ast::{Expr, ExprKind};
use crate::eval::columns::{ABSENT, Map, Row, Sink, is_present};
use crate::eval::{Eval, EvalError};
use crate::matcher::MatchOp;
use model::labels::{self, Labels};

impl Eval<'_> {
    pub(super) fn absent(&self, e: &Expr, sink: &mut Sink<'_>) -> Result<(), EvalError> {
        let mut values = vec![1.0; self.steps.count];
        self.each(e, &mut |row| {
            row.each_step(|step| values[step] = ABSENT);
            Ok(())
        })?;
        self.absent_row(e, &values, sink)
    }

    pub(super) fn absent_over_time(&self, e: &Expr, sink: &mut Sink<'_>) -> Result<(), EvalError> {
        let mut values = vec![1.0; self.steps.count];
        let windows = self.windows_of(e)?;
        self.each_range(e, &windows, Some("absent_over_time"), &mut |series| {
            windows.each(series.samples, |step, window| {
                if !window.is_empty()
                    && let Some(out) = values.get_mut(step)
                {
                    *out = ABSENT;
                }
            });
            Ok(())
        })?;
        self.absent_row(e, &values, sink)
    }

    fn absent_row(&self, e: &Expr, values: &[f64], sink: &mut Sink<'_>) -> Result<(), EvalError> {
        if !values.iter().any(|v| is_present(*v)) {
            return Ok(());
        }
        sink(Row::floats(&Arc::new(labels_of(e)), false, values))
    }
}

/// The labels that the selector would have had: those it asks for with `=`, once.
fn labels_of(e: &Expr) -> Labels {
    let matchers = match &e.kind {
        ExprKind::Selector(s) => &s.matchers,
        ExprKind::Range(r) => &r.selector.matchers,
        _ => return Labels::default(),
    };
    let mut out = Labels::default();
    let mut seen: Map<&str, ()> = Map::default();
    for m in matchers.iter().filter(|m| m.name() != labels::NAME) {
        if m.op() == MatchOp::Equal && !seen.contains_key(m.name()) {
            out.set(m.name(), m.value());
            seen.insert(m.name(), ());
        } else {
            out.set(m.name(), "");
        }
    }
    out
}
