//! The store as others see it: a half for logs and a half for spans.

use std::sync::Arc;

use foundation::disk::SharedDisk;
use model::{AccessScope, LogRecord, Span, TimeRange, TraceId};

use crate::batch::{LogBatch, SpanBatch};
use crate::config::{Completion, Config};
use crate::engine::{Engine, StoreStats};
use crate::error::{OpenError, QueryError};
use crate::observer::SpanObserver;
use crate::partitions::{Partition, Removed};
use crate::query::*;
use crate::schema::Schema;
use crate::usage::ColumnBytes;

/// Logs and spans in one folder.
pub struct EventStore {
    logs: LogStore,
    spans: SpanStore,
}

impl EventStore {
    /// Opens the store, or makes it; replays what the log holds and no segment has.
    ///
    /// # Errors
    /// When the disk refuses, or the manifest or the log cannot be read.
    pub fn open(disk: SharedDisk, config: Config) -> Result<Self, OpenError> {
        Self::open_observed(disk, config, None)
    }

    /// The same with someone who sees every span.
    ///
    /// # Errors
    /// As [`EventStore::open`].
    pub fn open_observed(
        disk: SharedDisk,
        config: Config,
        observer: Option<Arc<dyn SpanObserver>>,
    ) -> Result<Self, OpenError> {
        let logs = Engine::open(disk.clone(), config.clone(), Schema::Logs, None)?;
        let spans = Engine::open(disk, config, Schema::Spans, observer)?;
        Ok(Self { logs: LogStore(logs), spans: SpanStore(spans) })
    }

    /// The logs.
    pub fn logs(&self) -> &LogStore {
        &self.logs
    }

    /// The spans.
    pub fn spans(&self) -> &SpanStore {
        &self.spans
    }

    /// Writes what is in memory to segments and stops the background threads. Dropping does the same.
    pub fn close(self) {}
}

/// The half that holds log records.
pub struct LogStore(Engine);

/// The half that holds spans.
pub struct SpanStore(Engine);

impl LogStore {
    /// Stores the records of `batch`, which were decoded from `request` (OTLP
    /// `ExportLogsServiceRequest`, protobuf). `done` runs once, when they are durable and visible.
    pub fn ingest(&self, request: Vec<u8>, batch: LogBatch, done: Completion) {
        self.0.ingest(request, batch.into_inner(), done);
    }

    /// The newest or oldest records that match.
    ///
    /// # Errors
    /// When the filter is not valid.
    pub fn latest(&self, select: &Select, page: &Page) -> Result<Outcome<Rows<LogRecord>>, QueryError> {
        latest::logs(&self.0, select, page)
    }

    /// How many records have arrived since the store was made: the `seq` of the next one.
    pub fn rows_arrived(&self) -> u64 {
        self.0.shared().state.lock().next_seq
    }

    /// The matching records that arrived as the rows `seqs` and have a time in the range: the newest `limit`
    /// of them in the order of arrival, and how many there are.
    ///
    /// # Errors
    /// When the filter is not valid.
    pub fn arrived(
        &self,
        select: &Select,
        seqs: std::ops::Range<u64>,
        limit: usize,
    ) -> Result<Outcome<(Vec<Row<LogRecord>>, u64)>, QueryError> {
        arrived::logs(&self.0, select, seqs, limit)
    }

    /// How many records match, per bucket and group.
    ///
    /// # Errors
    /// When the filter is not valid.
    pub fn count_over_time(
        &self,
        select: &Select,
        buckets: Buckets,
        group: Option<&GroupBy>,
    ) -> Result<Outcome<Counts>, QueryError> {
        count::count_over_time(&self.0, select, buckets, group)
    }

    /// Matching records in groups, and what is known of each group.
    ///
    /// # Errors
    /// When the filter is not valid.
    pub fn aggregate(&self, select: &Select, aggregation: &Aggregation) -> Result<Outcome<Table>, QueryError> {
        aggregate::aggregate(&self.0, select, aggregation)
    }

