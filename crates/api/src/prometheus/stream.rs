//! Bodies of this face: lists in their envelope, written while they are sent.

pub(super) use crate::stream::{List, Pieces, body, json};

use super::respond::{ENVELOPE, Notes};

/// A list in its envelope; `write` appends one element.
pub(super) fn list<I: Iterator, F: FnMut(&mut Vec<u8>, I::Item)>(items: I, notes: &Notes, write: F) -> List<I, F> {
    let mut tail = Vec::new();
    notes.close(&mut tail);
    List::new(ENVELOPE, items, tail, write)
}
