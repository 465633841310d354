//! Aggregations: one group per set of kept labels, one accumulator per step.
//!
//! Rows are folded in as they come, on several threads at once, so that an
//! aggregation over many series never holds them all. `topk` and the like keep
//! them.

mod fold;
mod groups;
pub(crate) mod histograms;
mod ranked;
mod sampled;

use std::sync::Arc;

use model::labels::{self, Labels};

use super::columns::{Columns, Kept, Row, Sink, is_present};
use super::run::Held;
use super::{Eval, EvalError, Point};
use crate::ast::{Aggregate, AggregateOp, Expr};
use crate::kahan::quantile;
use crate::number::format_compact;
use crate::text::quote;
use fold::{Fold, Teller};
use groups::{Grouping, Groups};

impl<'a> Eval<'a> {
    pub(crate) fn aggregate(&self, e: &Expr, a: &Aggregate, sink: &mut Sink<'_>) -> Result<(), EvalError> {
        match a.op {
            AggregateOp::Topk | AggregateOp::Bottomk | AggregateOp::Limitk => self.ranked(e, a, sink),
            AggregateOp::CountValues => self.count_values(a, sink),
            AggregateOp::Quantile => self.quantile_aggregate(a, sink),
            AggregateOp::LimitRatio => self.limit_ratio(a, sink),
            _ => self.fold(a, sink),
        }
    }

    fn fold(&self, a: &Aggregate, sink: &mut Sink<'_>) -> Result<(), EvalError> {
        let steps = self.steps.count;
        let teller = Teller::new(self, a);
        let new = || (Groups::<(bool, Fold)>::new(a), Held::new(self.run));
        let bytes = steps * Fold::bytes_per_step(a.op);
        let parts = self.in_parts(&a.expr, new, |(groups, held), row| {
            let at = groups.find(row.labels, || held.add(bytes).map(|()| (false, Fold::new(a.op, steps))))?;
            if let Some((drop_name, fold)) = groups.state(at) {
                // A group by name loses the name when one of its series would.
                *drop_name |= row.drop_name;
                fold.add(row, &teller)?;
            }
            Ok(())
        })?;
        let mut parts = parts.into_iter();
        let Some((mut all, mut held)) = parts.next() else { return Ok(()) };
        for (part, mut part_held) in parts {
            held.take(&mut part_held);
            for (labels, state) in part.groups {
                let mut state = Some(state);
                let at =
                    all.find(&labels, || state.take().ok_or_else(|| EvalError::execution("a group without state")))?;
                if let (Some((drop_name, fold)), Some((other_drop, other))) = (all.state(at), state) {
                    *drop_name |= other_drop;
                    fold.join(other, &teller);
                }
            }
        }
        for (labels, (drop_name, fold)) in all.groups {
            let (values, histograms) = fold.finish(&teller);
            let row = Row { labels: &labels, drop_name, values: &values, histograms: &histograms };
            if !row.is_empty() {
                sink(row)?;
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

    /// The members of every group, as indexes into `columns`.
    fn members(a: &Aggregate, columns: &Kept<'_>) -> Vec<(Arc<Labels>, Vec<usize>)> {
        let mut groups = Groups::<Vec<usize>>::new(a);
        for (i, column) in columns.iter().enumerate() {
            let Ok(at) = groups.find(&column.labels, || Ok::<_, std::convert::Infallible>(Vec::new()));
            if let Some(members) = groups.state(at) {
                members.push(i);
            }
        }
        groups.groups
    }

    fn quantile_aggregate(&self, a: &Aggregate, sink: &mut Sink<'_>) -> Result<(), EvalError> {
        let q = self.parameter(a)?;
        let columns = self.vector(&a.expr)?;
        if let Some(param) = &a.param
            && !columns.is_empty()
        {
            self.check_quantiles(&q, param.span);
        }
        let teller = Teller::new(self, a);
        columns.iter().for_each(|c| teller.ignored(c.row()));
        let (mut values, mut of_step) = (vec![super::columns::ABSENT; self.steps.count], Vec::new());
        for (labels, members) in Self::members(a, &columns) {
            self.run.check_deadline()?;
            for (step, (q, out)) in q.iter().zip(&mut values).enumerate() {
                of_step.clear();
                of_step.extend(members.iter().map(|i| columns[*i].values[step]).filter(|v| is_present(*v)));
                *out = if of_step.is_empty() { super::columns::ABSENT } else { quantile(*q, &mut of_step) };
            }
            let row = Row::floats(&labels, members.iter().any(|i| columns[*i].drop_name), &values);
            if !row.is_empty() {
                sink(row)?;
            }
        }
        Ok(())
    }

    /// Warns about quantiles outside of 0..=1.
    pub(crate) fn check_quantiles(&self, q: &[f64], span: crate::ast::Span) {
        for q in q.iter().filter(|q| !(0.0..=1.0).contains(*q)) {
            let q = format_compact(*q);
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
            let written = a.param.as_ref().and_then(|p| self.run.text_of(p.span).map(str::to_owned));
            let written = written.filter(|_| !name.is_empty()).unwrap_or_else(|| quote(name));
            return Err(EvalError::execution(format!("invalid label name {written}")));
        }
        // `without` removes the label with the value too when it names it.
        let keeps = !a.without || (name != labels::NAME && !a.grouping.iter().any(|g| g == name));
        let grouping = Grouping::of(a);
        let mut out = Columns::new(self.steps.count, Held::new(self.run));
        self.each(&a.expr, &mut |row| {
            let group = grouping.labels(row.labels);
            // Neighbouring steps mostly have the same value, so the last slot is kept.
            let mut last: Option<(Point, usize)> = None;
            for (step, point) in (0..row.values.len()).filter_map(|step| Some((step, row.point(step)?))) {
                let slot = match &last {
                    Some((value, slot)) if *value == point => *slot,
                    _ => {
                        let mut labels = group.clone();
                        if keeps {
                            labels.set(name, &point.to_string());
                        }
                        out.slot(Arc::new(labels), false)?
                    }
                };
                last = Some((point, slot));
                if let Some(at) = out.columns.get_mut(slot).and_then(|c| c.values.get_mut(step)) {
                    *at = if is_present(*at) { *at + 1.0 } else { 1.0 };
                }
            }
            Ok(())
        })?;
        out.columns.iter().try_for_each(|c| sink(c.row()))
    }
}
