//! Log records into a batch.

use model::UnixNanos;
use wire::otlp::{DecodeError, Decoded, Limits, decode_logs};
use wire::sink::{LogFields, LogSink, ResourceRef, ScopeRef, ValueRef};

use super::{Batch, RowFields};
use crate::schema::{BODY, Schema};

/// The log records of one request.
#[derive(Debug)]
pub struct LogBatch(Batch);

impl LogBatch {
    /// An empty batch. `limits` must be those that the request is decoded with: replay uses them again.
    pub fn new(limits: &Limits) -> Self {
        Self(Batch::new(Schema::Logs, *limits))
    }

    /// Decodes an OTLP `ExportLogsServiceRequest` (protobuf).
    ///
    /// # Errors
    /// When the request is not well-formed; records that are refused one by one are counted in [`Decoded`].
    pub fn decode(request: &[u8], limits: &Limits) -> Result<(Self, Decoded), DecodeError> {
        let mut batch = Self::new(limits);
        let decoded = decode_logs(request, limits, &mut batch)?;
        Ok((batch, decoded))
    }

    /// How many records it holds.
    pub fn len(&self) -> usize {
        self.0.rows()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(crate) fn into_inner(self) -> Batch {
        self.0
    }
}

impl LogSink for LogBatch {
    fn expect(&mut self, records: usize) {
        self.0.expect(records);
    }

    fn resource(&mut self, resource: ResourceRef<'_>) {
        self.0.resource(resource.raw, resource.schema_url);
    }

    fn scope(&mut self, scope: ScopeRef<'_>) {
        self.0.scope(scope);
    }

    fn attribute(&mut self, key: &str, value: ValueRef<'_>) {
        self.0.attribute(key, value);
    }

    fn end_record(&mut self, r: &LogFields<'_>) {
        if r.body != ValueRef::Empty {
            self.0.fixed(BODY, r.body);
        }
        let UnixNanos(time) = r.time;
        self.0.end_row(&RowFields {
            time,
            trace: r.trace_id.0,
            span: r.span_id.0,
            parent: None,
            ints: &[
                i64::from(r.flags),
                i64::from(r.dropped_attributes_count),
                r.observed_time.0.wrapping_sub(time),
                i64::from(r.severity_number),
            ],
            texts: &[r.severity_text, r.event_name],
        });
    }

    fn abandon(&mut self) {
        self.0.abandon();
    }
}
