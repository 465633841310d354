//! A block on its way into a segment: its dictionaries become the segment's.
//!
//! Only the entries of dictionaries are decoded; codes and all other columns
//! are copied. A column that does not read back is copied as it is, so that it
//! stays the only one that is damaged.

use super::header::{self, Entry, Header};
use super::{Block, BlockError};
use crate::column::binary;
use crate::dictionary::Builder;

/// The bytes of the block with the entries of its dictionaries moved to `dictionaries`.
pub(crate) fn share(block: &Block, dictionaries: &mut Builder) -> Result<Vec<u8>, BlockError> {
    let bytes = block.read(0, block.len as usize)?;
    let header = Header::decode(&bytes)?;
    let mut entries: Vec<Entry> = Vec::with_capacity(header.entries.len());
    let mut payload = Vec::with_capacity(bytes.len());
    for e in &header.entries {
        let from = header.payload_at as usize + e.offset as usize;
        let column = bytes.get(from..from + e.len as usize).ok_or(crate::column::Damaged("column length"))?;
        let offset = payload.len();
        let mut crc = e.crc;
        let moved = match share_column(block, e, column, dictionaries, &mut payload) {
            // What does not read back is found by whoever reads it; here it would stop every later flush.
            Err(_) if block.is_in_memory() => false,
            moved => crc32c::crc32c(column) == e.crc && moved?,
        };
        if moved {
            crc = crc32c::crc32c(&payload[offset..]);
        } else {
            payload.truncate(offset);
            payload.extend_from_slice(column);
        }
        let len = (payload.len() - offset) as u32;
        entries.push(Entry { offset: offset as u32, len, crc, ..e.clone() });
    }
    let mut out = header::encode(header.schema, &header.meta, &entries);
    out.extend_from_slice(&payload);
    Ok(out)
}

/// Appends the column with its entries moved; false when it has no dictionary that can be shared.
fn share_column(
    block: &Block,
    e: &Entry,
    column: &[u8],
    dictionaries: &mut Builder,
    out: &mut Vec<u8>,
) -> Result<bool, BlockError> {
    let Some((before, after)) = e.split_entries(column) else { return Ok(false) };
    let shared = block.shared_dictionary(e, column)?;
    let mut r = crate::column::bytes::Reader(after);
    let own = binary::read_entries(&mut r, super::ROWS_MAX, shared.as_ref())?.into_texts()?;
    match dictionaries.places(e.column(), &own) {
        Some(places) => {
            out.extend_from_slice(before);
            binary::put_places(&places, out);
            out.extend_from_slice(r.0);
            Ok(true)
        }
        // Entries that point into another segment must not stay so.
        None if shared.is_some() => {
            out.extend_from_slice(before);
            let texts: Vec<&[u8]> = (0..own.len()).map(|i| own.get(i)).collect();
            binary::put_entries(&texts, out);
            out.extend_from_slice(r.0);
            Ok(true)
        }
        None => Ok(false),
    }
}
