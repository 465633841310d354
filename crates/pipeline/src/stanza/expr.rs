//! Conditions on an entry: `attributes.level == "error" and not (body contains "retry")`.
//!
//! The part of expr-lang that conditions of operators use: comparisons, `contains`, `matches`, `startsWith`, `endsWith`,
//! `in`, `and`/`&&`, `or`/`||`, `not`/`!`, fields, texts, numbers, lists, `true`, `false`, `nil`, `len()`, `type()`.

use regex::Regex;
use wire::otlp::tree::Value;

use super::Entry;
use super::field::Field;

/// How deep conditions may nest.
const DEPTH_MAX: usize = 32;

/// A condition.
#[derive(Debug, Clone)]
pub(crate) struct Condition(Node);

#[derive(Debug, Clone)]
enum Node {
    Value(Value),
    List(Vec<Node>),
    Field(Field),
    Not(Box<Node>),
    And(Box<Node>, Box<Node>),
    Or(Box<Node>, Box<Node>),
    Compare(Box<Node>, Comparison, Box<Node>),
    Matches(Box<Node>, Regex),
    Len(Box<Node>),
    Type(Box<Node>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Contains,
    StartsWith,
    EndsWith,
    In,
}

impl Condition {
    /// Whether it holds. What cannot be compared is not equal and in no order.
    pub(crate) fn holds(&self, entry: &Entry) -> bool {
        self.0.truth(entry)
    }
}

impl Node {
    fn truth(&self, entry: &Entry) -> bool {
        match self {
            Self::Not(inner) => !inner.truth(entry),
            Self::And(a, b) => a.truth(entry) && b.truth(entry),
            Self::Or(a, b) => a.truth(entry) || b.truth(entry),
            Self::Compare(a, Comparison::In, b) => match &**b {
                Self::List(items) => items.iter().any(|i| a.value(entry) == i.value(entry)),
                other => match (a.value(entry), other.value(entry)) {
                    (Value::Str(key), Value::Map(map)) => map.contains(&key),
                    (value, Value::Array(items)) => items.contains(&value),
                    _ => false,
                },
            },
            Self::Compare(a, comparison, b) => compare(&a.value(entry), *comparison, &b.value(entry)),
            Self::Matches(inner, regex) => inner.value(entry).as_str().is_some_and(|text| regex.is_match(text)),
            other => other.value(entry) == Value::Bool(true),
        }
    }

    fn value(&self, entry: &Entry) -> Value {
        match self {
            Self::Value(value) => value.clone(),
            Self::Field(field) => match field.get(entry) {
                Some(value) => value.clone(),
                None => field.map(entry).map_or(Value::Empty, |map| Value::Map(map.clone())),
            },
            Self::List(items) => Value::Array(items.iter().map(|i| i.value(entry)).collect()),
            Self::Len(inner) => Value::Int(match inner.value(entry) {
                Value::Str(text) => text.chars().count() as i64,
                Value::Array(items) => items.len() as i64,
                Value::Map(map) => map.len() as i64,
                _ => 0,
            }),
            Self::Type(inner) => Value::from(match inner.value(entry) {
                Value::Empty => "nil",
                Value::Str(_) => "string",
                Value::Bool(_) => "bool",
                Value::Int(_) => "int",
                Value::Double(_) => "float",
                Value::Map(_) => "map",
                _ => "array",
            }),
            condition => Value::Bool(condition.truth(entry)),
        }
    }
}

fn compare(a: &Value, comparison: Comparison, b: &Value) -> bool {
    use std::cmp::Ordering;
    let number = |v: &Value| match v {
        Value::Int(n) => Some(*n as f64),
        Value::Double(n) => Some(*n),
        _ => None,
    };
    let order = match (a, b) {
        (Value::Int(a), Value::Int(b)) => Some(a.cmp(b)),
        (Value::Str(a), Value::Str(b)) => Some(a.cmp(b)),
        _ => number(a).zip(number(b)).and_then(|(a, b)| a.partial_cmp(&b)),
    };
    let texts = a.as_str().zip(b.as_str());
    match comparison {
        Comparison::Equal => order.map_or_else(|| a == b, |o| o == Ordering::Equal),
        Comparison::NotEqual => order.map_or_else(|| a != b, |o| o != Ordering::Equal),
        Comparison::Less => order == Some(Ordering::Less),
        Comparison::LessOrEqual => order.is_some_and(|o| o != Ordering::Greater),
        Comparison::Greater => order == Some(Ordering::Greater),
        Comparison::GreaterOrEqual => order.is_some_and(|o| o != Ordering::Less),
        Comparison::Contains => texts.is_some_and(|(a, b)| a.contains(b)),
        Comparison::StartsWith => texts.is_some_and(|(a, b)| a.starts_with(b)),
        Comparison::EndsWith => texts.is_some_and(|(a, b)| a.ends_with(b)),
        // Lists are looked at before they become values.
        Comparison::In => false,
    }
}

impl std::str::FromStr for Condition {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut parser = Parser { text, at: 0, depth: 0 };
        let node = parser.or()?;
        match parser.token() {
            "" => Ok(Self(node)),
            left => Err(parser.wrong(&format!("`{left}` does not belong here"))),
        }
    }
}

