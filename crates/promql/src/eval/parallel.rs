//! Several threads for one query.
//!
//! Between a selector and the first operation that brings series together,
//! every series is evaluated on its own. Such an expression has one selector,
//! its *leaf*. The series of the leaf are cut into one contiguous part per
//! thread, each thread evaluates the expression over its part, and what the
//! threads made is joined in the order of the parts, so that a result does not
//! depend on which thread was faster.

use std::ops::Range;

use super::columns::{Kept, Row};
use super::run::Held;
use super::select::{Selection, Wanted};
use super::{Eval, EvalError, SeriesSet};
use crate::ast::{Binary, Expr, ExprKind, ValueType};

/// Fewer series than this per thread are not worth a thread.
const SERIES_PER_THREAD_MIN: usize = 64;

/// The series of the leaf that a thread evaluates.
#[derive(Clone, Copy)]
pub(crate) struct Part<'a> {
    set: &'a dyn SeriesSet,
    start: usize,
    end: usize,
}

impl<'a> Part<'a> {
    pub(super) fn series(self) -> (&'a dyn SeriesSet, Range<usize>) {
        (self.set, self.start..self.end)
    }
}

/// Functions of one series at a time whose vector is the argument of this index; other arguments are constants.
fn vector_argument(name: &str) -> Option<usize> {
    match name {
        "abs" | "acos" | "acosh" | "asin" | "asinh" | "atan" | "atanh" | "ceil" | "clamp" | "clamp_max"
        | "clamp_min" | "cos" | "cosh" | "day_of_month" | "day_of_week" | "day_of_year" | "days_in_month" | "deg"
        | "exp" | "floor" | "histogram_avg" | "histogram_count" | "histogram_stddev" | "histogram_stdvar"
        | "histogram_sum" | "hour" | "ln" | "log10" | "log2" | "minute" | "month" | "rad" | "round" | "sgn" | "sin"
        | "sinh" | "sqrt" | "start_timestamp" | "tan" | "tanh" | "timestamp" | "year" => Some(0),
        _ => None,
    }
}

/// Whether the value of an expression does not depend on any series.
fn is_constant(e: &Expr) -> bool {
    let mut constant = true;
    e.for_each_selector(&mut |_| constant = false);
    constant
}

impl<'a> Eval<'a> {
    /// What the only selector reads, when every series of the expression comes from one series of that selector.
    /// `function` is the one whose argument the expression is.
    fn leaf(&self, e: &Expr, function: Option<&'static str>) -> Result<Option<Selection>, EvalError> {
        match &e.kind {
            ExprKind::Selector(s) => {
                let wanted = if function == Some("start_timestamp") { Wanted::StartTime } else { Wanted::Value };
                self.instant_selection(s, wanted).map(Some)
            }
            ExprKind::Range(r) => self.range_selection(&r.selector, &self.windows_of(e)?, function).map(Some),
            ExprKind::Subquery(s) => match self.subquery_steps(s, &self.windows_of(e)?)? {
                Some(steps) => Eval { steps, ..*self }.leaf(&s.expr, None),
                None => Ok(None),
            },
            ExprKind::Paren(inner) | ExprKind::Unary { expr: inner, .. } => self.leaf(inner, None),
            ExprKind::Binary(b) => self.binary_leaf(b),
            ExprKind::Call(c) => {
                let ranges = c.function.args.iter().position(|t| *t == ValueType::Matrix);
                let at = match c.function.name {
                    "absent_over_time" => None,
                    name => ranges.or_else(|| vector_argument(name)),
                };
                let constant = |i: usize, arg: &Expr| Some(i) == at || is_constant(arg);
                match at.and_then(|i| c.args.get(i)) {
                    Some(arg) if c.args.iter().enumerate().all(|(i, arg)| constant(i, arg)) => {
                        self.leaf(arg.unwrap_parens(), Some(c.function.name))
                    }
                    _ => Ok(None),
                }
            }
            ExprKind::Number(_) | ExprKind::String(_) | ExprKind::Aggregate(_) => Ok(None),
        }
    }

    fn binary_leaf(&self, b: &Binary) -> Result<Option<Selection>, EvalError> {
        match (b.lhs.value_type(), b.rhs.value_type()) {
            (ValueType::Vector, ValueType::Scalar) if is_constant(&b.rhs) => self.leaf(&b.lhs, None),
            (ValueType::Scalar, ValueType::Vector) if is_constant(&b.lhs) => self.leaf(&b.rhs, None),
            _ => Ok(None),
        }
    }

    /// Evaluates `e` and gives every row to a state: one state per thread, in the order of their parts.
    pub(super) fn in_parts<S: Send>(
        &self,
        e: &Expr,
        new: impl Fn() -> S + Sync,
        add: impl Fn(&mut S, Row<'_>) -> Result<(), EvalError> + Sync,
    ) -> Result<Vec<S>, EvalError> {
        let sequential = |eval: &Eval<'_>| {
            let mut state = new();
            eval.each(e, &mut |row| add(&mut state, row))?;
            Ok(state)
        };
        let threads = self.run.threads();
        if threads < 2 || self.part.is_some() {
            return Ok(vec![sequential(self)?]);
        }
        let Some(selection) = self.leaf(e, None)? else {
            return Ok(vec![sequential(self)?]);
        };
        let set = self.open(&selection)?;
        let parts = threads.min(set.len() / SERIES_PER_THREAD_MIN).max(1);
        let part = |i: usize| {
            let cut = |i: usize| set.len() * i / parts;
            Eval { part: Some(Part { set: &*set, start: cut(i), end: cut(i + 1) }), ..*self }
        };
        std::thread::scope(|scope| {
            let others: Vec<_> = (1..parts).map(|i| scope.spawn(move || sequential(&part(i)))).collect();
            // This thread does not wait idly: the first part is its own.
            let mut states = vec![sequential(&part(0))];
            states.extend(others.into_iter().map(|thread| match thread.join() {
                Ok(state) => state,
                Err(panic) => std::panic::resume_unwind(panic),
            }));
            states.into_iter().collect()
        })
    }

    /// All series of an instant vector.
    pub(crate) fn vector(&self, e: &Expr) -> Result<Kept<'a>, EvalError> {
        let new = || Kept::new(Held::new(self.run));
        let parts = self.in_parts(e, new, |kept, row| kept.push(super::columns::Column::of(row)))?;
        let mut all = new();
        parts.into_iter().for_each(|part| all.append(part));
        Ok(all)
    }
}
