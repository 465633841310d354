//! What is kept per group while records are aggregated, and what comes out of it.

use super::distinct::{self, Distinct};
use super::filter::Field;
use super::group::{Groups, NO_GROUP, groups_of};
use super::names::ByNumber;
use super::numbers::{Numbers, numbers};
use super::request::GroupBy;
use super::run::Halt;
use super::view::{Rows, View};
use super::weights::Weights;
use crate::block::Values;
use crate::histogram::{Histogram, HistogramBucket};
use crate::schema::{SPAN_ID, TRACE_ID};
use crate::summary::durations::Group;

/// What is known of a group of records.
#[derive(Debug, Clone, PartialEq)]
pub enum Measure {
    /// How many records there are.
    Rows,
    /// How many spans they stand for: the sum of their adjusted counts.
    Adjusted,
    /// How many of them have the field.
    Present(Field),
    /// How many distinct values the field has: exactly up to 2048, then within about one percent.
    Distinct(Field),
    /// The smallest number in the field.
    Min(Field),
    /// The largest.
    Max(Field),
    /// All of them together.
    Sum(Field),
    /// All of them together, each as often as its span stands for others.
    SumAdjusted(Field),
    /// Their average.
    Mean(Field),
    /// What a share (0 to 1) of them does not exceed, within 1/64.
    Quantile(Field, f64),
    /// How many there are by magnitude, 32 buckets to the power of two.
    Histogram(Field),
}

/// A value of a measure.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// There is nothing to measure.
    Empty,
    /// A number of records.
    Count(u64),
    /// A number.
    Number(f64),
    /// A number of distinct values.
    Distinct {
        /// How many.
        count: u64,
        /// Whether they were counted one by one.
        exact: bool,
    },
    /// Buckets that are not empty, from small to large.
    Histogram(Vec<HistogramBucket>),
}

impl Cell {
    /// The value as a number; `None` for a histogram and when there is nothing.
    pub fn number(&self) -> Option<f64> {
        match self {
            Self::Empty | Self::Histogram(_) => None,
            Self::Count(n) | Self::Distinct { count: n, .. } => Some(*n as f64),
            Self::Number(v) => Some(*v),
        }
    }
}

/// Which accumulator a measure reads: several may share one.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Kind {
    Rows,
    /// Adjusted counts.
    Weights,
    Present(Field),
    Distinct(Field),
    Moments(Field),
    /// Numbers, times adjusted counts.
    Weighed(Field),
    Histogram(Field),
}

impl Kind {
    pub(super) fn of(measure: &Measure) -> Self {
        match measure {
            Measure::Rows => Self::Rows,
            Measure::Adjusted => Self::Weights,
            Measure::SumAdjusted(f) => Self::Weighed(f.clone()),
            Measure::Present(f) => Self::Present(f.clone()),
            Measure::Distinct(f) => Self::Distinct(f.clone()),
            Measure::Min(f) | Measure::Max(f) | Measure::Sum(f) | Measure::Mean(f) => Self::Moments(f.clone()),
            Measure::Quantile(f, _) | Measure::Histogram(f) => Self::Histogram(f.clone()),
        }
    }
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Moments {
    n: u64,
    min: f64,
    max: f64,
    sum: f64,
}

impl Default for Moments {
    fn default() -> Self {
        Self { n: 0, min: f64::INFINITY, max: f64::NEG_INFINITY, sum: 0.0 }
    }
}

impl Moments {
    fn add(&mut self, v: f64) {
        self.n += 1;
        self.min = self.min.min(v);
        self.max = self.max.max(v);
        self.sum += v;
    }
}

/// One value per slot.
#[derive(Debug)]
pub(super) enum Accumulator {
    Counts(Vec<u64>),
    Distinct(DistinctValues),
    Moments(Vec<Moments>),
    Histograms(Vec<Histogram>),
}

/// The rows of a block with the slot of each; [`NO_GROUP`] for those that have none.
pub(super) struct Placed<'a> {
    pub(super) rows: &'a Rows,
    pub(super) slots: &'a [u32],
}

