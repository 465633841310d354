//! OTLP data points as Prometheus samples.
//!
//! OpenTelemetry specification, "Prometheus and OpenMetrics Compatibility",
//! "OTLP Metric points to Prometheus". [`decode`] runs the decoder of `wire` into
//! a [`Sink`]; what becomes of each kind of point is in [`points`], label sets
//! are built here.

mod histograms;
pub(crate) mod names;
mod points;
mod text;

use std::borrow::Cow;

use model::{UnixNanos, Value, semconv};
use wire::otlp::{DecodeError, Decoded, Limits};
use wire::sink::{MetricKind, MetricRef, Temporality, ValueRef};

use crate::batch::{Batch, BatchValue, Buffer, Mode, Rules};
use crate::catalog::{Metadata, MetricInfo, MetricType};
use crate::chunk::bits::put_prefixed;
use crate::options::OtlpOptions;

pub(crate) use names::label_name;

/// A label whose texts are borrowed where they can be.
type LabelRef<'a> = (Cow<'a, str>, Cow<'a, str>);

/// Times are checked by the rules of the batch, which replay knows too; the decoder takes all of time.
const LIMITS: Limits = Limits::new(UnixNanos(0));

/// Decodes a request. The outcome depends on nothing but the arguments.
///
/// # Errors
/// When the bytes are not a well-formed request.
pub(crate) fn decode(request: &[u8], rules: Rules, options: &OtlpOptions) -> Result<(Batch, Decoded), DecodeError> {
    let mut sink = Sink { batch: Batch::new(rules), at: Position { options: options.clone(), ..Position::default() } };
    let decoded = wire::otlp::decode_metrics(request, &LIMITS, &mut sink)?;
    sink.finish_resource();
    if sink.batch.buf.samples.is_empty() {
        // Of metrics without a single good point nothing is remembered.
        sink.batch.metrics.clear();
    }
    Ok((sink.batch, decoded))
}

/// Turns points into the samples of a batch.
struct Sink {
    batch: Batch,
    at: Position,
}

/// Where the decoder stands: the resource, scope and metric that the next points belong to.
#[derive(Debug, Default)]
struct Position {
    options: OtlpOptions,
    resource: ResourceLabels,
    /// `otel_scope_*`, when they are wanted.
    scope: Vec<(String, String)>,
    metric: Metric,
}

/// The metric that the next points belong to.
#[derive(Debug)]
struct Metric {
    /// The stored name, without suffixes of histograms and summaries.
    name: String,
    kind: MetricKind,
}

impl Default for Metric {
    fn default() -> Self {
        Self { name: String::new(), kind: MetricKind::Gauge }
    }
}

impl Metric {
    /// Whether its values count from a start on; that of a gauge says nothing.
    fn counts(&self) -> bool {
        !matches!(self.kind, MetricKind::Gauge)
    }

    /// How values of the current metric meet what the series have.
    fn mode(&self) -> Mode {
        match self.kind {
            MetricKind::Sum { temporality: Temporality::Delta, .. }
            | MetricKind::Histogram { temporality: Temporality::Delta }
            | MetricKind::ExponentialHistogram { temporality: Temporality::Delta } => Mode::Add,
            _ => Mode::Set,
        }
    }

    fn metric_type(&self) -> MetricType {
        match self.kind {
            MetricKind::Sum { monotonic: true, .. } => MetricType::Counter,
            MetricKind::Gauge | MetricKind::Sum { .. } => MetricType::Gauge,
            MetricKind::Histogram { .. } | MetricKind::ExponentialHistogram { .. } => MetricType::Histogram,
            MetricKind::Summary => MetricType::Summary,
        }
    }
}

/// What a resource adds to its series.
#[derive(Debug, Default)]
struct ResourceLabels {
    /// `job` and `instance`, as far as they are known; these win over attributes of points.
    identity: Vec<(String, String)>,
    /// `service`, `service_name` and what else is promoted; attributes of points win over these.
    promoted: Vec<(String, String)>,
    /// The other attributes: labels of `target_info`.
    info: Vec<(String, String)>,
    /// Time of the newest point, milliseconds.
    newest: Option<i64>,
}

impl ResourceLabels {
    fn new(raw: &[u8], options: &OtlpOptions) -> Self {
        let resource = wire::otlp::read_resource(raw);
        let text = |key| model::attributes::get(&resource.attributes, key).map(text::value_text).unwrap_or_default();
        let (name, namespace) = (text(semconv::SERVICE_NAME), text(semconv::SERVICE_NAMESPACE));
        let mut labels = Self::default();
        if !name.is_empty() {
            let job = if namespace.is_empty() { name.clone() } else { format!("{namespace}/{name}") };
            labels.identity.push(("job".to_owned(), job));
            labels.promoted.push(("service".to_owned(), name.clone()));
            labels.promoted.push(("service_name".to_owned(), name));
        }
        let instance = text(semconv::SERVICE_INSTANCE_ID);
        if !instance.is_empty() {
            labels.identity.push(("instance".to_owned(), instance));
        }
        for (key, value) in &resource.attributes {
            let known = [semconv::SERVICE_NAME, semconv::SERVICE_NAMESPACE, semconv::SERVICE_INSTANCE_ID];
            let value: &Value = value;
            if known.contains(&key.as_str()) || *value == Value::Empty {
                continue;
            }
            let label = (names::label_name(key).into_owned(), text::value_text(value));
            if label.0.is_empty() || label.0 == model::labels::NAME {
                continue;
            }
            if options.promote_resource_attributes.contains(key) {
                labels.promoted.push(label.clone());
            }
            labels.info.push(label);
        }
        labels
    }

