//! From groups to the rows that are listed: conditions, order, limit, names.

use std::cmp::Ordering;

use super::state::State;
use super::{Column, OrderBy, Table, TableRow};
use crate::query::filter::CompareOp;
use crate::query::group::NO_GROUP;
use crate::query::measure::{Accumulator, Cell, Kind};
use crate::query::names::Interner;
use crate::query::numbers;

impl State<'_> {
    pub(super) fn table(&self, sampled: Option<f64>) -> Table {
        let scale = sampled.map_or(1.0, |share| 1.0 / share);
        let mut slots: Vec<usize> = (0..self.slots).filter(|s| self.having(*s, scale)).collect();
        let groups = slots.len() as u64 + self.unlisted;
        let limit = self.job.asked.limit.min(slots.len());
        let keys: Vec<Sort> = slots.iter().map(|s| self.sort_key(*s, scale)).collect();
        let mut order: Vec<usize> = (0..slots.len()).collect();
        let compare = |a: &usize, b: &usize| self.compare((slots[*a], &keys[*a]), (slots[*b], &keys[*b]));
        if limit > 0 && limit < order.len() / 4 {
            order.select_nth_unstable_by(limit - 1, compare);
            order.truncate(limit);
        }
        order.sort_unstable_by(compare);
        order.truncate(limit);
        slots = order.iter().map(|i| slots[*i]).collect();
        let weights = self.job.kinds.iter().position(|k| *k == Kind::Weights).and_then(|i| self.accumulators.get(i));
        let stands_for = weights.and_then(Accumulator::stands_for);
        Table {
            rows: slots.into_iter().map(|s| self.row(s, scale)).collect(),
            groups,
            sampled,
            stands_for: stands_for.map(|(n, sum)| ((n as f64 * scale).round() as u64, sum * scale)),
        }
    }

    fn cell(&self, measure: usize, slot: usize, scale: f64) -> Cell {
        let Some(measure) = self.job.asked.measures.get(measure) else { return Cell::Empty };
        let kind = Kind::of(measure);
        let place = self.job.kinds.iter().position(|k| *k == kind);
        place.and_then(|i| self.accumulators.get(i)).map_or(Cell::Empty, |a| a.cell(measure, slot, scale))
    }

    fn having(&self, slot: usize, scale: f64) -> bool {
        self.job.asked.having.iter().all(|h| {
            self.cell(h.measure, slot, scale).number().and_then(|v| v.partial_cmp(&h.value)).is_some_and(|o| {
                match h.op {
                    CompareOp::Eq => o.is_eq(),
                    CompareOp::Ne => o.is_ne(),
                    CompareOp::Lt => o.is_lt(),
                    CompareOp::Le => o.is_le(),
                    CompareOp::Gt => o.is_gt(),
                    CompareOp::Ge => o.is_ge(),
                }
            })
        })
    }

    fn key(&self, slot: usize) -> &[u32] {
        let len = self.job.key_len();
        self.keys.get(slot * len..(slot + 1) * len).unwrap_or_default()
    }

    /// What the order compares; texts are compared where they lie.
    fn sort_key(&self, slot: usize, scale: f64) -> Sort {
        let number = |o: &OrderBy| match o.column {
            Column::Measure(i) => self.cell(i, slot, scale).number(),
            Column::Time | Column::Key(_) => None,
        };
        self.job.asked.order.iter().map(number).collect()
    }

    fn compare(&self, (a, a_sort): (usize, &Sort), (b, b_sort): (usize, &Sort)) -> Ordering {
        for ((order, x), y) in self.job.asked.order.iter().zip(a_sort).zip(b_sort) {
            let by = match order.column {
                Column::Measure(_) => last(*x, *y, order.descending, f64::total_cmp),
                column => self.compare_key(column, a, b, order.descending),
            };
            if by.is_ne() {
                return by;
            }
        }
        (0..=self.job.asked.by.len())
            .map(|i| if i == 0 { Column::Time } else { Column::Key(i - 1) })
            .fold(Ordering::Equal, |o, column| o.then_with(|| self.compare_key(column, a, b, false)))
    }

    fn compare_key(&self, column: Column, a: usize, b: usize, descending: bool) -> Ordering {
        let place = match column {
            Column::Key(i) => i + 1,
            _ => 0,
        };
        let code = |slot: usize| self.key(slot).get(place).copied().filter(|c| *c != NO_GROUP);
        match column {
            Column::Key(i) => {
                let name = |slot| code(slot).and_then(|c| self.names.get(i).map(|n| n.get(c)));
                last(name(a), name(b), descending, |a, b| compare_texts(a, b))
            }
            _ => last(code(a), code(b), descending, u32::cmp),
        }
    }

    fn row(&self, slot: usize, scale: f64) -> TableRow {
        let key = self.key(slot);
        let name = |(code, names): (&u32, &Interner)| {
            (*code != NO_GROUP).then(|| String::from_utf8_lossy(names.get(*code)).into_owned())
        };
        TableRow {
            bucket: key.first().filter(|b| **b != NO_GROUP).map(|b| *b as usize),
            key: key.iter().skip(1).zip(&self.names).map(name).collect(),
            cells: (0..self.job.asked.measures.len()).map(|m| self.cell(m, slot, scale)).collect(),
        }
    }
}

type Sort = Vec<Option<f64>>;

/// Compares what may be absent: that comes last, in either direction.
fn last<T>(a: Option<T>, b: Option<T>, descending: bool, compare: impl Fn(&T, &T) -> Ordering) -> Ordering {
    match (a, b) {
        (Some(a), Some(b)) if descending => compare(&b, &a),
        (Some(a), Some(b)) => compare(&a, &b),
        (a, b) => b.is_some().cmp(&a.is_some()),
    }
}

/// Numbers as numbers and before other texts; texts bytewise.
fn compare_texts(a: &[u8], b: &[u8]) -> Ordering {
    match (numbers::spelled(a), numbers::spelled(b)) {
        (Some(x), Some(y)) => x.total_cmp(&y).then_with(|| a.cmp(b)),
        (x, y) => y.is_some().cmp(&x.is_some()).then_with(|| a.cmp(b)),
    }
}
