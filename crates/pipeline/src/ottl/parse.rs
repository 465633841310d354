//! Tokens to the tree of a statement or condition, by recursive descent.

use super::Problem;
use super::ast::{Call, Expr, Key, Kind, Path, Statement, Test};
use super::lex::{Token, tokens};
use super::value::Val;

/// Parentheses, lists and calls in each other.
const DEPTH_MAX: usize = 64;

struct Parser {
    tokens: Vec<(Token, usize)>,
    next: usize,
    depth: usize,
}

/// Parses a whole statement.
pub(super) fn statement(text: &str) -> Result<Statement, Problem> {
    let mut p = Parser::new(text)?;
    let at = p.at();
    let Token::Name(name) = p.peek().clone() else {
        return Err(Problem::new(at, "a statement begins with the name of an editor, for example `set(...)`"));
    };
    p.next += 1;
    if *p.peek() != Token::Sign("(") {
        return Err(Problem::new(at, format!("a statement is a call: `{name}(...)`")));
    }
    let editor = p.call(name, at)?;
    let test = match p.peek() {
        Token::Name(word) if word == "where" => {
            p.next += 1;
            Some(p.or()?)
        }
        _ => None,
    };
    p.end()?;
    Ok(Statement { editor, test })
}

/// Parses a whole condition.
pub(super) fn condition(text: &str) -> Result<Test, Problem> {
    let mut p = Parser::new(text)?;
    let test = p.or()?;
    p.end()?;
    Ok(test)
}

const COMPARISONS: [&str; 6] = ["==", "!=", "<=", ">=", "<", ">"];

impl Parser {
    fn new(text: &str) -> Result<Self, Problem> {
        Ok(Self { tokens: tokens(text)?, next: 0, depth: 0 })
    }

    fn peek(&self) -> &Token {
        self.tokens.get(self.next).map_or(&Token::End, |(token, _)| token)
    }

    fn at(&self) -> usize {
        self.tokens.get(self.next).or(self.tokens.last()).map_or(0, |(_, at)| *at)
    }

    fn sign(&mut self, sign: &str) -> bool {
        let is = matches!(self.peek(), Token::Sign(s) if *s == sign);
        self.next += usize::from(is);
        is
    }

    fn word(&mut self, word: &str) -> bool {
        let is = matches!(self.peek(), Token::Name(w) if w == word);
        self.next += usize::from(is);
        is
    }

    fn expect(&mut self, sign: &str) -> Result<(), Problem> {
        if self.sign(sign) { Ok(()) } else { Err(self.unexpected(&format!("`{sign}`"))) }
    }

    fn unexpected(&self, wanted: &str) -> Problem {
        let found = match self.peek() {
            Token::Text(t) => format!("the text \"{t}\""),
            Token::Bytes(_) => "bytes".to_owned(),
            Token::Int(i) => format!("`{i}`"),
            Token::Float(f) => format!("`{f}`"),
            Token::Name(n) => format!("`{n}`"),
            Token::Sign(s) => format!("`{s}`"),
            Token::End => "the end".to_owned(),
        };
        Problem::new(self.at(), format!("{wanted} is expected here, not {found}"))
    }

    fn end(&self) -> Result<(), Problem> {
        match self.peek() {
            Token::End => Ok(()),
            _ => Err(self.unexpected("an operator or the end")),
        }
    }

    fn deeper<T>(&mut self, parse: impl FnOnce(&mut Self) -> Result<T, Problem>) -> Result<T, Problem> {
        if self.depth == DEPTH_MAX {
            return Err(Problem::new(self.at(), format!("it nests deeper than {DEPTH_MAX}")));
        }
        self.depth += 1;
        let out = parse(self);
        self.depth -= 1;
        out
    }

    fn or(&mut self) -> Result<Test, Problem> {
        let mut tests = vec![self.and()?];
        while self.word("or") {
            tests.push(self.and()?);
        }
        Ok(if tests.len() == 1 { tests.swap_remove(0) } else { Test::Or(tests) })
    }