impl Placed<'_> {
    /// The rows that have a slot.
    fn iter(&self) -> impl Iterator<Item = (usize, usize)> + '_ {
        let placed = self.slots.iter().enumerate().filter(|(_, slot)| **slot != NO_GROUP);
        placed.map(|(i, slot)| (self.rows.at(i), *slot as usize))
    }

    /// Calls `each` with row, slot and value of the rows that have a slot, given one value per row of the block.
    fn with<T: Copy>(&self, values: &[T], mut each: impl FnMut(usize, usize, T)) {
        match self.rows {
            Rows::All(_) => {
                for (row, (slot, value)) in self.slots.iter().zip(values).enumerate() {
                    if *slot != NO_GROUP {
                        each(row, *slot as usize, *value);
                    }
                }
            }
            Rows::These(_) => {
                for (row, slot) in self.iter() {
                    if let Some(value) = values.get(row) {
                        each(row, slot, *value);
                    }
                }
            }
        }
    }
}

impl Accumulator {
    pub(super) fn new(kind: &Kind) -> Self {
        match kind {
            Kind::Rows | Kind::Present(_) => Self::Counts(Vec::new()),
            Kind::Distinct(_) => Self::Distinct(DistinctValues::default()),
            Kind::Moments(_) | Kind::Weights | Kind::Weighed(_) => Self::Moments(Vec::new()),
            Kind::Histogram(_) => Self::Histograms(Vec::new()),
        }
    }

    pub(super) fn resize(&mut self, slots: usize) {
        match self {
            Self::Counts(v) => v.resize(slots, 0),
            Self::Distinct(v) => v.sets.resize_with(slots, Distinct::default),
            Self::Moments(v) => v.resize_with(slots, Moments::default),
            Self::Histograms(v) => v.resize_with(slots, Histogram::default),
        }
    }

    /// Bytes of an empty slot.
    pub(super) fn slot_bytes(&self) -> usize {
        match self {
            Self::Counts(_) => size_of::<u64>(),
            Self::Distinct(_) => size_of::<Distinct>(),
            Self::Moments(_) => size_of::<Moments>(),
            Self::Histograms(_) => size_of::<Histogram>(),
        }
    }

    pub(super) fn add_count(&mut self, slot: usize, n: u64) {
        if let Self::Counts(counts) = self
            && let Some(c) = counts.get_mut(slot)
        {
            *c += n;
        }
    }

    /// Takes spans whose durations are known all in all.
    pub(super) fn add_durations(&mut self, slot: usize, spans: &Group, buckets: &[(u32, u32)], grown: &mut usize) {
        match self {
            Self::Counts(_) => self.add_count(slot, spans.spans),
            Self::Moments(moments) => {
                if let Some(m) = moments.get_mut(slot) {
                    m.n += spans.spans;
                    m.min = m.min.min(spans.min as f64);
                    m.max = m.max.max(spans.max as f64);
                    m.sum += spans.sum as f64;
                }
            }
            Self::Histograms(histograms) => {
                if let Some(h) = histograms.get_mut(slot) {
                    h.add_buckets(buckets, grown);
                }
            }
            Self::Distinct(_) => {}
        }
    }

