//! Texts by number: those of a block's column, or a collection of its own.

use std::borrow::Cow;
use std::sync::Arc;

use hashbrown::HashTable;

use crate::block::{Loaded, Values};
use crate::column::binary::{Binary, Dictionary, Entries, hash};
use crate::column::template::{self, NumberedTexts};

/// The texts that codes stand for.
#[derive(Debug)]
pub(crate) enum Names {
    /// Of the values of a column that has no dictionary. The same text may stand there twice.
    Column(Arc<Loaded>),
    /// Of the entries of a dictionary, of the block or of its segment.
    Entries(Entries),
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
            Self::Entries(entries) => entries.len(),
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
            Self::Entries(entries) => entries.get(code as usize),
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

/// What blocks have in common, so that a number means the same text in them.
#[derive(Debug)]
enum Kin {
    Dictionary(Arc<Dictionary>),
    Around { prefix: Vec<u8>, suffix: Vec<u8> },
}

impl Kin {
    fn of(names: &Names) -> Option<Self> {
        match names {
            Names::Entries(Entries::Shared { dictionary, .. }) => Some(Self::Dictionary(dictionary.clone())),
            Names::Numbered(t) => Some(Self::Around { prefix: t.prefix.clone(), suffix: t.suffix.clone() }),
            Names::Entries(Entries::Own(_)) | Names::Column(_) | Names::Own(_) => None,
        }
    }

    fn has(&self, names: &Names) -> bool {
        match (self, names) {
            (Self::Dictionary(d), Names::Entries(Entries::Shared { dictionary, .. })) => Arc::ptr_eq(d, dictionary),
            (Self::Around { prefix, suffix }, Names::Numbered(t)) => *prefix == t.prefix && *suffix == t.suffix,
            _ => false,
        }
    }

    fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Dictionary(a), Self::Dictionary(b)) => Arc::ptr_eq(a, b),
            (Self::Around { prefix: a, suffix: x }, Self::Around { prefix: b, suffix: y }) => a == b && x == y,
            _ => false,
        }
    }

    fn text(&self, number: u32) -> Cow<'_, [u8]> {
        match self {
            Self::Dictionary(d) => Cow::Borrowed(d.entries.get(number as usize)),
            Self::Around { prefix, suffix } => Cow::Owned(template::numbered(prefix, number, suffix)),
        }
    }
}

/// The numbers by which the texts of the names of a block are known in other blocks too.
fn numbers(names: &Names) -> &[u32] {
    match names {
        Names::Entries(Entries::Shared { places, .. }) => places,
        Names::Numbered(texts) => &texts.numbers,
        Names::Entries(Entries::Own(_)) | Names::Column(_) | Names::Own(_) => &[],
    }
}

/// Arrays by number; when every block has texts of its own around the numbers, those of later blocks are none.
const AROUND_MAX: usize = 16;

/// Something for each text of what blocks have in common: an array by number for each dictionary of a segment, and
/// for each kind of text that differs in a number only.
#[derive(Debug)]
pub(crate) struct ByNumber<T>(Vec<(Kin, Vec<T>)>);

