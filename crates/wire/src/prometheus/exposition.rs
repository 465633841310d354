//! What scrape targets answer: the text format, OpenMetrics, and the protobuf format.
//!
//! Sources: prometheus.io, "Exposition formats" (text 0.0.4, 1.0.0 with UTF-8 names); OpenMetrics 1.0;
//! `io/prometheus/client/metrics.proto`. What is accepted is what Prometheus accepts: the text format generously, OpenMetrics
//! strictly in its syntax; neither checks what values mean (a counter may fall), since a scrape would be lost for it.

mod family;
mod float;
mod lex;
mod openmetrics;
mod protobuf;
#[cfg(test)]
mod tests;
mod text;

use std::borrow::Cow;

use foundation::ErrorKind;
use model::Histogram;
use thiserror::Error;

pub use family::{FamilyMetric, FamilyValue, write_family};
pub use lex::escape;

use super::limits::Limits;
use super::sink::{ExemplarRef, MetadataRef};

/// Which format a body has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// `text/plain`, version 0.0.4 or 1.0.0.
    Text,
    /// `application/openmetrics-text`.
    OpenMetrics,
    /// `application/vnd.google.protobuf` with delimited `io.prometheus.client.MetricFamily` messages.
    Protobuf,
}

impl Format {
    /// The format that a content type names; `None` for one that is none of them. A target that says nothing is not understood.
    pub fn of_content_type(value: &str) -> Option<Self> {
        let mut parts = value.split(';').map(str::trim);
        match parts.next()?.to_ascii_lowercase().as_str() {
            "text/plain" => Some(Self::Text),
            "application/openmetrics-text" => Some(Self::OpenMetrics),
            "application/vnd.google.protobuf" => {
                let has = |name: &str, value: &str| {
                    parts
                        .clone()
                        .filter_map(|p| p.split_once('='))
                        .any(|(n, v)| n.trim().eq_ignore_ascii_case(name) && v.trim().trim_matches('"') == value)
                };
                (has("proto", "io.prometheus.client.MetricFamily") && has("encoding", "delimited"))
                    .then_some(Self::Protobuf)
            }
            _ => None,
        }
    }
}

/// One label; the text is borrowed unless it had escapes.
pub type LabelRef<'a> = (Cow<'a, str>, Cow<'a, str>);

/// The value of a sample.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value<'a> {
    /// A float.
    Float(f64),
    /// A native histogram, consistent in itself.
    Histogram(&'a Histogram<u64>),
    /// The same with counts that are not whole.
    FloatHistogram(&'a Histogram<f64>),
}

/// A sample as a target shows it.
#[derive(Debug, Clone, Copy)]
pub struct SampleRef<'a> {
    /// What names the series in this body, as written: equal bytes mean equal labels, from scrape to scrape.
    pub raw: &'a [u8],
    /// The labels in the order they were written, `__name__` first; never two of one name.
    pub labels: &'a [LabelRef<'a>],
    /// Milliseconds since the epoch, if the target says when.
    pub t: Option<i64>,
    /// Since when it counts, milliseconds; 0 if not said.
    pub start: i64,
    /// The value.
    pub value: Value<'a>,
    /// Examples; `t` is 0 where the target does not say.
    pub exemplars: &'a [ExemplarRef<'a>],
}

/// Takes what a target shows.
pub trait ExpositionSink {
    /// A sample.
    fn sample(&mut self, sample: &SampleRef<'_>);
    /// Type, unit and help of a family, as far as they were said.
    fn metadata(&mut self, metadata: &MetadataRef<'_>);
}

/// A body that is not of its format; nothing of the scrape may be kept.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ExpositionError {
    /// Text that is not of its format.
    #[error("line {line}: {what}")]
    Line {
        /// Counted from 1.
        line: usize,
        /// What is wrong.
        what: String,
    },
    /// Protobuf that is not of its format.
    #[error("metric family {family}: {what}")]
    Family {
        /// Counted from 0.
        family: usize,
        /// What is wrong.
        what: String,
    },
}

impl ExpositionError {
    /// What a caller can do about it.
    pub const fn kind(&self) -> ErrorKind {
        ErrorKind::InvalidInput
    }
}

/// What scrapes may choose.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// Bounds on series.
    pub limits: Limits,
    /// Also the classic series of a histogram that comes native.
    pub always_classic: bool,
    /// Native histograms as far as the format has them; without, only the classic series of a histogram.
    pub native: bool,
}

/// Reads a body and pushes what it shows into `sink`.
///
/// # Errors
/// The body is not of this format; what went to the sink must be forgotten.
pub fn parse(
    format: Format,
    body: &[u8],
    options: &Options,
    sink: &mut impl ExpositionSink,
) -> Result<(), ExpositionError> {
    match format {
        Format::Text => text::parse(body, options, sink),
        Format::OpenMetrics => openmetrics::parse(body, options, sink),
        Format::Protobuf => protobuf::parse(body, options, sink),
    }
}
