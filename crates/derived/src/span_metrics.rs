//! RED metrics: how often, how badly, how long, per service, operation, kind and status.
//!
//! Source of names, labels and buckets: the OpenTelemetry Collector's
//! `spanmetrics` connector. Beyond the limits spans are counted in one series
//! per service with `otel_metric_overflow="true"`, so that totals stay right.

use eventstore::{SpanColumns, SpanValues};
use wire::sink::ValueRef;

use crate::arrival::Arrival;
use crate::buckets::Buckets;
use crate::bytes::{Damaged, Reader, put_u64};
use crate::histograms::{Exemplar, Histograms};
use foundation::text::beginning;

use crate::names::OTHER;
use crate::settings::SpanMetricsSettings;
use crate::table::Table;

/// Longer operation names and dimensions are cut: they are label values.
const LABEL_BYTES_MAX: usize = 1024;
/// The kind in the key of an overflow series; OTLP's kinds are 0 to 5.
const OVERFLOW: u8 = u8::MAX;

#[derive(Debug)]
pub(crate) struct SpanMetrics {
    settings: SpanMetricsSettings,
    pub(crate) table: Table,
    pub(crate) histograms: Histograms,
    /// Series by service, without overflow series.
    per_service: Vec<u32>,
    /// Series of all services, without overflow series.
    series: usize,
    /// Spans that were counted in an overflow series.
    pub(crate) overflowed: u64,
    /// The key that is being built.
    key: Vec<u8>,
}

/// What a series counts.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct SeriesKey<'a> {
    pub(crate) service: u32,
    /// `None` for the overflow series.
    pub(crate) operation: Option<Operation<'a>>,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Operation<'a> {
    pub(crate) kind: u8,
    pub(crate) status: u8,
    pub(crate) name: &'a str,
    /// By [`SpanMetricsSettings::dimensions`].
    pub(crate) dimensions: Vec<&'a str>,
}

impl SpanMetrics {
    pub(crate) fn new(settings: &SpanMetricsSettings) -> Self {
        let histograms = Histograms::new(Buckets::new(&settings.buckets));
        Self {
            settings: settings.clone(),
            table: Table::default(),
            histograms,
            per_service: Vec::new(),
            series: 0,
            overflowed: 0,
            key: Vec::new(),
        }
    }

    pub(crate) fn apply(&mut self, spans: &SpanColumns, at: &Arrival<'_>) {
        let keys: Vec<String> = self.settings.dimensions.iter().map(|(key, _)| key.clone()).collect();
        let mut dimensions: Vec<Option<SpanValues<'_>>> = keys.iter().map(|key| spans.attribute(key)).collect();
        let columns = spans.resource_codes().iter().zip(spans.kinds()).zip(spans.statuses()).zip(spans.durations());
        for (row, (((resource, kind), status), nanos)) in columns.enumerate() {
            let service = at.services.get(*resource as usize).copied().unwrap_or(OTHER);
            self.begin_key(service, (*kind).clamp(0, 5) as u8, (*status).clamp(0, 2) as u8, spans.name(row));
            for (i, values) in dimensions.iter_mut().enumerate() {
                let value = values.as_mut().and_then(|v| v.of(row));
                self.put_dimension(i, value);
            }
            // A clock that jumped back gives a negative duration: the span took no time, as the connector has it.
            let nanos = u64::try_from(*nanos).unwrap_or(0);
            let series = self.series_of_key(service, at.ms);
            self.histograms.observe(series, nanos);
            if self.settings.exemplars {
                self.histograms.example(series, nanos, || Exemplar::of(spans, row, nanos));
            }
        }
    }

    fn begin_key(&mut self, service: u32, kind: u8, status: u8, name: &[u8]) {
        let name = label_bytes(name);
        self.key.clear();
        self.key.extend_from_slice(&service.to_le_bytes());
        self.key.extend_from_slice(&[kind, status]);
        self.key.extend_from_slice(&(name.len() as u16).to_le_bytes());
        self.key.extend_from_slice(name);
    }

