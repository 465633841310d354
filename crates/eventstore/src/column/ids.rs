//! Columns of trace and span ids: values of one width, by dictionary or plain, zeros apart.

use hashbrown::HashTable;

use super::binary::hash;
use super::bitmap::Bitmap;
use super::bytes::{Reader, put_varint};
use super::{Damaged, codes};

/// Written by version 1.
const DICT: u8 = 0;
const PLAIN: u8 = 1;
/// Codes in the smallest encoding: the ids of one time lie close together in the dictionary.
const CODED: u8 = 2;
/// A bitmap of the values that are not zero, and these as one of the above.
const SPARSE: u8 = 3;

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
    if values.is_empty() {
        return;
    }
    if !values.contains(&[0; N]) {
        return encode_all(values, out);
    }
    let mut there = Bitmap::none(values.len());
    let mut rest = Vec::with_capacity(values.len());
    for (i, v) in values.iter().enumerate().filter(|(_, v)| **v != [0; N]) {
        there.set(i);
        rest.push(*v);
    }
    out.push(SPARSE);
    there.words().iter().for_each(|w| out.extend_from_slice(&w.to_le_bytes()));
    if !rest.is_empty() {
        encode_all(&rest, out);
    }
}

fn encode_all<const N: usize>(values: &[[u8; N]], out: &mut Vec<u8>) {
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
    out.push(CODED);
    put_varint(out, entries.len() as u64);
    entries.iter().for_each(|v| out.extend_from_slice(v));
    codes::encode(&codes, entries.len(), out);
}

/// Reads `n` values.
pub(crate) fn decode<const N: usize>(r: &mut Reader<'_>, n: usize) -> Result<Ids<N>, Damaged> {
    if n == 0 {
        return Ok(Ids { codes: Vec::new(), entries: Vec::new() });
    }
    match r.u8()? {
        SPARSE => decode_sparse(r, n),
        kind => decode_all(r, n, kind),
    }
}

fn decode_all<const N: usize>(r: &mut Reader<'_>, n: usize, kind: u8) -> Result<Ids<N>, Damaged> {
    match kind {
        DICT | CODED => {
            let count = r.count(n)?;
            let entries = read_entries(r, count)?;
            let codes = if kind == DICT { codes::unpack(r, n, count)? } else { codes::decode(r, n, count)? };
            Ok(Ids { codes, entries })
        }
        PLAIN => Ok(Ids { codes: Vec::new(), entries: read_entries(r, n)? }),
        _ => Err(Damaged("id encoding")),
    }
}

fn decode_sparse<const N: usize>(r: &mut Reader<'_>, n: usize) -> Result<Ids<N>, Damaged> {
    let there = read_there(r, n)?;
    let at: Vec<usize> = there.iter().collect();
    if at.is_empty() {
        return Ok(Ids { codes: vec![0; n], entries: vec![[0; N]] });
    }
    let kind = r.u8()?;
    let Ids { codes, mut entries } = decode_all::<N>(r, at.len(), kind)?;
    if codes.is_empty() {
        let mut all = vec![[0; N]; n];
        at.iter().zip(&entries).for_each(|(i, id)| all[*i] = *id);
        return Ok(Ids { codes, entries: all });
    }
    let mut all = vec![entries.len() as u32; n];
    at.iter().zip(&codes).for_each(|(i, code)| all[*i] = *code);
    entries.push([0; N]);
    Ok(Ids { codes: all, entries })
}

/// The values at `at` (rising, below `n`) of `n`, one after another.
pub(crate) fn decode_at<const N: usize>(r: &mut Reader<'_>, n: usize, at: &[usize]) -> Result<Ids<N>, Damaged> {
    let entries = if at.is_empty() {
        Vec::new()
    } else {
        match r.u8()? {
            SPARSE => {
                let there = read_there(r, n)?;
                let places = there.places(at);
                let kept: Vec<usize> = places.iter().flatten().copied().collect();
                let mut found = if kept.is_empty() {
                    Vec::new()
                } else {
                    let kind = r.u8()?;
                    pick(r, there.count(), kind, &kept)?
                }
                .into_iter();
                places.iter().map(|p| p.and_then(|_| found.next()).unwrap_or([0; N])).collect()
            }
            kind => pick(r, n, kind, at)?,
        }
    };
    Ok(Ids { codes: Vec::new(), entries })
}

