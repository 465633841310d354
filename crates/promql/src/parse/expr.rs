//! Expressions: operators, aggregations, calls, literals.

use super::Parser;
use crate::ast::{
    Aggregate, AggregateOp, Binary, BinaryOp, Call, Cardinality, Expr, ExprKind, Fill, Number, Span, VectorMatching,
};
use crate::error::ParseError;
use crate::functions::{FUNCTIONS, function};
use crate::lexer::Tok;
use crate::number::{parse_duration, parse_number};
use crate::text::unquote;

/// Words that cannot be a metric name.
const RESERVED: [&str; 6] = ["bool", "on", "ignoring", "group_left", "group_right", "atan2"];

/// Unary operators bind like multiplication: `-1^2` is `-(1^2)`.
const UNARY_PRECEDENCE: u8 = 5;

impl Parser<'_> {
    /// An expression whose operators all bind at least as tightly as `min`.
    pub(super) fn expr(&mut self, min: u8) -> Result<Expr, ParseError> {
        self.enter()?;
        let mut lhs = self.prefix()?;
        let chained = self.chained;
        while let Some((op, op_start)) = self.binary_op() {
            let precedence = op.precedence();
            if precedence < min {
                break;
            }
            self.advance();
            self.chain()?;
            let (return_bool, matching) = self.binary_modifiers()?;
            let op_span = Span { start: op_start.start, end: self.last_end() };
            let next_min = if op == BinaryOp::Pow { precedence } else { precedence + 1 };
            let rhs = self.expr(next_min)?;
            lhs = binary(op, op_span, lhs, rhs, return_bool, matching);
        }
        self.chained = chained;
        self.leave();
        Ok(lhs)
    }

    /// Where the last consumed token ended.
    pub(super) fn last_end(&self) -> usize {
        self.at.checked_sub(1).and_then(|at| self.tokens.get(at)).map_or(0, |t| t.span.end)
    }

    fn binary_op(&self) -> Option<(BinaryOp, Span)> {
        let token = self.token();
        let op = match token.tok {
            Tok::Add => BinaryOp::Add,
            Tok::Sub => BinaryOp::Sub,
            Tok::Mul => BinaryOp::Mul,
            Tok::Div => BinaryOp::Div,
            Tok::Mod => BinaryOp::Mod,
            Tok::Pow => BinaryOp::Pow,
            Tok::Eq => BinaryOp::Eq,
            Tok::Ne => BinaryOp::Ne,
            Tok::Gt => BinaryOp::Gt,
            Tok::Lt => BinaryOp::Lt,
            Tok::Ge => BinaryOp::Ge,
            Tok::Le => BinaryOp::Le,
            Tok::TrimUpper => BinaryOp::TrimUpper,
            Tok::TrimLower => BinaryOp::TrimLower,
            Tok::Word => match self.slice(token.span).to_ascii_lowercase().as_str() {
                "and" => BinaryOp::And,
                "or" => BinaryOp::Or,
                "unless" => BinaryOp::Unless,
                "atan2" => BinaryOp::Atan2,
                _ => return None,
            },
            _ => return None,
        };
        Some((op, token.span))
    }

    /// `bool`, `on(..)`, `ignoring(..)`, `group_left(..)`, `fill(..)`, in this order.
    fn binary_modifiers(&mut self) -> Result<(bool, VectorMatching), ParseError> {
        let mut matching = VectorMatching {
            card: Cardinality::OneToOne,
            labels: Vec::new(),
            on: false,
            include: Vec::new(),
            fill: Fill::default(),
        };
        let return_bool = self.accept_keyword("bool").is_some();
        let on = self.is_keyword("on");
        if on || self.is_keyword("ignoring") {
            self.advance();
            matching.on = on;
            matching.labels = self.grouping_labels()?;
            let left = self.is_keyword("group_left");
            if left || self.is_keyword("group_right") {
                self.advance();
                matching.card = if left { Cardinality::ManyToOne } else { Cardinality::OneToMany };
                if self.peek() == Tok::LeftParen {
                    matching.include = self.grouping_labels()?;
                }
            }
        }
        self.fill_modifiers(&mut matching.fill)?;
        Ok((return_bool, matching))
    }

    /// `fill(0)`, or `fill_left(0)` and `fill_right(0)` in any order. These
    /// words are metric names unless a parenthesis follows.
    fn fill_modifiers(&mut self, fill: &mut Fill) -> Result<(), ParseError> {
        if self.fill_keyword("fill") {
            let value = self.fill_value()?;
            *fill = Fill { left: Some(value), right: Some(value) };
            return Ok(());
        }
        loop {
            if fill.left.is_none() && self.fill_keyword("fill_left") {
                fill.left = Some(self.fill_value()?);
            } else if fill.right.is_none() && self.fill_keyword("fill_right") {
                fill.right = Some(self.fill_value()?);
            } else {
                return Ok(());
            }
        }
    }

    fn fill_keyword(&mut self, keyword: &str) -> bool {
        self.token_at(1).tok == Tok::LeftParen && self.accept_keyword(keyword).is_some()
    }

    fn fill_value(&mut self) -> Result<f64, ParseError> {
        self.expect(Tok::LeftParen, "fill modifier", "\"(\"")?;
        let value = self.signed_number("fill modifier", "number")?;
        self.expect(Tok::RightParen, "fill modifier", "\")\"")?;
        Ok(value)
    }

    /// A number or duration literal with an optional sign.
    pub(super) fn signed_number(&mut self, context: &str, expected: &str) -> Result<f64, ParseError> {
        let negative = match self.peek() {
            Tok::Add | Tok::Sub => self.advance().tok == Tok::Sub,
            _ => false,
        };
        let number = self.number()?.ok_or_else(|| self.unexpected(context, expected))?;
        Ok(if negative { -number.0.value } else { number.0.value })
    }

    /// A number or duration literal, when there is one.
    pub(super) fn number(&mut self) -> Result<Option<(Number, Span)>, ParseError> {
        let token = self.token();
        let text = self.slice(token.span);
        let is_word = token.tok == Tok::Word && ["inf", "nan"].iter().any(|w| w.eq_ignore_ascii_case(text));
        let number = match token.tok {
            Tok::Duration => {
                let millis = parse_duration(text)
                    .ok_or_else(|| self.error(token.span, format!("not a valid duration string: {text:?}")))?;
                Number { value: millis as f64 / 1000.0, as_duration: true }
            }
            _ if is_word || token.tok == Tok::Number => {
                let value = parse_number(text)
                    .ok_or_else(|| self.error(token.span, format!("error parsing number: {text:?} is not a number")))?;
                Number { value, as_duration: false }
            }
            _ => return Ok(None),
        };
        self.advance();
        Ok(Some((number, token.span)))
    }

    /// Signs, then an operand with its postfix modifiers.
    fn prefix(&mut self) -> Result<Expr, ParseError> {
        let token = self.token();
        if !matches!(token.tok, Tok::Add | Tok::Sub) {
            let operand = self.primary()?;
            return self.postfix(operand);
        }
        self.advance();
        let negative = token.tok == Tok::Sub;
        let mut operand = self.expr(UNARY_PRECEDENCE + 1)?;
        let span = token.span.to(operand.span);
        if let ExprKind::Number(number) = &mut operand.kind {
            if negative {
                number.value = -number.value;
            }
            operand.span = span;
            return Ok(operand);
        }
        Ok(Expr { span, kind: ExprKind::Unary { negative, expr: Box::new(operand) } })
    }

    fn primary(&mut self) -> Result<Expr, ParseError> {
        if let Some((number, span)) = self.number()? {
            return Ok(Expr { span, kind: ExprKind::Number(number) });
        }
        let token = self.token();
        match token.tok {
            Tok::LeftParen => {
                self.advance();
                let inner = self.expr(0)?;
                let close = self.expect(Tok::RightParen, "parenthesized expression", "\")\"")?;
                Ok(Expr { span: token.span.to(close.span), kind: ExprKind::Paren(Box::new(inner)) })
            }
            Tok::Text => {
                self.advance();
                Ok(Expr { span: token.span, kind: ExprKind::String(self.unquoted(token.span)?) })
            }
            Tok::LeftBrace => self.vector_selector(),
            Tok::Word => self.word_expr(),
            _ => Err(self.unexpected("", "")),
        }
    }

    pub(super) fn unquoted(&self, span: Span) -> Result<String, ParseError> {
        unquote(self.slice(span)).map_err(|message| self.error(span, message))
    }

    /// An aggregation, a call or a selector: decided by what follows the word.
    fn word_expr(&mut self) -> Result<Expr, ParseError> {
        let text = self.word().unwrap_or("");
        let next = self.token_at(1);
        let call = next.tok == Tok::LeftParen;
        if let Some(op) = AggregateOp::from_name(text) {
            let next_word = if next.tok == Tok::Word { self.slice(next.span) } else { "" };
            if call || next_word.eq_ignore_ascii_case("by") || next_word.eq_ignore_ascii_case("without") {
                return self.aggregate(op);
            }
        }
        if RESERVED.iter().any(|w| w.eq_ignore_ascii_case(text)) {
            return Err(self.unexpected("", ""));
        }
        if call { self.call(text) } else { self.vector_selector() }
    }

    fn aggregate(&mut self, op: AggregateOp) -> Result<Expr, ParseError> {
        let start = self.advance().span;
        let mut modifier = self.aggregate_modifier()?;
        let mut args = self.arguments("aggregation")?;
        if modifier.is_none() {
            modifier = self.aggregate_modifier()?;
        }
        let span = Span { start: start.start, end: self.last_end() };
        if args.is_empty() {
            return Err(self.error(span, "no arguments for aggregate expression provided"));
        }
        let want = if op.param_type().is_some() { 2 } else { 1 };
        if args.len() != want {
            let got = args.len();
            let message =
                format!("wrong number of arguments for aggregate expression provided, expected {want}, got {got}");
            return Err(self.error(span, message));
        }
        let expr = args.pop().ok_or_else(|| self.error(span, "no arguments for aggregate expression provided"))?;
        let (without, grouping) = modifier.unwrap_or_default();
        let aggregate = Aggregate { op, expr, param: args.pop(), grouping, without };
        Ok(Expr { span, kind: ExprKind::Aggregate(Box::new(aggregate)) })
    }

    fn aggregate_modifier(&mut self) -> Result<Option<(bool, Vec<String>)>, ParseError> {
        let without = self.is_keyword("without");
        if !without && !self.is_keyword("by") {
            return Ok(None);
        }
        self.advance();
        Ok(Some((without, self.grouping_labels()?)))
    }

    fn call(&mut self, name: &str) -> Result<Expr, ParseError> {
        let start = self.advance().span;
        let function = function(name).ok_or_else(|| {
            self.error(start, format!("unknown function with name {name:?}")).suggest(nearest_function(name))
        })?;
        let args = self.arguments("function call")?;
        let span = Span { start: start.start, end: self.last_end() };
        Ok(Expr { span, kind: ExprKind::Call(Box::new(Call { function, args })) })
    }

    fn arguments(&mut self, context: &str) -> Result<Vec<Expr>, ParseError> {
        self.expect(Tok::LeftParen, context, "\"(\"")?;
        let mut args = Vec::new();
        if self.accept(Tok::RightParen).is_some() {
            return Ok(args);
        }
        loop {
            args.push(self.expr(0)?);
            if self.accept(Tok::RightParen).is_some() {
                return Ok(args);
            }
            let comma = self.expect(Tok::Comma, context, "\",\" or \")\"")?;
            if self.peek() == Tok::RightParen {
                return Err(self.error(comma.span, "trailing commas not allowed in function call args"));
            }
        }
    }
}

fn binary(op: BinaryOp, op_span: Span, lhs: Expr, rhs: Expr, return_bool: bool, matching: VectorMatching) -> Expr {
    let span = lhs.span.to(rhs.span);
    let mut matching = Some(matching);
    if let Some(m) = matching.as_mut()
        && op.is_set()
        && m.card == Cardinality::OneToOne
    {
        m.card = Cardinality::ManyToMany;
    }
    Expr { span, kind: ExprKind::Binary(Box::new(Binary { op, op_span, lhs, rhs, return_bool, matching })) }
}

/// The function or aggregation that was probably meant.
fn nearest_function(name: &str) -> Option<String> {
    let lower = name.to_ascii_lowercase();
    if function(&lower).is_some() {
        return Some(lower);
    }
    let aggregates = AggregateOp::ALL.iter().map(|(n, _)| *n);
    crate::error::nearest(&lower, FUNCTIONS.iter().map(|f| f.name).chain(aggregates))
}
