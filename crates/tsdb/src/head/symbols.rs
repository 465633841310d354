//! The texts of label names and values, each once, numbered from 0.

use hashbrown::HashTable;

use crate::key;

#[derive(Debug, Default)]
pub(crate) struct Symbols {
    texts: String,
    /// Where each text ends; it begins where the one before ends.
    ends: Vec<u32>,
    by_text: HashTable<u32>,
}

impl Symbols {
    pub(crate) fn get(&self, symbol: u32) -> &str {
        let at = symbol as usize;
        let start = at.checked_sub(1).and_then(|before| self.ends.get(before)).map_or(0, |e| *e as usize);
        let end = self.ends.get(at).map_or(start, |e| *e as usize);
        self.texts.get(start..end).unwrap_or_default()
    }

    pub(crate) fn find(&self, text: &str) -> Option<u32> {
        self.by_text.find(key::hash(text.as_bytes()), |s| self.get(*s) == text).copied()
    }

    /// The number of a text, a new one if need be; `None` when there are 4 GiB of texts.
    pub(crate) fn intern(&mut self, text: &str) -> Option<u32> {
        if let Some(known) = self.find(text) {
            return Some(known);
        }
        let symbol = u32::try_from(self.ends.len()).ok()?;
        let end = u32::try_from(self.texts.len() + text.len()).ok()?;
        self.texts.push_str(text);
        self.ends.push(end);
        let Self { texts, ends, by_text } = self;
        let of = |s: &u32| {
            let at = *s as usize;
            let start = at.checked_sub(1).and_then(|before| ends.get(before)).map_or(0, |e| *e as usize);
            texts.as_bytes().get(start..ends.get(at).map_or(start, |e| *e as usize)).unwrap_or_default()
        };
        by_text.insert_unique(key::hash(text.as_bytes()), symbol, |s| key::hash(of(s)));
        Some(symbol)
    }

    /// The place of each symbol when all are sorted by text.
    pub(crate) fn ranks(&self) -> Vec<u32> {
        let mut order: Vec<u32> = (0..self.ends.len() as u32).collect();
        order.sort_unstable_by(|a, b| self.get(*a).cmp(self.get(*b)));
        let mut ranks = vec![0; order.len()];
        for (rank, symbol) in (0..).zip(order) {
            if let Some(r) = ranks.get_mut(symbol as usize) {
                *r = rank;
            }
        }
        ranks
    }

    /// Memory of texts and tables.
    pub(crate) fn bytes(&self) -> usize {
        self.texts.capacity() + self.ends.capacity() * 4 + self.by_text.capacity() * 5
    }
}
