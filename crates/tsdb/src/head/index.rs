//! What series the head has: their keys, how they are found, and the inverted index.
//!
//! A series is found by the hash of its canonical key and compared with it
//! byte by byte: keys are kept as they are, for a comparison text by text of
//! numbered texts took a fifth of the time of an append. The lists of the
//! inverted index number their texts. Grows with each new series and never shrinks: a
//! head is given up as a whole. Knows no samples.

use hashbrown::{HashMap, HashTable};
use roaring::RoaringBitmap;
use rustc_hash::FxBuildHasher;

use super::ids::Ids;
use super::symbols::Symbols;
use crate::TsdbError;
use crate::key;
use crate::postings::LabelIndex;

/// No number in the log.
pub(crate) const UNNAMED: u32 = u32::MAX;

/// Where a series is found: its id, and enough of its hash to look at few others.
#[derive(Debug, Clone, Copy)]
struct Slot {
    id: u32,
    hash: u32,
}

/// The series with one value of a label.
#[derive(Debug)]
struct Value {
    symbol: u32,
    ids: Ids,
}

/// The values of one label.
#[derive(Debug)]
struct Name {
    symbol: u32,
    values: Vec<Value>,
    by_symbol: HashTable<u32>,
}

#[derive(Debug, Default)]
pub(crate) struct HeadIndex {
    symbols: Symbols,
    /// Canonical keys, one series after another.
    keys: Vec<u8>,
    /// Where the key of each series ends.
    ends: Vec<u32>,
    by_key: HashTable<Slot>,
    names: Vec<Name>,
    /// The place of each name in `names`, by its number.
    name_at: HashMap<u32, usize, FxBuildHasher>,
    /// The number under which records of this log generation name a series, or [`UNNAMED`].
    log_names: Vec<u32>,
    /// Memory of the lists.
    lists_bytes: usize,
}

/// Bytes of a list and its entry in the table of its label.
const LIST_BYTES: usize = size_of::<Value>() + 8;

