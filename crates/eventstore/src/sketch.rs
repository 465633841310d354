//! Estimates of how many distinct values there are, from their hashes.
//!
//! [`Sketch`] is what a segment keeps of an attribute: the hashes while they
//! are few, then a small HyperLogLog (Flajolet et al. 2007, with linear
//! counting for small cardinalities). The constants of hash and registers are
//! part of the format (`docs/formats/segment.md`). Knows no columns.

use std::collections::BTreeSet;

use crate::column::bytes::{Reader, put_varint};
use crate::column::tokens::exact_hash;
use crate::column::{Damaged, binary, ints};

/// Values that are counted exactly.
pub(crate) const EXACT_MAX: usize = 64;
/// Bits of a hash that are kept: among the values of the exact part two of the same are one in 500 million.
const HASH_BITS: u32 = 40;
/// Standard error `1.04 / sqrt(2^10)`, 3.3 %.
const INDEX_BITS: u32 = 10;
const REGISTERS: usize = 1 << INDEX_BITS;

/// How many values `registers` saw.
pub(crate) fn estimate(registers: &[u8]) -> u64 {
    let m = registers.len() as f64;
    let alpha = 0.7213 / (1.0 + 1.079 / m);
    let sum: f64 = registers.iter().map(|r| 2f64.powi(-i32::from(*r))).sum();
    let raw = alpha * m * m / sum;
    let zeros = registers.iter().filter(|r| **r == 0).count();
    let linear = (zeros > 0).then(|| m * (m / zeros as f64).ln());
    linear.filter(|_| raw <= 2.5 * m).unwrap_or(raw).round() as u64
}

/// A set of values, or what is left of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Sketch {
    /// The upper bits of hashes.
    Exact(BTreeSet<u64>),
    Registers(Box<[u8; REGISTERS]>),
}

impl Default for Sketch {
    fn default() -> Self {
        Self::Exact(BTreeSet::new())
    }
}

fn raise(registers: &mut [u8; REGISTERS], kept: u64) {
    let place = (kept >> (HASH_BITS - INDEX_BITS)) as usize % REGISTERS;
    // The bits below the place, moved to the top; a one behind them ends the count.
    let below = kept << (u64::BITS - HASH_BITS + INDEX_BITS) | 1 << (u64::BITS - HASH_BITS + INDEX_BITS - 1);
    registers[place] = registers[place].max(below.leading_zeros() as u8 + 1);
}

impl Sketch {
    /// Adds a value.
    pub(crate) fn add(&mut self, value: &[u8]) {
        self.add_kept(exact_hash(value) >> (u64::BITS - HASH_BITS));
    }

    /// Adds numbers.
    pub(crate) fn add_ints(&mut self, values: &[i64]) {
        let mut last = None;
        for v in values {
            // Rows often repeat the one before.
            if last != Some(*v) {
                self.add(&v.to_le_bytes());
            }
            last = Some(*v);
        }
    }

    /// Adds numbers.
    pub(crate) fn add_doubles(&mut self, values: &[f64]) {
        values.iter().for_each(|v| self.add(&v.to_bits().to_le_bytes()));
    }

    fn add_kept(&mut self, kept: u64) {
        match self {
            Self::Exact(set) => {
                set.insert(kept);
                if set.len() > EXACT_MAX {
                    let mut registers = Box::new([0; REGISTERS]);
                    set.iter().for_each(|h| raise(&mut registers, *h));
                    *self = Self::Registers(registers);
                }
            }
            Self::Registers(registers) => raise(registers, kept),
        }
    }

    /// Adds the values of another one.
    pub(crate) fn merge(&mut self, other: &Self) {
        match (&mut *self, other) {
            (_, Self::Exact(set)) => set.iter().for_each(|h| self.add_kept(*h)),
            (Self::Registers(mine), Self::Registers(theirs)) => {
                mine.iter_mut().zip(theirs.iter()).for_each(|(a, b)| *a = (*a).max(*b));
            }
            (Self::Exact(set), Self::Registers(registers)) => {
                let mut registers = registers.clone();
                set.iter().for_each(|h| raise(&mut registers, *h));
                *self = Self::Registers(registers);
            }
        }
    }

    /// How many there are, and whether that is exact.
    pub(crate) fn count(&self) -> (u64, bool) {
        match self {
            Self::Exact(set) => (set.len() as u64, true),
            Self::Registers(registers) => (estimate(&registers[..]), false),
        }
    }

    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Exact(set) => {
                put_varint(out, set.len() as u64);
                ints::encode(&set.iter().map(|h| *h as i64).collect::<Vec<_>>(), out);
            }
            Self::Registers(registers) => {
                put_varint(out, EXACT_MAX as u64 + 1);
                binary::put_compressed(&registers[..], out);
            }
        }
    }

    pub(crate) fn decode(r: &mut Reader<'_>) -> Result<Self, Damaged> {
        let bad = || Damaged("sketch");
        let n = r.count(EXACT_MAX + 1)?;
        if n > EXACT_MAX {
            let registers: Box<[u8; REGISTERS]> =
                binary::read_compressed(r)?.into_boxed_slice().try_into().map_err(|_| bad())?;
            let largest = (HASH_BITS - INDEX_BITS + 1) as u8;
            return if registers.iter().all(|r| *r <= largest) { Ok(Self::Registers(registers)) } else { Err(bad()) };
        }
        let hashes = ints::decode(r, n)?;
        let kept = |h: i64| u64::try_from(h).ok().filter(|h| h >> HASH_BITS == 0).ok_or(bad());
        Ok(Self::Exact(hashes.into_iter().map(kept).collect::<Result<_, _>>()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn back(s: &Sketch) -> Sketch {
        let mut out = Vec::new();
        s.encode(&mut out);
        let mut r = Reader(&out);
        let back = Sketch::decode(&mut r).unwrap();
        assert!(r.0.is_empty());
        back
    }

    #[test]
    fn exact_first_then_within_ten_percent_and_merges_are_unions() {
        for n in [0u64, 1, 63, 64, 65, 200, 3000, 100_000] {
            let (mut all, mut left, mut right) = (Sketch::default(), Sketch::default(), Sketch::default());
            for i in 0..n {
                let value = i.to_le_bytes();
                all.add(&value);
                all.add(&value);
                if i % 3 == 0 { &mut left } else { &mut right }.add(&value);
            }
            let (count, exact) = all.count();
            assert_eq!(exact, n <= EXACT_MAX as u64);
            assert!(if exact { count == n } else { count.abs_diff(n) * 10 < n }, "{count} of {n}");
            let mut other = right.clone();
            other.merge(&left);
            left.merge(&right);
            assert_eq!((&left, &other), (&all, &all));
            assert_eq!(back(&all), all);
        }
    }

    #[test]
    fn damaged_sketches_are_refused() {
        let mut bytes = Vec::new();
        put_varint(&mut bytes, EXACT_MAX as u64 + 1);
        binary::put_compressed(&[60; REGISTERS], &mut bytes);
        assert!(Sketch::decode(&mut Reader(&bytes)).is_err());
        let mut bytes = Vec::new();
        put_varint(&mut bytes, 1);
        ints::encode(&[-1], &mut bytes);
        assert!(Sketch::decode(&mut Reader(&bytes)).is_err());
    }
}
