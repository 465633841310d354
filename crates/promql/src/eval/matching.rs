//! Operators between two vectors: finding partners, `group_left`, `fill`.
//!
//! Signatures are computed once per series; after that only group numbers and
//! step indexes are compared.

use std::sync::Arc;

use model::labels::{self, Labels};

use super::columns::{Column, Columns, METADATA, Map, Sink};
use super::operate::{Operation, Outcome};
use super::run::Held;
use super::{Eval, EvalError, Point};
use crate::ast::{Binary, Cardinality, Expr, VectorMatching};

/// The labels by which series find each other.
pub(crate) fn match_labels(labels: &Labels, m: &VectorMatching) -> Labels {
    let mut out = labels.clone();
    if m.on {
        out.retain(|name, _| m.labels.iter().any(|l| l == name));
    } else {
        out.retain(|name, _| name != labels::NAME && !m.labels.iter().any(|l| l == name));
    }
    out
}

/// Series of both sides with the same match labels.
#[derive(Default)]
pub(crate) struct Group {
    pub(crate) left: Vec<usize>,
    pub(crate) right: Vec<usize>,
}

/// Groups in the order of their first series, left side first.
pub(crate) fn groups(left: &[Column], right: &[Column], m: &VectorMatching) -> Vec<(Labels, Group)> {
    let mut by_labels: Map<Labels, usize> = Map::default();
    let mut out: Vec<(Labels, Group)> = Vec::new();
    for (is_right, columns) in [(false, left), (true, right)] {
        for (i, column) in columns.iter().enumerate() {
            let key = match_labels(&column.labels, m);
            let next = out.len();
            let at = *by_labels.entry(key.clone()).or_insert(next);
            if at == next {
                out.push((key, Group::default()));
            }
            if let Some((_, group)) = out.get_mut(at) {
                if is_right { group.right.push(i) } else { group.left.push(i) }
            }
        }
    }
    out
}

/// Whether there is any value, per step.
fn any_present(columns: &[Column], steps: usize) -> Vec<bool> {
    let mut out = vec![false; steps];
    for column in columns {
        let row = column.row();
        for (step, any) in out.iter_mut().enumerate() {
            *any = *any || row.has(step);
        }
    }
    out
}

/// One operation with its two sides, turned so that `many` may have several per group.
struct Join<'a> {
    operation: Operation<'a>,
    b: &'a Binary,
    m: &'a VectorMatching,
    many: &'a [Column],
    one: &'a [Column],
    /// The many side is the right operand.
    swapped: bool,
    /// Steps at which both sides have any series.
    both: Vec<bool>,
    out: Columns<'a>,
}

impl Eval<'_> {
    pub(crate) fn vector_binary(&self, e: &Expr, b: &Binary, sink: &mut Sink<'_>) -> Result<(), EvalError> {
        let Some(m) = &b.matching else {
            return Err(EvalError::execution("vector matching is missing"));
        };
        let (left, right) = (self.vector(&b.lhs)?, self.vector(&b.rhs)?);
        let (left, right): (&[Column], &[Column]) = (&left, &right);
        let steps = self.steps.count;
        let both = any_present(left, steps).iter().zip(any_present(right, steps)).map(|(l, r)| *l && r).collect();
        let swapped = m.card == Cardinality::OneToMany;
        let groups = groups(left, right, m);
        let (many, one) = if swapped { (right, left) } else { (left, right) };
        let operation = Operation { eval: self, b, span: e.span };
        let out = Columns::new(steps, Held::new(self.run));
        let mut join = Join { operation, b, m, many, one, swapped, both, out };
        for (key, group) in groups {
            self.run.check_deadline()?;
            let (many, one) = if swapped { (group.right, group.left) } else { (group.left, group.right) };
            join.group(&key, &many, &one, steps)?;
        }
        for column in &join.out.columns {
            if !column.row().is_empty() {
                sink(column.row())?;
            }
        }
        Ok(())
    }
}

