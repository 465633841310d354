//! What a block's directory entry and the index of its segment say about a filter, before anything of the block is read.
//!
//! The entry counts rows per severity or status, the index knows which kinds of rows there are. A filter holds for all,
//! some or none of the rows of which something is known; what depends on more may hold for some.

use super::compile::{Node, Plan};
use super::facts::{Counted, Fact, Facts, RowsOf};
use super::filter::Field;
use crate::block::Block;
use crate::kinds::Kind;
use crate::schema::Schema;

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
        if self.is_all() {
            return Share::All;
        }
        let counts = &block.meta.counts;
        let counted: u64 = counts.iter().map(|n| u64::from(*n)).sum();
        if counted == u64::from(block.meta.rows) {
            let present = counts.iter().enumerate().filter(|(_, n)| **n > 0);
            let by_count = among(present.map(|(v, _)| share(&self.root, &Counted { schema, value: v as u8 })));
            if by_count != Share::Some {
                return by_count;
            }
        }
        match block.kinds() {
            Some(kinds) => among(kinds.iter().map(|Kind { service, value, longest }| {
                let counted = value.map(|value| Counted { schema, value });
                share(&self.root, &RowsOf { service, counted, longest })
            })),
            None => Share::Some,
        }
    }

    /// Whether rows of which so much is known match; `None` when that depends on more.
    pub(crate) fn decides(&self, facts: &impl Facts) -> Option<bool> {
        match share(&self.root, facts) {
            Share::None => Some(false),
            Share::Some => None,
            Share::All => Some(true),
        }
    }

    /// Whether the filter looks at fields only for which `is` holds, and not at text.
    pub(crate) fn asks_only(&self, is: impl Fn(&Field) -> bool + Copy) -> bool {
        asks_only(&self.root, is)
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

/// Which of the rows match of which `facts` are known.
fn share(node: &Node, facts: &impl Facts) -> Share {
    match node {
        Node::And(nodes) => all(nodes.iter().map(|n| share(n, facts))),
        Node::Or(nodes) => not(all(nodes.iter().map(|n| not(share(n, facts))))),
        Node::Not(inner) => not(share(inner, facts)),
        Node::Test(field, test) => match facts.of(field) {
            Fact::Unknown => Share::Some,
            Fact::Absent => Share::None,
            Fact::Is(value) => {
                if test.matches(value) {
                    Share::All
                } else {
                    Share::None
                }
            }
            Fact::AtMost(max) => {
                if test.int_range().is_some_and(|(low, _)| low > max) {
                    Share::None
                } else {
                    Share::Some
                }
            }
        },
        Node::Text(_) => Share::Some,
    }
}

fn not(share: Share) -> Share {
    match share {
        Share::None => Share::All,
        Share::Some => Share::Some,
        Share::All => Share::None,
    }
}

/// The share of rows for which all conditions hold.
fn all(conditions: impl Iterator<Item = Share>) -> Share {
    let mut all = Share::All;
    for share in conditions {
        match share {
            Share::None => return Share::None,
            Share::Some => all = Share::Some,
            Share::All => {}
        }
    }
    all
}

/// The share of all rows, given those of the kinds that there are.
fn among(mut kinds: impl Iterator<Item = Share>) -> Share {
    let Some(first) = kinds.next() else { return Share::None };
    if kinds.all(|share| share == first) { first } else { Share::Some }
}
