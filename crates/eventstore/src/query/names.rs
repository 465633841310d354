//! Texts by number: those of a block's column, or a collection of its own.

use std::borrow::Cow;
use std::sync::Arc;

use hashbrown::HashTable;

use crate::block::{Loaded, Values};
use crate::column::binary::{Binary, Dictionary, hash};

/// The texts that codes stand for.
#[derive(Debug)]
pub(crate) enum Names {
    /// Of the entries of a dictionary, or of the rows of a plain column. The same text may stand there twice.
    Column(Arc<Loaded>),
    /// Of entries in the dictionary of the segment.
    Shared {
        /// The place of each.
        places: Vec<u32>,
        /// One and the same for all blocks of the segment.
        dictionary: Arc<Dictionary>,
    },
    /// Collected, each once.
    Own(Interner),
}

impl Names {
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Column(column) => match &column.values {
                Values::Binary(Binary::Const(_)) => 1,
                Values::Binary(Binary::Dict { entries, .. }) => entries.len(),
                Values::Binary(Binary::Plain(texts)) => texts.len(),
                _ => 0,
            },
            Self::Shared { places, .. } => places.len(),
            Self::Own(names) => names.len(),
        }
    }

    /// The text of a code; empty when there is none.
    pub(crate) fn get(&self, code: u32) -> &[u8] {
        match self {
            Self::Column(column) => match &column.values {
                Values::Binary(Binary::Const(text)) => text,
                Values::Binary(Binary::Dict { entries, .. }) => entries.get(code as usize),
                Values::Binary(Binary::Plain(texts)) => texts.get(code as usize),
                _ => &[],
            },
            Self::Shared { places, dictionary } => {
                places.get(code as usize).map_or(&[], |p| dictionary.entries.get(*p as usize))
            }
            Self::Own(names) => names.get(code),
        }
    }

    pub(crate) fn text(&self, code: u32) -> Cow<'_, str> {
        String::from_utf8_lossy(self.get(code))
    }
}

/// Distinct texts, numbered in the order in which they came.
#[derive(Debug, Clone, Default)]
pub(crate) struct Interner {
    index: HashTable<u32>,
    /// Where each text ends.
    ends: Vec<u32>,
    bytes: Vec<u8>,
}

fn text<'a>(ends: &[u32], bytes: &'a [u8], code: u32) -> &'a [u8] {
    let at = |i: usize| ends.get(i).map_or(0, |e| *e as usize);
    let from = (code as usize).checked_sub(1).map_or(0, at);
    bytes.get(from..at(code as usize)).unwrap_or_default()
}

impl Interner {
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// The text of a code; empty when there is none.
    pub(crate) fn get(&self, code: u32) -> &[u8] {
        text(&self.ends, &self.bytes, code)
    }

    /// The number of a text, new or known. `None` when the texts together would be longer than 4 GiB.
    pub(crate) fn code(&mut self, name: &[u8]) -> Option<u32> {
        if let Some(code) = self.find(name) {
            return Some(code);
        }
        let h = hash(name);
        let code = u32::try_from(self.ends.len()).ok()?;
        let end = u32::try_from(self.bytes.len() + name.len()).ok()?;
        self.bytes.extend_from_slice(name);
        self.ends.push(end);
        let (ends, bytes) = (&self.ends, &self.bytes);
        self.index.insert_unique(h, code, |c| hash(text(ends, bytes, *c)));
        Some(code)
    }

    /// The number of a text that is known.
    pub(crate) fn find(&self, name: &[u8]) -> Option<u32> {
        let (ends, bytes) = (&self.ends, &self.bytes);
        self.index.find(hash(name), |c| text(ends, bytes, *c) == name).copied()
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        self.bytes.capacity() + self.ends.capacity() * 4 + self.index.capacity() * 5
    }
}

/// The codes of an interner for the names that blocks have.
///
/// What the dictionary of a segment holds is interned once per segment, and found by its place from then on.
#[derive(Debug, Default)]
pub(crate) struct Known(Vec<(Arc<Dictionary>, Vec<u32>)>);

/// Not interned yet.
const UNKNOWN: u32 = u32::MAX;

impl Known {
    /// Gets ready for the names of a block: the place of its dictionary.
    pub(crate) fn of(&mut self, names: &Names) -> Option<usize> {
        let Names::Shared { dictionary, .. } = names else { return None };
        Some(self.0.iter().position(|(d, _)| Arc::ptr_eq(d, dictionary)).unwrap_or_else(|| {
            self.0.push((dictionary.clone(), vec![UNKNOWN; dictionary.entries.len()]));
            self.0.len() - 1
        }))
    }

    /// The interner's code of a name; `at` is what [`Known::of`] said of `names`.
    pub(crate) fn code(&mut self, at: Option<usize>, interner: &mut Interner, names: &Names, code: u32) -> Option<u32> {
        let (Some(at), Names::Shared { places, .. }) = (at, names) else { return interner.code(names.get(code)) };
        let slot = self.0.get_mut(at).and_then(|(_, codes)| codes.get_mut(*places.get(code as usize)? as usize))?;
        if *slot == UNKNOWN {
            *slot = interner.code(names.get(code))?;
        }
        Some(*slot)
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        self.0.iter().map(|(_, codes)| codes.len() * 4).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_have_one_number_each() {
        let mut names = Interner::default();
        let codes: Vec<_> = ["a", "", "bc", "a", "", "c"].iter().map(|t| names.code(t.as_bytes()).unwrap()).collect();
        assert_eq!(codes, [0, 1, 2, 0, 1, 3]);
        assert_eq!((names.get(2), names.get(1), names.get(9), names.len()), (&b"bc"[..], &b""[..], &b""[..], 4));
    }
}
