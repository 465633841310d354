//! What becomes of each kind of point.
//!
//! Gauge and sum: one sample. Histogram: `_bucket` per bound with the counts
//! of all lower buckets added and `le`, `_count`, and `_sum` if sent, or a native one if so
//! set. Exponential histogram: a native one. Summary: a sample per quantile,
//! `_sum`, `_count`. A point is taken whole or not at all.

use std::sync::Arc;

use model::Value;
use model::histogram::Histogram;
use wire::sink::{
    ExemplarRef, ExponentialHistogramFields, HistogramFields, MetricRef, MetricSink, Number, PointFields, PointResult,
    ResourceRef, ScopeRef, SummaryFields,
};

use super::{LabelRef, ResourceLabels, Sink, histograms, put_series, text};
use crate::batch::{BatchValue, Buffer, Mode};
use crate::chunk::{HistogramValue, STALE_NAN};
use crate::exemplar::Exemplar;
use crate::outcome::Refusal;

/// Bit 0 of the flags of a data point: the series is there, but has no value.
const NO_RECORDED_VALUE: u32 = 1;

/// Writes the samples of one point.
struct PointWriter<'a> {
    buf: &'a mut Buffer,
    labels: &'a [LabelRef<'a>],
    t: i64,
    start_t: i64,
    mode: Mode,
    stale: bool,
}

impl PointWriter<'_> {
    fn put(&mut self, name: &str, extra: Option<(&str, &str)>, v: f64) -> Result<(), Refusal> {
        let start = self.buf.keys.len();
        put_series(&mut self.buf.keys, self.labels, name, extra);
        let series = self.buf.push_series(start)?;
        let (v, mode) = if self.stale { (f64::from_bits(STALE_NAN), Mode::Set) } else { (v, self.mode) };
        self.buf.push_sample(series, self.t, self.start_t, BatchValue::Float(v), mode)
    }
}

impl PointWriter<'_> {
    fn put_histogram(&mut self, name: &str, h: Histogram<u64>) -> Result<(), Refusal> {
        let start = self.buf.keys.len();
        put_series(&mut self.buf.keys, self.labels, name, None);
        let series = self.buf.push_series(start)?;
        let (h, mode) = if self.stale {
            (Histogram { sum: f64::from_bits(STALE_NAN), ..Histogram::default() }, Mode::Set)
        } else {
            (h, self.mode)
        };
        self.buf.push_histogram(series, self.t, self.start_t, HistogramValue::Int(Arc::new(h)), mode)
    }
}

