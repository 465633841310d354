//! Series of Prometheus' formats into a batch of the metrics engine.

use std::sync::Arc;

use model::Histogram;
use tsdb::{Batch, Exemplar, HistogramValue, Metadata, SeriesWriter};
use wire::prometheus::exposition::{SampleRef, Value};
use wire::prometheus::{ExemplarRef, MetadataRef, MetricType, SampleSink, SeriesSink, Stamp};

/// Fills a batch.
pub(crate) struct BatchSink<'b>(pub(crate) &'b mut Batch);

impl SeriesSink for BatchSink<'_> {
    type Series<'s>
        = BatchSeries<'s>
    where
        Self: 's;

    #[inline]
    fn series(&mut self, key: &[u8]) -> BatchSeries<'_> {
        BatchSeries(self.0.series_by_key(key))
    }

    fn metadata(&mut self, m: &MetadataRef<'_>) {
        let metadata = Metadata { kind: metric_type(m.kind), unit: m.unit.to_owned(), help: m.help.to_owned() };
        self.0.metadata(m.family, metadata);
    }
}

/// Takes the samples of one series.
pub(crate) struct BatchSeries<'s>(SeriesWriter<'s>);

impl SampleSink for BatchSeries<'_> {
    #[inline]
    fn sample(&mut self, at: Stamp, value: f64) {
        self.0.since(at.start).sample(at.t, value);
    }

    fn histogram(&mut self, at: Stamp, h: &Histogram<u64>) {
        self.0.since(at.start).histogram(at.t, HistogramValue::Int(Arc::new(h.clone())));
    }

    fn float_histogram(&mut self, at: Stamp, h: &Histogram<f64>) {
        self.0.since(at.start).histogram(at.t, HistogramValue::Float(Arc::new(h.clone())));
    }

    fn exemplar(&mut self, e: &ExemplarRef<'_>) {
        self.0.exemplar(Exemplar::from_labels(e.t, e.value, e.labels.iter().copied()));
    }
}

/// Stores a sample of an exposition, at `t`, with its start and its exemplars.
pub fn store(mut series: SeriesWriter<'_>, s: &SampleRef<'_>, t: i64) {
    series.since(s.start);
    match s.value {
        Value::Float(v) => series.sample(t, v),
        Value::Histogram(h) => series.histogram(t, HistogramValue::Int(h.clone().into())),
        Value::FloatHistogram(h) => series.histogram(t, HistogramValue::Float(h.clone().into())),
    };
    for e in s.exemplars {
        let at = if e.t == 0 { t } else { e.t };
        series.exemplar(Exemplar::from_labels(at, e.value, e.labels.iter().copied()));
    }
}

/// The engine's word for a type of Prometheus' formats.
pub fn metric_type(kind: MetricType) -> tsdb::MetricType {
    match kind {
        MetricType::Unknown => tsdb::MetricType::Unknown,
        MetricType::Counter => tsdb::MetricType::Counter,
        MetricType::Gauge => tsdb::MetricType::Gauge,
        MetricType::Histogram => tsdb::MetricType::Histogram,
        MetricType::GaugeHistogram => tsdb::MetricType::GaugeHistogram,
        MetricType::Summary => tsdb::MetricType::Summary,
        MetricType::Info => tsdb::MetricType::Info,
        MetricType::StateSet => tsdb::MetricType::StateSet,
    }
}
