//! Floor 1: the vocabulary of telemetry, as OpenTelemetry and Prometheus spell it.
//!
//! Rows of these types are what queries answer and tests compare; the ingest
//! path does not build them (it goes from bytes to columns).
//! *Invariant:* no storage, no HTTP, no serde of any wire format.

pub mod access;
pub mod attributes;
pub mod histogram;
pub mod ids;
pub mod labels;
pub mod log;
pub mod semconv;
pub mod time_range;
pub mod trace;

pub use access::AccessScope;
pub use attributes::{Attributes, Value};
pub use foundation::UnixNanos;
pub use histogram::Histogram;
pub use ids::{SpanId, TraceId};
pub use labels::{Label, Labels};
pub use log::LogRecord;
pub use time_range::TimeRange;
pub use trace::Span;

/// The bits of the NaN that marks the end of a series; every other NaN is a value.
pub const STALE_NAN_BITS: u64 = 0x7ff0_0000_0000_0002;

/// The three kinds of telemetry that are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Signal {
    /// Spans.
    Traces,
    /// Series of samples.
    Metrics,
    /// Log records.
    Logs,
}

impl Signal {
    /// Every signal, each at its [`Signal::index`].
    pub const ALL: [Self; 3] = [Self::Traces, Self::Metrics, Self::Logs];

    /// Its place in arrays that have one entry for each signal.
    pub const fn index(self) -> usize {
        self as usize
    }

    /// `traces`, `metrics` or `logs`, as in OTLP paths.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Traces => "traces",
            Self::Metrics => "metrics",
            Self::Logs => "logs",
        }
    }

    /// The word for one record of the signal, in the plural, as in OTLP's `rejected_spans`.
    pub const fn records(self) -> &'static str {
        match self {
            Self::Traces => "spans",
            Self::Metrics => "data points",
            Self::Logs => "log records",
        }
    }
}
