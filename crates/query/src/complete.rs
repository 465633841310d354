//! Completion: what can stand at a place of a query that is being typed.
//!
//! Looks at the text before the place only, and never fails on a text that is
//! not finished. Names come from the records of the range.

use eventstore::EventStore;
use eventstore::query::{Outcome, Partial, QueryStats};

use crate::EventSignal;
use crate::fields;
use crate::lang::pipe::{FUNCTIONS, STAGES};
use crate::lang::{print_key, print_value};
use crate::read::{ReadError, Request};

/// Most suggestions of one answer.
pub const LIMIT: usize = 50;

/// What can stand somewhere.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Completion {
    /// Where the text begins that a suggestion stands for, in bytes; it ends at the place that was asked about.
    pub from: usize,
    /// The suggestions, the likely ones first.
    pub items: Vec<Item>,
}

/// A suggestion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// What to put in.
    pub text: String,
    /// What it is.
    pub kind: ItemKind,
    /// How many records have it; 0 when that is not known.
    pub count: u64,
}

/// What a suggestion is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ItemKind {
    /// A field.
    Field,
    /// A value of a field.
    Value,
    /// A word of the language.
    Keyword,
    /// A stage of an analysis.
    Stage,
    /// A function of `stats`.
    Function,
}

impl ItemKind {
    /// `field`, `value`, `keyword`, `stage` or `function`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Field => "field",
            Self::Value => "value",
            Self::Keyword => "keyword",
            Self::Stage => "stage",
            Self::Function => "function",
        }
    }
}

