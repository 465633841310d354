//! JSON of version 1: sides and times of a call are annotations with two-letter names.
//!
//! A span of version 1 may have both sides of a call; it becomes one span for each.

use serde::Deserialize;

use super::json::each;
use super::span::{Annotation, Endpoint, Kind, Micros, Scalar, Span};
use super::translate::Spans;
use super::{Converted, Options, ZipkinError};
use crate::bounded::{Bounded, Tags};

/// `POST /api/v1/spans` with `application/json`.
///
/// # Errors
/// Bytes that are not a list of spans, and ids that are none.
pub fn json_v1(body: &[u8], options: &Options) -> Result<Converted, ZipkinError> {
    let mut spans = Spans::new(*options);
    each(body, |span: SpanV1| span.into_v2().into_iter().try_for_each(|s| spans.push(s)))?;
    Ok(spans.into_converted())
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct SpanV1 {
    trace_id: String,
    id: String,
    parent_id: Option<String>,
    name: Option<String>,
    timestamp: Option<Micros>,
    duration: Option<Micros>,
    annotations: Bounded<AnnotationV1>,
    binary_annotations: Bounded<BinaryAnnotation>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct AnnotationV1 {
    timestamp: Micros,
    value: String,
    endpoint: Option<Endpoint>,
}

#[derive(Deserialize)]
struct BinaryAnnotation {
    key: String,
    value: Scalar,
    #[serde(default)]
    endpoint: Option<Endpoint>,
}

impl std::fmt::Debug for BinaryAnnotation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BinaryAnnotation").field("key", &self.key).finish_non_exhaustive()
    }
}

/// A side of a call: what it is, and the annotations that begin and end it.
const SIDES: [(Kind, &str, &str); 4] = [
    (Kind::Client, "cs", "cr"),
    (Kind::Server, "sr", "ss"),
    (Kind::Producer, "ms", "ws"),
    (Kind::Consumer, "mr", "wr"),
];

impl SpanV1 {
    fn time_of(&self, value: &str) -> Option<Micros> {
        self.annotations.kept.iter().find(|a| a.value == value).map(|a| a.timestamp)
    }

    fn endpoint_of(&self, values: [&str; 2]) -> Option<Endpoint> {
        let of = |a: &&AnnotationV1| values.contains(&a.value.as_str());
        self.annotations.kept.iter().filter(of).find_map(|a| a.endpoint.clone())
    }

    /// Whoever speaks first, for spans that are no calls.
    fn any_endpoint(&self) -> Option<Endpoint> {
        let plain = self.annotations.kept.iter().filter_map(|a| a.endpoint.clone());
        let binary = self.binary_annotations.kept.iter().filter(|b| !is_address(b)).filter_map(|b| b.endpoint.clone());
        plain.chain(binary).find(|e| e.service_name.as_ref().is_some_and(|n| !n.is_empty()))
    }

    fn into_v2(self) -> Vec<Span> {
        let sides: Vec<_> = SIDES
            .into_iter()
            .filter(|(_, begin, end)| self.time_of(begin).is_some() || self.time_of(end).is_some())
            .collect();
        let shared = sides.len() > 1;
        if sides.is_empty() {
            return vec![self.span(None, self.any_endpoint(), self.timestamp, self.duration)];
        }
        let mut spans = Vec::with_capacity(sides.len());
        for (kind, begin, end) in sides {
            let (from, to) = (self.time_of(begin), self.time_of(end));
            let measured = from.zip(to).map(|(a, b)| Micros(b.0.saturating_sub(a.0)));
            // The times of the whole span are those of its first side.
            let (start, duration) = match shared {
                true => (from, measured),
                false => (self.timestamp.or(from), self.duration.or(measured)),
            };
            let local = self.endpoint_of([begin, end]).or_else(|| self.any_endpoint());
            spans.push(self.span(Some(kind), local, start, duration));
        }
        spans
    }

    fn span(
        &self,
        kind: Option<Kind>,
        local: Option<Endpoint>,
        timestamp: Option<Micros>,
        duration: Option<Micros>,
    ) -> Span {
        let mut annotations = Bounded { dropped: self.annotations.dropped, ..Bounded::default() };
        let is_side = |v: &str| SIDES.iter().any(|(_, begin, end)| v == *begin || v == *end);
        for a in self.annotations.kept.iter().filter(|a| !is_side(&a.value)) {
            annotations.push(Annotation { timestamp: a.timestamp, value: a.value.clone() });
        }
        let (mut tags, mut remote) = (Tags { dropped: self.binary_annotations.dropped, ..Tags::default() }, None);
        for b in &self.binary_annotations.kept {
            match is_address(b) {
                true => remote = b.endpoint.clone(),
                false => tags.push(b.key.clone(), b.value.0.clone()),
            }
        }
        Span {
            trace_id: self.trace_id.clone(),
            id: self.id.clone(),
            parent_id: self.parent_id.clone(),
            name: self.name.clone(),
            kind,
            timestamp,
            duration,
            shared: None,
            local_endpoint: local,
            remote_endpoint: remote,
            annotations,
            tags,
        }
    }
}

/// Server, client and message addresses: the value says nothing, the endpoint is the other party.
fn is_address(b: &BinaryAnnotation) -> bool {
    matches!(b.key.as_str(), "sa" | "ca" | "ma")
}
