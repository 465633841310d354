//! Label matchers.
//!
//! Regular expressions have Go's RE2 syntax, are anchored at both ends, and
//! their dot matches a newline, as in Prometheus 3. Common shapes (plain
//! alternations, `.*`, `.+`, literal prefix) do not run the regex engine.

use std::fmt;
use std::sync::Arc;

use model::labels::Labels;
use regex::Regex;

use crate::re2::{self, Re2Error};
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

/// A compiled pattern.
#[derive(Debug)]
enum Pattern {
    /// `.*`
    Anything,
    /// `.+`
    Something,
    /// `a|b|c` without special characters.
    OneOf(Vec<String>),
    /// `abc.*`
    Prefix(String),
    Regex(Regex),
}

impl Matcher {
    /// A matcher.
    ///
    /// # Errors
    /// When `value` should be a regular expression and is not one.
    pub fn new(op: MatchOp, name: &str, value: &str) -> Result<Self, Re2Error> {
        let pattern = match op {
            MatchOp::Regex | MatchOp::NotRegex => Some(Arc::new(Pattern::compile(value)?)),
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

    /// The finite set of values that a regex matcher accepts (or, for `!~`,
    /// refuses), when it is a plain alternation; lets an index look them up.
    pub fn alternatives(&self) -> Option<&[String]> {
        match self.pattern.as_deref() {
            Some(Pattern::OneOf(values)) => Some(values),
            _ => None,
        }
    }

    /// The literal text that every value accepted by a regex starts with, when the pattern is `literal.*`.
    pub fn prefix(&self) -> Option<&str> {
        match self.pattern.as_deref() {
            Some(Pattern::Prefix(p)) => Some(p),
            _ => None,
        }
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

impl Pattern {
    fn compile(pattern: &str) -> Result<Self, Re2Error> {
        match pattern {
            ".*" => return Ok(Pattern::Anything),
            ".+" => return Ok(Pattern::Something),
            _ => {}
        }
        if is_literal(pattern, true) {
            return Ok(Pattern::OneOf(pattern.split('|').map(str::to_owned).collect()));
        }
        if let Some(prefix) = pattern.strip_suffix(".*")
            && is_literal(prefix, false)
        {
            return Ok(Pattern::Prefix(prefix.to_owned()));
        }
        re2::compile_anchored(pattern).map(Pattern::Regex)
    }

    fn matches(&self, value: &str) -> bool {
        match self {
            Pattern::Anything => true,
            Pattern::Something => !value.is_empty(),
            Pattern::OneOf(values) => values.iter().any(|v| v == value),
            Pattern::Prefix(prefix) => value.starts_with(prefix.as_str()),
            Pattern::Regex(regex) => regex.is_match(value),
        }
    }
}

fn is_literal(pattern: &str, bars: bool) -> bool {
    !pattern.bytes().any(|b| b"\\.+*?()[]{}^$".contains(&b) || (b == b'|' && !bars))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn regex(pattern: &str) -> Matcher {
        Matcher::new(MatchOp::Regex, "a", pattern).expect("valid pattern")
    }

    #[test]
    fn fast_paths_agree_with_the_engine() {
        for pattern in [".*", ".+", "a|b", "a", "", "|a", "ab.*", "a.c", "(a|b)c?"] {
            let slow = re2::compile_anchored(pattern).expect("valid pattern");
            for text in ["", "a", "b", "ab", "abc", "a\nc", "ac", "xab"] {
                assert_eq!(regex(pattern).matches(text), slow.is_match(text), "{pattern:?} {text:?}");
            }
        }
    }

    #[test]
    fn not_regex_and_alternatives() {
        let m = Matcher::new(MatchOp::NotRegex, "a", "x|y").expect("valid pattern");
        assert!(m.matches("") && !m.matches("x"));
        assert_eq!(m.alternatives().map(<[String]>::len), Some(2));
        assert!(Matcher::new(MatchOp::Regex, "a", "(").is_err());
    }
}
