//! Zipkin's spans, JSON of both versions and protobuf of version 2, as OTLP trace requests.
//!
//! One span is read at a time, translated and written before the next.
//! Source: zipkin-api, `zipkin2-api.yaml`, `zipkin-api.yaml` (version 1) and `zipkin.proto`; OpenTelemetry
//! specification, "OpenTelemetry to Zipkin Transformation" (read backwards), and the names that the Collector's receiver gives to endpoints.

mod json;
mod proto;
mod span;
mod translate;
mod v1;

use foundation::{ErrorKind, UnixNanos};
use thiserror::Error;

pub use json::json_v2;
pub use proto::proto_v2;
pub use v1::json_v1;

/// What the bytes do not say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// The start of spans that say none and have no annotations.
    pub now: UnixNanos,
    /// Makes numbers and booleans of tags that look like them; Zipkin's tags are all text.
    pub parse_string_tags: bool,
}

/// Spans as a request to store.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Converted {
    /// An `ExportTraceServiceRequest`.
    pub request: Vec<u8>,
    /// How many spans are in it.
    pub spans: u64,
}

/// Bytes that are not a list of spans; nothing of them is kept.
#[derive(Debug, Error)]
pub enum ZipkinError {
    /// Not such JSON.
    #[error("the body is not a JSON list of Zipkin spans: {0}")]
    Json(#[from] serde_json::Error),
    /// Not protobuf.
    #[error("the body is not a valid `zipkin.proto3.ListOfSpans`: {0}")]
    Protobuf(#[from] crate::protobuf::Malformed),
    /// An id that cannot be one.
    #[error("span {index}: {field} `{value}` is not an id; write up to {digits} hex digits, not all zero")]
    Id {
        /// Which span, from 0.
        index: u64,
        /// The field's name.
        field: &'static str,
        /// What it holds, the beginning.
        value: String,
        /// How many digits it may have.
        digits: usize,
    },
}

impl ZipkinError {
    /// What a caller can do about it.
    pub const fn kind(&self) -> ErrorKind {
        ErrorKind::InvalidInput
    }
}

#[cfg(test)]
mod tests;
