//! Duration expressions: inside brackets with all operators, after `offset`
//! only one operand, so that `foo offset 5m + 1` adds 1 to `foo offset 5m`.

use super::Parser;
use crate::ast::{BinaryOp, DurationExpr, DurationKind, Number, Span};
use crate::error::ParseError;
use crate::lexer::Tok;

/// What fits in 64 bits of nanoseconds.
const MAX_SECONDS: f64 = 9_223_372_036.854_775;

impl Parser<'_> {
    /// The duration of a range or step: a literal must be positive.
    pub(super) fn positive_duration(&mut self, context: &str) -> Result<DurationExpr, ParseError> {
        let expr = self.duration_expr(0, context)?;
        if let DurationKind::Literal(n) = expr.kind
            && n.value <= 0.0
        {
            return Err(self.error(expr.span, "duration must be greater than 0"));
        }
        Ok(expr)
    }

    /// The duration after `offset`.
    pub(super) fn offset_duration(&mut self) -> Result<DurationExpr, ParseError> {
        self.duration_operand("offset", true)
    }

    fn duration_expr(&mut self, min: u8, context: &str) -> Result<DurationExpr, ParseError> {
        self.enter()?;
        let mut lhs = self.duration_operand(context, false)?;
        let chained = self.chained;
        while let Some(op) = self.duration_op() {
            if op.precedence() < min {
                break;
            }
            self.advance();
            self.chain()?;
            let next = if op == BinaryOp::Pow { op.precedence() } else { op.precedence() + 1 };
            let rhs = self.duration_expr(next, context)?;
            self.check_divisor(op, &rhs)?;
            let span = lhs.span.to(rhs.span);
            lhs = DurationExpr { span, kind: DurationKind::Binary(op, Box::new(lhs), Box::new(rhs)) };
        }
        self.chained = chained;
        self.leave();
        Ok(lhs)
    }

    fn duration_op(&self) -> Option<BinaryOp> {
        Some(match self.peek() {
            Tok::Add => BinaryOp::Add,
            Tok::Sub => BinaryOp::Sub,
            Tok::Mul => BinaryOp::Mul,
            Tok::Div => BinaryOp::Div,
            Tok::Mod => BinaryOp::Mod,
            Tok::Pow => BinaryOp::Pow,
            _ => return None,
        })
    }

    fn check_divisor(&self, op: BinaryOp, rhs: &DurationExpr) -> Result<(), ParseError> {
        let zero = matches!(rhs.kind, DurationKind::Literal(n) if n.value == 0.0);
        match op {
            BinaryOp::Div if zero => Err(self.error(rhs.span, "division by zero")),
            BinaryOp::Mod if zero => Err(self.error(rhs.span, "modulo by zero")),
            _ => Ok(()),
        }
    }

    /// One operand with its signs. `single` is after `offset`, where a sign
    /// binds only to the operand itself.
    fn duration_operand(&mut self, context: &str, single: bool) -> Result<DurationExpr, ParseError> {
        let token = self.token();
        if !matches!(token.tok, Tok::Add | Tok::Sub) {
            return self.duration_primary(context);
        }
        self.advance();
        let operand = if single {
            self.duration_primary(context)?
        } else {
            // A sign binds like multiplication: `-2^2` is `-(2^2)`.
            self.duration_expr(BinaryOp::Pow.precedence(), context)?
        };
        let span = token.span.to(operand.span);
        let negative = token.tok == Tok::Sub;
        let kind = match operand.kind {
            DurationKind::Literal(n) => {
                let value = if negative { -n.value } else { n.value };
                DurationKind::Literal(Number { value, ..n })
            }
            _ if negative => DurationKind::Negative(Box::new(operand)),
            _ => DurationKind::Positive(Box::new(operand)),
        };
        Ok(DurationExpr { span, kind })
    }

    fn duration_primary(&mut self, context: &str) -> Result<DurationExpr, ParseError> {
        if let Some((number, span)) = self.number()? {
            if number.value.is_nan() || number.value.abs() > MAX_SECONDS {
                return Err(self.error(span, "duration out of range"));
            }
            return Ok(DurationExpr { span, kind: DurationKind::Literal(number) });
        }
        let start = self.token().span;
        if self.accept(Tok::LeftParen).is_some() {
            let inner = self.duration_expr(0, context)?;
            let close = self.expect(Tok::RightParen, context, "\")\"")?;
            return Ok(DurationExpr { span: start.to(close.span), kind: DurationKind::Paren(Box::new(inner)) });
        }
        let word = self.word().unwrap_or("").to_ascii_lowercase();
        let kind = match word.as_str() {
            "step" | "range" => {
                self.advance();
                self.expect(Tok::LeftParen, context, "\"(\"")?;
                if word == "step" { DurationKind::Step } else { DurationKind::Range }
            }
            "min_of" | "max_of" => {
                self.advance();
                self.expect(Tok::LeftParen, context, "\"(\"")?;
                let a = Box::new(self.duration_expr(0, context)?);
                self.expect(Tok::Comma, context, "\",\"")?;
                let b = Box::new(self.duration_expr(0, context)?);
                if word == "min_of" { DurationKind::MinOf(a, b) } else { DurationKind::MaxOf(a, b) }
            }
            _ => return Err(self.unexpected(context, "number, duration, step(), or range()")),
        };
        let close = self.expect(Tok::RightParen, context, "\")\"")?;
        Ok(DurationExpr { span: Span { start: start.start, end: close.span.end }, kind })
    }
}
