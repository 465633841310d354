//! The dictionaries of a segment: entries that its blocks share.
//!
//! A block in memory has its own dictionaries. When it is written to a segment
//! the entries move into the segment's dictionary of the column, and the block
//! keeps the places of its entries in it; the codes of its rows stay as they
//! are, so no row is decoded. A place means the same in all blocks of the
//! segment: whoever groups rows can count in an array. The module knows
//! neither blocks nor segments. Format: `docs/formats/segment.md`.

use std::collections::VecDeque;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};

use foundation::disk::ReadAt;
use hashbrown::{HashMap, HashTable};
use parking_lot::Mutex;
use rustc_hash::FxBuildHasher;
use thiserror::Error;

use crate::column::Damaged;
use crate::column::binary::{self, Blob, Dictionary, hash};
use crate::column::bytes::{Reader, put_bytes, put_varint};
use crate::extent::Extent;
use crate::value_type::ValueType;

/// Entries that the blocks of a segment share in one column; blocks that would add more keep their own.
const ENTRIES_MAX: usize = 1 << 17;
/// Bytes of entries of all columns of a segment; the same.
const BYTES_MAX: usize = 32 << 20;
/// Bytes of dictionaries that a half of the store keeps decoded.
const CACHE_BYTES_MAX: usize = 64 << 20;

/// Which column: its id, the type of its values, and an attribute's key.
pub(crate) type ColumnRef<'a> = (u8, ValueType, &'a str);

