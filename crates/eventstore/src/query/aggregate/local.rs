//! The groups of the rows of one block: small numbers made of the codes of several columns.

use hashbrown::HashMap;
use rustc_hash::FxBuildHasher;

use crate::query::group::NO_GROUP;

/// A table of all pairs of two codes may have so many entries; otherwise pairs are hashed.
const PAIRS_MAX: usize = 1 << 16;

/// The groups of the rows of one block, numbered in the order in which they occur.
pub(super) struct Local {
    /// One per row.
    pub(super) ids: Vec<u32>,
    /// The first row of each group.
    pub(super) first: Vec<u32>,
}

impl Local {
    /// All rows in one group.
    pub(super) fn new(rows: usize) -> Self {
        Self { ids: vec![0; rows], first: vec![0] }
    }

    /// Splits the groups by a code below `codes` that each row has.
    pub(super) fn refine(&mut self, codes: usize, of: impl Iterator<Item = u32>) {
        let groups = self.first.len();
        let mut first = Vec::new();
        let mut next = |at: usize| {
            first.push(at as u32);
            first.len() as u32 - 1
        };
        if groups.saturating_mul(codes) <= PAIRS_MAX {
            let mut table = vec![NO_GROUP; groups * codes];
            for (at, (id, code)) in self.ids.iter_mut().zip(of).enumerate() {
                let Some(known) = table.get_mut(*id as usize * codes + code as usize) else { continue };
                if *known == NO_GROUP {
                    *known = next(at);
                }
                *id = *known;
            }
        } else {
            let mut table: HashMap<(u32, u32), u32, FxBuildHasher> = HashMap::default();
            for (at, (id, code)) in self.ids.iter_mut().zip(of).enumerate() {
                *id = *table.entry((*id, code)).or_insert_with(|| next(at));
            }
        }
        self.first = first;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_pairs_whichever_way_they_are_found() {
        let a = [0, 1, 0, 1, 2, 0];
        let b = [5, 5, 5, 7, 5, 7];
        for codes in [8, PAIRS_MAX] {
            let mut local = Local::new(a.len());
            local.refine(3, a.iter().copied());
            assert_eq!((local.ids.as_slice(), local.first.as_slice()), (&a[..], &[0, 1, 4][..]));
            local.refine(codes, b.iter().copied());
            assert_eq!(local.ids, [0, 1, 0, 2, 3, 4]);
            assert_eq!(local.first, [0, 1, 3, 4, 5]);
        }
    }
}
