//! Spans into a batch.

use model::UnixNanos;
use wire::otlp::sampling::{self, Sampling};
use wire::otlp::{DecodeError, Decoded, Limits, decode_traces};
use wire::sink::{ResourceRef, ScopeRef, SpanFields, SpanSink, ValueRef};

use super::{Batch, RowFields};
use crate::column::bytes::put_bytes;
use crate::schema::{EVENTS, LINKS, Schema};

/// The spans of one request.
#[derive(Debug)]
pub struct SpanBatch {
    batch: Batch,
    /// The events and links of the span that is being read, each with its length in front.
    events: Vec<u8>,
    links: Vec<u8>,
}

impl SpanBatch {
    /// An empty batch. `limits` must be those that the request is decoded with: replay uses them again.
    pub fn new(limits: &Limits) -> Self {
        Self { batch: Batch::new(Schema::Spans, *limits), events: Vec::new(), links: Vec::new() }
    }

    /// Decodes an OTLP `ExportTraceServiceRequest` (protobuf).
    ///
    /// # Errors
    /// When the request is not well-formed; spans that are refused one by one are counted in [`Decoded`].
    pub fn decode(request: &[u8], limits: &Limits) -> Result<(Self, Decoded), DecodeError> {
        let mut batch = Self::new(limits);
        let decoded = decode_traces(request, limits, &mut batch)?;
        Ok((batch, decoded))
    }

    /// How many spans it holds, those that a sampler rejected included.
    pub fn len(&self) -> usize {
        self.batch.rows()
    }

    /// How many of them a sampler rejected: they are seen by the observer, and not stored.
    pub fn rejected(&self) -> usize {
        self.batch.rejected()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(crate) fn into_inner(self) -> Batch {
        self.batch
    }
}

impl SpanSink for SpanBatch {
    fn expect(&mut self, spans: usize) {
        self.batch.expect(spans);
    }

    fn resource(&mut self, resource: ResourceRef<'_>) {
        self.batch.resource(resource.raw, resource.schema_url);
    }

    fn scope(&mut self, scope: ScopeRef<'_>) {
        self.batch.scope(scope);
    }

    fn attribute(&mut self, key: &str, value: ValueRef<'_>) {
        self.batch.attribute(key, value);
    }

    fn event(&mut self, raw: &[u8]) {
        put_bytes(&mut self.events, raw);
    }

    fn link(&mut self, raw: &[u8]) {
        put_bytes(&mut self.links, raw);
    }

    fn end_span(&mut self, s: &SpanFields<'_>) {
        if !self.events.is_empty() {
            self.batch.fixed(EVENTS, ValueRef::Bytes(&self.events));
            self.events.clear();
        }
        if !self.links.is_empty() {
            self.batch.fixed(LINKS, ValueRef::Bytes(&self.links));
            self.links.clear();
        }
        if sampling::is_rejected(s.trace_state) {
            self.batch.reject();
        }
        let threshold = Sampling::of_state(s.trace_state).threshold.unwrap_or(0);
        let UnixNanos(time) = s.start;
        self.batch.end_row(&RowFields {
            time,
            trace: s.trace_id.0,
            span: s.span_id.0,
            parent: Some(s.parent_span_id.0),
            ints: &[
                i64::from(s.flags),
                i64::from(s.dropped_attributes_count),
                s.end.0.wrapping_sub(time),
                i64::from(s.kind),
                i64::from(s.status_code),
                i64::from(s.dropped_events_count),
                i64::from(s.dropped_links_count),
                threshold as i64,
            ],
            texts: &[s.name, s.status_message, s.trace_state],
        });
    }

    fn abandon(&mut self) {
        self.events.clear();
        self.links.clear();
        self.batch.abandon();
    }
}
