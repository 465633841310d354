//! Prometheus' wire formats: remote write, bytes to a [`SeriesSink`] and back, remote read, and the formats that targets are
//! scraped in.
//!
//! Sources: prometheus.io, "Remote Write 1.0" and "Remote Write 2.0"; `prompb/types.proto` and
//! `prompb/io/prometheus/write/v2/types.proto` of Prometheus for the field numbers.
//! Knows no compression (bodies come decompressed) and no HTTP.

mod bits;
pub mod encode;
pub mod exposition;
mod fault;
mod histogram;
mod histogram_chunk;
mod labels;
mod limits;
pub mod remote_read;
pub mod remote_write;
mod sink;
#[cfg(test)]
mod tests;
mod xor;

pub use fault::{DecodeError, HistogramFault, Refusal};
pub use histogram::check as check_histogram;
pub use labels::{SeriesKey, write_key};
pub use limits::Limits;
pub use sink::{ExemplarRef, MetadataRef, MetricType, SampleSink, SeriesSink, Stamp};
