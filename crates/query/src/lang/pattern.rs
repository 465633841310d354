//! Regexes and wildcards: what they cost, and what they become.

use regex::RegexBuilder;

use super::ast::Piece;

/// Memory that one compiled regex may take. Enough for any that a person
/// writes; `(\w{500}){500}` is refused.
const COMPILED_BYTES_MAX: usize = 1 << 20;

/// Whether the regex compiles.
///
/// # Errors
/// The reason, in one line.
pub(super) fn check(pattern: &str) -> Result<(), String> {
    match RegexBuilder::new(pattern).size_limit(COMPILED_BYTES_MAX).build() {
        Ok(_) => Ok(()),
        Err(regex::Error::CompiledTooBig(_)) => {
            Err(format!("it takes more than {COMPILED_BYTES_MAX} bytes of memory when compiled"))
        }
        // The parser draws the pattern with a caret over several lines; its last line is the reason.
        Err(e) => {
            let text = e.to_string();
            let last = text.lines().last().unwrap_or_default();
            Err(last.strip_prefix("error: ").unwrap_or(last).to_owned())
        }
    }
}

/// A regex that matches what the pattern matches, anchored on both sides.
pub(super) fn anchored_regex(pieces: &[Piece]) -> String {
    let mut out = String::from("(?s)^");
    for piece in pieces {
        match piece {
            Piece::Text(text) => out.push_str(&regex::escape(text)),
            Piece::Star => out.push_str(".*"),
        }
    }
    out.push('$');
    out
}

/// A regex that finds the pattern as a word of a text, in any case; a star does not cross white space.
pub(super) fn word_regex(pieces: &[Piece]) -> String {
    let mut out = String::from("(?i)");
    let is_word = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    if let Some(Piece::Text(first)) = pieces.first()
        && is_word(first.chars().next())
    {
        out.push_str(r"\b");
    }
    for piece in pieces {
        match piece {
            Piece::Text(text) => out.push_str(&regex::escape(text)),
            Piece::Star => out.push_str(r"\S*"),
        }
    }
    if let Some(Piece::Text(last)) = pieces.last()
        && is_word(last.chars().last())
    {
        out.push_str(r"\b");
    }
    out
}
