//! The tokens that both text formats are made of.

use std::borrow::Cow;

use super::LabelRef;
use crate::prometheus::limits::Limits;

/// What is wrong in a line.
pub(super) type Wrong = String;

/// Reads one line from left to right.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cursor<'a> {
    rest: &'a [u8],
}

/// How a line may be spaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Spacing {
    /// Blanks and tabs between any two tokens, as the text format allows.
    Free,
    /// Single blanks where the grammar has them, as OpenMetrics demands.
    Single,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(line: &'a [u8]) -> Self {
        Self { rest: line }
    }

    pub(super) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    fn take(&mut self, n: usize) -> &'a [u8] {
        let (taken, rest) = self.rest.split_at(n.min(self.rest.len()));
        self.rest = rest;
        taken
    }

    pub(super) fn eat(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        if found {
            self.take(1);
        }
        found
    }

    /// Skips blanks and tabs; says whether there were any.
    pub(super) fn blanks(&mut self) -> bool {
        let n = self.rest.iter().take_while(|b| matches!(b, b' ' | b'\t')).count();
        self.take(n);
        n > 0
    }

    fn space(&mut self, spacing: Spacing) {
        if spacing == Spacing::Free {
            self.blanks();
        }
    }

    /// Everything up to the next blank or tab.
    pub(super) fn word(&mut self) -> &'a [u8] {
        let n = self.rest.iter().take_while(|b| !matches!(b, b' ' | b'\t')).count();
        self.take(n)
    }

    /// A name that needs no quotes; `colons`: of a metric.
    fn name(&mut self, colons: bool) -> Option<&'a str> {
        let legal = |(at, b): (usize, &u8)| {
            b.is_ascii_alphabetic() || *b == b'_' || colons && *b == b':' || at > 0 && b.is_ascii_digit()
        };
        let n = self.rest.iter().enumerate().take_while(|x| legal(*x)).count();
        if n == 0 { None } else { std::str::from_utf8(self.take(n)).ok() }
    }

    /// A quoted text with its escapes undone.
    pub(super) fn quoted(&mut self) -> Result<Cow<'a, str>, Wrong> {
        if !self.eat(b'"') {
            return Err(format!("expected a quoted text at {}", shown(self.rest)));
        }
        let (mut end, mut escaped) = (0, false);
        loop {
            match self.rest.get(end) {
                None => return Err("a quoted text does not end".to_owned()),
                Some(b'"') => break,
                Some(b'\\') => {
                    escaped = true;
                    end += 2;
                }
                Some(_) => end += 1,
            }
        }
        let text = self.take(end);
        self.take(1);
        let text = simdutf8::basic::from_utf8(text).map_err(|_| "a quoted text is not valid UTF-8".to_owned())?;
        Ok(if escaped { Cow::Owned(unescape(text, true)) } else { Cow::Borrowed(text) })
    }

    /// The name of a metric, quoted or not, as `# TYPE` and its relatives have it.
    pub(super) fn metric_name(&mut self) -> Result<Cow<'a, str>, Wrong> {
        if self.peek() == Some(b'"') {
            return self.quoted();
        }
        let before = self.rest;
        self.name(true).map(Cow::Borrowed).ok_or_else(|| format!("expected a metric name at {}", shown(before)))
    }

    /// The name and labels of a series; its text as written.
    pub(super) fn series(
        &mut self,
        spacing: Spacing,
        limits: &Limits,
        labels: &mut Vec<LabelRef<'a>>,
    ) -> Result<&'a [u8], Wrong> {
        labels.clear();
        let begin = self.rest;
        let named = self.name(true);
        labels.extend(named.map(|n| (Cow::Borrowed("__name__"), Cow::Borrowed(n))));
        let after_name = *self;
        self.space(spacing);
        if self.peek() == Some(b'{') {
            self.labels(spacing, limits, labels, named.is_none())?;
        } else {
            *self = after_name;
        }
        if labels.first().is_none_or(|(name, _)| name != "__name__") {
            return Err(format!("expected a metric name at {}", shown(begin)));
        }
        Ok(begin.get(..begin.len() - self.rest.len()).unwrap_or_default())
    }

    /// `{a="b",c="d"}`; with `unnamed`, the first quoted text alone is the metric's name.
    pub(super) fn labels(
        &mut self,
        spacing: Spacing,
        limits: &Limits,
        labels: &mut Vec<LabelRef<'a>>,
        unnamed: bool,
    ) -> Result<(), Wrong> {
        if !self.eat(b'{') {
            return Err(format!("expected `{{` at {}", shown(self.rest)));
        }
        let mut first = true;
        loop {
            self.space(spacing);
            if self.eat(b'}') {
                return Ok(());
            }
            let before = self.rest;
            let name = match self.peek() {
                Some(b'"') => self.quoted()?,
                _ => Cow::Borrowed(
                    self.name(false).ok_or_else(|| format!("expected a label name at {}", shown(before)))?,
                ),
            };
            self.space(spacing);
            if self.eat(b'=') {
                self.space(spacing);
                let value = self.quoted()?;
                if name.is_empty() {
                    return Err("a label has no name".to_owned());
                }
                self.keep(limits, labels, (name, value))?;
            } else if first && unnamed && before.first() == Some(&b'"') {
                if name.is_empty() {
                    return Err("the metric name is empty".to_owned());
                }
                self.keep(limits, labels, (Cow::Borrowed("__name__"), name))?;
            } else {
                return Err(format!("expected `=` after the label name {name:?}"));
            }
            first = false;
            self.space(spacing);
            if !self.eat(b',') && self.peek() != Some(b'}') {
                return Err(format!("expected `,` or `}}` at {}", shown(self.rest)));
            }
        }
    }

    fn keep(&self, limits: &Limits, labels: &mut Vec<LabelRef<'a>>, label: LabelRef<'a>) -> Result<(), Wrong> {
        if labels.iter().any(|(name, _)| *name == label.0) {
            return Err(format!("label `{}` occurs twice", label.0));
        }
        if labels.len() >= limits.max_labels {
            return Err(format!("more than {} labels", limits.max_labels));
        }
        if label.0.len() > limits.max_name_bytes || label.1.len() > limits.max_value_bytes {
            let (n, v) = (limits.max_name_bytes, limits.max_value_bytes);
            return Err(format!(
                "label {:?} is longer than {n} bytes of name and {v} of value",
                shown(label.0.as_bytes())
            ));
        }
        labels.push(label);
        Ok(())
    }
}