    fn put_dimension(&mut self, i: usize, value: Option<ValueRef<'_>>) {
        let mut put = |text: &str| {
            let text = beginning(text, LABEL_BYTES_MAX);
            self.key.extend_from_slice(&(text.len() as u16).to_le_bytes());
            self.key.extend_from_slice(text.as_bytes());
        };
        match value {
            Some(ValueRef::Str(text)) => put(text),
            Some(ValueRef::Bool(v)) => put(if v { "true" } else { "false" }),
            Some(ValueRef::Int(v)) => put(&v.to_string()),
            Some(ValueRef::Double(v)) => put(&v.to_string()),
            // Bytes, arrays and maps are no label values.
            _ => put(self.settings.dimensions.get(i).map_or("", |(_, default)| default)),
        }
    }

    /// The series of the key that was built, or the overflow series when there is no room for it.
    fn series_of_key(&mut self, service: u32, now_ms: i64) -> u32 {
        if let Some(row) = self.table.find(&self.key, now_ms) {
            return row;
        }
        if self.per_service.len() <= service as usize {
            self.per_service.resize(service as usize + 1, 0);
        }
        let own = &mut self.per_service[service as usize];
        if (*own as usize) < self.settings.series_per_service_max && self.series < self.settings.series_max {
            *own += 1;
            self.series += 1;
        } else {
            self.overflowed += 1;
            self.key.clear();
            self.key.extend_from_slice(&service.to_le_bytes());
            self.key.push(OVERFLOW);
            if let Some(row) = self.table.find(&self.key, now_ms) {
                return row;
            }
        }
        let row = self.table.insert(&self.key, now_ms);
        self.histograms.grow(self.table.len());
        row
    }

    /// What the series of a row counts.
    pub(crate) fn key(&self, row: u32) -> SeriesKey<'_> {
        // Keys are written here, and checked when they are read from a checkpoint.
        parse_key(self.table.key(row)).unwrap_or(SeriesKey { service: OTHER, operation: None })
    }

    /// Ends the series that no span touched since.
    pub(crate) fn expire(&mut self, before_ms: i64) {
        let kept = self.table.retain(|t, row| t.touched(row) >= before_ms);
        self.histograms.keep(&kept);
        self.count_series();
    }

    fn count_series(&mut self) {
        self.per_service.clear();
        self.series = 0;
        for row in 0..self.table.len() as u32 {
            let key = self.key(row);
            if key.operation.is_none() {
                continue;
            }
            let service = key.service as usize;
            if self.per_service.len() <= service {
                self.per_service.resize(service + 1, 0);
            }
            self.per_service[service] += 1;
            self.series += 1;
        }
    }

    /// What the totals mean; a checkpoint made with other settings does not fit.
    pub(crate) fn signature(settings: &SpanMetricsSettings) -> String {
        let keys: Vec<&str> = settings.dimensions.iter().map(|(key, _)| key.as_str()).collect();
        format!("{:?} {keys:?}", Buckets::new(&settings.buckets).bounds())
    }

    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        put_u64(out, self.overflowed);
        self.table.encode(out);
        self.histograms.encode(out);
    }

    pub(crate) fn decode(r: &mut Reader<'_>, settings: &SpanMetricsSettings) -> Result<Self, Damaged> {
        let mut metrics = Self::new(settings);
        metrics.overflowed = r.u64()?;
        metrics.table = Table::decode(r)?;
        metrics.histograms = Histograms::decode(r, Buckets::new(&settings.buckets), metrics.table.len())?;
        for row in 0..metrics.table.len() as u32 {
            let key = parse_key(metrics.table.key(row)).ok_or(Damaged("the key of a series"))?;
            // The number of a service counts its series.
            if key.service as usize > crate::names::NAMES_MAX {
                return Err(Damaged("the service of a series"));
            }
        }
        metrics.count_series();
        Ok(metrics)
    }
}

/// A name as the bytes of a label value.
fn label_bytes(name: &[u8]) -> &[u8] {
    match name.len() <= LABEL_BYTES_MAX {
        true => name,
        false => std::str::from_utf8(name).map_or(&[], |text| beginning(text, LABEL_BYTES_MAX).as_bytes()),
    }
}

