//! A stretch of samples of one series, wherever it lies, and how stretches are merged.

use std::sync::Arc;

use crate::TsdbError;
use crate::block::Block;
use crate::chunk::{self, Sample};

/// A stretch of samples of one series, sorted by time.
#[derive(Debug, Clone)]
pub(crate) enum Part {
    /// A sealed chunk in memory and its first and last time.
    Chunk { min: i64, max: i64, bytes: Arc<[u8]> },
    /// Samples as they are.
    Plain(Vec<Sample>),
    /// A chunk in a block file.
    Stored { min: i64, max: i64, block: Arc<Block>, offset: u64, len: u32 },
}

impl Part {
    /// First and last time.
    pub(crate) fn bounds(&self) -> (i64, i64) {
        match self {
            Self::Chunk { min, max, .. } | Self::Stored { min, max, .. } => (*min, *max),
            Self::Plain(s) => (s.first().map_or(i64::MAX, |s| s.t), s.last().map_or(i64::MIN, |s| s.t)),
        }
    }

    /// Appends all samples of the part.
    pub(crate) fn decode(&self, out: &mut Vec<Sample>) -> Result<(), TsdbError> {
        match self {
            Self::Plain(samples) => out.extend_from_slice(samples),
            Self::Stored { block, offset, len, .. } => block.read_chunk(*offset, *len, out)?,
            Self::Chunk { bytes, .. } => {
                let what = "a chunk of the head";
                chunk::decode(bytes, out).ok_or(TsdbError::Damaged { path: "(memory)".into(), offset: 0, what })?;
            }
        }
        Ok(())
    }
}

/// Sorts samples of stretches that may overlap; of equal times the first one counts.
pub(crate) fn merge(samples: &mut Vec<Sample>) {
    if !samples.is_sorted_by(|a, b| a.t < b.t) {
        samples.sort_by_key(|s| s.t);
        samples.dedup_by_key(|s| s.t);
    }
}
