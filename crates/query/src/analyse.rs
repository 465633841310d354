//! Runs the analysis form of the language: a table, patterns, or the records themselves.

use eventstore::EventStore;
use eventstore::query::{
    self, Aggregation, Buckets, Field, GROUPS_MAX, Having, Outcome, Page, Patterns, Row, Select, TableRow,
};
use foundation::UnixNanos;
use model::{LogRecord, Span, TimeRange};

use crate::EventSignal;
use crate::fields::spelled_value;
use crate::lang::pipe::{Analysis, Group, NamedMeasure, Output, TableQuery, Unit};
use crate::lang::{lower_pipe, parse_pipe};
use crate::read::{ReadError, Request};

/// Most steps of time in one table.
pub const BUCKETS_MAX: usize = 10_000;
/// Steps of a range when the query names none: the smallest of these with at most so many of them.
const STEPS_WANTED: i64 = 120;
const STEPS_NANOS: [i64; 14] = [
    1_000_000,
    10_000_000,
    100_000_000,
    1_000_000_000,
    5_000_000_000,
    10_000_000_000,
    30_000_000_000,
    60_000_000_000,
    300_000_000_000,
    600_000_000_000,
    1_800_000_000_000,
    3_600_000_000_000,
    21_600_000_000_000,
    86_400_000_000_000,
];

/// What an analysis answers.
#[derive(Debug, Clone, PartialEq)]
pub enum Analysed {
    /// Groups and what is known of them.
    Table(Table),
    /// Templates of texts.
    Patterns(Patterns),
    /// Log records, and which of their fields were asked for; none for all.
    Logs(Vec<(String, Field)>, Vec<Row<LogRecord>>),
    /// Spans, likewise.
    Spans(Vec<(String, Field)>, Vec<Row<Span>>),
}

/// A table: columns, and rows of as many cells.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    /// The groups first, then the measures.
    pub columns: Vec<Column>,
    /// In the order that was asked for.
    pub rows: Vec<Vec<Cell>>,
    /// How many rows there are, listed or not.
    pub groups: u64,
    /// The length of a bucket of time, when there are buckets.
    pub step_nanos: Option<i64>,
    /// The share of the records that was looked at, when it was a sample.
    pub sampled: Option<f64>,
    /// How many spans were counted and how many they stand for, when a column asks for that.
    pub stands_for: Option<(u64, f64)>,
}

/// A column of a table.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    /// Its name, as `sort` and `where` use it.
    pub name: String,
    /// What it holds.
    pub kind: ColumnKind,
}

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnKind {
    /// Where a bucket of time begins.
    Time,
    /// The value of a field.
    Key,
    /// A measure.
    Measure(Unit),
}

/// A cell of a table.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// The records have no such field.
    Absent,
    /// A moment.
    Time(UnixNanos),
    /// The value of a field, spelled as a filter spells it.
    Text(String),
    /// A measure.
    Measured(query::Cell),
}

/// Runs `request.filter` as an analysis.
///
/// # Errors
/// A text that is none, or more than [`BUCKETS_MAX`] steps of time.
pub fn analyse(store: &EventStore, signal: EventSignal, request: &Request) -> Result<Outcome<Analysed>, ReadError> {
    let Analysis { filter, sample, output } = lower_pipe(&parse_pipe(&request.filter)?, signal)?;
    let select = request.with(filter);
    match output {
        Output::Table(asked) => {
            let aggregation = Aggregation { sample, ..aggregation(&asked, request.range)? };
            let found = match signal {
                EventSignal::Logs => store.logs().aggregate(&select, &aggregation)?,
                EventSignal::Traces => store.spans().aggregate(&select, &aggregation)?,
            };
            Ok(found.map(|t| Analysed::Table(table(t, &asked, aggregation.buckets, request.range))))
        }
        Output::Patterns { limit } => {
            let buckets = Buckets::split(request.range, crate::logs::PATTERN_BUCKETS);
            let found = match signal {
                EventSignal::Logs => store.logs().patterns(&select, buckets, limit)?,
                EventSignal::Traces => store.spans().patterns(&select, buckets, limit)?,
            };
            Ok(found.map(Analysed::Patterns))
        }
        Output::Records { fields, order, limit } => {
            records(store, signal, &select, &Page { order, limit, after: None }, fields)
        }
    }
}

fn records(
    store: &EventStore,
    signal: EventSignal,
    select: &Select,
    page: &Page,
    fields: Vec<(String, Field)>,
) -> Result<Outcome<Analysed>, ReadError> {
    Ok(match signal {
        EventSignal::Logs => store.logs().latest(select, page)?.map(|found| Analysed::Logs(fields, found.rows)),
        EventSignal::Traces => store.spans().latest(select, page)?.map(|found| Analysed::Spans(fields, found.rows)),
    })
}

