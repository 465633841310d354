//! The series of a head in the order of their labels, kept up as series come.
//!
//! Whoever asks for many series wants them sorted; to compare the labels of all of them again and again took half of the time of a
//! query. The place of each series is known after the first one; later ones only find the places of new series.
//! Nothing is kept before anybody asks.

use parking_lot::Mutex;

use super::HeadIndex;
use crate::key;

/// New series whose places are found while the index is held.
const SERIES_PER_HOLD: usize = 1024;

/// Finding the places of new series may take so many times as long as sorting what was found: the next query gains by it.
const PATIENCE: usize = 8;

/// The place of every series that was there when somebody asked last, by id.
#[derive(Debug, Default)]
pub(super) struct LabelOrder(Mutex<Vec<u32>>);

impl LabelOrder {
    /// Memory.
    pub(super) fn bytes(&self) -> usize {
        self.0.try_lock().map_or(0, |places| places.capacity() * 4)
    }

    /// The places of `ids`, of which all are below `len`; `None` when sorting these alone is cheaper.
    ///
    /// `with_index` gives the index for a short time.
    pub(super) fn places(
        &self,
        ids: &[u32],
        len: u32,
        with_index: &dyn Fn(&mut dyn FnMut(&HeadIndex)),
    ) -> Option<Vec<u32>> {
        // Who does not get it at once would wait for one who finds places.
        let mut places = self.0.try_lock()?;
        let new = (len as usize).saturating_sub(places.len());
        if new > 0 {
            let log = |n: usize| n.max(2).ilog2() as usize;
            if new * log(len as usize) + places.len() / 16 > ids.len() * log(ids.len()) * PATIENCE {
                return None;
            }
            catch_up(&mut places, len, with_index);
        }
        ids.iter().map(|id| places.get(*id as usize).copied()).collect()
    }
}

/// Finds the places of the series from `places.len()` to `len`.
fn catch_up(places: &mut Vec<u32>, len: u32, with_index: &dyn Fn(&mut dyn FnMut(&HeadIndex))) {
    let known = places.len() as u32;
    // Their keys are copied, so that the index is not held while they are sorted.
    let (mut keys, mut ends) = (Vec::new(), vec![0]);
    with_index(&mut |index| {
        for id in known..len {
            keys.extend_from_slice(index.key(id));
            ends.push(keys.len());
        }
    });
    let key_of = |id: u32| {
        let at = (id - known) as usize;
        ends.get(at..at + 2).and_then(|e| keys.get(e[0]..e[1])).unwrap_or_default()
    };
    let mut new: Vec<u32> = (known..len).collect();
    new.sort_unstable_by(|a, b| key::cmp(key_of(*a), key_of(*b)));
    let mut order = vec![0; known as usize];
    for (place, id) in places.iter().zip(0..) {
        if let Some(at) = order.get_mut(*place as usize) {
            *at = id;
        }
    }
    // How many of those known stand before each new one.
    let mut before = Vec::with_capacity(new.len());
    for some in new.chunks(SERIES_PER_HOLD) {
        if order.is_empty() {
            before.resize(new.len(), 0);
            break;
        }
        with_index(&mut |index| {
            for id in some {
                let from = before.last().copied().unwrap_or(0);
                let rest = order.get(from..).unwrap_or_default();
                before.push(from + rest.partition_point(|known| key::cmp(index.key(*known), key_of(*id)).is_lt()));
            }
        });
    }
    let (mut place, mut old) = (0, order.iter());
    let mut taken = 0;
    places.resize(len as usize, 0);
    let mut put = |id: u32| {
        if let Some(at) = places.get_mut(id as usize) {
            *at = place;
            place += 1;
        }
    };
    for (id, before) in new.iter().zip(before) {
        old.by_ref().take(before - taken).for_each(|known| put(*known));
        taken = before;
        put(*id);
    }
    old.for_each(|known| put(*known));
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn places_are_those_of_sorted_labels(
            all in prop::collection::btree_set("[a-c]{1,3}", 1..60),
            seed in any::<u64>(),
            cuts in prop::collection::vec(1usize..60, 1..4),
        ) {
            let mut names: Vec<String> = all.into_iter().collect();
            names.sort_by_key(|n| key::hash(n.as_bytes()) ^ seed);
            let (mut index, order) = (HeadIndex::default(), LabelOrder::default());
            for cut in cuts {
                for name in names.iter().take(cut).skip(index.len() as usize) {
                    let mut bytes = Vec::new();
                    assert!(key::write([("__name__", "m"), ("a", name)], &mut bytes));
                    index.insert(key::hash(&bytes), &bytes);
                }
                let len = index.len();
                let ids: Vec<u32> = (0..len).collect();
                let places = order.places(&ids, len, &|each| each(&index));
                let Some(places) = places else { continue };
                let mut sorted = ids.clone();
                sorted.sort_by_key(|id| names[*id as usize].clone());
                let by_place: Vec<u32> = sorted.iter().map(|id| places[*id as usize]).collect();
                prop_assert_eq!(by_place, (0..len).collect::<Vec<_>>());
            }
        }
    }
}
