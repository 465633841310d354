//! The two sides of a comparison, and how they are counted.
//!
//! A side is up to three selections of the engine that do not overlap: the rest of a selection that is narrower in time
//! is what comes before it, what comes after it, and what is beside it.

use std::num::NonZeroU32;

use eventstore::EventStore;
use eventstore::query::{
    Aggregation, Cell, Filter, GROUPS_MAX, HistogramBucket, Measure, Operand, Outcome, Partial, Predicate, QueryStats,
    Select, Table,
};
use foundation::UnixNanos;
use model::TimeRange;

use super::attributes::Candidate;
use super::{Baseline, Part, Question};
use crate::EventSignal;
use crate::lang;
use crate::read::{ReadError, Request};

/// Rows of a side that every attribute may look at; more are sampled. At 150 attributes and 10 ns each that is 3 s.
pub(super) const ROWS_BUDGET: u64 = 2_000_000;
/// A row that the filter rules out costs so much less than one that is counted.
const FILTERED_ROWS_PER_ROW: u64 = 8;
/// Values of an attribute that are fetched; a value that one side has and not the other is then looked up by name.
pub(super) const VALUES_FETCHED: usize = 5_000;

/// What the parts of a comparison cost, and why they are not the whole truth.
#[derive(Debug, Default)]
pub(super) struct Cost {
    pub partial: Option<Partial>,
    pub stats: QueryStats,
    /// Records that the profiles looked at.
    pub looked_at: u64,
}

impl Cost {
    pub(super) fn add(&mut self, partial: Option<Partial>, stats: &QueryStats) {
        self.partial = self.partial.or(partial);
        self.stats.add(stats);
    }

    /// Whether going on is of no use.
    pub(super) const fn exhausted(&self) -> bool {
        matches!(self.partial, Some(Partial::Deadline | Partial::Cancelled))
    }
}

/// The records of one side.
pub(super) struct Side<'a> {
    store: &'a EventStore,
    signal: EventSignal,
    parts: Vec<Select>,
    /// All of them.
    pub count: u64,
    sample: Option<NonZeroU32>,
}

/// What is known of each attribute before values are counted.
pub(super) struct Profile {
    /// Records, scaled up when they are a sample.
    pub total: u64,
    /// Records that were looked at.
    pub seen: u64,
    pub fields: Vec<FieldProfile>,
}

pub(super) struct FieldProfile {
    pub present: u64,
    pub distinct: u64,
    /// Of attributes that are numbers.
    pub histogram: Vec<HistogramBucket>,
}

/// The values of an attribute and how often they occur, most frequent first.
pub(super) struct Values {
    pub counts: Vec<(String, u64)>,
    /// Whether there are more.
    pub cut: bool,
}

/// Selection and baseline.
pub(super) fn sides<'a>(
    store: &'a EventStore,
    signal: EventSignal,
    request: &Request,
    question: &Question,
    cost: &mut Cost,
) -> Result<[Side<'a>; 2], ReadError> {
    let filter = |text: &str| Ok::<_, ReadError>(lang::lower(&lang::parse(text)?, signal)?);
    let outer = filter(&request.filter)?;
    let within = |inner: Filter, range: TimeRange| Select {
        range,
        ..request.with(match inner {
            Filter::All => outer.clone(),
            inner => Filter::And(vec![outer.clone(), inner]),
        })
    };
    let part = |part: &Part| Ok::<_, ReadError>((filter(&part.filter)?, part.range.unwrap_or(request.range)));
    let (chosen, range) = part(&question.selection)?;
    let baseline = match &question.baseline {
        Baseline::Previous => {
            let length = range.end.0.saturating_sub(range.start.0);
            let before = TimeRange::new(UnixNanos(range.start.0.saturating_sub(length)), range.start);
            vec![within(chosen.clone(), before)]
        }
        Baseline::Custom(custom) => {
            let (filter, range) = part(custom)?;
            vec![within(filter, range)]
        }
        Baseline::Rest => rest(request.range, range, &chosen, within),
    };
    let selection = vec![within(chosen, range)];
    Ok([Side::new(store, signal, selection, cost)?, Side::new(store, signal, baseline, cost)?])
}

/// What `all` has besides `chosen` in `range`.
fn rest(
    all: TimeRange,
    range: TimeRange,
    chosen: &Filter,
    within: impl Fn(Filter, TimeRange) -> Select,
) -> Vec<Select> {
    let range = TimeRange::new(range.start.max(all.start), range.end.min(all.end));
    if range.start >= range.end {
        return vec![within(Filter::All, all)];
    }
    let mut parts = Vec::new();
    if *chosen != Filter::All {
        parts.push(within(Filter::Not(Box::new(chosen.clone())), range));
    }
    for beside in [TimeRange::new(all.start, range.start), TimeRange::new(range.end, all.end)] {
        if beside.start < beside.end {
            parts.push(within(Filter::All, beside));
        }
    }
    parts
}

