//! `topk`, `bottomk`, `limitk`: aggregations that keep whole series.

use std::cmp::Ordering;

use super::group_labels;
use crate::ast::{Aggregate, AggregateOp};
use crate::eval::columns::{ABSENT, Column, Map, Row, Sink, is_present};
use crate::eval::{Eval, EvalError};
use model::labels::Labels;

impl Eval<'_> {
    pub(super) fn ranked(&self, a: &Aggregate, sink: &mut Sink<'_>) -> Result<(), EvalError> {
        let k = self.parameter(a)?.iter().map(|k| element_count(*k)).collect::<Result<Vec<_>, _>>()?;
        let columns = self.vector(&a.expr)?;
        let mut by_labels: Map<Labels, usize> = Map::default();
        let mut groups: Vec<Vec<usize>> = Vec::new();
        for (i, column) in columns.iter().enumerate() {
            let next = groups.len();
            let at = *by_labels.entry(group_labels(&column.labels, a)).or_insert(next);
            if at == next {
                groups.push(Vec::new());
            }
            groups[at].push(i);
        }
        let mut kept = vec![vec![ABSENT; self.steps.count]; columns.len()];
        // The result of an instant query is in the order of rank.
        let mut order = Vec::new();
        for group in &groups {
            for (step, k) in k.iter().enumerate() {
                let chosen = choose(a.op, &columns, group, step, *k);
                for i in &chosen {
                    kept[*i][step] = columns[*i].values[step];
                }
                if self.steps.count == 1 {
                    order.extend(chosen);
                }
            }
        }
        if self.steps.count != 1 {
            order = (0..columns.len()).collect();
        }
        for i in order {
            if kept[i].iter().any(|v| is_present(*v)) {
                sink(Row { values: &kept[i], ..columns[i].row() })?;
            }
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

/// The best `k` members of a group at one step, best first.
fn choose(op: AggregateOp, columns: &[Column], group: &[usize], step: usize, k: usize) -> Vec<usize> {
    let mut members: Vec<(usize, f64)> =
        group.iter().map(|i| (*i, columns[*i].values[step])).filter(|(_, v)| is_present(*v)).collect();
    let ascending = |a: f64, b: f64| match (a.is_nan(), b.is_nan()) {
        // NaN loses in both directions.
        (true, true) => Ordering::Equal,
        (true, false) => Ordering::Greater,
        (false, true) => Ordering::Less,
        (false, false) => a.partial_cmp(&b).unwrap_or(Ordering::Equal),
    };
    match op {
        AggregateOp::Topk => members.sort_by(|a, b| match ascending(a.1, b.1) {
            order if a.1.is_nan() || b.1.is_nan() => order,
            order => order.reverse(),
        }),
        AggregateOp::Bottomk => members.sort_by(|a, b| ascending(a.1, b.1)),
        _ => {}
    }
    members.truncate(k);
    members.into_iter().map(|(i, _)| i).collect()
}
