//! Splits a query into tokens.
//!
//! Knows two places where the same letters mean something else: inside braces
//! (only label names, operators and texts) and inside brackets (a colon is
//! never part of a name). Keywords are not told apart from names here; the
//! parser does that by position. Source: the lexical grammar of Prometheus.

use crate::error::ParseError;
use crate::span::Span;

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tok {
    Eof,
    /// A name or keyword.
    Word,
    Number,
    Duration,
    /// A quoted text; the token covers the quotes.
    Text,
    LeftParen,
    RightParen,
    LeftBrace,
    RightBrace,
    LeftBracket,
    RightBracket,
    Comma,
    Colon,
    At,
    Assign,
    MatchRegex,
    NotRegex,
    Add,
    Sub,
    Mul,
    Div,
    Mod,
    Pow,
    Eq,
    Ne,
    Gt,
    Lt,
    Ge,
    Le,
    TrimUpper,
    TrimLower,
}

/// A token and where it stands.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Token {
    pub(crate) tok: Tok,
    pub(crate) span: Span,
}

/// Splits the whole text; the last token is always [`Tok::Eof`].
pub(crate) fn tokenize(input: &str) -> Result<Vec<Token>, ParseError> {
    let mut lexer = Lexer { input, bytes: input.as_bytes(), at: 0, braces: false, brackets: false };
    let mut out = Vec::with_capacity(input.len() / 4 + 1);
    loop {
        let token = lexer.next()?;
        out.push(token);
        if token.tok == Tok::Eof {
            return Ok(out);
        }
    }
}

struct Lexer<'a> {
    input: &'a str,
    bytes: &'a [u8],
    at: usize,
    braces: bool,
    brackets: bool,
}

pub(crate) fn is_name_start(b: u8) -> bool {
    b == b'_' || b.is_ascii_alphabetic()
}

pub(crate) fn is_name(b: u8) -> bool {
    b == b'_' || b.is_ascii_alphanumeric()
}

