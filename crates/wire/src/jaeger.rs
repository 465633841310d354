//! Jaeger's span batches, in Thrift and in protobuf, as OTLP trace requests.
//!
//! Both decoders read one span at a time into a [`span::Span`], which is translated and
//! written before the next is read.
//! Source: jaeger-idl, `thrift/jaeger.thrift`, `thrift/agent.thrift`, `proto/api_v2/{model,collector}.proto`;
//! OpenTelemetry specification, "OpenTelemetry to Jaeger Transformation", read backwards.

mod proto;
mod span;
mod thrift;
mod translate;

use foundation::ErrorKind;
use thiserror::Error;

pub use proto::post_spans;
pub use thrift::{batch, emit_batch};

/// A batch as a request to store.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Converted {
    /// An `ExportTraceServiceRequest`.
    pub request: Vec<u8>,
    /// How many spans are in it.
    pub spans: u64,
}

/// Bytes that are not a batch of spans; nothing of them is kept.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum JaegerError {
    /// Not Thrift.
    #[error("the batch is not valid Thrift: {0}")]
    Thrift(#[from] crate::thrift::Malformed),
    /// Not protobuf.
    #[error("the batch is not a valid `jaeger.api_v2.PostSpansRequest`: {0}")]
    Protobuf(#[from] crate::protobuf::Malformed),
    /// A call of something else.
    #[error("there is no method `{0}`; agents are sent `emitBatch`")]
    Method(String),
}

impl JaegerError {
    /// What a caller can do about it.
    pub const fn kind(&self) -> ErrorKind {
        ErrorKind::InvalidInput
    }
}

#[cfg(test)]
mod tests;