fn parse_key(key: &[u8]) -> Option<SeriesKey<'_>> {
    let mut r = Reader(key);
    let (service, kind) = (r.u32().ok()?, r.u8().ok()?);
    if kind == OVERFLOW {
        return Some(SeriesKey { service, operation: None });
    }
    let status = r.u8().ok()?;
    let mut texts = Vec::new();
    while !r.0.is_empty() {
        let n = u16::from_le_bytes(r.array().ok()?) as usize;
        let (text, rest) = r.0.split_at_checked(n)?;
        texts.push(std::str::from_utf8(text).ok()?);
        r.0 = rest;
    }
    let name = *texts.first()?;
    texts.remove(0);
    Some(SeriesKey { service, operation: Some(Operation { kind, status, name, dimensions: texts }) })
}

impl Exemplar {
    pub(crate) fn of(spans: &SpanColumns, row: usize, nanos: u64) -> Self {
        let at = |ids: &[[u8; 16]]| ids.get(row).copied().unwrap_or_default();
        let start = spans.starts().get(row).copied().unwrap_or_default();
        Self {
            nanos,
            t: start.saturating_add(i64::try_from(nanos).unwrap_or(i64::MAX)).div_euclid(1_000_000),
            trace_id: model::TraceId(at(spans.trace_ids())),
            span_id: model::SpanId(spans.span_ids().get(row).copied().unwrap_or_default()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::sent::{Sent, columns};

    fn apply(m: &mut SpanMetrics, spans: &[Sent], services: &[u32]) {
        m.apply(&columns(spans), &Arrival { ms: 1_000, services });
    }

    #[test]
    fn spans_are_counted_by_service_operation_kind_and_status() {
        let settings = SpanMetricsSettings {
            buckets: vec![Duration::from_nanos(10)],
            dimensions: vec![("http.method".to_owned(), "none".to_owned())],
            ..SpanMetricsSettings::default()
        };
        let mut m = SpanMetrics::new(&settings);
        let get = Sent { name: "GET", kind: 2, nanos: 5, ..Sent::default() };
        let spans =
            [get.clone(), get.clone().with("http.method", "GET"), Sent { status: 2, nanos: 20, ..get.clone() }, get];
        apply(&mut m, &spans, &[3]);
        assert_eq!(m.table.len(), 3);
        let operation = |status, method| Operation { kind: 2, status, name: "GET", dimensions: vec![method] };
        assert_eq!(m.key(0), SeriesKey { service: 3, operation: Some(operation(0, "none")) });
        assert_eq!(m.key(1).operation, Some(operation(0, "GET")));
        assert_eq!(m.key(2).operation, Some(operation(2, "none")));
        assert_eq!((m.histograms.counts(0), m.histograms.counts(2)), (&[2, 0][..], &[0, 1][..]));
        assert_eq!(m.histograms.take_exemplar(2).map(|e| e.nanos), Some(20));

        let mut bytes = Vec::new();
        m.encode(&mut bytes);
        let back = SpanMetrics::decode(&mut Reader(&bytes), &settings).unwrap();
        assert_eq!((back.table.len(), back.key(1), back.histograms.counts(0)), (3, m.key(1), m.histograms.counts(0)));
    }

    #[test]
    fn beyond_the_limit_spans_are_counted_in_one_series_of_their_service() {
        let settings = SpanMetricsSettings { series_per_service_max: 1, series_max: 2, ..Default::default() };
        let mut m = SpanMetrics::new(&settings);
        let named = |name| Sent { name, ..Sent::default() };
        apply(&mut m, &[named("a"), named("b"), named("c"), named("a")], &[1]);
        apply(&mut m, &[named("a")], &[2]);
        apply(&mut m, &[named("a")], &[3]);
        let keys: Vec<(u32, bool)> =
            (0..m.table.len() as u32).map(|r| (m.key(r).service, m.key(r).operation.is_some())).collect();
        assert_eq!(keys, [(1, true), (1, false), (2, true), (3, false)]);
        assert_eq!((m.histograms.count(0), m.histograms.count(1), m.overflowed), (2, 2, 3));
        // Room that expired series leave is used again.
        m.apply(&columns(&[named("a")]), &Arrival { ms: 9_000, services: &[3] });
        m.expire(5_000);
        m.apply(&columns(&[named("new")]), &Arrival { ms: 9_000, services: &[1] });
        assert_eq!((m.table.len(), m.key(1).operation.map(|o| o.name.to_owned())), (2, Some("new".to_owned())));
    }
}
