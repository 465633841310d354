//! Aggregations: one group per set of kept labels, one accumulator per step.
//!
//! Rows are folded in as they come, so that an aggregation over many series
//! never holds them all. `topk` and the like keep them (`select`).

mod fold;
mod ranked;
mod sampled;

use std::sync::Arc;

use model::labels::{self, Labels};

use super::columns::{Columns, Map, Row, Sink, is_present};
use super::kahan::quantile;
use super::{Eval, EvalError};
use crate::ast::{Aggregate, AggregateOp};
use crate::text::quote;
use fold::Fold;

/// The labels of the group that a series belongs to.
pub(crate) fn group_labels(labels: &Labels, a: &Aggregate) -> Labels {
    let mut out = labels.clone();
    if a.without {
        out.retain(|name, _| name != labels::NAME && !a.grouping.iter().any(|g| g == name));
    } else {
        out.retain(|name, _| a.grouping.iter().any(|g| g == name));
    }
    out
}

impl Eval<'_> {
    pub(crate) fn aggregate(&self, a: &Aggregate, sink: &mut Sink<'_>) -> Result<(), EvalError> {
        match a.op {
            AggregateOp::Topk | AggregateOp::Bottomk | AggregateOp::Limitk => self.ranked(a, sink),
            AggregateOp::CountValues => self.count_values(a, sink),
            AggregateOp::Quantile => self.quantile_aggregate(a, sink),
            AggregateOp::LimitRatio => self.limit_ratio(a, sink),
            _ => self.fold(a, sink),
        }
    }

    fn fold(&self, a: &Aggregate, sink: &mut Sink<'_>) -> Result<(), EvalError> {
        let mut groups: Map<Labels, usize> = Map::default();
        let mut folds: Vec<(Arc<Labels>, bool, Fold)> = Vec::new();
        self.each(&a.expr, &mut |row| {
            let key = group_labels(row.labels, a);
            let next = folds.len();
            let at = *groups.entry(key).or_insert_with_key(|key| {
                folds.push((Arc::new(key.clone()), false, Fold::new(a.op, self.steps.count)));
                next
            });
            if let Some((_, drop_name, fold)) = folds.get_mut(at) {
                // A group by name loses the name when one of its series would.
                *drop_name |= row.drop_name;
                fold.add(row.values);
            }
            Ok(())
        })?;
        for (labels, drop_name, fold) in folds {
            let values = fold.finish();
            if values.iter().any(|v| is_present(*v)) {
                sink(Row { labels: &labels, drop_name, values: &values })?;
            }
        }
        Ok(())
    }

    /// The scalar parameter of `topk`, `quantile`, ... at every step.
    fn parameter(&self, a: &Aggregate) -> Result<Vec<f64>, EvalError> {
        match &a.param {
            Some(param) => self.scalar(param),
            None => Err(EvalError::execution(format!("{} needs a parameter", a.op.text()))),
        }
    }

    fn quantile_aggregate(&self, a: &Aggregate, sink: &mut Sink<'_>) -> Result<(), EvalError> {
        let q = self.parameter(a)?;
        let columns = self.vector(&a.expr)?;
        if let Some(param) = &a.param
            && !columns.is_empty()
        {
            self.check_quantiles(&q, param.span);
        }
        let mut out = Columns::new(self.steps.count);
        let slots: Vec<usize> = columns.iter().map(|c| out.slot(Arc::new(group_labels(&c.labels, a)), false)).collect();
        let mut members: Vec<Vec<usize>> = vec![Vec::new(); out.columns.len()];
        for (i, slot) in slots.iter().enumerate() {
            members[*slot].push(i);
            out.columns[*slot].drop_name |= columns[i].drop_name;
        }
        let mut values = Vec::new();
        for (slot, members) in members.iter().enumerate() {
            for (step, q) in q.iter().enumerate() {
                values.clear();
                values.extend(members.iter().map(|i| columns[*i].values[step]).filter(|v| is_present(*v)));
                if !values.is_empty() {
                    out.set(slot, step, quantile(*q, &mut values))?;
                }
            }
        }
        out.columns.iter().try_for_each(|c| sink(c.row()))
    }

    /// Warns about quantiles outside of 0..=1.
    pub(crate) fn check_quantiles(&self, q: &[f64], span: crate::ast::Span) {
        for q in q.iter().filter(|q| !(0.0..=1.0).contains(*q)) {
            let q = super::functions::label::format_float(*q);
            self.warn(&format!("quantile value should be between 0 and 1, got {q}"), span);
        }
    }

    fn count_values(&self, a: &Aggregate, sink: &mut Sink<'_>) -> Result<(), EvalError> {
        let name = match &a.param {
            Some(param) => self.text(param)?,
            None => "",
        };
        if !crate::parse::is_label_name(name) {
            // As it was written, because what is wrong may be bytes that are not UTF-8.
            let written = a.param.as_ref().and_then(|p| self.run.notes.borrow().source(p.span).map(str::to_owned));
            let written = written.filter(|_| !name.is_empty()).unwrap_or_else(|| quote(name));
            return Err(EvalError::execution(format!("invalid label name {written}")));
        }
        // `without` removes the label with the value too when it names it.
        let keeps = !a.without || (name != labels::NAME && !a.grouping.iter().any(|g| g == name));
        let mut out = Columns::new(self.steps.count);
        self.each(&a.expr, &mut |row| {
            let group = group_labels(row.labels, a);
            // Neighbouring steps mostly have the same value, so the last slot is kept.
            let mut last: Option<(u64, usize)> = None;
            for (step, value) in row.values.iter().enumerate().filter(|(_, v)| is_present(**v)) {
                let slot = match last {
                    Some((bits, slot)) if bits == value.to_bits() => slot,
                    _ => {
                        let mut labels = group.clone();
                        if keeps {
                            labels.set(name, &super::functions::label::format_float(*value));
                        }
                        out.slot(Arc::new(labels), false)
                    }
                };
                last = Some((value.to_bits(), slot));
                if let Some(at) = out.columns.get_mut(slot).and_then(|c| c.values.get_mut(step)) {
                    *at = if is_present(*at) { *at + 1.0 } else { 1.0 };
                }
            }
            Ok(())
        })?;
        out.columns.iter().try_for_each(|c| sink(c.row()))
    }
}
