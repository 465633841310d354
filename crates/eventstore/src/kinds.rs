//! Which kinds of rows the blocks of a segment have: blocks without a kind that can match are not read.
//!
//! Rows of a kind have the service and the severity or status in common; of the spans of a kind, the longest duration is
//! known too, so that the slow failing ones of a service are looked for where there are some. Most blocks have the same
//! kinds, so what is kept is the distinct sets, and the set of each block. Format: `docs/formats/segment.md`.

use std::sync::Arc;

use hashbrown::HashMap;
use rustc_hash::FxBuildHasher;

use crate::column::bytes::{Reader, put_varint};
use crate::column::{Damaged, ints};
use crate::schema::{COUNTED_VALUES, Schema};
use crate::texts::Texts;

/// Services of a segment; with more of them, as when their names are data, there is no index.
const SERVICES_MAX: usize = 4096;
/// Kinds of a block; where there are more, rows are told apart by their services alone.
const KINDS_MAX: usize = 256;
/// Kinds of all distinct sets together; guards what is kept in memory of a segment.
const LISTED_MAX: usize = 1 << 18;
/// Kinds of all blocks together.
const LONGEST_MAX: usize = 1 << 20;
/// In place of a severity or status: any.
const ANY: u8 = COUNTED_VALUES as u8;

/// What the rows of a kind have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Key {
    /// Its place among the services of the segment.
    service: u16,
    value: u8,
}

/// The kinds of rows of the blocks of a segment.
#[derive(Debug, Default)]
pub(crate) struct Index {
    services: Arc<[Box<str>]>,
    /// Each rises.
    sets: Vec<Arc<[Key]>>,
    /// Of each block its set.
    blocks: Vec<u32>,
    /// Of each kind of each block, of spans.
    longest: Vec<u16>,
}

/// The kinds of rows of a block.
#[derive(Debug)]
pub(crate) struct Kinds {
    services: Arc<[Box<str>]>,
    keys: Arc<[Key]>,
    /// One per key, or none.
    longest: Box<[u16]>,
}

/// Rows of a block that have this in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Kind<'a> {
    pub(crate) service: &'a str,
    /// The severity or status, where it is known.
    pub(crate) value: Option<u8>,
    /// No span of them took more nanoseconds, where that is known.
    pub(crate) longest: Option<i64>,
}

impl Kinds {
    pub(crate) fn iter(&self) -> impl Iterator<Item = Kind<'_>> {
        self.keys.iter().enumerate().map(|(i, key)| Kind {
            service: self.services.get(usize::from(key.service)).map_or("", |name| name),
            value: (key.value != ANY).then_some(key.value),
            longest: self.longest.get(i).map(|code| longest_of(*code)),
        })
    }
}

/// Durations are kept in steps of an eighth and less: whole below 16, then the shift and four leading bits.
fn code_of(nanos: i64) -> u16 {
    let nanos = nanos.max(0) as u64;
    let shift = 60_u32.saturating_sub(nanos.leading_zeros());
    (shift * 8) as u16 + (nanos >> shift) as u16
}

/// The longest duration with this code.
fn longest_of(code: u16) -> i64 {
    let shift = u32::from(code / 8).saturating_sub(1);
    let leading = i64::from(code) - i64::from(shift) * 8;
    (((leading + 1) as u64) << shift).wrapping_sub(1) as i64
}

const CODE_MAX: u16 = 487;

/// What is looked at of the rows of a block: one of each per row.
pub(crate) struct Rows<'a> {
    /// Places among the services of the segment.
    pub(crate) services: &'a [u32],
    /// Severity numbers or status codes.
    pub(crate) values: &'a [i64],
    /// Nanoseconds; of spans.
    pub(crate) durations: Option<&'a [i64]>,
}

/// The index while blocks go by.
#[derive(Default)]
pub(crate) struct Builder {
    sets: HashMap<Vec<Key>, u32, FxBuildHasher>,
    list: Vec<Vec<Key>>,
    listed: usize,
    blocks: Vec<u32>,
    longest: Vec<i64>,
    /// One per service and value: how long its longest span takes. `NONE` between two blocks.
    cells: Vec<i64>,
}

/// Of cells without rows.
const NONE: i64 = -1;

impl Builder {
    /// Looks at the rows of a block, whose services have places among so many; `None` when there are too many services or kinds.
    pub(crate) fn add(mut self, rows: &Rows<'_>, services: usize) -> Option<Self> {
        if services > SERVICES_MAX {
            return None;
        }
        let mut kinds = self.kinds(rows, services);
        if kinds.len() > KINDS_MAX {
            kinds = by_service(kinds);
        }
        if rows.durations.is_some() {
            self.longest.extend(kinds.iter().map(|(_, longest)| i64::from(code_of(*longest))));
        }
        let set: Vec<Key> = kinds.into_iter().map(|(key, _)| key).collect();
        let next = self.list.len() as u32;
        let of_block = *self.sets.entry(set).or_insert_with_key(|set| {
            self.listed += set.len();
            self.list.push(set.clone());
            next
        });
        self.blocks.push(of_block);
        (self.listed <= LISTED_MAX && self.longest.len() <= LONGEST_MAX).then_some(self)
    }

