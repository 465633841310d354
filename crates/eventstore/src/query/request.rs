//! What every query is asked with and answers with: selection, limits, outcome, row ids.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use model::{AccessScope, TimeRange, TraceId, UnixNanos};

use super::filter::{Field, Filter};
use crate::value_type::ValueType;

/// Which records a query looks at, and what it may cost.
#[derive(Debug, Clone)]
pub struct Select {
    /// Log records by their time, spans by their start.
    pub range: TimeRange,
    /// Which records.
    pub filter: Filter,
    /// What the reader may see; ANDed to the filter.
    pub access: AccessScope,
    /// What the query may cost.
    pub limits: Limits,
}

impl Select {
    /// Everything in `range`, seen by everyone.
    pub fn all(range: TimeRange, limits: Limits) -> Self {
        Self { range, filter: Filter::All, access: AccessScope::ALL, limits }
    }

    /// The same with another filter.
    #[must_use]
    pub fn filter(mut self, filter: Filter) -> Self {
        self.filter = filter;
        self
    }
}

/// What a query may cost. A limit that is hit makes the outcome partial; it is not an error.
#[derive(Debug, Clone)]
pub struct Limits {
    /// When the query gives up.
    pub deadline: Instant,
    /// Bytes of decoded columns and results held at a time.
    pub memory_bytes: usize,
    /// Set from outside when nobody waits for the answer any more.
    pub cancel: CancelFlag,
    /// On how many threads the query may work, that of the caller included; 0 counts as 1.
    pub threads: usize,
}

impl Limits {
    /// A deadline from now, and a memory cap in bytes; one thread.
    pub fn new(timeout: Duration, memory_bytes: usize) -> Self {
        Self { deadline: Instant::now() + timeout, memory_bytes, cancel: CancelFlag::default(), threads: 1 }
    }

    /// The same on up to `threads` threads.
    #[must_use]
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = threads;
        self
    }
}

/// Stops a query from outside. Clones share the flag.
#[derive(Debug, Clone, Default)]
pub struct CancelFlag(Arc<AtomicBool>);

impl CancelFlag {
    /// Stops the queries that hold this flag.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether it was cancelled.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Why an outcome is not the whole truth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Partial {
    /// The deadline passed.
    Deadline,
    /// The memory cap was hit.
    Memory,
    /// Nobody waits any more.
    Cancelled,
    /// A query made more groups than it may; the rest are not listed.
    Groups {
        /// How many it may make.
        max: usize,
    },
    /// Blocks, or whole segments, are damaged or can not be read, and were left out.
    Damaged {
        /// How many; a segment that could not be opened counts as one.
        blocks: u64,
    },
}

impl fmt::Display for Partial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Deadline => f.write_str("the deadline passed before everything was read"),
            Self::Memory => f.write_str("the memory limit of the query was reached before everything was read"),
            Self::Cancelled => f.write_str("the query was cancelled"),
            Self::Groups { max } => write!(f, "more than {max} groups; the others are left out"),
            Self::Damaged { blocks } => write!(f, "{blocks} blocks could not be read and were left out"),
        }
    }
}

/// What a query cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct QueryStats {
    /// Rows of the blocks that were looked into.
    pub rows_scanned: u64,
    /// Blocks that were looked into.
    pub blocks_scanned: u64,
    /// Blocks that were answered or ruled out by their header.
    pub blocks_skipped: u64,
    /// From beginning to end.
    pub elapsed: Duration,
}

impl QueryStats {
    /// Adds the cost of a further query; the times add up.
    pub fn add(&mut self, other: &Self) {
        self.rows_scanned += other.rows_scanned;
        self.blocks_scanned += other.blocks_scanned;
        self.blocks_skipped += other.blocks_skipped;
        self.elapsed += other.elapsed;
    }
}

/// An answer, whether it is whole, and what it cost.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome<T> {
    /// What was found.
    pub value: T,
    /// Why it may be less than there is; `None` when it is the whole truth.
    pub partial: Option<Partial>,
    /// What it cost.
    pub stats: QueryStats,
}

impl<T> Outcome<T> {
    /// The same outcome with another value.
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Outcome<U> {
        Outcome { value: f(self.value), partial: self.partial, stats: self.stats }
    }
}

