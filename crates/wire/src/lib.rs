//! Floor 2: pure codecs, bytes to telemetry and back.
//!
//! Decoders walk the bytes once and push fields into a sink (see [`sink`]):
//! the engines' column builders, or rows of `model` in tests.
//! *Invariant:* no sockets, no storage.

mod bounded;
pub mod civil;
pub mod fuzz;
pub mod jaeger;
pub mod json_line;
pub mod json_lines;
pub mod loki;
pub mod mutation;
pub mod otlp;
pub mod points;
pub mod prometheus;
pub mod protobuf;
pub mod rows;
pub mod severity;
pub mod sink;
pub mod syslog;
pub mod thrift;
pub mod zipkin;
