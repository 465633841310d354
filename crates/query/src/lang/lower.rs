//! From the tree to the filter that the engine runs: names get their field, words their type.
//!
//! The one place that knows what `status:error` or `level>=warn` means for
//! each signal. Specified in `docs/query-language.md`, "Meaning".

use eventstore::query::{CompareOp, Field, Filter, Operand, Predicate, TextMatch};

use super::ast::{Expr, Form, Key, KeyScope, Node, Op, Piece, Position, Query, Value};
use super::error::{FilterError, Problem};
use super::fields::{self, Values};
use super::hints::nearest;
use super::number::{self, Number};
use super::{pattern, severity};
use crate::EventSignal;

type Result<T> = std::result::Result<T, FilterError>;

/// The filter that `query` stands for when records of `signal` are searched.
///
/// # Errors
/// A value that its field cannot have, or an operator that the field does not support.
pub fn lower(query: &Query, signal: EventSignal) -> Result<Filter> {
    query.expr.as_ref().map_or(Ok(Filter::All), |e| expr(e, signal))
}

pub(super) fn expr(e: &Expr, signal: EventSignal) -> Result<Filter> {
    let each = |all: &[Expr]| all.iter().map(|e| expr(e, signal)).collect::<Result<Vec<_>>>();
    match &e.node {
        Node::And(all) => each(all).map(Filter::And),
        Node::Or(any) => each(any).map(Filter::Or),
        Node::Not(inner) => expr(inner, signal).map(not),
        Node::Has(key) => Ok(exists(fields::resolve(signal, key).0)),
        Node::Spans { .. } => {
            let records = match signal {
                EventSignal::Logs => "log records",
                EventSignal::Traces => "spans",
            };
            Err(FilterError::new(Problem::MisplacedSpans(records), e.at))
        }
        Node::Field { key, op, value } => field(signal, key, *op, value),
        Node::Text(value) => Ok(text(signal, value)),
    }
}

fn not(filter: Filter) -> Filter {
    match filter {
        Filter::Not(inner) => *inner,
        other => Filter::Not(Box::new(other)),
    }
}

fn exists(field: Field) -> Filter {
    Filter::Is(Predicate::Exists { field })
}

fn regex(field: Field, pattern: String) -> Filter {
    Filter::Is(Predicate::Regex { field, pattern })
}

/// `=` of a list is "any of", so a list of lists never arises.
fn any(mut filters: Vec<Filter>) -> Filter {
    match filters.pop() {
        Some(only) if filters.is_empty() => only,
        last => {
            filters.extend(last);
            Filter::Or(filters)
        }
    }
}

/// Text without a field.
fn text(signal: EventSignal, value: &Value) -> Filter {
    let is = |text: &str, mode| Filter::Is(Predicate::Text { text: text.to_owned(), mode });
    match &value.form {
        // A word with punctuation inside, such as `user-id`, must occur as it is written.
        Form::Word(word) if word.chars().all(|c| c.is_alphanumeric() || c == '_') => is(word, TextMatch::Token),
        Form::Word(text) | Form::Quoted(text) => is(text, TextMatch::Phrase),
        Form::Pattern(pieces) => match pieces.as_slice() {
            [Piece::Star] => Filter::All,
            [Piece::Star, Piece::Text(inner), Piece::Star] => is(inner, TextMatch::Substring),
            pieces => text_regex(signal, pattern::word_regex(pieces)),
        },
        Form::Regex(pattern) => text_regex(signal, pattern.clone()),
        Form::List(items) => any(items.iter().map(|v| text(signal, v)).collect()),
        Form::Range { low, high } => {
            let written = format!("{}..{}", low.as_deref().unwrap_or(""), high.as_deref().unwrap_or(""));
            is(&written, TextMatch::Phrase)
        }
    }
}

/// A regex looks at the body of a log; at the name and the status message of a span.
fn text_regex(signal: EventSignal, pattern: String) -> Filter {
    match signal {
        EventSignal::Logs => regex(Field::Body, pattern),
        EventSignal::Traces => {
            Filter::Or(vec![regex(Field::Name, pattern.clone()), regex(Field::StatusMessage, pattern)])
        }
    }
}