/// Names a row for ever, and orders rows: by time, then by arrival.
///
/// Written as 32 lower-case hex digits; treat it as opaque outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RowId {
    /// The record's time, or the span's start.
    pub time: UnixNanos,
    /// How many rows came before it since the store was made.
    pub seq: u64,
}

impl fmt::Display for RowId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}{:016x}", self.time.0 as u64, self.seq)
    }
}

/// A text that is not a row id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a row id is 32 hex digits")]
pub struct ParseRowIdError;

impl FromStr for RowId {
    type Err = ParseRowIdError;

    fn from_str(text: &str) -> Result<Self, ParseRowIdError> {
        if text.len() != 32 || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(ParseRowIdError);
        }
        let n = u128::from_str_radix(text, 16).map_err(|_| ParseRowIdError)?;
        Ok(Self { time: UnixNanos((n >> 64) as i64), seq: n as u64 })
    }
}

/// Which end of the range comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Order {
    /// Newest first.
    #[default]
    Descending,
    /// Oldest first.
    Ascending,
}

/// Which rows of an ordered result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// Which end comes first.
    pub order: Order,
    /// At most so many.
    pub limit: usize,
    /// Only what comes after this row in the given order (exclusive).
    pub after: Option<RowId>,
}

impl Page {
    /// The newest `limit`.
    pub const fn newest(limit: usize) -> Self {
        Self { order: Order::Descending, limit, after: None }
    }
}

/// One row of a result.
#[derive(Debug, Clone, PartialEq)]
pub struct Row<T> {
    /// Its name.
    pub id: RowId,
    /// The record.
    pub record: T,
}

/// Rows in the order of the request.
#[derive(Debug, Clone, PartialEq)]
pub struct Rows<T> {
    /// The rows.
    pub rows: Vec<Row<T>>,
    /// What to pass as [`Page::after`] for more; `None` when there is no more, and when the query ended
    /// before it had looked at everything: rows that it did not see may lie between those it found.
    pub next: Option<RowId>,
}

/// Equal steps of time that counts are kept for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Buckets {
    /// Where the first begins.
    pub start: UnixNanos,
    /// How long each is, in nanoseconds; at least 1.
    pub step_nanos: i64,
    /// How many there are.
    pub count: usize,
}

impl Buckets {
    /// Cuts `range` into at most `count` equal buckets; at least three when one would be longer than a step can be.
    pub fn split(range: TimeRange, count: usize) -> Self {
        let count = count.max(1);
        // The width of a range can be twice what an `i64` holds.
        let width = if range.end > range.start { range.end.0.wrapping_sub(range.start.0) as u64 } else { 1 };
        let step_nanos = i64::try_from(width.div_ceil(count as u64)).unwrap_or(i64::MAX);
        Self { start: range.start, step_nanos, count: width.div_ceil(step_nanos as u64) as usize }
    }

    /// The bucket that `t` falls in.
    pub fn index(&self, t: UnixNanos) -> Option<usize> {
        if t < self.start {
            return None;
        }
        let at = t.0.wrapping_sub(self.start.0) as u64;
        let i = usize::try_from(at / self.step_nanos.max(1) as u64).ok()?;
        (i < self.count).then_some(i)
    }
}

/// What counts are kept apart by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GroupBy {
    /// The range of the severity number: `TRACE` .. `FATAL`, `UNSPECIFIED`.
    SeverityRange,
    /// The value of a field as text; records without it are the group with the empty name.
    Field(Field),
}

/// Counts per bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counts {
    /// The buckets.
    pub buckets: Buckets,
    /// One group with an empty name when nothing was grouped; else the groups that occur, largest first.
    pub groups: Vec<CountGroup>,
}

/// The counts of one group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CountGroup {
    /// The value that the group has in common.
    pub value: String,
    /// One count per bucket.
    pub counts: Vec<u64>,
}

/// A trace in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceSummary {
    /// Which trace.
    pub trace_id: TraceId,
    /// The service of the root span; of the earliest span when there is no root.
    pub root_service: String,
    /// The name of that span.
    pub root_name: String,
    /// The start of the earliest span.
    pub start: UnixNanos,
    /// From the earliest start to the latest end.
    pub duration_nanos: u64,
    /// How many spans there are, whether or not they match.
    pub span_count: u64,
    /// How many of them have the status error.
    pub error_count: u64,
    /// Spans per service, most first.
    pub services: Vec<ServiceSpans>,
    /// The newest span that matches: the place of the trace in the list.
    pub found_at: RowId,
}

