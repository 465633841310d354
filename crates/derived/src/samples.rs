//! Totals as samples of the metrics engine: which names, which labels, which values.
//!
//! A new series begins with a zero at the step before its first span arrived,
//! so that `increase` sees the first count too. That time comes from the log:
//! after a crash the same zero is written again, which changes nothing.

use tsdb::{Batch, Exemplar, Metadata, MetricType};

use crate::buckets::Buckets;
use crate::histograms::{self, Histograms};
use crate::names::Names;
use crate::service_graph::ServiceGraph;
use crate::settings::{Settings, Unit};
use crate::span_metrics::SpanMetrics;
use crate::state::State;
use crate::table::Table;

/// Rows of one batch: some ten thousand samples.
const ROWS_MAX: usize = 500;
/// A series that no span touched for this long is written at every fourth step only: it does not change, and readers
/// look back five minutes.
const IDLE_MS: i64 = 600_000;
const IDLE_STEPS: i64 = 4;
/// New series are given their zero for so many steps: a span may arrive before one step and be counted after it.
const ZERO_STEPS: i64 = 2;

const KINDS: [&str; 6] = [
    "SPAN_KIND_UNSPECIFIED",
    "SPAN_KIND_INTERNAL",
    "SPAN_KIND_SERVER",
    "SPAN_KIND_CLIENT",
    "SPAN_KIND_PRODUCER",
    "SPAN_KIND_CONSUMER",
];
const STATUSES: [&str; 3] = ["STATUS_CODE_UNSET", "STATUS_CODE_OK", "STATUS_CODE_ERROR"];

const CALLS: &str = "traces_span_metrics_calls_total";
const REQUESTS: &str = "traces_service_graph_request_total";
const FAILED: &str = "traces_service_graph_request_failed_total";
const UNPAIRED: &str = "traces_service_graph_unpaired_spans_total";
const DROPPED: &str = "traces_service_graph_dropped_spans_total";
/// How often exceptions of an error group were raised.
pub(crate) const EXCEPTIONS: &str = "traces_exceptions_total";

/// The names of one histogram's series and the texts of its bounds.
struct HistogramNames {
    bucket: String,
    sum: String,
    count: String,
    /// One per bucket, `+Inf` last.
    bounds: Vec<String>,
    unit: Unit,
}

impl HistogramNames {
    fn new(family: &str, buckets: &Buckets, unit: Unit) -> Self {
        let bounds = buckets.bounds().iter().map(|nanos| (*nanos as f64 / unit.nanos() as f64).to_string());
        Self {
            bucket: format!("{family}_bucket"),
            sum: format!("{family}_sum"),
            count: format!("{family}_count"),
            bounds: bounds.chain(["+Inf".to_owned()]).collect(),
            unit,
        }
    }
}

/// What is written at one step.
pub(crate) struct Step {
    /// The time of the samples, milliseconds since the epoch.
    t: i64,
    step_ms: i64,
    /// Series that were created since then may still need their zero.
    zeros_since: i64,
    /// By [`crate::SpanMetricsSettings::dimensions`].
    dimensions: Vec<String>,
    durations: HistogramNames,
    client: HistogramNames,
    server: HistogramNames,
}

/// Where a step continues.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Position {
    SpanMetrics(usize),
    Edges(usize),
    Rest,
    End,
}

impl Step {
    /// The step at `t`; `written` is the time of the last one whose samples were all stored.
    pub(crate) fn new(settings: &Settings, t: i64, written: i64) -> Self {
        let step_ms = i64::try_from(settings.step.as_millis()).unwrap_or(i64::MAX).max(1);
        let spans = &settings.span_metrics;
        let family = format!("traces_span_metrics_duration_{}", spans.unit.name());
        let edges = Buckets::new(&settings.service_graph.buckets);
        let graph =
            |side| HistogramNames::new(&format!("traces_service_graph_request_{side}_seconds"), &edges, Unit::Seconds);
        Self {
            t,
            step_ms,
            zeros_since: written.saturating_sub(ZERO_STEPS * step_ms),
            dimensions: spans.dimensions.iter().map(|(key, _)| label_name(key)).collect(),
            durations: HistogramNames::new(&family, &Buckets::new(&spans.buckets), spans.unit),
            client: graph("client"),
            server: graph("server"),
        }
    }

