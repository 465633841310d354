//! Aggregations whose state has a fixed size: `sum avg count min max group stddev stdvar`.

use super::histograms::HistogramFold;
use crate::ast::AggregateOp;
use crate::eval::EvalError;
use crate::eval::columns::{ABSENT, Histograms, Row, is_present, put_histogram};
use crate::kahan::{Mean, Sum, Variance};

/// What goes wrong with histograms is told to this.
pub(super) use super::histograms::Teller;

/// The state of one group at all steps.
pub(super) enum Fold {
    Sum(Summed<Sum>),
    Avg(Summed<Mean>),
    Variance(Vec<Variance>, Vec<bool>, bool),
    /// Directly the result: `min`, `max`.
    Best(Vec<f64>, fn(f64, f64) -> f64),
    /// How many there are; `group` makes 1 of it.
    Count(Vec<u32>, bool),
}

/// Sums or means of floats, and of histograms where there are any.
pub(super) struct Summed<S> {
    floats: Vec<S>,
    any_float: Vec<bool>,
    /// As [`Histograms`].
    histograms: Vec<Option<HistogramFold>>,
}

/// Combines the result so far (or ABSENT) with a value.
fn min(so_far: f64, v: f64) -> f64 {
    if !is_present(so_far) || v < so_far || so_far.is_nan() { v } else { so_far }
}

fn max(so_far: f64, v: f64) -> f64 {
    if !is_present(so_far) || v > so_far || so_far.is_nan() { v } else { so_far }
}

impl Fold {
    pub(super) fn new(op: AggregateOp, steps: usize) -> Self {
        match op {
            AggregateOp::Avg => Fold::Avg(Summed::new(steps)),
            AggregateOp::Stdvar => Fold::Variance(vec![Variance::default(); steps], vec![false; steps], false),
            AggregateOp::Stddev => Fold::Variance(vec![Variance::default(); steps], vec![false; steps], true),
            AggregateOp::Min => Fold::Best(vec![ABSENT; steps], min),
            AggregateOp::Max => Fold::Best(vec![ABSENT; steps], max),
            AggregateOp::Count => Fold::Count(vec![0; steps], false),
            AggregateOp::Group => Fold::Count(vec![0; steps], true),
            _ => Fold::Sum(Summed::new(steps)),
        }
    }

    /// What one step of a state takes in memory.
    pub(super) fn bytes_per_step(op: AggregateOp) -> usize {
        match op {
            AggregateOp::Sum => size_of::<Sum>() + 1,
            AggregateOp::Avg => size_of::<Mean>() + 1,
            AggregateOp::Stdvar | AggregateOp::Stddev => size_of::<Variance>() + 1,
            _ => size_of::<f64>(),
        }
    }

    /// Folds in one series.
    pub(super) fn add(&mut self, row: Row<'_>, teller: &Teller<'_>) -> Result<(), EvalError> {
        match self {
            Fold::Sum(s) => s.add(row, Sum::add, false, teller)?,
            Fold::Avg(s) => s.add(row, Mean::add, true, teller)?,
            Fold::Variance(states, any, _) => {
                each(states, any, row.values, Variance::add);
                teller.ignored(row);
            }
            Fold::Best(states, f) => {
                for (s, v) in states.iter_mut().zip(row.values).filter(|(_, v)| is_present(**v)) {
                    *s = f(*s, *v);
                }
                teller.ignored(row);
            }
            Fold::Count(counts, _) if row.histograms.is_empty() => {
                counts.iter_mut().zip(row.values).for_each(|(n, v)| *n += u32::from(is_present(*v)));
            }
            Fold::Count(counts, _) => row.each_step(|step| counts[step] += 1),
        }
        Ok(())
    }

