//! Remote write: requests of both versions, walked in place into a [`SeriesSink`].
//!
//! A request that is not protobuf of its schema is refused as a whole; a series, histogram or sample that is wrong in
//! itself is left out and counted, as Prometheus' receiver does. Each series is walked twice: its labels first, whatever
//! their place on the wire, then what it holds; skipping is cheap.

mod samples;
mod v1;
mod v2;

use super::fault::{DecodeError, Refusal};
use super::histogram::{Counts, Raw};
use super::labels::SeriesKey;
use super::limits::{EXEMPLAR_CHARS_MAX, Limits};
use super::sink::{ExemplarRef, MetricType, SampleSink, SeriesSink, Stamp};

/// Which message a request is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// `prometheus.WriteRequest`, remote write 1.0.
    V1,
    /// `io.prometheus.write.v2.Request`, remote write 2.0.
    V2,
}

impl Version {
    /// The full name of the message, as in the content type.
    pub const fn message(self) -> &'static str {
        match self {
            Self::V1 => "prometheus.WriteRequest",
            Self::V2 => "io.prometheus.write.v2.Request",
        }
    }
}

/// What is used again from series to series.
#[derive(Default)]
struct Scratch<'a> {
    key: SeriesKey<'a>,
    exemplar_labels: Vec<(&'a str, &'a str)>,
    histogram: Raw,
}

/// What became of a request that is well-formed.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Decoded {
    /// Samples that went to the sink.
    pub samples: u64,
    /// Native histograms that went to the sink.
    pub histograms: u64,
    /// Exemplars that went to the sink.
    pub exemplars: u64,
    /// Samples that were refused, because their series was.
    pub refused_samples: u64,
    /// Histograms that were refused.
    pub refused_histograms: u64,
    /// Exemplars that were refused.
    pub refused_exemplars: u64,
    /// Which series was refused first, wholly or in part, and why.
    pub first_error: Option<String>,
}

impl Decoded {
    #[cold]
    fn refuse(&mut self, timeseries: usize, why: &Refusal) {
        if self.first_error.is_none() {
            self.first_error = Some(format!("timeseries[{timeseries}]: {why}"));
        }
    }
}

/// Walks a request and pushes what it holds into `sink`.
///
/// # Errors
/// The bytes are not a message of this version; what went to the sink must be forgotten.
pub fn decode(
    version: Version,
    request: &[u8],
    limits: &Limits,
    sink: &mut impl SeriesSink,
) -> Result<Decoded, DecodeError> {
    match version {
        Version::V1 => v1::decode(request, limits, sink),
        Version::V2 => v2::decode(request, limits, sink),
    }
}

/// Counts and pushes what one series holds; without a writer, because the series was refused, it only counts.
struct Series<'d, W> {
    n: usize,
    decoded: &'d mut Decoded,
    writer: Option<W>,
}

impl<'d, W: SampleSink> Series<'d, W> {
    fn new(n: usize, decoded: &'d mut Decoded, writer: Result<W, Refusal>) -> Self {
        if let Err(why) = &writer {
            decoded.refuse(n, why);
        }
        Self { n, decoded, writer: writer.ok() }
    }

    #[inline]
    fn sample(&mut self, at: Stamp, value: f64) {
        match &mut self.writer {
            Some(w) => {
                w.sample(at, value);
                self.decoded.samples += 1;
            }
            None => self.decoded.refused_samples += 1,
        }
    }

    fn histogram(&mut self, raw: &mut Raw, limits: &Limits) {
        let at = raw.at;
        let Some(w) = &mut self.writer else {
            self.decoded.refused_histograms += 1;
            return;
        };
        match raw.finish(limits) {
            Ok(Counts::Whole(h)) => w.histogram(at, h),
            Ok(Counts::Float(h)) => w.float_histogram(at, h),
            Err(fault) => {
                self.decoded.refused_histograms += 1;
                return self.decoded.refuse(self.n, &fault.into());
            }
        }
        self.decoded.histograms += 1;
    }

    fn exemplar(&mut self, exemplar: Option<&ExemplarRef<'_>>) {
        let Some(w) = &mut self.writer else {
            self.decoded.refused_exemplars += 1;
            return;
        };
        let chars =
            |e: &ExemplarRef<'_>| e.labels.iter().map(|(n, v)| n.chars().count() + v.chars().count()).sum::<usize>();
        match exemplar {
            Some(exemplar) if chars(exemplar) <= EXEMPLAR_CHARS_MAX => {
                w.exemplar(exemplar);
                self.decoded.exemplars += 1;
            }
            other => {
                let why = if other.is_some() { Refusal::ExemplarTooLong } else { Refusal::ExemplarLabels };
                self.decoded.refused_exemplars += 1;
                self.decoded.refuse(self.n, &why);
            }
        }
    }
}

/// The family of a series: metadata of 2.0 stands at each series of a histogram or summary, metadata is asked for by family.
fn family(metric: &str, kind: MetricType) -> &str {
    let suffixes: &[&str] = match kind {
        MetricType::Histogram => &["_bucket", "_sum", "_count"],
        MetricType::GaugeHistogram => &["_bucket", "_gsum", "_gcount"],
        MetricType::Summary => &["_sum", "_count"],
        _ => &[],
    };
    suffixes.iter().find_map(|s| metric.strip_suffix(s)).filter(|f| !f.is_empty()).unwrap_or(metric)
}
