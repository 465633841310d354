//! Writes a filter so that reading it gives the same tree again.
//!
//! The one spelling that is written: juxtaposition for AND, `-` for NOT,
//! parentheses only where precedence asks for them, quotes only where a name
//! cannot stand bare.

use std::fmt::{self, Display, Formatter, Write};

use super::ast::{Expr, Form, Key, KeyScope, Node, Op, Piece, Query, Value};
use super::number;

impl Display for Query {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.expr.as_ref().map_or(Ok(()), |e| e.fmt(f))
    }
}

impl Display for Expr {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match &self.node {
            Node::And(all) => {
                for (i, e) in all.iter().enumerate() {
                    f.write_str(if i == 0 { "" } else { " " })?;
                    operand(f, e, matches!(e.node, Node::And(_) | Node::Or(_)))?;
                }
                Ok(())
            }
            Node::Or(any) => {
                for (i, e) in any.iter().enumerate() {
                    f.write_str(if i == 0 { "" } else { " OR " })?;
                    operand(f, e, matches!(e.node, Node::Or(_)))?;
                }
                Ok(())
            }
            Node::Not(inner) => {
                f.write_char('-')?;
                operand(f, inner, matches!(inner.node, Node::And(_) | Node::Or(_)))
            }
            Node::Has(key) => write!(f, "has({key})"),
            Node::Spans { root, inner } => {
                f.write_str(if *root { "root{" } else { "{" })?;
                inner.iter().try_for_each(|e| e.fmt(f))?;
                f.write_char('}')
            }
            Node::Field { key, op, value } => {
                write!(f, "{key}{}", op.text())?;
                field_value(f, *op, value, false)
            }
            Node::Text(value) => match &value.form {
                Form::Word(text) => text_word(f, text),
                other => form(f, other),
            },
        }
    }
}

fn operand(f: &mut Formatter<'_>, e: &Expr, parentheses: bool) -> fmt::Result {
    if parentheses { write!(f, "({e})") } else { e.fmt(f) }
}

impl Display for Key {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.scope {
            KeyScope::Auto => f.write_str(&bare_key(&self.name)),
            KeyScope::Attribute => f.write_str(&quote(&self.name)),
            KeyScope::Resource => write!(f, "resource.{}", bare_or_quoted(&self.name)),
            KeyScope::Record => write!(f, "attr.{}", bare_or_quoted(&self.name)),
        }
    }
}

/// The key as a filter writes it: bare when it can be, otherwise quoted.
pub(super) fn bare_or_quoted(name: &str) -> String {
    let bare = bare_key(name);
    if bare == name { bare } else { quote(name) }
}

fn bare_key(name: &str) -> String {
    let mut out = escape(name, |c| ":=<>~!*{}".contains(c));
    // A first `-` would negate, a first `/` begin a regex.
    if name.starts_with(['-', '/']) {
        out.insert(0, '\\');
    }
    out
}

fn text_word(f: &mut Formatter<'_>, text: &str) -> fmt::Result {
    if text.starts_with(['-', '/', '!', '&']) {
        f.write_char('\\')?;
    }
    f.write_str(&escape(text, |c| ":=<>~*{}".contains(c)))
}

fn field_value(f: &mut Formatter<'_>, op: Op, value: &Value, in_list: bool) -> fmt::Result {
    match &value.form {
        Form::Regex(pattern) => f.write_str(&quote(pattern)),
        Form::List(items) => {
            f.write_char('(')?;
            for (i, item) in items.iter().enumerate() {
                f.write_str(if i == 0 { "" } else { ", " })?;
                field_value(f, op, item, true)?;
            }
            f.write_char(')')
        }
        Form::Word(text) => {
            let braces = !balanced(text);
            let mut out = escape(text, |c| {
                (c == '*' && op == Op::Match) || (c == ',' && in_list) || (braces && "{}".contains(c))
            });
            // `<` and `=5` would be read as `<=` and `5`.
            if op != Op::Match && out.starts_with(['=', '~']) {
                out.insert(0, '\\');
            }
            // Text that only looks like a range keeps its dots apart.
            if let Some(dots) = out.find("..") {
                out.insert(dots, '\\');
            }
            f.write_str(&out)
        }
        other => form(f, other),
    }
}

fn form(f: &mut Formatter<'_>, form: &Form) -> fmt::Result {
    match form {
        Form::Word(text) => f.write_str(&escape(text, |c| c == '*')),
        Form::Quoted(text) => f.write_str(&quote(text)),
        Form::Pattern(pieces) => pieces.iter().enumerate().try_for_each(|(i, piece)| match piece {
            Piece::Star => f.write_char('*'),
            Piece::Text(text) => {
                if i == 0 && text.starts_with(['-', '/', '!', '&']) {
                    f.write_char('\\')?;
                }
                f.write_str(&escape(text, |c| ":=<>~*,{}".contains(c)))
            }
        }),
        Form::Regex(pattern) => {
            f.write_char('/')?;
            let mut chars = pattern.chars();
            while let Some(c) = chars.next() {
                match c {
                    '\\' => {
                        f.write_char(c)?;
                        chars.next().map_or(Ok(()), |c| f.write_char(c))?;
                    }
                    '/' => f.write_str("\\/")?,
                    _ => f.write_char(c)?,
                }
            }
            f.write_char('/')
        }
        Form::Range { low, high } => {
            write!(f, "{}..{}", low.as_deref().unwrap_or(""), high.as_deref().unwrap_or(""))
        }
        Form::List(_) => Ok(()),
    }
}

/// Whether a name can stand bare in a stage of a pipe.
pub(super) fn word(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with('-')
        && bare_key(name) == name
        && !name.contains(',')
        && !["and", "asc", "desc"].contains(&name.to_ascii_lowercase().as_str())
}

/// Whether every `}` has its `{` before it: then it does not end a set of spans.
fn balanced(text: &str) -> bool {
    let depth = text.chars().try_fold(0_usize, |depth, c| match c {
        '{' => Some(depth + 1),
        '}' => depth.checked_sub(1),
        _ => Some(depth),
    });
    depth == Some(0)
}

/// Puts a backslash before what would end or change a bare word.
fn escape(text: &str, also: impl Fn(char) -> bool) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_whitespace() || "\\()\"|".contains(c) || also(c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// The text in quotes.
pub(super) fn quote(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            _ => out.push(c),
        }
    }
    out.push('"');
    out
}

/// The name of an attribute as a query writes it, so that it is not taken for anything else.
///
/// For code that makes queries, such as completion.
pub fn print_key(name: &str) -> String {
    if word(name) { name.to_owned() } else { quote(name) }
}

/// A value as a filter writes it: bare when it can be, otherwise quoted.
///
/// For code that makes filters, such as a list of facets.
pub fn print_value(text: &str) -> String {
    let plain = !text.is_empty()
        && text.chars().all(|c| c.is_alphanumeric() || "_-./:@".contains(c))
        && !text.contains("..")
        && (number::parse(text).is_none() || text.chars().all(|c| c.is_ascii_digit()));
    if plain { text.to_owned() } else { quote(text) }
}
