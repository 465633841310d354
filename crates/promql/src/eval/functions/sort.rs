//! `sort` and its family. Only the order of instant queries shows.

use std::cmp::Ordering;

use crate::ast::{Call, Expr};
use crate::eval::columns::{Column, Sink};
use crate::eval::{Eval, EvalError};

impl Eval<'_> {
    pub(super) fn sort_by_value(&self, e: &Expr, descending: bool, sink: &mut Sink<'_>) -> Result<(), EvalError> {
        let mut kept = self.vector(e)?;
        let columns = kept.columns_mut();
        columns.iter_mut().for_each(|c| c.histograms.clear());
        columns.retain(|c| !c.row().is_empty());
        if self.steps.count == 1 {
            let value = |c: &Column| c.values.first().copied().unwrap_or(f64::NAN);
            columns.sort_by(|a, b| {
                let (a, b) = (value(a), value(b));
                // NaN goes last in both directions.
                match (a.is_nan(), b.is_nan()) {
                    (false, false) if descending => b.partial_cmp(&a).unwrap_or(Ordering::Equal),
                    (false, false) => a.partial_cmp(&b).unwrap_or(Ordering::Equal),
                    (a, b) => a.cmp(&b),
                }
            });
        }
        columns.iter().try_for_each(|c| sink(c.row()))
    }

    pub(super) fn sort_by_label(&self, c: &Call, descending: bool, sink: &mut Sink<'_>) -> Result<(), EvalError> {
        let Some((vector, names)) = c.args.split_first() else {
            return Err(EvalError::execution("missing argument"));
        };
        let names: Vec<&str> = names.iter().map(|n| self.text(n)).collect::<Result<_, _>>()?;
        let mut kept = self.vector(vector)?;
        let columns = kept.columns_mut();
        columns.sort_by(|a, b| {
            let by_name = names.iter().map(|n| natural(a.labels.get(n), b.labels.get(n)));
            let order = by_name.fold(Ordering::Equal, Ordering::then).then_with(|| a.labels.cmp(&b.labels));
            if descending { order.reverse() } else { order }
        });
        columns.iter().try_for_each(|c| sink(c.row()))
    }
}

/// Compares so that `a2` comes before `a10`.
fn natural(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a, b);
    while !a.is_empty() && !b.is_empty() {
        let ((chunk_a, rest_a), (chunk_b, rest_b)) = (chunk(a), chunk(b));
        let digits = |c: &str| c.starts_with(|c: char| c.is_ascii_digit());
        let order = if digits(chunk_a) && digits(chunk_b) {
            let (x, y) = (chunk_a.trim_start_matches('0'), chunk_b.trim_start_matches('0'));
            x.len().cmp(&y.len()).then_with(|| x.cmp(y)).then_with(|| chunk_a.len().cmp(&chunk_b.len()))
        } else {
            chunk_a.cmp(chunk_b)
        };
        if order != Ordering::Equal {
            return order;
        }
        (a, b) = (rest_a, rest_b);
    }
    a.len().cmp(&b.len())
}

/// The first run of digits or of other characters.
fn chunk(s: &str) -> (&str, &str) {
    let digit = s.starts_with(|c: char| c.is_ascii_digit());
    s.split_at(s.find(|c: char| c.is_ascii_digit() != digit).unwrap_or(s.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_inside_names_count() {
        assert_eq!(natural("a2", "a10"), Ordering::Less);
        assert_eq!(natural("a", "a1"), Ordering::Less);
        assert_eq!(natural("b1", "a2"), Ordering::Greater);
        assert_eq!(natural("x007", "x007"), Ordering::Equal);
    }
}