    /// Writes `target_info` for the points of the resource, at the time of the newest one.
    ///
    /// The specification asks for it where there is something to say and a way to join it.
    fn finish(&mut self, buf: &mut Buffer, metrics: &mut Vec<MetricInfo>) {
        let Some(t) = self.newest.take() else { return };
        if self.info.is_empty() || self.identity.is_empty() {
            return;
        }
        let info: Vec<(&str, ValueRef<'_>)> = self.info.iter().map(|(k, v)| (k.as_str(), ValueRef::Str(v))).collect();
        let labels = point_labels(&info, &[&self.promoted], &self.identity);
        let mark = buf.mark();
        let start = buf.keys.len();
        put_series(&mut buf.keys, &labels, "target_info", None);
        let put = buf
            .push_series(start)
            .and_then(|series| buf.push_sample(series, t, 0, BatchValue::Float(1.0), Mode::Derived));
        // Nothing but the length of the labels can be wrong here, and then the resource goes without.
        if put.is_err() {
            return buf.undo(mark);
        }
        metrics.push(MetricInfo {
            name: "target_info".to_owned(),
            original: None,
            metadata: Metadata {
                kind: MetricType::Info,
                unit: String::new(),
                help: "Target metadata: attributes of the resource".to_owned(),
            },
        });
    }
}

impl Position {
    fn labels<'a>(&'a self, attributes: &'a [(&'a str, ValueRef<'a>)]) -> Vec<LabelRef<'a>> {
        point_labels(attributes, &[&self.resource.promoted, &self.scope], &self.resource.identity)
    }

    /// Begins a metric, and what is to be remembered about it.
    fn begin(&mut self, m: MetricRef<'_>) -> MetricInfo {
        self.metric = Metric { name: names::metric_name(m.name, m.unit, m.kind), kind: m.kind };
        MetricInfo {
            name: self.metric.name.clone(),
            original: (m.name != self.metric.name).then(|| m.name.to_owned()),
            metadata: Metadata {
                kind: self.metric.metric_type(),
                unit: m.unit.to_owned(),
                help: m.description.to_owned(),
            },
        }
    }
}

impl Sink {
    /// Writes what is to be said when the last point of the resource was read.
    fn finish_resource(&mut self) {
        self.at.resource.finish(&mut self.batch.buf, &mut self.batch.metrics);
    }
}

/// The labels of a point, sorted by name: its attributes, `fallback` where it has no such label, and `identity`.
///
/// Attributes whose keys become one label are joined with `;` in the order of their keys.
fn point_labels<'a>(
    attributes: &[(&'a str, ValueRef<'a>)],
    fallback: &[&'a [(String, String)]],
    identity: &'a [(String, String)],
) -> Vec<LabelRef<'a>> {
    let mut named: Vec<(Cow<'a, str>, &'a str, Cow<'a, str>)> =
        attributes.iter().map(|(k, v)| (names::label_name(k), *k, text::label_text(*v))).collect();
    // Stable, so that of a repeated key the last value is the last.
    named.sort_by(|a, b| (&a.0, a.1).cmp(&(&b.0, b.1)));
    let mut labels: Vec<LabelRef<'a>> = Vec::with_capacity(named.len() + 4);
    let mut last_key = "";
    for (name, key, value) in named {
        if value.is_empty() || name == model::labels::NAME || name.is_empty() {
            continue;
        }
        match labels.last_mut() {
            Some(last) if last.0 == name && last_key == key => last.1 = value,
            Some(last) if last.0 == name => last.1 = Cow::Owned(format!("{};{value}", last.1)),
            _ => labels.push((name, value)),
        }
        last_key = key;
    }
    for (name, value) in fallback.iter().copied().flatten() {
        set(&mut labels, name, value, false);
    }
    for (name, value) in identity {
        set(&mut labels, name, value, true);
    }
    labels
}

fn set<'a>(labels: &mut Vec<LabelRef<'a>>, name: &'a str, value: &'a str, replace: bool) {
    match labels.binary_search_by(|l| (*l.0).cmp(name)) {
        Ok(at) if replace => labels[at].1 = Cow::Borrowed(value),
        Ok(_) => {}
        Err(at) => labels.insert(at, (Cow::Borrowed(name), Cow::Borrowed(value))),
    }
}

/// Writes the key of the series `name` with `labels` and one more label, which wins over one of the same name.
fn put_series(keys: &mut Vec<u8>, labels: &[LabelRef<'_>], name: &str, extra: Option<(&str, &str)>) {
    let mut own = [Some((model::labels::NAME, name)), extra].into_iter().flatten().peekable();
    let mut put = |name: &str, value: &str| {
        put_prefixed(keys, name.as_bytes());
        put_prefixed(keys, value.as_bytes());
    };
    for (label, value) in labels {
        while let Some((n, v)) = own.next_if(|(n, _)| *n <= &**label) {
            put(n, v);
        }
        if extra.is_none_or(|(n, _)| n != label) {
            put(label, value);
        }
    }
    own.for_each(|(n, v)| put(n, v));
}

#[cfg(test)]
mod tests;
