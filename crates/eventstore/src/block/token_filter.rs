//! Which words a block does *not* have: a Bloom filter over the tokens of its text columns.
//!
//! Columns with a dictionary are not in it: their few entries are searched
//! directly. A filter says which columns it covers; those can be left unread
//! when a word that the search needs is not in the filter.

use std::borrow::Cow;

use hashbrown::HashSet;

use crate::column::Damaged;
use crate::column::binary::Form;
use crate::column::bytes::{Reader, put_varint};
use crate::column::tokens;

/// Bits per distinct token and probes per look-up: one block in 120 is read in vain. Against 16 bits this saves
/// nearly one byte per log record, and reading one block more in a hundred costs less than reading the larger filters.
const BITS_PER_TOKEN: usize = 10;
const PROBES: u8 = 7;
/// Beside the probes: whole words beyond ASCII are in it.
const WORDS: u8 = 0x80;
/// Guards the look-up against a damaged filter.
const PROBES_MAX: u8 = 32;

type Hashes = HashSet<u64, std::hash::BuildHasherDefault<rustc_hash::FxHasher>>;

/// Collects the tokens of a block's columns.
#[derive(Debug, Default)]
pub(super) struct Builder {
    columns: Vec<usize>,
    hashes: Hashes,
}

impl Builder {
    /// Adds the texts of the column at `place` of the header.
    pub(super) fn cover(&mut self, place: usize, texts: &[&[u8]], form: &Form<'_>) {
        let mut add = |token: &[u8]| {
            self.hashes.insert(tokens::hash(token));
        };
        match form {
            Form::Distinct(_) => return,
            Form::Templates(split) => split.tokens(&mut add),
            Form::Plain => {
                for text in texts {
                    tokens::tokens(text, |t| add(&text[t.from..t.to]));
                }
            }
        }
        texts.iter().for_each(|text| tokens::words(text, &mut add));
        self.columns.push(place);
    }

    /// Appends the filter; nothing when it covers no column.
    pub(super) fn encode(self) -> Option<Vec<u8>> {
        if self.columns.is_empty() {
            return None;
        }
        let mut out = Vec::new();
        put_varint(&mut out, self.columns.len() as u64);
        self.columns.iter().for_each(|c| put_varint(&mut out, *c as u64));
        let mut words = vec![0u64; (self.hashes.len() * BITS_PER_TOKEN).div_ceil(64)];
        for h in self.hashes {
            for bit in probes(h, PROBES, words.len()) {
                words[bit / 64] |= 1 << (bit % 64);
            }
        }
        out.push(PROBES | WORDS);
        words.iter().for_each(|w| out.extend_from_slice(&w.to_le_bytes()));
        Some(out)
    }
}

/// The bits of a token in a filter of `words` words: double hashing (Kirsch, Mitzenmacher 2006).
fn probes(h: u64, n: u8, words: usize) -> impl Iterator<Item = usize> {
    let (mut at, step, bits) = (h as u32, (h >> 32) as u32 | 1, words as u64 * 64);
    (0..n).map(move |_| {
        let bit = (u64::from(at) * bits) >> 32;
        at = at.wrapping_add(step);
        bit as usize
    })
}

/// The filter of a block.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TokenFilter<'a> {
    /// Places in the header, rising.
    columns: Vec<usize>,
    probes: u8,
    /// Whether it has whole words beyond ASCII; filters of versions 1 and 2 have pieces of them.
    words: bool,
    payload: Cow<'a, [u8]>,
    /// Where the words begin in the payload. A look-up reads a few bits of them.
    words_at: usize,
}

