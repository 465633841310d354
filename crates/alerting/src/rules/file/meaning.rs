//! What an expression of an alert does that nobody can have meant, where that can be told from the expression alone.

use promql::ast::{AggregateOp, BinaryOp, Expr, ExprKind};

/// A counter whose total is compared as it is: it only grows, so the alert fires for ever once it did. The name of the first.
///
/// Where only the existence of series counts nothing is said, nor where a total is compared with an earlier one (`offset`).
pub(super) fn bare_counter(expr: &Expr) -> Option<&str> {
    let mut compared_with_earlier = false;
    expr.for_each_selector(&mut |s| compared_with_earlier |= s.modifiers.offset.is_some());
    if compared_with_earlier { None } else { counter(expr) }
}

fn counter(expr: &Expr) -> Option<&str> {
    match &expr.kind {
        ExprKind::Selector(s) => s.name.as_deref().filter(|name| name.ends_with("_total")),
        ExprKind::Paren(e) | ExprKind::Unary { expr: e, .. } => counter(e),
        ExprKind::Binary(b) if matches!(b.op, BinaryOp::And | BinaryOp::Unless) => counter(&b.lhs),
        ExprKind::Binary(b) => counter(&b.lhs).or_else(|| counter(&b.rhs)),
        ExprKind::Aggregate(a) if matches!(a.op, AggregateOp::Count | AggregateOp::Group) => None,
        ExprKind::Aggregate(a) => counter(&a.expr),
        ExprKind::Call(c) if matches!(c.function.name, "absent" | "timestamp" | "scalar") => None,
        ExprKind::Call(c) => c.args.iter().find_map(counter),
        ExprKind::Number(_) | ExprKind::String(_) | ExprKind::Range(_) | ExprKind::Subquery(_) => None,
    }
}

/// Whether an expression over series has nothing in it that could be false: an alert of it fires for each of them.
pub(super) fn has_no_condition(expr: &Expr) -> bool {
    let mut series = false;
    expr.for_each_selector(&mut |_| series = true);
    series && !has_condition(expr)
}

fn has_condition(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Binary(b) => {
            let decides = b.op.is_comparison() || matches!(b.op, BinaryOp::And | BinaryOp::Or | BinaryOp::Unless);
            decides || has_condition(&b.lhs) || has_condition(&b.rhs)
        }
        ExprKind::Paren(e) | ExprKind::Unary { expr: e, .. } => has_condition(e),
        ExprKind::Aggregate(a) => has_condition(&a.expr),
        ExprKind::Subquery(s) => has_condition(&s.expr),
        ExprKind::Call(c) => c.function.name.starts_with("absent") || c.args.iter().any(has_condition),
        ExprKind::Number(_) | ExprKind::String(_) | ExprKind::Selector(_) | ExprKind::Range(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn totals_are_compared_by_mistake() {
        for (query, expected) in [
            ("errors_total > 5", Some("errors_total")),
            ("sum by (job) (errors_total{code=\"5\"}) / 2 > 5", Some("errors_total")),
            ("5 < (max(errors_total))", Some("errors_total")),
            ("rate(errors_total[5m]) > 5", None),
            ("sum(increase(errors_total[5m])) > 5", None),
            ("count(errors_total) < 3", None),
            ("absent(errors_total)", None),
            ("up == 0 unless errors_total", None),
            ("errors_total - errors_total offset 5m > 5", None),
            ("memory_bytes > 5", None),
        ] {
            assert_eq!(bare_counter(&promql::parse(query).unwrap()), expected, "{query}");
        }
    }

    #[test]
    fn an_expression_without_a_condition_is_told() {
        for (query, expected) in [
            ("up", true),
            ("sum(rate(errors_total[5m]))", true),
            ("up == 0", false),
            ("sum(up > bool 0)", false),
            ("absent_over_time(up[5m])", false),
            ("a unless b", false),
            ("vector(1)", false),
        ] {
            assert_eq!(has_no_condition(&promql::parse(query).unwrap()), expected, "{query}");
        }
    }
}
