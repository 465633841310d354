//! Which labels the results of an expression can have, where that can be told from the expression alone.

use std::collections::BTreeSet;
use std::fmt;

use promql::ast::{AggregateOp, Expr, ExprKind, ValueType};

/// The labels of the results of an expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum LabelsOf {
    /// It depends on the data.
    Unknown,
    /// No others than these.
    Only(BTreeSet<String>),
}

impl LabelsOf {
    /// Whether no result can have the label.
    pub(super) fn lacks(&self, label: &str) -> bool {
        matches!(self, Self::Only(labels) if !labels.contains(label))
    }

    fn without(self, label: &str) -> Self {
        match self {
            Self::Only(mut labels) => {
                labels.remove(label);
                Self::Only(labels)
            }
            Self::Unknown => Self::Unknown,
        }
    }
}

impl fmt::Display for LabelsOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => f.write_str("labels that depend on the data"),
            Self::Only(labels) if labels.is_empty() => f.write_str("no labels"),
            Self::Only(labels) => {
                let names: Vec<_> = labels.iter().map(|l| format!("`{l}`")).collect();
                f.write_str(&names.join(", "))
            }
        }
    }
}

/// Whether results have the labels of series, or others than those of the grouping.
fn keeps_series(op: AggregateOp) -> bool {
    use AggregateOp::{Bottomk, CountValues, LimitRatio, Limitk, Topk};
    matches!(op, Topk | Bottomk | Limitk | LimitRatio | CountValues)
}

/// Of an expression.
pub(super) fn of(expr: &Expr) -> LabelsOf {
    match &expr.kind {
        ExprKind::Paren(e) | ExprKind::Unary { expr: e, .. } => of(e),
        ExprKind::Number(_) => LabelsOf::Only(BTreeSet::new()),
        ExprKind::Aggregate(a) if a.without || keeps_series(a.op) => LabelsOf::Unknown,
        ExprKind::Aggregate(a) => LabelsOf::Only(a.grouping.iter().cloned().collect()),
        ExprKind::Call(call) => match call.function.name {
            "histogram_quantile" => call.args.get(1).map_or(LabelsOf::Unknown, |e| of(e).without("le")),
            "vector" | "time" => LabelsOf::Only(BTreeSet::new()),
            "abs" | "ceil" | "floor" | "round" | "sqrt" | "exp" | "ln" | "log2" | "log10" | "clamp" | "clamp_min"
            | "clamp_max" | "sgn" | "sort" | "sort_desc" => call.args.first().map_or(LabelsOf::Unknown, of),
            _ => LabelsOf::Unknown,
        },
        ExprKind::Binary(b) => {
            let scalar = |e: &Expr| e.value_type() == ValueType::Scalar;
            match (of(&b.lhs), of(&b.rhs)) {
                (left, _) if scalar(&b.rhs) => left,
                (_, right) if scalar(&b.lhs) => right,
                // With the same labels on both sides, whatever the matching keeps is among them.
                (left, right) if left == right => left,
                _ => LabelsOf::Unknown,
            }
        }
        _ => LabelsOf::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aggregations_say_which_labels_are_left() {
        for (query, expected) in [
            ("up", "labels that depend on the data"),
            ("sum by (service) (rate(x[5m])) / sum by (service) (rate(y[5m])) > 0.05", "`service`"),
            ("sum(rate(x[5m])) by (service) / sum(rate(y[5m]))", "labels that depend on the data"),
            ("histogram_quantile(0.95, sum(rate(x_bucket[5m])) by (le, service)) > 2", "`service`"),
            ("sum(x) > 1", "no labels"),
            ("topk(3, x)", "labels that depend on the data"),
            ("sum without (a) (x)", "labels that depend on the data"),
        ] {
            assert_eq!(of(&promql::parse(query).unwrap()).to_string(), expected, "{query}");
        }
    }
}
