//! `and`, `or`, `unless`.

use super::columns::{ABSENT, Column, Columns, Histograms, Row, Sink};
use super::matching::groups;
use super::run::Held;
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
        let deciding: &[Column] = if b.op == BinaryOp::Or { &left } else { &right };
        let mut present = vec![vec![false; steps]; groups.len()];
        for (g, (_, group)) in groups.iter().enumerate() {
            group.left.iter().for_each(|i| group_of_left[*i] = g);
            group.right.iter().for_each(|i| group_of_right[*i] = g);
            let side = if b.op == BinaryOp::Or { &group.left } else { &group.right };
            for column in side.iter().filter_map(|i| deciding.get(*i)) {
                column.row().each_step(|step| present[g][step] = true);
            }
        }
        let filter = |column: &Column, group: usize, keep_when: bool| -> (Vec<f64>, Histograms) {
            let kept = |step: usize| present[group][step] == keep_when;
            let values = column.values.iter().enumerate().map(|(i, v)| if kept(i) { *v } else { ABSENT });
            let histograms = column.histograms.iter().enumerate().map(|(i, h)| h.clone().filter(|_| kept(i)));
            (values.collect(), histograms.collect())
        };
        if b.op != BinaryOp::Or {
            for (i, column) in left.iter().enumerate() {
                let (values, histograms) = filter(column, group_of_left[i], b.op == BinaryOp::And);
                let row = Row { values: &values, histograms: &histograms, ..column.row() };
                if !row.is_empty() {
                    sink(row)?;
                }
            }
            return Ok(());
        }
        let mut out = Columns::new(steps, Held::new(self.run));
        for column in left.iter() {
            out.add(column.labels.clone(), column.drop_name, column.row())?;
        }
        for (i, column) in right.iter().enumerate() {
            let (values, histograms) = filter(column, group_of_right[i], false);
            let row = Row { values: &values, histograms: &histograms, ..column.row() };
            if !row.is_empty() {
                out.add(column.labels.clone(), column.drop_name, row)?;
            }
        }
        out.columns.iter().try_for_each(|c| sink(c.row()))
    }
}
