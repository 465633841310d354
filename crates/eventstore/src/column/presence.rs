//! Which rows of a block have a value in a column.

use hashbrown::HashMap;
use rustc_hash::FxBuildHasher;

use super::bitmap::Bitmap;
use super::bytes::{Reader, put_bytes, put_varint};
use super::{Damaged, ints};

const ALL: u8 = 0;
const BITS: u8 = 1;
const LIST: u8 = 2;
const TABLE: u8 = 3;

/// The rows that have a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Presence {
    /// Every row; value `i` belongs to row `i`.
    All,
    /// These rows, rising; value `i` belongs to row `rows[i]`.
    Rows(Vec<u32>),
}

impl Presence {
    /// The row that value `i` belongs to.
    pub(crate) fn row(&self, i: usize) -> usize {
        match self {
            Self::All => i,
            Self::Rows(rows) => rows.get(i).map_or(usize::MAX, |r| *r as usize),
        }
    }

    /// The place of the value of `row`, if it has one.
    pub(crate) fn value(&self, row: usize) -> Option<usize> {
        match self {
            Self::All => Some(row),
            Self::Rows(rows) => rows.binary_search(&(row as u32)).ok(),
        }
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        match self {
            Self::All => 0,
            Self::Rows(rows) => rows.len() * 4,
        }
    }
}

/// Appends which of `rows` rows are in `present` (rising).
pub(crate) fn encode(present: &[u32], rows: usize, out: &mut Vec<u8>) {
    if present.len() == rows {
        out.push(ALL);
    } else if present.len() * 16 > rows {
        out.push(BITS);
        let mut bits = Bitmap::none(rows);
        present.iter().for_each(|r| bits.set(*r as usize));
        bits.words().iter().for_each(|w| out.extend_from_slice(&w.to_le_bytes()));
    } else {
        out.push(LIST);
        let list: Vec<i64> = present.iter().map(|r| i64::from(*r)).collect();
        ints::encode(&list, out);
    }
}

/// The distinct presences of a block: attributes that come together share one.
#[derive(Debug, Default)]
pub(crate) struct Table {
    index: HashMap<Vec<u32>, usize, FxBuildHasher>,
    /// Encoded, each with its length in front.
    bytes: Vec<u8>,
}

impl Table {
    /// Appends which of `rows` rows are in `present` (rising): their place in the table, unless it is every row.
    pub(crate) fn encode(&mut self, present: Vec<u32>, rows: usize, out: &mut Vec<u8>) {
        if present.len() == rows {
            out.push(ALL);
            return;
        }
        let (next, bytes) = (self.index.len(), &mut self.bytes);
        let place = *self.index.entry(present).or_insert_with_key(|present| {
            let mut one = Vec::new();
            encode(present, rows, &mut one);
            put_bytes(bytes, &one);
            next
        });
        out.push(TABLE);
        put_varint(out, place as u64);
    }

    /// The payload of the table; nothing when it is empty.
    pub(crate) fn into_bytes(self) -> Option<Vec<u8>> {
        (!self.bytes.is_empty()).then_some(self.bytes)
    }
}

/// Whether a column's presence is in the block's table, and where. Reads it if so.
pub(crate) fn table_place(r: &mut Reader<'_>) -> Result<Option<usize>, Damaged> {
    if r.0.first() != Some(&TABLE) {
        return Ok(None);
    }
    r.u8()?;
    r.count(u32::MAX as usize).map(Some)
}

/// Passes over a presence that says every row or names a place in the table; false when it is of another kind.
pub(crate) fn skip(r: &mut Reader<'_>) -> Result<bool, Damaged> {
    match r.u8()? {
        ALL => Ok(true),
        TABLE => r.varint().map(|_| true),
        _ => Ok(false),
    }
}

/// Of some rows those that have a value.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Picked {
    pub(crate) rows: Vec<u32>,
    /// The place of the value of each.
    pub(crate) values: Vec<usize>,
}

