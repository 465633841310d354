//! Filters that find whole traces: what holds for one span, and how such conditions are combined.
//!
//! What stands outside of braces is one condition on one span; each pair of
//! braces is a condition on a span of its own. Specified in
//! `docs/query-language.md`, "Traces".

use eventstore::query::{Field, Filter, Predicate, TraceFilter};

use super::ast::{Expr, Node, Query};
use super::error::FilterError;
use super::lower::expr;
use crate::EventSignal;

type Result<T> = std::result::Result<T, FilterError>;

/// The condition on traces that `query` stands for.
///
/// # Errors
/// A value that its field cannot have, or an operator that the field does not support.
pub fn lower_traces(query: &Query) -> Result<TraceFilter> {
    query.expr.as_ref().map_or(Ok(TraceFilter::Span(Filter::All)), trace)
}

fn trace(e: &Expr) -> Result<TraceFilter> {
    if !has_sets(e) {
        return expr(e, EventSignal::Traces).map(TraceFilter::Span);
    }
    match &e.node {
        Node::And(all) => Ok(TraceFilter::And(parts(all, Filter::And)?)),
        Node::Or(any) => Ok(TraceFilter::Or(parts(any, Filter::Or)?)),
        Node::Not(inner) => Ok(TraceFilter::Not(Box::new(trace(inner)?))),
        Node::Spans { root, inner } => {
            let of_span = inner.as_ref().map_or(Ok(Filter::All), |e| expr(e, EventSignal::Traces))?;
            let is_root = Filter::Not(Box::new(Filter::Is(Predicate::Exists { field: Field::ParentSpanId })));
            Ok(TraceFilter::Span(match (root, of_span) {
                (false, filter) => filter,
                (true, Filter::All) => is_root,
                (true, filter) => Filter::And(vec![is_root, filter]),
            }))
        }
        Node::Has(_) | Node::Field { .. } | Node::Text(_) => expr(e, EventSignal::Traces).map(TraceFilter::Span),
    }
}

/// The operands of AND or OR; those outside of braces are about one span.
fn parts(operands: &[Expr], join: fn(Vec<Filter>) -> Filter) -> Result<Vec<TraceFilter>> {
    let mut out = Vec::new();
    let mut of_one_span = Vec::new();
    for e in operands {
        if has_sets(e) { out.push(trace(e)?) } else { of_one_span.push(expr(e, EventSignal::Traces)?) }
    }
    if !of_one_span.is_empty() {
        out.insert(0, TraceFilter::Span(join(of_one_span)));
    }
    Ok(out)
}

fn has_sets(e: &Expr) -> bool {
    match &e.node {
        Node::Spans { .. } => true,
        Node::And(all) | Node::Or(all) => all.iter().any(has_sets),
        Node::Not(inner) => has_sets(inner),
        Node::Has(_) | Node::Field { .. } | Node::Text(_) => false,
    }
}
