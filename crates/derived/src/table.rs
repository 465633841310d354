//! Series by their key: which row of the totals a key has, since when, and when it was last touched.
//!
//! Keys are bytes that their owner understands. Rows keep their numbers until
//! [`Table::retain`] moves them.

use std::hash::Hasher as _;

use hashbrown::HashTable;
use rustc_hash::FxHasher;

use crate::bytes::{Damaged, Reader, put_bytes, put_u32, put_u64};

#[derive(Debug, Default)]
pub(crate) struct Table {
    rows: HashTable<u32>,
    keys: Vec<u8>,
    /// Where the key of each row ends; it begins where the one before ends.
    ends: Vec<u32>,
    /// Milliseconds since the epoch.
    created: Vec<i64>,
    touched: Vec<i64>,
}

pub(crate) fn hash(bytes: &[u8]) -> u64 {
    let mut h = FxHasher::default();
    h.write(bytes);
    h.finish()
}

fn slice<'a>(keys: &'a [u8], ends: &[u32], row: u32) -> &'a [u8] {
    let row = row as usize;
    let begin = if row == 0 { 0 } else { ends[row - 1] as usize };
    &keys[begin..ends[row] as usize]
}

impl Table {
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(crate) fn key(&self, row: u32) -> &[u8] {
        slice(&self.keys, &self.ends, row)
    }

    /// When the first span of the series arrived.
    pub(crate) fn created(&self, row: u32) -> i64 {
        self.created[row as usize]
    }

    /// When the last span of the series arrived.
    pub(crate) fn touched(&self, row: u32) -> i64 {
        self.touched[row as usize]
    }

    /// The row of a key that is there.
    pub(crate) fn find(&mut self, key: &[u8], now_ms: i64) -> Option<u32> {
        let (keys, ends) = (&self.keys, &self.ends);
        let row = *self.rows.find(hash(key), |row| slice(keys, ends, *row) == key)?;
        self.touch(row, now_ms);
        Some(row)
    }

    pub(crate) fn touch(&mut self, row: u32, now_ms: i64) {
        let at = &mut self.touched[row as usize];
        *at = now_ms.max(*at);
    }

    /// Adds a key that is not there.
    pub(crate) fn insert(&mut self, key: &[u8], now_ms: i64) -> u32 {
        self.add(key, now_ms, now_ms)
    }

    fn add(&mut self, key: &[u8], created: i64, touched: i64) -> u32 {
        let row = self.ends.len() as u32;
        self.keys.extend_from_slice(key);
        self.ends.push(self.keys.len() as u32);
        self.created.push(created);
        self.touched.push(touched);
        let (keys, ends) = (&self.keys, &self.ends);
        self.rows.insert_unique(hash(key), row, |row| hash(slice(keys, ends, *row)));
        row
    }

    /// Keeps the rows for which `keep` says so; returns their old numbers in their new order.
    pub(crate) fn retain(&mut self, mut keep: impl FnMut(&Self, u32) -> bool) -> Vec<u32> {
        let kept: Vec<u32> = (0..self.len() as u32).filter(|row| keep(self, *row)).collect();
        if kept.len() < self.len() {
            let old = std::mem::take(self);
            for row in &kept {
                self.add(old.key(*row), old.created(*row), old.touched(*row));
            }
        }
        kept
    }

    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        put_u32(out, self.len() as u32);
        for row in 0..self.len() as u32 {
            put_bytes(out, self.key(row));
            put_u64(out, self.created(row) as u64);
            put_u64(out, self.touched(row) as u64);
        }
    }

    pub(crate) fn decode(r: &mut Reader<'_>) -> Result<Self, Damaged> {
        let mut table = Self::default();
        for _ in 0..r.count(20)? {
            let key = r.bytes()?;
            let (created, touched) = (r.i64()?, r.i64()?);
            if table.find(key, touched).is_some() {
                return Err(Damaged("a series is there twice"));
            }
            table.add(key, created, touched);
        }
        Ok(table)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_keep_their_rows_until_others_go() {
        let mut t = Table::default();
        for (i, key) in [&b""[..], b"b", b"cc"].into_iter().enumerate() {
            assert_eq!(t.find(key, 5), None);
            assert_eq!(t.insert(key, 5), i as u32);
        }
        assert_eq!(t.find(b"cc", 9), Some(2));
        let mut bytes = Vec::new();
        t.encode(&mut bytes);
        let mut back = Table::decode(&mut Reader(&bytes)).unwrap();
        assert_eq!((back.key(1), back.created(2), back.touched(2)), (&b"b"[..], 5, 9));
        assert_eq!(back.retain(|t, row| t.touched(row) > 5 || row == 0), [0, 2]);
        assert_eq!((back.len(), back.find(b"cc", 9), back.find(b"b", 9)), (2, Some(1), None));
        assert!((0..bytes.len()).all(|n| Table::decode(&mut Reader(&bytes[..n])).is_err()));
    }
}