    /// Takes the rows of a block; `grown` counts the bytes that it took beyond the slots.
    pub(super) fn take(
        &mut self,
        kind: &Kind,
        view: &View<'_>,
        placed: &Placed<'_>,
        grown: &mut usize,
    ) -> Result<(), Halt> {
        match (self, kind) {
            (Self::Counts(counts), Kind::Present(field)) => {
                let Groups { codes, .. } = groups_of(view, &GroupBy::Field(field.clone()), placed.rows)?;
                for (code, slot) in codes.into_iter().zip(placed.slots) {
                    if let Some(c) = counts.get_mut(*slot as usize).filter(|_| code != NO_GROUP) {
                        *c += 1;
                    }
                }
            }
            (Self::Counts(counts), _) => {
                for slot in placed.slots {
                    // `NO_GROUP` is no place.
                    if let Some(c) = counts.get_mut(*slot as usize) {
                        *c += 1;
                    }
                }
            }
            (Self::Distinct(values), Kind::Distinct(field)) => values.take(view, field, placed, grown)?,
            (Self::Moments(moments), Kind::Moments(field)) => {
                numbers(view, field)?.each(placed, |slot, v| {
                    if let Some(m) = moments.get_mut(slot) {
                        m.add(v);
                    }
                });
            }
            (Self::Moments(moments), Kind::Weights) => {
                let weights = Weights::of(view)?;
                for (row, slot) in placed.iter() {
                    if let Some(m) = moments.get_mut(slot) {
                        m.add(weights.at(row));
                    }
                }
            }
            (Self::Moments(moments), Kind::Weighed(field)) => {
                let weights = Weights::of(view)?;
                numbers(view, field)?.each_row(placed, |row, slot, v| {
                    if let Some(m) = moments.get_mut(slot) {
                        m.add(v * weights.at(row));
                    }
                });
            }
            (Self::Histograms(histograms), Kind::Histogram(field)) => {
                let numbers = numbers(view, field)?;
                let whole = !matches!(numbers, Numbers::Sparse { integral: false, .. });
                numbers.each(placed, |slot, v| {
                    if let Some(h) = histograms.get_mut(slot) {
                        if whole { h.add_whole(v, grown) } else { h.add(v, grown) }
                    }
                });
            }
            _ => {}
        }
        Ok(())
    }

    /// Adds what another has in `from` to `to`.
    pub(super) fn merge(&mut self, to: usize, other: &mut Self, from: usize, grown: &mut usize) {
        match (self, other) {
            (Self::Counts(a), Self::Counts(b)) => {
                if let (Some(a), Some(b)) = (a.get_mut(to), b.get(from)) {
                    *a += b;
                }
            }
            (Self::Distinct(a), Self::Distinct(b)) => {
                if let (Some(a), Some(b)) = (a.sets.get_mut(to), b.sets.get_mut(from)) {
                    a.merge(std::mem::take(b), grown);
                }
            }
            (Self::Moments(a), Self::Moments(b)) => {
                if let (Some(a), Some(b)) = (a.get_mut(to), b.get(from)) {
                    *a = Moments { n: a.n + b.n, min: a.min.min(b.min), max: a.max.max(b.max), sum: a.sum + b.sum };
                }
            }
            (Self::Histograms(a), Self::Histograms(b)) => {
                if let (Some(a), Some(b)) = (a.get_mut(to), b.get(from)) {
                    a.merge(b, grown);
                }
            }
            _ => {}
        }
    }

    /// Records and what they stand for, over all slots; of adjusted counts only.
    pub(super) fn stands_for(&self) -> Option<(u64, f64)> {
        match self {
            Self::Moments(all) => Some(all.iter().fold((0, 0.0), |(n, sum), m| (n + m.n, sum + m.sum))),
            _ => None,
        }
    }

    /// The value of a measure in a slot; counts and sums are multiplied by `scale`, which undoes a sample.
    pub(super) fn cell(&self, measure: &Measure, slot: usize, scale: f64) -> Cell {
        let number = |v: Option<f64>| v.map_or(Cell::Empty, Cell::Number);
        match self {
            Self::Counts(counts) => {
                let n = counts.get(slot).copied().unwrap_or_default();
                Cell::Count(if scale == 1.0 { n } else { (n as f64 * scale).round() as u64 })
            }
            Self::Distinct(values) => match values.sets.get(slot).map(Distinct::count) {
                Some((count, exact)) => Cell::Distinct { count, exact: exact && scale == 1.0 },
                None => Cell::Empty,
            },
            Self::Moments(moments) if *measure == Measure::Adjusted => {
                Cell::Number(moments.get(slot).map_or(0.0, |m| m.sum * scale))
            }
            Self::Moments(moments) => number(moments.get(slot).filter(|m| m.n > 0).map(|m| match measure {
                Measure::Min(_) => m.min,
                Measure::Max(_) => m.max,
                Measure::Sum(_) | Measure::SumAdjusted(_) => m.sum * scale,
                _ => m.sum / m.n as f64,
            })),
            Self::Histograms(histograms) => match (histograms.get(slot), measure) {
                (Some(h), Measure::Quantile(_, q)) => number(h.quantile(*q)),
                (Some(h), _) => Cell::Histogram(h.buckets(scale)),
                (None, _) => Cell::Empty,
            },
        }
    }
}

