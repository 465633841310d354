//! Texts by number: those of a block's column, or a collection of its own.

use std::borrow::Cow;
use std::sync::Arc;

use hashbrown::HashTable;

use crate::block::{Loaded, Values};
use crate::column::binary::{Binary, Dictionary, hash};
use crate::column::template::NumberedTexts;

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
    /// Of rows whose texts differ in one number only. The same text may stand there twice.
    Numbered(NumberedTexts),
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
            Self::Numbered(texts) => texts.numbers.len(),
            Self::Own(names) => names.len(),
        }
    }

    /// The text of a code; empty when there is none.
    pub(crate) fn get(&self, code: u32) -> Cow<'_, [u8]> {
        Cow::Borrowed(match self {
            Self::Column(column) => match &column.values {
                Values::Binary(Binary::Const(text)) => text,
                Values::Binary(Binary::Dict { entries, .. }) => entries.get(code as usize),
                Values::Binary(Binary::Plain(texts)) => texts.get(code as usize),
                _ => &[],
            },
            Self::Shared { places, dictionary } => {
                places.get(code as usize).map_or(&[], |p| dictionary.entries.get(*p as usize))
            }
            Self::Numbered(texts) => return Cow::Owned(texts.text(code as usize)),
            Self::Own(names) => names.get(code),
        })
    }

    pub(crate) fn text(&self, code: u32) -> Cow<'_, str> {
        match self.get(code) {
            Cow::Borrowed(text) => String::from_utf8_lossy(text),
            Cow::Owned(text) => Cow::Owned(String::from_utf8_lossy(&text).into_owned()),
        }
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
/// What the dictionary of a segment holds is interned once per segment, and found by its place from then on; texts
/// that differ in one number only are interned once and found by their number.
#[derive(Debug, Default)]
pub(crate) struct Known(Vec<(Kin, Vec<u32>)>);

/// What blocks have in common, so that a number means the same text in them.
#[derive(Debug)]
enum Kin {
    Dictionary(Arc<Dictionary>),
    Around { prefix: Vec<u8>, suffix: Vec<u8> },
}

impl Kin {
    fn has(&self, names: &Names) -> bool {
        match (self, names) {
            (Self::Dictionary(d), Names::Shared { dictionary, .. }) => Arc::ptr_eq(d, dictionary),
            (Self::Around { prefix, suffix }, Names::Numbered(t)) => *prefix == t.prefix && *suffix == t.suffix,
            _ => false,
        }
    }
}

/// Arrays by number; when every block has texts of its own around the numbers, those of later blocks are hashed.
const AROUND_MAX: usize = 16;
/// Not interned yet.
const UNKNOWN: u32 = u32::MAX;

impl Known {
    /// Gets ready for the names of a block: the place of what they have in common with others.
    pub(crate) fn of(&mut self, names: &Names) -> Option<usize> {
        let (end, is_numbered) = match names {
            Names::Shared { dictionary, .. } => (dictionary.entries.len(), false),
            Names::Numbered(texts) => (texts.numbers.iter().max().map_or(0, |n| *n as usize + 1), true),
            Names::Column(_) | Names::Own(_) => return None,
        };
        let at = self.0.iter().position(|(kin, _)| kin.has(names)).unwrap_or(self.0.len());
        if at == self.0.len() {
            let kin = match names {
                Names::Shared { dictionary, .. } => Kin::Dictionary(dictionary.clone()),
                Names::Numbered(t) => Kin::Around { prefix: t.prefix.clone(), suffix: t.suffix.clone() },
                Names::Column(_) | Names::Own(_) => return None,
            };
            let around = self.0.iter().filter(|(kin, _)| matches!(kin, Kin::Around { .. })).count();
            if is_numbered && around >= AROUND_MAX {
                return None;
            }
            self.0.push((kin, Vec::new()));
        }
        let (_, codes) = self.0.get_mut(at)?;
        if codes.len() < end {
            codes.resize(end, UNKNOWN);
        }
        Some(at)
    }

    /// The interner's code of a name; `at` is what [`Known::of`] said of `names`.
    pub(crate) fn code(&mut self, at: Option<usize>, interner: &mut Interner, names: &Names, code: u32) -> Option<u32> {
        let number = match names {
            Names::Shared { places, .. } => places.get(code as usize),
            Names::Numbered(texts) => texts.numbers.get(code as usize),
            Names::Column(_) | Names::Own(_) => None,
        };
        let (Some(at), Some(number)) = (at, number) else { return interner.code(&names.get(code)) };
        let slot = self.0.get_mut(at).and_then(|(_, codes)| codes.get_mut(*number as usize))?;
        if *slot == UNKNOWN {
            *slot = interner.code(&names.get(code))?;
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

    #[test]
    fn numbers_are_known_with_what_is_around_them() {
        let numbered = |prefix: String, numbers: &[u32]| {
            Names::Numbered(NumberedTexts { prefix: prefix.into(), suffix: b"!".to_vec(), numbers: numbers.to_vec() })
        };
        let (mut known, mut interner) = (Known::default(), Interner::default());
        // More than have an array of their own.
        for round in 0..2 {
            for block in 0..AROUND_MAX as u32 + 3 {
                let names = numbered(format!("{block}-"), &[9 + round, 3, 3]);
                let at = known.of(&names);
                assert_eq!(at.is_some(), block < AROUND_MAX as u32);
                for code in 0..3 {
                    let text = format!("{block}-{}!", [9 + round, 3, 3][code as usize]);
                    let found = known.code(at, &mut interner, &names, code);
                    assert_eq!(found.map(|c| interner.get(c)), Some(text.as_bytes()));
                }
            }
        }
        assert_eq!(interner.len(), (AROUND_MAX + 3) * 3);
    }
}