    /// The templates of the texts of matching records, most frequent first, at most `limit`.
    ///
    /// # Errors
    /// When the filter is not valid.
    pub fn patterns(&self, select: &Select, buckets: Buckets, limit: usize) -> Result<Outcome<Patterns>, QueryError> {
        patterns::patterns(&self.0, select, buckets, limit)
    }

    /// The attribute keys that occur in blocks of the range, most frequent first. The filter is not looked at.
    ///
    /// # Errors
    /// When the filter is not valid.
    pub fn field_keys(&self, select: &Select) -> Result<Outcome<Vec<FieldKey>>, QueryError> {
        fields::field_keys(&self.0, select)
    }

    /// The attributes of the segments that touch `range`, with the number of their values, most frequent first; of
    /// whole segments and of all services. What is only in memory is not there, nor what lies beyond the cap on columns or
    /// in segments without a catalogue.
    pub fn catalogue(&self, range: TimeRange) -> Vec<AttributeUsage> {
        fields::catalogue(&self.0, range)
    }

    /// The values of a field in matching records, most frequent first, and how many there are.
    ///
    /// # Errors
    /// When the filter is not valid.
    pub fn field_values(
        &self,
        select: &Select,
        field: &Field,
        limit: usize,
    ) -> Result<Outcome<FieldValues>, QueryError> {
        fields::field_values(&self.0, select, field, limit)
    }

    /// Writes what is in memory to segments now, and waits for it.
    pub fn flush(&self) {
        self.0.flush();
    }

    /// How many bytes of the segments of a partition, or of all, each column takes, largest first. Reads the header of
    /// every block.
    pub fn column_bytes(&self, of: Option<&Partition>) -> Vec<ColumnBytes> {
        self.0.column_bytes(of)
    }

    /// What each day holds on disk, oldest first.
    pub fn partitions(&self) -> Vec<Partition> {
        self.0.partitions()
    }

    /// Takes partitions away as they were announced: segments that came meanwhile stay.
    ///
    /// # Errors
    /// The disk refused: nothing was removed.
    pub fn remove(&self, announced: &[Partition]) -> std::io::Result<Removed> {
        self.0.remove(announced)
    }

    /// How much is stored.
    pub fn stats(&self) -> StoreStats {
        self.0.stats()
    }
}

impl SpanStore {
    /// Stores the spans of `batch`, which were decoded from `request` (OTLP
    /// `ExportTraceServiceRequest`, protobuf). `done` runs once, when they are durable and visible.
    pub fn ingest(&self, request: Vec<u8>, batch: SpanBatch, done: Completion) {
        self.0.ingest(request, batch.into_inner(), done);
    }

    /// The newest or oldest spans that match, by their start.
    ///
    /// # Errors
    /// When the filter is not valid.
    pub fn latest(&self, select: &Select, page: &Page) -> Result<Outcome<Rows<Span>>, QueryError> {
        latest::spans(&self.0, select, page)
    }

    /// How many spans match, per bucket of their start, and group.
    ///
    /// # Errors
    /// When the filter is not valid.
    pub fn count_over_time(
        &self,
        select: &Select,
        buckets: Buckets,
        group: Option<&GroupBy>,
    ) -> Result<Outcome<Counts>, QueryError> {
        count::count_over_time(&self.0, select, buckets, group)
    }

    /// All spans of a trace that the reader may see, whenever they were, by start and arrival.
    ///
    /// `around` says when the trace is thought to have been: what lies nearest is read first, so that a limit cuts off
    /// what is farthest from it. It leaves nothing out.
    ///
    /// # Errors
    /// None today; the signature is that of the other queries.
    pub fn trace(
        &self,
        id: TraceId,
        around: Option<TimeRange>,
        access: &AccessScope,
        limits: &Limits,
    ) -> Result<Outcome<Vec<Span>>, QueryError> {
        trace::trace(&self.0, id, around, access, limits)
    }

