//! What happens when: records wait here until the moment at which their process would have finished them.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use foundation::UnixNanos;

use super::cast::Actor;
use super::registry::{Context, Instrument, Labels};
use crate::otlp::Scope;

/// Something that one process has to export.
#[derive(Debug)]
pub(super) enum Entry {
    /// An encoded span that has ended.
    Span(Vec<u8>),
    /// An encoded log record.
    Log(Vec<u8>),
    /// A count on a counter or up-down counter.
    Add(&'static Instrument, Labels, f64),
    /// A value for a histogram.
    Record(&'static Instrument, Labels, f64, Option<Context>),
    /// A Telegram user wrote.
    UserSeen(u64),
}

/// An entry with its process, library and time.
#[derive(Debug)]
pub(super) struct Happening {
    /// When.
    pub(super) time: UnixNanos,
    /// Entries of the same time keep the order in which they were made.
    sequence: u64,
    /// Who.
    pub(super) actor: Actor,
    /// Which library.
    pub(super) scope: Scope,
    /// What.
    pub(super) entry: Entry,
}

impl PartialEq for Happening {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}
impl Eq for Happening {}
impl PartialOrd for Happening {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Happening {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.time, self.sequence).cmp(&(other.time, other.sequence))
    }
}

/// Happenings in time order. Its size is bounded by the rate and by the longest action, some ten seconds.
#[derive(Debug, Default)]
pub(super) struct Timeline {
    heap: BinaryHeap<Reverse<Happening>>,
    sequence: u64,
}

impl Timeline {
    /// Adds an entry at `time`.
    pub(super) fn push(&mut self, time: UnixNanos, actor: Actor, scope: Scope, entry: Entry) {
        self.sequence += 1;
        self.heap.push(Reverse(Happening { time, sequence: self.sequence, actor, scope, entry }));
    }

    /// The earliest happening before `end`, removed.
    pub(super) fn pop_before(&mut self, end: UnixNanos) -> Option<Happening> {
        if self.heap.peek()?.0.time >= end {
            return None;
        }
        self.heap.pop().map(|h| h.0)
    }
}
