//! Links to the page of Prometheus that shows an expression.

use std::fmt::Write as _;

/// Go's `url.QueryEscape`.
pub fn query_escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for b in text.bytes() {
        match b {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(b as char),
            b' ' => out.push('+'),
            b => {
                let _ = write!(out, "%{b:02X}");
            }
        }
    }
    out
}

/// The expression over time.
pub fn graph_link(expression: &str) -> String {
    format!("/graph?g0.expr={}&g0.tab=0", query_escape(expression))
}

/// The value of the expression now.
pub fn table_link(expression: &str) -> String {
    format!("/graph?g0.expr={}&g0.tab=1", query_escape(expression))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_as_go_does() {
        assert_eq!(table_link("sum(a{b=\"ü\"}) > 1"), "/graph?g0.expr=sum%28a%7Bb%3D%22%C3%BC%22%7D%29+%3E+1&g0.tab=1");
        assert_eq!(graph_link("up"), "/graph?g0.expr=up&g0.tab=0");
    }
}
