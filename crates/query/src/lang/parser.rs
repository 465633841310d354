//! From text to the tree of [`ast`](super::ast), by recursive descent.
//!
//! Never panics and never recurses deeper than [`DEPTH_MAX`]; the first error
//! ends the parse. Grammar: `docs/query-language.md`.

use foundation::text::beginning;

use super::ast::{Expr, Form, Key, KeyScope, Node, Op, Position, Query, Value};
use super::error::{DEPTH_MAX, FilterError, LENGTH_MAX, Problem, REGEXES_MAX};
use super::lexer::{Lexer, Place, Word};
use super::{number, pattern, printer};

type Result<T> = std::result::Result<T, FilterError>;

/// Reads a filter.
///
/// # Errors
/// The first thing that is wrong, with its place and, where one is likely, a correction.
pub fn parse(text: &str) -> Result<Query> {
    Ok(filter(text, false)?.0)
}

/// Reads a filter and stops at the first stage of a pipe, if there may be one.
pub(super) fn filter(text: &str, pipes: bool) -> Result<(Query, Lexer<'_>)> {
    if text.len() > LENGTH_MAX {
        let cut = beginning(text, LENGTH_MAX).len();
        let at = Position::between(cut, text.len());
        return Err(FilterError::new(Problem::TooLong { length: text.len() }, at));
    }
    let mut parser = Parser { lexer: Lexer::new(text), depth: 0, regexes: 0 };
    parser.lexer.pipes = pipes;
    parser.lexer.skip_space();
    if parser.lexer.peek().is_none() || parser.lexer.at_stage() {
        return Ok((Query { expr: None }, parser.lexer));
    }
    let expr = parser.or()?;
    let start = parser.lexer.offset();
    if parser.lexer.eat(')') {
        return Err(FilterError::new(Problem::UnopenedParenthesis, parser.lexer.since(start)));
    }
    // `or` stops only at the end, at a stage and at a closing parenthesis.
    Ok((Query { expr: Some(expr) }, parser.lexer))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Keyword {
    And,
    Or,
    Not,
}

impl Keyword {
    fn of(word: &Word) -> Option<Self> {
        if word.escaped {
            return None;
        }
        [("AND", Self::And), ("OR", Self::Or), ("NOT", Self::Not)]
            .into_iter()
            .find(|(name, _)| word.text.eq_ignore_ascii_case(name))
            .map(|(_, keyword)| keyword)
    }
}

struct Parser<'a> {
    lexer: Lexer<'a>,
    depth: usize,
    regexes: usize,
}