fn field(signal: EventSignal, key: &Key, op: Op, value: &Value) -> Result<Filter> {
    let (field, values) = fields::resolve(signal, key);
    // `key:*` asks of every field the same.
    if let (Op::Match, Form::Pattern(pieces)) = (op, &value.form)
        && pieces.as_slice() == [Piece::Star]
    {
        return Ok(exists(field));
    }
    // Every field negates, and takes lists, the same way.
    if op == Op::Ne
        && !matches!((&value.form, values), (Form::Word(_) | Form::Quoted(_), Values::Attribute | Values::Text))
    {
        return self::field(signal, key, Op::Eq, value).map(not);
    }
    if let Form::List(items) = &value.form {
        return list(signal, key, op, items, field, values);
    }
    let condition = Condition { field, key, op, value };
    match values {
        Values::Text | Values::Attribute => condition.open(values),
        Values::FullText if op == Op::Match && !matches!(value.form, Form::Range { .. }) => Ok(text(signal, value)),
        Values::FullText => condition.open(values),
        Values::Level => condition.level(),
        Values::SpanKind => condition.name(
            "span kind",
            &["unspecified", "internal", "server", "client", "producer", "consumer"],
            "internal, server, client, producer, consumer, unspecified",
        ),
        Values::StatusCode => condition.name("span status", &["unset", "ok", "error"], "ok, error, unset"),
        Values::Duration => condition.duration(),
        Values::Id(digits) => condition.id(digits),
    }
}

/// Exact values of open fields become one `In`; everything else alternatives.
fn list(signal: EventSignal, key: &Key, op: Op, items: &[Value], field: Field, values: Values) -> Result<Filter> {
    let exact = |v: &Value| match &v.form {
        Form::Word(word) => Some(operand(word, values)),
        Form::Quoted(text) => Some(Operand::Str(text.clone())),
        _ => None,
    };
    if matches!(values, Values::Text | Values::Attribute)
        && let Some(values) = items.iter().map(exact).collect::<Option<Vec<_>>>()
    {
        return Ok(Filter::Is(Predicate::In { field, values }));
    }
    items.iter().map(|item| self::field(signal, key, op, item)).collect::<Result<Vec<_>>>().map(any)
}

/// The operand of an equality: typed only for attributes, and only when the word is how that value
/// is always written, so that `007` and `1.50` stay texts.
fn operand(word: &str, values: Values) -> Operand {
    if values != Values::Attribute {
        return Operand::Str(word.to_owned());
    }
    match number::parse(word) {
        Some(Number::Int(n)) if n.to_string() == word => Operand::Int(n),
        Some(Number::Double(n)) if n.to_string() == word => Operand::Double(n),
        _ if word == "true" => Operand::Bool(true),
        _ if word == "false" => Operand::Bool(false),
        _ => Operand::Str(word.to_owned()),
    }
}

/// One field compared with one value that is not a list.
struct Condition<'a> {
    field: Field,
    key: &'a Key,
    op: Op,
    value: &'a Value,
}

