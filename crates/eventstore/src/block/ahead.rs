//! Asking the disk for parts of a block before they are read.
//!
//! A query that comes to a block for the first time waits for its header and for each of its columns in turn. What it had to
//! read of the blocks before says what it will want of the next ones: the system is told, and the reads of several blocks wait
//! together. What was read or asked for once is taken to be in the system's cache, and costs nothing here any more.

use std::hash::{BuildHasher as _, BuildHasherDefault};
use std::sync::atomic::Ordering;

use rustc_hash::FxHasher;

use super::{Block, Entry, Source};
use crate::schema::{ATTRIBUTE, TOKENS};

/// As much of a block as most headers need.
pub(super) const HEADER_BYTES: u64 = 4096;
/// Columns that lie no further apart are asked for together.
const GAP_BYTES: u64 = 16 << 10;
/// Attributes share the bits from here on; columns with a number of their own are below.
const ATTRIBUTES_FROM: u32 = 48;
const HEADER_BIT: u64 = 1 << 63;

/// Columns, as bits. Attributes share some of them: so more can be asked for than is wanted, or less.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Columns(u64);

impl Columns {
    /// All that records are made of.
    pub(crate) const RECORD: Self = Self(!(HEADER_BIT | 1 << TOKENS));

    /// Those with a number of their own.
    pub(crate) const fn numbered(ids: &[u8]) -> Self {
        let (mut bits, mut i) = (0, 0);
        while i < ids.len() {
            bits |= 1 << ids[i];
            i += 1;
        }
        Self(bits)
    }

    fn of(entry: &Entry) -> Self {
        Self(match u32::from(entry.id) {
            id if entry.id != ATTRIBUTE && id < ATTRIBUTES_FROM => 1 << id,
            _ => {
                let hash = BuildHasherDefault::<FxHasher>::default().hash_one(&*entry.key);
                1 << (ATTRIBUTES_FROM + (hash >> 32) as u32 % (63 - ATTRIBUTES_FROM))
            }
        })
    }

    /// Those of one or of both.
    pub(crate) fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Those that are not among `others`.
    pub(crate) fn without(self, others: Self) -> Self {
        Self(self.0 & !others.0)
    }

    pub(crate) fn is_empty(self) -> bool {
        self.0 == 0
    }
}

impl Block {
    /// The columns that were read from the file, or asked for, since the segment was opened.
    pub(crate) fn touched(&self) -> Columns {
        Columns(self.touched.load(Ordering::Relaxed))
    }

    fn touch(&self, columns: u64) {
        // Mostly known: then the others' caches are left alone.
        if self.touched.load(Ordering::Relaxed) & columns != columns {
            self.touched.fetch_or(columns, Ordering::Relaxed);
        }
    }

    /// Notes that a column is read.
    pub(super) fn touch_column(&self, entry: &Entry) {
        if !self.is_in_memory() {
            self.touch(Columns::of(entry).0);
        }
    }

    /// Asks for all dictionaries of the segment, of which records are made.
    pub(crate) fn ask_for_dictionaries(&self) {
        if let Source::File { dictionaries, .. } = &self.source {
            dictionaries.ask();
        }
    }

    /// Asks for the header, unless it is known.
    pub(crate) fn ask_for_header(&self) {
        if let Source::File { file, offset, .. } = &self.source
            && self.header.get().is_none()
            && self.touched.load(Ordering::Relaxed) & HEADER_BIT == 0
        {
            self.touch(HEADER_BIT);
            file.will_need(*offset, HEADER_BYTES.min(self.len));
        }
    }

    /// Asks for those of `columns` that were not read yet. Reads the header.
    pub(crate) fn ask_for(&self, columns: Columns) {
        let Source::File { file, offset, .. } = &self.source else { return };
        let new = columns.without(self.touched());
        if new.is_empty() {
            return;
        }
        // Whoever looks into a block that cannot be read reports it.
        let Ok(header) = self.header() else { return };
        let wanted = header.entries.iter().filter(|e| new.0 & Columns::of(e).0 != 0);
        let mut parts: Vec<(u64, u64)> =
            wanted.map(|e| (u64::from(e.offset), u64::from(e.offset) + u64::from(e.len))).collect();
        parts.sort_unstable();
        self.touch(new.0);
        let mut ask = |(from, to): (u64, u64)| file.will_need(offset + header.payload_at + from, to - from);
        let mut part: Option<(u64, u64)> = None;
        for (from, to) in parts {
            part = match part {
                Some((begin, end)) if from <= end + GAP_BYTES => Some((begin, to.max(end))),
                other => {
                    other.into_iter().for_each(&mut ask);
                    Some((from, to))
                }
            };
        }
        part.into_iter().for_each(ask);
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::Arc;

    use foundation::disk::ReadAt;
    use model::UnixNanos;
    use parking_lot::Mutex;

    use super::*;
    use crate::block::{Header, Meta, header};
    use crate::schema::{DURATION, NAME, Schema, TIME};
    use crate::value_type::ValueType;

    /// Notes what it is asked for.
    struct Asked(Vec<u8>, Mutex<Vec<(u64, u64)>>);

    impl ReadAt for Asked {
        fn read_exact_at(&self, buf: &mut [u8], offset: u64) -> io::Result<()> {
            let from = self.0.get(offset as usize..).unwrap_or_default();
            buf.copy_from_slice(from.get(..buf.len()).ok_or(io::ErrorKind::UnexpectedEof)?);
            Ok(())
        }

        fn len(&self) -> u64 {
            self.0.len() as u64
        }

        fn will_need(&self, offset: u64, len: u64) {
            self.1.lock().push((offset, len));
        }
    }

    #[test]
    fn columns_are_asked_for_once_and_neighbours_together() {
        let meta = Meta { rows: 8, min_time: UnixNanos(1), max_time: UnixNanos(2), counts: [0; 25] };
        let entry =
            |id, offset, len| Entry { id, value_type: ValueType::Int, key: "".into(), present: 8, offset, len, crc: 0 };
        let entries =
            [entry(TIME, 0, 1000), entry(TOKENS, 1000, 500), entry(NAME, 1500, 10), entry(DURATION, 90_000, 7)];
        let mut bytes = header::encode(Schema::Spans, &meta, &entries);
        let at = Header::decode(&bytes).unwrap().payload_at;
        bytes.resize(100_000, 0);
        let file = Arc::new(Asked(bytes, Mutex::default()));
        let block = Block::in_file(file.clone(), 0, 100_000, meta, crate::dictionary::none(file.clone()));
        block.ask_for_header();
        block.ask_for_header();
        block.ask_for(Columns::RECORD);
        block.ask_for(Columns::RECORD);
        block.ask_for_header();
        assert_eq!(*file.1.lock(), [(0, HEADER_BYTES), (at, 1510), (at + 90_000, 7)]);
        let tokens = Columns::of(&entries[1]);
        assert!(!tokens.is_empty() && block.touched().without(tokens) == block.touched());
    }
}
