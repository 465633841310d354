//! The columns of a batch of spans, for whoever derives something from them.
//!
//! Rows are in the order of the request. An attribute is found by its key once
//! per batch; its values are walked in row order.

use std::sync::Arc;

use model::UnixNanos;
use wire::sink::ValueRef;

use super::{Batch, Cell, CellValue, Slot};
use crate::column::bytes::Reader;
use crate::schema::{ATTRIBUTE, EVENTS, Schema};
use crate::value_type::ValueType;

/// Places of the columns in [`Batch::ints`] and [`Batch::texts`]: those of `SpanSink::end_span`.
const DURATION: usize = 2;
const KIND: usize = 3;
const STATUS: usize = 4;
const NAME: usize = 0;
const STATUS_MESSAGE: usize = 1;

/// A batch of spans, to be read; clones share it.
#[derive(Debug, Clone)]
pub struct SpanColumns(Arc<Batch>);

/// The values of one attribute, in row order; rows without it are left out.
#[derive(Debug, Clone)]
pub struct SpanValues<'a> {
    batch: &'a Batch,
    cells: std::slice::Iter<'a, Cell>,
}

impl From<super::SpanBatch> for SpanColumns {
    fn from(batch: super::SpanBatch) -> Self {
        Self::new(Arc::new(batch.into_inner()))
    }
}

impl SpanColumns {
    pub(crate) fn new(batch: Arc<Batch>) -> Self {
        debug_assert_eq!(batch.ints.len(), Schema::Spans.ints().len());
        Self(batch)
    }

    /// How many spans it holds.
    pub fn len(&self) -> usize {
        self.0.rows()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The rows that a sampler rejected, rising: they are stored nowhere.
    pub fn rejected(&self) -> &[u32] {
        &self.0.rejected
    }

    /// When the request arrived; replay gives the same.
    pub fn arrived(&self) -> UnixNanos {
        self.0.limits.now
    }

    /// When each span began, in nanoseconds since the epoch.
    pub fn starts(&self) -> &[i64] {
        &self.0.time
    }

    /// How long each took, in nanoseconds; negative when the sender's clock jumped.
    pub fn durations(&self) -> &[i64] {
        self.ints(DURATION)
    }

    /// `SpanKind` numbers.
    pub fn kinds(&self) -> &[i64] {
        self.ints(KIND)
    }

    /// Status codes: 0 unset, 1 ok, 2 error.
    pub fn statuses(&self) -> &[i64] {
        self.ints(STATUS)
    }

    /// The trace of each span.
    pub fn trace_ids(&self) -> &[[u8; 16]] {
        &self.0.trace
    }

    /// The id of each span.
    pub fn span_ids(&self) -> &[[u8; 8]] {
        &self.0.span
    }

    /// The parent of each span; zero for roots.
    pub fn parent_ids(&self) -> &[[u8; 8]] {
        &self.0.parent
    }

    /// For each span, its place in [`SpanColumns::resources`].
    pub fn resource_codes(&self) -> &[u32] {
        &self.0.resource
    }

    /// The distinct resources: `Resource` messages as they were sent.
    pub fn resources(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        self.0.resources.list.iter().map(|o| &*o.raw)
    }

    /// For each span, its place in [`SpanColumns::scopes`].
    pub(crate) fn scope_codes(&self) -> &[u32] {
        &self.0.scope
    }

    /// The distinct scopes: `InstrumentationScope` messages as they were sent.
    pub(crate) fn scopes(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        self.0.scopes.list.iter().map(|o| &*o.raw)
    }

    /// The name of a span.
    pub fn name(&self, row: usize) -> &[u8] {
        self.text(NAME, row)
    }

    /// The status message of a span.
    pub(crate) fn status_message(&self, row: usize) -> &[u8] {
        self.text(STATUS_MESSAGE, row)
    }

    fn text(&self, place: usize, row: usize) -> &[u8] {
        self.0.texts.get(place).and_then(|c| c.get(row)).map_or(&[], |s| self.0.bytes(*s))
    }

    /// All attributes of the spans, by their keys.
    pub(crate) fn attributes(&self) -> impl Iterator<Item = (&str, SpanValues<'_>)> {
        let slots = self.0.slots.iter().filter(|s| s.id == ATTRIBUTE);
        slots.map(|s| (&*s.key, SpanValues { batch: &self.0, cells: s.cells.iter() }))
    }

    /// The values of an attribute of the spans (not of their resources); `None` when no span has it.
    pub fn attribute(&self, key: &str) -> Option<SpanValues<'_>> {
        self.slot(|s| s.id == ATTRIBUTE && *s.key == *key)
    }