    /// Traces with a span that matches, newest first by that span. `after` is the
    /// [`Traces::next`] of the page before.
    ///
    /// # Errors
    /// When the filter is not valid.
    pub fn find_traces(
        &self,
        select: &Select,
        limit: usize,
        after: Option<RowId>,
    ) -> Result<Outcome<Traces>, QueryError> {
        find_traces::find_traces(&self.0, select, limit, after)
    }

    /// Traces for which a combination of conditions holds, each on a span of its own, newest first by the
    /// newest of these spans. The filter of `select` is not looked at. Otherwise as [`Self::find_traces`].
    ///
    /// # Errors
    /// When a filter is not valid.
    pub fn find_traces_by(
        &self,
        select: &Select,
        condition: &TraceFilter,
        limit: usize,
        after: Option<RowId>,
    ) -> Result<Outcome<Traces>, QueryError> {
        find_traces::find_traces_by(&self.0, select, condition, limit, after)
    }

    /// Which service calls which; the filter is on the called span.
    ///
    /// # Errors
    /// When the filter is not valid.
    pub fn service_map(&self, select: &Select) -> Result<Outcome<ServiceMap>, QueryError> {
        edges::service_map(&self.0, select)
    }

    /// Rate, errors and durations per service or operation, most calls first.
    ///
    /// # Errors
    /// When the filter is not valid.
    pub fn red(&self, select: &Select, by: RedBy) -> Result<Outcome<Vec<RedGroup>>, QueryError> {
        red::red(&self.0, select, by)
    }

    /// Matching spans in groups, and what is known of each group.
    ///
    /// # Errors
    /// When the filter is not valid.
    pub fn aggregate(&self, select: &Select, aggregation: &Aggregation) -> Result<Outcome<Table>, QueryError> {
        aggregate::aggregate(&self.0, select, aggregation)
    }

    /// The templates of the names of matching records, most frequent first, at most `limit`.
    ///
    /// # Errors
    /// When the filter is not valid.
    pub fn patterns(&self, select: &Select, buckets: Buckets, limit: usize) -> Result<Outcome<Patterns>, QueryError> {
        patterns::patterns(&self.0, select, buckets, limit)
    }

    /// The attribute keys that occur in blocks of the range, most frequent first. The filter is not looked at.
    ///
    /// # Errors
    /// When the filter is not valid.
    pub fn field_keys(&self, select: &Select) -> Result<Outcome<Vec<FieldKey>>, QueryError> {
        fields::field_keys(&self.0, select)
    }

    /// The attributes of the segments that touch `range`, with the number of their values, most frequent first; of
    /// whole segments and of all services. What is only in memory is not there, nor what lies beyond the cap on columns or
    /// in segments without a catalogue.
    pub fn catalogue(&self, range: TimeRange) -> Vec<AttributeUsage> {
        fields::catalogue(&self.0, range)
    }

    /// The values of a field in matching spans, most frequent first, and how many there are.
    ///
    /// # Errors
    /// When the filter is not valid.
    pub fn field_values(
        &self,
        select: &Select,
        field: &Field,
        limit: usize,
    ) -> Result<Outcome<FieldValues>, QueryError> {
        fields::field_values(&self.0, select, field, limit)
    }

    /// Writes what is in memory to segments now, and waits for it.
    pub fn flush(&self) {
        self.0.flush();
    }

    /// How many bytes of the segments of a partition, or of all, each column takes, largest first. Reads the header of
    /// every block.
    pub fn column_bytes(&self, of: Option<&Partition>) -> Vec<ColumnBytes> {
        self.0.column_bytes(of)
    }

    /// What each day holds on disk, oldest first.
    pub fn partitions(&self) -> Vec<Partition> {
        self.0.partitions()
    }

    /// Takes partitions away as they were announced: segments that came meanwhile stay.
    ///
    /// # Errors
    /// The disk refused: nothing was removed.
    pub fn remove(&self, announced: &[Partition]) -> std::io::Result<Removed> {
        self.0.remove(announced)
    }

    /// How much is stored.
    pub fn stats(&self) -> StoreStats {
        self.0.stats()
    }
}
