//! Where scraped samples go: straight into the metrics engine, or as metrics of OTLP into a pipeline.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::{Histogram, Signal};
use tsdb::{Batch, Metadata, STALE_NAN};
use wire::prometheus::exposition::{SampleRef, Value};

use super::otlp;
use super::target::Target;
use crate::consumer::Consumer;
use crate::ingest::Ingest;
use crate::journal::Journal;
use crate::series;
use crate::telemetry::Telemetry;

/// Takes what is scraped; clones share it.
#[derive(Clone)]
pub enum Destination {
    /// The metrics engine.
    Engine(Ingest),
    /// A pipeline of metrics.
    Pipeline(Arc<dyn Consumer>, Journal),
}

/// The samples of one scrape.
pub(super) enum Samples {
    Batch(Box<Batch>),
    Rows(Vec<Row>),
}

/// A sample on its way into a pipeline.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Row {
    /// Canonical bytes of the labels.
    pub(super) key: Box<[u8]>,
    /// Milliseconds.
    pub(super) t: i64,
    /// Since when it counts, milliseconds; 0 if not said.
    pub(super) start: i64,
    pub(super) value: RowValue,
    pub(super) exemplars: Vec<RowExemplar>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum RowValue {
    Float(f64),
    Histogram(Box<Histogram<f64>>),
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct RowExemplar {
    pub(super) labels: Vec<(String, String)>,
    pub(super) value: f64,
    pub(super) t: i64,
}

impl Samples {
    /// A sample as a target shows it, at `t`.
    pub(super) fn store(&mut self, key: &[u8], s: &SampleRef<'_>, t: i64) {
        match self {
            Self::Batch(batch) => series::store(batch.series_by_key(key), s, t),
            Self::Rows(rows) => {
                let value = match s.value {
                    Value::Float(v) => RowValue::Float(v),
                    Value::Histogram(h) => RowValue::Histogram(Box::new(h.map_counts(|n| *n as f64))),
                    Value::FloatHistogram(h) => RowValue::Histogram(Box::new(h.clone())),
                };
                let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
                let exemplars = s.exemplars.iter().map(|e| RowExemplar {
                    labels: e.labels.iter().map(owned).collect(),
                    value: e.value,
                    t: if e.t == 0 { t } else { e.t },
                });
                rows.push(Row { key: key.into(), t, start: s.start, value, exemplars: exemplars.collect() });
            }
        }
    }

    /// A number at `t`.
    pub(super) fn number(&mut self, key: &[u8], t: i64, value: f64) {
        match self {
            Self::Batch(batch) => {
                batch.series_by_key(key).sample(t, value);
            }
            Self::Rows(rows) => {
                let value = RowValue::Float(value);
                rows.push(Row { key: key.into(), t, start: 0, value, exemplars: Vec::new() });
            }
        }
    }

    /// A series ended.
    pub(super) fn stale(&mut self, key: &[u8], t: i64) {
        self.number(key, t, f64::from_bits(STALE_NAN));
    }

    /// What is known of a family. A pipeline gets it with every metric.
    pub(super) fn metadata(&mut self, family: &str, metadata: &Metadata) {
        if let Self::Batch(batch) = self {
            batch.metadata(family, metadata.clone());
        }
    }
}

impl Destination {
    /// Room for a scrape.
    pub(super) fn samples(&self) -> Samples {
        match self {
            Self::Engine(ingest) => Samples::Batch(Box::new(ingest.metrics().batch())),
            Self::Pipeline(..) => Samples::Rows(Vec::new()),
        }
    }

    /// Hands a scrape over. One that is refused is noted: the next scrape is the next try.
    pub(super) async fn append(
        &self,
        samples: Samples,
        job: &str,
        target: &Target,
        families: &BTreeMap<String, Metadata>,
    ) {
        match (self, samples) {
            (Self::Engine(ingest), Samples::Batch(batch)) => into_engine(ingest, *batch, job).await,
            (Self::Pipeline(consumer, journal), Samples::Rows(rows)) => {
                let metrics = tokio::task::block_in_place(|| otlp::metrics(rows, target, families));
                let points = metrics.items() as u64;
                match consumer.consume(Telemetry::of(metrics)).await {
                    Ok(decoded) => {
                        journal.stored(Signal::Metrics, 0, points.saturating_sub(decoded.rejected), decoded.rejected);
                    }
                    Err(refusal) => {
                        let message = format!("scrape of job {job}: {refusal}");
                        journal.request_refused(Some(Signal::Metrics), "scrape", &message);
                    }
                }
            }
            // Samples are made by the destination that they go to.
            _ => {}
        }
    }
}

async fn into_engine(ingest: &Ingest, batch: Batch, job: &str) {
    match ingest.append(batch).await {
        Ok(stored) => {
            let (samples, refused) = (stored.samples + stored.histograms, stored.refused_points);
            ingest.journal().stored(Signal::Metrics, 0, samples, refused);
            if refused > 0 {
                let message = format!("scrape of job {job}: {}", stored.message());
                ingest.journal().note(Some(Signal::Metrics), "partial", &message, refused);
            }
        }
        Err(refusal) => {
            let message = format!("scrape of job {job}: {refusal}");
            ingest.journal().request_refused(Some(Signal::Metrics), "scrape", &message);
        }
    }
}
