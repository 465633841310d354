//! What is known of the rows of a segment without reading them, made when it is written, by flushes and merges alike.
//!
//! Two tables answer questions over long times, both without a row of their own for a record: how many rows there are of
//! each minute, service and severity or status (`counts`), and the durations of spans by service, name, kind and status
//! (`durations`). They are kept where they are much smaller than what they spare, lie before the footer, which says where,
//! and are read when a query asks; whoever cannot read one reads the blocks. The index of kinds
//! (`crate::kinds`), which lies in the footer, is made of the same look at each block. Format: `docs/formats/segment.md`.

mod columns;
pub(crate) mod counts;
pub(crate) mod durations;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use foundation::disk::ReadAt;
use model::{TimeRange, UnixNanos};

use columns::Columns;
pub(crate) use counts::Counts;
pub(crate) use durations::Durations;
use durations::Slice;

use crate::block::{Block, BlockError};
use crate::column::Damaged;
use crate::column::bytes::{Reader, put_signed, put_varint};
use crate::extent::Extent;
use crate::kinds;
use crate::resources::OriginCache;
use crate::schema::Schema;
use crate::texts::Texts;

/// Tables are kept when they take no more bytes than the segment has rows, divided by this: a fiftieth of the segment.
const ROWS_PER_BYTE: u64 = 2;
/// Lines of a table; guards what is allocated for one.
const LINES_MAX: usize = 1 << 20;
const BYTES_MAX: usize = 32 << 20;

/// Whether tables are worth their bytes.
fn is_small(bytes: usize, rows: u64) -> bool {
    bytes as u64 <= rows / ROWS_PER_BYTE && bytes <= BYTES_MAX
}

/// Parts of a footer that may be missing, as bits.
pub(crate) const COUNTS: u8 = 4;
pub(crate) const DURATIONS: u8 = 8;

/// What is made of the blocks of a segment.
pub(crate) struct Made {
    pub(crate) summaries: Summaries,
    /// The tables.
    pub(crate) bytes: Vec<u8>,
    /// The index for the footer.
    pub(crate) kinds: Option<Vec<u8>>,
}

/// Where the tables of a segment lie.
#[derive(Debug, Default)]
pub(crate) struct Summaries {
    pub(crate) counts: Option<Place>,
    /// By time.
    durations: Vec<SlicePlace>,
}

/// A table of durations, and the time whose spans it has.
#[derive(Debug)]
pub(crate) struct SlicePlace {
    pub(crate) begin: UnixNanos,
    /// Exclusive.
    pub(crate) end: UnixNanos,
    pub(crate) place: Place,
}

impl Summaries {
    /// Those of blocks, which are sorted by the time of their first row; the tables are to be written at `at`.
    pub(crate) fn of_blocks(schema: Schema, blocks: &[Arc<Block>], at: u64) -> Made {
        let (mut services, origins) = (Texts::default(), OriginCache::default());
        let mut kinds = Some(kinds::Builder::default());
        let mut counts = Some(counts::Builder::default());
        let mut durations = (schema == Schema::Spans).then(durations::Builder::default);
        for block in blocks {
            // What does not read back is found by whoever reads it; here it only means that blocks are asked.
            let columns = Columns::of(schema, block, &mut services, &origins).ok();
            kinds = kinds
                .zip(columns.as_ref())
                .and_then(|(kinds, columns)| kinds.add(&columns.kinds(schema), services.len()));
            counts = counts.zip(columns.as_ref()).and_then(|(counts, columns)| counts.add(columns, &services));
            durations = durations.zip(columns.as_ref()).and_then(|(tables, columns)| tables.add(columns, &services));
            if kinds.is_none() && counts.is_none() && durations.is_none() {
                break;
            }
        }
        let mut bytes = Vec::new();
        let mut put = |table: Vec<u8>| {
            let extent = Extent::of(&table, at + bytes.len() as u64);
            bytes.extend_from_slice(&table);
            Place::at(extent)
        };
        let counts = counts.and_then(|counts| counts.finish(&services)).map(&mut put);
        let slices = durations.and_then(|durations| durations.finish(&services)).unwrap_or_default();
        let durations =
            slices.into_iter().map(|Slice { begin, end, table }| SlicePlace { begin, end, place: put(table) });
        let summaries = Self { counts, durations: durations.collect() };
        Made { summaries, bytes, kinds: kinds.map(|kinds| kinds.finish(&services)) }
    }

