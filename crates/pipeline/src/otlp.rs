//! The OTLP receiver: gRPC and HTTP, on both of its ports.
//!
//! Both protocols are served by hyper directly: a unary gRPC call is a body
//! with a five-byte prefix and trailers, which needs no framework. A port
//! tells the protocols apart by the content type, so that a client that mixes
//! up 4317 and 4318 works all the same.
//!
//! Source: OpenTelemetry Protocol specification 1.10; gRPC over HTTP/2.

pub(crate) mod compression;
mod cors;
mod grpc;
mod http;
mod server;

pub use cors::Cors;
pub use server::{Config, serve};

use model::Signal;

/// Where a signal comes in over gRPC.
fn signal_of_method(path: &str) -> Option<Signal> {
    match path {
        "/opentelemetry.proto.collector.trace.v1.TraceService/Export" => Some(Signal::Traces),
        "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export" => Some(Signal::Metrics),
        "/opentelemetry.proto.collector.logs.v1.LogsService/Export" => Some(Signal::Logs),
        _ => None,
    }
}
