//! Which back end is responsible for what: a consistent hash ring.
//!
//! Places are those of the Collector's ring, so that agents of both kinds send a trace to the same back end: 36,000 places, 100
//! of them for each back end, by CRC-32 (IEEE) of its name and a counter of four bytes (little-endian); a place that is taken moves
//! on to the next that is free. What is looked for goes to the first back end at or behind the place of its own CRC-32.
//! Source: Karger et al., "Consistent Hashing and Random Trees"; loadbalancingexporter (places).

use libdeflater::Crc;

/// Places on the ring: degrees with two decimals.
const PLACES: u32 = 36_000;
/// Places of one back end.
const WEIGHT: u32 = 100;
/// With more back ends there are no free places left to look for.
pub(super) const BACKENDS_MAX: usize = 256;

/// A ring; back ends are numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ring {
    /// Sorted by place.
    entries: Vec<(u32, usize)>,
}

impl Ring {
    /// The ring of these back ends, in the order in which they are numbered.
    pub(super) fn new(names: &[String]) -> Self {
        Self::weighted(names, WEIGHT)
    }

    fn weighted(names: &[String], weight: u32) -> Self {
        let mut taken = vec![None; PLACES as usize];
        for (backend, name) in names.iter().enumerate().take(BACKENDS_MAX) {
            for n in 0..weight {
                let mut place = place(&[name.as_bytes(), &n.to_le_bytes()]) as usize;
                while taken[place].is_some() {
                    place = (place + 1) % PLACES as usize;
                }
                taken[place] = Some(backend);
            }
        }
        let entries = taken.into_iter().enumerate().filter_map(|(place, backend)| Some((place as u32, backend?)));
        Self { entries: entries.collect() }
    }

    /// The back end that is responsible for `key`; `None` when there is none at all.
    pub(super) fn responsible(&self, key: &[u8]) -> Option<usize> {
        let place = place(&[key]);
        let at = self.entries.partition_point(|(other, _)| *other < place);
        self.entries.get(at).or(self.entries.first()).map(|(_, backend)| *backend)
    }
}

fn place(parts: &[&[u8]]) -> u32 {
    let mut crc = Crc::new();
    parts.iter().for_each(|part| crc.update(part));
    crc.sum() % PLACES
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(all: &[&str]) -> Vec<String> {
        all.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn places_are_those_of_the_collector() {
        let places =
            |all: &[&str]| -> Vec<u32> { Ring::weighted(&names(all), 5).entries.iter().map(|e| e.0).collect() };
        // Expectations of the Collector's own tests.
        assert_eq!(places(&["endpoint-1"]), [0x21ca, 0x29d3, 0x3984, 0x5eaf, 0x8bc1]);
        assert_eq!(
            places(&["endpoint-1", "endpoint-1"]),
            [0x21ca, 0x21cb, 0x29d3, 0x29d4, 0x3984, 0x3985, 0x5eaf, 0x5eb0, 0x8bc1, 0x8bc2]
        );
        let ring = Ring::new(&names(&["endpoint-1", "endpoint-2"]));
        for (key, expected) in
            [(&[1, 2, 0, 0][..], 1), (&[128, 128, 0, 0], 0), (b"ad-service-7", 1), (b"get-recommendations-1", 0)]
        {
            assert_eq!(ring.responsible(key), Some(expected), "{key:?}");
        }
        assert_eq!(Ring::new(&[]).responsible(b"x"), None);
    }

    #[test]
    fn a_back_end_that_goes_moves_only_what_was_its_own() {
        let all = names(&["a:4317", "b:4317", "c:4317", "d:4317"]);
        let (before, after) = (Ring::new(&all), Ring::new(&all[..3]));
        let mut moved = 0;
        for n in 0..4000u32 {
            let (old, new) = (before.responsible(&n.to_be_bytes()), after.responsible(&n.to_be_bytes()));
            moved += usize::from(old != new);
            assert!(old == new || old == Some(3), "{n}: {old:?} {new:?}");
        }
        assert!((500..1500).contains(&moved), "{moved}");
    }
}