/// A hash of a symbol, which is a small number.
fn hash_symbol(symbol: u32) -> u64 {
    u64::from(symbol).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// What of a hash a slot keeps, spread over 64 bits again for the table.
fn short(hash: u64) -> u32 {
    (hash ^ hash >> 32) as u32
}

fn spread(hash: u32) -> u64 {
    u64::from(hash).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

impl HeadIndex {
    /// How many series there are; their ids lie below.
    pub(crate) fn len(&self) -> u32 {
        self.ends.len() as u32
    }

    /// The series with this canonical key.
    pub(crate) fn find(&self, hash: u64, key: &[u8]) -> Option<u32> {
        let hash = short(hash);
        self.by_key.find(spread(hash), |s| s.hash == hash && self.has_key(s.id, key)).map(|s| s.id)
    }

    fn has_key(&self, id: u32, key: &[u8]) -> bool {
        self.key(id) == key
    }

    /// The canonical key of a series.
    pub(crate) fn key(&self, id: u32) -> &[u8] {
        let at = id as usize;
        let start = at.checked_sub(1).and_then(|before| self.ends.get(before)).map_or(0, |e| *e as usize);
        let end = self.ends.get(at).map_or(start, |e| *e as usize);
        self.keys.get(start..end).unwrap_or_default()
    }

    /// Enters a series that is not there yet; `None` when numbers or room for keys run out.
    pub(crate) fn insert(&mut self, hash: u64, key: &[u8]) -> Option<u32> {
        let id = u32::try_from(self.ends.len()).ok().filter(|id| *id < UNNAMED)?;
        let end = u32::try_from(self.keys.len() + key.len()).ok()?;
        let mut symbols = Vec::new();
        for (name, value) in key::iter(key) {
            symbols.push((self.symbols.intern(name)?, self.symbols.intern(value)?));
        }
        self.keys.extend_from_slice(key);
        self.ends.push(end);
        self.log_names.push(UNNAMED);
        let hash = short(hash);
        self.by_key.insert_unique(spread(hash), Slot { id, hash }, |s| spread(s.hash));
        for (name, value) in symbols {
            let next = self.names.len();
            let at = *self.name_at.entry(name).or_insert(next);
            if at == next {
                self.names.push(Name { symbol: name, values: Vec::new(), by_symbol: HashTable::new() });
            }
            self.lists_bytes += self.names.get_mut(at).map_or(0, |n| n.add(value, id));
        }
        Some(id)
    }

    /// The number under which the log of this generation knows the series.
    pub(crate) fn log_name(&self, id: u32) -> Option<u32> {
        self.log_names.get(id as usize).copied().filter(|name| *name != UNNAMED)
    }

    /// A record that gives the series this number is in the log.
    pub(crate) fn set_log_name(&mut self, id: u32, name: u32) {
        if let Some(known) = self.log_names.get_mut(id as usize).filter(|known| **known == UNNAMED) {
            *known = name;
        }
    }

    /// How many series have this value of this label.
    pub(crate) fn count(&self, name: &str, value: &str) -> u32 {
        self.list(name, value).map_or(0, Ids::count)
    }

    fn name(&self, name: &str) -> Option<&Name> {
        self.names.get(*self.name_at.get(&self.symbols.find(name)?)?)
    }

    fn list(&self, name: &str, value: &str) -> Option<&Ids> {
        let name = self.name(name)?;
        let symbol = self.symbols.find(value)?;
        let at = name.by_symbol.find(hash_symbol(symbol), |at| name.has(*at, symbol))?;
        name.values.get(*at as usize).map(|v| &v.ids)
    }

    /// All ids in the order of their labels.
    pub(crate) fn in_label_order(&self) -> Vec<u32> {
        let by_rank = self.symbols.ranks();
        let rank = |text| self.symbols.find(text).and_then(|s| by_rank.get(s as usize)).copied().unwrap_or_default();
        let (mut ranks, mut ends) = (Vec::new(), Vec::new());
        for id in 0..self.len() {
            key::iter(self.key(id)).for_each(|(name, value)| ranks.extend([rank(name), rank(value)]));
            ends.push(ranks.len());
        }
        let ranks_of = |id: u32| {
            let at = id as usize;
            let start = at.checked_sub(1).and_then(|before| ends.get(before)).copied().unwrap_or_default();
            ranks.get(start..ends.get(at).copied().unwrap_or(start)).unwrap_or_default()
        };
        let mut order: Vec<u32> = (0..self.len()).collect();
        order.sort_unstable_by(|a, b| ranks_of(*a).cmp(ranks_of(*b)));
        order
    }

    /// Memory of the index.
    pub(crate) fn bytes(&self) -> usize {
        let series = (self.ends.capacity() + self.log_names.capacity()) * 4;
        let table = self.by_key.capacity() * (size_of::<Slot>() + 1);
        self.symbols.bytes() + self.keys.capacity() + series + table + self.lists_bytes
    }
}

impl Name {
    fn has(&self, at: u32, symbol: u32) -> bool {
        self.values.get(at as usize).is_some_and(|v| v.symbol == symbol)
    }

    /// Adds a series to the list of a value; returns how many bytes that took.
    fn add(&mut self, value: u32, id: u32) -> usize {
        let found = self.by_symbol.find(hash_symbol(value), |at| self.has(*at, value)).copied();
        if let Some(at) = found {
            return self.values.get_mut(at as usize).map_or(0, |v| v.ids.push(id));
        }
        let mut ids = Ids::default();
        let bytes = LIST_BYTES + ids.push(id);
        let Self { values, by_symbol, .. } = self;
        let hash_at = |at: &u32| values.get(*at as usize).map_or(0, |v| hash_symbol(v.symbol));
        by_symbol.insert_unique(hash_symbol(value), values.len() as u32, hash_at);
        values.push(Value { symbol: value, ids });
        bytes
    }
}

impl LabelIndex for HeadIndex {
    fn all(&self) -> RoaringBitmap {
        let mut all = RoaringBitmap::new();
        all.insert_range(0..self.len());
        all
    }

    fn with_value(&self, name: &str, value: &str) -> Result<RoaringBitmap, TsdbError> {
        let mut found = RoaringBitmap::new();
        if let Some(ids) = self.list(name, value) {
            ids.add_to(&mut found);
        }
        Ok(found)
    }

    fn with_values(
        &self,
        name: &str,
        prefixes: &[Vec<u8>],
        wanted: &mut dyn FnMut(&str) -> bool,
    ) -> Result<RoaringBitmap, TsdbError> {
        let mut found = RoaringBitmap::new();
        let begins = |value: &str| prefixes.iter().any(|p| value.as_bytes().starts_with(p));
        for value in self.name(name).into_iter().flat_map(|n| &n.values) {
            let text = self.symbols.get(value.symbol);
            if begins(text) && wanted(text) {
                value.ids.add_to(&mut found);
            }
        }
        Ok(found)
    }

    fn series(&self) -> u64 {
        u64::from(self.len())
    }

    fn counts(&self, name: &str, each: &mut dyn FnMut(&str, u64)) -> Result<(), TsdbError> {
        let values = self.name(name).into_iter().flat_map(|n| &n.values);
        values.for_each(|v| each(self.symbols.get(v.symbol), u64::from(v.ids.count())));
        Ok(())
    }

    fn names(&self, each: &mut dyn FnMut(&str)) {
        self.names.iter().for_each(|n| each(self.symbols.get(n.symbol)));
    }

    fn values(&self, name: &str, each: &mut dyn FnMut(&str)) -> Result<(), TsdbError> {
        let values = self.name(name).into_iter().flat_map(|n| &n.values);
        values.for_each(|v| each(self.symbols.get(v.symbol)));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn series_are_found_and_listed_in_label_order() {
        let mut index = HeadIndex::default();
        let keys: Vec<Vec<u8>> = [("up", "b"), ("up", "a"), ("down", "a")]
            .iter()
            .map(|(name, job)| {
                let mut key = Vec::new();
                assert!(key::write([("__name__", *name), ("job", *job)], &mut key));
                key
            })
            .collect();
        for (key, id) in keys.iter().zip(0..) {
            assert_eq!(index.find(key::hash(key), key), None);
            assert_eq!(index.insert(key::hash(key), key), Some(id));
        }
        for (key, id) in keys.iter().zip(0..) {
            assert_eq!(index.find(key::hash(key), key), Some(id));
            assert_eq!(index.key(id), key);
        }
        let shorter = &keys[0][..keys[0].len() - 6];
        assert_eq!(index.find(key::hash(&keys[0]), shorter), None, "a key that begins the same is another");
        assert_eq!(index.in_label_order(), [2, 1, 0]);
        index.set_log_name(1, 7);
        index.set_log_name(1, 8);
        assert_eq!((index.log_name(0), index.log_name(1)), (None, Some(7)));
    }
}
