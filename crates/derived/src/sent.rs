//! Spans as the tests of the state machines write them.

use eventstore::{SpanBatch, SpanColumns};
use model::trace::{Event, Status};
use model::{Attributes, Span, SpanId, TraceId, UnixNanos, Value};
use wire::otlp::Limits;

/// A span as the tests write it.
#[derive(Debug, Clone)]
pub(crate) struct Sent {
    pub(crate) service: &'static str,
    pub(crate) trace: u8,
    pub(crate) id: u8,
    pub(crate) parent: u8,
    pub(crate) name: &'static str,
    pub(crate) kind: u8,
    pub(crate) status: u8,
    pub(crate) nanos: i64,
    /// Later than the others.
    pub(crate) seconds: i64,
    /// `service.version`
    pub(crate) version: &'static str,
    pub(crate) attributes: Attributes,
    /// Whether a sampler rejected it.
    pub(crate) rejected: bool,
    /// Type, message, stack trace.
    pub(crate) exception: Option<(&'static str, &'static str, &'static str)>,
}

impl Default for Sent {
    fn default() -> Self {
        Self {
            service: "api",
            trace: 1,
            id: 1,
            parent: 0,
            name: "op",
            kind: 1,
            status: 0,
            nanos: 1,
            seconds: 0,
            version: "1.0",
            attributes: Vec::new(),
            rejected: false,
            exception: None,
        }
    }
}

impl Sent {
    pub(crate) fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.attributes.push((key.to_owned(), value.into()));
        self
    }

    pub(crate) fn of_version(self, version: &'static str) -> Self {
        Self { version, ..self }
    }

    pub(crate) fn rejected(self) -> Self {
        Self { rejected: true, ..self }
    }

    fn span(&self) -> Span {
        let start = UnixNanos::from_secs(1_000 + self.seconds);
        let exception = |(kind, message, stack): (&str, &str, &str)| Event {
            name: "exception".to_owned(),
            time: start,
            attributes: vec![
                ("exception.type".to_owned(), kind.into()),
                ("exception.message".to_owned(), message.into()),
                ("exception.stacktrace".to_owned(), stack.into()),
            ],
            ..Event::default()
        };
        Span {
            trace_id: TraceId([self.trace; 16]),
            span_id: SpanId([self.id; 8]),
            parent_span_id: SpanId([self.parent; 8]),
            name: self.name.to_owned(),
            kind: self.kind,
            status: Status { code: self.status, message: String::new() },
            start,
            end: UnixNanos(start.0 + self.nanos),
            attributes: self.attributes.clone(),
            trace_state: if self.rejected { wire::otlp::sampling::rejected("").to_string() } else { String::new() },
            events: self.exception.map(exception).into_iter().collect(),
            resource: model::trace::Resource {
                attributes: vec![
                    ("service.name".to_owned(), self.service.into()),
                    ("service.version".to_owned(), self.version.into()),
                ],
                ..Default::default()
            },
            ..Span::default()
        }
    }
}

pub(crate) fn columns(spans: &[Sent]) -> SpanColumns {
    columns_at(spans, UnixNanos::from_secs(1_001))
}

pub(crate) fn columns_at(spans: &[Sent], now: UnixNanos) -> SpanColumns {
    let spans: Vec<Span> = spans.iter().map(Sent::span).collect();
    let request = wire::otlp::encode::traces_request(&spans);
    let (batch, _) = SpanBatch::decode(&request, &Limits::new(now)).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(batch.len(), spans.len());
    batch.into()
}