impl Numbers {
    /// Calls `each` with slot and number of the placed rows that have one.
    fn each(&self, placed: &Placed<'_>, mut each: impl FnMut(usize, f64)) {
        self.each_row(placed, |_, slot, v| each(slot, v));
    }

    /// The same with the row.
    fn each_row(&self, placed: &Placed<'_>, mut each: impl FnMut(usize, usize, f64)) {
        match self {
            Self::None => {}
            Self::Zero => placed.iter().for_each(|(row, slot)| each(row, slot, 0.0)),
            Self::Ints(column) => placed.with(column.get(), |row, slot, v| each(row, slot, v as f64)),
            Self::Sparse { values, .. } => placed.with(values, |row, slot, v| {
                if !v.is_nan() {
                    each(row, slot, v);
                }
            }),
        }
    }
}

/// The values of some groups, and what is known of the texts that blocks share.
#[derive(Debug, Default)]
pub(super) struct DistinctValues {
    sets: Vec<Distinct>,
    /// Hashes of texts; 0 where none was made.
    hashes: ByNumber<u64>,
}

impl DistinctValues {
    fn take(&mut self, view: &View<'_>, field: &Field, placed: &Placed<'_>, grown: &mut usize) -> Result<(), Halt> {
        if matches!(field, Field::TraceId | Field::SpanId) {
            return self.take_ids(view, field, placed, grown);
        }
        let Groups { codes, names } = groups_of(view, &GroupBy::Field(field.clone()), placed.rows)?;
        let before = self.hashes.heap_bytes();
        let mut own = Vec::new();
        let mut shared = self.hashes.of(&names, 0);
        if shared.is_none() {
            own.resize(names.len(), 0);
        }
        let mut hash = |code: u32| {
            let slot = match &mut shared {
                Some((array, numbers)) => numbers.get(code as usize).and_then(|n| array.get_mut(*n as usize)),
                None => own.get_mut(code as usize),
            };
            let Some(slot) = slot else { return distinct::hash(&names.get(code)) };
            if *slot == 0 {
                *slot = distinct::hash(&names.get(code));
            }
            *slot
        };
        // Neighbours that repeat are looked at once.
        let mut last = (NO_GROUP, NO_GROUP);
        for (code, slot) in codes.into_iter().zip(placed.slots) {
            if code == NO_GROUP || last == (code, *slot) {
                continue;
            }
            last = (code, *slot);
            if let Some(set) = self.sets.get_mut(*slot as usize) {
                set.add(hash(code), grown);
            }
        }
        *grown += self.hashes.heap_bytes() - before;
        Ok(())
    }

    /// No text is made of ids.
    fn take_ids(&mut self, view: &View<'_>, field: &Field, placed: &Placed<'_>, grown: &mut usize) -> Result<(), Halt> {
        let column = view.column(if *field == Field::TraceId { TRACE_ID } else { SPAN_ID })?;
        let Some(column) = column else { return Ok(()) };
        for (row, slot) in placed.iter() {
            let hash = match &column.values {
                Values::Trace(ids) => Some(ids.get(row)).filter(|id| *id != [0; 16]).map(|id| distinct::hash(&id)),
                Values::Span(ids) => Some(ids.get(row)).filter(|id| *id != [0; 8]).map(|id| distinct::hash(&id)),
                _ => None,
            };
            if let (Some(hash), Some(set)) = (hash, self.sets.get_mut(slot)) {
                set.add(hash, grown);
            }
        }
        Ok(())
    }
}