impl Sink {
    /// Runs `write` for one point; on a refusal nothing of the point stays. Returns the place of its first series.
    fn point(
        &mut self,
        point: &PointFields<'_>,
        write: impl FnOnce(&str, &mut PointWriter<'_>) -> Result<(), Refusal>,
    ) -> Result<u32, String> {
        let t = point.time.as_millis();
        if t == 0 {
            return Err("time_unix_nano is not set".to_owned());
        }
        let mark = self.batch.buf.mark();
        let first = self.batch.buf.series.len() as u32;
        self.batch.buf.points += 1;
        let metric = &self.at.metric;
        if metric.name.is_empty() {
            return Err("the metric name has no letter or digit".to_owned());
        }
        let labels = self.at.labels(point.attributes);
        let mut w = PointWriter {
            buf: &mut self.batch.buf,
            labels: &labels,
            t,
            start_t: if metric.counts() { point.start.as_millis() } else { 0 },
            mode: metric.mode(),
            stale: point.flags & NO_RECORDED_VALUE != 0,
        };
        if let Err(refusal) = write(&metric.name, &mut w) {
            self.batch.buf.undo(mark);
            return Err(refusal.to_string());
        }
        let newest = &mut self.at.resource.newest;
        *newest = Some(newest.map_or(t, |n| n.max(t)));
        Ok(first)
    }

    fn exemplars(&mut self, exemplars: &[ExemplarRef<'_>], series_of: impl Fn(f64) -> u32) {
        for e in exemplars {
            let attributes: Vec<(String, String)> = wire::otlp::read_map(e.filtered_attributes)
                .iter()
                .filter(|(_, v)| *v != Value::Empty)
                .map(|(k, v)| (k.clone(), text::value_text(v)))
                .collect();
            let exemplar = Exemplar {
                t: e.time.as_millis(),
                value: e.value,
                trace_id: e.trace_id,
                span_id: e.span_id,
                attributes,
            };
            // The sample is kept: an exemplar is an example of it, and never its price.
            if !exemplar.is_too_long() {
                self.batch.exemplars.push((series_of(e.value), exemplar));
            }
        }
    }
}

impl MetricSink for Sink {
    fn resource(&mut self, resource: ResourceRef<'_>) {
        self.finish_resource();
        self.at.resource = ResourceLabels::new(resource.raw, &self.at.options);
        self.at.scope.clear();
    }

    fn scope(&mut self, scope: ScopeRef<'_>) {
        self.at.scope.clear();
        if self.at.options.scope_labels {
            let read = wire::otlp::read_scope(scope.raw);
            let labels = [
                ("otel_scope_name", read.name),
                ("otel_scope_version", read.version),
                ("otel_scope_schema_url", scope.schema_url.to_owned()),
            ];
            let named = labels.into_iter().filter(|(_, v)| !v.is_empty());
            self.at.scope.extend(named.map(|(k, v)| (k.to_owned(), v)));
        }
    }

    fn metric(&mut self, metric: MetricRef<'_>) {
        let info = self.at.begin(metric);
        self.batch.metrics.push(info);
    }

    fn number(&mut self, point: &PointFields<'_>, value: Number) -> PointResult {
        let v = match value {
            Number::Int(i) => i as f64,
            Number::Double(d) => d,
        };
        let first = self.point(point, |name, w| w.put(name, None, v))?;
        self.exemplars(point.exemplars, |_| first);
        Ok(())
    }

    fn histogram(&mut self, point: &PointFields<'_>, h: &HistogramFields<'_>) -> PointResult {
        if self.at.options.custom_buckets {
            let first = self.point(point, |name, w| w.put_histogram(name, histograms::custom(h)))?;
            self.exemplars(point.exemplars, |_| first);
            return Ok(());
        }
        let first = self.point(point, |name, w| {
            let bucket = format!("{name}_bucket");
            let mut below = 0u64;
            for (upper, count) in h.bounds.iter().zip(h.bucket_counts) {
                below = below.saturating_add(*count);
                w.put(&bucket, Some(("le", &text::bound(*upper))), below as f64)?;
            }
            w.put(&bucket, Some(("le", "+Inf")), h.count as f64)?;
            w.put(&format!("{name}_count"), None, h.count as f64)?;
            match h.sum {
                Some(sum) => w.put(&format!("{name}_sum"), None, sum),
                None => Ok(()),
            }
        })?;
        // An exemplar belongs to the first bucket that holds its value; the samples of the buckets come first.
        let bounds = h.bounds.get(..h.bucket_counts.len().min(h.bounds.len())).unwrap_or_default();
        self.exemplars(point.exemplars, |v| first + bounds.partition_point(|b| *b < v) as u32);
        Ok(())
    }

    fn exponential_histogram(&mut self, point: &PointFields<'_>, h: &ExponentialHistogramFields<'_>) -> PointResult {
        let h = histograms::exponential(h)?;
        let first = self.point(point, |name, w| w.put_histogram(name, h))?;
        self.exemplars(point.exemplars, |_| first);
        Ok(())
    }

    fn summary(&mut self, point: &PointFields<'_>, s: &SummaryFields<'_>) -> PointResult {
        self.point(point, |name, w| {
            for (quantile, value) in s.quantiles {
                w.put(name, Some(("quantile", &text::bound(*quantile))), *value)?;
            }
            w.put(&format!("{name}_sum"), None, s.sum)?;
            w.put(&format!("{name}_count"), None, s.count as f64)
        })?;
        Ok(())
    }
}
