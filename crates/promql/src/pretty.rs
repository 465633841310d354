//! Lays a query out over several lines, as Prometheus's `format_query` does.
//!
//! What fits on a line stays on it; of what does not, operands and arguments get lines of their own, indented by two
//! spaces per level. Source: Prometheus, `promql/parser/prettier.md`.

use crate::ast::{Expr, ExprKind};
use crate::printer::{AggregateHead, Operator, SubqueryWindow};

/// Longer expressions are split.
const LINE_CHARS_MAX: usize = 100;

/// The query over as many lines as it needs; reads back as the same tree.
pub fn pretty(expr: &Expr) -> String {
    at(expr, 0)
}

fn indent(level: usize) -> String {
    "  ".repeat(level)
}

fn at(expr: &Expr, level: usize) -> String {
    let (line, margin) = (expr.to_string(), indent(level));
    if line.len() <= LINE_CHARS_MAX {
        return margin + &line;
    }
    let inner = |e: &Expr| at(e, level + 1);
    match &expr.kind {
        ExprKind::Aggregate(a) => {
            let param = a.param.as_ref().map(|p| inner(p) + ",\n").unwrap_or_default();
            format!("{margin}{}(\n{param}{}\n{margin})", AggregateHead(a), inner(&a.expr))
        }
        ExprKind::Call(c) => {
            let args: Vec<_> = c.args.iter().map(inner).collect();
            format!("{margin}{}(\n{}\n{margin})", c.function.name, args.join(",\n"))
        }
        ExprKind::Binary(b) => format!("{}\n{margin}{}\n{}", inner(&b.lhs), Operator(b), inner(&b.rhs)),
        ExprKind::Paren(e) => format!("{margin}(\n{}\n{margin})", inner(e)),
        ExprKind::Subquery(s) => format!("{}{}", at(&s.expr, level), SubqueryWindow(s)),
        ExprKind::Unary { negative, expr } => {
            let sign = if *negative { '-' } else { '+' };
            format!("{margin}{sign}{}", at(expr, level).trim())
        }
        ExprKind::Number(_) | ExprKind::String(_) | ExprKind::Selector(_) | ExprKind::Range(_) => margin + &line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse;

    fn check(query: &str, expected: &str) {
        let expr = parse(query).unwrap();
        let text = pretty(&expr);
        assert_eq!(text, expected);
        assert_eq!(parse(&text).unwrap(), expr);
    }

    #[test]
    fn what_fits_stays_on_a_line() {
        check("sum(rate(up[5m]))by(job)", "sum by (job) (rate(up[5m]))");
    }

    #[test]
    fn matchers_are_sorted() {
        check("foo{z=\"1\",a!~\"x\",a=\"y\"}", "foo{a!~\"x\",a=\"y\",z=\"1\"}");
    }

    #[test]
    fn what_does_not_is_split() {
        let long = "some_quite_long_metric_name_total{environment=\"production\",handler!=\"/-/ready\"}[5m]";
        check(
            &format!("sum by(job)(rate({long}))/on(job)-(topk(3, sum by (job) (increase({long} offset 1d))))"),
            &[
                "  sum by (job) (",
                &format!("    rate({long})"),
                "  )",
                "/ on (job)",
                "  -(",
                "    topk(",
                "      3,",
                "      sum by (job) (",
                "        increase(",
                &format!("          {long} offset 1d"),
                "        )",
                "      )",
                "    )",
                "  )",
            ]
            .join("\n"),
        );
    }
}
