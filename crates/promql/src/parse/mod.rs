//! The parser: hand-written, one function per rule of the grammar.
//!
//! Binary operators by precedence climbing (`expr`), the rest by recursive
//! descent (`selector`, `duration`). Types are checked after the whole text is
//! read (`check`). Nesting is limited, so that no text can exhaust the stack.

mod check;
mod duration;
mod expr;
mod selector;

pub(crate) use selector::is_label_name;

use crate::ast::{Expr, Span};
use crate::error::ParseError;
use crate::lexer::{Tok, Token, tokenize};
use crate::matcher::Matcher;
use model::labels::Labels;

/// Deepest nesting of a query. The parser recurses this deep, with several
/// large frames per level in a build without optimisation.
const MAX_NESTING: usize = 100;

/// Greatest height of the tree: nesting, and the operators of a chain, each of
/// which makes the tree one deeper on its left.
const MAX_HEIGHT: usize = 250;

/// The longest query text in bytes.
const MAX_QUERY_BYTES: usize = 1 << 20;

/// Reads a query and checks its types.
///
/// # Errors
/// The first mistake in the text, with its position.
pub fn parse(input: &str) -> Result<Expr, ParseError> {
    let mut parser = Parser::new(input)?;
    if parser.peek() == Tok::Eof {
        return Err(ParseError::new(input, Span::default(), "no expression found in input"));
    }
    let expr = parser.expr(0)?;
    parser.expect_end()?;
    check::check(input, &expr)?;
    Ok(expr)
}

/// Reads a series selector (`match[]` of the HTTP API): no modifiers.
///
/// # Errors
/// The first mistake in the text, with its position.
pub fn parse_selector(input: &str) -> Result<Vec<Matcher>, ParseError> {
    let mut parser = Parser::new(input)?;
    let expr = parser.vector_selector()?;
    parser.expect_end()?;
    check::check(input, &expr)?;
    match expr.kind {
        crate::ast::ExprKind::Selector(selector) => Ok(selector.all_matchers()),
        _ => Err(ParseError::new(input, expr.span, "expected a series selector")),
    }
}

/// Reads the name of a series: `up{job="api"}`, also `{}`.
///
/// # Errors
/// The first mistake in the text, with its position.
pub fn parse_metric(input: &str) -> Result<Labels, ParseError> {
    let mut parser = Parser::new(input)?;
    let labels = parser.metric()?;
    parser.expect_end()?;
    Ok(labels)
}

pub(crate) struct Parser<'a> {
    input: &'a str,
    tokens: Vec<Token>,
    at: usize,
    nesting: usize,
    /// Operators of the chains that are being read.
    chained: usize,
}

impl<'a> Parser<'a> {
    fn new(input: &'a str) -> Result<Self, ParseError> {
        if input.len() > MAX_QUERY_BYTES {
            return Err(ParseError::new(
                input,
                Span::default(),
                format!("query is longer than {MAX_QUERY_BYTES} bytes"),
            ));
        }
        Ok(Self { input, tokens: tokenize(input)?, at: 0, nesting: 0, chained: 0 })
    }

    fn token(&self) -> Token {
        self.token_at(0)
    }

    fn token_at(&self, ahead: usize) -> Token {
        let end = Span { start: self.input.len(), end: self.input.len() };
        self.tokens.get(self.at + ahead).copied().unwrap_or(Token { tok: Tok::Eof, span: end })
    }

    fn peek(&self) -> Tok {
        self.token().tok
    }

    fn advance(&mut self) -> Token {
        let token = self.token();
        self.at += 1;
        token
    }

    fn accept(&mut self, tok: Tok) -> Option<Token> {
        (self.peek() == tok).then(|| self.advance())
    }

    fn slice(&self, span: Span) -> &'a str {
        self.input.get(span.start..span.end).unwrap_or("")
    }

    /// The text of the current token when it is a word.
    fn word(&self) -> Option<&'a str> {
        let token = self.token();
        (token.tok == Tok::Word).then(|| self.slice(token.span))
    }

    fn is_keyword(&self, keyword: &str) -> bool {
        self.word().is_some_and(|w| w.eq_ignore_ascii_case(keyword))
    }

    fn accept_keyword(&mut self, keyword: &str) -> Option<Token> {
        self.is_keyword(keyword).then(|| self.advance())
    }

    fn error(&self, span: Span, message: impl Into<String>) -> ParseError {
        ParseError::new(self.input, span, message)
    }

    /// "unexpected X in CONTEXT, expected Y" at the current token.
    fn unexpected(&self, context: &str, expected: &str) -> ParseError {
        let token = self.token();
        let text = self.slice(token.span);
        let what = match token.tok {
            Tok::Eof => "end of input".to_owned(),
            Tok::Word => format!("identifier {text:?}"),
            Tok::Number => format!("number {text:?}"),
            Tok::Duration => format!("duration {text:?}"),
            Tok::Text => format!("string {text}"),
            _ => format!("{text:?}"),
        };
        let mut message = format!("unexpected {what}");
        if !context.is_empty() {
            message.push_str(&format!(" in {context}"));
        }
        if !expected.is_empty() {
            message.push_str(&format!(", expected {expected}"));
        }
        self.error(token.span, message)
    }

    fn expect(&mut self, tok: Tok, context: &str, expected: &str) -> Result<Token, ParseError> {
        self.accept(tok).ok_or_else(|| self.unexpected(context, expected))
    }

    fn expect_end(&self) -> Result<(), ParseError> {
        if self.peek() == Tok::Eof { Ok(()) } else { Err(self.unexpected("", "")) }
    }

    /// Goes one level deeper; every success is paired with [`Parser::leave`].
    fn enter(&mut self) -> Result<(), ParseError> {
        self.nesting += 1;
        if self.nesting > MAX_NESTING {
            return Err(self.error(self.token().span, format!("expression is nested deeper than {MAX_NESTING}")));
        }
        Ok(())
    }

    fn leave(&mut self) {
        self.nesting -= 1;
    }

    /// Counts one more operator of a chain.
    fn chain(&mut self) -> Result<(), ParseError> {
        self.chained += 1;
        if self.nesting + self.chained > MAX_HEIGHT {
            let message = format!("more than {MAX_HEIGHT} operators in a row");
            return Err(self.error(self.token().span, message));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
