//! `topk`, `bottomk`, `limitk`: aggregations that keep whole series.

use std::cmp::Ordering;

use crate::ast::{Aggregate, AggregateOp, Expr};
use crate::eval::columns::{ABSENT, Column, Sink, is_present};
use crate::eval::{Eval, EvalError};

impl Eval<'_> {
    pub(super) fn ranked(&self, e: &Expr, a: &Aggregate, sink: &mut Sink<'_>) -> Result<(), EvalError> {
        let k = self.parameter(a)?.iter().map(|k| element_count(*k)).collect::<Result<Vec<_>, _>>()?;
        let mut columns = self.vector(&a.expr)?;
        if k.iter().all(|k| *k == 0) {
            return Ok(());
        }
        if a.op != AggregateOp::Limitk && columns.iter().any(|c| c.histograms.iter().any(Option::is_some)) {
            self.info(&format!("ignored histogram in {} aggregation", a.op.text()), e.span);
        }
        let steps = self.steps.count;
        let mut kept: Vec<Vec<bool>> = vec![Vec::new(); columns.len()];
        // The result of an instant query is in the order of rank.
        let mut order = Vec::new();
        let mut chosen = Vec::new();
        for (_, group) in &Self::members(a, &columns) {
            self.run.check_deadline()?;
            for (step, k) in k.iter().enumerate() {
                choose(a.op, &columns, group, step, *k, &mut chosen);
                for (i, _) in &chosen {
                    let kept = &mut kept[*i];
                    kept.resize(steps, false);
                    kept[step] = true;
                }
                if steps == 1 {
                    order.extend(chosen.iter().map(|(i, _)| *i));
                }
            }
        }
        if steps != 1 {
            order = (0..columns.len()).filter(|i| !kept[*i].is_empty()).collect();
        }
        for i in order {
            let column = &mut columns.columns_mut()[i];
            for (step, _) in kept[i].iter().enumerate().filter(|(_, kept)| !**kept) {
                column.values[step] = ABSENT;
                if let Some(h) = column.histograms.get_mut(step) {
                    *h = None;
                }
            }
            sink(column.row())?;
        }
        Ok(())
    }
}

/// The parameter as a number of elements.
fn element_count(k: f64) -> Result<usize, EvalError> {
    if k.is_nan() {
        return Err(EvalError::execution("Parameter value is NaN"));
    }
    if k >= i64::MAX as f64 || k <= i64::MIN as f64 {
        return Err(EvalError::execution(format!("Scalar value {k} overflows int64")));
    }
    Ok(if k < 1.0 { 0 } else { k as usize })
}

/// The best `k` members of a group at one step, best first; of equal ones the first.
fn choose(op: AggregateOp, columns: &[Column], group: &[usize], step: usize, k: usize, chosen: &mut Vec<(usize, f64)>) {
    chosen.clear();
    if op == AggregateOp::Limitk {
        chosen.extend(group.iter().filter(|i| columns[**i].row().has(step)).take(k).map(|i| (*i, 0.0)));
        return;
    }
    chosen.extend(group.iter().map(|i| (*i, columns[*i].values[step])).filter(|(_, v)| is_present(*v)));
    let better = |a: &(usize, f64), b: &(usize, f64)| {
        let by_value = match (a.1.is_nan(), b.1.is_nan()) {
            (false, false) if op == AggregateOp::Topk => b.1.partial_cmp(&a.1).unwrap_or(Ordering::Equal),
            (false, false) => a.1.partial_cmp(&b.1).unwrap_or(Ordering::Equal),
            // NaN loses in both directions.
            (a, b) => a.cmp(&b),
        };
        by_value.then(a.0.cmp(&b.0))
    };
    if k == 0 {
        chosen.clear();
    } else if chosen.len() > k {
        chosen.select_nth_unstable_by(k - 1, better);
        chosen.truncate(k);
    }
    chosen.sort_unstable_by(better);
}
