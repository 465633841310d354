//! Aggregations whose state has a fixed size: `sum avg count min max group stddev stdvar`.

use crate::ast::AggregateOp;
use crate::eval::columns::{ABSENT, is_present};
use crate::eval::kahan::{Mean, Sum, Variance};

/// The state of one group at all steps.
pub(super) enum Fold {
    Sum(Vec<Sum>, Vec<bool>),
    Avg(Vec<Mean>, Vec<bool>),
    Variance(Vec<Variance>, Vec<bool>, bool),
    /// Directly the result: `min`, `max`, `count`, `group`.
    Plain(Vec<f64>, fn(f64, f64) -> f64),
}

/// Combines the result so far (or ABSENT) with a value.
fn min(so_far: f64, v: f64) -> f64 {
    if !is_present(so_far) || v < so_far || so_far.is_nan() { v } else { so_far }
}

fn max(so_far: f64, v: f64) -> f64 {
    if !is_present(so_far) || v > so_far || so_far.is_nan() { v } else { so_far }
}

fn count(so_far: f64, _: f64) -> f64 {
    if is_present(so_far) { so_far + 1.0 } else { 1.0 }
}

fn group(_: f64, _: f64) -> f64 {
    1.0
}

impl Fold {
    pub(super) fn new(op: AggregateOp, steps: usize) -> Self {
        let none = || vec![false; steps];
        match op {
            AggregateOp::Avg => Fold::Avg(vec![Mean::default(); steps], none()),
            AggregateOp::Stdvar => Fold::Variance(vec![Variance::default(); steps], none(), false),
            AggregateOp::Stddev => Fold::Variance(vec![Variance::default(); steps], none(), true),
            AggregateOp::Min => Fold::Plain(vec![ABSENT; steps], min),
            AggregateOp::Max => Fold::Plain(vec![ABSENT; steps], max),
            AggregateOp::Count => Fold::Plain(vec![ABSENT; steps], count),
            AggregateOp::Group => Fold::Plain(vec![ABSENT; steps], group),
            _ => Fold::Sum(vec![Sum::default(); steps], none()),
        }
    }

    /// Folds in one series.
    pub(super) fn add(&mut self, values: &[f64]) {
        match self {
            Fold::Sum(states, any) => each(states, any, values, |s, v| s.add(v)),
            Fold::Avg(states, any) => each(states, any, values, |s, v| s.add(v)),
            Fold::Variance(states, any, _) => each(states, any, values, |s, v| s.add(v)),
            Fold::Plain(states, f) => {
                for (s, v) in states.iter_mut().zip(values).filter(|(_, v)| is_present(**v)) {
                    *s = f(*s, *v);
                }
            }
        }
    }

    /// The results.
    pub(super) fn finish(self) -> Vec<f64> {
        match self {
            Fold::Sum(states, any) => results(&states, &any, |s| s.total()),
            Fold::Avg(states, any) => results(&states, &any, |s| s.mean()),
            Fold::Variance(states, any, root) => {
                results(&states, &any, |s| if root { s.variance().sqrt() } else { s.variance() })
            }
            Fold::Plain(values, _) => values,
        }
    }
}

fn each<S>(states: &mut [S], any: &mut [bool], values: &[f64], f: impl Fn(&mut S, f64)) {
    for ((state, any), value) in states.iter_mut().zip(any).zip(values) {
        if is_present(*value) {
            *any = true;
            f(state, *value);
        }
    }
}

fn results<S: Copy>(states: &[S], any: &[bool], f: impl Fn(S) -> f64) -> Vec<f64> {
    states.iter().zip(any).map(|(s, any)| if *any { f(*s) } else { ABSENT }).collect()
}
