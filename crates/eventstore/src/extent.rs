//! A piece of a segment file that is read when it is asked for: where it lies, how long it is, and its checksum.

use std::io;

use foundation::disk::ReadAt;

use crate::column::Damaged;
use crate::column::bytes::{Reader, put_varint};

/// Where a piece lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Extent {
    pub(crate) offset: u64,
    pub(crate) len: usize,
    crc: u32,
}

impl Extent {
    /// Of `bytes` that are written at `offset`.
    pub(crate) fn of(bytes: &[u8], offset: u64) -> Self {
        Self { offset, len: bytes.len(), crc: crc32c::crc32c(bytes) }
    }

    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        put_varint(out, self.offset);
        put_varint(out, self.len as u64);
        out.extend_from_slice(&self.crc.to_le_bytes());
    }

    /// Reads what [`Extent::encode`] wrote of a piece of at most `max` bytes before `end`; `what` names it when it is not there.
    pub(crate) fn decode(r: &mut Reader<'_>, max: usize, end: u64, what: &'static str) -> Result<Self, Damaged> {
        let (offset, len) = (r.varint()?, r.count(max)?);
        if offset.checked_add(len as u64).is_none_or(|to| to > end) {
            return Err(Damaged(what));
        }
        Ok(Self { offset, len, crc: r.u32()? })
    }

    /// Its bytes; `None` when their checksum differs.
    pub(crate) fn read(&self, file: &dyn ReadAt) -> io::Result<Option<Vec<u8>>> {
        let bytes = file.read_vec_at(self.len, self.offset)?;
        Ok((crc32c::crc32c(&bytes) == self.crc).then_some(bytes))
    }
}