/// Undoes `\\`, `\n` and, in quoted texts, `\"`; other escapes stay as they are.
pub(super) fn unescape(text: &str, quotes: bool) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match (c, chars.as_str().chars().next()) {
            ('\\', Some(next @ ('\\' | 'n' | '"'))) if quotes || next != '"' => {
                out.push(if next == 'n' { '\n' } else { next });
                chars.next();
            }
            _ => out.push(c),
        }
    }
    out
}

/// A text as it stands in the exposition formats, or with `quotes` between quotation marks: what [`unescape`] undoes.
pub fn escape(text: &str, quotes: bool) -> Cow<'_, str> {
    if !text.contains(|c| matches!(c, '\\' | '\n') || quotes && c == '"') {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '"' if quotes => out.push_str("\\\""),
            c => out.push(c),
        }
    }
    Cow::Owned(out)
}

/// A number as Prometheus reads it: Go's, without hexadecimal and underscores.
pub(super) fn float(word: &[u8]) -> Result<f64, Wrong> {
    let text = std::str::from_utf8(word).unwrap_or_default();
    // Rust reads what is left as Go does; `infinity` and `nan` in any case, too.
    match text.parse() {
        Ok(v) if !text.contains(['_', 'x', 'X', 'p', 'P']) => Ok(canonical(v)),
        _ => Err(format!("expected a number, found {}", shown(word))),
    }
}

/// Every NaN that was written out is the ordinary one: the stale marker is no target's to write.
fn canonical(v: f64) -> f64 {
    if v.is_nan() { f64::from_bits(0x7ff8_0000_0000_0001) } else { v }
}

/// The beginning of a text for a message.
pub(super) fn shown(text: &[u8]) -> String {
    if text.is_empty() {
        return "the end of the line".to_owned();
    }
    let cut = text.get(..32).unwrap_or(text);
    format!("{:?}", String::from_utf8_lossy(cut))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_escaped_reads_the_same(text in "[a\\\\\"\n]{0,12}", quotes: bool) {
            let escaped = escape(&text, quotes);
            prop_assert!(!escaped.contains('\n'));
            prop_assert_eq!(unescape(&escaped, quotes), text);
        }
    }
}
