//! A block: the immutable file that a flushed head becomes.
//!
//! Samples, labels, exemplars and the inverted index of a stretch of time in
//! one file, series in label order, every part under a CRC32C. Knows no head,
//! no log and no manifest. Format: `docs/formats/tsdb.md`, "Block".

mod page;
mod reader;
mod symbols;
mod times;
mod writer;

use crate::chunk::Effort;

pub(crate) use reader::{Block, ChunkRef, StoredSeries};
pub(crate) use times::TimesCache;
pub(crate) use writer::BlockWriter;

/// First and last bytes of a block file.
const MAGIC: [u8; 8] = *b"BRK-TSDB";
/// Of the file format that is written.
const VERSION: u32 = 5;
/// Files of this version are read too: without statistics and counts of samples per chunk.
const VERSION_1: u32 = 1;
/// And those of this one: an entry by itself for every series. Version 3 has no start times of floats, version 4
/// no times that chunks share.
const VERSION_2: u32 = 2;
/// Magic and version.
const HEADER_LEN: usize = 12;
/// Length of the footer: nine u64 and i64, two u32, the checksum, the magic.
const FOOTER_LEN: usize = 9 * 8 + 2 * 4 + 4 + 8;

/// Samples per chunk of a flushed head: short, for these are the newest, which are asked for by the minute.
const CHUNK_SAMPLES_QUICK: usize = 240;
/// Samples per chunk of a merged block: long, so that headers and statistics do not matter; 4 hours at 15 seconds.
const CHUNK_SAMPLES_THOROUGH: usize = 960;

/// How many samples a chunk has that is written with this effort.
const fn chunk_samples(effort: Effort) -> usize {
    match effort {
        Effort::Quick => CHUNK_SAMPLES_QUICK,
        Effort::Thorough => CHUNK_SAMPLES_THOROUGH,
    }
}

/// Where a section lies in the file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Section {
    offset: u64,
    /// Without the checksum that follows.
    len: u64,
}

/// The last bytes of the file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Footer {
    /// Offsets of the pages of series entries, `u64` each, and the end of the last one.
    table: Section,
    /// The texts of all labels.
    symbols: Section,
    /// Label names and values, and where their lists of series lie.
    index: Section,
    /// Oldest and newest sample, milliseconds, inclusive.
    min_t: i64,
    max_t: i64,
    samples: u64,
    series: u32,
}

impl Footer {
    fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(FOOTER_LEN);
        for s in [self.table, self.symbols, self.index] {
            out.extend_from_slice(&s.offset.to_le_bytes());
            out.extend_from_slice(&s.len.to_le_bytes());
        }
        out.extend_from_slice(&self.min_t.to_le_bytes());
        out.extend_from_slice(&self.max_t.to_le_bytes());
        out.extend_from_slice(&self.samples.to_le_bytes());
        out.extend_from_slice(&self.series.to_le_bytes());
        out.extend_from_slice(&VERSION.to_le_bytes());
        out.extend_from_slice(&crc32c::crc32c(&out).to_le_bytes());
        out.extend_from_slice(&MAGIC);
        debug_assert_eq!(out.len(), FOOTER_LEN);
        out
    }

    /// `Err` says what is wrong. `version` is that of the header.
    fn decode(bytes: &[u8], version: u32) -> Result<Self, &'static str> {
        let cut = "the footer is cut off";
        let (body, tail) = bytes.split_at_checked(FOOTER_LEN - 12).ok_or(cut)?;
        let mut r = crate::chunk::bits::ByteReader(tail);
        let crc = r.u32().ok_or(cut)?;
        if r.0 != MAGIC {
            return Err("the file does not end as a block does");
        }
        if crc != crc32c::crc32c(body) {
            return Err("the checksum of the footer does not match");
        }
        let mut r = crate::chunk::bits::ByteReader(body);
        let mut section = || Some(Section { offset: r.u64()?, len: r.u64()? });
        let (table, symbols, index) = (section().ok_or(cut)?, section().ok_or(cut)?, section().ok_or(cut)?);
        let mut word = || r.u64().ok_or(cut);
        let (min_t, max_t, samples) = (word()? as i64, word()? as i64, word()?);
        let series = r.u32().ok_or(cut)?;
        if r.u32() != Some(version) {
            return Err("header and footer name different versions");
        }
        Ok(Self { table, symbols, index, min_t, max_t, samples, series })
    }
}

#[cfg(test)]
mod tests;
