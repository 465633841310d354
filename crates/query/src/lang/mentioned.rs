//! The fields that a filter mentions, wherever they stand in it.

use eventstore::query::Field;

use super::ast::{Expr, Key, Node, Query};
use super::fields;
use crate::EventSignal;

/// The fields of `query`, in the order of the text; a text without a field mentions none.
pub fn fields_in(query: &Query, signal: EventSignal) -> Vec<Field> {
    let mut keys = Vec::new();
    query.expr.iter().for_each(|e| collect(e, &mut keys));
    keys.into_iter().map(|key| fields::resolve(signal, key).0).collect()
}

pub(super) fn collect<'a>(e: &'a Expr, out: &mut Vec<&'a Key>) {
    match &e.node {
        Node::And(all) | Node::Or(all) => all.iter().for_each(|e| collect(e, out)),
        Node::Not(inner) => collect(inner, out),
        Node::Spans { inner, .. } => inner.iter().for_each(|e| collect(e, out)),
        Node::Has(key) | Node::Field { key, .. } => out.push(key),
        Node::Text(_) => {}
    }
}