impl Condition<'_> {
    fn compare(&self, op: CompareOp, value: impl Into<Operand>) -> Filter {
        Filter::compare(self.field.clone(), op, value.into())
    }

    fn bad(&self, problem: Problem) -> FilterError {
        FilterError::new(problem, self.value.at)
    }

    fn between(&self, low: Option<Operand>, high: Option<Operand>) -> Filter {
        let mut sides: Vec<Filter> = low.map(|v| self.compare(CompareOp::Ge, v)).into_iter().collect();
        sides.extend(high.map(|v| self.compare(CompareOp::Le, v)));
        match sides.pop() {
            Some(only) if sides.is_empty() => only,
            last => {
                sides.extend(last);
                Filter::And(sides)
            }
        }
    }

    /// Fields whose values are whatever was sent.
    fn open(&self, values: Values) -> Result<Filter> {
        match (&self.value.form, self.op) {
            (Form::Regex(pattern), Op::NotRegex) => Ok(not(regex(self.field.clone(), pattern.clone()))),
            (Form::Regex(pattern), _) => Ok(regex(self.field.clone(), pattern.clone())),
            (Form::Pattern(pieces), _) => Ok(wildcard(self.field.clone(), pieces)),
            (Form::Range { .. }, _) if values == Values::FullText => {
                Err(self.wrong_form("a range", "a word, a phrase or a regex"))
            }
            (Form::Range { low, high }, _) => {
                let bound = |b: &Option<String>| b.as_deref().map(|b| self.ordered(b)).transpose();
                Ok(self.between(bound(low)?, bound(high)?))
            }
            (Form::Quoted(text), op) => Ok(self.compare(compare_op(op), text.as_str())),
            (Form::Word(word), Op::Match | Op::Eq | Op::Ne) => {
                Ok(self.compare(compare_op(self.op), operand(word, values)))
            }
            (Form::Word(word), op) => Ok(self.compare(compare_op(op), self.ordered(word)?)),
            (Form::List(_), _) => Err(self.wrong_form("a list in a list", "one list")),
        }
    }

    /// The operand of `<`, `>` and ranges: units count.
    fn ordered(&self, word: &str) -> Result<Operand> {
        Ok(match number::parse(word) {
            Some(Number::Int(n) | Number::Bytes(n)) => Operand::Int(n),
            Some(Number::Double(n)) => Operand::Double(n),
            Some(Number::Nanos(nanos)) => match unit_of(&self.key.name) {
                Some(unit) if nanos % unit == 0 => Operand::Int(nanos / unit),
                Some(unit) => Operand::Double(nanos as f64 / unit as f64),
                None => return Err(self.bad(self.without_unit())),
            },
            None => Operand::Str(word.to_owned()),
        })
    }

    /// Why the unit of the key is not known.
    fn without_unit(&self) -> Problem {
        let of_spans = fields::find(EventSignal::Traces, &self.key.name).is_some();
        let make =
            if of_spans && self.key.scope == KeyScope::Auto { Problem::UnitOfSpans } else { Problem::UnknownUnit };
        make(self.key.name.clone())
    }

    /// The word of a field that has names or numbers only.
    fn word(&self, expected: &'static str) -> Result<&str> {
        match &self.value.form {
            Form::Word(text) | Form::Quoted(text) => Ok(text),
            Form::Regex(_) => Err(self.wrong_operator(expected)),
            Form::Pattern(_) => Err(self.wrong_form("a pattern", expected)),
            Form::Range { .. } => Err(self.wrong_form("a range", expected)),
            Form::List(_) => Err(self.wrong_form("a list in a list", expected)),
        }
    }

    fn wrong_form(&self, form: &'static str, expected: &'static str) -> FilterError {
        self.bad(Problem::Form { field: self.key.name.clone(), form, expected })
    }

    fn wrong_operator(&self, expected: &'static str) -> FilterError {
        let at = Position::between(self.key.at.offset, self.value.at.end());
        let field = self.key.name.clone();
        FilterError::new(Problem::Operator { field, op: self.op.text(), expected }, at)
    }

    /// A level is a range of severity numbers; a record without a number is `unspecified`.
    fn level(&self) -> Result<Filter> {
        const EXPECTED: &str = "level names with `:` and comparisons, or `severity_text~`";
        let numbers = |word: &str| {
            severity::number_range(word).ok_or_else(|| {
                let expected = severity::NAMES;
                let names = severity::LEVELS.into_iter().chain(["unspecified"]);
                self.bad(Problem::UnknownName { value: word.to_owned(), field: "level", expected })
                    .suggest_if(nearest(word, names))
            })
        };
        if let Form::Range { low, high } = &self.value.form {
            let low = low.as_deref().map(numbers).transpose()?.map_or(1, |r| *r.start());
            let high = high.as_deref().map(numbers).transpose()?.map_or(24, |r| *r.end());
            return Ok(self.severity(low, high));
        }
        let range = numbers(self.word(EXPECTED)?)?;
        let (first, last) = (*range.start(), *range.end());
        Ok(match self.op {
            Op::Lt => self.severity(1, first - 1),
            Op::Le => self.severity(last.min(1), last),
            Op::Gt => self.severity(last + 1, 24),
            Op::Ge => self.severity(first, 24),
            _ => self.severity(first, last),
        })
    }

    /// Severity numbers from `low` to `high`, both inclusive.
    fn severity(&self, low: i64, high: i64) -> Filter {
        let unspecified = || not(exists(self.field.clone()));
        match (low, high) {
            _ if low > high => Filter::Or(Vec::new()),
            (0, 0) => unspecified(),
            (0, 24) => Filter::All,
            (0, high) => Filter::Or(vec![unspecified(), self.compare(CompareOp::Le, high)]),
            (low, 24) => self.compare(CompareOp::Ge, low),
            (low, high) if low == high => self.compare(CompareOp::Eq, low),
            (1, high) => self.compare(CompareOp::Le, high),
            (low, high) => self.between(Some(Operand::Int(low)), Some(Operand::Int(high))),
        }
    }

    /// A name stands for its place in `names`, as OTLP numbers it.
    fn name(&self, field: &'static str, names: &'static [&'static str], expected: &'static str) -> Result<Filter> {
        let word = self.word(expected)?;
        if !matches!(self.op, Op::Match | Op::Eq) {
            return Err(self.wrong_operator("`:` or `!=`"));
        }
        match names.iter().position(|n| n.eq_ignore_ascii_case(word)) {
            Some(code) => Ok(self.compare(CompareOp::Eq, code as i64)),
            None => Err(self
                .bad(Problem::UnknownName { value: word.to_owned(), field, expected })
                .suggest_if(nearest(word, names.iter().copied()))),
        }
    }

    fn duration(&self) -> Result<Filter> {
        const EXPECTED: &str = "a comparison or a range, for example `duration>500ms` or `duration:1s..2s`";
        let nanos = |word: &str| match number::parse(word) {
            Some(Number::Nanos(n)) => Ok(n),
            Some(Number::Int(0)) => Ok(0),
            other => {
                let plain = matches!(other, Some(Number::Int(_) | Number::Double(_)));
                let error = self.bad(Problem::Duration(word.to_owned()));
                // In a range the place is that of both bounds, which one number cannot replace.
                let whole = matches!(self.value.form, Form::Word(_) | Form::Quoted(_));
                Err(error.suggest_if((plain && whole).then(|| format!("{word}ms"))))
            }
        };
        if let Form::Range { low, high } = &self.value.form {
            let bound = |b: &Option<String>| b.as_deref().map(nanos).transpose().map(|n| n.map(Operand::Int));
            return Ok(self.between(bound(low)?, bound(high)?));
        }
        let value = nanos(self.word(EXPECTED)?)?;
        Ok(self.compare(compare_op(self.op), value))
    }

    /// Ids are whole, or a beginning with `*`; the empty text means "none".
    fn id(&self, digits: usize) -> Result<Filter> {
        let bad = |text: &str| {
            let name = self.key.name.clone();
            let error = self.bad(Problem::Id { value: text.to_owned(), field: name, digits });
            // Some tools leave out the first half of a trace id when it is zero.
            let short = text.len() < digits && !text.is_empty() && is_hex(text);
            error.suggest_if(short.then(|| format!("{text:0>digits$}")))
        };
        match (&self.value.form, self.op) {
            (Form::Regex(_), _) | (Form::Word(_) | Form::Quoted(_), Op::Lt | Op::Le | Op::Gt | Op::Ge) => {
                Err(self.wrong_operator("`:` with an id, or with its beginning and a `*`"))
            }
            (Form::Quoted(text), _) if text.is_empty() => Ok(not(exists(self.field.clone()))),
            (Form::Word(text) | Form::Quoted(text), op) if text.len() == digits && is_hex(text) => {
                Ok(self.compare(compare_op(op), text.to_ascii_lowercase().as_str()))
            }
            (Form::Word(text) | Form::Quoted(text), _) => Err(bad(text)),
            (Form::Pattern(pieces), _) => match pieces.as_slice() {
                [Piece::Text(start), Piece::Star] if start.len() <= digits && is_hex(start) => {
                    Ok(Filter::Is(Predicate::Prefix { field: self.field.clone(), text: start.to_ascii_lowercase() }))
                }
                _ => Err(self.wrong_form("this pattern", "the beginning of the id and a `*`")),
            },
            (Form::Range { .. }, _) => Err(self.wrong_form("a range", "an id")),
            (Form::List(_), _) => Err(self.wrong_form("a list in a list", "one list")),
        }
    }
}