/// Why a dictionary cannot be read.
#[derive(Debug, Error)]
pub(crate) enum DictionaryError {
    #[error("the disk cannot read a dictionary")]
    Io(#[from] io::Error),
    #[error(transparent)]
    Damaged(#[from] Damaged),
    #[error("checksum of a dictionary differs")]
    Checksum,
}

/// Collects the entries of a segment while it is written.
#[derive(Default)]
pub(crate) struct Builder {
    index: HashMap<(u8, ValueType, Box<str>), usize, FxBuildHasher>,
    columns: Vec<Column>,
    bytes: usize,
}

#[derive(Default)]
struct Column {
    offsets: Vec<u32>,
    bytes: Vec<u8>,
    table: HashTable<u32>,
}

impl Column {
    fn get(&self, i: u32) -> &[u8] {
        &self.bytes[self.offsets[i as usize] as usize..self.offsets[i as usize + 1] as usize]
    }

    fn len(&self) -> usize {
        self.offsets.len().saturating_sub(1)
    }

    fn place(&mut self, entry: &[u8]) -> Option<u32> {
        let h = hash(entry);
        if let Some(found) = self.table.find(h, |i| self.get(*i) == entry) {
            return Some(*found);
        }
        if self.len() >= ENTRIES_MAX {
            return None;
        }
        let new = self.len() as u32;
        self.bytes.extend_from_slice(entry);
        if self.offsets.is_empty() {
            self.offsets.push(0);
        }
        self.offsets.push(self.bytes.len() as u32);
        let (offsets, bytes) = (&self.offsets, &self.bytes);
        let text = |i: &u32| &bytes[offsets[*i as usize] as usize..offsets[*i as usize + 1] as usize];
        self.table.insert_unique(h, new, |i| hash(text(i)));
        Some(new)
    }
}

impl Builder {
    /// The places of `entries` in the dictionary of a column, which grows by those that are new; `None` when it
    /// would grow too large.
    pub(crate) fn places(&mut self, (id, value_type, key): ColumnRef<'_>, entries: &Blob) -> Option<Vec<i64>> {
        if self.bytes + entries.bytes().len() > BYTES_MAX {
            return None;
        }
        let columns = &mut self.columns;
        let at = *self.index.entry((id, value_type, key.into())).or_insert_with(|| {
            columns.push(Column::default());
            columns.len() - 1
        });
        let column = &mut self.columns[at];
        let before = column.bytes.len();
        let places = (0..entries.len()).map(|i| column.place(entries.get(i)).map(i64::from)).collect();
        self.bytes += column.bytes.len() - before;
        places
    }

    /// The dictionaries one after another, to be written at `at`, and the part of the footer that finds them.
    pub(crate) fn encode(self, at: u64) -> (Vec<u8>, Vec<u8>) {
        let (mut out, mut directory) = (Vec::new(), Vec::new());
        let mut keys: Vec<_> = self.index.into_iter().collect();
        keys.sort_unstable_by_key(|(_, i)| *i);
        put_varint(&mut directory, keys.len() as u64);
        for ((id, value_type, key), i) in keys {
            let (from, column) = (out.len(), &self.columns[i]);
            let entries: Vec<&[u8]> = (0..column.len() as u32).map(|i| column.get(i)).collect();
            binary::put_blob(&entries, &mut out);
            directory.extend([id, value_type as u8]);
            put_bytes(&mut directory, key.as_bytes());
            put_varint(&mut directory, column.len() as u64);
            Extent::of(&out[from..], at + from as u64).encode(&mut directory);
        }
        (out, directory)
    }
}

/// Keeps dictionaries decoded, the last ones that were read.
#[derive(Debug, Default)]
pub(crate) struct Cache {
    /// And the bytes that they hold.
    held: Mutex<(VecDeque<Arc<Dictionary>>, usize)>,
}

impl Cache {
    fn keep(&self, dictionary: &Arc<Dictionary>) {
        let (held, bytes) = &mut *self.held.lock();
        held.push_back(dictionary.clone());
        *bytes += dictionary.entries.heap_bytes();
        while *bytes > CACHE_BYTES_MAX
            && let Some(old) = held.pop_front()
        {
            *bytes -= old.entries.heap_bytes();
        }
    }
}

/// One dictionary in the file.
#[derive(Debug)]
struct Slot {
    id: u8,
    value_type: ValueType,
    key: Box<str>,
    entries: usize,
    extent: Extent,
    decoded: Mutex<Weak<Dictionary>>,
}

/// The dictionaries of an open segment; decoded when asked for.
pub(crate) struct Dictionaries {
    file: Arc<dyn ReadAt>,
    slots: Vec<Slot>,
    cache: Arc<Cache>,
    /// Whether the disk was asked for all of them.
    asked: AtomicBool,
}

impl Dictionaries {
    /// Asks the disk for all of them, once: they lie one after another.
    pub(crate) fn ask(&self) {
        if let (Some(Slot { extent: first, .. }), Some(Slot { extent: last, .. })) =
            (self.slots.first(), self.slots.last())
            && !self.asked.swap(true, Ordering::Relaxed)
        {
            self.file.will_need(first.offset, (last.offset + last.len as u64).saturating_sub(first.offset));
        }
    }

    /// Reads the directory; dictionaries lie before `end`. Nothing of it means that there are none.
    pub(crate) fn open(
        r: &mut Reader<'_>,
        file: Arc<dyn ReadAt>,
        end: u64,
        cache: Arc<Cache>,
    ) -> Result<Self, Damaged> {
        let mut slots = Vec::new();
        if !r.0.is_empty() {
            for _ in 0..r.count(r.0.len())? {
                let id = r.u8()?;
                let value_type = ValueType::from_u8(r.u8()?).ok_or(Damaged("value type"))?;
                let key = r.text()?.into();
                let entries = r.count(ENTRIES_MAX)?;
                let extent = Extent::decode(r, binary::BLOB_BYTES_MAX, end, "dictionary directory")?;
                slots.push(Slot { id, value_type, key, entries, extent, decoded: Mutex::default() });
            }
        }
        Ok(Self { file, slots, cache, asked: AtomicBool::new(false) })
    }

    /// The dictionary of a column.
    pub(crate) fn get(&self, (id, value_type, key): ColumnRef<'_>) -> Result<Arc<Dictionary>, DictionaryError> {
        let slot = self.slots.iter().find(|s| s.id == id && s.value_type == value_type && *s.key == *key);
        let slot = slot.ok_or(Damaged("dictionary directory"))?;
        // Held while it is decoded: queries that need the same one wait instead of decoding it too.
        let mut decoded = slot.decoded.lock();
        if let Some(found) = decoded.upgrade() {
            return Ok(found);
        }
        let bytes = slot.extent.read(&*self.file)?.ok_or(DictionaryError::Checksum)?;
        let dictionary = Arc::new(Dictionary { entries: binary::read_blob(&mut Reader(&bytes), slot.entries)? });
        *decoded = Arc::downgrade(&dictionary);
        self.cache.keep(&dictionary);
        Ok(dictionary)
    }

    /// The columns that have a dictionary, with the number of entries and the bytes in the file.
    pub(crate) fn columns(&self) -> impl Iterator<Item = (ColumnRef<'_>, usize, usize)> {
        self.slots.iter().map(|s| ((s.id, s.value_type, &*s.key), s.entries, s.extent.len))
    }
}

/// Those of a file that has none.
#[cfg(test)]
pub(crate) fn none(file: Arc<dyn ReadAt>) -> Arc<Dictionaries> {
    Arc::new(Dictionaries { file, slots: Vec::new(), cache: Arc::default(), asked: AtomicBool::new(false) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blob(texts: &[&str]) -> Blob {
        let mut out = Vec::new();
        binary::put_blob(&texts.iter().map(|t| t.as_bytes()).collect::<Vec<_>>(), &mut out);
        binary::read_blob(&mut Reader(&out), texts.len()).unwrap_or_default()
    }

    #[test]
    fn blocks_share_places() {
        let mut b = Builder::default();
        let column = (255, ValueType::Str, "k");
        assert_eq!(b.places(column, &blob(&["a", "b"])), Some(vec![0, 1]));
        assert_eq!(b.places(column, &blob(&["c", "a", ""])), Some(vec![2, 0, 3]));
        assert_eq!(b.places((255, ValueType::Bytes, "k"), &blob(&["a"])), Some(vec![0]));
        let (_, directory) = b.encode(8);
        assert_eq!(directory[0], 2);
    }

    #[test]
    fn a_dictionary_has_an_end() {
        let mut b = Builder::default();
        let column = (19, ValueType::Str, "");
        let long = "x".repeat(BYTES_MAX / 2 + 1);
        assert!(b.places(column, &blob(&[&long])).is_some());
        let other = "y".repeat(BYTES_MAX / 2 + 1);
        assert_eq!(b.places(column, &blob(&[&other])), None);
        assert_eq!(b.places(column, &blob(&["z"])), Some(vec![1]));
    }
}
