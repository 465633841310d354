//! A list of series ids that only grows at its end, as runs of neighbours.
//!
//! Series that are made together have neighbouring ids, so that a list of all
//! series of a host is a few bytes, and one of all series of a metric two
//! bytes each. Per closed run: varint distance to the end of the run before,
//! varint length - 1.

use roaring::RoaringBitmap;

use crate::chunk::bits::{ByteReader, put_varint};

#[derive(Debug, Default)]
pub(crate) struct Ids {
    closed: Vec<u8>,
    /// Behind the last id of the last closed run.
    closed_end: u32,
    /// The run that may still grow.
    start: u32,
    len: u32,
    count: u32,
}

impl Ids {
    /// Adds an id above all others; returns how many bytes that took.
    pub(crate) fn push(&mut self, id: u32) -> usize {
        self.count += 1;
        if self.len > 0 && id == self.start + self.len {
            self.len += 1;
            return 0;
        }
        let before = self.closed.capacity();
        if self.len > 0 {
            put_varint(&mut self.closed, u64::from(self.start - self.closed_end));
            put_varint(&mut self.closed, u64::from(self.len - 1));
            self.closed_end = self.start + self.len;
        }
        (self.start, self.len) = (id, 1);
        self.closed.capacity() - before
    }

    /// How many ids there are.
    pub(crate) fn count(&self) -> u32 {
        self.count
    }

    pub(crate) fn add_to(&self, out: &mut RoaringBitmap) {
        let mut r = ByteReader(&self.closed);
        let mut end = 0u32;
        while let (Some(gap), Some(more)) = (r.varint(), r.varint()) {
            let start = end + gap as u32;
            end = start + more as u32 + 1;
            if more == 0 {
                out.insert(start);
            } else {
                out.insert_range(start..end);
            }
        }
        out.insert_range(self.start..self.start + self.len);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn ids_come_back(gaps in prop::collection::vec(prop_oneof![3 => Just(1u32), 1 => 2u32..10, 1 => 1u32..100_000], 0..300), first in 0u32..5) {
            let mut ids = Ids::default();
            let mut want = RoaringBitmap::new();
            let mut id = first;
            for gap in gaps {
                ids.push(id);
                want.insert(id);
                let mut found = RoaringBitmap::new();
                ids.add_to(&mut found);
                prop_assert_eq!(&found, &want);
                id += gap;
            }
        }
    }
}
