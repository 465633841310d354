//! How many different people an error met, in little room.
//!
//! The smallest hashes of all values are kept: as long as there is room for all of them the number is exact, afterwards it is
//! estimated from how close together they lie (k minimum values; Bar-Yossef et al., "Counting Distinct Elements in a Data Stream",
//! 2002). With 128 of them the error is about 9 %.

use std::collections::BTreeSet;

use crate::bytes::{Damaged, Reader, put_u32, put_u64};

/// Hashes that are kept: up to here the number is exact.
const KEPT: usize = 128;

/// Different values; only their hashes are kept.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Distinct(BTreeSet<u64>);

impl Distinct {
    pub(crate) fn add(&mut self, value: &str) {
        let hash = spread(super::fnv1a(value.bytes()));
        let full = self.0.len() >= KEPT;
        if full && self.0.last().is_some_and(|largest| hash >= *largest) {
            return;
        }
        if self.0.insert(hash) && full {
            self.0.pop_last();
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether [`Distinct::count`] is exact.
    pub fn is_exact(&self) -> bool {
        self.0.len() < KEPT
    }

    /// How many different values there were.
    pub fn count(&self) -> u64 {
        match self.0.last() {
            Some(largest) if !self.is_exact() => {
                let share = (*largest as f64 + 1.0) / (u64::MAX as f64);
                ((KEPT - 1) as f64 / share).round() as u64
            }
            _ => self.0.len() as u64,
        }
    }

    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        put_u32(out, self.0.len() as u32);
        self.0.iter().for_each(|hash| put_u64(out, *hash));
    }

    pub(crate) fn decode(r: &mut Reader<'_>) -> Result<Self, Damaged> {
        let n = r.count(8)?;
        if n > KEPT {
            return Err(Damaged("an error group keeps too many hashes"));
        }
        Ok(Self((0..n).map(|_| r.u64()).collect::<Result<_, _>>()?))
    }
}

/// FNV spreads the last bytes over the low bits only; order needs all of them (the finalizer of MurmurHash3, Appleby).
fn spread(mut h: u64) -> u64 {
    h = (h ^ (h >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    h = (h ^ (h >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    h ^ (h >> 33)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_are_counted_and_many_are_estimated() {
        let mut distinct = Distinct::default();
        for n in 0..100 {
            distinct.add(&format!("user-{}", n % 50));
        }
        assert_eq!((distinct.count(), distinct.is_exact()), (50, true));
        for n in 0..20_000 {
            distinct.add(&format!("user-{}", n % 10_000));
        }
        let count = distinct.count();
        assert!((7_500..12_500).contains(&count) && !distinct.is_exact(), "{count}");
        let mut bytes = Vec::new();
        distinct.encode(&mut bytes);
        assert_eq!(Distinct::decode(&mut Reader(&bytes)).unwrap(), distinct);
    }
}
