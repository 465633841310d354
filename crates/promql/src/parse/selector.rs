//! Selectors, matchers, label lists and the postfix modifiers.

use super::Parser;
use crate::ast::{
    At, DurationExpr, Expr, ExprKind, Extended, RangeSelector, Span, Subquery, TimeModifiers, VectorSelector,
};
use crate::error::ParseError;
use crate::lexer::Tok;
use crate::matcher::{MatchOp, Matcher};
use model::labels::{self, Labels};

impl Parser<'_> {
    /// `(a, "b.c", d,)`.
    pub(super) fn grouping_labels(&mut self) -> Result<Vec<String>, ParseError> {
        self.expect(Tok::LeftParen, "grouping opts", "\"(\"")?;
        let mut out = Vec::new();
        loop {
            if (out.is_empty() || self.token_before(Tok::Comma)) && self.accept(Tok::RightParen).is_some() {
                return Ok(out);
            }
            out.push(self.grouping_label()?);
            if self.accept(Tok::Comma).is_none() {
                self.expect(Tok::RightParen, "grouping opts", "\",\" or \")\"")?;
                return Ok(out);
            }
        }
    }

    fn token_before(&self, tok: Tok) -> bool {
        self.at.checked_sub(1).and_then(|at| self.tokens.get(at)).is_some_and(|t| t.tok == tok)
    }

    fn grouping_label(&mut self) -> Result<String, ParseError> {
        let token = self.token();
        let name = match token.tok {
            Tok::Text => self.unquoted(token.span)?,
            Tok::Word => {
                let word = self.slice(token.span);
                if ["inf", "nan"].iter().any(|w| w.eq_ignore_ascii_case(word)) {
                    return Err(self.unexpected("grouping opts", "label"));
                }
                word.to_owned()
            }
            _ => return Err(self.unexpected("grouping opts", "label")),
        };
        if !is_label_name(&name) {
            return Err(self.error(token.span, format!("invalid label name for grouping: {name:?}")));
        }
        self.advance();
        Ok(name)
    }

    /// `name`, `name{..}` or `{..}`, without modifiers.
    pub(super) fn vector_selector(&mut self) -> Result<Expr, ParseError> {
        let start = self.token().span;
        let name = match self.word() {
            Some(word) => {
                self.advance();
                Some(word.to_owned())
            }
            None if self.peek() == Tok::LeftBrace => None,
            None => return Err(self.unexpected("", "")),
        };
        let mut matchers = Vec::new();
        if self.accept(Tok::LeftBrace).is_some() {
            self.matchers(&mut matchers)?;
        }
        let span = Span { start: start.start, end: self.last_end() };
        let selector = VectorSelector { name, matchers, modifiers: TimeModifiers::default(), extended: None };
        Ok(Expr { span, kind: ExprKind::Selector(selector) })
    }

    fn matchers(&mut self, out: &mut Vec<Matcher>) -> Result<(), ParseError> {
        if self.accept(Tok::RightBrace).is_some() {
            return Ok(());
        }
        loop {
            out.push(self.matcher()?);
            if self.accept(Tok::Comma).is_none() {
                self.expect(Tok::RightBrace, "label matching", "\",\" or \"}\"")?;
                return Ok(());
            }
            if self.accept(Tok::RightBrace).is_some() {
                return Ok(());
            }
        }
    }

    fn matcher(&mut self) -> Result<Matcher, ParseError> {
        let token = self.token();
        let name = match token.tok {
            Tok::Word => self.slice(token.span).to_owned(),
            Tok::Text => self.unquoted(token.span)?,
            _ => return Err(self.unexpected("label matching", "identifier or \"}\"")),
        };
        self.advance();
        let op = match self.peek() {
            Tok::Assign => MatchOp::Equal,
            Tok::Ne => MatchOp::NotEqual,
            Tok::MatchRegex => MatchOp::Regex,
            Tok::NotRegex => MatchOp::NotRegex,
            // A quoted text alone is the metric name.
            _ if token.tok == Tok::Text => return Ok(Matcher::equal(labels::NAME, &name)),
            _ => return Err(self.unexpected("label matching", "label matching operator")),
        };
        if !is_label_name(&name) {
            return Err(self.error(token.span, format!("invalid label name {name:?}")));
        }
        self.advance();
        let value = self.expect(Tok::Text, "label matching", "string")?;
        let text = self.unquoted(value.span)?;
        Matcher::new(op, &name, &text).map_err(|e| self.error(token.span.to(value.span), e.to_string()))
    }

    /// `offset`, `@`, `[..]`, `anchored`, `smoothed` after an operand.
    pub(super) fn postfix(&mut self, mut expr: Expr) -> Result<Expr, ParseError> {
        loop {
            if self.peek() == Tok::LeftBracket {
                expr = self.brackets(expr)?;
            } else if self.accept_keyword("offset").is_some() {
                let offset = self.offset_duration()?;
                self.set_offset(&mut expr, offset)?;
            } else if self.accept(Tok::At).is_some() {
                let at = self.at_modifier()?;
                self.set_at(&mut expr, at)?;
            } else if self.accept_keyword("anchored").is_some() {
                self.set_extended(&mut expr, Extended::Anchored, "anchored")?;
            } else if self.accept_keyword("smoothed").is_some() {
                self.set_extended(&mut expr, Extended::Smoothed, "smoothed")?;
            } else {
                return Ok(expr);
            }
            expr.span.end = self.last_end();
        }
    }

    fn brackets(&mut self, expr: Expr) -> Result<Expr, ParseError> {
        self.enter()?;
        let open = self.advance();
        let range = self.positive_duration("subquery or range selector")?;
        let out = if self.accept(Tok::Colon).is_some() {
            let step = if self.peek() == Tok::RightBracket {
                None
            } else {
                Some(self.positive_duration("subquery selector")?)
            };
            self.expect(Tok::RightBracket, "subquery selector", "\"]\"")?;
            let span = Span { start: expr.span.start, end: self.last_end() };
            let subquery = Subquery { expr, range, step, modifiers: TimeModifiers::default() };
            Expr { span, kind: ExprKind::Subquery(Box::new(subquery)) }
        } else {
            let close = self.expect(Tok::RightBracket, "subquery or range", "\":\" or \"]\"")?;
            self.range_selector(expr, range, open.span.to(close.span))?
        };
        self.leave();
        Ok(out)
    }

    fn range_selector(&self, expr: Expr, range: DurationExpr, brackets: Span) -> Result<Expr, ParseError> {
        let span = Span { start: expr.span.start, end: brackets.end };
        let ExprKind::Selector(selector) = expr.kind else {
            return Err(self.error(brackets, "ranges only allowed for vector selectors"));
        };
        if selector.modifiers.offset.is_some() {
            return Err(self.error(brackets, "no offset modifiers allowed before range"));
        }
        if selector.modifiers.at.is_some() {
            return Err(self.error(brackets, "no @ modifiers allowed before range"));
        }
        Ok(Expr { span, kind: ExprKind::Range(RangeSelector { selector, range }) })
    }

    fn at_modifier(&mut self) -> Result<At, ParseError> {
        for (keyword, at) in [("start", At::Start), ("end", At::End)] {
            if self.accept_keyword(keyword).is_some() {
                self.expect(Tok::LeftParen, "@", "\"(\"")?;
                self.expect(Tok::RightParen, "@", "\")\"")?;
                return Ok(at);
            }
        }
        let span = self.token().span;
        let seconds = self.signed_number("@", "timestamp")?;
        let millis = (seconds * 1000.0).round();
        if !seconds.is_finite() || seconds.abs() >= i64::MAX as f64 || millis.abs() >= i64::MAX as f64 {
            return Err(self.error(span, format!("timestamp out of bounds for @ modifier: {seconds}")));
        }
        Ok(At::UnixMillis(millis as i64))
    }

    fn modifiers<'e>(&self, expr: &'e mut Expr, what: &str) -> Result<&'e mut TimeModifiers, ParseError> {
        let span = expr.span;
        match &mut expr.kind {
            ExprKind::Selector(s) => Ok(&mut s.modifiers),
            ExprKind::Range(r) => Ok(&mut r.selector.modifiers),
            ExprKind::Subquery(s) => Ok(&mut s.modifiers),
            _ => Err(self.error(
                span,
                format!(
                    "{what} modifier must be preceded by an instant vector selector or range vector selector or a subquery"
                ),
            )),
        }
    }

    fn set_offset(&self, expr: &mut Expr, offset: DurationExpr) -> Result<(), ParseError> {
        let span = expr.span;
        let modifiers = self.modifiers(expr, "offset")?;
        if modifiers.offset.is_some() {
            return Err(self.error(span, "offset may not be set multiple times"));
        }
        modifiers.offset = Some(offset);
        Ok(())
    }

    fn set_at(&self, expr: &mut Expr, at: At) -> Result<(), ParseError> {
        let span = expr.span;
        let modifiers = self.modifiers(expr, "@")?;
        if modifiers.at.is_some() {
            return Err(self.error(span, "@ <timestamp> may not be set multiple times"));
        }
        modifiers.at = Some(at);
        Ok(())
    }

    fn set_extended(&self, expr: &mut Expr, extended: Extended, name: &str) -> Result<(), ParseError> {
        let span = expr.span;
        let selector = match &mut expr.kind {
            ExprKind::Selector(s) => s,
            ExprKind::Range(r) => &mut r.selector,
            ExprKind::Subquery(_) => {
                return Err(self.error(span, format!("{name} modifier is not supported for subqueries")));
            }
            _ => return Err(self.error(span, format!("{name} modifier not implemented"))),
        };
        if selector.extended.is_some_and(|e| e != extended) {
            return Err(self.error(span, "anchored and smoothed modifiers cannot be used together"));
        }
        selector.extended = Some(extended);
        Ok(())
    }

    /// `name{a="b", "c.d"="e"}` of a series, not of a selector.
    pub(super) fn metric(&mut self) -> Result<Labels, ParseError> {
        let mut out = Vec::new();
        if let Some(word) = self.word() {
            self.advance();
            out.push((labels::NAME.to_owned(), word.to_owned()));
        }
        if self.accept(Tok::LeftBrace).is_none() {
            return Ok(Labels::new(out));
        }
        while self.accept(Tok::RightBrace).is_none() {
            let token = self.token();
            let name = match token.tok {
                Tok::Word => self.slice(token.span).to_owned(),
                Tok::Text => self.unquoted(token.span)?,
                _ => return Err(self.unexpected("label set", "identifier or \"}\"")),
            };
            self.advance();
            if self.accept(Tok::Assign).is_some() {
                let value = self.expect(Tok::Text, "label set", "string")?;
                out.push((name, self.unquoted(value.span)?));
            } else if token.tok == Tok::Text {
                out.push((labels::NAME.to_owned(), name));
            } else {
                return Err(self.unexpected("label set", "\"=\""));
            }
            if self.accept(Tok::Comma).is_none() && self.peek() != Tok::RightBrace {
                return Err(self.unexpected("label set", "\",\" or \"}\""));
            }
        }
        Ok(Labels::new(out))
    }
}

/// Any text that is UTF-8 and not empty; U+FFFD stands for what was not.
pub(crate) fn is_label_name(name: &str) -> bool {
    !name.is_empty() && !name.contains('\u{FFFD}')
}