fn pick<const N: usize>(r: &mut Reader<'_>, n: usize, kind: u8, at: &[usize]) -> Result<Vec<[u8; N]>, Damaged> {
    let (ids, at): (_, Vec<usize>) = match kind {
        PLAIN => (r.take(n * N)?, at.to_vec()),
        CODED => {
            let count = r.count(n)?;
            let ids = r.take(count * N)?;
            (ids, codes::decode_at(r, n, count, at)?.into_iter().map(|c| c as usize).collect())
        }
        _ => {
            let ids = decode_all::<N>(r, n, kind)?;
            return Ok(at.iter().map(|i| ids.get(*i)).collect());
        }
    };
    let (ids, _) = ids.as_chunks::<N>();
    at.into_iter().map(|i| ids.get(i).copied().ok_or(Damaged("place of an id"))).collect()
}

fn read_there(r: &mut Reader<'_>, n: usize) -> Result<Bitmap, Damaged> {
    let words = r.take(n.div_ceil(64) * 8)?.chunks_exact(8);
    Ok(Bitmap::from_words(words.map(|c| u64::from_le_bytes(c.try_into().unwrap_or_default())).collect(), n))
}

fn read_entries<const N: usize>(r: &mut Reader<'_>, n: usize) -> Result<Vec<[u8; N]>, Damaged> {
    Ok(r.take(n * N)?.chunks_exact(N).map(|c| c.try_into().unwrap_or([0; N])).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picks(values: &[[u8; 8]], bytes: &[u8]) {
        for step in [1, 4, 60] {
            let at: Vec<usize> = (1..values.len()).step_by(step).collect();
            let ids = decode_at::<8>(&mut Reader(bytes), values.len(), &at).unwrap();
            assert!(at.iter().enumerate().all(|(i, at)| ids.get(i) == values[*at]));
        }
    }

    #[test]
    fn repeated_and_distinct_ids_round_trip() {
        for distinct in [1u64, 5, 100] {
            let values: Vec<[u8; 8]> = (0..100).map(|i| (i % distinct + 1).to_be_bytes()).collect();
            let mut out = Vec::new();
            encode(&values, &mut out);
            assert!(out.len() <= 801);
            let ids = decode::<8>(&mut Reader(&out), 100).unwrap();
            assert!(values.iter().enumerate().all(|(i, v)| ids.get(i) == *v));
            picks(&values, &out);
            let mut rows = Vec::new();
            ids.rows(|id| *id == 1u64.to_be_bytes(), |row| rows.push(row));
            assert_eq!(rows.len() as u64, 100 / distinct);
            // One id needs no codes: nothing of it can be missing but itself.
            assert!(decode::<8>(&mut Reader(&out[..out.len() - 1]), 100).is_err());
        }
    }

    #[test]
    fn zeros_cost_a_bit() {
        for distinct in [1u64, 7, 1000] {
            let id = |i: u64| if i.is_multiple_of(3) { i % distinct + 1 } else { 0 };
            let values: Vec<[u8; 8]> = (0..1000).map(|i| id(i).to_be_bytes()).collect();
            let mut out = Vec::new();
            encode(&values, &mut out);
            assert!(out.len() < 1000 / 8 + 334 * 8 + 20);
            let ids = decode::<8>(&mut Reader(&out), values.len()).unwrap();
            assert!(values.iter().enumerate().all(|(i, v)| ids.get(i) == *v));
            picks(&values, &out);
        }
        let mut out = Vec::new();
        encode(&[[0; 8]; 70], &mut out);
        picks(&[[0; 8]; 70], &out);
        assert_eq!(decode::<8>(&mut Reader(&out), 70).unwrap().get(69), [0; 8]);
    }
}