impl Join<'_> {
    /// The value that stands in for a missing series of the one side.
    ///
    /// Left and right are those of the turned operation: with `group_right`,
    /// `fill_left` fills the many side. That is what Prometheus does.
    fn fill_one(&self) -> Option<f64> {
        self.m.fill.right
    }

    /// The value that stands in for a missing series of the many side.
    fn fill_many(&self) -> Option<f64> {
        self.m.fill.left
    }

    fn group(&mut self, key: &Labels, many: &[usize], one: &[usize], steps: usize) -> Result<(), EvalError> {
        if one.is_empty() && self.fill_one().is_none() || many.is_empty() && self.fill_many().is_none() {
            return if one.len() > 1 { self.check_duplicates(key, one, steps) } else { Ok(()) };
        }
        // The output column of each pair; `one.len()` and `many.len()` stand for a filled side.
        let mut slots: Map<(usize, usize), usize> = Map::default();
        // A filter hides results, but two of them in one column are an error all the same.
        let filters = self.b.op.is_comparison() && !self.b.return_bool;
        let mut used: Map<usize, usize> = Map::default();
        for step in 0..steps {
            let partner = self.partner(key, one, step)?;
            let at = partner.as_ref().map_or(one.len(), |(at, _)| *at);
            let one_value = partner.as_ref().map(|(_, v)| v.clone()).or(self.fill_one().map(Point::Float));
            let mut matched = false;
            for (i, column) in many.iter().enumerate() {
                let Some(value) = self.value(self.many, *column, step) else { continue };
                let Some(one_value) = &one_value else { continue };
                let Some(kept) = self.compute(&value, one_value) else { continue };
                // Also an error when a comparison drops the result.
                let seen = std::mem::replace(&mut matched, true);
                if seen && self.m.card == Cardinality::OneToOne {
                    return Err(EvalError::execution(
                        "multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)",
                    ));
                }
                let slot = match slots.get(&(i, at)) {
                    Some(slot) => *slot,
                    None => {
                        let one_labels = one.get(at).and_then(|c| self.one.get(*c)).map_or(key, |c| &c.labels);
                        let slot = self.slot(self.many.get(*column), key, one_labels)?;
                        slots.insert((i, at), slot);
                        slot
                    }
                };
                if filters && used.insert(slot, step) == Some(step) {
                    return Err(self.clash());
                }
                if let Some(kept) = kept {
                    self.out.set(slot, step, kept).map_err(|_| self.clash())?;
                }
            }
            let none_on_many = many.iter().all(|c| !self.has(self.many, *c, step));
            if none_on_many
                && let (Some((at, value)), Some(fill)) = (partner, self.fill_many())
                && let Some(Some(kept)) = self.compute(&Point::Float(fill), &value)
            {
                let one_labels = one.get(at).and_then(|c| self.one.get(*c)).map_or(key, |c| &c.labels);
                let slot = self.slot(None, key, one_labels)?;
                self.out.set(slot, step, kept)?;
            }
        }
        Ok(())
    }

    fn clash(&self) -> EvalError {
        if self.m.card == Cardinality::OneToOne {
            return EvalError::same_labelset();
        }
        EvalError::execution("multiple matches for labels: grouping labels must ensure unique matches")
    }

    /// The result for a value of the many side and one of the one side: none when they cannot be combined, and
    /// nothing inside when a comparison drops it.
    fn compute(&self, many: &Point, one: &Point) -> Option<Option<Point>> {
        let (l, r) = if self.swapped { (one, many) } else { (many, one) };
        match self.operation.outcome(l, r) {
            Outcome::Value(value) => Some(Some(value)),
            Outcome::Holds(holds) if self.b.return_bool => Some(Some(Point::Float(f64::from(u8::from(holds))))),
            Outcome::Holds(holds) => Some(holds.then(|| l.clone())),
            Outcome::Nothing => None,
        }
    }

    fn value(&self, columns: &[Column], column: usize, step: usize) -> Option<Point> {
        columns.get(column)?.row().point(step)
    }

    fn has(&self, columns: &[Column], column: usize, step: usize) -> bool {
        columns.get(column).is_some_and(|c| c.row().has(step))
    }

    /// The one series of the one side that has a value, as index into `one`.
    fn partner(&self, key: &Labels, one: &[usize], step: usize) -> Result<Option<(usize, Point)>, EvalError> {
        let mut found: Option<(usize, Point)> = None;
        for (at, column) in one.iter().enumerate() {
            let Some(value) = self.value(self.one, *column, step) else { continue };
            let Some((first, _)) = &found else {
                found = Some((at, value));
                continue;
            };
            let first = *first;
            if !self.both.get(step).copied().unwrap_or(false) {
                continue;
            }
            let labels = |i: usize| one.get(i).and_then(|c| self.one.get(*c)).map(|c| braces(&c.labels));
            let mut both = [labels(first).unwrap_or_default(), labels(at).unwrap_or_default()];
            both.sort();
            let side = if self.swapped { "left" } else { "right" };
            return Err(EvalError::execution(format!(
                "found duplicate series for the match group {} on the {side} hand-side of the operation: [{}, {}];many-to-many matching not allowed: matching labels must be unique on one side",
                braces(key),
                both[0],
                both[1],
            )));
        }
        Ok(found)
    }

    fn check_duplicates(&self, key: &Labels, one: &[usize], steps: usize) -> Result<(), EvalError> {
        (0..steps).try_for_each(|step| self.partner(key, one, step).map(|_| ()))
    }

    /// The output column for a pair; a filled side has the match labels.
    fn slot(&mut self, many: Option<&Column>, key: &Labels, one: &Labels) -> Result<usize, EvalError> {
        let mut labels = many.map_or_else(|| key.clone(), |c| Labels::clone(&c.labels));
        let arithmetic = self.b.op.is_arithmetic();
        let one_to_one = self.m.card == Cardinality::OneToOne;
        labels.retain(|name, _| {
            let listed = || self.m.labels.iter().any(|l| l == name);
            !(arithmetic && METADATA.contains(&name)) && (!one_to_one || listed() == self.m.on)
        });
        for name in &self.m.include {
            labels.set(name, one.get(name));
        }
        let drop_name = self.b.return_bool || many.is_some_and(|c| c.drop_name);
        self.out.slot(Arc::new(labels), drop_name)
    }
}

/// Labels as Prometheus prints them in messages: always with braces, the name inside.
fn braces(labels: &Labels) -> String {
    let inner: Vec<String> = labels.iter().map(|(k, v)| format!("{k}={}", crate::text::quote(v))).collect();
    format!("{{{}}}", inner.join(", "))
}