    fn and(&mut self) -> Result<Test, Problem> {
        let mut tests = vec![self.not()?];
        while self.word("and") {
            tests.push(self.not()?);
        }
        Ok(if tests.len() == 1 { tests.swap_remove(0) } else { Test::And(tests) })
    }

    fn not(&mut self) -> Result<Test, Problem> {
        if self.word("not") {
            return Ok(Test::Not(Box::new(self.deeper(Self::not)?)));
        }
        self.deeper(Self::comparison)
    }

    fn comparison(&mut self) -> Result<Test, Problem> {
        // A parenthesis begins a group of tests or of numbers; what comes behind it tells which.
        if *self.peek() == Token::Sign("(") {
            let before = self.next;
            self.next += 1;
            let group = self.or().and_then(|test| self.expect(")").map(|()| test));
            let is_number = matches!(self.peek(), Token::Sign(s) if COMPARISONS.contains(s) || "+-*/".contains(*s));
            match group {
                Ok(test) if !is_number => return Ok(test),
                Ok(_) => self.next = before,
                Err(group) => {
                    let reached = self.next;
                    self.next = before;
                    // Whichever reading came further says what is wrong.
                    return self.compared().map_err(|e| if self.next > reached { e } else { group });
                }
            }
        }
        self.compared()
    }

    fn compared(&mut self) -> Result<Test, Problem> {
        let left = self.sum()?;
        match COMPARISONS.iter().find(|op| *self.peek() == Token::Sign(op)) {
            Some(op) => {
                self.next += 1;
                Ok(Test::Compare(op, left, self.sum()?))
            }
            None => Ok(Test::Value(left)),
        }
    }

    fn sum(&mut self) -> Result<Expr, Problem> {
        self.chain(['+', '-'], Self::product)
    }

    fn product(&mut self) -> Result<Expr, Problem> {
        self.chain(['*', '/'], Self::operand)
    }

    fn chain(&mut self, ops: [char; 2], part: fn(&mut Self) -> Result<Expr, Problem>) -> Result<Expr, Problem> {
        let mut left = part(self)?;
        loop {
            let (at, op) = match self.peek() {
                Token::Sign("+") => (self.at(), '+'),
                Token::Sign("-") => (self.at(), '-'),
                Token::Sign("*") => (self.at(), '*'),
                Token::Sign("/") => (self.at(), '/'),
                _ => return Ok(left),
            };
            if !ops.contains(&op) {
                return Ok(left);
            }
            self.next += 1;
            let right = part(self)?;
            left = Expr { at, kind: Kind::Math(op, Box::new(left), Box::new(right)) };
        }
    }

    fn operand(&mut self) -> Result<Expr, Problem> {
        self.deeper(Self::operand_inside)
    }

