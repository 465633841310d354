//! Frames: how one record lies in a file. Widths in `docs/formats/wal.md`.
//!
//! The marker lets a reader find the next frame behind a damaged one, so that
//! one decayed sector does not cost the records behind it.

use std::borrow::Cow;

/// What a file begins with; the last byte is the version. Version 1 has no fillers.
pub(crate) const FILE_MAGIC: [u8; 8] = *b"BRCKWAL\x02";
/// Magic, generation (u64), CRC32C of both (u32).
pub(crate) const FILE_HEADER_LEN: usize = 20;
/// What a frame begins with.
pub(crate) const MARKER: [u8; 4] = [0xB3, b'R', b'E', b'C'];
/// Marker, flags (u8), stored length (u32), record length (u32), CRC32C (u32).
pub(crate) const FRAME_HEADER_LEN: usize = 17;

/// The payload is zstd.
const FLAG_ZSTD: u8 = 1;
/// There is no record: the frame fills a block.
const FLAG_FILLER: u8 = 2;
/// Below this compression is not worth its header.
const COMPRESS_BYTES_MIN: usize = 512;

/// One encoded record: a header and its payload, apart so that a large payload is not copied.
pub(crate) struct Frame {
    pub header: [u8; FRAME_HEADER_LEN],
    pub payload: bytes::Bytes,
}

impl Frame {
    pub(crate) fn encode(record: bytes::Bytes, compress: bool) -> Self {
        let record_len = record.len() as u32;
        let (flags, payload) = match compress.then(|| compressed(&record)).flatten() {
            Some(smaller) => (FLAG_ZSTD, bytes::Bytes::from(smaller)),
            None => (0, record),
        };
        Self { header: frame_header(flags, &payload, record_len), payload }
    }

    pub(crate) fn len(&self) -> usize {
        FRAME_HEADER_LEN + self.payload.len()
    }
}

fn compressed(record: &[u8]) -> Option<Vec<u8>> {
    if record.len() < COMPRESS_BYTES_MIN {
        return None;
    }
    zstd::bulk::compress(record, 1).ok().filter(|c| c.len() < record.len())
}

fn checksum(fields: &[u8], payload: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(fields), payload)
}

pub(crate) fn file_header(generation: u64) -> [u8; FILE_HEADER_LEN] {
    let mut h = [0u8; FILE_HEADER_LEN];
    h[..8].copy_from_slice(&FILE_MAGIC);
    h[8..16].copy_from_slice(&generation.to_le_bytes());
    let crc = crc32c::crc32c(&h[..16]);
    h[16..].copy_from_slice(&crc.to_le_bytes());
    h
}

/// The frame that brings a file of `len` bytes to whole blocks; empty where it is.
pub(crate) fn filler(len: u64, block_bytes: usize) -> Vec<u8> {
    let block = block_bytes as u64;
    let mut gap = len.next_multiple_of(block) - len;
    if gap == 0 {
        return Vec::new();
    }
    while gap < FRAME_HEADER_LEN as u64 {
        gap += block;
    }
    let mut bytes = vec![0; gap as usize];
    let (header, payload) = bytes.split_at_mut(FRAME_HEADER_LEN);
    header.copy_from_slice(&frame_header(FLAG_FILLER, payload, 0));
    bytes
}

fn frame_header(flags: u8, payload: &[u8], record_len: u32) -> [u8; FRAME_HEADER_LEN] {
    let mut header = [0u8; FRAME_HEADER_LEN];
    header[..4].copy_from_slice(&MARKER);
    header[4] = flags;
    header[5..9].copy_from_slice(&(payload.len() as u32).to_le_bytes());
    header[9..13].copy_from_slice(&record_len.to_le_bytes());
    let crc = checksum(&header[4..13], payload);
    header[13..].copy_from_slice(&crc.to_le_bytes());
    header
}

/// Reads the frame at the start of `bytes`: the record, none in a filler, and how many bytes the frame takes.
/// `None` when there is no whole and undamaged frame.
pub(crate) fn decode(bytes: &[u8]) -> Option<(Option<Cow<'_, [u8]>>, usize)> {
    let header = bytes.get(..FRAME_HEADER_LEN)?;
    if header[..4] != MARKER {
        return None;
    }
    let word = |at: usize| header.get(at..at + 4)?.try_into().ok().map(u32::from_le_bytes);
    let (stored_len, record_len, crc) = (word(5)? as usize, word(9)? as usize, word(13)?);
    let end = FRAME_HEADER_LEN.checked_add(stored_len)?;
    let payload = bytes.get(FRAME_HEADER_LEN..end)?;
    if checksum(&header[4..13], payload) != crc || record_len > crate::RECORD_BYTES_MAX {
        return None;
    }
    let record = match header[4] {
        0 if stored_len == record_len => Some(Cow::Borrowed(payload)),
        FLAG_ZSTD => {
            let record = zstd::bulk::decompress(payload, record_len).ok().filter(|r| r.len() == record_len)?;
            Some(Cow::Owned(record))
        }
        FLAG_FILLER if record_len == 0 => None,
        _ => return None,
    };
    Some((record, end))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes_of(record: &'static [u8], compress: bool) -> Vec<u8> {
        let f = Frame::encode(bytes::Bytes::from_static(record), compress);
        [&f.header[..], &f.payload].concat()
    }

    #[test]
    fn round_trip_plain_and_compressed() {
        let long: &'static [u8] = Box::leak(b"the same again ".repeat(100).into_boxed_slice());
        for (record, compress) in [(&b""[..], false), (b"short", true), (long, false), (long, true)] {
            let bytes = bytes_of(record, compress);
            assert_eq!(decode(&bytes), Some((Some(Cow::Borrowed(record)), bytes.len())));
        }
        assert!(bytes_of(long, true).len() < long.len() / 2);
    }

    #[test]
    fn a_filler_ends_at_a_block_and_holds_no_record() {
        for len in 1..300 {
            let filler = filler(len, 64);
            assert_eq!((len as usize + filler.len()) % 64, 0);
            assert!(filler.len() < 64 + FRAME_HEADER_LEN);
            assert_eq!(decode(&filler), (!filler.is_empty()).then_some((None, filler.len())), "{len}");
        }
        assert_eq!(filler(5, 1), b"");
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_noticed() {
        let bytes = bytes_of(b"a record", false);
        for at in 0..bytes.len() * 8 {
            let mut damaged = bytes.clone();
            damaged[at / 8] ^= 1 << (at % 8);
            assert_eq!(decode(&damaged), None, "bit {at}");
        }
        for len in 0..bytes.len() {
            assert_eq!(decode(&bytes[..len]), None, "{len} bytes");
        }
    }
}
