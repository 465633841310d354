//! OTLP JSON: requests are rewritten as protobuf and back, values are written for the API.
//!
//! The rewriting streams: keys are looked up in the schema, values go
//! straight to a protobuf writer, whose output is at most five times as long as the
//! JSON (a `0` becomes a fixed field of nine bytes). Everything else about a request,
//! limits included, is the protobuf decoder's business.
//!
//! The way back ([`from_protobuf`]) goes by the same schema: what JSON has no name for is left out.
//!
//! Source: OTLP specification, "JSON Protobuf encoding", and the proto3 JSON mapping.
//! Accepted beyond the specification, as the OpenTelemetry Collector does:
//! `snake_case` names and enums by name.

mod request;
mod scalar;
mod text;
mod value;

pub use request::{JsonError, MAX_DEPTH, to_protobuf};
pub use text::from_protobuf;
pub use value::{attributes_to_json, value_to_json};
