//! Attributes beyond the cap on columns: one column for all of them, a map of keys and values per row.
//!
//! Senders that make keys of data (`user.4711.visits`) would make a column
//! of each. The keys that most rows have stay columns; the others are found
//! all the same, by reading the maps (`query::nested`). Keys that are longer
//! than a name are treated so too: headers are read by every query.

use wire::protobuf::Writer;

use super::encode::{Columns, Numbered};
use super::gather::{self, Gathered, Keyed, Ranks};
use crate::batch::CellValue;
use crate::column::binary;
use crate::schema::{ATTRIBUTE, REST};
use crate::value_type::ValueType;

/// Bytes of a key that can be a column; what has a longer one lies beyond the cap, its key whole.
const KEY_BYTES_MAX: usize = 256;

/// Takes the attributes beyond the `max` that most rows have out of `columns`, and those with keys that are too long.
pub(super) fn beyond<'a>(
    batches: &[Numbered],
    ranks: &[Ranks],
    columns: &mut Vec<Keyed<'a>>,
    max: usize,
) -> Vec<Keyed<'a>> {
    let values = |c: &Keyed<'_>| -> usize {
        let cells = |(r, slot): &(usize, usize)| batches[ranks[*r].batch].batch.slots[*slot].cells.len();
        c.slots.iter().map(cells).sum()
    };
    let mut moved: Vec<bool> = columns.iter().map(|c| c.id == ATTRIBUTE && c.key.len() > KEY_BYTES_MAX).collect();
    let stays = |(i, c): &(usize, &Keyed<'_>)| c.id == ATTRIBUTE && !moved[*i];
    let attributes = columns.iter().enumerate().filter(stays).count();
    if attributes > max {
        let mut sizes: Vec<(usize, usize)> =
            columns.iter().enumerate().filter(stays).map(|(i, c)| (values(c), i)).collect();
        sizes.sort_by_key(|(n, i)| (std::cmp::Reverse(*n), *i));
        sizes[max..].iter().for_each(|(_, i)| moved[*i] = true);
    }
    if !moved.contains(&true) {
        return Vec::new();
    }
    let (mut kept, mut rest) = (Vec::with_capacity(columns.len()), Vec::new());
    for (c, moved) in columns.drain(..).zip(moved) {
        if moved { rest.push(c) } else { kept.push(c) }
    }
    *columns = kept;
    rest
}

/// Writes the column of the attributes in `rest`.
pub(super) fn put(columns: &mut Columns, batches: &[Numbered], ranks: &[Ranks], rest: &[Keyed<'_>], rows: usize) {
    let mut cells: Vec<(Gathered, &str)> = Vec::new();
    for c in rest {
        cells.extend(gather::gather(batches, ranks, c, rows).into_iter().map(|cell| (cell, c.key)));
    }
    // Stable: the keys of a row in the order of their first appearance.
    cells.sort_by_key(|(cell, _)| cell.row);
    let (mut at, mut maps): (Vec<u32>, Vec<Vec<u8>>) = (Vec::new(), Vec::new());
    for row in cells.chunk_by(|(a, _), (b, _)| a.row == b.row) {
        let mut w = Writer::new();
        for (cell, key) in row {
            w.message(1, |w| {
                w.string(1, key);
                w.message(2, |w| put_value(w, batches, cell));
            });
        }
        at.push(row[0].0.row);
        maps.push(w.into_bytes());
    }
    if !at.is_empty() {
        let maps: Vec<&[u8]> = maps.iter().map(Vec::as_slice).collect();
        columns.sparse(REST, ValueType::Map, "", at, rows, |out| drop(binary::encode(&maps, out)));
    }
}

/// The fields of an OTLP `AnyValue`.
fn put_value(w: &mut Writer, batches: &[Numbered], cell: &Gathered) {
    match cell.value {
        CellValue::Empty => {}
        CellValue::Bool(v) => w.uint(2, u64::from(v)),
        CellValue::Int(v) => w.uint(3, v as u64),
        CellValue::Double(v) => w.double(4, v),
        CellValue::Binary(value_type, slice) => {
            let field = match value_type {
                ValueType::Array => 5,
                ValueType::Map => 6,
                ValueType::Bytes => 7,
                _ => 1,
            };
            w.bytes(field, batches[cell.batch as usize].batch.bytes(slice));
        }
    }
}
