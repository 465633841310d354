//! Why a search of logs or traces is empty: counts without each term, and the extent of what matches.

use eventstore::EventStore;
use eventstore::query::{Buckets, Filter, Order, Page, Select};
use foundation::UnixNanos;
use model::TimeRange;

use super::{Reason, TERMS_MAX, Term, WhyEmpty, sentence};
use crate::EventSignal;
use crate::lang::ast::{Expr, Node, Position, Query};
use crate::lang::{self, parse_pipe};
use crate::read::{ReadError, Request};

/// Traces that are counted when a filter asks for traces rather than spans; more are "at least so many".
const TRACES_COUNTED: usize = 1_000;

/// Why the request's filter (or analysis) finds nothing in its range.
///
/// # Errors
/// A wrong filter.
pub fn events(store: &EventStore, signal: EventSignal, request: &Request) -> Result<WhyEmpty, ReadError> {
    let query = parse_pipe(&request.filter)?.filter;
    let look = Look { store, signal, request };
    if look.count(query.expr.as_ref(), request.range)? > 0 {
        return Ok(finished(WhyEmpty::new(Reason::Present), &look));
    }
    let whole = look.extent(None)?;
    if whole.is_none() {
        return Ok(finished(WhyEmpty::new(Reason::NeverReceived), &look));
    }
    let matching = match &query.expr {
        Some(expr) => look.extent(Some(expr))?,
        None => whole,
    };
    let terms = look.terms(&query)?;
    let others = look.count(None, request.range)?;
    let reason = if terms.iter().any(|t| t.without > 0) && (terms.len() > 1 || matching.is_none()) {
        Reason::Filtered
    } else if matching.is_some() || others == 0 {
        Reason::OutOfRange
    } else {
        Reason::Filtered
    };
    let mut why = WhyEmpty { terms, ..WhyEmpty::new(reason) };
    (why.oldest, why.newest) = matching.or(whole).unzip();
    Ok(finished(why, &look))
}

fn finished(why: WhyEmpty, look: &Look<'_>) -> WhyEmpty {
    let what = match look.signal {
        EventSignal::Logs => "log records",
        EventSignal::Traces => "spans",
    };
    WhyEmpty { sentence: sentence::events(&why, what), ..why }
}

struct Look<'a> {
    store: &'a EventStore,
    signal: EventSignal,
    request: &'a Request,
}

impl Look<'_> {
    fn select(&self, filter: Filter, range: TimeRange) -> Select {
        Select { range, ..self.request.with(filter) }
    }

    /// Records of the range that match; everything without an expression.
    fn count(&self, expr: Option<&Expr>, range: TimeRange) -> Result<u64, ReadError> {
        let query = Query { expr: expr.cloned() };
        if expr.is_some_and(asks_for_traces) && self.signal == EventSignal::Traces {
            let condition = lang::lower_traces(&query)?;
            let select = self.select(Filter::All, range);
            let found = self.store.spans().find_traces_by(&select, &condition, TRACES_COUNTED, None)?;
            return Ok(found.value.traces.len() as u64);
        }
        let select = self.select(lang::lower(&query, self.signal)?, range);
        let buckets = Buckets::split(range, 1);
        let found = match self.signal {
            EventSignal::Logs => self.store.logs().count_over_time(&select, buckets, None)?,
            EventSignal::Traces => self.store.spans().count_over_time(&select, buckets, None)?,
        };
        Ok(found.value.groups.iter().flat_map(|g| &g.counts).sum())
    }

    /// When the oldest and the newest record that matches happened.
    fn extent(&self, expr: Option<&Expr>) -> Result<Option<(UnixNanos, UnixNanos)>, ReadError> {
        let query = Query { expr: expr.cloned() };
        if expr.is_some_and(asks_for_traces) && self.signal == EventSignal::Traces {
            let condition = lang::lower_traces(&query)?;
            let select = self.select(Filter::All, TimeRange::ALL);
            let newest = self.store.spans().find_traces_by(&select, &condition, 1, None)?;
            return Ok(newest.value.traces.first().map(|t| (t.found_at.time, t.found_at.time)));
        }
        let select = self.select(lang::lower(&query, self.signal)?, TimeRange::ALL);
        let end = |order| -> Result<Option<UnixNanos>, ReadError> {
            let page = Page { order, limit: 1, after: None };
            Ok(match self.signal {
                EventSignal::Logs => self.store.logs().latest(&select, &page)?.value.rows.first().map(|r| r.id.time),
                EventSignal::Traces => self.store.spans().latest(&select, &page)?.value.rows.first().map(|r| r.id.time),
            })
        };
        Ok(end(Order::Ascending)?.zip(end(Order::Descending)?))
    }

    /// The terms of a conjunction, and how many records match without each.
    fn terms(&self, query: &Query) -> Result<Vec<Term>, ReadError> {
        let all: &[Expr] = match &query.expr {
            None => &[],
            Some(Expr { node: Node::And(all), .. }) => all,
            Some(only) => std::slice::from_ref(only),
        };
        let mut terms = Vec::new();
        for (at, term) in all.iter().enumerate().take(TERMS_MAX) {
            let mut others: Vec<Expr> =
                all.iter().enumerate().filter(|(i, _)| *i != at).map(|(_, e)| e.clone()).collect();
            let rest = match others.pop() {
                Some(only) if others.is_empty() => Some(only),
                Some(last) => {
                    others.push(last);
                    Some(Expr { node: Node::And(others), at: Position::default() })
                }
                None => None,
            };
            let place = with_parentheses(&self.request.filter, term.at);
            terms.push(Term {
                text: self.request.filter.get(place.offset..place.end()).unwrap_or_default().to_owned(),
                at: Some(place),
                without: self.count(rest.as_ref(), self.request.range)?,
            });
        }
        terms.sort_by_key(|t| std::cmp::Reverse(t.without));
        Ok(terms)
    }
}

/// Whether an expression is about several spans of a trace.
fn asks_for_traces(e: &Expr) -> bool {
    match &e.node {
        Node::And(all) | Node::Or(all) => all.iter().any(asks_for_traces),
        Node::Not(inner) => asks_for_traces(inner),
        Node::Spans { .. } => true,
        Node::Has(_) | Node::Field { .. } | Node::Text(_) => false,
    }
}

/// What stands in parentheses is taken away with them.
fn with_parentheses(text: &str, at: Position) -> Position {
    let before = text.get(..at.offset).unwrap_or_default();
    let after = text.get(at.end()..).unwrap_or_default();
    let (open, close) = (before.trim_end(), after.trim_start());
    if open.ends_with('(') && close.starts_with(')') {
        return Position::between(open.len() - 1, text.len() - close.len() + 1);
    }
    at
}
