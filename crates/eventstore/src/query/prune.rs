//! What a block's directory entry and the index of its segment say about a filter, before anything of the block is read.
//!
//! The entry counts rows per severity or status, the index knows the services.
//! Conditions on these hold for all, some or none of the rows; every other
//! condition may hold for some.

use super::compile::{Node, Plan, ValueView};
use super::facts::{Counted, Fact, Facts, is_counted};
use super::filter::Field;
use crate::block::Block;
use crate::schema::Schema;
use crate::value_type::ValueType;

/// How many rows of a block satisfy a condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Share {
    None,
    Some,
    All,
}

impl Plan {
    /// Which rows of a block match.
    pub(crate) fn share(&self, schema: Schema, block: &Block) -> Share {
        share(&self.root, schema, block)
    }

    /// Whether rows of which so much is known match; `None` when that depends on more.
    pub(crate) fn decides(&self, facts: &impl Facts) -> Option<bool> {
        decides(&self.root, facts)
    }

    /// Whether the filter looks at fields only for which `is` holds, and not at text.
    pub(crate) fn asks_only(&self, is: impl Fn(&Field) -> bool + Copy) -> bool {
        asks_only(&self.root, is)
    }
}

fn decides(node: &Node, facts: &impl Facts) -> Option<bool> {
    match node {
        Node::And(nodes) => nodes.iter().try_fold(true, |all, n| Some(decides(n, facts)? && all)),
        Node::Or(nodes) => nodes.iter().try_fold(false, |any, n| Some(decides(n, facts)? || any)),
        Node::Not(inner) => decides(inner, facts).map(|hit| !hit),
        Node::Test(field, test) => match facts.of(field) {
            Fact::Unknown => None,
            Fact::Absent => Some(false),
            Fact::Is(value) => Some(test.matches(value)),
        },
        Node::Text(_) => None,
    }
}

fn asks_only(node: &Node, is: impl Fn(&Field) -> bool + Copy) -> bool {
    match node {
        Node::And(nodes) | Node::Or(nodes) => nodes.iter().all(|n| asks_only(n, is)),
        Node::Not(inner) => asks_only(inner, is),
        Node::Test(field, _) => is(field),
        Node::Text(_) => false,
    }
}

fn share(node: &Node, schema: Schema, block: &Block) -> Share {
    match node {
        Node::And(nodes) => nodes.iter().map(|n| share(n, schema, block)).fold(Share::All, |a, b| match (a, b) {
            (Share::None, _) | (_, Share::None) => Share::None,
            (Share::All, Share::All) => Share::All,
            _ => Share::Some,
        }),
        Node::Or(nodes) => nodes.iter().map(|n| share(n, schema, block)).fold(Share::None, |a, b| match (a, b) {
            (Share::All, _) | (_, Share::All) => Share::All,
            (Share::None, Share::None) => Share::None,
            _ => Share::Some,
        }),
        Node::Not(inner) => match share(inner, schema, block) {
            Share::None => Share::All,
            Share::Some => Share::Some,
            Share::All => Share::None,
        },
        Node::Test(field, _) if is_counted(field, schema) => {
            let meta = &block.meta;
            let counted: u64 = meta.counts.iter().map(|n| u64::from(*n)).sum();
            if counted != u64::from(meta.rows) {
                return Share::Some;
            }
            let present = meta.counts.iter().enumerate().filter(|(_, n)| **n > 0);
            among(present.map(|(v, _)| decides(node, &Counted { schema, value: v as u8 }).unwrap_or_default()))
        }
        Node::Test(Field::Service, test) => match block.services() {
            Some(services) => {
                among(services.iter().map(|s| test.matches(ValueView::Binary(ValueType::Str, s.as_bytes()))))
            }
            None => Share::Some,
        },
        Node::Test(..) | Node::Text(_) => Share::Some,
    }
}

/// The share of rows, given of each kind that there is whether it is a hit.
fn among(kinds: impl Iterator<Item = bool>) -> Share {
    let (mut hit, mut miss) = (false, false);
    for kind in kinds {
        hit |= kind;
        miss |= !kind;
    }
    match (hit, miss) {
        (true, true) => Share::Some,
        (true, false) => Share::All,
        (false, _) => Share::None,
    }
}