impl<'a> Side<'a> {
    fn new(store: &'a EventStore, signal: EventSignal, parts: Vec<Select>, cost: &mut Cost) -> Result<Self, ReadError> {
        let mut side = Self { store, signal, parts, count: 0, sample: None };
        let mut work = 0;
        for part in &side.parts {
            let found = side.aggregate(part, &asked(Vec::new(), vec![Measure::Rows], 1))?;
            let rows = found.value.rows.first().map_or(0, |row| count(row.cells.first()));
            cost.add(found.partial, &found.stats);
            side.count += rows;
            work += rows + found.stats.rows_scanned / FILTERED_ROWS_PER_ROW;
        }
        let one_in = u32::try_from(work.div_ceil(ROWS_BUDGET)).unwrap_or(u32::MAX);
        side.sample = NonZeroU32::new(one_in).filter(|n| n.get() > 1);
        Ok(side)
    }

    pub(super) const fn sampled(&self) -> bool {
        self.sample.is_some()
    }

    /// `range` widened to what the side looks at.
    pub(super) fn hull(&self, range: TimeRange) -> TimeRange {
        let wider = |range: TimeRange, part: &Select| {
            TimeRange::new(range.start.min(part.range.start), range.end.max(part.range.end))
        };
        self.parts.iter().fold(range, wider)
    }

    /// Records that have each field, and how many values there are.
    pub(super) fn profile(&self, fields: &[Candidate], cost: &mut Cost) -> Result<Profile, ReadError> {
        let mut measures = vec![Measure::Rows];
        for field in fields {
            measures.extend([Measure::Present(field.field.clone()), Measure::Distinct(field.field.clone())]);
            if field.number {
                measures.push(Measure::Histogram(field.field.clone()));
            }
        }
        let empty = || FieldProfile { present: 0, distinct: 0, histogram: Vec::new() };
        let mut profile = Profile { total: 0, seen: 0, fields: fields.iter().map(|_| empty()).collect() };
        let asked = asked(Vec::new(), measures, 1);
        for part in &self.parts {
            let found = self.aggregate(part, &Aggregation { sample: self.sample, ..asked.clone() })?;
            cost.add(found.partial, &found.stats);
            let Some(row) = found.value.rows.into_iter().next() else { continue };
            let mut cells = row.cells.into_iter();
            let rows = count(cells.next().as_ref());
            profile.total += rows;
            profile.seen += found.value.sampled.map_or(rows, |share| (rows as f64 * share).round() as u64);
            for (field, known) in fields.iter().zip(&mut profile.fields) {
                known.present += count(cells.next().as_ref());
                // Of parts that do not overlap in records, but may in values: at least the largest.
                known.distinct = known.distinct.max(count(cells.next().as_ref()));
                if field.number
                    && let Some(Cell::Histogram(buckets)) = cells.next()
                {
                    known.histogram.extend(buckets);
                }
            }
        }
        cost.looked_at += profile.seen;
        Ok(profile)
    }

    /// The values of a field.
    pub(super) fn values(&self, field: &Candidate, cost: &mut Cost) -> Result<Values, ReadError> {
        self.values_in(field, None, cost)
    }

    /// How often each of these values occurs.
    pub(super) fn values_of(
        &self,
        field: &Candidate,
        values: &[String],
        cost: &mut Cost,
    ) -> Result<Vec<(String, u64)>, ReadError> {
        let values = values.iter().cloned().map(Operand::Str).collect();
        let only = Filter::Is(Predicate::In { field: field.field.clone(), values });
        Ok(self.values_in(field, Some(&only), cost)?.counts)
    }

    fn values_in(&self, field: &Candidate, only: Option<&Filter>, cost: &mut Cost) -> Result<Values, ReadError> {
        let asked = asked(vec![field.by()], vec![Measure::Rows], VALUES_FETCHED);
        let mut counts: Vec<(String, u64)> = Vec::new();
        let mut cut = false;
        for part in &self.parts {
            let mut part = part.clone();
            if let Some(only) = only {
                part.filter = Filter::And(vec![part.filter, only.clone()]);
            }
            let found = self.aggregate(&part, &Aggregation { sample: self.sample, ..asked.clone() })?;
            cost.add(found.partial, &found.stats);
            cut |= found.value.groups > found.value.rows.len() as u64;
            for row in found.value.rows {
                let n = count(row.cells.first());
                let Some(Some(value)) = row.key.into_iter().next() else { continue };
                counts.push((crate::fields::spelled_value(value, field.values), n));
            }
        }
        counts.sort();
        counts.dedup_by(|later, kept| {
            let same = later.0 == kept.0;
            kept.1 += if same { later.1 } else { 0 };
            same
        });
        counts.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        Ok(Values { counts, cut })
    }

    fn aggregate(&self, select: &Select, asked: &Aggregation) -> Result<Outcome<Table>, ReadError> {
        Ok(match self.signal {
            EventSignal::Logs => self.store.logs().aggregate(select, asked)?,
            EventSignal::Traces => self.store.spans().aggregate(select, asked)?,
        })
    }
}

fn asked(by: Vec<eventstore::query::GroupBy>, measures: Vec<Measure>, limit: usize) -> Aggregation {
    Aggregation { measures, groups_max: GROUPS_MAX, ..Aggregation::top(by, Measure::Rows, limit) }
}

fn count(cell: Option<&Cell>) -> u64 {
    match cell {
        Some(Cell::Count(n) | Cell::Distinct { count: n, .. }) => *n,
        _ => 0,
    }
}