    /// Which of them there are.
    pub(crate) fn parts(&self) -> u8 {
        let part = |there: bool, bit: u8| if there { bit } else { 0 };
        part(self.counts.is_some(), COUNTS) | part(!self.durations.is_empty(), DURATIONS)
    }

    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        self.counts.iter().for_each(|place| place.extent.encode(out));
        if !self.durations.is_empty() {
            put_varint(out, self.durations.len() as u64);
        }
        for SlicePlace { begin, end, place } in &self.durations {
            put_signed(out, begin.0);
            put_varint(out, end.0.wrapping_sub(begin.0) as u64);
            place.extent.encode(out);
        }
    }

    /// Reads what [`Summaries::encode`] wrote of `parts`; tables lie before `end`.
    pub(crate) fn decode(r: &mut Reader<'_>, parts: u8, end: u64) -> Result<Self, Damaged> {
        let mut summaries = Self::default();
        if parts & COUNTS != 0 {
            summaries.counts = Some(Place::decode(r, end)?);
        }
        if parts & DURATIONS != 0 {
            for _ in 0..r.count(durations::SLICES_MAX)? {
                let begin = r.signed()?;
                let length = i64::try_from(r.varint()?).map_err(|_| Damaged("summary time"))?;
                let until = begin.checked_add(length).ok_or(Damaged("summary time"))?;
                let place = Place::decode(r, end)?;
                summaries.durations.push(SlicePlace { begin: UnixNanos(begin), end: UnixNanos(until), place });
            }
        }
        Ok(summaries)
    }

    /// The tables of durations whose spans all lie in `range`, given the times of the segment's first and last row.
    pub(crate) fn durations(&self, range: TimeRange, first: UnixNanos, last: UnixNanos) -> &[SlicePlace] {
        let before = self.durations.iter().take_while(|slice| slice.begin.max(first) < range.start).count();
        let inside = |slice: &&SlicePlace| slice.end <= range.end || last < range.end;
        let within = self.durations.get(before..).unwrap_or_default();
        within.get(..within.iter().take_while(inside).count()).unwrap_or_default()
    }

    /// The bytes of all tables.
    pub(crate) fn bytes(&self) -> usize {
        let places = self.counts.iter().chain(self.durations.iter().map(|slice| &slice.place));
        places.map(Place::len).sum()
    }
}

/// Where a table lies in the file of its segment.
#[derive(Debug)]
pub(crate) struct Place {
    extent: Extent,
    /// Set once it could not be read, so that this is reported once.
    unreadable: AtomicBool,
}

impl Place {
    fn at(extent: Extent) -> Self {
        Self { extent, unreadable: AtomicBool::new(false) }
    }

    fn decode(r: &mut Reader<'_>, end: u64) -> Result<Self, Damaged> {
        Extent::decode(r, BYTES_MAX, end, "summary place").map(Self::at)
    }

    /// Its bytes in the file.
    pub(crate) fn len(&self) -> usize {
        self.extent.len
    }

    /// Reads, checks and decodes the table.
    pub(crate) fn read<T>(
        &self,
        file: &dyn ReadAt,
        decode: impl FnOnce(&mut Reader<'_>) -> Result<T, Damaged>,
    ) -> Result<T, BlockError> {
        let bytes = self.extent.read(file)?.ok_or(BlockError::Checksum("a summary"))?;
        Ok(decode(&mut Reader(&bytes))?)
    }

    /// Marks the table as one that cannot be read; whether it was not marked before.
    pub(crate) fn mark_unreadable(&self) -> bool {
        !self.unreadable.swap(true, Ordering::Relaxed)
    }
}