    /// Puts the next samples into `batch`; where to continue.
    pub(crate) fn put(&self, state: &mut State, from: Position, batch: &mut Batch) -> Position {
        match from {
            Position::SpanMetrics(row) => {
                let end = (row + ROWS_MAX).min(state.span_metrics.table.len());
                (row..end).for_each(|row| self.span_metrics(&mut state.span_metrics, &state.names, row as u32, batch));
                if end < state.span_metrics.table.len() { Position::SpanMetrics(end) } else { Position::Edges(0) }
            }
            Position::Edges(row) => {
                let end = (row + ROWS_MAX / 2).min(state.service_graph.table.len());
                (row..end).for_each(|row| self.edge(&mut state.service_graph, &state.names, row as u32, batch));
                if end < state.service_graph.table.len() { Position::Edges(end) } else { Position::Rest }
            }
            Position::Rest => {
                self.unpaired(&state.service_graph, &state.names, batch);
                self.exceptions(state, batch);
                self.metadata(batch);
                Position::End
            }
            Position::End => Position::End,
        }
    }

    /// Whether a series is written now, and the time of its zero.
    fn due(&self, created: i64, touched: i64) -> Option<Option<i64>> {
        let zero = created.div_euclid(self.step_ms) * self.step_ms;
        let idle = touched < self.t.saturating_sub(IDLE_MS);
        if zero >= self.t || (idle && self.t.div_euclid(self.step_ms) % IDLE_STEPS != 0) {
            return None;
        }
        Some((created >= self.zeros_since).then_some(zero))
    }

    fn due_row(&self, table: &Table, row: u32) -> Option<Option<i64>> {
        self.due(table.created(row), table.touched(row))
    }

    fn span_metrics(&self, m: &mut SpanMetrics, names: &Names, row: u32, batch: &mut Batch) {
        let Some(zero) = self.due_row(&m.table, row) else { return };
        let exemplar = m.histograms.take_exemplar(row);
        let key = m.key(row);
        let service = names.get(key.service);
        let mut labels = Labels::new(&[("service", service), ("service_name", service)]);
        match &key.operation {
            None => labels.set("otel_metric_overflow", "true"),
            Some(operation) => {
                labels.set("span_name", operation.name);
                labels.set("span_kind", KINDS.get(operation.kind as usize).copied().unwrap_or(KINDS[0]));
                labels.set("status_code", STATUSES.get(operation.status as usize).copied().unwrap_or(STATUSES[0]));
                self.dimensions.iter().zip(&operation.dimensions).for_each(|(name, value)| labels.set(name, value));
            }
        }
        self.counter(CALLS, &mut labels, m.histograms.count(row), zero, batch);
        self.histogram(&self.durations, &mut labels, &m.histograms, row, exemplar, zero, batch);
    }

    fn edge(&self, graph: &mut ServiceGraph, names: &Names, row: u32, batch: &mut Batch) {
        let Some(zero) = self.due_row(&graph.table, row) else { return };
        let edge = ServiceGraph::edge(&graph.table, row);
        let mut labels = Labels::new(&[
            ("client", names.get(edge.client)),
            ("connection_type", edge.connection.label()),
            ("server", names.get(edge.server)),
        ]);
        self.counter(REQUESTS, &mut labels, graph.client.count(row), zero, batch);
        self.counter(FAILED, &mut labels, graph.failed[row as usize], zero, batch);
        let (client, server) = (graph.client.take_exemplar(row), graph.server.take_exemplar(row));
        self.histogram(&self.client, &mut labels, &graph.client, row, client, zero, batch);
        self.histogram(&self.server, &mut labels, &graph.server, row, server, zero, batch);
    }

    fn unpaired(&self, graph: &ServiceGraph, names: &Names, batch: &mut Batch) {
        for row in 0..graph.unpaired.len() as u32 {
            let Some(zero) = self.due_row(&graph.unpaired, row) else { continue };
            let edge = ServiceGraph::edge(&graph.unpaired, row);
            let mut labels = Labels::new(&[("client", names.get(edge.client)), ("server", names.get(edge.server))]);
            self.counter(UNPAIRED, &mut labels, graph.unpaired_counts[row as usize], zero, batch);
        }
        self.counter(DROPPED, &mut Labels::new(&[]), graph.dropped, None, batch);
    }

    fn exceptions(&self, state: &State, batch: &mut Batch) {
        for (id, group) in &state.errors.groups {
            let Some(zero) = self.due(group.created, group.touched) else { continue };
            let id = format!("{id:016x}");
            let mut labels = Labels::new(&[
                ("error_group", &id),
                ("exception_type", &group.exception_type),
                ("service", &group.service),
                ("service_name", &group.service),
            ]);
            self.counter(EXCEPTIONS, &mut labels, group.count, zero, batch);
        }
    }