impl Lexer<'_> {
    fn peek(&self, ahead: usize) -> u8 {
        self.bytes.get(self.at + ahead).copied().unwrap_or(0)
    }

    fn error(&self, start: usize, message: impl Into<String>) -> ParseError {
        ParseError::new(self.input, Span { start, end: self.at.max(start) }, message)
    }

    fn skip_space_and_comments(&mut self) {
        loop {
            match self.peek(0) {
                b' ' | b'\t' | b'\n' | b'\r' => self.at += 1,
                b'#' => {
                    while self.at < self.bytes.len() && !matches!(self.peek(0), b'\n' | b'\r') {
                        self.at += 1;
                    }
                }
                _ => return,
            }
        }
    }

    fn next(&mut self) -> Result<Token, ParseError> {
        self.skip_space_and_comments();
        let start = self.at;
        let Some(first) = self.bytes.get(start).copied() else {
            return Ok(Token { tok: Tok::Eof, span: Span { start, end: start } });
        };
        let tok = match first {
            b'"' | b'\'' | b'`' => self.text(first)?,
            b if is_name_start(b) => self.word(),
            b':' if !self.braces && !self.brackets => self.word(),
            b if b.is_ascii_digit() && !self.braces => self.number_or_duration()?,
            b'.' if self.peek(1).is_ascii_digit() && !self.braces => self.number_or_duration()?,
            _ => self.punctuation(first)?,
        };
        Ok(Token { tok, span: Span { start, end: self.at } })
    }

    fn word(&mut self) -> Tok {
        let colons = !self.braces && !self.brackets;
        while is_name(self.peek(0)) || (colons && self.peek(0) == b':') {
            self.at += 1;
        }
        Tok::Word
    }

    fn text(&mut self, quote: u8) -> Result<Tok, ParseError> {
        let start = self.at;
        self.at += 1;
        loop {
            match self.bytes.get(self.at) {
                None => return Err(self.error(start, "unterminated quoted string")),
                Some(b'\n') if quote != b'`' => return Err(self.error(start, "unterminated quoted string")),
                Some(b'\\') if quote != b'`' => self.at += 2,
                Some(b) => {
                    self.at += 1;
                    if *b == quote {
                        return Ok(Tok::Text);
                    }
                    // U+FFFD stands for bytes that were not UTF-8.
                    if *b == 0xEF && self.bytes.get(self.at..self.at + 2) == Some(&[0xBF, 0xBD]) {
                        return Err(self.error(start, "invalid UTF-8 rune"));
                    }
                }
            }
        }
    }

    fn number_or_duration(&mut self) -> Result<Tok, ParseError> {
        let start = self.at;
        if let Some(end) = scan_number(self.bytes, start) {
            self.at = end;
            return Ok(Tok::Number);
        }
        if let Some(end) = scan_duration(self.bytes, start) {
            self.at = end;
            return Ok(Tok::Duration);
        }
        while is_name(self.peek(0)) || self.peek(0) == b'.' {
            self.at += 1;
        }
        let text = &self.input[start..self.at];
        Err(self.error(start, format!("bad number or duration syntax: {text:?}")))
    }

    fn punctuation(&mut self, first: u8) -> Result<Tok, ParseError> {
        let start = self.at;
        let second = self.peek(1);
        let (tok, len) = match (first, second) {
            (b'=', b'~') if self.braces => (Tok::MatchRegex, 2),
            (b'!', b'~') if self.braces => (Tok::NotRegex, 2),
            (b'!', b'=') => (Tok::Ne, 2),
            (b'=', b'=') if !self.braces => (Tok::Eq, 2),
            (b'=', b'~') => return Err(self.error(start, "unexpected character after '=': '~'")),
            (b'=', _) => (Tok::Assign, 1),
            (b'!', _) => return Err(self.error(start, "unexpected character after '!'")),
            (b',', _) => (Tok::Comma, 1),
            (b'}', _) => (Tok::RightBrace, 1),
            (_, _) if self.braces => return Err(self.unexpected("unexpected character inside braces")),
            (b'<', b'=') => (Tok::Le, 2),
            (b'<', b'/') => (Tok::TrimUpper, 2),
            (b'<', _) => (Tok::Lt, 1),
            (b'>', b'=') => (Tok::Ge, 2),
            (b'>', b'/') => (Tok::TrimLower, 2),
            (b'>', _) => (Tok::Gt, 1),
            (b'(', _) => (Tok::LeftParen, 1),
            (b')', _) => (Tok::RightParen, 1),
            (b'{', _) => (Tok::LeftBrace, 1),
            (b'[', _) if self.brackets => return Err(self.error(start, "unexpected left bracket '['")),
            (b'[', _) => (Tok::LeftBracket, 1),
            (b']', _) if !self.brackets => return Err(self.error(start, "unexpected right bracket ']'")),
            (b']', _) => (Tok::RightBracket, 1),
            (b':', _) => (Tok::Colon, 1),
            (b'@', _) => (Tok::At, 1),
            (b'+', _) => (Tok::Add, 1),
            (b'-', _) => (Tok::Sub, 1),
            (b'*', _) => (Tok::Mul, 1),
            (b'/', _) => (Tok::Div, 1),
            (b'%', _) => (Tok::Mod, 1),
            (b'^', _) => (Tok::Pow, 1),
            _ => return Err(self.unexpected("unexpected character")),
        };
        match tok {
            Tok::LeftBrace => self.braces = true,
            Tok::RightBrace => self.braces = false,
            Tok::LeftBracket => self.brackets = true,
            Tok::RightBracket => self.brackets = false,
            _ => {}
        }
        self.at += len;
        Ok(tok)
    }

    fn unexpected(&self, what: &str) -> ParseError {
        let c = self.input.get(self.at..).and_then(|s| s.chars().next()).unwrap_or('\u{FFFD}');
        self.error(self.at, format!("{what}: {c:?}"))
    }
}

/// The end of the number that starts at `at`, when it is one.
fn scan_number(bytes: &[u8], mut at: usize) -> Option<usize> {
    let get = |i: usize| bytes.get(i).copied().unwrap_or(0);
    if get(at) == b'0' && matches!(get(at + 1), b'x' | b'X') {
        at += 2;
        let digits = bytes[at..].iter().take_while(|b| b.is_ascii_hexdigit() || **b == b'_').count();
        at += digits;
        return (digits > 0 && !is_name(get(at)) && get(at) != b'.').then_some(at);
    }
    let (mut dot, mut exponent) = (false, false);
    loop {
        match get(at) {
            b'0'..=b'9' | b'_' => at += 1,
            b'.' if !dot && !exponent => {
                dot = true;
                at += 1;
            }
            b'.' => return None,
            b'e' | b'E' if !exponent => {
                exponent = true;
                at += 1;
                if matches!(get(at), b'+' | b'-') {
                    at += 1;
                }
                if !get(at).is_ascii_digit() {
                    return None;
                }
            }
            b if is_name(b) => return None,
            _ => return Some(at),
        }
    }
}

/// The end of the duration that starts at `at`; unit order is checked later.
fn scan_duration(bytes: &[u8], mut at: usize) -> Option<usize> {
    let get = |i: usize| bytes.get(i).copied().unwrap_or(0);
    loop {
        let digits = bytes.get(at..)?.iter().take_while(|b| b.is_ascii_digit()).count();
        if digits == 0 {
            return None;
        }
        at += digits;
        match (get(at), get(at + 1)) {
            (b'm', b's') => at += 2,
            (b's' | b'm' | b'h' | b'd' | b'w' | b'y', _) => at += 1,
            _ => return None,
        }
        if !get(at).is_ascii_digit() {
            return (!is_name(get(at))).then_some(at);
        }
    }
}