    fn operand_inside(&mut self) -> Result<Expr, Problem> {
        let at = self.at();
        let literal = |v: Val| Ok(Expr { at, kind: Kind::Literal(v) });
        match self.peek().clone() {
            Token::Text(text) => {
                self.next += 1;
                literal(text.into())
            }
            Token::Bytes(bytes) => {
                self.next += 1;
                literal(Val::bytes(bytes))
            }
            Token::Int(i) => {
                self.next += 1;
                literal(i.into())
            }
            Token::Float(f) => {
                self.next += 1;
                literal(f.into())
            }
            Token::Sign("-") => {
                self.next += 1;
                let zero = Expr { at, kind: Kind::Literal(0.into()) };
                let operand = self.operand()?;
                Ok(match operand.kind {
                    Kind::Literal(v) if v.negated().is_some() => {
                        Expr { at, kind: Kind::Literal(v.negated().unwrap_or_default()) }
                    }
                    _ => Expr { at, kind: Kind::Math('-', Box::new(zero), Box::new(operand)) },
                })
            }
            Token::Sign("+")
                if matches!(self.tokens.get(self.next + 1), Some((Token::Int(_) | Token::Float(_), _))) =>
            {
                self.next += 1;
                self.operand()
            }
            Token::Sign("(") => {
                self.next += 1;
                let inner = self.sum()?;
                self.expect(")")?;
                Ok(inner)
            }
            Token::Sign("[") => {
                self.next += 1;
                let mut items = Vec::new();
                while !self.sign("]") {
                    if !items.is_empty() {
                        self.expect(",")?;
                    }
                    items.push(self.sum()?);
                }
                Ok(Expr { at, kind: Kind::List(items) })
            }
            Token::Sign("{") => {
                self.next += 1;
                let mut items = Vec::new();
                while !self.sign("}") {
                    if !items.is_empty() {
                        self.expect(",")?;
                    }
                    let Token::Text(key) = self.peek().clone() else { return Err(self.unexpected("a key in quotes")) };
                    self.next += 1;
                    self.expect(":")?;
                    items.push((key, self.sum()?));
                }
                Ok(Expr { at, kind: Kind::Map(items) })
            }
            Token::Name(name) => {
                self.next += 1;
                self.named(name, at)
            }
            _ => Err(self.unexpected("a value")),
        }
    }

    fn named(&mut self, name: String, at: usize) -> Result<Expr, Problem> {
        match &*name {
            "nil" => return Ok(Expr { at, kind: Kind::Literal(Val::default()) }),
            "true" | "false" => return Ok(Expr { at, kind: Kind::Literal((name == "true").into()) }),
            "and" | "or" | "not" | "where" => {
                self.next -= 1;
                return Err(self.unexpected("a value"));
            }
            _ => {}
        }
        if *self.peek() == Token::Sign("(") {
            let call = self.call(name, at)?;
            return Ok(Expr { at, kind: Kind::Call(call) });
        }
        if name.starts_with(|c: char| c.is_ascii_uppercase()) {
            return Ok(Expr { at, kind: Kind::Name(name) });
        }
        let mut names = vec![name];
        while self.sign(".") {
            match self.peek().clone() {
                Token::Name(name) => names.push(name),
                _ => return Err(self.unexpected("a name")),
            }
            self.next += 1;
        }
        let keys = self.keys()?;
        if *self.peek() == Token::Sign(".") {
            return Err(Problem::new(self.at(), "nothing can follow brackets but brackets"));
        }
        Ok(Expr { at, kind: Kind::Path(Path { at, names, keys }) })
    }

    fn call(&mut self, name: String, at: usize) -> Result<Call, Problem> {
        self.expect("(")?;
        let mut arguments = Vec::new();
        while !self.sign(")") {
            if !arguments.is_empty() {
                self.expect(",")?;
            }
            let named = match (self.peek().clone(), self.tokens.get(self.next + 1)) {
                (Token::Name(name), Some((Token::Sign("="), _))) => {
                    self.next += 2;
                    Some(name)
                }
                _ => None,
            };
            arguments.push((named, self.sum()?));
        }
        Ok(Call { at, name, arguments, keys: self.keys()? })
    }

    fn keys(&mut self) -> Result<Vec<Key>, Problem> {
        let mut keys = Vec::new();
        while self.sign("[") {
            if *self.peek() == Token::Sign("]") {
                return Err(self.unexpected("a key in quotes, an index, or an expression that gives one of them"));
            }
            let expr = self.sum()?;
            let key = match expr.kind {
                Kind::Literal(v) => match (v.as_str(), v.as_int().map(usize::try_from)) {
                    (Some(text), _) => Key::Text(text.to_owned()),
                    (_, Some(Ok(i))) => Key::Index(i),
                    _ => return Err(Problem::new(expr.at, "a key is a text in quotes or a whole number from 0")),
                },
                kind => Key::Computed(Expr { at: expr.at, kind }),
            };
            self.expect("]")?;
            keys.push(key);
        }
        Ok(keys)
    }
}
