//! The durations of a segment's spans by service, name, kind, status, and whether a span is a root.

use std::sync::Arc;

use hashbrown::HashMap;
use rustc_hash::FxBuildHasher;

use super::columns::{Columns, Texts};
use super::{LINES_MAX, is_small};
use crate::block::{Block, BlockError};
use crate::column::bytes::{Reader, put_varint};
use crate::column::{Damaged, ints};
use crate::histogram::Histogram;
use crate::resources::OriginCache;
use crate::schema::{DURATION, KIND, PARENT, STATUS};

/// Groups of a segment; with more of them, as when names are data, there is no table.
const GROUPS_MAX: usize = 4096;
/// Kinds and states have smaller numbers; with others there is no table.
const KINDS: i64 = 16;
const STATES: i64 = 16;

/// The table.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Durations {
    pub(crate) services: Vec<Box<str>>,
    pub(crate) names: Vec<Box<str>>,
    pub(crate) groups: Vec<Group>,
    /// Of all groups, one after another: the bucket of a histogram, and how many spans fall in it.
    buckets: Vec<(u32, u32)>,
}

/// What spans of a group have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Key {
    /// Places among the services and names of the table.
    pub(crate) service: u32,
    pub(crate) name: u32,
    pub(crate) kind: u8,
    pub(crate) status: u8,
    /// Whether they have no parent.
    pub(crate) root: bool,
}

/// One line of the table; durations are nanoseconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Group {
    pub(crate) key: Key,
    pub(crate) spans: u64,
    pub(crate) min: i64,
    pub(crate) max: i64,
    pub(crate) sum: i64,
    /// Where its buckets begin and end.
    buckets: (usize, usize),
}

/// A group while it is counted.
struct Counted {
    min: i64,
    max: i64,
    sum: i64,
    histogram: Histogram,
}

/// The encoded table of blocks of spans; `None` when it would not be small, or would not tell all.
pub(crate) fn of_blocks(blocks: &[Arc<Block>], origins: &OriginCache) -> Result<Option<Vec<u8>>, BlockError> {
    let (mut services, mut names) = (Texts::default(), Texts::default());
    let mut places: HashMap<Key, usize, FxBuildHasher> = HashMap::default();
    let mut groups: Vec<Counted> = Vec::new();
    let mut spans = 0;
    for block in blocks {
        let columns = Columns::of(block)?;
        let (kinds, states) = (columns.ints(KIND)?, columns.ints(STATUS)?);
        let (parents, durations) = (columns.ints(PARENT)?, columns.ints(DURATION)?);
        let within = |values: &[i64], end: i64| values.iter().all(|v| (0..end).contains(v));
        if !within(&kinds, KINDS) || !within(&states, STATES) || !within(&durations, i64::MAX) {
            return Ok(None);
        }
        let of_rows = columns.services(&mut services, origins)?.into_iter().zip(columns.names(&mut names)?);
        let numbers = kinds.into_iter().zip(states).zip(parents).zip(durations);
        spans += block.rows() as u64;
        for ((service, name), (((kind, status), parent), duration)) in of_rows.zip(numbers) {
            let key = Key { service, name, kind: kind as u8, status: status as u8, root: parent == 0 };
            let place = *places.entry(key).or_insert_with(|| {
                groups.push(Counted { min: i64::MAX, max: 0, sum: 0, histogram: Histogram::default() });
                groups.len() - 1
            });
            let group = &mut groups[place];
            group.min = group.min.min(duration);
            group.max = group.max.max(duration);
            let Some(sum) = group.sum.checked_add(duration) else { return Ok(None) };
            group.sum = sum;
            group.histogram.add_whole(duration as f64, &mut 0);
        }
        if groups.len() > GROUPS_MAX {
            return Ok(None);
        }
    }
    let mut places: Vec<(Key, usize)> = places.into_iter().collect();
    places.sort_unstable();
    let lines: Vec<(Key, &Counted)> = places.into_iter().map(|(key, place)| (key, &groups[place])).collect();
    let table = encode(&services, &names, &lines);
    Ok(table.filter(|table| is_small(table, spans)))
}

fn encode(services: &Texts, names: &Texts, lines: &[(Key, &Counted)]) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    services.encode(&mut out);
    names.encode(&mut out);
    put_varint(&mut out, lines.len() as u64);
    let mut column = |of: &dyn Fn(&Key, &Counted) -> i64| {
        ints::encode(&lines.iter().map(|(key, group)| of(key, group)).collect::<Vec<_>>(), &mut out);
    };
    column(&|key, _| i64::from(key.service));
    column(&|key, _| i64::from(key.name));
    column(&|key, _| i64::from(key.kind));
    column(&|key, _| i64::from(key.status));
    column(&|key, _| i64::from(key.root));
    column(&|_, group| group.min);
    column(&|_, group| group.max);
    column(&|_, group| group.sum);
    let buckets: Vec<Vec<(u32, u32)>> = lines.iter().map(|(_, group)| group.histogram.whole()).collect();
    // The first bucket of a group stands with the group, the others as their distance to the one before.
    let firsts: Vec<i64> = buckets.iter().map(|of| of.first().map_or(0, |(bucket, _)| i64::from(*bucket))).collect();
    let lens: Vec<i64> = buckets.iter().map(|of| of.len() as i64).collect();
    let steps = buckets.iter().flat_map(|of| of.windows(2).map(|w| i64::from(w[1].0) - i64::from(w[0].0)));
    let steps: Vec<i64> = steps.collect();
    let counts: Vec<i64> = buckets.iter().flatten().map(|(_, n)| i64::from(*n)).collect();
    // A bucket that is full counts no further.
    if counts.len() > LINES_MAX || counts.iter().any(|n| *n >= i64::from(u32::MAX)) {
        return None;
    }
    for column in [firsts, lens, steps, counts] {
        ints::encode(&column, &mut out);
    }
    Some(out)
}

