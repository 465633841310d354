//! From text to [`Pipe`]: the filter first, then one stage after the other.

use super::{
    By, COLUMNS_MAX, Call, ColumnName, Function, LIMIT_MAX, Pipe, RowCondition, STAGES, SortColumn, Stage, StageKind,
};
use crate::lang::ast::{Key, KeyScope, Op, Position};
use crate::lang::error::{FilterError, Problem};
use crate::lang::hints::nearest;
use crate::lang::lexer::{Lexer, Place, Word};
use crate::lang::number::{self, Number};
use crate::lang::parser;

type Result<T> = std::result::Result<T, FilterError>;

/// Rows of `top` without a number.
const TOP_DEFAULT: usize = 10;

/// Reads a filter and its stages; a filter alone is fine.
///
/// # Errors
/// The first thing that is wrong, with its place and, where one is likely, a correction.
pub fn parse_pipe(text: &str) -> Result<Pipe> {
    let (filter, lexer) = parser::filter(text, true)?;
    let mut stages = Stages { lexer, done: Vec::new() };
    stages.lexer.skip_space();
    while stages.lexer.eat('|') {
        stages.stage()?;
        stages.lexer.skip_space();
    }
    match stages.lexer.peek() {
        None => Ok(Pipe { filter, stages: stages.done }),
        Some(_) => Err(stages.expected("`|`, `,` or the end")),
    }
}

struct Stages<'a> {
    lexer: Lexer<'a>,
    done: Vec<Stage>,
}

