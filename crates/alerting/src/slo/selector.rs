//! Which series are counted: a vector selector of PromQL without a time.

use std::fmt;

use promql::ast::{AggregateOp, BinaryOp, Expr, ExprKind, VectorSelector};
use promql::matcher::{MatchOp, Matcher};

/// A vector selector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selector {
    name: String,
    matchers: Vec<Matcher>,
}

impl Selector {
    /// Series of one metric, all of them.
    pub(super) fn of_metric(name: &str) -> Self {
        Self { name: name.to_owned(), matchers: Vec::new() }
    }

    /// Reads a selector: `http_requests_total{status=~"5.."}`.
    ///
    /// # Errors
    /// It is not PromQL, or no plain selector.
    pub fn parse(text: &str) -> Result<Self, String> {
        match promql::parse(text).map_err(|e| e.to_string())?.kind {
            ExprKind::Selector(selector) => Self::plain(&selector),
            _ => Err(format!(
                "`{text}` is no selector; write the counter itself, such as `http_requests_total{{job=\"api\"}}`: rates and sums are made from it"
            )),
        }
    }

    /// Reads the selectors that are added up in a query such as `sum(rate(a_total[5m])) + sum(b_total)`.
    ///
    /// # Errors
    /// It is not PromQL, or counts in another way.
    pub(super) fn summed(query: &str) -> Result<Vec<Self>, String> {
        let mut found = Vec::new();
        let expr = promql::parse(query).map_err(|e| e.to_string())?;
        if collect(&expr, &mut found)? {
            return Ok(found);
        }
        Err(format!("`{query}` is no sum of counters; write selectors, `sum(rate(selector[5m]))`, or several with `+`"))
    }

    fn plain(selector: &VectorSelector) -> Result<Self, String> {
        if selector.modifiers != Default::default() || selector.extended.is_some() {
            return Err("offset, @, anchored and smoothed are not for objectives; leave them out".to_owned());
        }
        let mut name = String::new();
        let mut matchers = selector.all_matchers();
        matchers.retain(|m| {
            let is_name = m.name() == model::labels::NAME && m.op() == MatchOp::Equal;
            if is_name {
                m.value().clone_into(&mut name);
            }
            !is_name
        });
        Ok(Self { name, matchers })
    }

    /// The metric; empty when the selector names none.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The same with a suffix on its name.
    pub(super) fn with_suffix(&self, suffix: &str) -> Self {
        Self { name: format!("{}{suffix}", self.name), ..self.clone() }
    }

    /// The same without a suffix of its name, if it has it.
    pub(super) fn without_suffix(&self, suffix: &str) -> Option<Self> {
        let name = self.name.strip_suffix(suffix)?.to_owned();
        Some(Self { name, matchers: self.matchers.clone() })
    }

    /// The same where `label` has this value.
    pub(super) fn with_label(&self, label: &str, value: &str) -> Self {
        self.with(Matcher::equal(label, value))
    }

    pub(super) fn with(&self, matcher: Matcher) -> Self {
        let mut matchers = self.matchers.clone();
        matchers.push(matcher);
        Self { name: self.name.clone(), matchers }
    }
}

/// Whether `expr` is a sum of selectors, which are collected.
fn collect(expr: &Expr, found: &mut Vec<Selector>) -> Result<bool, String> {
    Ok(match &expr.kind {
        ExprKind::Selector(s) => {
            found.push(Selector::plain(s)?);
            true
        }
        ExprKind::Range(r) => {
            found.push(Selector::plain(&r.selector)?);
            true
        }
        ExprKind::Paren(inner) => collect(inner, found)?,
        ExprKind::Aggregate(a) => a.op == AggregateOp::Sum && collect(&a.expr, found)?,
        ExprKind::Call(c) if matches!(c.function.name, "rate" | "increase") => match c.args.first() {
            Some(arg) => collect(arg, found)?,
            None => false,
        },
        ExprKind::Binary(b) => b.op == BinaryOp::Add && collect(&b.lhs, found)? && collect(&b.rhs, found)?,
        _ => false,
    })
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plain = self.name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == ':')
            && !self.name.starts_with(|c: char| c.is_ascii_digit());
        let mut inside: Vec<String> = self.matchers.iter().map(ToString::to_string).collect();
        if plain {
            f.write_str(&self.name)?;
        } else {
            inside.insert(0, format!("{:?}", self.name));
        }
        if inside.is_empty() && !self.name.is_empty() { Ok(()) } else { write!(f, "{{{}}}", inside.join(",")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printed_reads_back() {
        for text in [
            "up",
            "http_requests_total{status=~\"5..\"}",
            "{\"http.server.request.duration\",a!=\"b\"}",
            "{job=\"api\"}",
        ] {
            let selector = Selector::parse(text).unwrap();
            assert_eq!(selector.to_string(), text);
            assert_eq!(Selector::parse(&selector.to_string()).unwrap(), selector);
        }
        let bucket = Selector::parse("{\"http.seconds\"}").unwrap().with_suffix("_bucket").with_label("le", "0.5");
        assert_eq!(bucket.to_string(), "{\"http.seconds_bucket\",le=\"0.5\"}");
    }

    #[test]
    fn sums_of_counters_are_taken_apart() {
        let of = |q: &str| Selector::summed(q).map(|s| s.iter().map(ToString::to_string).collect::<Vec<_>>());
        assert_eq!(
            of("sum(rate(a_total{x=\"1\"}[5m])) + (sum by (y) (b_total))").unwrap(),
            ["a_total{x=\"1\"}", "b_total"]
        );
        assert!(of("avg(a_total)").unwrap_err().contains("no sum of counters"));
        assert!(of("sum(a_total offset 5m)").unwrap_err().contains("offset"));
        assert!(of("sum(").is_err());
    }
}
