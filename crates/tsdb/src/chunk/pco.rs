//! Columns compressed by `pco`: smaller than packed numbers for what is noisy, several times slower to read.
//!
//! Used only when blocks are merged, where a chunk is written once more and
//! then read rarely. The bytes are those of pco's wrapped format with one
//! chunk of one page; its version stands in its header.

use ::pco::data_types::Number;
use ::pco::wrapped::{FileCompressor, FileDecompressor};
use ::pco::{ChunkConfig, DeltaSpec};

/// Of 12: beyond it chunks of a thousand numbers hardly get smaller, but slower to write.
const LEVEL: usize = 6;

/// `None` when pco refuses.
pub(super) fn encode<T: Number>(numbers: &[T]) -> Option<Vec<u8>> {
    let config = ChunkConfig::default().with_compression_level(LEVEL).with_delta_spec(DeltaSpec::TryConsecutive(1));
    let mut out = Vec::new();
    let file = FileCompressor::default();
    file.write_header(&mut out).ok()?;
    let mut chunk = file.chunk_compressor(numbers, &config).ok()?;
    chunk.write_meta(&mut out).ok()?;
    chunk.write_page(0, &mut out).ok()?;
    Some(out)
}

/// Fills `numbers`; `None` when the bytes are not a column of this length.
pub(super) fn decode<T: Number>(bytes: &[u8], numbers: &mut [T]) -> Option<()> {
    let (file, rest) = FileDecompressor::new(bytes).ok()?;
    let (mut chunk, rest) = file.chunk_decompressor::<T, _>(rest).ok()?;
    let mut page = chunk.page_decompressor(rest, numbers.len()).ok()?;
    let progress = page.read(numbers).ok()?;
    (progress.n_processed == numbers.len()).then_some(())
}
