//! The syntax before Alertmanager 0.27, which is what its `amtool` 0.25 sends. From its `pkg/labels/parse.go`.

use super::{Matcher, MatcherError, Matchers, Op};

pub(super) fn parse(text: &str) -> Result<Matchers, MatcherError> {
    let inner = text.strip_prefix('{').and_then(|t| t.strip_suffix('}')).unwrap_or(text);
    let matchers = split(inner).into_iter().filter(|piece| !piece.is_empty()).map(one).collect::<Result<_, _>>()?;
    Ok(Matchers(matchers))
}

/// At commas outside of quotes.
fn split(text: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let (mut begin, mut quoted, mut escaped) = (0, false, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => quoted = !quoted,
            ',' if !quoted => {
                pieces.push(text.get(begin..at).unwrap_or_default());
                begin = at + 1;
            }
            _ => {}
        }
    }
    pieces.push(text.get(begin..).unwrap_or_default());
    pieces
}

fn one(piece: &str) -> Result<Matcher, MatcherError> {
    let bad = || MatcherError(format!("bad matcher format: {piece}"));
    let text = piece.trim();
    let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == ':')).unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
        return Err(bad());
    }
    let rest = rest.trim_start();
    let ops = [("=~", Op::Regexp), ("!~", Op::NotRegexp), ("!=", Op::NotEqual), ("=", Op::Equal)];
    let found = ops.into_iter().find_map(|(symbol, op)| rest.strip_prefix(symbol).map(|value| (op, value)));
    let (op, value) = found.ok_or_else(bad)?;
    Matcher::new(name, op, unescape(value.trim())?)
}

fn unescape(raw: &str) -> Result<String, MatcherError> {
    let opened = raw.strip_prefix('"');
    let body = opened.unwrap_or(raw);
    let (mut out, mut closed, mut chars) = (String::new(), false, body.chars().peekable());
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some('n') => out.push('\n'),
                Some(c @ ('"' | '\\')) => out.push(c),
                // Any other escape stands for itself.
                Some(c) => out.extend(['\\', c]),
                None => out.push('\\'),
            },
            '"' if chars.peek().is_none() && opened.is_some() => closed = true,
            '"' => return Err(MatcherError(format!("matcher value contains unescaped double quote: {raw}"))),
            c => out.push(c),
        }
    }
    if opened.is_some() && !closed {
        return Err(MatcherError(format!("matcher value contains unescaped double quote: {raw}")));
    }
    Ok(out)
}