/// Which of `wanted` (rising) are among `n` present rows of `rows`.
pub(crate) fn pick(r: &mut Reader<'_>, n: usize, rows: usize, wanted: &[usize]) -> Result<Picked, Damaged> {
    let start = *r;
    let mut picked = Picked::default();
    let mut add = |row: usize, value: usize| {
        picked.rows.push(row as u32);
        picked.values.push(value);
    };
    if r.u8()? == BITS {
        let words = r.take(rows.div_ceil(64) * 8)?.chunks_exact(8);
        let words = words.map(|c| u64::from_le_bytes(c.try_into().unwrap_or_default())).collect();
        let bits = Bitmap::from_words(words, rows);
        if bits.count() != n {
            return Err(Damaged("presence"));
        }
        wanted.iter().zip(bits.places(wanted)).for_each(|(row, value)| value.into_iter().for_each(|v| add(*row, v)));
        return Ok(picked);
    }
    *r = start;
    let all = decode(r, n, rows)?;
    wanted.iter().filter(|row| **row < rows).for_each(|row| all.value(*row).into_iter().for_each(|v| add(*row, v)));
    Ok(picked)
}

/// The presence at `place` of the table of a block.
pub(crate) fn in_table(table: &[u8], place: usize) -> Result<&[u8], Damaged> {
    let mut r = Reader(table);
    for _ in 0..place {
        r.bytes()?;
    }
    r.bytes()
}

/// Reads `n` present rows of `rows`.
pub(crate) fn decode(r: &mut Reader<'_>, n: usize, rows: usize) -> Result<Presence, Damaged> {
    match r.u8()? {
        ALL if n == rows => Ok(Presence::All),
        BITS => {
            let words = r.take(rows.div_ceil(64) * 8)?.chunks_exact(8);
            let words = words.map(|c| u64::from_le_bytes(c.try_into().unwrap_or_default())).collect();
            let list: Vec<u32> = Bitmap::from_words(words, rows).iter().map(|r| r as u32).collect();
            if list.len() == n { Ok(Presence::Rows(list)) } else { Err(Damaged("presence")) }
        }
        LIST => {
            let list = ints::decode(r, n)?;
            let rising = list.windows(2).all(|w| w[0] < w[1]);
            let inside = list.first().is_none_or(|v| *v >= 0) && list.last().is_none_or(|v| (*v as usize) < rows);
            if !rising || !inside {
                return Err(Damaged("presence"));
            }
            Ok(Presence::Rows(list.into_iter().map(|v| v as u32).collect()))
        }
        _ => Err(Damaged("presence")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_holds_each_presence_once() {
        let mut table = Table::default();
        let mut out = Vec::new();
        for present in [vec![1, 5], vec![0, 2, 3], vec![1, 5], (0..6).collect()] {
            table.encode(present, 6, &mut out);
        }
        assert_eq!(out, [TABLE, 0, TABLE, 1, TABLE, 0, ALL]);
        let bytes = table.into_bytes().unwrap();
        let mut r = Reader(&out[2..]);
        assert_eq!(table_place(&mut r), Ok(Some(1)));
        assert_eq!(decode(&mut Reader(in_table(&bytes, 1).unwrap()), 3, 6), Ok(Presence::Rows(vec![0, 2, 3])));
        assert!(in_table(&bytes, 2).is_err());
        assert_eq!(table_place(&mut Reader(&[ALL])), Ok(None));
    }

    #[test]
    fn every_density_round_trips() {
        for step in [1, 3, 100] {
            let present: Vec<u32> = (0..1000).filter(|r| r % step == 0).collect();
            let mut out = Vec::new();
            encode(&present, 1000, &mut out);
            let p = decode(&mut Reader(&out), present.len(), 1000).unwrap();
            assert_eq!(p == Presence::All, step == 1);
            for (i, row) in present.iter().enumerate() {
                assert_eq!((p.row(i), p.value(*row as usize)), (*row as usize, Some(i)));
            }
            assert!(decode(&mut Reader(&out), present.len() + 1, 1000).is_err());
            let wanted: Vec<usize> = (0..1000).step_by(7).collect();
            let picked = pick(&mut Reader(&out), present.len(), 1000, &wanted).unwrap();
            let has: Vec<(u32, usize)> = wanted
                .iter()
                .filter(|row| *row % step as usize == 0)
                .map(|row| (*row as u32, row / step as usize))
                .collect();
            assert!(picked.rows.into_iter().zip(picked.values).eq(has));
        }
    }
}
