//! A compiled expression, and what is known of the texts that it matches.
//!
//! Most expressions of dashboards are a list of values or begin with a
//! literal. The first kind needs no regex engine and is looked up in an index,
//! the second lets a sorted list of values be narrowed before it is scanned.

use std::collections::BTreeSet;

use regex::Regex;
use regex_syntax::hir::literal::Extractor;

use crate::translate::{Re2Error, compile_anchored};

/// An expression that matches a whole text; the dot matches newlines.
#[derive(Debug, Clone)]
pub struct Pattern {
    test: Test,
    /// Every text that matches begins with one of these; empty when nothing is known. Sorted; none begins with another.
    prefixes: Vec<Vec<u8>>,
}

#[derive(Debug, Clone)]
enum Test {
    /// `.*`
    Anything,
    /// `.+`
    Something,
    /// `a|b|c`, `ab?c`, ...
    OneOf(BTreeSet<String>),
    Regex(Regex),
}

impl Pattern {
    /// Compiles an expression.
    ///
    /// # Errors
    /// As [`compile_anchored`].
    pub fn new(pattern: &str) -> Result<Self, Re2Error> {
        let plain = |test| Ok(Self { test, prefixes: Vec::new() });
        match pattern {
            ".*" => return plain(Test::Anything),
            ".+" => return plain(Test::Something),
            _ => {}
        }
        if let Some(values) = plain_alternation(pattern) {
            return plain(Test::OneOf(values));
        }
        let regex = compile_anchored(pattern)?;
        let known = literals(regex.as_str());
        match known {
            Literals::All(values) => plain(Test::OneOf(values)),
            Literals::Prefixes(prefixes) => Ok(Self { test: Test::Regex(regex), prefixes }),
        }
    }

    /// Whether the whole text matches.
    pub fn matches(&self, text: &str) -> bool {
        match &self.test {
            Test::Anything => true,
            Test::Something => !text.is_empty(),
            Test::OneOf(values) => values.contains(text),
            Test::Regex(regex) => regex.is_match(text),
        }
    }

    /// All texts that match, when they are few and known.
    pub fn alternatives(&self) -> Option<&BTreeSet<String>> {
        match &self.test {
            Test::OneOf(values) => Some(values),
            _ => None,
        }
    }

    /// Bytes that every matching text begins with one of; empty when nothing is known. Sorted, none begins with another,
    /// so that in a sorted list the candidates are as many runs, one after another.
    pub fn prefixes(&self) -> &[Vec<u8>] {
        &self.prefixes
    }
}

/// The values of `a|b|c`, bare or in one pair of parentheses, however many.
fn plain_alternation(pattern: &str) -> Option<BTreeSet<String>> {
    let inner = pattern.strip_prefix('(').and_then(|p| p.strip_suffix(')')).unwrap_or(pattern);
    let inner = if inner.len() < pattern.len() { inner.strip_prefix("?:").unwrap_or(inner) } else { inner };
    let special = |c: char| "\\.+*?()[]{}^$".contains(c);
    (!inner.contains(special)).then(|| inner.split('|').map(str::to_owned).collect())
}

enum Literals {
    /// The expression matches exactly these.
    All(BTreeSet<String>),
    Prefixes(Vec<Vec<u8>>),
}

/// What an expression (anchored, in the syntax of the `regex` crate) says about the texts it matches.
fn literals(anchored: &str) -> Literals {
    let unknown = Literals::Prefixes(Vec::new());
    let body = anchored.strip_prefix('^').and_then(|p| p.strip_suffix('$')).unwrap_or(anchored);
    let Ok(hir) = regex_syntax::parse(body) else { return unknown };
    let found = Extractor::new().extract(&hir);
    // A look-around (`\b`, `^`) is the empty text to the extractor.
    let complete = found.is_exact() && hir.properties().look_set().is_empty();
    let Some(found) = found.literals() else { return unknown };
    if complete {
        let texts = found.iter().map(|l| String::from_utf8(l.as_bytes().to_vec()));
        if let Ok(values) = texts.collect::<Result<_, _>>() {
            return Literals::All(values);
        }
    }
    let mut prefixes: Vec<Vec<u8>> = found.iter().map(|l| l.as_bytes().to_vec()).collect();
    prefixes.sort_unstable();
    prefixes.dedup_by(|b, a| b.starts_with(a));
    if prefixes.iter().any(Vec::is_empty) { unknown } else { Literals::Prefixes(prefixes) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> Pattern {
        Pattern::new(text).expect("valid pattern")
    }

    #[test]
    fn shortcuts_agree_with_the_engine() {
        let patterns = [
            ".*",
            ".+",
            "a|b",
            "a",
            "",
            "|a",
            "ab.*",
            "a.c",
            "(a|b)c?",
            "(?i)ab",
            "a{2}b",
            "x(ab|cd).*",
            "a\\b",
            "^ab$",
            "(?:a|)b",
            "[ab]c",
            "a$|b",
            "\\Qa.c\\E",
            "(?m)^a$",
            "é+",
            "(a|ab)(c|bcd)",
        ];
        let texts = [
            "", "a", "b", "ab", "abc", "a\nc", "ac", "xab", "AB", "aB", "aab", "xcd!", "bc", "a.c", "é", "éé", "abcd",
            "aa", "a\n",
        ];
        for text in patterns {
            let slow = compile_anchored(text).expect("valid pattern");
            let fast = pattern(text);
            for value in texts {
                let matches = slow.is_match(value);
                assert_eq!(fast.matches(value), matches, "{text:?} {value:?}");
                let begins =
                    fast.prefixes().is_empty() || fast.prefixes().iter().any(|p| value.as_bytes().starts_with(p));
                assert!(!matches || begins, "{text:?} {value:?} {:?}", fast.prefixes());
            }
        }
    }

    #[test]
    fn what_an_index_can_use_is_found() {
        let all = |p: &str| pattern(p).alternatives().map(|v| v.iter().cloned().collect::<Vec<_>>().join(" "));
        assert_eq!(all("(a|b)c?").as_deref(), Some("a ac b bc"));
        assert_eq!(all("node_(load|cpu)").as_deref(), Some("node_cpu node_load"));
        assert_eq!(all("5.."), None);
        let hosts = (0..5000).map(|i| format!("host-{i}")).collect::<Vec<_>>().join("|");
        assert_eq!(pattern(&hosts).alternatives().map(BTreeSet::len), Some(5000));
        let prefixes = |p: &str| {
            let of = pattern(p);
            of.prefixes().iter().map(|p| String::from_utf8_lossy(p).into_owned()).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(prefixes("node_.+"), "node_");
        assert_eq!(prefixes("(prod|staging)-.*"), "prod- staging-");
        assert_eq!(prefixes("(a|ab).*"), "a");
        assert_eq!(prefixes(".*_total"), "");
        assert_eq!(prefixes("a*b.*"), "a b");
    }

    #[test]
    fn mistakes_are_reported() {
        assert!(Pattern::new("a)|(b").is_err());
        assert!(Pattern::new("(").is_err());
    }
}
