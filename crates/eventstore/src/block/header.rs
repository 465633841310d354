//! The header of a block: bytes and back.

use model::UnixNanos;

use super::{BlockError, Meta, ROWS_MAX};
use crate::column::bytes::{Reader, put_bytes, put_signed, put_varint};
use crate::column::{Damaged, binary, presence};
use crate::dictionary::ColumnRef;
use crate::schema::{COUNTED_VALUES, PARENT_ID, PRESENCES, RESOURCES, SCOPES, SPAN_ID, Schema, TOKENS, TRACE_ID};
use crate::value_type::ValueType;

/// The first bytes of a block: "EvBl".
const MAGIC: [u8; 4] = *b"EvBl";
/// Magic, length and checksum of the header body.
pub(crate) const PREFIX_BYTES: usize = 12;

/// One column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) id: u8,
    pub(crate) value_type: ValueType,
    /// The attribute's key; empty for other columns.
    pub(crate) key: Box<str>,
    /// Rows that have a value; for tables, their entries.
    pub(crate) present: u32,
    /// From the end of the header.
    pub(crate) offset: u32,
    pub(crate) len: u32,
    pub(crate) crc: u32,
}

impl Entry {
    /// Which column it is.
    pub(crate) fn column(&self) -> ColumnRef<'_> {
        (self.id, self.value_type, &self.key)
    }

    /// The payload of a column cut before the entries of its dictionary; `None` when it has none.
    pub(super) fn split_entries<'a>(&self, payload: &'a [u8]) -> Option<(&'a [u8], &'a [u8])> {
        let values = match self.id {
            RESOURCES | SCOPES => payload,
            TRACE_ID | SPAN_ID | PARENT_ID | TOKENS | PRESENCES => return None,
            _ if !self.value_type.is_binary() => return None,
            _ => {
                let mut r = Reader(payload);
                presence::skip(&mut r).ok()?.then_some(r.0)?
            }
        };
        let (kind, _) = binary::split_entries(values)?;
        Some(payload.split_at(payload.len() - values.len() + kind.len()))
    }
}

/// A decoded header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) schema: Schema,
    pub(crate) meta: Meta,
    pub(crate) entries: Vec<Entry>,
    /// Where the columns begin within the block.
    pub(crate) payload_at: u64,
}

/// Writes prefix and body of a header.
pub(super) fn encode(schema: Schema, meta: &Meta, entries: &[Entry]) -> Vec<u8> {
    let mut body = Vec::with_capacity(64 + entries.len() * 24);
    body.push(schema as u8);
    put_meta(meta, &mut body);
    put_varint(&mut body, entries.len() as u64);
    for e in entries {
        body.extend([e.id, e.value_type as u8]);
        put_bytes(&mut body, e.key.as_bytes());
        put_varint(&mut body, u64::from(e.present));
        put_varint(&mut body, u64::from(e.offset));
        put_varint(&mut body, u64::from(e.len));
        body.extend_from_slice(&e.crc.to_le_bytes());
    }
    let mut out = Vec::with_capacity(PREFIX_BYTES + body.len());
    out.extend_from_slice(&MAGIC);
    out.extend_from_slice(&(body.len() as u32).to_le_bytes());
    out.extend_from_slice(&crc32c::crc32c(&body).to_le_bytes());
    out.extend_from_slice(&body);
    out
}

/// Row count, time bounds and value counts; the same bytes stand in a segment's block directory.
pub(crate) fn put_meta(meta: &Meta, out: &mut Vec<u8>) {
    put_varint(out, u64::from(meta.rows));
    put_signed(out, meta.min_time.0);
    put_varint(out, meta.max_time.0.wrapping_sub(meta.min_time.0) as u64);
    let used = meta.counts.iter().rposition(|c| *c != 0).map_or(0, |i| i + 1);
    put_varint(out, used as u64);
    meta.counts.iter().take(used).for_each(|c| put_varint(out, u64::from(*c)));
}

/// Reads what [`put_meta`] wrote.
pub(crate) fn read_meta(r: &mut Reader<'_>) -> Result<Meta, Damaged> {
    let rows = r.count(ROWS_MAX)? as u32;
    let min = r.signed()?;
    let max = min.wrapping_add(r.varint()? as i64);
    let mut counts = [0; COUNTED_VALUES];
    let used = r.count(COUNTED_VALUES)?;
    for c in counts.iter_mut().take(used) {
        *c = r.count(ROWS_MAX)? as u32;
    }
    Ok(Meta { rows, min_time: UnixNanos(min), max_time: UnixNanos(max), counts })
}

/// The length of the header body, from the prefix. It is not checked here: whoever reads the body
/// is bounded by the length of the block.
pub(super) fn body_bytes(prefix: &[u8]) -> Result<usize, Damaged> {
    let mut r = Reader(prefix);
    if r.array()? != MAGIC {
        return Err(Damaged("block magic"));
    }
    Ok(r.u32()? as usize)
}

impl Header {
    /// Reads prefix and body.
    pub(super) fn decode(bytes: &[u8]) -> Result<Self, BlockError> {
        let len = body_bytes(bytes)?;
        let mut r = Reader(bytes);
        r.take(8)?;
        let crc = r.u32()?;
        let body = r.take(len)?;
        if crc32c::crc32c(body) != crc {
            return Err(BlockError::Checksum("a block header"));
        }
        let mut r = Reader(body);
        let schema = Schema::from_u8(r.u8()?).ok_or(Damaged("schema"))?;
        let meta = read_meta(&mut r)?;
        let n = r.count(body.len())?;
        let entries = (0..n).map(|_| read_entry(&mut r)).collect::<Result<_, _>>()?;
        Ok(Self { schema, meta, entries, payload_at: (PREFIX_BYTES + len) as u64 })
    }
}

fn read_entry(r: &mut Reader<'_>) -> Result<Entry, Damaged> {
    let id = r.u8()?;
    let value_type = ValueType::from_u8(r.u8()?).ok_or(Damaged("value type"))?;
    let key = r.text()?.into();
    let mut number = || -> Result<u32, Damaged> { Ok(r.count(u32::MAX as usize)? as u32) };
    let (present, offset, len) = (number()?, number()?, number()?);
    if present as usize > ROWS_MAX {
        return Err(Damaged("value count"));
    }
    Ok(Entry { id, value_type, key, present, offset, len, crc: r.u32()? })
}