impl Parser<'_> {
    fn or(&mut self) -> Result<Expr> {
        let start = self.lexer.offset();
        let mut any = vec![self.and()?];
        while self.eat_keyword(Keyword::Or) {
            any.push(self.and()?);
        }
        Ok(self.join(any, start, Node::Or))
    }

    fn and(&mut self) -> Result<Expr> {
        let start = self.lexer.offset();
        let mut all = vec![self.unary()?];
        loop {
            self.lexer.skip_space();
            let ends = self.at_end() || self.peek_keyword() == Some(Keyword::Or);
            if ends {
                break;
            }
            self.eat_keyword(Keyword::And);
            all.push(self.unary()?);
        }
        Ok(self.join(all, start, Node::And))
    }

    /// Whether nothing of this filter, group or set can follow.
    fn at_end(&self) -> bool {
        match self.lexer.peek() {
            None | Some(')') => true,
            Some('}') => self.lexer.in_braces,
            _ => self.lexer.at_stage(),
        }
    }

    /// One operand stands for itself, more make a node.
    fn join(&self, mut operands: Vec<Expr>, start: usize, node: fn(Vec<Expr>) -> Node) -> Expr {
        let end = operands.last().map_or(start, |e| e.at.end());
        match operands.pop() {
            Some(only) if operands.is_empty() => only,
            last => {
                operands.extend(last);
                Expr { node: node(operands), at: Position::between(start, end) }
            }
        }
    }

    fn unary(&mut self) -> Result<Expr> {
        self.lexer.skip_space();
        let start = self.lexer.offset();
        let negated = if self.lexer.eat('-') {
            if self.lexer.at_boundary() {
                return Err(self.missing_operand(start, "directly after"));
            }
            true
        } else {
            self.eat_keyword(Keyword::Not)
        };
        if !negated {
            return self.primary();
        }
        self.deeper(start)?;
        self.lexer.skip_space();
        if self.at_end() {
            return Err(self.missing_operand(start, "after"));
        }
        let inner = self.unary()?;
        self.depth -= 1;
        Ok(Expr { at: Position::between(start, inner.at.end()), node: Node::Not(Box::new(inner)) })
    }

    fn primary(&mut self) -> Result<Expr> {
        let start = self.lexer.offset();
        match self.lexer.peek() {
            Some('(') => self.group(start),
            Some('{') => self.spans(start, false),
            Some('/') => {
                let value = self.regex_literal()?;
                self.boundary()?;
                Ok(Expr { at: value.at, node: Node::Text(value) })
            }
            Some('"') => {
                let (text, at) = self.lexer.quoted()?;
                if self.op_follows(true) {
                    return self.field_after(KeyScope::Attribute, text, start);
                }
                if text.is_empty() {
                    return Err(FilterError::new(Problem::Empty("phrase"), at));
                }
                self.boundary()?;
                Ok(Expr { node: Node::Text(Value { form: Form::Quoted(text), at }), at })
            }
            _ => self.word_term(start),
        }
    }

    fn group(&mut self, start: usize) -> Result<Expr> {
        self.deeper(start)?;
        self.lexer.eat('(');
        self.lexer.skip_space();
        let inner_start = self.lexer.offset();
        if self.lexer.eat(')') {
            return Err(FilterError::new(Problem::Empty("parenthesis"), self.lexer.since(start)));
        }
        if self.lexer.peek().is_none() {
            return Err(FilterError::new(Problem::UnclosedParenthesis, Position::between(start, inner_start)));
        }
        let mut inner = self.or()?;
        self.lexer.skip_space();
        if !self.lexer.eat(')') {
            return Err(self.unclosed(start));
        }
        self.depth -= 1;
        inner.at = self.lexer.since(start);
        Ok(inner)
    }

    /// `{ .. }`, the set of spans for which something holds.
    fn spans(&mut self, start: usize, root: bool) -> Result<Expr> {
        self.deeper(start)?;
        let brace = self.lexer.offset();
        self.lexer.eat('{');
        if self.lexer.in_braces {
            return Err(FilterError::new(Problem::NestedSpans, Position { offset: brace, length: 1 }));
        }
        self.lexer.in_braces = true;
        self.lexer.skip_space();
        let inner = match self.lexer.peek() {
            None | Some('}') => None,
            Some(_) => Some(Box::new(self.or()?)),
        };
        self.lexer.skip_space();
        self.lexer.in_braces = false;
        if !self.lexer.eat('}') {
            let at = Position::between(start, self.lexer.offset() + self.lexer.rest().len());
            let closed = format!("{}}}", self.lexer.source(at).trim_end());
            return Err(FilterError::new(Problem::UnclosedSpans, at).suggest(closed));
        }
        self.depth -= 1;
        self.boundary()?;
        Ok(Expr { node: Node::Spans { root, inner }, at: self.lexer.since(start) })
    }

    /// What begins with a word: a field, `has(key)`, `root{ .. }` or text.
    fn word_term(&mut self, start: usize) -> Result<Expr> {
        let word = self.lexer.word(Place::Term);
        if word.text.is_empty() {
            return Err(self.no_term(start));
        }
        if self.lexer.peek() == Some('{') {
            return self.spans(start, true);
        }
        if self.op_follows(false) || self.lexer.peek() == Some('"') {
            let (scope, name) = KeyScope::split(&word.text);
            let name = name.to_owned();
            return self.field_after(scope, name, start);
        }
        match Keyword::of(&word) {
            // `and` and `or` are read where they join; here one has nothing on its left.
            Some(Keyword::And | Keyword::Or) => return Err(self.missing_operand(start, "before")),
            Some(Keyword::Not) => return Err(self.missing_operand(start, "after")),
            None => {}
        }
        if self.lexer.peek() == Some('(') {
            return self.function(&word, start);
        }
        if self.op_follows(true) {
            let (scope, name) = KeyScope::split(&word.text);
            let name = name.to_owned();
            return self.field_after(scope, name, start);
        }
        if word.text == "&&" {
            let error = FilterError::new(Problem::OtherSpelling("&&", "AND"), word.at);
            return Err(error.suggest("AND"));
        }
        if !word.escaped && word.text.len() > 1 && word.text.starts_with('!') {
            let error = FilterError::new(Problem::OtherSpelling("!", "-"), Position { offset: start, length: 1 });
            return Err(error.suggest("-"));
        }
        self.boundary()?;
        let form = if word.stars.is_empty() { Form::Word(word.text) } else { Form::Pattern(word.pieces()) };
        Ok(Expr { node: Node::Text(Value { form, at: word.at }), at: word.at })
    }

    fn function(&mut self, word: &Word, start: usize) -> Result<Expr> {
        if word.escaped || !word.text.eq_ignore_ascii_case("has") {
            let likely = ["exists", "exist", "defined", "hass", "is", "_exists_"].contains(&word.text.as_str());
            let error = FilterError::new(
                if likely { Problem::UnknownFunction(word.text.clone()) } else { Problem::MissingSpace('(') },
                if likely { word.at } else { Position { offset: self.lexer.offset(), length: 1 } },
            );
            return Err(error.suggest_if(likely.then_some("has").or((!likely).then_some(" ("))));
        }
        self.lexer.eat('(');
        self.lexer.skip_space();
        let key_start = self.lexer.offset();
        let (scope, name) = match self.lexer.peek() {
            Some('"') => (KeyScope::Attribute, String::new()),
            _ => {
                let key = self.lexer.word(Place::Term);
                let (scope, name) = KeyScope::split(&key.text);
                (scope, name.to_owned())
            }
        };
        let key = self.rest_of_key(scope, name, key_start);
        let key = match key {
            Err(FilterError { problem: Problem::MissingKey(_), .. }) => {
                self.lexer.eat(')');
                return Err(FilterError::new(Problem::Empty("`has()`"), self.lexer.since(start)));
            }
            other => other?,
        };
        self.lexer.skip_space();
        if self.lexer.peek().is_none() {
            return Err(self.unclosed(start));
        }
        if !self.lexer.eat(')') {
            let word = self.lexer.word(Place::Value);
            let at = Position { length: word.at.length.max(1), ..word.at };
            return Err(FilterError::new(Problem::HasTakesKey, at));
        }
        self.boundary()?;
        Ok(Expr { node: Node::Has(key), at: self.lexer.since(start) })
    }

    /// Whether an operator is next, perhaps after a space; `:` never stands after a space.
    fn op_follows(&self, may_be_spaced: bool) -> bool {
        let mut ahead = self.lexer.clone();
        let spaced = may_be_spaced && ahead.skip_space();
        ahead.peek_op().is_some_and(|(op, _)| !spaced || op != Op::Match)
    }

    /// Reads quoted and bare parts that follow `name` without a space: `http."weird key".x`.
    fn rest_of_key(&mut self, mut scope: KeyScope, mut name: String, start: usize) -> Result<Key> {
        loop {
            if self.lexer.peek() == Some('"') {
                name.push_str(&self.lexer.quoted()?.0);
                if scope == KeyScope::Auto {
                    scope = KeyScope::Attribute;
                }
                continue;
            }
            let word = self.lexer.word(Place::Term);
            if word.text.is_empty() {
                break;
            }
            name.push_str(&word.text);
        }
        let at = self.lexer.since(start);
        if name.is_empty() {
            let op = self.lexer.peek_op().map_or(")", |(op, _)| op.text());
            return Err(FilterError::new(Problem::MissingKey(op), at));
        }
        Ok(Key { scope, name, at })
    }

    /// Reads the rest of a field condition; the first part of its key has been read.
    fn field_after(&mut self, scope: KeyScope, name: String, start: usize) -> Result<Expr> {
        let key = self.rest_of_key(scope, name, start)?;
        self.lexer.skip_space();
        let Some((op, length)) = self.lexer.peek_op() else {
            // `word"quoted"`: the quote made it look like a key.
            let quote = self.lexer.source(key.at).find('"').map_or(start, |at| start + at);
            let at = Position { offset: quote, length: 1 };
            return Err(FilterError::new(Problem::MissingSpace('"'), at).suggest(" \""));
        };
        self.lexer.advance(length);
        let value = match op {
            Op::Match => self.value(&key, op, false)?,
            _ => {
                let spaced = self.lexer.skip_space();
                self.value(&key, op, spaced)?
            }
        };
        self.boundary()?;
        Ok(Expr { node: Node::Field { key, op, value }, at: self.lexer.since(start) })
    }

    fn value(&mut self, key: &Key, op: Op, spaced: bool) -> Result<Value> {
        let start = self.lexer.offset();
        if matches!(op, Op::Regex | Op::NotRegex) {
            return self.regex_value(key, op, spaced);
        }
        match self.lexer.peek() {
            Some('"') => {
                let (text, at) = self.lexer.quoted()?;
                Ok(Value { form: Form::Quoted(text), at })
            }
            Some('(') if matches!(op, Op::Match | Op::Eq | Op::Ne) => self.list(key, op, start),
            Some('(') => Err(FilterError::new(Problem::MisplacedList, Position { offset: start, length: 1 })),
            _ => {
                let word = self.lexer.word(Place::Value);
                if word.text.is_empty() || (spaced && Keyword::of(&word).is_some()) {
                    return Err(self.empty_value(key, op));
                }
                word_value(word, op, key, &self.lexer)
            }
        }
    }

    fn list(&mut self, key: &Key, op: Op, start: usize) -> Result<Value> {
        self.lexer.eat('(');
        let mut items = Vec::new();
        loop {
            self.lexer.skip_space();
            let item_start = self.lexer.offset();
            match self.lexer.peek() {
                None => return Err(self.unclosed(start)),
                Some('"') => {
                    let (text, at) = self.lexer.quoted()?;
                    items.push(Value { form: Form::Quoted(text), at });
                }
                Some('(') => {
                    return Err(FilterError::new(Problem::MisplacedList, Position { offset: item_start, length: 1 }));
                }
                _ => {
                    let word = self.lexer.word(Place::Item);
                    if word.text.is_empty() {
                        return Err(self.bad_item(items.is_empty(), start));
                    }
                    items.push(word_value(word, op, key, &self.lexer)?);
                }
            }
            let item_end = self.lexer.offset();
            self.lexer.skip_space();
            if self.lexer.eat(')') {
                return Ok(Value { form: Form::List(items), at: self.lexer.since(start) });
            }
            if self.lexer.peek().is_some() && !self.lexer.eat(',') {
                return Err(self.list_comma(item_end));
            }
        }
    }

    fn regex_value(&mut self, key: &Key, op: Op, spaced: bool) -> Result<Value> {
        let start = self.lexer.offset();
        let (text, at) = match self.lexer.peek() {
            Some('"') => self.lexer.quoted()?,
            Some('/') => return self.regex_literal(),
            _ => {
                let word = self.lexer.word(Place::Value);
                if !self.lexer.at_boundary() {
                    self.lexer.skip_to_space();
                    let at = self.lexer.since(start);
                    let quoted = printer::quote(self.lexer.source(at));
                    return Err(FilterError::new(Problem::UnquotedRegex, at).suggest(quoted));
                }
                if word.text.is_empty() || (spaced && Keyword::of(&word).is_some()) {
                    return Err(self.empty_value(key, op));
                }
                // Escapes belong to the regex, so the text counts as written.
                (self.lexer.source(word.at).to_owned(), word.at)
            }
        };
        if text.is_empty() {
            return Err(FilterError::new(Problem::Empty("regex"), self.lexer.since(start)));
        }
        self.checked_regex(text, at)
    }

    fn regex_literal(&mut self) -> Result<Value> {
        let (text, at) = self.lexer.regex()?;
        if text.is_empty() {
            return Err(FilterError::new(Problem::Empty("regex"), at));
        }
        self.checked_regex(text, at)
    }

    fn checked_regex(&mut self, pattern: String, at: Position) -> Result<Value> {
        self.regexes += 1;
        if self.regexes > REGEXES_MAX {
            return Err(FilterError::new(Problem::TooManyRegexes, at));
        }
        match pattern::check(&pattern) {
            Ok(()) => Ok(Value { form: Form::Regex(pattern), at }),
            Err(reason) => Err(FilterError::new(Problem::Regex { reason }, at)),
        }
    }

    fn deeper(&mut self, start: usize) -> Result<()> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(FilterError::new(Problem::TooDeep, Position { offset: start, length: 1 }));
        }
        Ok(())
    }

    fn peek_keyword(&self) -> Option<Keyword> {
        let mut ahead = self.lexer.clone();
        let keyword = Keyword::of(&ahead.word(Place::Term))?;
        // `or:x` is a field and `or(` cannot be a word joined to something.
        ahead.peek_op().is_none().then_some(keyword)
    }

    fn eat_keyword(&mut self, wanted: Keyword) -> bool {
        let before = self.lexer.clone();
        self.lexer.skip_space();
        if self.peek_keyword() == Some(wanted) {
            self.lexer.word(Place::Term);
            return true;
        }
        self.lexer = before;
        false
    }

    /// A condition has ended: what comes next must not touch it.
    fn boundary(&self) -> Result<()> {
        if self.lexer.at_boundary() {
            return Ok(());
        }
        let start = self.lexer.offset();
        let next = self.lexer.peek().unwrap_or(' ');
        let at = Position { offset: start, length: next.len_utf8() };
        if next == '|' {
            return Err(self.reserved_bar());
        }
        Err(FilterError::new(Problem::MissingSpace(next), at).suggest(format!(" {next}")))
    }
}

