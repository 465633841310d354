//! Reads the pieces of a filter: words, quotes, regexes, operators.
//!
//! What ends a word depends on where it stands (`:` ends a key but not a
//! value, `,` ends only the value of a list), so there is no token stream:
//! the parser asks for what can come next. All offsets are bytes.

use super::ast::{Op, Piece, Position};
use super::error::{FilterError, Problem};

/// Where a word stands, and so what ends it. White space, parentheses, quotes and `|` always do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Where a condition begins: operators end the word.
    Term,
    /// After an operator.
    Value,
    /// In a list: commas end the word.
    Item,
    /// In a stage of a pipe: operators and commas end the word.
    Column,
}

/// A run of characters without quotes.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Word {
    /// The text with escapes resolved.
    pub(super) text: String,
    /// Byte offsets in `text` of the `*` that were not escaped.
    pub(super) stars: Vec<usize>,
    /// Whether there was any escape: such a word is never a keyword, number range or function.
    pub(super) escaped: bool,
    /// Where it stands.
    pub(super) at: Position,
}

impl Word {
    /// The word cut at its stars; stars beside each other become one.
    pub(super) fn pieces(&self) -> Vec<Piece> {
        let mut pieces = Vec::new();
        let mut from = 0;
        for &star in &self.stars {
            if star > from {
                pieces.push(Piece::Text(self.text[from..star].to_owned()));
            }
            if pieces.last() != Some(&Piece::Star) {
                pieces.push(Piece::Star);
            }
            from = star + 1;
        }
        if from < self.text.len() {
            pieces.push(Piece::Text(self.text[from..].to_owned()));
        }
        pieces
    }
}

/// Whether a backslash before `c` makes it an ordinary character of a word.
///
/// Letters and digits are excluded, so that `C:\temp` and a regex `\d` keep their backslash.
pub(super) fn escapable(c: char) -> bool {
    c.is_whitespace() || c.is_ascii_punctuation()
}

