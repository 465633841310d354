//! A look ahead in a block file: series that a selector finds lie side by side, so that one read serves the chunks of many.
//!
//! What is asked for out of order is read by itself.

use std::sync::Arc;

use crate::TsdbError;
use crate::block::{Block, ChunkRef};

/// How far is read ahead at first, and at most.
const AHEAD_BYTES_MIN: u64 = 8 << 10;
const AHEAD_BYTES_MAX: u64 = 64 << 10;
/// A chunk that begins this little behind the one before counts as its neighbour: one of a series was not wanted.
const GAP_BYTES: u64 = 4 << 10;
/// Blocks that are read side by side, for series that lie in several: a day of two hours each, and weeks of larger ones. With fewer
/// windows than blocks each chunk would be a read of its own.
const WINDOWS_MAX: usize = 48;

/// Stretches of block files, one per block.
#[derive(Debug, Default)]
pub(crate) struct Ahead {
    windows: Vec<Window>,
    /// The one that goes next when there are too many.
    oldest: usize,
}

/// A stretch of a block file.
#[derive(Debug)]
struct Window {
    block: Arc<Block>,
    start: u64,
    bytes: Vec<u8>,
    /// Where the last chunk that was asked for ended.
    asked_to: u64,
    step: u64,
}

impl Ahead {
    /// The bytes of a chunk, their checksum looked at.
    pub(crate) fn chunk(&mut self, block: &Arc<Block>, chunk: &ChunkRef) -> Result<&[u8], TsdbError> {
        let bytes = self.window(block).get(chunk.offset, u64::from(chunk.len) + 4)?;
        block.checked(chunk.offset, bytes, "a chunk")
    }

    fn window(&mut self, block: &Arc<Block>) -> &mut Window {
        let at = self.windows.iter().position(|w| Arc::ptr_eq(&w.block, block)).unwrap_or_else(|| {
            let new = Window { block: block.clone(), start: 0, bytes: Vec::new(), asked_to: u64::MAX, step: 0 };
            if self.windows.len() < WINDOWS_MAX {
                self.windows.push(new);
                return self.windows.len() - 1;
            }
            let at = self.oldest;
            self.oldest = (at + 1) % WINDOWS_MAX;
            self.windows[at] = new;
            at
        });
        &mut self.windows[at]
    }
}

impl Window {
    /// Bytes from memory or from the file.
    fn get(&mut self, offset: u64, len: u64) -> Result<&[u8], TsdbError> {
        let end = offset.saturating_add(len);
        let held = offset >= self.start && end <= self.start + self.bytes.len() as u64;
        if !held {
            let neighbour = offset >= self.asked_to && offset - self.asked_to <= GAP_BYTES;
            self.step = if neighbour { (self.step * 2).clamp(AHEAD_BYTES_MIN, AHEAD_BYTES_MAX) } else { 0 };
            // Nothing is held while it is read: that may fail.
            let mut bytes = std::mem::take(&mut self.bytes);
            self.block.read_raw(offset, len.max(self.step), len, &mut bytes)?;
            (self.start, self.bytes) = (offset, bytes);
        }
        self.asked_to = end;
        let from = (offset - self.start) as usize;
        Ok(self.bytes.get(from..from + len as usize).unwrap_or_default())
    }
}
