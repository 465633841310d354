//! `and`, `or`, `unless`.

use super::columns::{ABSENT, Columns, Row, Sink, is_present};
use super::matching::groups;
use super::{Eval, EvalError};
use crate::ast::{Binary, BinaryOp};

impl Eval<'_> {
    pub(crate) fn set_operation(&self, b: &Binary, sink: &mut Sink<'_>) -> Result<(), EvalError> {
        let Some(m) = &b.matching else {
            return Err(EvalError::execution("vector matching is missing"));
        };
        let (left, right) = (self.vector(&b.lhs)?, self.vector(&b.rhs)?);
        let steps = self.steps.count;
        let groups = groups(&left, &right, m);
        // Per group and step, whether the deciding side has a value.
        let mut group_of_left = vec![0; left.len()];
        let mut group_of_right = vec![0; right.len()];
        let deciding = if b.op == BinaryOp::Or { &left } else { &right };
        let mut present = vec![vec![false; steps]; groups.len()];
        for (g, (_, group)) in groups.iter().enumerate() {
            group.left.iter().for_each(|i| group_of_left[*i] = g);
            group.right.iter().for_each(|i| group_of_right[*i] = g);
            let side = if b.op == BinaryOp::Or { &group.left } else { &group.right };
            for column in side.iter().filter_map(|i| deciding.get(*i)) {
                present[g].iter_mut().zip(&column.values).for_each(|(p, v)| *p |= is_present(*v));
            }
        }
        let filter = |values: &[f64], group: usize, keep_when: bool| -> Vec<f64> {
            values.iter().zip(&present[group]).map(|(v, p)| if *p == keep_when { *v } else { ABSENT }).collect()
        };
        if b.op != BinaryOp::Or {
            for (i, column) in left.iter().enumerate() {
                let values = filter(&column.values, group_of_left[i], b.op == BinaryOp::And);
                if values.iter().any(|v| is_present(*v)) {
                    sink(Row { values: &values, ..column.row() })?;
                }
            }
            return Ok(());
        }
        let mut out = Columns::new(steps);
        for column in &left {
            out.add(column.labels.clone(), column.drop_name, &column.values)?;
        }
        for (i, column) in right.iter().enumerate() {
            let values = filter(&column.values, group_of_right[i], false);
            if values.iter().any(|v| is_present(*v)) {
                out.add(column.labels.clone(), column.drop_name, &values)?;
            }
        }
        out.columns.iter().try_for_each(|c| sink(c.row()))
    }
}