impl<T> Default for ByNumber<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: Copy> ByNumber<T> {
    /// Gets ready for the names of a block: the array of what they have in common with others, with `empty` where
    /// nothing is known yet, and the number of each name.
    pub(crate) fn of<'n>(&mut self, names: &'n Names, empty: T) -> Option<(&mut Vec<T>, &'n [u32])> {
        let end = match names {
            Names::Entries(Entries::Shared { dictionary, .. }) => dictionary.entries.len(),
            Names::Numbered(texts) => texts.numbers.iter().max().map_or(0, |n| *n as usize + 1),
            Names::Entries(Entries::Own(_)) | Names::Column(_) | Names::Own(_) => return None,
        };
        let at = match self.0.iter().rposition(|(kin, _)| kin.has(names)) {
            Some(at) => at,
            None => {
                let kin = Kin::of(names)?;
                if matches!(kin, Kin::Around { .. }) && self.around() >= AROUND_MAX {
                    return None;
                }
                self.0.push((kin, Vec::new()));
                self.0.len() - 1
            }
        };
        let (_, array) = self.0.get_mut(at)?;
        if array.len() < end {
            array.resize(end, empty);
        }
        Some((array, numbers(names)))
    }

    fn around(&self) -> usize {
        self.0.iter().filter(|(kin, _)| matches!(kin, Kin::Around { .. })).count()
    }

    /// How many arrays there are.
    pub(crate) fn kinds(&self) -> usize {
        self.0.len()
    }

    /// Takes over the arrays of another.
    pub(crate) fn join(&mut self, other: Self, empty: T, add: impl Fn(&mut T, T)) {
        for (kin, array) in other.0 {
            match self.0.iter_mut().find(|(known, _)| known.is(&kin)) {
                Some((_, mine)) => {
                    if mine.len() < array.len() {
                        mine.resize(array.len(), empty);
                    }
                    mine.iter_mut().zip(array).for_each(|(mine, theirs)| add(mine, theirs));
                }
                None => self.0.push((kin, array)),
            }
        }
    }

    /// All that is in the arrays.
    pub(crate) fn values(&self) -> impl Iterator<Item = &T> {
        self.0.iter().flat_map(|(_, array)| array)
    }

    /// Calls `each` with all that is in the arrays, and a way to its text. No text comes twice from one array.
    pub(crate) fn each_text(self, mut each: impl FnMut(T, &dyn Fn() -> Vec<u8>)) {
        for (kin, array) in self.0 {
            for (number, value) in array.into_iter().enumerate() {
                each(value, &|| kin.text(number as u32).into_owned());
            }
        }
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        self.0.iter().map(|(_, array)| array.len() * size_of::<T>()).sum()
    }
}

/// The codes of an interner for the names that blocks have.
///
/// What the dictionary of a segment holds is interned once per segment, and found by its place from then on; texts
/// that differ in one number only are interned once and found by their number.
#[derive(Debug, Default)]
pub(crate) struct Known(ByNumber<u32>);

/// Not interned yet.
const UNKNOWN: u32 = u32::MAX;

impl Known {
    /// A look-up of the codes of the names of a block; each name is looked for when its code is first asked for.
    pub(crate) fn of<'a>(&'a mut self, interner: &'a mut Interner, names: &'a Names) -> Codes<'a> {
        let own = match names {
            Names::Entries(Entries::Shared { .. }) => Vec::new(),
            _ => vec![UNKNOWN; names.len()],
        };
        Codes { shared: self.0.of(names, UNKNOWN), own, interner, names }
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        self.0.heap_bytes()
    }
}

/// See [`Known::of`].
pub(crate) struct Codes<'a> {
    shared: Option<(&'a mut Vec<u32>, &'a [u32])>,
    own: Vec<u32>,
    interner: &'a mut Interner,
    names: &'a Names,
}

impl Codes<'_> {
    /// The interner's code of the name of a code; `None` when the interner is full.
    pub(crate) fn get(&mut self, code: u32) -> Option<u32> {
        let slot = match &mut self.shared {
            Some((array, numbers)) => numbers.get(code as usize).and_then(|number| array.get_mut(*number as usize)),
            None => self.own.get_mut(code as usize),
        };
        match slot {
            Some(known) if *known != UNKNOWN => Some(*known),
            Some(slot) => {
                *slot = self.interner.code(&self.names.get(code))?;
                Some(*slot)
            }
            None => self.interner.code(&self.names.get(code)),
        }
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
                let mut codes = known.of(&mut interner, &names);
                assert_eq!(codes.shared.is_some(), block < AROUND_MAX as u32);
                let found: Vec<_> = (0..3).map(|code| codes.get(code)).collect();
                for (code, found) in found.into_iter().enumerate() {
                    let text = format!("{block}-{}!", [9 + round, 3, 3][code]);
                    assert_eq!(found.map(|c| interner.get(c)), Some(text.as_bytes()));
                }
            }
        }
        assert_eq!(interner.len(), (AROUND_MAX + 3) * 3);
    }
}