/// What is being typed.
#[derive(Debug, PartialEq, Eq)]
enum Place<'a> {
    /// A condition of a filter: a field, `has(`, or a word between conditions.
    Condition { typed: &'a str },
    /// The value of a field.
    Value { key: &'a str, typed: &'a str },
    /// A field and nothing else.
    Field { typed: &'a str },
    /// The name of a stage.
    Stage { typed: &'a str },
    /// A function of `stats`.
    Function { typed: &'a str },
    /// Nothing that is known: text in quotes, a number, a column.
    Nothing,
}

/// What can stand at byte `at` of the request's text.
///
/// # Errors
/// None for the text; the engine's own.
pub fn complete(
    store: &EventStore,
    signal: EventSignal,
    request: &Request,
    at: usize,
) -> Result<Outcome<Completion>, ReadError> {
    let text = request.filter.get(..at).unwrap_or(&request.filter);
    // What is typed is no filter yet: names are those of all records of the range.
    let all = Request { filter: String::new(), ..request.clone() };
    let mut found = Found { completion: Completion::default(), partial: None, stats: QueryStats::default() };
    let place = place(text);
    let typed = match &place {
        Place::Condition { typed } | Place::Field { typed } | Place::Stage { typed } | Place::Function { typed } => {
            *typed
        }
        Place::Value { typed, .. } => typed,
        Place::Nothing => return Ok(found.outcome(text.len())),
    };
    let from = text.len() - typed.len();
    match place {
        Place::Condition { .. } => {
            found.fields(store, signal, &all, typed)?;
            found.words(&["has(", "AND", "OR", "NOT"], ItemKind::Keyword, typed);
        }
        Place::Field { .. } => found.fields(store, signal, &all, typed)?,
        Place::Value { key, .. } => found.values(store, signal, &all, key, typed)?,
        Place::Stage { .. } => found.words(&STAGES, ItemKind::Stage, typed),
        Place::Function { .. } => {
            found.words(&FUNCTIONS, ItemKind::Function, typed);
            found.words(&["by"], ItemKind::Keyword, typed);
        }
        Place::Nothing => {}
    }
    Ok(found.outcome(from))
}

struct Found {
    completion: Completion,
    partial: Option<Partial>,
    stats: QueryStats,
}

impl Found {
    fn outcome(mut self, from: usize) -> Outcome<Completion> {
        self.completion.from = from;
        self.completion.items.truncate(LIMIT);
        Outcome { value: self.completion, partial: self.partial, stats: self.stats }
    }

    fn words(&mut self, words: &[&str], kind: ItemKind, typed: &str) {
        let begins = |w: &&&str| w.get(..typed.len()).is_some_and(|w| w.eq_ignore_ascii_case(typed));
        let item = |w: &&str| Item { text: (*w).to_owned(), kind, count: 0 };
        self.completion.items.extend(words.iter().filter(begins).map(item));
    }

    /// Fields that begin so, then those that have it in them.
    fn fields(&mut self, store: &EventStore, signal: EventSignal, all: &Request, typed: &str) -> Result<(), ReadError> {
        let keys = fields::keys(store, signal, all)?;
        self.partial = self.partial.or(keys.partial);
        self.stats.add(&keys.stats);
        let wanted = typed.trim_start_matches('"').to_lowercase();
        let mut seen = std::collections::HashSet::new();
        let (mut begin, mut inside) = (Vec::new(), Vec::new());
        for key in keys.value {
            let text = if key.scope == fields::FieldScope::Builtin { key.name.clone() } else { print_key(&key.name) };
            let lower = key.name.to_lowercase();
            if !lower.contains(&wanted) || !seen.insert(key.name) {
                continue;
            }
            let list = if lower.starts_with(&wanted) { &mut begin } else { &mut inside };
            list.push(Item { text, kind: ItemKind::Field, count: key.count });
        }
        self.completion.items.extend(begin.into_iter().chain(inside).take(LIMIT));
        Ok(())
    }

    fn values(
        &mut self,
        store: &EventStore,
        signal: EventSignal,
        all: &Request,
        key: &str,
        typed: &str,
    ) -> Result<(), ReadError> {
        let prefix = typed.trim_start_matches('"');
        let prefix = (!prefix.is_empty()).then_some(prefix);
        let values = fields::values(store, signal, all, key, prefix, LIMIT)?;
        self.partial = self.partial.or(values.partial);
        self.stats.add(&values.stats);
        let item = |v: eventstore::query::FieldValue| Item {
            text: print_value(&v.value),
            kind: ItemKind::Value,
            count: v.count,
        };
        self.completion.items.extend(values.value.values.into_iter().map(item));
        Ok(())
    }
}

/// What the end of `text` is a part of.
fn place(text: &str) -> Place<'_> {
    let Some(stage) = stage(text) else { return in_filter(text) };
    let stage = stage.trim_start();
    let Some((name, rest)) = stage.split_once(char::is_whitespace) else { return Place::Stage { typed: stage } };
    let typed = rest.rsplit(|c: char| c.is_whitespace() || ",()".contains(c)).next().unwrap_or(rest);
    let before = rest.get(..rest.len() - typed.len()).unwrap_or_default();
    let after_by = before.split(|c: char| c.is_whitespace() || c == ',').any(|w| w.eq_ignore_ascii_case("by"));
    match name.to_ascii_lowercase().as_str() {
        "stats" | "timeseries" if before.ends_with('(') || after_by => Place::Field { typed },
        "stats" | "timeseries" => Place::Function { typed },
        "top" | "fields" => Place::Field { typed },
        _ => Place::Nothing,
    }
}

/// The text of the last stage, if there is one; `None` when a quote is open before it or the text is a filter.
fn stage(text: &str) -> Option<&str> {
    let (mut quoted, mut escaped, mut last) = (false, false, None);
    for (i, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => quoted = !quoted,
            '|' if !quoted => last = Some(i + 1),
            _ => {}
        }
    }
    last.and_then(|at| text.get(at..))
}

fn in_filter(text: &str) -> Place<'_> {
    // The last condition begins after a space, a parenthesis or a brace outside of quotes.
    let (mut quoted, mut escaped, mut begin, mut operator, mut list) = (false, false, 0, None, None);
    for (i, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => quoted = !quoted,
            _ if quoted => {}
            // A list of values: `key:(a, b`.
            '(' if operator.is_some_and(|(_, end)| end == i) => list = Some(i + 1),
            ',' if list.is_some() => list = Some(i + 1),
            ')' => (begin, operator, list) = (i + 1, None, None),
            _ if list.is_some() => {}
            '(' | '{' | '}' => (begin, operator) = (i + 1, None),
            c if c.is_whitespace() => (begin, operator) = (i + c.len_utf8(), None),
            ':' | '=' | '<' | '>' | '~' if operator.is_none() || operator.is_some_and(|(_, end)| end == i) => {
                operator = Some((operator.map_or(i, |(start, _)| start), i + 1));
            }
            _ => {}
        }
    }
    let Some((start, end)) = operator else {
        let typed = text.get(begin..).unwrap_or_default().trim_start_matches('-');
        let is_has = text.get(..begin).is_some_and(|t| t.to_ascii_lowercase().ends_with("has("));
        return match (is_has, quoted) {
            (true, _) => Place::Field { typed },
            (false, true) => Place::Nothing,
            (false, false) => Place::Condition { typed },
        };
    };
    let key = text.get(begin..start).unwrap_or_default().trim_start_matches('-').trim_end_matches('!');
    let value = text.get(list.unwrap_or(end)..).unwrap_or_default();
    Place::Value { key: key.trim_matches('"'), typed: value.trim_start() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_being_typed() {
        let value = |key, typed| Place::Value { key, typed };
        for (text, expected) in [
            ("", Place::Condition { typed: "" }),
            ("service:api http.ro", Place::Condition { typed: "http.ro" }),
            ("service:api -lev", Place::Condition { typed: "lev" }),
            ("(a OR serv", Place::Condition { typed: "serv" }),
            ("root{serv", Place::Condition { typed: "serv" }),
            ("service:", value("service", "")),
            ("a http.route!=\"/v1 x", value("http.route", "\"/v1 x")),
            ("-resource.host.name:we", value("resource.host.name", "we")),
            ("level>=wa", value("level", "wa")),
            ("code:(200, 40", value("code", "40")),
            ("has(us", Place::Field { typed: "us" }),
            ("\"some text", Place::Nothing),
            ("a | st", Place::Stage { typed: "st" }),
            ("\"a | b\" c", Place::Condition { typed: "c" }),
            ("| stats co", Place::Function { typed: "co" }),
            ("| stats p95(du", Place::Field { typed: "du" }),
            ("| stats count() by service, htt", Place::Field { typed: "htt" }),
            ("| top 5 by us", Place::Field { typed: "us" }),
            ("| stats count() | so", Place::Stage { typed: "so" }),
            ("| stats count() | sort -co", Place::Nothing),
        ] {
            assert_eq!(place(text), expected, "{text}");
        }
    }
}