/// The complaints, with what was probably meant.
impl Parser<'_> {
    fn missing_operand(&self, start: usize, side: &'static str) -> FilterError {
        let at = self.lexer.since(start);
        let word = self.lexer.source(at).trim_end().to_owned();
        FilterError::new(Problem::MissingOperand { word, side }, at)
    }

    /// Nothing that can begin a condition is next.
    fn no_term(&mut self, start: usize) -> FilterError {
        match self.lexer.peek() {
            // `a AND` and `a OR (b AND)`: what is missing was announced just before.
            next if matches!(next, None | Some(')')) || self.at_end() => {
                let before = self.lexer.source(Position::between(0, start)).trim_end();
                let word = before.rsplit(|c: char| c.is_whitespace() || c == '(' || c == '{').next().unwrap_or("");
                let at = Position { offset: before.len() - word.len(), length: word.len() };
                if word.is_empty() || before.is_empty() {
                    return FilterError::new(Problem::UnopenedParenthesis, Position { offset: start, length: 1 });
                }
                FilterError::new(Problem::MissingOperand { word: word.to_owned(), side: "after" }, at)
            }
            Some('|') => self.reserved_bar(),
            other => match self.lexer.peek_op() {
                Some((op, length)) => {
                    FilterError::new(Problem::MissingKey(op.text()), Position { offset: start, length })
                }
                None => {
                    let other = other.unwrap_or(' ');
                    FilterError::new(Problem::MissingSpace(other), Position { offset: start, length: other.len_utf8() })
                }
            },
        }
    }

    fn reserved_bar(&self) -> FilterError {
        let offset = self.lexer.offset();
        if self.lexer.rest().starts_with("||") {
            let at = Position { offset, length: 2 };
            return FilterError::new(Problem::OtherSpelling("||", "OR"), at).suggest("OR");
        }
        FilterError::new(Problem::Reserved('|'), Position { offset, length: 1 })
    }

    fn empty_value(&self, key: &Key, op: Op) -> FilterError {
        let mut ahead = self.lexer.clone();
        let written = self.lexer.source(key.at).to_owned();
        let at = Position::between(key.at.offset, ahead.offset());
        let error = FilterError::new(Problem::EmptyValue { key: written.clone(), op: op.text() }, at);
        if op != Op::Match || !ahead.skip_space() {
            return error;
        }
        let word = ahead.word(Place::Term);
        if word.text.is_empty() || Keyword::of(&word).is_some() || ahead.peek_op().is_some() {
            return error;
        }
        let at = Position::between(key.at.offset, ahead.offset());
        let joined = format!("{written}:{}", ahead.source(word.at));
        FilterError { at, ..error }.suggest(joined)
    }

    fn unclosed(&self, start: usize) -> FilterError {
        let at = Position::between(start, self.lexer.offset() + self.lexer.rest().len());
        let closed = format!("{})", self.lexer.source(at).trim_end());
        FilterError::new(Problem::UnclosedParenthesis, at).suggest(closed)
    }

    fn bad_item(&mut self, first: bool, start: usize) -> FilterError {
        let offset = self.lexer.offset();
        if self.lexer.eat(')') && first {
            return FilterError::new(Problem::Empty("list"), self.lexer.since(start));
        }
        if self.lexer.peek() == Some('|') {
            return self.reserved_bar();
        }
        FilterError::new(Problem::MissingItem, Position { offset, length: 1 })
    }

    /// Two values without a comma: `(a b)`, or `(a OR b)`, the habit of Lucene. `end` is where the first one ends.
    fn list_comma(&self, end: usize) -> FilterError {
        let mut ahead = self.lexer.clone();
        let next = ahead.offset();
        let word = ahead.word(Place::Item);
        let or = Keyword::of(&word) == Some(Keyword::Or);
        let at = Position::between(end, if or { word.at.end() } else { next });
        FilterError::new(Problem::ListComma, at).suggest(if or { "," } else { ", " })
    }
}

/// What a bare value is: a range, a pattern or a word.
fn word_value(word: Word, op: Op, key: &Key, lexer: &Lexer<'_>) -> Result<Value> {
    let at = word.at;
    if let Some((low, high)) = number::split_range(&word, &key.name) {
        if op != Op::Match {
            let fixed = format!("{}:{}", lexer.source(key.at), lexer.source(at));
            let at = Position::between(key.at.offset, at.end());
            return Err(FilterError::new(Problem::MisplacedRange, at).suggest(fixed));
        }
        return Ok(Value { form: Form::Range { low, high }, at });
    }
    let form =
        if op == Op::Match && !word.stars.is_empty() { Form::Pattern(word.pieces()) } else { Form::Word(word.text) };
    Ok(Value { form, at })
}
