//! Rows that are in the log and not yet in a segment.
//!
//! New batches form the tail. The sealer turns the front of the tail into
//! blocks of full size. Queries see blocks only: what of the tail is not
//! encoded yet is encoded for the query into *pieces*, which are kept for the
//! next query and thrown away when the sealer has taken their batches.

use std::sync::Arc;
use std::time::Instant;

use crate::batch::Batch;
use crate::block::encode::Numbered;
use crate::block::{Block, ROWS_MAX};

/// Bytes of batches that are sealed even if they are few rows, so that blocks stay small.
const SEAL_BYTES: usize = 16 << 20;
/// More pieces than this are encoded again as one: each costs a query as much as a block.
const PIECES_MAX: usize = 8;

/// Batches and blocks of one generation of the log.
#[derive(Default)]
pub(crate) struct Memory {
    blocks: Vec<Arc<Block>>,
    tail: Vec<Numbered>,
    pieces: Vec<Arc<Block>>,
    /// How many batches of the tail the pieces hold.
    pieces_cover: usize,
    pieces_made: usize,
    tail_rows: usize,
    tail_bytes: usize,
    block_rows: usize,
    block_bytes: usize,
    /// Bytes in the log of rows that no block has.
    rejected_bytes: usize,
    /// When the first batch came.
    pub(super) since: Option<Instant>,
}

/// What a query sees of a memory.
pub(crate) struct View {
    /// Blocks and usable pieces.
    pub(crate) blocks: Vec<Arc<Block>>,
    /// Batches that no block holds.
    pub(crate) unencoded: Vec<Numbered>,
    /// Whether the new piece stands for the whole tail.
    pub(crate) replace: bool,
}

/// The front of a tail, to be sealed.
pub(crate) struct Sealing {
    pub(crate) batches: Vec<Numbered>,
}

impl Memory {
    pub(super) fn push(&mut self, batch: Arc<Batch>, first_seq: u64, now: Instant) {
        self.tail_rows += batch.kept();
        self.tail_bytes += batch.heap_bytes();
        self.rejected_bytes += batch.heap_bytes() * batch.rejected() / batch.rows().max(1);
        self.since.get_or_insert(now);
        self.tail.push(Numbered { batch, first_seq });
    }

    pub(crate) fn rows(&self) -> usize {
        self.block_rows + self.tail_rows
    }

    /// Bytes held, pieces included.
    pub(crate) fn bytes(&self) -> usize {
        self.block_bytes + self.tail_bytes + self.pieces.iter().map(|p| p.len as usize).sum::<usize>()
    }

    /// About how many bytes in the log are of rows that a sampler rejected: blocks do not show them, a flush takes them away.
    pub(super) const fn rejected_bytes(&self) -> usize {
        self.rejected_bytes
    }

    /// Whether nothing came. Batches of which no row is kept came too: their generation has to be flushed like any other.
    pub(crate) fn is_empty(&self) -> bool {
        self.since.is_none()
    }

    pub(crate) fn blocks(&self) -> &[Arc<Block>] {
        &self.blocks
    }

    pub(crate) fn tail_is_empty(&self) -> bool {
        self.tail.is_empty()
    }

    /// Whether a block of full size can be made.
    pub(super) fn wants_sealing(&self) -> bool {
        self.tail_rows >= ROWS_MAX || self.tail_bytes >= SEAL_BYTES
    }

    /// The front of the tail that makes full blocks; with `all`, the whole tail. Empty when there is not enough.
    pub(crate) fn seal_begin(&self, all: bool) -> Sealing {
        let mut batches: Vec<Numbered> = Vec::new();
        if all || self.wants_sealing() {
            let (mut rows, mut bytes) = (0, 0);
            for b in &self.tail {
                // Just under a full block is better than one full and one nearly empty.
                let full = rows + b.batch.kept() > ROWS_MAX || bytes >= SEAL_BYTES;
                if full && !batches.is_empty() {
                    break;
                }
                rows += b.batch.kept();
                bytes += b.batch.heap_bytes();
                batches.push(b.clone());
            }
        }
        Sealing { batches }
    }

    /// Puts the blocks made of a sealing in the place of its batches.
    pub(crate) fn seal_end(&mut self, sealing: &Sealing, blocks: Vec<Arc<Block>>) {
        let taken: Vec<Numbered> = self.tail.drain(..sealing.batches.len()).collect();
        self.tail_rows -= taken.iter().map(|b| b.batch.kept()).sum::<usize>();
        self.tail_bytes -= taken.iter().map(|b| b.batch.heap_bytes()).sum::<usize>();
        self.block_rows += blocks.iter().map(|b| b.rows()).sum::<usize>();
        self.block_bytes += blocks.iter().map(|b| b.len as usize).sum::<usize>();
        self.blocks.extend(blocks);
        self.pieces.clear();
        self.pieces_cover = 0;
        self.pieces_made = 0;
    }

    pub(super) fn view(&self) -> View {
        let mut blocks = self.blocks.clone();
        let replace = self.pieces_made >= PIECES_MAX && self.pieces_cover < self.tail.len();
        let from = if replace { 0 } else { self.pieces_cover };
        if !replace {
            blocks.extend(self.pieces.iter().cloned());
        }
        View { blocks, unencoded: self.tail.get(from..).unwrap_or_default().to_vec(), replace }
    }

    /// Keeps what a query has encoded for the next one, unless the tail has changed at its front meanwhile.
    pub(super) fn keep_piece(&mut self, replace: bool, blocks: Vec<Arc<Block>>, of: &[Numbered]) {
        let from = if replace { 0 } else { self.pieces_cover };
        let unchanged = match (self.tail.get(from), of.first()) {
            (Some(a), Some(b)) => Arc::ptr_eq(&a.batch, &b.batch),
            _ => false,
        };
        if !unchanged {
            return;
        }
        if replace {
            self.pieces.clear();
            self.pieces_made = 0;
        }
        self.pieces.extend(blocks);
        self.pieces_cover = from + of.len();
        self.pieces_made += 1;
    }
}
