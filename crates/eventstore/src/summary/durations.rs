//! The durations of a segment's spans by service, name, kind, status, and whether a span is a root.
//!
//! Where spans are many there is a table for each hour, so that a range of time that cuts the segment finds most of it in
//! tables; where they are fewer, one for the segment. Hours are encoded as soon as no later block can have spans of them.

use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};

use hashbrown::HashMap;
use model::UnixNanos;
use rustc_hash::FxBuildHasher;

use super::columns::Columns;
use super::counts::MINUTE;
use super::{LINES_MAX, is_small};
use crate::column::bytes::{Reader, put_varint};
use crate::column::{Damaged, ints};
use crate::histogram::Histogram;
use crate::schema::{KIND, PARENT};
use crate::texts::Texts;

/// Nanoseconds of an hour; hours are counted from the epoch.
pub(crate) const HOUR: i64 = 60 * MINUTE;
/// Groups of a table; with more of them, as when names are data, there is none.
const GROUPS_MAX: usize = 4096;
/// Tables of a segment, which is of one day.
pub(super) const SLICES_MAX: usize = 24;
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    /// Places among the services and names of the table.
    pub(crate) service: u32,
    pub(crate) name: u32,
    pub(crate) kind: u8,
    pub(crate) status: u8,
    /// Whether they have no parent.
    pub(crate) root: bool,
}

impl Hash for Key {
    /// As one number: it is done for every span that is written.
    fn hash<H: Hasher>(&self, state: &mut H) {
        let small = u64::from(self.kind) << 9 | u64::from(self.status) << 1 | u64::from(self.root);
        state.write_u64(u64::from(self.service) << 48 ^ u64::from(self.name) << 16 ^ small);
    }
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

/// An encoded table, and the time whose spans it has: all spans of the segment that begin then.
pub(crate) struct Slice {
    pub(crate) begin: UnixNanos,
    /// Exclusive.
    pub(crate) end: UnixNanos,
    pub(crate) table: Vec<u8>,
}

/// A group while it is counted.
#[derive(Debug)]
struct Counted {
    min: i64,
    max: i64,
    sum: i64,
    histogram: Histogram,
}

impl Counted {
    fn none() -> Self {
        Self { min: i64::MAX, max: 0, sum: 0, histogram: Histogram::default() }
    }

    fn add(&mut self, duration: i64) -> Option<()> {
        self.min = self.min.min(duration);
        self.max = self.max.max(duration);
        self.sum = self.sum.checked_add(duration)?;
        self.histogram.add_whole(duration as f64, &mut 0);
        Some(())
    }

    fn join(&mut self, other: &Self) -> Option<()> {
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
        self.sum = self.sum.checked_add(other.sum)?;
        self.histogram.merge(&other.histogram, &mut 0);
        Some(())
    }
}

type Groups = HashMap<Key, Counted, FxBuildHasher>;

/// The tables while blocks go by, in the order of their first rows.
pub(super) struct Builder {
    names: Texts,
    spans: u64,
    /// Hours to which blocks may still add.
    open: BTreeMap<i64, Groups>,
    /// Those to which none does any more.
    hours: Vec<Slice>,
    /// Of the whole segment.
    all: Groups,
    /// The times of its first and last span.
    first: i64,
    last: i64,
}

impl Default for Builder {
    fn default() -> Self {
        let (open, hours, all) = (BTreeMap::new(), Vec::new(), Groups::default());
        Self { names: Texts::default(), spans: 0, open, hours, all, first: i64::MAX, last: i64::MIN }
    }
}

impl Builder {
    /// Counts the spans of a block; `None` when something of it cannot be counted.
    pub(super) fn add(mut self, columns: &Columns<'_>, services: &Texts) -> Option<Self> {
        let (first, last) = (*columns.times.first()?, *columns.times.last()?);
        self.close(first.div_euclid(HOUR), services)?;
        let (kinds, states) = (columns.ints(KIND).ok()?, &columns.counted);
        let (parents, durations) = (columns.ints(PARENT).ok()?, &columns.durations);
        let within = |values: &[i64], end: i64| values.iter().all(|v| (0..end).contains(v));
        if !within(&kinds, KINDS) || !within(states, STATES) || !within(durations, i64::MAX) {
            return None;
        }
        let names = columns.names(&mut self.names).ok()?;
        self.spans += columns.rows() as u64;
        self.first = self.first.min(first);
        self.last = self.last.max(last);
        for (hour, run) in columns.runs(HOUR) {
            let groups = self.open.entry(hour).or_default();
            for row in run {
                let (kind, status, root) = (kinds[row] as u8, states[row] as u8, parents[row] == 0);
                let key = Key { service: columns.services[row], name: names[row], kind, status, root };
                groups.entry(key).or_insert_with(Counted::none).add(durations[row])?;
            }
            if groups.len() > GROUPS_MAX {
                return None;
            }
        }
        Some(self)
    }

