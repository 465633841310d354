//! OTLP, the OpenTelemetry protocol: requests into sinks, stored messages into `model`, responses out.
//!
//! There is one decoder, for protobuf; JSON requests are first rewritten as
//! protobuf (see [`json`]), so both spellings are stored and replayed alike.
//! A broken message refuses the whole request ([`DecodeError`]); a record that
//! is wrong in itself is left out and counted ([`Decoded`]), the others are kept.
//! Source: opentelemetry-proto (`opentelemetry/proto/**/*.proto`, stable) and the
//! OTLP specification, sections "Full success", "Partial success" and "JSON Protobuf encoding".

mod any_value;
mod assembly;
mod decoded;
pub mod encode;
mod envelope;
mod fault;
mod ids;
pub mod json;
mod limits;
mod logs;
mod metrics;
pub mod raw;
mod read;
mod response;
pub mod sampling;
mod schema;
mod shape;
mod structure;
mod text;
mod traces;
pub mod tree;

pub use assembly::{Assembly, Group};
pub use decoded::Decoded;
pub use fault::DecodeError;
pub use limits::Limits;
pub use logs::decode_logs;
pub use metrics::decode_metrics;
pub(crate) use read::unique;
pub use read::{read_array, read_event, read_link, read_map, read_resource, read_scope, read_value};
pub use response::{Encoding, Status, export_response, read_export_response};
pub use traces::decode_traces;

#[cfg(test)]
mod tests;