impl Stages<'_> {
    fn stage(&mut self) -> Result<()> {
        self.lexer.skip_space();
        let word = self.word();
        let start = word.at.offset;
        let name = word.text.to_ascii_lowercase();
        if name.is_empty() {
            let at = Position { offset: start, length: self.lexer.peek().map_or(0, char::len_utf8) };
            return Err(FilterError::new(Problem::MissingStage, at));
        }
        match name.as_str() {
            "stats" => {
                let (measures, by) = (self.measures()?, self.by()?);
                self.push(StageKind::Stats { measures, by }, start)
            }
            "timeseries" => {
                let (measures, mut by) = (self.measures()?, self.by()?);
                if !by.iter().any(|b| matches!(b, By::Bucket(_))) {
                    by.insert(0, By::Bucket(None));
                }
                self.push(StageKind::Stats { measures, by }, start)
            }
            "top" => self.top(start),
            "where" => {
                let conditions = self.conditions()?;
                self.push(StageKind::Where(conditions), start)
            }
            "sort" => {
                let columns = self.list(Self::sort_column)?;
                self.push(StageKind::Sort(columns), start)
            }
            "limit" => {
                let n = self.number(LIMIT_MAX)?;
                self.push(StageKind::Limit(n), start)
            }
            "fields" => {
                let keys = self.list(Self::key)?;
                self.push(StageKind::Fields(keys), start)
            }
            "patterns" => self.push(StageKind::Patterns, start),
            "sample" => {
                let n = self.number(1_000_000)?;
                self.push(StageKind::Sample(n as u32), start)
            }
            _ => {
                let near = match name.as_str() {
                    "count" | "avg" | "sum" | "aggregate" | "summarize" => Some("stats"),
                    "filter" | "having" => Some("where"),
                    "order" => Some("sort"),
                    "head" | "take" => Some("limit"),
                    "keep" | "select" | "project" => Some("fields"),
                    other => nearest(other, STAGES.into_iter()),
                };
                Err(FilterError::new(Problem::UnknownStage(word.text), word.at).suggest_if(near))
            }
        }
    }

    /// Adds a stage behind those that stand before it.
    fn push(&mut self, kind: StageKind, start: usize) -> Result<()> {
        let at = self.lexer.since(start);
        if let Some(last) = self.done.last().filter(|last| last.kind.rank() >= kind.rank()) {
            let problem = Problem::StageOrder { stage: kind.name(), before: last.kind.name() };
            return Err(FilterError::new(problem, at));
        }
        self.done.push(Stage { kind, at });
        Ok(())
    }

    /// `top 10 by service, http.route`, in other words.
    fn top(&mut self, start: usize) -> Result<()> {
        self.lexer.skip_space();
        let limit = match self.lexer.peek() {
            Some(c) if c.is_ascii_digit() => self.number(LIMIT_MAX)?,
            _ => TOP_DEFAULT,
        };
        self.eat_keyword("by");
        let by = self.list(Self::group)?;
        let at = self.lexer.since(start);
        let count = Call { function: Function::Count, key: None, name: None, at };
        self.push(StageKind::Stats { measures: vec![count], by }, start)?;
        let column = ColumnName { name: "count".to_owned(), at };
        self.push(StageKind::Sort(vec![SortColumn { column, descending: true }]), start)?;
        self.push(StageKind::Limit(limit), start)
    }

    fn measures(&mut self) -> Result<Vec<Call>> {
        self.list(Self::call)
    }

    fn by(&mut self) -> Result<Vec<By>> {
        if self.eat_keyword("by") { self.list(Self::group) } else { Ok(Vec::new()) }
    }

    fn call(&mut self) -> Result<Call> {
        let (function, key, at) = self.function()?;
        let name = if self.eat_keyword("as") {
            self.lexer.skip_space();
            match self.lexer.peek() {
                Some('"') => Some(self.lexer.quoted()?.0),
                _ => Some(self.word().text),
            }
            .filter(|n| !n.is_empty())
            .ok_or_else(|| self.expected("the name of the column"))
            .map(Some)?
        } else {
            None
        };
        Ok(Call { function, key, name, at })
    }

    /// `p95(duration)`: the function, its field, and where both stand.
    fn function(&mut self) -> Result<(Function, Option<Key>, Position)> {
        self.lexer.skip_space();
        let word = self.word();
        let start = word.at.offset;
        if word.text.is_empty() {
            return Err(self.expected("a function such as `count()`"));
        }
        let quantile = word.text.eq_ignore_ascii_case("quantile");
        let named = Function::named(&word.text);
        if named.is_none() && !quantile {
            return Err(unknown_function(&word));
        }
        self.lexer.skip_space();
        if !self.lexer.eat('(') {
            let error = FilterError::new(Problem::Expected("`(` and a field"), self.here());
            return Err(error.suggest("()"));
        }
        self.lexer.skip_space();
        let key = if self.lexer.peek() == Some(')') { None } else { Some(self.key()?) };
        self.lexer.skip_space();
        let function = match named {
            Some(function) => Some(function),
            None if self.lexer.eat(',') => self.share()?.map(Function::Percentile),
            None => None,
        };
        self.lexer.skip_space();
        let closed = self.lexer.eat(')');
        let at = self.lexer.since(start);
        let arguments = |takes| {
            let function = word.text.to_ascii_lowercase();
            Err(FilterError::new(Problem::Arguments { function, takes }, at))
        };
        match (function, &key) {
            (_, _) if !closed => Err(self.expected("`)`")),
            (None, _) => arguments("a field and a number from 0 to 1"),
            (Some(Function::Count), _) => Ok(()),
            (Some(Function::Rate | Function::CountAdjusted | Function::RateAdjusted), None) => Ok(()),
            (Some(Function::Rate | Function::CountAdjusted | Function::RateAdjusted), Some(_)) => arguments("nothing"),
            (Some(_), None) => arguments("a field"),
            (Some(_), Some(_)) => Ok(()),
        }?;
        Ok((function.unwrap_or(Function::Count), key, at))
    }

    /// The second argument of `quantile`, in percent.
    fn share(&mut self) -> Result<Option<f64>> {
        self.lexer.skip_space();
        let share: Option<f64> = self.item().text.parse().ok();
        // 0.07 * 100 is not 7.
        Ok(share.filter(|q| (0.0..=1.0).contains(q)).map(|q| (q * 1e11).round() / 1e9))
    }

    fn group(&mut self) -> Result<By> {
        self.lexer.skip_space();
        let before = self.lexer.clone();
        let word = self.word();
        if !word.escaped && word.text.eq_ignore_ascii_case("bucket") && self.lexer.eat('(') {
            self.lexer.skip_space();
            if self.lexer.eat(')') {
                return Ok(By::Bucket(None));
            }
            let step = self.item();
            let nanos = match number::parse(&step.text) {
                Some(Number::Nanos(n)) if n > 0 => n,
                _ => return Err(FilterError::new(Problem::Duration(step.text), step.at)),
            };
            self.lexer.skip_space();
            return if self.lexer.eat(')') { Ok(By::Bucket(Some(nanos))) } else { Err(self.expected("`)`")) };
        }
        self.lexer = before;
        self.key().map(By::Key)
    }

    /// The name of a field, as in a filter.
    fn key(&mut self) -> Result<Key> {
        self.lexer.skip_space();
        let start = self.lexer.offset();
        let (mut scope, mut name) = (KeyScope::Auto, String::new());
        loop {
            if self.lexer.peek() == Some('"') {
                name.push_str(&self.lexer.quoted()?.0);
                scope = if scope == KeyScope::Auto { KeyScope::Attribute } else { scope };
                continue;
            }
            let word = self.lexer.word(Place::Column);
            if word.text.is_empty() {
                break;
            }
            if name.is_empty() && scope == KeyScope::Auto {
                let (found, rest) = KeyScope::split(&word.text);
                (scope, name) = (found, rest.to_owned());
            } else {
                name.push_str(&word.text);
            }
        }
        if name.is_empty() {
            Err(self.expected("a field"))
        } else {
            Ok(Key { scope, name, at: self.lexer.since(start) })
        }
    }

    /// `count`, `p95(duration)`, `service` or a name given with `as`.
    fn column(&mut self) -> Result<ColumnName> {
        self.lexer.skip_space();
        let before = self.lexer.clone();
        let start = self.lexer.offset();
        if self.lexer.peek() == Some('"') {
            let (name, at) = self.lexer.quoted()?;
            return Ok(ColumnName { name, at });
        }
        let word = self.word();
        if self.lexer.peek() == Some('(') {
            self.lexer = before;
            let (function, key, at) = self.function()?;
            return Ok(ColumnName { name: super::printer::column_name(function, key.as_ref()), at });
        }
        if word.text.is_empty() {
            return Err(self.expected("a column"));
        }
        self.lexer = before;
        let key = self.key()?;
        Ok(ColumnName { name: key.to_string(), at: self.lexer.since(start) })
    }

    fn sort_column(&mut self) -> Result<SortColumn> {
        self.lexer.skip_space();
        let descending = self.lexer.eat('-');
        let column = self.column()?;
        let descending = if self.eat_keyword("desc") { true } else { !self.eat_keyword("asc") && descending };
        Ok(SortColumn { column, descending })
    }

    fn conditions(&mut self) -> Result<Vec<RowCondition>> {
        let mut out = Vec::new();
        loop {
            let column = self.column()?;
            self.lexer.skip_space();
            let (op, length) = match self.lexer.peek_op() {
                Some((op @ (Op::Eq | Op::Ne | Op::Lt | Op::Le | Op::Gt | Op::Ge), length)) => (op, length),
                Some((Op::Match, length)) => (Op::Eq, length),
                _ => return Err(self.expected("`=`, `!=`, `<`, `<=`, `>` or `>=`")),
            };
            self.lexer.advance(length);
            self.lexer.skip_space();
            let value = self.item();
            if value.text.is_empty() {
                return Err(self.expected("a number"));
            }
            out.push(RowCondition { column, op, value: value.text });
            if !self.eat_keyword("and") {
                return Ok(out);
            }
        }
    }

    /// One or more, separated by commas.
    fn list<T>(&mut self, one: impl Fn(&mut Self) -> Result<T>) -> Result<Vec<T>> {
        let mut out = vec![one(self)?];
        loop {
            self.lexer.skip_space();
            if !self.lexer.eat(',') {
                return Ok(out);
            }
            if out.len() == COLUMNS_MAX {
                let at = self.here();
                return Err(FilterError::new(Problem::TooMany { what: "columns of a kind", max: COLUMNS_MAX }, at));
            }
            out.push(one(self)?);
        }
    }

    fn number(&mut self, max: usize) -> Result<usize> {
        self.lexer.skip_space();
        let word = self.item();
        match word.text.parse() {
            Ok(n) if (1..=max).contains(&n) => Ok(n),
            Ok(n) if n > max => Err(FilterError::new(Problem::TooMany { what: "rows", max }, word.at)),
            _ => Err(FilterError::new(Problem::Expected("a number"), word.at)),
        }
    }

    fn word(&mut self) -> Word {
        self.lexer.word(Place::Column)
    }

    /// A number or a duration.
    fn item(&mut self) -> Word {
        self.lexer.word(Place::Item)
    }

    fn eat_keyword(&mut self, wanted: &str) -> bool {
        let before = self.lexer.clone();
        self.lexer.skip_space();
        let word = self.word();
        if !word.escaped && word.text.eq_ignore_ascii_case(wanted) {
            return true;
        }
        self.lexer = before;
        false
    }

    /// The next character.
    fn here(&self) -> Position {
        Position { offset: self.lexer.offset(), length: self.lexer.peek().map_or(0, char::len_utf8) }
    }

    fn expected(&self, what: &'static str) -> FilterError {
        FilterError::new(Problem::Expected(what), self.here())
    }
}

fn unknown_function(word: &Word) -> FilterError {
    let lower = word.text.to_ascii_lowercase();
    let near = match lower.as_str() {
        "mean" | "average" => Some("avg"),
        "dc" | "distinct" | "uniq" | "cardinality" | "count_unique" => Some("count_distinct"),
        "percentile" => Some("quantile"),
        other => nearest(other, Function::PLAIN.iter().map(|(n, _)| *n)),
    };
    FilterError::new(Problem::UnknownMeasure(word.text.clone()), word.at).suggest_if(near)
}
