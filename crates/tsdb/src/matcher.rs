//! Label matchers, as in a PromQL selector.
//!
//! Regular expressions are those of the crate `re2`: they match the whole
//! value and `.` matches newlines, as in Prometheus.

use std::collections::BTreeSet;

use re2::Pattern;

use crate::TsdbError;

/// How a value is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MatchOp {
    /// `=`
    Eq,
    /// `!=`
    Ne,
    /// `=~`
    Re,
    /// `!~`
    Nre,
}

/// One condition on a label. An absent label has the empty value.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Matcher {
    /// The label.
    pub name: String,
    /// How it is compared.
    pub op: MatchOp,
    /// A value, or a regular expression for [`MatchOp::Re`] and [`MatchOp::Nre`].
    pub value: String,
}

impl Matcher {
    /// A condition on the label `name`.
    pub fn new(name: impl Into<String>, op: MatchOp, value: impl Into<String>) -> Self {
        Self { name: name.into(), op, value: value.into() }
    }
}

/// A matcher that is ready to be asked.
#[derive(Debug, Clone)]
pub(crate) struct Compiled {
    pub(crate) name: String,
    /// The label that counts in series without one called `name`.
    pub(crate) or_name: Option<String>,
    /// The answer is turned around.
    pub(crate) negated: bool,
    pub(crate) test: Test,
}

/// What a value must be.
#[derive(Debug, Clone)]
pub(crate) enum Test {
    /// One of these: looked up in the index, not scanned for.
    OneOf(BTreeSet<String>),
    /// One that the expression matches.
    Pattern(Pattern),
}

impl Compiled {
    pub(crate) fn new(m: &Matcher) -> Result<Self, TsdbError> {
        let negated = matches!(m.op, MatchOp::Ne | MatchOp::Nre);
        let test = match m.op {
            MatchOp::Eq | MatchOp::Ne => Test::OneOf(BTreeSet::from([m.value.clone()])),
            MatchOp::Re | MatchOp::Nre => compile_regex(m)?,
        };
        Ok(Self { name: m.name.clone(), or_name: None, negated, test })
    }

    /// Whether the label may be absent (or empty, which is the same).
    pub(crate) fn matches_empty(&self) -> bool {
        self.matches("")
    }

    pub(crate) fn matches(&self, value: &str) -> bool {
        self.test.holds(value) != self.negated
    }
}

impl Test {
    pub(crate) fn holds(&self, value: &str) -> bool {
        match self {
            Self::OneOf(values) => values.contains(value),
            Self::Pattern(p) => p.matches(value),
        }
    }
}

fn compile_regex(m: &Matcher) -> Result<Test, TsdbError> {
    let pattern = Pattern::new(&m.value).map_err(|e| TsdbError::BadRegex {
        label: m.name.clone(),
        op: if m.op == MatchOp::Re { "=~" } else { "!~" },
        pattern: m.value.clone(),
        reason: e.message,
    })?;
    Ok(match pattern.alternatives() {
        Some(values) => Test::OneOf(values.clone()),
        None => Test::Pattern(pattern),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(op: MatchOp, pattern: &str, value: &str) -> bool {
        Compiled::new(&Matcher::new("l", op, pattern)).unwrap().matches(value)
    }

    #[test]
    fn expressions_match_the_whole_value() {
        assert!(matches(MatchOp::Re, "5..", "503"));
        assert!(!matches(MatchOp::Re, "5..", "1503"));
        assert!(!matches(MatchOp::Re, "a|b", "ab"));
        assert!(matches(MatchOp::Re, "a.c", "a\nc"));
        assert!(matches(MatchOp::Nre, "5..", "200"));
        assert!(matches(MatchOp::Re, "(GET|POST)", "POST"));
        assert!(matches(MatchOp::Re, "a||b", ""));
        assert!(matches(MatchOp::Re, "x*|ab", "ab"));
        assert!(!matches(MatchOp::Re, "x*|ab", "ac"));
    }

    #[test]
    fn alternations_of_literals_are_sets() {
        for (pattern, is_set) in [("a|b", true), ("(?:a|b)", true), ("a", true), ("a.|b", false), ("(a)|(b)", true)] {
            let c = Compiled::new(&Matcher::new("l", MatchOp::Re, pattern)).unwrap();
            assert_eq!(matches!(c.test, Test::OneOf(_)), is_set, "{pattern}");
        }
    }

    #[test]
    fn a_bad_expression_says_where_it_stands() {
        let e = Compiled::new(&Matcher::new("path", MatchOp::Re, "a(")).unwrap_err();
        assert!(e.to_string().starts_with("matcher path=~\"a(\": "), "{e}");
        assert_eq!(e.kind(), foundation::ErrorKind::InvalidInput);
    }
}