    /// The kinds of a block, rising, with the longest durations.
    fn kinds(&mut self, rows: &Rows<'_>, services: usize) -> Vec<(Key, i64)> {
        const VALUES: usize = COUNTED_VALUES + 1;
        self.cells.resize(services * VALUES, NONE);
        let mut used = Vec::new();
        for (row, (service, value)) in rows.services.iter().zip(rows.values).enumerate() {
            let value = usize::try_from(*value).unwrap_or(COUNTED_VALUES).min(COUNTED_VALUES);
            let cell = *service as usize * VALUES + value;
            if self.cells[cell] == NONE {
                used.push(cell);
            }
            let duration = rows.durations.and_then(|all| all.get(row)).map_or(0, |nanos| (*nanos).max(0));
            self.cells[cell] = self.cells[cell].max(duration);
        }
        used.sort_unstable();
        let key = |cell: usize| Key { service: (cell / VALUES) as u16, value: (cell % VALUES) as u8 };
        used.into_iter().map(|cell| (key(cell), std::mem::replace(&mut self.cells[cell], NONE))).collect()
    }

    /// The encoded index.
    pub(crate) fn finish(self, services: &Texts) -> Vec<u8> {
        let mut out = Vec::new();
        services.encode(&mut out);
        put_varint(&mut out, self.list.len() as u64);
        for set in &self.list {
            put_varint(&mut out, set.len() as u64);
            ints::encode_each(set.iter().map(|key| i64::from(key.service)), &mut out);
            ints::encode_each(set.iter().map(|key| i64::from(key.value)), &mut out);
        }
        ints::encode_each(self.blocks.iter().map(|set| i64::from(*set)), &mut out);
        ints::encode(&self.longest, &mut out);
        out
    }
}

/// Rows told apart by their services alone.
fn by_service(kinds: Vec<(Key, i64)>) -> Vec<(Key, i64)> {
    let mut services: Vec<(Key, i64)> = Vec::new();
    for (Key { service, .. }, longest) in kinds {
        match services.last_mut() {
            Some((last, known)) if last.service == service => *known = longest.max(*known),
            _ => services.push((Key { service, value: ANY }, longest)),
        }
    }
    services
}

const BAD: Damaged = Damaged("kinds of rows");

fn below<T: TryFrom<i64>>(value: i64, end: usize) -> Result<T, Damaged> {
    let inside = usize::try_from(value).is_ok_and(|v| v < end);
    T::try_from(value).ok().filter(|_| inside).ok_or(BAD)
}

