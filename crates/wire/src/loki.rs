//! What clients push to Loki (`POST /loki/api/v1/push`), as log requests.
//!
//! A stream's labels are what its entries have in common, which in OpenTelemetry is the resource: `service_name` (or else
//! `service`, `app`, `job`) is its `service.name`. Structured metadata are attributes of the record; a level and
//! trace ids among them are understood.
//! Source: Loki, "HTTP API: Ingest logs", and `pkg/push/push.proto`.

mod json;
mod labels;
mod proto;

use foundation::{ErrorKind, UnixNanos};
use model::trace::{Resource, Scope};
use model::{SpanId, TraceId, Value};
use thiserror::Error;

pub use json::json;
pub use proto::protobuf;

use crate::otlp::Assembly;
use crate::protobuf::Writer;
use crate::severity;

/// Labels of one stream, and pairs of metadata of one entry.
const PAIRS_MAX: usize = 256;

/// A push as a request to store.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Converted {
    /// An `ExportLogsServiceRequest`.
    pub request: Vec<u8>,
    /// How many records are in it.
    pub records: u64,
}

/// Bytes that are no push; nothing of them is kept.
#[derive(Debug, Error)]
pub enum LokiError {
    /// Not such JSON.
    #[error("the body is not a JSON push of streams: {0}")]
    Json(#[from] serde_json::Error),
    /// Not protobuf.
    #[error("the body is not a valid `logproto.PushRequest`: {0}")]
    Protobuf(#[from] crate::protobuf::Malformed),
    /// Labels that are none.
    #[error("stream {index}: `{labels}` are not labels; write them as `{{name=\"value\"}}`")]
    Labels {
        /// Which stream, from 0.
        index: u64,
        /// What was sent, the beginning.
        labels: String,
    },
}

impl LokiError {
    /// What a caller can do about it.
    pub const fn kind(&self) -> ErrorKind {
        ErrorKind::InvalidInput
    }
}

/// One stream that is being read: its records are encoded as they come.
#[derive(Default)]
struct Stream {
    labels: Vec<(String, String)>,
    records: Writer,
    count: u64,
}

impl Stream {
    fn label(&mut self, name: String, value: String) {
        if self.labels.len() < PAIRS_MAX {
            self.labels.push((name, value));
        }
    }

    fn entry(&mut self, time: UnixNanos, observed: UnixNanos, line: &str, metadata: &[(String, String)]) {
        let find = |pairs: &[(String, String)], names: &[&str]| -> Option<String> {
            pairs.iter().find(|(k, _)| names.contains(&k.as_str())).map(|(_, v)| v.clone())
        };
        const LEVELS: [&str; 4] = ["level", "detected_level", "severity", "severity_text"];
        let level = find(metadata, &LEVELS).or_else(|| find(&self.labels, &LEVELS));
        let trace = find(metadata, &["trace_id", "traceID", "traceId"]).and_then(|t| t.parse::<TraceId>().ok());
        let span = find(metadata, &["span_id", "spanID", "spanId"]).and_then(|t| t.parse::<SpanId>().ok());
        self.count += 1;
        self.records.message(2, |w| {
            for (field, t) in [(1, time), (11, observed)] {
                w.fixed64(field, u64::try_from(t.0).unwrap_or(0));
            }
            if let Some(level) = &level {
                w.uint(2, u64::from(severity::of_text(level)));
                w.string(3, level);
            }
            w.message(5, |w| w.string(1, line));
            for (name, value) in metadata {
                w.message(6, |w| {
                    w.string(1, name);
                    w.message(2, |w| w.string(1, value));
                });
            }
            if let Some(id) = trace {
                w.bytes(9, &id.0);
            }
            if let Some(id) = span {
                w.bytes(10, &id.0);
            }
        });
    }

    fn finish(self, assembly: &mut Assembly) {
        if self.count == 0 {
            return;
        }
        let service = ["service_name", "service", "app", "job"]
            .iter()
            .find_map(|name| self.labels.iter().find(|(k, _)| k == name))
            .map(|(_, v)| ("service.name".to_owned(), Value::Str(v.clone())));
        let has_own = self.labels.iter().any(|(k, _)| k == "service.name");
        let attributes = service
            .filter(|_| !has_own)
            .into_iter()
            .chain(self.labels.into_iter().map(|(k, v)| (k, Value::Str(v))))
            .filter(|(k, _)| k != "service_name")
            .collect();
        let group = assembly.group(&Resource { attributes, ..Resource::default() }, &Scope::default());
        assembly.encoded(group, self.records.as_bytes(), self.count);
    }
}

fn converted(assembly: Assembly) -> Converted {
    let records = assembly.records();
    Converted { request: assembly.into_request(), records }
}

#[cfg(test)]
mod tests;