    /// The events of the spans that have some, each as the bytes that [`event_messages`] splits.
    pub fn events(&self) -> Option<SpanValues<'_>> {
        self.slot(|s| s.id == EVENTS)
    }

    fn slot(&self, wanted: impl Fn(&Slot) -> bool) -> Option<SpanValues<'_>> {
        let slot = self.0.slots.iter().find(|s| wanted(s))?;
        Some(SpanValues { batch: &self.0, cells: slot.cells.iter() })
    }

    fn ints(&self, place: usize) -> &[i64] {
        self.0.ints.get(place).map_or(&[], Vec::as_slice)
    }
}

impl<'a> SpanValues<'a> {
    /// The value of `row`. Rows must be asked for in rising order.
    pub fn of(&mut self, row: usize) -> Option<ValueRef<'a>> {
        loop {
            let cell = self.cells.as_slice().first()?;
            match (cell.row as usize).cmp(&row) {
                std::cmp::Ordering::Less => drop(self.cells.next()),
                std::cmp::Ordering::Equal => return Some(value(self.batch, cell)),
                std::cmp::Ordering::Greater => return None,
            }
        }
    }
}

impl<'a> Iterator for SpanValues<'a> {
    type Item = (usize, ValueRef<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        let cell = self.cells.next()?;
        Some((cell.row as usize, value(self.batch, cell)))
    }
}

fn value<'a>(batch: &'a Batch, cell: &Cell) -> ValueRef<'a> {
    match cell.value {
        CellValue::Empty => ValueRef::Empty,
        CellValue::Bool(v) => ValueRef::Bool(v),
        CellValue::Int(v) => ValueRef::Int(v),
        CellValue::Double(v) => ValueRef::Double(v),
        CellValue::Binary(value_type, slice) => {
            let bytes = batch.bytes(slice);
            match value_type {
                ValueType::Str => std::str::from_utf8(bytes).map_or(ValueRef::Bytes(bytes), ValueRef::Str),
                ValueType::Array => ValueRef::Array(bytes),
                ValueType::Map => ValueRef::Map(bytes),
                _ => ValueRef::Bytes(bytes),
            }
        }
    }
}

/// Splits the events of a span into `Event` messages.
pub fn event_messages(events: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut r = Reader(events);
    std::iter::from_fn(move || if r.0.is_empty() { None } else { r.bytes().ok() })
}

#[cfg(test)]
mod tests {
    use model::{Span, SpanId, TraceId, Value};

    use super::*;
    use crate::batch::SpanBatch;

    #[test]
    fn columns_give_back_what_was_decoded() {
        let span = |n: u8, attributes: Vec<(String, Value)>| Span {
            trace_id: TraceId([n; 16]),
            span_id: SpanId([n; 8]),
            parent_span_id: SpanId([n - 1; 8]),
            name: if n < 3 { "first" } else { "third" }.to_owned(),
            kind: n,
            start: UnixNanos(100),
            end: UnixNanos(100 + i64::from(n)),
            attributes,
            status: model::trace::Status { code: 2, message: String::new() },
            events: vec![model::trace::Event { name: format!("e{n}"), ..Default::default() }],
            ..Span::default()
        };
        let spans = [
            span(1, vec![("peer".to_owned(), Value::Str("a".to_owned()))]),
            span(2, vec![]),
            span(3, vec![("peer".to_owned(), Value::Int(7))]),
        ];
        let limits = wire::otlp::Limits::new(UnixNanos(55));
        let (batch, _) = SpanBatch::decode(&wire::otlp::encode::traces_request(&spans), &limits).unwrap();
        let c = SpanColumns::from(batch);
        assert_eq!((c.len(), c.arrived(), c.starts()), (3, UnixNanos(55), &[100; 3][..]));
        assert_eq!((c.durations(), c.kinds(), c.statuses()), (&[1, 2, 3][..], &[1, 2, 3][..], &[2; 3][..]));
        assert_eq!((c.name(1), c.name(2)), (&b"first"[..], &b"third"[..]));
        assert_eq!((c.trace_ids()[2], c.span_ids()[1], c.parent_ids()[1]), ([3; 16], [2; 8], [1; 8]));
        let mut peers = c.attribute("peer").unwrap();
        assert_eq!(peers.clone().count(), 2);
        assert_eq!(peers.of(0), Some(ValueRef::Str("a")));
        assert_eq!(peers.of(1), None);
        assert_eq!(peers.of(2), Some(ValueRef::Int(7)));
        assert!(c.attribute("other").is_none());
        let Some((2, ValueRef::Bytes(events))) = c.events().unwrap().nth(2) else { panic!("no events") };
        let names: Vec<String> = event_messages(events).map(|e| wire::otlp::read_event(e).name).collect();
        assert_eq!(names, ["e3"]);
    }
}