/// The distinct sets, given how one of so many kinds is read, and the set of each of `blocks` blocks.
fn read_sets(
    r: &mut Reader<'_>,
    blocks: usize,
    read: impl Fn(&mut Reader<'_>, usize) -> Result<Arc<[Key]>, Damaged>,
) -> Result<(Vec<Arc<[Key]>>, Vec<u32>), Damaged> {
    let count = r.count(blocks)?;
    let mut sets = Vec::with_capacity(count);
    let mut listed = 0;
    for _ in 0..count {
        let kinds = r.count(SERVICES_MAX)?;
        listed += kinds;
        if listed > LISTED_MAX {
            return Err(BAD);
        }
        sets.push(read(r, kinds)?);
    }
    let of_block = |set| below(set, sets.len());
    let blocks = ints::decode(r, blocks)?.into_iter().map(of_block).collect::<Result<_, _>>()?;
    Ok((sets, blocks))
}

impl Index {
    /// Reads the index of a segment with `blocks` blocks.
    pub(crate) fn decode(r: &mut Reader<'_>, schema: Schema, blocks: usize) -> Result<Self, Damaged> {
        let services = Texts::decode(r, SERVICES_MAX)?;
        let (sets, blocks) = read_sets(r, blocks, |r, kinds| {
            let keys = ints::decode(r, kinds)?.into_iter().zip(ints::decode(r, kinds)?);
            let key = |(service, value)| {
                Ok(Key { service: below(service, services.len())?, value: below(value, usize::from(ANY) + 1)? })
            };
            keys.map(key).collect()
        })?;
        let mut longest = Vec::new();
        if schema == Schema::Spans {
            let kinds: usize = blocks.iter().filter_map(|set| sets.get(*set as usize)).map(|set| set.len()).sum();
            if kinds > LONGEST_MAX {
                return Err(BAD);
            }
            let code = |code| below(code, usize::from(CODE_MAX) + 1);
            longest = ints::decode(r, kinds)?.into_iter().map(code).collect::<Result<_, _>>()?;
        }
        Ok(Self { services: services.into(), sets, blocks, longest })
    }

    /// Reads what earlier builds wrote: the services of the blocks alone.
    pub(crate) fn decode_services(r: &mut Reader<'_>, blocks: usize) -> Result<Self, Damaged> {
        let services = r.count(SERVICES_MAX)?;
        let services: Arc<[Box<str>]> = (0..services).map(|_| r.text().map(Into::into)).collect::<Result<_, _>>()?;
        let (sets, blocks) = read_sets(r, blocks, |r, kinds| {
            let key = |service| Ok(Key { service: below(service, services.len())?, value: ANY });
            ints::decode(r, kinds)?.into_iter().map(key).collect()
        })?;
        Ok(Self { services, sets, blocks, longest: Vec::new() })
    }

    /// The kinds of each block, in the order of the blocks.
    pub(crate) fn into_kinds(self) -> impl Iterator<Item = Kinds> {
        let Self { services, sets, blocks, longest } = self;
        let mut longest = longest.into_iter();
        blocks.into_iter().filter_map(move |set| {
            let keys = sets.get(set as usize)?.clone();
            let longest = longest.by_ref().take(keys.len()).collect();
            Some(Kinds { services: services.clone(), keys, longest })
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn services(names: &[&str]) -> Texts {
        let mut services = Texts::default();
        for name in names {
            services.place(name);
        }
        services
    }

    #[test]
    fn blocks_share_their_sets() {
        let key = |service, value| Key { service, value };
        let builder = Builder {
            list: vec![vec![key(0, 0), key(1, 2)], vec![], vec![key(2, ANY)]],
            blocks: vec![0, 0, 2, 1, 0],
            longest: [7, 1_000_000_000, 0, 50, 8, 1, 2].map(|nanos| i64::from(code_of(nanos))).to_vec(),
            ..Builder::default()
        };
        let out = builder.finish(&services(&["api", "bot", "rare"]));
        let mut r = Reader(&out);
        let index = Index::decode(&mut r, Schema::Spans, 5).unwrap();
        assert!(r.0.is_empty());
        let kinds: Vec<Kinds> = index.into_kinds().collect();
        let first: Vec<Kind<'_>> = kinds[0].iter().collect();
        assert_eq!(first[0], Kind { service: "api", value: Some(0), longest: Some(7) });
        assert_eq!((first[1].service, first[1].value), ("bot", Some(2)));
        assert!((1_000_000_000..1_125_000_000).contains(&first[1].longest.unwrap()));
        assert_eq!(kinds[2].iter().collect::<Vec<_>>(), [Kind { service: "rare", value: None, longest: Some(8) }]);
        assert!(Arc::ptr_eq(&kinds[0].keys, &kinds[4].keys) && kinds[3].iter().next().is_none());
        assert!((0..out.len()).all(|end| Index::decode(&mut Reader(&out[..end]), Schema::Spans, 5).is_err()));
    }

    #[test]
    fn many_kinds_become_services() {
        let key = |service, value| Key { service, value };
        let kinds = vec![(key(3, 0), 5), (key(3, 2), 9), (key(3, 9), 1), (key(4, 1), 0)];
        assert_eq!(by_service(kinds), [(key(3, ANY), 9), (key(4, ANY), 0)]);
    }

    #[test]
    fn codes_of_durations_end() {
        assert_eq!(code_of(i64::MAX), CODE_MAX);
        assert_eq!((longest_of(CODE_MAX), code_of(i64::MIN), longest_of(0)), (i64::MAX, 0, 0));
        assert!(
            (0..CODE_MAX).all(|code| code_of(longest_of(code)) == code && code_of(longest_of(code) + 1) == code + 1)
        );
    }

    proptest! {
        #[test]
        fn a_code_says_no_less_than_the_duration(nanos in any::<i64>(), shift in 0u32..63) {
            let nanos = (nanos >> shift).max(0);
            let longest = longest_of(code_of(nanos));
            prop_assert!(longest >= nanos && longest - nanos <= nanos / 8, "{nanos} {longest}");
        }

        #[test]
        fn any_bytes_are_refused_or_read(bytes in prop::collection::vec(any::<u8>(), 0..60), blocks in 0usize..40) {
            let read = [
                Index::decode(&mut Reader(&bytes), Schema::Spans, blocks),
                Index::decode(&mut Reader(&bytes), Schema::Logs, blocks),
                Index::decode_services(&mut Reader(&bytes), blocks),
            ];
            for index in read.into_iter().flatten() {
                prop_assert_eq!(index.into_kinds().count(), blocks);
            }
        }
    }
}