    fn metadata(&self, batch: &mut Batch) {
        let mut say = |family: &str, kind, unit: &str, help: &str| {
            batch.metadata(family, Metadata { kind, unit: unit.to_owned(), help: help.to_owned() });
        };
        let family = |names: &HistogramNames| names.sum.trim_end_matches("_sum").to_owned();
        let unit = self.durations.unit.name();
        say(CALLS, MetricType::Counter, "", "Spans.");
        say(&family(&self.durations), MetricType::Histogram, unit, "How long spans took.");
        say(REQUESTS, MetricType::Counter, "", "Requests between two nodes.");
        say(FAILED, MetricType::Counter, "", "Requests between two nodes that failed on either side.");
        say(&family(&self.client), MetricType::Histogram, "seconds", "How long requests took, seen by the client.");
        say(&family(&self.server), MetricType::Histogram, "seconds", "How long requests took, seen by the server.");
        say(UNPAIRED, MetricType::Counter, "", "Spans whose other half did not come.");
        say(DROPPED, MetricType::Counter, "", "Spans that there was no room to wait for.");
        say(EXCEPTIONS, MetricType::Counter, "", "Exceptions recorded by spans, by error group.");
    }

    fn counter<'l>(&self, name: &'l str, labels: &mut Labels<'l>, total: u64, zero: Option<i64>, batch: &mut Batch) {
        self.sample(name, labels, total as f64, zero, batch);
    }

    fn sample<'b, 'l>(
        &self,
        name: &'l str,
        labels: &mut Labels<'l>,
        value: f64,
        zero: Option<i64>,
        batch: &'b mut Batch,
    ) -> tsdb::SeriesWriter<'b> {
        labels.set(model::labels::NAME, name);
        let mut series = batch.series(labels.0.iter().copied());
        if let Some(t) = zero {
            series.sample(t, 0.0);
        }
        series.sample(self.t, value);
        series
    }

    fn histogram<'l>(
        &self,
        names: &'l HistogramNames,
        labels: &mut Labels<'l>,
        histograms: &Histograms,
        row: u32,
        exemplar: Option<histograms::Exemplar>,
        zero: Option<i64>,
        batch: &mut Batch,
    ) {
        let unit = names.unit.nanos() as f64;
        let example_in = exemplar.as_ref().map(|e| histograms.buckets().index(e.nanos));
        let mut total = 0;
        for (i, (count, bound)) in histograms.counts(row).iter().zip(&names.bounds).enumerate() {
            total += count;
            labels.set("le", bound);
            let mut series = self.sample(&names.bucket, labels, total as f64, zero, batch);
            if let Some(e) = exemplar.filter(|_| example_in == Some(i)) {
                let value = e.nanos as f64 / unit;
                let (trace_id, span_id) = (e.trace_id, e.span_id);
                series.exemplar(Exemplar { t: e.t, value, trace_id, span_id, attributes: Vec::new() });
            }
        }
        labels.remove("le");
        self.sample(&names.sum, labels, histograms.sum(row) as f64 / unit, zero, batch);
        self.sample(&names.count, labels, total as f64, zero, batch);
    }
}

/// Labels sorted by name, as the engine takes them without sorting again.
struct Labels<'a>(Vec<(&'a str, &'a str)>);

impl<'a> Labels<'a> {
    /// `labels` must be sorted.
    fn new(labels: &[(&'a str, &'a str)]) -> Self {
        let mut all = Vec::with_capacity(12);
        all.extend_from_slice(labels);
        Self(all)
    }

    fn set(&mut self, name: &'a str, value: &'a str) {
        match self.0.binary_search_by(|l| l.0.cmp(name)) {
            Ok(at) => self.0[at].1 = value,
            Err(at) => self.0.insert(at, (name, value)),
        }
    }

    fn remove(&mut self, name: &str) {
        self.0.retain(|l| l.0 != name);
    }
}

/// An attribute's key as a label name (OpenTelemetry, "Prometheus and OpenMetrics compatibility").
fn label_name(key: &str) -> String {
    let name: String = key.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    if name.starts_with(|c: char| c.is_ascii_digit()) { format!("key_{name}") } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_series_begin_with_a_zero_and_idle_ones_are_written_less_often() {
        let step = |t| Step::new(&Settings::default(), t, t - 15_000);
        let t = 6_000_000;
        assert_eq!(step(t).due(t - 15_000 + 1, t), Some(Some(t - 15_000)));
        assert_eq!(step(t).due(t + 1, t + 1), None, "its zero would be where its first sample is");
        assert_eq!(step(t).due(t - 100_000, t), Some(None), "it was given its zero before");
        let idle = t - IDLE_MS - 1;
        let written: Vec<bool> = (0..4).map(|i| step(t + i * 15_000).due(0, idle).is_some()).collect();
        assert_eq!(written, [true, false, false, false]);
    }

    #[test]
    fn attribute_keys_become_label_names() {
        assert_eq!(["http.method", "1st", "a-b"].map(label_name), ["http_method", "key_1st", "a_b"]);
    }
}