/// The buckets of a step: they begin at whole multiples of it.
fn buckets(step: Option<i64>, range: TimeRange) -> Result<Buckets, ReadError> {
    let width = range.end.0.saturating_sub(range.start.0).max(1);
    let step_nanos = step.unwrap_or_else(|| {
        let fits = STEPS_NANOS.into_iter().find(|s| width / s <= STEPS_WANTED);
        fits.unwrap_or_else(|| width / STEPS_WANTED / 86_400_000_000_000 * 86_400_000_000_000 + 86_400_000_000_000)
    });
    let start = range.start.0.div_euclid(step_nanos).saturating_mul(step_nanos);
    let count = (i128::from(range.end.0) - i128::from(start) + i128::from(step_nanos) - 1) / i128::from(step_nanos);
    match usize::try_from(count) {
        Ok(count) if count <= BUCKETS_MAX => Ok(Buckets { start: UnixNanos(start), step_nanos, count }),
        other => {
            let value = other.unwrap_or(usize::MAX);
            Err(ReadError::OutOfBounds { parameter: "bucket", value, max: BUCKETS_MAX })
        }
    }
}

/// The seconds that a rate is per.
fn rate_seconds(buckets: Option<Buckets>, range: TimeRange) -> f64 {
    let nanos = buckets.map_or_else(|| range.end.0.saturating_sub(range.start.0).max(1), |b| b.step_nanos);
    nanos as f64 / 1e9
}

fn aggregation(asked: &TableQuery, range: TimeRange) -> Result<Aggregation, ReadError> {
    let step = asked.groups.iter().find_map(|g| match g {
        Group::Bucket(step) => Some(*step),
        Group::Field { .. } => None,
    });
    let buckets = step.map(|step| buckets(step, range)).transpose()?;
    let seconds = rate_seconds(buckets, range);
    let per = |i: usize| asked.measures.get(i).is_some_and(|m| m.per_second);
    let having = |h: &Having| Having { value: if per(h.measure) { h.value * seconds } else { h.value }, ..*h };
    Ok(Aggregation {
        by: asked
            .groups
            .iter()
            .filter_map(|g| match g {
                Group::Field { by, .. } => Some(by.clone()),
                Group::Bucket(_) => None,
            })
            .collect(),
        buckets,
        measures: asked.measures.iter().map(|m| m.measure.clone()).collect(),
        having: asked.having.iter().map(having).collect(),
        order: asked.order.clone(),
        limit: asked.limit,
        groups_max: GROUPS_MAX,
        sample: None,
    })
}

fn table(found: query::Table, asked: &TableQuery, buckets: Option<Buckets>, range: TimeRange) -> Table {
    let groups = asked.groups.iter().map(|g| Column {
        name: g.name().to_owned(),
        kind: match g {
            Group::Bucket(_) => ColumnKind::Time,
            Group::Field { .. } => ColumnKind::Key,
        },
    });
    let measures = asked.measures.iter().map(|m| Column { name: m.name.clone(), kind: ColumnKind::Measure(m.unit) });
    let seconds = rate_seconds(buckets, range);
    Table {
        columns: groups.chain(measures).collect(),
        rows: found.rows.into_iter().map(|r| cells(r, asked, buckets, seconds)).collect(),
        groups: found.groups,
        step_nanos: buckets.map(|b| b.step_nanos),
        sampled: found.sampled,
        stands_for: found.stands_for,
    }
}

fn cells(row: TableRow, asked: &TableQuery, buckets: Option<Buckets>, seconds: f64) -> Vec<Cell> {
    let mut keys = row.key.into_iter();
    let mut out: Vec<Cell> = Vec::with_capacity(asked.groups.len() + asked.measures.len());
    for group in &asked.groups {
        out.push(match group {
            Group::Bucket(_) => match (buckets, row.bucket) {
                (Some(b), Some(i)) => {
                    Cell::Time(UnixNanos(b.start.0.saturating_add(b.step_nanos.saturating_mul(i as i64))))
                }
                _ => Cell::Absent,
            },
            Group::Field { values, .. } => {
                keys.next().flatten().map_or(Cell::Absent, |text| Cell::Text(spelled_value(text, *values)))
            }
        });
    }
    let measured = |(m, cell): (&NamedMeasure, query::Cell)| match cell {
        query::Cell::Count(n) if m.per_second => Cell::Measured(query::Cell::Number(n as f64 / seconds)),
        query::Cell::Number(n) if m.per_second => Cell::Measured(query::Cell::Number(n / seconds)),
        cell => Cell::Measured(cell),
    };
    out.extend(asked.measures.iter().zip(row.cells).map(measured));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_fit_the_range_and_begin_at_their_multiples() {
        let minute = 60_000_000_000;
        let range = TimeRange::new(UnixNanos(7 * minute + 5), UnixNanos(67 * minute));
        let b = buckets(None, range).unwrap();
        assert_eq!((b.step_nanos, b.start.0, b.count), (30_000_000_000, 7 * minute, 120));
        let b = buckets(Some(minute * 10), range).unwrap();
        assert_eq!((b.start.0, b.count), (0, 7));
        assert_eq!(b.index(UnixNanos(range.end.0 - 1)), Some(6));
        assert!(matches!(buckets(Some(1), range), Err(ReadError::OutOfBounds { .. })));
        let all = TimeRange::new(UnixNanos(0), UnixNanos(i64::MAX));
        assert!(buckets(None, all).unwrap().count <= 200);
        assert_eq!(buckets(None, TimeRange::new(UnixNanos(-5), UnixNanos(-5))).unwrap().count, 1);
    }
}
