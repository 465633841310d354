//! Label matchers.
//!
//! Regular expressions have Go's RE2 syntax, are anchored at both ends, and
//! their dot matches a newline, as in Prometheus 3 (see [`re2::Pattern`]).

use std::fmt;
use std::sync::Arc;

use model::labels::Labels;
use re2::{Pattern, Re2Error};

use crate::text::quote;

/// How a matcher compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MatchOp {
    /// `=`
    Equal,
    /// `!=`
    NotEqual,
    /// `=~`
    Regex,
    /// `!~`
    NotRegex,
}

impl MatchOp {
    /// How it is written.
    pub fn text(self) -> &'static str {
        match self {
            MatchOp::Equal => "=",
            MatchOp::NotEqual => "!=",
            MatchOp::Regex => "=~",
            MatchOp::NotRegex => "!~",
        }
    }
}

/// A condition on one label. An absent label has the empty value.
#[derive(Debug, Clone)]
pub struct Matcher {
    name: String,
    op: MatchOp,
    value: String,
    pattern: Option<Arc<Pattern>>,
}

impl PartialEq for Matcher {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name && self.op == other.op && self.value == other.value
    }
}

impl Eq for Matcher {}

impl Matcher {
    /// A matcher.
    ///
    /// # Errors
    /// When `value` should be a regular expression and is not one.
    pub fn new(op: MatchOp, name: &str, value: &str) -> Result<Self, Re2Error> {
        let pattern = match op {
            MatchOp::Regex | MatchOp::NotRegex => Some(Arc::new(Pattern::new(value)?)),
            _ => None,
        };
        Ok(Self { name: name.to_owned(), op, value: value.to_owned(), pattern })
    }

    /// `name="value"`.
    pub fn equal(name: &str, value: &str) -> Self {
        Self { name: name.to_owned(), op: MatchOp::Equal, value: value.to_owned(), pattern: None }
    }

    /// The label.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How it compares.
    pub fn op(&self) -> MatchOp {
        self.op
    }

    /// The text or pattern it compares with.
    pub fn value(&self) -> &str {
        &self.value
    }

    /// Whether this value passes; the empty text stands for an absent label.
    pub fn matches(&self, value: &str) -> bool {
        match (self.op, &self.pattern) {
            (MatchOp::Equal, _) => value == self.value,
            (MatchOp::NotEqual, _) => value != self.value,
            (MatchOp::Regex, Some(p)) => p.matches(value),
            (MatchOp::NotRegex, Some(p)) => !p.matches(value),
            (MatchOp::Regex | MatchOp::NotRegex, None) => false,
        }
    }

    /// Whether the labels of a series pass.
    pub fn matches_labels(&self, labels: &Labels) -> bool {
        self.matches(labels.get(&self.name))
    }
}

impl fmt::Display for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = quote(&self.value);
        if is_plain_label(&self.name) {
            write!(f, "{}{}{value}", self.name, self.op.text())
        } else {
            write!(f, "{}{}{value}", quote(&self.name), self.op.text())
        }
    }
}

/// Whether a label name can stand without quotes.
pub(crate) fn is_plain_label(name: &str) -> bool {
    name.bytes().next().is_some_and(crate::lexer::is_name_start) && name.bytes().all(crate::lexer::is_name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn not_regex() {
        let m = Matcher::new(MatchOp::NotRegex, "a", "x|y").expect("valid pattern");
        assert!(m.matches("") && !m.matches("x"));
        assert!(Matcher::new(MatchOp::Regex, "a", "(").is_err());
    }
}
