//! Columns of trace and span ids: values of one width, by dictionary or plain.

use hashbrown::HashTable;

use super::Damaged;
use super::binary::{hash, put_codes, read_codes};
use super::bytes::{Reader, put_varint};

const DICT: u8 = 0;
const PLAIN: u8 = 1;

/// A decoded column of ids of `N` bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ids<const N: usize> {
    /// Empty when the column is plain: then value `i` is `entries[i]`.
    codes: Vec<u32>,
    entries: Vec<[u8; N]>,
}

impl<const N: usize> Ids<N> {
    pub(crate) fn get(&self, i: usize) -> [u8; N] {
        let at = if self.codes.is_empty() { i } else { self.codes.get(i).map_or(usize::MAX, |c| *c as usize) };
        self.entries.get(at).copied().unwrap_or([0; N])
    }

    /// The rows whose id is in the set that `wanted` describes; asked once per distinct id.
    pub(crate) fn rows(&self, mut wanted: impl FnMut(&[u8; N]) -> bool, mut each: impl FnMut(usize)) {
        let hit: Vec<bool> = self.entries.iter().map(&mut wanted).collect();
        if self.codes.is_empty() {
            hit.iter().enumerate().filter(|(_, h)| **h).for_each(|(i, _)| each(i));
        } else if hit.contains(&true) {
            for (i, c) in self.codes.iter().enumerate() {
                if hit.get(*c as usize) == Some(&true) {
                    each(i);
                }
            }
        }
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        self.codes.len() * 4 + self.entries.len() * N
    }
}

/// Appends `values`. The number of values is not stored.
pub(crate) fn encode<const N: usize>(values: &[[u8; N]], out: &mut Vec<u8>) {
    let mut table: HashTable<u32> = HashTable::new();
    let mut entries: Vec<[u8; N]> = Vec::new();
    let mut codes = Vec::with_capacity(values.len());
    // Beyond this the codes cost what the dictionary saves.
    let max = values.len() * 3 / 4;
    for v in values {
        let h = hash(v);
        let code = match table.find(h, |c| entries[*c as usize] == *v) {
            Some(c) => *c,
            None => {
                let c = entries.len() as u32;
                entries.push(*v);
                table.insert_unique(h, c, |c| hash(&entries[*c as usize]));
                c
            }
        };
        codes.push(code);
        if entries.len() > max {
            out.push(PLAIN);
            values.iter().for_each(|v| out.extend_from_slice(v));
            return;
        }
    }
    out.push(DICT);
    put_varint(out, entries.len() as u64);
    entries.iter().for_each(|v| out.extend_from_slice(v));
    put_codes(&codes, entries.len(), out);
}

/// Reads `n` values.
pub(crate) fn decode<const N: usize>(r: &mut Reader<'_>, n: usize) -> Result<Ids<N>, Damaged> {
    if n == 0 {
        return Ok(Ids { codes: Vec::new(), entries: Vec::new() });
    }
    match r.u8()? {
        DICT => {
            let count = r.count(n)?;
            let entries = read_entries(r, count)?;
            Ok(Ids { codes: read_codes(r, n, count)?, entries })
        }
        PLAIN => Ok(Ids { codes: Vec::new(), entries: read_entries(r, n)? }),
        _ => Err(Damaged("id encoding")),
    }
}

fn read_entries<const N: usize>(r: &mut Reader<'_>, n: usize) -> Result<Vec<[u8; N]>, Damaged> {
    Ok(r.take(n * N)?.chunks_exact(N).map(|c| c.try_into().unwrap_or([0; N])).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeated_and_distinct_ids_round_trip() {
        for distinct in [1u64, 5, 100] {
            let values: Vec<[u8; 8]> = (0..100).map(|i| (i % distinct).to_be_bytes()).collect();
            let mut out = Vec::new();
            encode(&values, &mut out);
            assert!(out.len() <= 801);
            let ids = decode::<8>(&mut Reader(&out), 100).unwrap();
            assert!(values.iter().enumerate().all(|(i, v)| ids.get(i) == *v));
            let mut rows = Vec::new();
            ids.rows(|id| *id == [0; 8], |row| rows.push(row));
            assert_eq!(rows.len() as u64, 100 / distinct);
            assert!(decode::<8>(&mut Reader(&out[..out.len() - 1]), 100).is_err());
        }
    }
}