impl<'a> TokenFilter<'a> {
    /// Reads the payload of a filter column.
    pub(super) fn decode(payload: Cow<'a, [u8]>) -> Result<Self, Damaged> {
        let bytes = &*payload;
        let mut r = Reader(bytes);
        let n = r.count(bytes.len())?;
        let columns = (0..n).map(|_| r.count(u32::MAX as usize)).collect::<Result<Vec<_>, _>>()?;
        let first = r.u8()?;
        let (probes, words) = (first & !WORDS, first & WORDS != 0);
        // Probes are 32 bits wide.
        if probes > PROBES_MAX || !r.0.len().is_multiple_of(8) || r.0.len() > (u32::MAX / 8) as usize {
            return Err(Damaged("token filter"));
        }
        let words_at = bytes.len() - r.0.len();
        Ok(Self { columns, probes, words, payload, words_at })
    }

    /// Whether the tokens of the column at `place` of the header are in the filter.
    pub(crate) fn covers(&self, place: usize) -> bool {
        self.columns.contains(&place)
    }

    /// Whether a covered column may have the word beyond ASCII with the hash of what [`tokens::words`] makes of it. "No"
    /// is certain.
    pub(crate) fn may_have_word(&self, word: u64) -> bool {
        !self.words || self.may_have(word)
    }

    /// Whether a covered column may have the token with this [`tokens::hash`]. "No" is certain.
    pub(crate) fn may_have(&self, token: u64) -> bool {
        // Words are little-endian: bit `b` lies in byte `b / 8`.
        let words = self.payload.get(self.words_at..).unwrap_or_default();
        let is_set = |bit: usize| words.get(bit / 8).is_some_and(|byte| byte >> (bit % 8) & 1 == 1);
        !words.is_empty() && probes(token, self.probes, words.len() / 8).all(is_set)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_is_found_and_little_else() {
        let texts: Vec<String> = (0..8192).map(|i| format!("Request {i:x} took {i} ms")).collect();
        let texts: Vec<&[u8]> = texts.iter().map(|t| t.as_bytes()).collect();
        let mut b = Builder::default();
        b.cover(3, &texts, &Form::Plain);
        let bytes = b.encode().unwrap_or_default();
        let f = TokenFilter::decode(bytes.as_slice().into()).unwrap_or_else(|e| panic!("{e}"));
        assert!(f.covers(3) && !f.covers(2));
        assert!(["request", "TOOK", "ms", "8191", "1fff"].iter().all(|t| f.may_have(tokens::hash(t.as_bytes()))));
        let wrong = (0..10_000).filter(|i| f.may_have(tokens::hash(format!("x{i}").as_bytes()))).count();
        assert!(wrong < 200, "{wrong} of 10000");
        assert!(bytes.len() < 21_000, "{}", bytes.len());
    }

    #[test]
    fn words_beyond_ascii_are_in_it_whole() {
        let mut b = Builder::default();
        b.cover(0, &["Größe 7".as_bytes(), b"plain"], &Form::Plain);
        let bytes = b.encode().unwrap_or_default();
        let word = |w: &str| tokens::hash(w.as_bytes());
        let f = TokenFilter::decode(bytes.as_slice().into()).unwrap_or_else(|e| panic!("{e}"));
        assert!(f.may_have_word(word("größe")) && !f.may_have_word(word("größ")) && !f.may_have_word(word("日本")));
        // As version 2 wrote it: nothing is known of them.
        let mut old = bytes;
        old[2] &= !WORDS;
        let f = TokenFilter::decode(old.into()).unwrap_or_else(|e| panic!("{e}"));
        assert!(f.may_have_word(word("日本")) && f.may_have(tokens::hash(b"plain")));
    }

    #[test]
    fn damage_is_refused_or_harmless() {
        let mut b = Builder::default();
        b.cover(0, &[b"a b c"], &Form::Plain);
        let bytes = b.encode().unwrap_or_default();
        for i in 0..bytes.len() {
            for bit in 0..8 {
                let mut bytes = bytes.clone();
                bytes[i] ^= 1 << bit;
                if let Ok(f) = TokenFilter::decode(bytes.into()) {
                    f.may_have(7);
                }
            }
            assert!(TokenFilter::decode(bytes[..i].into()).is_err() || i == bytes.len() - 8);
        }
    }
}