fn is_hex(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_hexdigit())
}

const fn compare_op(op: Op) -> CompareOp {
    match op {
        Op::Ne => CompareOp::Ne,
        Op::Lt => CompareOp::Lt,
        Op::Le => CompareOp::Le,
        Op::Gt => CompareOp::Gt,
        Op::Ge => CompareOp::Ge,
        Op::Match | Op::Eq | Op::Regex | Op::NotRegex => CompareOp::Eq,
    }
}

/// The cheapest predicate that says what the pattern says.
fn wildcard(field: Field, pieces: &[Piece]) -> Filter {
    match pieces {
        [Piece::Star] => exists(field),
        [Piece::Text(start), Piece::Star] => Filter::Is(Predicate::Prefix { field, text: start.clone() }),
        [Piece::Star, Piece::Text(inner), Piece::Star] => {
            Filter::Is(Predicate::Contains { field, text: inner.clone(), ignore_case: false })
        }
        pieces => regex(field, pattern::anchored_regex(pieces)),
    }
}

/// Nanoseconds in the unit that the last part of a key names: `elapsed_ms`, `queue.seconds`.
pub(super) fn unit_of(key: &str) -> Option<i64> {
    let last = key.rsplit(['.', '_', '-']).next().filter(|last| last.len() < key.len())?;
    Some(match last {
        "ns" | "nanos" | "nanoseconds" => 1,
        "us" | "micros" | "microseconds" => 1_000,
        "ms" | "millis" | "milliseconds" => 1_000_000,
        "s" | "sec" | "secs" | "seconds" => 1_000_000_000,
        _ => return None,
    })
}

#[cfg(test)]
mod tests;