/// A place in the query text.
#[derive(Debug, Clone)]
pub(super) struct Lexer<'a> {
    text: &'a str,
    at: usize,
    /// Inside of `{ .. }`, where a `}` ends a word unless the word has the `{` that belongs to it.
    pub(super) in_braces: bool,
    /// Whether a `|` may follow a condition.
    pub(super) pipes: bool,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, at: 0, in_braces: false, pipes: false }
    }

    /// The offset of the next byte.
    pub(super) fn offset(&self) -> usize {
        self.at
    }

    /// What has not been read.
    pub(super) fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or("")
    }

    /// The text at `at`, as written.
    pub(super) fn source(&self, at: Position) -> &'a str {
        self.text.get(at.offset..at.end()).unwrap_or("")
    }

    /// From `start` to here.
    pub(super) fn since(&self, start: usize) -> Position {
        Position::between(start, self.at)
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    /// Whether a condition can end here.
    pub(super) fn at_boundary(&self) -> bool {
        self.peek().is_none_or(|c| {
            c.is_whitespace() || c == ')' || (c == '}' && self.in_braces) || (c == '|' && self.at_stage())
        })
    }

    /// Whether a stage of a pipe is next.
    pub(super) fn at_stage(&self) -> bool {
        self.pipes && self.peek() == Some('|') && !self.rest().starts_with("||")
    }

    /// Skips white space; returns whether there was any.
    pub(super) fn skip_space(&mut self) -> bool {
        let rest = self.rest();
        let skipped = rest.len() - rest.trim_start().len();
        self.at += skipped;
        skipped > 0
    }

    /// Skips everything up to the next white space.
    pub(super) fn skip_to_space(&mut self) {
        let rest = self.rest();
        self.at += rest.find(char::is_whitespace).unwrap_or(rest.len());
    }

    /// Reads `c` if it is next.
    pub(super) fn eat(&mut self, c: char) -> bool {
        let found = self.peek() == Some(c);
        if found {
            self.at += c.len_utf8();
        }
        found
    }

    /// The operator that is next, and its length. `=~` is read as `~`, the habit of PromQL and LogQL.
    pub(super) fn peek_op(&self) -> Option<(Op, usize)> {
        const OPS: [(&str, Op); 11] = [
            ("=~", Op::Regex),
            ("!~", Op::NotRegex),
            ("!=", Op::Ne),
            ("<=", Op::Le),
            (">=", Op::Ge),
            ("==", Op::Eq),
            (":", Op::Match),
            ("=", Op::Eq),
            ("<", Op::Lt),
            (">", Op::Gt),
            ("~", Op::Regex),
        ];
        OPS.iter().find(|(text, _)| self.rest().starts_with(text)).map(|(text, op)| (*op, text.len()))
    }

    /// Moves on by `length` bytes, which were peeked.
    pub(super) fn advance(&mut self, length: usize) {
        self.at += length;
    }

    /// Reads a word; its text is empty when what ends a word is next.
    pub(super) fn word(&mut self, place: Place) -> Word {
        let start = self.at;
        let mut word = Word { text: String::new(), stars: Vec::new(), escaped: false, at: Position::default() };
        let mut open_braces = 0_usize;
        while let Some(c) = self.peek() {
            let closes_set = c == '}' && self.in_braces && open_braces == 0;
            // `root{`: the set of a root span.
            let opens_set = c == '{' && place == Place::Term && word.text == "root" && !word.escaped;
            if self.ends_word(c, place) || closes_set || opens_set {
                break;
            }
            match c {
                '{' => open_braces += 1,
                '}' => open_braces = open_braces.saturating_sub(1),
                _ => {}
            }
            self.at += c.len_utf8();
            match c {
                '\\' => match self.peek().filter(|c| escapable(*c)) {
                    Some(next) => {
                        self.at += next.len_utf8();
                        word.escaped = true;
                        word.text.push(next);
                    }
                    None => word.text.push(c),
                },
                '*' => {
                    word.stars.push(word.text.len());
                    word.text.push(c);
                }
                _ => word.text.push(c),
            }
        }
        word.at = self.since(start);
        word
    }

    fn ends_word(&self, c: char, place: Place) -> bool {
        match c {
            '(' | ')' | '"' | '|' => true,
            ',' => matches!(place, Place::Item | Place::Column),
            ':' | '=' | '<' | '>' | '~' | '!' => {
                matches!(place, Place::Term | Place::Column) && self.peek_op().is_some()
            }
            _ => c.is_whitespace(),
        }
    }

    /// Reads from a `"` to its partner and resolves `\" \\ \n \r \t`; other backslashes stay, so
    /// that a regex in quotes needs no doubling.
    pub(super) fn quoted(&mut self) -> Result<(String, Position), FilterError> {
        let start = self.at;
        self.at += 1;
        let mut text = String::new();
        while let Some(c) = self.peek() {
            self.at += c.len_utf8();
            match c {
                '"' => return Ok((text, self.since(start))),
                '\\' => {
                    let resolved = match self.peek() {
                        Some(c @ ('"' | '\\')) => c,
                        Some('n') => '\n',
                        Some('r') => '\r',
                        Some('t') => '\t',
                        _ => {
                            text.push('\\');
                            continue;
                        }
                    };
                    self.at += 1;
                    text.push(resolved);
                }
                _ => text.push(c),
            }
        }
        let at = self.since(start);
        let closed = format!("{}\"", self.source(at).trim_end());
        Err(FilterError::new(Problem::UnclosedQuote, at).suggest(closed))
    }

    /// Reads from a `/` to its partner; `\/` is a slash, other escapes belong to the regex.
    pub(super) fn regex(&mut self) -> Result<(String, Position), FilterError> {
        let start = self.at;
        self.at += 1;
        let mut pattern = String::new();
        while let Some(c) = self.peek() {
            self.at += c.len_utf8();
            match c {
                '/' if self.at_boundary() => return Ok((pattern, self.since(start))),
                // A slash in the middle: a path was meant, or the regex forgot to escape.
                '/' => break,
                '\\' => match self.peek() {
                    Some('/') => {
                        self.at += 1;
                        pattern.push('/');
                    }
                    Some(next) => {
                        self.at += next.len_utf8();
                        pattern.extend([c, next]);
                    }
                    None => pattern.push(c),
                },
                _ => pattern.push(c),
            }
        }
        // What was probably meant is the word that begins with a slash.
        self.at = start;
        let word = self.word(Place::Value);
        let at = self.since(start);
        Err(FilterError::new(Problem::UnclosedRegex, at).suggest(super::printer::quote(&word.text)))
    }
}
