//! Keys as sent in queries: what `by`, `without`, `on`, `ignoring` and `group_left` name.
//!
//! OTLP's `http.route` is stored as the label `http_route`. Matchers know that in the engine; where a query lists labels,
//! the stored name is listed beside the one that was asked for, so that series with either are found. What a series does
//! not have changes nothing in such a list.

use std::borrow::Cow;

use promql::ast::{Expr, ExprKind};

/// The query with the stored names of keys beside the keys.
pub(super) fn with_stored(expr: &Expr) -> Cow<'_, Expr> {
    let mut keys = false;
    visit(&mut expr.clone(), &mut |list| keys |= list.iter().any(|name| stored(name).is_some()));
    if !keys {
        return Cow::Borrowed(expr);
    }
    let mut out = expr.clone();
    visit(&mut out, &mut |list| {
        let more: Vec<String> = list.iter().filter_map(|name| stored(name)).collect();
        list.extend(more);
    });
    Cow::Owned(out)
}

/// The label that a key becomes, when that is another name.
pub(super) fn stored(key: &str) -> Option<String> {
    let label = tsdb::label_name(key);
    (*label != *key).then(|| label.into_owned())
}

/// Calls `f` with every list of labels.
fn visit(expr: &mut Expr, f: &mut impl FnMut(&mut Vec<String>)) {
    match &mut expr.kind {
        ExprKind::Number(_) | ExprKind::String(_) | ExprKind::Selector(_) | ExprKind::Range(_) => {}
        ExprKind::Subquery(s) => visit(&mut s.expr, f),
        ExprKind::Unary { expr, .. } | ExprKind::Paren(expr) => visit(expr, f),
        ExprKind::Call(c) => c.args.iter_mut().for_each(|arg| visit(arg, f)),
        ExprKind::Aggregate(a) => {
            f(&mut a.grouping);
            a.param.iter_mut().for_each(|param| visit(param, f));
            visit(&mut a.expr, f);
        }
        ExprKind::Binary(b) => {
            if let Some(m) = &mut b.matching {
                f(&mut m.labels);
                f(&mut m.include);
            }
            visit(&mut b.lhs, f);
            visit(&mut b.rhs, f);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(query: &str, expected: &str) {
        let expr = promql::parse(query).unwrap();
        assert_eq!(with_stored(&expr).to_string(), expected);
    }

    #[test]
    fn lists_of_labels_know_what_keys_become() {
        check(
            r#"sum by ("http.route", job) (rate(x[5m])) / on ("http.route") group_left ("k8s.pod") y"#,
            r#"sum by ("http.route", job, http_route) (rate(x[5m])) / on ("http.route", http_route) group_left ("k8s.pod", k8s_pod) y"#,
        );
        check("sum by (job) (x)", "sum by (job) (x)");
        assert!(matches!(with_stored(&promql::parse("sum by (job) (x)").unwrap()), Cow::Borrowed(_)));
    }
}