impl<'de> serde::Deserialize<'de> for Condition {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        String::deserialize(d)?.parse().map_err(serde::de::Error::custom)
    }
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
}

impl<'a> Parser<'a> {
    fn wrong(&self, what: &str) -> String {
        format!("{what} at character {} of `{}`", self.text[..self.at].chars().count() + 1, self.text)
    }

    /// The next token, which stays.
    fn token(&mut self) -> &'a str {
        let rest = &self.text[self.at..];
        let spaces = rest.len() - rest.trim_start().len();
        self.at += spaces;
        let rest = &self.text[self.at..];
        let two = ["==", "!=", "<=", ">=", "&&", "||"];
        if let Some(operator) = two.iter().find(|o| rest.starts_with(**o)) {
            return &rest[..operator.len()];
        }
        let Some(first) = rest.chars().next() else { return "" };
        let length = match first {
            '"' | '\'' | '`' => quoted_length(rest, first),
            'a'..='z' | 'A'..='Z' | '_' | '$' => field_length(rest),
            '0'..='9' | '-' => {
                let more = |c: char| !(c.is_ascii_digit() || matches!(c, '.' | 'e' | 'E' | '-' | '+'));
                rest[1..].find(more).map_or(rest.len(), |n| n + 1)
            }
            other => other.len_utf8(),
        };
        &rest[..length]
    }

    fn take(&mut self) -> &'a str {
        let token = self.token();
        self.at += token.len();
        token
    }

    fn accept(&mut self, tokens: &[&str]) -> bool {
        let found = tokens.contains(&self.token());
        if found {
            self.take();
        }
        found
    }

    fn or(&mut self) -> Result<Node, String> {
        let mut left = self.and()?;
        while self.accept(&["or", "||"]) {
            left = Node::Or(Box::new(left), Box::new(self.and()?));
        }
        Ok(left)
    }

    fn and(&mut self) -> Result<Node, String> {
        let mut left = self.not()?;
        while self.accept(&["and", "&&"]) {
            left = Node::And(Box::new(left), Box::new(self.not()?));
        }
        Ok(left)
    }

    fn not(&mut self) -> Result<Node, String> {
        if self.accept(&["not", "!"]) {
            self.deeper()?;
            let inner = self.not()?;
            self.depth -= 1;
            return Ok(Node::Not(Box::new(inner)));
        }
        self.comparison()
    }

    fn deeper(&mut self) -> Result<(), String> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(self.wrong(&format!("conditions nest deeper than {DEPTH_MAX}")));
        }
        Ok(())
    }

    fn comparison(&mut self) -> Result<Node, String> {
        let left = self.primary()?;
        let negated = self.accept(&["not"]);
        let comparison = match self.token() {
            "==" => Comparison::Equal,
            "!=" => Comparison::NotEqual,
            "<" => Comparison::Less,
            "<=" => Comparison::LessOrEqual,
            ">" => Comparison::Greater,
            ">=" => Comparison::GreaterOrEqual,
            "contains" => Comparison::Contains,
            "startsWith" => Comparison::StartsWith,
            "endsWith" => Comparison::EndsWith,
            "in" => Comparison::In,
            "matches" => {
                self.take();
                let pattern = match self.primary()? {
                    Node::Value(Value::Str(pattern)) => pattern,
                    _ => return Err(self.wrong("`matches` wants a regular expression in quotes")),
                };
                let regex = Regex::new(&pattern).map_err(|e| self.wrong(&e.to_string()))?;
                let node = Node::Matches(Box::new(left), regex);
                return Ok(if negated { Node::Not(Box::new(node)) } else { node });
            }
            _ => return Ok(left),
        };
        self.take();
        let node = Node::Compare(Box::new(left), comparison, Box::new(self.primary()?));
        Ok(if negated { Node::Not(Box::new(node)) } else { node })
    }

    fn primary(&mut self) -> Result<Node, String> {
        let token = self.take();
        let first = token.chars().next().ok_or_else(|| self.wrong("the condition ends too early"))?;
        match first {
            '(' => {
                self.deeper()?;
                let inner = self.or()?;
                self.depth -= 1;
                if self.accept(&[")"]) { Ok(inner) } else { Err(self.wrong("`)` is missing")) }
            }
            '[' => {
                let mut items = Vec::new();
                while !self.accept(&["]"]) {
                    self.deeper()?;
                    items.push(self.primary()?);
                    self.depth -= 1;
                    if !self.accept(&[","]) && self.token() != "]" {
                        return Err(self.wrong("`]` is missing"));
                    }
                }
                Ok(Node::List(items))
            }
            '"' | '\'' | '`' => match unquoted(token, first) {
                Some(text) => Ok(Node::Value(Value::from(text))),
                None => Err(self.wrong("the text in quotes does not end")),
            },
            '0'..='9' | '-' => match (token.parse::<i64>(), token.parse::<f64>()) {
                (Ok(n), _) => Ok(Node::Value(Value::Int(n))),
                (_, Ok(n)) => Ok(Node::Value(Value::Double(n))),
                _ => Err(self.wrong(&format!("`{token}` is not a number"))),
            },
            _ => self.word(token),
        }
    }

    fn word(&mut self, token: &str) -> Result<Node, String> {
        match token {
            "true" => Ok(Node::Value(Value::Bool(true))),
            "false" => Ok(Node::Value(Value::Bool(false))),
            "nil" => Ok(Node::Value(Value::Empty)),
            "len" | "type" if self.accept(&["("]) => {
                self.deeper()?;
                let inner = Box::new(self.or()?);
                self.depth -= 1;
                if !self.accept(&[")"]) {
                    return Err(self.wrong("`)` is missing"));
                }
                Ok(if token == "len" { Node::Len(inner) } else { Node::Type(inner) })
            }
            _ => token.parse().map(Node::Field).map_err(|e: String| self.wrong(&e)),
        }
    }
}