    /// Folds in the state of later series of the same group.
    pub(super) fn join(&mut self, other: Fold, teller: &Teller<'_>) {
        match (self, other) {
            (Fold::Sum(a), Fold::Sum(b)) => a.join(b, Sum::join, teller),
            (Fold::Avg(a), Fold::Avg(b)) => a.join(b, Mean::join, teller),
            (Fold::Variance(a, any, _), Fold::Variance(b, any_b, _)) => {
                join(a, any, b, any_b, Variance::join);
            }
            (Fold::Best(a, f), Fold::Best(b, _)) => {
                a.iter_mut().zip(b).filter(|(_, v)| is_present(*v)).for_each(|(s, v)| *s = f(*s, v));
            }
            (Fold::Count(a, _), Fold::Count(b, _)) => a.iter_mut().zip(b).for_each(|(a, b)| *a += b),
            // Both were made for the same operator.
            _ => {}
        }
    }

    /// The results.
    pub(super) fn finish(self, teller: &Teller<'_>) -> (Vec<f64>, Histograms) {
        let floats = |values| (values, Histograms::new());
        match self {
            Fold::Sum(s) => s.finish(|s| s.total(), teller),
            Fold::Avg(s) => s.finish(|s| s.mean(), teller),
            Fold::Variance(states, any, root) => {
                floats(results(&states, &any, |s| if root { s.variance().sqrt() } else { s.variance() }))
            }
            Fold::Best(values, _) => floats(values),
            Fold::Count(counts, group) => floats(
                counts
                    .into_iter()
                    .map(|n| match n {
                        0 => ABSENT,
                        _ if group => 1.0,
                        n => f64::from(n),
                    })
                    .collect(),
            ),
        }
    }
}

impl<S: Copy + Default> Summed<S> {
    fn new(steps: usize) -> Self {
        Self { floats: vec![S::default(); steps], any_float: vec![false; steps], histograms: Vec::new() }
    }

    fn add(&mut self, row: Row<'_>, f: impl Fn(&mut S, f64), mean: bool, teller: &Teller<'_>) -> Result<(), EvalError> {
        each(&mut self.floats, &mut self.any_float, row.values, f);
        for (step, h) in row.histograms.iter().enumerate() {
            let Some(h) = h else { continue };
            if self.histograms.is_empty() {
                self.histograms.resize_with(row.values.len(), || None);
            }
            match self.histograms.get_mut(step) {
                Some(Some(fold)) => fold.add(h, row.labels, teller),
                Some(none) => {
                    teller.hold(h)?;
                    *none = Some(HistogramFold::new(h, mean));
                }
                None => {}
            }
        }
        Ok(())
    }

    fn join(&mut self, other: Self, f: impl Fn(&mut S, S), teller: &Teller<'_>) {
        join(&mut self.floats, &mut self.any_float, other.floats, other.any_float, f);
        if self.histograms.is_empty() {
            self.histograms = other.histograms;
            return;
        }
        for (own, other) in self.histograms.iter_mut().zip(other.histograms) {
            match (own, other) {
                (Some(own), Some(other)) => own.join(other, teller),
                (own @ None, other) => *own = other,
                (Some(_), None) => {}
            }
        }
    }

    fn finish(self, f: impl Fn(S) -> f64, teller: &Teller<'_>) -> (Vec<f64>, Histograms) {
        let mut values = results(&self.floats, &self.any_float, f);
        let mut histograms = Histograms::new();
        let steps = values.len();
        for (step, fold) in self.histograms.into_iter().enumerate() {
            let Some(fold) = fold else { continue };
            if self.any_float[step] {
                teller.mixed();
                values[step] = ABSENT;
            } else if let Some(h) = fold.finish(teller) {
                put_histogram(&mut histograms, steps, step, h);
            }
        }
        (values, histograms)
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

fn join<S>(states: &mut [S], any: &mut [bool], other: Vec<S>, any_other: Vec<bool>, f: impl Fn(&mut S, S)) {
    for ((state, any), (other, any_other)) in states.iter_mut().zip(any).zip(other.into_iter().zip(any_other)) {
        match (*any, any_other) {
            (true, true) => f(state, other),
            (false, true) => (*state, *any) = (other, true),
            _ => {}
        }
    }
}

fn results<S: Copy>(states: &[S], any: &[bool], f: impl Fn(S) -> f64) -> Vec<f64> {
    states.iter().zip(any).map(|(s, any)| if *any { f(*s) } else { ABSENT }).collect()
}