/// How many spans of a trace a service has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceSpans {
    /// The service.
    pub name: String,
    /// Its spans.
    pub spans: u64,
}

/// Traces, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Traces {
    /// The traces.
    pub traces: Vec<TraceSummary>,
    /// What to pass as cursor for more; `None` when there is no more, and when the query ended before it
    /// had looked at everything.
    pub next: Option<RowId>,
}

/// What rates, errors and durations are kept apart by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RedBy {
    /// The service. Calls are the spans that enter it: kind server or consumer, and roots.
    Service,
    /// Service, span name and kind. Every span is a call.
    Operation,
}

/// Rate, errors and durations of one group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedGroup {
    /// The service.
    pub service: String,
    /// The span name; empty when grouped by service.
    pub name: String,
    /// The span kind; 0 when grouped by service.
    pub kind: u8,
    /// All spans of the group.
    pub spans: u64,
    /// Those that are calls.
    pub calls: u64,
    /// Calls with the status error.
    pub errors: u64,
    /// Median duration of the calls. All quantiles are within 1/64 of the true value; 0 without calls.
    pub p50_nanos: u64,
    /// 95 % of the calls took at most this.
    pub p95_nanos: u64,
    /// 99 % of the calls took at most this.
    pub p99_nanos: u64,
}

/// A field that occurs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldKey {
    /// Its whole name.
    pub name: String,
    /// Whose it is; never `Any`.
    pub scope: AttributeOwner,
    /// The type it is sent with; a key with several types is listed once per type.
    pub value_type: ValueType,
    /// About how many records have it: those of all blocks that touch the range.
    pub count: u64,
}

/// What segments have of an attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttributeUsage {
    /// Its whole name.
    pub key: String,
    /// Whose it is.
    pub owner: AttributeOwner,
    /// The type it is sent with; a key with several types is listed once per type.
    pub value_type: ValueType,
    /// Records that have it.
    pub records: u64,
    /// Of its columns, each block with its own dictionary; 0 for attributes of resources.
    pub bytes: u64,
    /// How many values there are.
    pub distinct: u64,
    /// Whether that is exact (up to 64 values), or an estimate with a standard error of 3.3 %.
    pub exact: bool,
}

/// Whose a field is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AttributeOwner {
    /// An attribute of the resource.
    Resource,
    /// An attribute of the record.
    Record,
}

/// The values of a field.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FieldValues {
    /// Most frequent first, as many as were asked for.
    pub values: Vec<FieldValue>,
    /// How many there are, listed or not.
    pub distinct: u64,
}

/// A value that occurs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldValue {
    /// The value as text.
    pub value: String,
    /// How many matching records have it.
    pub count: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn row_ids_round_trip_and_refuse_other_text() {
        let id = RowId { time: UnixNanos(-5), seq: 77 };
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!("12".parse::<RowId>(), Err(ParseRowIdError));
        assert_eq!("+".repeat(32).parse::<RowId>(), Err(ParseRowIdError));
    }

    #[test]
    fn buckets_cover_the_range_and_nothing_else() {
        let b = Buckets::split(TimeRange::new(UnixNanos(100), UnixNanos(200)), 3);
        assert_eq!((b.step_nanos, b.count), (34, 3));
        assert_eq!(b.index(UnixNanos(99)), None);
        assert_eq!(b.index(UnixNanos(199)), Some(2));
        assert_eq!(b.index(UnixNanos(202)), None);
        for range in [
            TimeRange::ALL,
            TimeRange::new(UnixNanos(-9_000_000_000_000_000_000), UnixNanos(1_800_000_000_000_000_000)),
        ] {
            for count in [1, 4, 60] {
                let b = Buckets::split(range, count);
                assert!(b.count <= count.max(3));
                assert_eq!(b.index(range.start), Some(0));
                assert_eq!(b.index(UnixNanos(range.end.0 - 1)), Some(b.count - 1));
            }
        }
    }
}
