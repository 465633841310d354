//! How many rows a segment has per minute, service and severity (logs) or status (spans).

use hashbrown::HashMap;
use rustc_hash::FxBuildHasher;

use super::columns::Columns;
use super::{LINES_MAX, is_small};
use crate::column::bytes::{Reader, put_signed, put_varint};
use crate::column::{Damaged, ints};
use crate::schema::COUNTED_VALUES;
use crate::texts::Texts;

/// Nanoseconds of a minute; minutes are counted from the epoch.
pub(crate) const MINUTE: i64 = 60_000_000_000;
/// Services of a segment; with more of them there is no table.
const SERVICES_MAX: usize = 4096;

/// The table.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) services: Vec<Box<str>>,
    /// What rows have in common: the place of their service, and their severity or status.
    pub(crate) keys: Vec<(u32, u8)>,
    /// Minute, place of the key, and number of rows; minutes rise.
    pub(crate) lines: Vec<(i64, u32, u64)>,
}

/// The table while blocks go by.
#[derive(Default)]
pub(super) struct Builder {
    /// By minute, place of the service, and value.
    lines: HashMap<(i64, u32, u8), u64, FxBuildHasher>,
    rows: u64,
    /// One cell per service and value; zeros between two runs of rows.
    cells: Vec<u32>,
}

impl Builder {
    /// Counts the rows of a block; `None` when one has a value that is not counted, or there are too many lines.
    pub(super) fn add(mut self, columns: &Columns<'_>, services: &Texts) -> Option<Self> {
        let values = &columns.counted;
        if services.len() > SERVICES_MAX || values.iter().any(|v| !(0..COUNTED_VALUES as i64).contains(v)) {
            return None;
        }
        self.rows += columns.rows() as u64;
        self.cells.resize(services.len() * COUNTED_VALUES, 0);
        // The cells that are not zero.
        let mut used = Vec::new();
        for (minute, run) in columns.runs(MINUTE) {
            for (service, value) in columns.services[run.clone()].iter().zip(&values[run]) {
                let cell = *service as usize * COUNTED_VALUES + *value as usize;
                if self.cells[cell] == 0 {
                    used.push(cell);
                }
                self.cells[cell] += 1;
            }
            for cell in used.drain(..) {
                let key = (minute, (cell / COUNTED_VALUES) as u32, (cell % COUNTED_VALUES) as u8);
                *self.lines.entry(key).or_default() += u64::from(std::mem::take(&mut self.cells[cell]));
            }
        }
        (self.lines.len() <= LINES_MAX).then_some(self)
    }

    /// The encoded table; `None` when it would not be small.
    pub(super) fn finish(self, services: &Texts) -> Option<Vec<u8>> {
        let mut lines: Vec<((i64, u32, u8), u64)> = self.lines.into_iter().collect();
        lines.sort_unstable();
        let table = encode(services, &lines);
        is_small(table.len(), self.rows).then_some(table)
    }
}

fn encode(services: &Texts, lines: &[((i64, u32, u8), u64)]) -> Vec<u8> {
    let mut out = Vec::new();
    services.encode(&mut out);
    let mut keys: Vec<(u32, u8)> = lines.iter().map(|((_, service, value), _)| (*service, *value)).collect();
    keys.sort_unstable();
    keys.dedup();
    put_varint(&mut out, keys.len() as u64);
    ints::encode_each(keys.iter().map(|(service, _)| i64::from(*service)), &mut out);
    ints::encode_each(keys.iter().map(|(_, value)| i64::from(*value)), &mut out);
    put_varint(&mut out, lines.len() as u64);
    let first = lines.first().map_or(0, |((minute, ..), _)| *minute);
    put_signed(&mut out, first);
    let minutes = lines.iter().map(|((minute, ..), _)| *minute);
    let steps = minutes.clone().zip(std::iter::once(first).chain(minutes)).map(|(minute, before)| minute - before);
    ints::encode_each(steps, &mut out);
    let place = |service, value| keys.partition_point(|key| *key < (service, value)) as i64;
    ints::encode_each(lines.iter().map(|((_, service, value), _)| place(*service, *value)), &mut out);
    ints::encode_each(lines.iter().map(|(_, rows)| *rows as i64), &mut out);
    out
}

impl Counts {
    pub(crate) fn decode(r: &mut Reader<'_>) -> Result<Self, Damaged> {
        let bad = Damaged("counts");
        let services = Texts::decode(r, SERVICES_MAX)?;
        let n = r.count(services.len().saturating_mul(COUNTED_VALUES))?;
        let below = |v: i64, end: usize| u32::try_from(v).ok().filter(|v| (*v as usize) < end).ok_or(bad);
        let keys = ints::decode(r, n)?.into_iter().zip(ints::decode(r, n)?);
        let keys =
            keys.map(|(service, value)| Ok((below(service, services.len())?, below(value, COUNTED_VALUES)? as u8)));
        let keys = keys.collect::<Result<Vec<_>, Damaged>>()?;
        let n = r.count(LINES_MAX)?;
        let mut minute = r.signed()?;
        let (minutes, places, rows) = (ints::decode(r, n)?, ints::decode(r, n)?, ints::decode(r, n)?);
        let mut lines = Vec::with_capacity(n);
        for ((more, place), rows) in minutes.into_iter().zip(places).zip(rows) {
            minute = Some(more).filter(|more| *more >= 0).and_then(|more| minute.checked_add(more)).ok_or(bad)?;
            lines.push((minute, below(place, keys.len())?, u64::try_from(rows).map_err(|_| bad)?));
        }
        Ok(Self { services, keys, lines })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_table_reads_back() {
        let mut services = Texts::default();
        for service in ["api", "bot"] {
            services.place(service);
        }
        let lines = [((-3, 0, 0), 5), ((-3, 1, 17), 1), ((2, 0, 0), 70_000), ((9, 0, 9), 2)];
        let table = encode(&services, &lines);
        let mut r = Reader(&table);
        let back = Counts::decode(&mut r).unwrap();
        assert!(r.0.is_empty());
        assert_eq!((&*back.services[0], &*back.services[1]), ("api", "bot"));
        let of = |(minute, key, rows): &(i64, u32, u64)| {
            let (service, value) = back.keys[*key as usize];
            ((*minute, service, value), *rows)
        };
        assert_eq!(back.lines.iter().map(of).collect::<Vec<_>>(), lines);
        assert!((0..table.len()).all(|end| Counts::decode(&mut Reader(&table[..end])).is_err()));
    }

    proptest! {
        #[test]
        fn any_bytes_are_refused_or_read(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            if let Ok(counts) = Counts::decode(&mut Reader(&bytes)) {
                prop_assert!(counts.lines.iter().all(|(_, key, _)| (*key as usize) < counts.keys.len()));
                prop_assert!(counts.lines.is_sorted_by_key(|(minute, ..)| *minute));
            }
        }
    }
}