    /// Encodes the hours before `hour`.
    fn close(&mut self, hour: i64, services: &Texts) -> Option<()> {
        while let Some(first) = self.open.first_entry().filter(|first| *first.key() < hour) {
            let (hour, groups) = first.remove_entry();
            let table = encode(services, &self.names, &groups)?;
            let begin = UnixNanos(hour.saturating_mul(HOUR));
            self.hours.push(Slice { begin, end: UnixNanos(begin.0.saturating_add(HOUR)), table });
            for (key, counted) in &groups {
                self.all.entry(*key).or_insert_with(Counted::none).join(counted)?;
            }
            if self.all.len() > GROUPS_MAX {
                return None;
            }
        }
        Some(())
    }

    /// The encoded tables in the order of time; `None` when they would not be small, or not tell all.
    pub(super) fn finish(mut self, services: &Texts) -> Option<Vec<Slice>> {
        self.close(i64::MAX, services)?;
        let bytes = self.hours.iter().map(|slice| slice.table.len()).sum();
        if self.hours.len() <= SLICES_MAX && is_small(bytes, self.spans) {
            return Some(self.hours);
        }
        let table = encode(services, &self.names, &self.all)?;
        let (begin, end) = (UnixNanos(self.first), UnixNanos(self.last.saturating_add(1)));
        is_small(table.len(), self.spans).then(|| vec![Slice { begin, end, table }])
    }
}

/// `services` and `names` are what keys point into; the table has those of its own groups.
fn encode(services: &Texts, names: &Texts, groups: &Groups) -> Option<Vec<u8>> {
    let (mut own_services, mut own_names) = (Texts::default(), Texts::default());
    let mut lines: Vec<(Key, &Counted)> = groups.iter().map(|(key, counted)| (*key, counted)).collect();
    lines.sort_unstable_by_key(|(key, _)| *key);
    for (key, _) in &mut lines {
        key.service = own_services.place(services.get(key.service));
        key.name = own_names.place(names.get(key.name));
    }
    let mut out = Vec::new();
    own_services.encode(&mut out);
    own_names.encode(&mut out);
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
    for column in [firsts, lens] {
        ints::encode(&column, &mut out);
    }
    // Most of the table: these are read fastest as frames.
    for column in [steps, counts] {
        ints::encode_frames(&column, &mut out);
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
        for (service, name) in [("elsewhere", "GET /"), ("api", "")] {
            services.place(service);
            names.place(name);
        }
        let of = |durations: &[i64]| {
            let mut counted = Counted::none();
            durations.iter().for_each(|d| counted.add(*d).unwrap());
            counted
        };
        let key = |name, root| Key { service: 1, name, kind: 2, status: 1, root };
        let groups: Groups =
            [(key(0, true), of(&[0, 1, 1, 70, i64::MAX / 8, 1_500_000])), (key(1, false), of(&[0, 0]))]
                .into_iter()
                .collect();
        let table = encode(&services, &names, &groups).unwrap();
        let mut r = Reader(&table);
        let back = Durations::decode(&mut r).unwrap();
        assert!(r.0.is_empty());
        assert_eq!((back.groups.len(), back.services.len()), (2, 1));
        for group in &back.groups {
            let counted = &groups[&Key { service: 1, ..group.key }];
            assert_eq!((group.min, group.max, group.sum), (counted.min, counted.max, counted.sum));
            assert_eq!(back.buckets(group), counted.histogram.whole());
            assert_eq!(back.service(&group.key), "api");
            assert_eq!((back.name(&group.key), group.spans), if group.key.root { ("GET /", 6) } else { ("", 2) });
        }
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
