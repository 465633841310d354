//! Brings the values of one column of several batches into the row order of a block.

use hashbrown::HashMap;
use rustc_hash::FxBuildHasher;

use super::encode::Numbered;
use crate::batch::{Batch, CellValue};

/// Not a row of this block.
pub(super) const ELSEWHERE: u32 = u32::MAX;

/// A row of a batch.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) time: i64,
    pub(super) batch: u32,
    pub(super) row: u32,
    /// The number of the row.
    pub(super) seq: u64,
}

/// The rows of `batches` that no sampler rejected, by time, then by arrival.
///
/// The rows of a batch are numbered in the order of their times, not of their places in the request: senders group
/// records by resource, and numbers in that order would look random in a block and cost more than a byte a row.
pub(super) fn order(batches: &[Numbered]) -> Vec<Place> {
    let mut order: Vec<(i64, u32, u32)> = Vec::with_capacity(batches.iter().map(|b| b.batch.kept()).sum());
    for (i, b) in batches.iter().enumerate() {
        order.extend(b.batch.kept_rows().map(|row| (b.batch.time[row as usize], i as u32, row)));
    }
    // Stable: within one time they are in order of arrival already.
    order.sort_by_key(|(time, ..)| *time);
    let mut next: Vec<u64> = batches.iter().map(|b| b.first_seq).collect();
    let mut place = |(time, batch, row): (i64, u32, u32)| {
        let next = &mut next[batch as usize];
        *next += 1;
        Place { time, batch, row, seq: *next - 1 }
    };
    order.into_iter().map(&mut place).collect()
}

/// Where the rows of one batch lie in the block.
pub(super) struct Ranks {
    /// The batch, by its place in the list.
    pub(super) batch: usize,
    /// For each row of the batch its row in the block, or [`ELSEWHERE`].
    pub(super) rows: Vec<u32>,
}

/// The ranks of the batches that have rows among `places`.
pub(super) fn ranks(batches: &[Numbered], places: &[Place]) -> Vec<Ranks> {
    let mut at: Vec<u32> = vec![ELSEWHERE; batches.len()];
    let mut out: Vec<Ranks> = Vec::new();
    let mut first: Vec<u32> = places.iter().map(|p| p.batch).collect();
    first.sort_unstable();
    first.dedup();
    for batch in first {
        at[batch as usize] = out.len() as u32;
        let rows = vec![ELSEWHERE; batches[batch as usize].batch.rows()];
        out.push(Ranks { batch: batch as usize, rows });
    }
    for (rank, p) in places.iter().enumerate() {
        out[at[p.batch as usize] as usize].rows[p.row as usize] = rank as u32;
    }
    out
}

/// The values of a column that every row has, in row order.
pub(super) fn scatter<T: Copy + Default>(
    batches: &[Numbered],
    ranks: &[Ranks],
    rows: usize,
    column: impl Fn(&Batch) -> &[T],
) -> Vec<T> {
    let mut out = vec![T::default(); rows];
    for r in ranks {
        for (value, row) in column(&batches[r.batch].batch).iter().zip(&r.rows) {
            // `ELSEWHERE` is no place.
            if let Some(place) = out.get_mut(*row as usize) {
                *place = *value;
            }
        }
    }
    out
}

/// One column that not every row has, with the slots it comes from.
pub(super) struct Keyed<'a> {
    pub(super) id: u8,
    pub(super) key: &'a str,
    /// `(index into the ranks, slot of the batch)`.
    pub(super) slots: Vec<(usize, usize)>,
}

/// The keyed columns of the batches in order of first appearance.
pub(super) fn keyed<'a>(batches: &'a [Numbered], ranks: &[Ranks]) -> Vec<Keyed<'a>> {
    let mut index: HashMap<(u8, &str), usize, FxBuildHasher> = HashMap::default();
    let mut out: Vec<Keyed<'a>> = Vec::new();
    for (r, rank) in ranks.iter().enumerate() {
        for (s, slot) in batches[rank.batch].batch.slots.iter().enumerate() {
            let at = *index.entry((slot.id, &slot.key)).or_insert_with(|| {
                out.push(Keyed { id: slot.id, key: &slot.key, slots: Vec::new() });
                out.len() - 1
            });
            out[at].slots.push((r, s));
        }
    }
    out
}

/// A value with its row in the block and the batch whose arena it points into.
#[derive(Clone, Copy)]
pub(super) struct Gathered {
    pub(super) row: u32,
    pub(super) batch: u32,
    pub(super) value: CellValue,
}

/// The values of a column in row order.
pub(super) fn gather(batches: &[Numbered], ranks: &[Ranks], column: &Keyed<'_>, rows: usize) -> Vec<Gathered> {
    let mut cells = Vec::new();
    let mut sorted = true;
    let mut last = 0;
    for (r, slot) in &column.slots {
        let rank = &ranks[*r];
        for cell in &batches[rank.batch].batch.slots[*slot].cells {
            let row = rank.rows[cell.row as usize];
            if row != ELSEWHERE {
                sorted &= last <= row;
                last = row;
                cells.push(Gathered { row, batch: rank.batch as u32, value: cell.value });
            }
        }
    }
    if sorted {
        return cells;
    }
    if cells.len() * 8 < rows {
        cells.sort_unstable_by_key(|c| c.row);
        return cells;
    }
    // Dense: placing by row is cheaper than sorting.
    let mut placed = vec![Gathered { row: ELSEWHERE, batch: 0, value: CellValue::Empty }; rows];
    let full = cells.len() == rows;
    for c in cells {
        placed[c.row as usize] = c;
    }
    if !full {
        placed.retain(|c| c.row != ELSEWHERE);
    }
    placed
}
