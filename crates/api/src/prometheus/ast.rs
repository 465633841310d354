//! Syntax trees as JSON, in the shape that Prometheus's `parse_query` has for its UI.
//!
//! Source: Prometheus, `web/api/v1`, tree view. Durations are milliseconds; a duration that depends on the step of a
//! query, which is not known here, counts as of an instant query.

use promql::ast::{At, Cardinality, DurationExpr, Expr, ExprKind, Extended, TimeModifiers, ValueType, VectorSelector};
use promql::duration::{self, DurationContext};
use promql::matcher::Matcher;
use serde_json::{Value, json};

/// One node with all below it.
pub(super) fn expr(e: &Expr) -> Value {
    match &e.kind {
        ExprKind::Number(n) => json!({"type": "numberLiteral", "val": plain(n.value)}),
        ExprKind::String(text) => json!({"type": "stringLiteral", "val": text}),
        ExprKind::Paren(inner) => json!({"type": "parenExpr", "expr": expr(inner)}),
        ExprKind::Unary { negative, expr: inner } => {
            json!({"type": "unaryExpr", "op": if *negative { "-" } else { "+" }, "expr": expr(inner)})
        }
        ExprKind::Selector(s) => selector("vectorSelector", s, None),
        ExprKind::Range(r) => selector("matrixSelector", &r.selector, Some(&r.range)),
        ExprKind::Subquery(s) => json!({
            "type": "subquery",
            "expr": expr(&s.expr),
            "range": millis(&s.range),
            "step": s.step.as_ref().map_or(0, millis),
            "offset": s.modifiers.offset.as_ref().map_or(0, millis),
            "timestamp": timestamp(&s.modifiers),
            "startOrEnd": start_or_end(&s.modifiers),
        }),
        ExprKind::Aggregate(a) => json!({
            "type": "aggregation",
            "op": a.op.text(),
            "expr": expr(&a.expr),
            "param": a.param.as_ref().map(expr),
            "grouping": a.grouping,
            "without": a.without,
        }),
        ExprKind::Call(c) => json!({
            "type": "call",
            "func": {
                "name": c.function.name,
                "argTypes": c.function.args.iter().map(|t| type_name(*t)).collect::<Vec<_>>(),
                "variadic": c.function.variadic,
                "returnType": type_name(c.function.returns),
            },
            "args": c.args.iter().map(expr).collect::<Vec<_>>(),
        }),
        ExprKind::Binary(b) => json!({
            "type": "binaryExpr",
            "op": b.op.text(),
            "lhs": expr(&b.lhs),
            "rhs": expr(&b.rhs),
            // Numbers need not find each other.
            "matching": b.matching.as_ref().filter(|_| are_vectors(&b.lhs, &b.rhs)).map(|m| json!({
                "card": cardinality(m.card),
                "labels": m.labels,
                "on": m.on,
                "include": m.include,
                "fillValues": {"lhs": m.fill.left, "rhs": m.fill.right},
            })),
            "bool": b.return_bool,
        }),
    }
}

fn are_vectors(lhs: &Expr, rhs: &Expr) -> bool {
    [lhs, rhs].iter().all(|e| e.value_type() == ValueType::Vector)
}

fn selector(kind: &str, s: &VectorSelector, range: Option<&DurationExpr>) -> Value {
    let mut node = json!({
        "type": kind,
        "name": s.name.as_deref().unwrap_or_default(),
        "offset": s.modifiers.offset.as_ref().map_or(0, millis),
        "matchers": s.all_matchers().iter().map(matcher).collect::<Vec<_>>(),
        "timestamp": timestamp(&s.modifiers),
        "startOrEnd": start_or_end(&s.modifiers),
        "anchored": s.extended == Some(Extended::Anchored),
        "smoothed": s.extended == Some(Extended::Smoothed),
    });
    if let Some(range) = range {
        node["range"] = millis(range).into();
    }
    node
}

fn matcher(m: &Matcher) -> Value {
    json!({"name": m.name(), "value": m.value(), "type": m.op().text()})
}

fn millis(d: &DurationExpr) -> i64 {
    duration::millis(d, DurationContext::default(), false).unwrap_or_default()
}

fn timestamp(m: &TimeModifiers) -> Option<i64> {
    match m.at {
        Some(At::UnixMillis(ms)) => Some(ms),
        _ => None,
    }
}

fn start_or_end(m: &TimeModifiers) -> Option<&'static str> {
    match m.at {
        Some(At::Start) => Some("start"),
        Some(At::End) => Some("end"),
        _ => None,
    }
}

fn type_name(t: ValueType) -> &'static str {
    match t {
        ValueType::Scalar => "scalar",
        ValueType::String => "string",
        ValueType::Vector => "vector",
        ValueType::Matrix => "matrix",
    }
}

fn cardinality(card: Cardinality) -> &'static str {
    match card {
        Cardinality::OneToOne => "one-to-one",
        Cardinality::ManyToOne => "many-to-one",
        Cardinality::OneToMany => "one-to-many",
        Cardinality::ManyToMany => "many-to-many",
    }
}

fn plain(value: f64) -> String {
    let mut out = Vec::new();
    super::json::plain(&mut out, value);
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(query: &str) -> Value {
        expr(&promql::parse(query).unwrap())
    }

    #[test]
    fn every_kind_of_node() {
        assert_eq!(
            tree("-topk by (job) (1e30, (rate(up{a!~\"b.*\"}[5m] offset 1m @ start())))"),
            json!({"type": "unaryExpr", "op": "-", "expr": {
                "type": "aggregation", "op": "topk", "grouping": ["job"], "without": false,
                "param": {"type": "numberLiteral", "val": "1000000000000000000000000000000"},
                "expr": {"type": "parenExpr", "expr": {
                    "type": "call",
                    "func": {"name": "rate", "argTypes": ["matrix"], "variadic": 0, "returnType": "vector"},
                    "args": [{
                        "type": "matrixSelector", "name": "up", "range": 300_000, "offset": 60_000,
                        "matchers": [{"name": "a", "value": "b.*", "type": "!~"}, {"name": "__name__", "value": "up", "type": "="}],
                        "timestamp": null, "startOrEnd": "start", "anchored": false, "smoothed": false,
                    }],
                }},
            }})
        );
        assert_eq!(
            tree("a == bool on (x) group_left (y) b")["matching"],
            json!({"card": "many-to-one", "labels": ["x"], "on": true, "include": ["y"], "fillValues": {"lhs": null, "rhs": null}})
        );
        assert_eq!(tree("1 + 2")["matching"], Value::Null);
        let subquery = tree("up[1h:5m] @ 1.5");
        assert_eq!(
            (&subquery["range"], &subquery["step"], &subquery["timestamp"]),
            (&json!(3_600_000), &json!(300_000), &json!(1_500))
        );
        assert_eq!(tree("\"x\""), json!({"type": "stringLiteral", "val": "x"}));
    }
}
