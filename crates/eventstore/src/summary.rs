//! What is known of the rows of a segment as a whole, so that questions over long times read no blocks.
//!
//! Two tables, both without a row of their own for a record: how many rows there are of each minute, service and severity
//! or status (`counts`), and the durations of spans by service, name, kind and status (`durations`). They are made from
//! the blocks when a segment is written, by flushes and merges alike, and kept where they are much smaller than what they
//! spare. They lie before the footer, which says where, and are read when a query asks. Whoever cannot read one reads the
//! blocks. Format: `docs/formats/segment.md`.

mod columns;
pub(crate) mod counts;
pub(crate) mod durations;

use std::sync::atomic::{AtomicBool, Ordering};

use foundation::disk::ReadAt;

pub(crate) use counts::Counts;
pub(crate) use durations::Durations;

use crate::block::BlockError;
use crate::column::Damaged;
use crate::column::bytes::{Reader, put_varint};

/// A table is kept when it takes no more bytes than the segment has rows, divided by this: a fiftieth of the segment.
const ROWS_PER_BYTE: u64 = 2;
/// Lines of a table; guards what is allocated for one.
const LINES_MAX: usize = 1 << 20;
const BYTES_MAX: usize = 32 << 20;

/// Whether a table is worth its bytes.
fn is_small(table: &[u8], rows: u64) -> bool {
    table.len() as u64 <= rows / ROWS_PER_BYTE && table.len() <= BYTES_MAX
}

/// Where a table lies in the file of its segment.
#[derive(Debug)]
pub(crate) struct Place {
    offset: u64,
    len: usize,
    crc: u32,
    /// Set once it could not be read, so that this is reported once.
    unreadable: AtomicBool,
}

impl Place {
    /// Of a table that is written at `offset`.
    pub(crate) fn of(table: &[u8], offset: u64) -> Self {
        Self { offset, len: table.len(), crc: crc32c::crc32c(table), unreadable: AtomicBool::new(false) }
    }

    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        put_varint(out, self.offset);
        put_varint(out, self.len as u64);
        out.extend_from_slice(&self.crc.to_le_bytes());
    }

    /// Reads what [`Place::encode`] wrote; tables lie before `end`.
    pub(crate) fn decode(r: &mut Reader<'_>, end: u64) -> Result<Self, Damaged> {
        let (offset, len, crc) = (r.varint()?, r.count(BYTES_MAX)?, r.u32()?);
        if offset.checked_add(len as u64).is_none_or(|to| to > end) {
            return Err(Damaged("summary place"));
        }
        Ok(Self { offset, len, crc, unreadable: AtomicBool::new(false) })
    }

    /// Its bytes in the file.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Reads, checks and decodes the table.
    pub(crate) fn read<T>(
        &self,
        file: &dyn ReadAt,
        decode: impl FnOnce(&mut Reader<'_>) -> Result<T, Damaged>,
    ) -> Result<T, BlockError> {
        let bytes = file.read_vec_at(self.len, self.offset)?;
        if crc32c::crc32c(&bytes) != self.crc {
            return Err(BlockError::Checksum("a summary"));
        }
        Ok(decode(&mut Reader(&bytes))?)
    }

    /// Marks the table as one that cannot be read; whether it was not marked before.
    pub(crate) fn mark_unreadable(&self) -> bool {
        !self.unreadable.swap(true, Ordering::Relaxed)
    }
}
