//! Errors of reading a query.

use foundation::ErrorKind;

use crate::span::Span;

/// Why a text is not a valid query, and where.
///
/// Prints as Prometheus does: `1:7: parse error: unexpected end of input`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{line}:{column}: parse error: {message}{}", .suggestion.as_ref().map(|s| format!(", did you mean `{s}`?")).unwrap_or_default())]
pub struct ParseError {
    /// The offending part of the text.
    pub span: Span,
    /// Line of its first byte, from 1.
    pub line: usize,
    /// Column of its first byte in bytes, from 1.
    pub column: usize,
    /// What is wrong.
    pub message: String,
    /// What was probably meant.
    pub suggestion: Option<String>,
}

impl ParseError {
    pub(crate) fn new(input: &str, span: Span, message: impl Into<String>) -> Self {
        let (line, column) = line_column(input, span.start);
        Self { span, line, column, message: message.into(), suggestion: None }
    }

    pub(crate) fn suggest(mut self, suggestion: Option<String>) -> Self {
        self.suggestion = suggestion;
        self
    }

    /// What a caller can do about it.
    pub fn kind(&self) -> ErrorKind {
        ErrorKind::InvalidInput
    }
}

/// Line and column (both from 1, the column in bytes) of a byte position.
pub fn line_column(input: &str, at: usize) -> (usize, usize) {
    let before = &input.as_bytes()[..at.min(input.len())];
    let line = before.iter().filter(|b| **b == b'\n').count() + 1;
    let start = before.iter().rposition(|b| *b == b'\n').map_or(0, |p| p + 1);
    (line, before.len() - start + 1)
}

/// The candidate nearest to `name` by edit distance, when one is near enough.
pub(crate) fn nearest<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> Option<String> {
    let limit = (name.len() / 3).clamp(1, 3);
    candidates
        .map(|c| (strsim::levenshtein(name, c), c))
        .filter(|(d, _)| *d <= limit)
        // Of equally near ones, the one that begins alike: `rat` is `rate`, not `rad`.
        .min_by_key(|(d, c)| (*d, usize::MAX - name.bytes().zip(c.bytes()).take_while(|(a, b)| a == b).count()))
        .map(|(_, c)| c.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_lines_and_bytes() {
        assert_eq!(line_column("ab\ncd", 0), (1, 1));
        assert_eq!(line_column("ab\ncd", 4), (2, 2));
        assert_eq!(line_column("ab", 9), (1, 3));
    }

    #[test]
    fn nearest_is_near() {
        assert_eq!(nearest("raet", ["rate", "irate"].into_iter()), None);
        assert_eq!(nearest("rat", ["rate", "irate"].into_iter()).as_deref(), Some("rate"));
        assert_eq!(
            nearest("histogram_quantil", ["histogram_quantile"].into_iter()).as_deref(),
            Some("histogram_quantile")
        );
        assert_eq!(nearest("xyz", ["rate"].into_iter()), None);
    }
}
