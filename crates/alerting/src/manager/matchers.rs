//! Matchers of label sets as Alertmanager has them: `foo=bar`, `foo!="b\"c"`, `{a="b",c=~"d.*"}`.
//!
//! A missing label is an empty one. Texts are read in the UTF-8 syntax of Alertmanager 0.27 and later; what it does not
//! understand, or reads differently, in the classic one ("fallback mode").

mod classic;
mod utf8;

use std::fmt;

use model::Labels;
use regex::Regex;
use thiserror::Error;

/// How a value is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Op {
    /// `=`
    Equal,
    /// `!=`
    NotEqual,
    /// `=~`, anchored at both ends.
    Regexp,
    /// `!~`
    NotRegexp,
}

impl Op {
    /// As it is written.
    pub const fn symbol(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::Regexp => "=~",
            Self::NotRegexp => "!~",
        }
    }

    /// From the two flags of the API.
    pub const fn of_flags(is_regex: bool, is_equal: bool) -> Self {
        match (is_regex, is_equal) {
            (false, true) => Self::Equal,
            (false, false) => Self::NotEqual,
            (true, true) => Self::Regexp,
            (true, false) => Self::NotRegexp,
        }
    }

    /// `isRegex` of the API.
    pub const fn is_regex(self) -> bool {
        matches!(self, Self::Regexp | Self::NotRegexp)
    }

    /// `isEqual` of the API.
    pub const fn is_equal(self) -> bool {
        matches!(self, Self::Equal | Self::Regexp)
    }
}

/// A matcher that cannot be read or compiled.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct MatcherError(pub String);

/// One condition on one label.
#[derive(Debug, Clone)]
pub struct Matcher {
    /// The label.
    pub name: String,
    /// How it is compared.
    pub op: Op,
    /// With what.
    pub value: String,
    /// Of the regular forms.
    regex: Option<Regex>,
}

impl PartialEq for Matcher {
    fn eq(&self, other: &Self) -> bool {
        (&self.name, self.op, &self.value) == (&other.name, other.op, &other.value)
    }
}

impl Matcher {
    /// Compiles the expression of a regular form.
    ///
    /// # Errors
    /// An expression that is none.
    pub fn new(name: impl Into<String>, op: Op, value: impl Into<String>) -> Result<Self, MatcherError> {
        let value = value.into();
        let regex = if op.is_regex() {
            Some(re2::compile_anchored(&value).map_err(|e| MatcherError(e.to_string()))?)
        } else {
            None
        };
        Ok(Self { name: name.into(), op, value, regex })
    }

    /// `name="value"`, which cannot fail.
    pub fn equal(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self { name: name.into(), op: Op::Equal, value: value.into(), regex: None }
    }

    /// Whether the value of the label fits.
    pub fn matches_value(&self, value: &str) -> bool {
        let regular = || self.regex.as_ref().is_some_and(|r| r.is_match(value));
        match self.op {
            Op::Equal => self.value == value,
            Op::NotEqual => self.value != value,
            Op::Regexp => regular(),
            Op::NotRegexp => !regular(),
        }
    }

    /// Whether the label set fits.
    pub fn matches(&self, labels: &Labels) -> bool {
        self.matches_value(labels.get(&self.name))
    }
}

impl fmt::Display for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.name.chars().any(utf8::is_reserved) || self.name.is_empty() {
            write!(f, "{}", go_quote(&self.name))?;
        } else {
            f.write_str(&self.name)?;
        }
        write!(f, "{}\"", self.op.symbol())?;
        for c in self.value.chars() {
            match c {
                '\\' => f.write_str(r"\\")?,
                '"' => f.write_str("\\\"")?,
                '\n' => f.write_str("\\n")?,
                c => write!(f, "{c}")?,
            }
        }
        f.write_str("\"")
    }
}

/// Conditions that must all hold.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Matchers(pub Vec<Matcher>);

impl Matchers {
    /// Whether the label set fits all of them; an empty list fits everything.
    pub fn matches(&self, labels: &Labels) -> bool {
        self.0.iter().all(|m| m.matches(labels))
    }

    /// By name, value and kind, as Alertmanager sorts those of routes.
    pub fn sort(&mut self) {
        self.0.sort_by(|a, b| (&a.name, &a.value, a.op).cmp(&(&b.name, &b.value, b.op)));
    }
}

impl fmt::Display for Matchers {
    /// `{a="b",c=~"d"}`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("{")?;
        for (at, matcher) in self.0.iter().enumerate() {
            write!(f, "{}{matcher}", if at == 0 { "" } else { "," })?;
        }
        f.write_str("}")
    }
}

/// What was read, and what is worth saying about it.
#[derive(Debug, Clone, PartialEq)]
pub struct Parsed {
    /// The conditions.
    pub matchers: Matchers,
    /// That the classic syntax was needed.
    pub warning: Option<String>,
}

/// Reads `{a="b",c=~"d"}` or `a="b"`.
///
/// # Errors
/// What neither syntax understands, in the words of the classic one; an expression that is none.
pub fn parse(text: &str) -> Result<Parsed, MatcherError> {
    match (utf8::parse(text), classic::parse(text)) {
        (Ok(matchers), Ok(classic)) if matchers != classic => {
            let warning =
                format!("`{text}` means something else in Alertmanager's UTF-8 syntax; it is read as {classic}");
            Ok(Parsed { matchers: classic, warning: Some(warning) })
        }
        (Ok(matchers), _) => Ok(Parsed { matchers, warning: None }),
        (Err(e), Ok(classic)) => {
            let warning = format!("`{text}` is read in the classic syntax ({e}); write it as {classic}");
            Ok(Parsed { matchers: classic, warning: Some(warning) })
        }
        (Err(_), Err(classic)) => Err(classic),
    }
}

/// Reads one condition.
///
/// # Errors
/// As [`parse`]; more than one condition, or none.
pub fn parse_one(text: &str) -> Result<Matcher, MatcherError> {
    let mut parsed = parse(text)?;
    match (parsed.matchers.0.pop(), parsed.matchers.0.is_empty()) {
        (Some(matcher), true) => Ok(matcher),
        _ => Err(MatcherError(format!("bad matcher format: {text}"))),
    }
}

/// A text in double quotes, as Go's `%q` writes it.
pub fn go_quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{7}' => out.push_str("\\a"),
            '\u{8}' => out.push_str("\\b"),
            '\u{b}' => out.push_str("\\v"),
            '\u{c}' => out.push_str("\\f"),
            c if c < ' ' || c == '\u{7f}' => out.push_str(&format!("\\x{:02x}", u32::from(c))),
            c if c.is_control() || (c.is_whitespace() && c != ' ') => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// A label set as Go's `model.LabelSet` prints it: `{alertname="Down", job="api"}`.
pub fn label_set(labels: &Labels) -> String {
    let pairs: Vec<String> = labels
        .iter()
        .map(|(name, value)| {
            let legacy = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
                && !name.starts_with(|c: char| c.is_ascii_digit());
            let name = if legacy { name.to_owned() } else { go_quote(name) };
            format!("{name}={}", go_quote(value))
        })
        .collect();
    format!("{{{}}}", pairs.join(", "))
}

#[cfg(test)]
mod tests;