fn quoted_length(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' if quote != '`' => escaped = true,
            c if c == quote => return at + 1,
            _ => {}
        }
    }
    text.len()
}

fn unquoted(token: &str, quote: char) -> Option<String> {
    let inner = token.strip_prefix(quote)?.strip_suffix(quote)?;
    if quote == '`' {
        return Some(inner.to_owned());
    }
    let (mut out, mut chars) = (String::new(), inner.chars());
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next()? {
                'n' => out.push('\n'),
                't' => out.push('\t'),
                'r' => out.push('\r'),
                c @ ('\\' | '"' | '\'') => out.push(c),
                // `"\d+"` is not valid in expr-lang, but what is meant is clear.
                other => out.extend(['\\', other]),
            },
            c => out.push(c),
        }
    }
    Some(out)
}

/// A word, with what belongs to it when it is a field: `attributes["a b"].c`.
fn field_length(text: &str) -> usize {
    let mut at = 0;
    loop {
        let rest = &text[at..];
        let word = rest.find(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '.' | '$'))).unwrap_or(rest.len());
        at += word;
        let rest = &text[at..];
        let Some(quote) = rest.strip_prefix('[').and_then(|r| r.chars().next()).filter(|c| matches!(c, '"' | '\''))
        else {
            return at;
        };
        match rest[2..].find(&format!("{quote}]")) {
            Some(n) => at += 2 + n + 2,
            None => return at,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry() -> Entry {
        let mut entry = Entry::default();
        entry.record.body = "GET /retry 503".into();
        entry.record.attributes = [("level", Value::from("error")), ("n", Value::Int(5))].into_iter().collect();
        entry.record.attributes.push("log.file.name", "a.log");
        entry
    }

    #[test]
    fn conditions() {
        for (text, want) in [
            ("body contains 'retry'", true),
            ("attributes.level == \"error\" and attributes.n >= 5", true),
            ("attributes.level == 'info' || attributes[\"log.file.name\"] endsWith \".log\"", true),
            ("not (body startsWith 'GET')", false),
            ("body matches \"^GET .* \\d{3}$\" && !(attributes.n < 5)", true),
            ("attributes.missing == nil", true),
            ("attributes.missing != nil and true", false),
            ("attributes.level in ['warn', 'error']", true),
            ("attributes.level not in ['warn', 'error']", false),
            ("len(body) > 3 and type(body) == 'string'", true),
            ("'level' in attributes", true),
            ("attributes.n == 5.0", true),
        ] {
            assert_eq!(text.parse::<Condition>().unwrap().holds(&entry()), want, "{text}");
        }
    }

    #[test]
    fn mistakes_are_told_with_their_place() {
        for (text, want) in [
            ("body == ", "the condition ends too early at character 9 of `body == `"),
            ("bdoy == 'x'", "`bdoy` is not a field"),
            ("(body == 'x'", "`)` is missing"),
            ("body matches '('", "regex parse error"),
            ("body == 'x' body", "`body` does not belong here"),
            ("body == 'x", "does not end"),
        ] {
            let e = text.parse::<Condition>().unwrap_err();
            assert!(e.contains(want), "{text}: {e}");
        }
        assert!(format!("{}true", "not ".repeat(100)).parse::<Condition>().is_err());
    }
}
