//! Telemetry that nobody had to wait for: the demo's stack and the bench's data.
//!
//! [`meetsmatch`] plays a small product (browser, nginx, an API, a Telegram
//! bot, PostgreSQL, Redis) as the OTLP requests that its SDKs would send;
//! [`demo`] sends them in real time. [`dataset`] is a large, skewed, boring
//! data set to measure with; [`ingest`] sends it as fast as a server takes it.
//! [`node`] is many machines as a node exporter shows them; [`remote_write`] sends their samples, [`exporter`] shows them to scrapers.
//! Everything is a function of a seed and of times that are passed in.
//! *Invariant:* knows wire formats and sockets, and nothing of the server.

pub mod client;
pub mod dataset;
pub mod demo;
pub mod exporter;
pub mod ingest;
pub mod meetsmatch;
pub mod node;
pub mod otlp;
pub mod random;
pub mod remote_write;
pub mod report;

use model::Signal;

/// One encoded OTLP export request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Which of the three export services it is for.
    pub signal: Signal,
    /// `service.name` of its resource; `bench` for the bench data set, whose requests hold many.
    pub service: &'static str,
    /// How many spans, log records or data points it carries.
    pub records: usize,
    /// `ExportTraceServiceRequest`, `ExportLogsServiceRequest` or `ExportMetricsServiceRequest`, protobuf.
    pub bytes: Vec<u8>,
}
