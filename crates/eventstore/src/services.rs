//! Which services have rows in which blocks of a segment: blocks without a service are not read in search of it.
//!
//! Most blocks have the same services, so what is kept is the distinct sets, and the set of each block. Written into
//! the footer of a segment from the resource tables of its blocks. Format: `docs/formats/segment.md`.

use std::sync::Arc;

use hashbrown::HashMap;
use rustc_hash::FxBuildHasher;

use crate::block::{Block, BlockError};
use crate::column::bytes::{Reader, put_bytes, put_varint};
use crate::column::{Damaged, ints};
use crate::resources::{OriginCache, Services};

/// Services of a segment; with more of them, as when their names are data, there is no index.
const SERVICES_MAX: usize = 4096;
/// Services of all distinct sets together; guards what is kept in memory of a segment.
const LISTED_MAX: usize = 1 << 18;

/// The services of the blocks of a segment.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Index {
    names: Vec<Arc<str>>,
    /// Rising places of names.
    sets: Vec<Vec<u32>>,
    /// Of each block its set.
    blocks: Vec<u32>,
}

impl Index {
    /// Looks at the resources of `blocks`; `None` when there are too many services.
    pub(crate) fn of_blocks(blocks: &[Arc<Block>], origins: &OriginCache) -> Result<Option<Self>, BlockError> {
        let mut index = Self::default();
        let mut places: HashMap<String, u32, FxBuildHasher> = HashMap::default();
        let mut sets: HashMap<Vec<u32>, u32, FxBuildHasher> = HashMap::default();
        let mut listed = 0;
        for block in blocks {
            let mut set = Vec::new();
            for resource in block.read_resources(origins)? {
                let place = *places.entry_ref(resource.service.as_str()).or_insert_with(|| {
                    index.names.push(resource.service.as_str().into());
                    index.names.len() as u32 - 1
                });
                set.push(place);
            }
            set.sort_unstable();
            set.dedup();
            let next = index.sets.len() as u32;
            let of_block = *sets.entry(set).or_insert_with_key(|set| {
                listed += set.len();
                index.sets.push(set.clone());
                next
            });
            index.blocks.push(of_block);
            if index.names.len() > SERVICES_MAX || listed > LISTED_MAX {
                return Ok(None);
            }
        }
        Ok(Some(index))
    }

    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        let numbers = |of: &[u32]| of.iter().map(|n| i64::from(*n)).collect::<Vec<_>>();
        put_varint(out, self.names.len() as u64);
        self.names.iter().for_each(|name| put_bytes(out, name.as_bytes()));
        put_varint(out, self.sets.len() as u64);
        for set in &self.sets {
            put_varint(out, set.len() as u64);
            ints::encode(&numbers(set), out);
        }
        ints::encode(&numbers(&self.blocks), out);
    }

    /// Reads the index of a segment with `blocks` blocks.
    pub(crate) fn decode(r: &mut Reader<'_>, blocks: usize) -> Result<Self, Damaged> {
        let bad = Damaged("services");
        let below = |of: Vec<i64>, end: usize| {
            let inside = |n: i64| u32::try_from(n).ok().filter(|n| (*n as usize) < end).ok_or(bad);
            of.into_iter().map(inside).collect::<Result<Vec<u32>, _>>()
        };
        let names = r.count(SERVICES_MAX)?;
        let names: Vec<Arc<str>> = (0..names).map(|_| r.text().map(Into::into)).collect::<Result<_, _>>()?;
        let count = r.count(blocks)?;
        let mut sets = Vec::with_capacity(count);
        let mut listed = 0;
        for _ in 0..count {
            let services = r.count(names.len())?;
            listed += services;
            if listed > LISTED_MAX {
                return Err(bad);
            }
            sets.push(below(ints::decode(r, services)?, names.len())?);
        }
        let blocks = below(ints::decode(r, blocks)?, sets.len())?;
        Ok(Self { names, sets, blocks })
    }

    /// The services of each block, in the order of the blocks.
    pub(crate) fn into_services(self) -> impl Iterator<Item = Services> {
        let Self { names, sets, blocks } = self;
        let named = |set: Vec<u32>| set.into_iter().filter_map(|i| names.get(i as usize).cloned()).collect();
        let sets: Vec<Services> = sets.into_iter().map(named).collect();
        blocks.into_iter().filter_map(move |set| sets.get(set as usize).cloned())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn blocks_share_their_sets() {
        let index = Index {
            names: ["api", "bot", "rare"].map(Arc::from).to_vec(),
            sets: vec![vec![0, 1], vec![], vec![0, 1, 2]],
            blocks: vec![0, 0, 2, 1, 0],
        };
        let mut out = Vec::new();
        index.encode(&mut out);
        let mut r = Reader(&out);
        let back = Index::decode(&mut r, 5).unwrap();
        assert!(r.0.is_empty() && back == index);
        let services: Vec<Services> = back.into_services().collect();
        assert_eq!(services[2].iter().map(|s| &**s).collect::<Vec<_>>(), ["api", "bot", "rare"]);
        assert!(Arc::ptr_eq(&services[0], &services[4]) && services[3].is_empty());
        assert!(Index::decode(&mut Reader(&out[..out.len() - 1]), 5).is_err());
    }

    proptest! {
        #[test]
        fn any_bytes_are_refused_or_read(bytes in prop::collection::vec(any::<u8>(), 0..60), blocks in 0usize..40) {
            if let Ok(index) = Index::decode(&mut Reader(&bytes), blocks) {
                prop_assert_eq!(index.into_services().count(), blocks);
            }
        }
    }
}