impl Durations {
    pub(crate) fn decode(r: &mut Reader<'_>) -> Result<Self, Damaged> {
        let bad = Damaged("durations");
        let (services, names) = (Texts::decode(r, GROUPS_MAX)?, Texts::decode(r, GROUPS_MAX)?);
        let n = r.count(GROUPS_MAX)?;
        let mut column = |n: usize| ints::decode(r, n);
        let (of_service, of_name, kinds, states, roots) = (column(n)?, column(n)?, column(n)?, column(n)?, column(n)?);
        let (mins, maxes, sums, firsts, lens) = (column(n)?, column(n)?, column(n)?, column(n)?, column(n)?);
        let lens = lens.into_iter().map(|len| usize::try_from(len).map_err(|_| bad)).collect::<Result<Vec<_>, _>>()?;
        let lines =
            lens.iter().try_fold(0usize, |all, len| all.checked_add(*len)).filter(|n| *n <= LINES_MAX).ok_or(bad)?;
        let steps = column(lines - lens.iter().filter(|len| **len > 0).count())?;
        let mut counts = column(lines)?.into_iter();
        let mut steps = steps.into_iter();
        let below = |v: i64, end: usize| u32::try_from(v).ok().filter(|v| (*v as usize) < end).ok_or(bad);
        let mut table = Self { services, names, groups: Vec::with_capacity(n), buckets: Vec::with_capacity(lines) };
        for i in 0..n {
            let key = Key {
                service: below(of_service[i], table.services.len())?,
                name: below(of_name[i], table.names.len())?,
                kind: below(kinds[i], KINDS as usize)? as u8,
                status: below(states[i], STATES as usize)? as u8,
                root: below(roots[i], 2)? == 1,
            };
            let (from, mut bucket, mut spans) = (table.buckets.len(), firsts[i], 0);
            for place in 0..lens[i] {
                if place > 0 {
                    bucket =
                        steps.next().filter(|step| *step > 0).and_then(|step| bucket.checked_add(step)).ok_or(bad)?;
                }
                let count = counts.next().and_then(|n| u32::try_from(n).ok()).ok_or(bad)?;
                spans += u64::from(count);
                table.buckets.push((below(bucket, Histogram::WHOLE_BUCKETS)?, count));
            }
            let buckets = (from, table.buckets.len());
            table.groups.push(Group { key, spans, min: mins[i], max: maxes[i], sum: sums[i], buckets });
        }
        Ok(table)
    }

    pub(crate) fn service(&self, key: &Key) -> &str {
        self.services.get(key.service as usize).map_or("", |s| s)
    }

    pub(crate) fn name(&self, key: &Key) -> &str {
        self.names.get(key.name as usize).map_or("", |s| s)
    }

    /// The histogram of a group: buckets and how many spans fall in them, rising.
    pub(crate) fn buckets(&self, group: &Group) -> &[(u32, u32)] {
        self.buckets.get(group.buckets.0..group.buckets.1).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_table_reads_back() {
        let (mut services, mut names) = (Texts::default(), Texts::default());
        services.place("api");
        ["GET /", ""].map(|name| names.place(name));
        let of = |durations: &[i64]| {
            let mut histogram = Histogram::default();
            durations.iter().for_each(|d| histogram.add_whole(*d as f64, &mut 0));
            let (min, max) = (durations.iter().min().unwrap(), durations.iter().max().unwrap());
            Counted { min: *min, max: *max, sum: durations.iter().sum(), histogram }
        };
        let key = |name, root| Key { service: 0, name, kind: 2, status: 1, root };
        let (some, zeros) = (of(&[0, 1, 1, 70, i64::MAX / 8, 1_500_000]), of(&[0, 0]));
        let table = encode(&services, &names, &[(key(0, true), &some), (key(1, false), &zeros)]).unwrap();
        let mut r = Reader(&table);
        let back = Durations::decode(&mut r).unwrap();
        assert!(r.0.is_empty());
        for (group, (key, counted)) in back.groups.iter().zip([(key(0, true), &some), (key(1, false), &zeros)]) {
            assert_eq!((group.key, group.min, group.max, group.sum), (key, counted.min, counted.max, counted.sum));
            assert_eq!(back.buckets(group), counted.histogram.whole());
        }
        let spans: Vec<u64> = back.groups.iter().map(|group| group.spans).collect();
        assert_eq!((spans, back.name(&key(0, true)), back.service(&key(0, true))), (vec![6, 2], "GET /", "api"));
        assert!((0..table.len()).all(|end| Durations::decode(&mut Reader(&table[..end])).is_err()));
    }

    proptest! {
        #[test]
        fn any_bytes_are_refused_or_read(bytes in prop::collection::vec(any::<u8>(), 0..120)) {
            if let Ok(durations) = Durations::decode(&mut Reader(&bytes)) {
                let of_groups = durations.groups.iter().map(|group| durations.buckets(group).len()).sum::<usize>();
                prop_assert_eq!(of_groups, durations.buckets.len());
            }
        }
    }
}
