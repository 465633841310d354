//! The latest value of every series, by metric and labels.

use std::collections::BTreeMap;
use std::time::Duration;

use foundation::UnixNanos;
use wire::otlp::Decoded;
use wire::otlp::tree::{
    Attributes, Data, Exemplar, ExponentialPoint, HistogramPoint, Metric, Metrics, NumberPoint, Resource, Scope,
    Temporality,
};
use wire::sink::{MetricKind, Temporality as Counted};

/// Series that are remembered; more are refused.
const SERIES_MAX: usize = 1_000_000;
/// The bit that says that a point has no value.
const NO_RECORDED_VALUE: u32 = 1;

/// Sorted by name.
pub(in crate::exporters) type Labels = Vec<(String, String)>;

/// How metrics and labels are called.
pub(in crate::exporters) struct Naming {
    pub(in crate::exporters) namespace: String,
    pub(in crate::exporters) suffixes: bool,
    pub(in crate::exporters) scope: bool,
    /// Every attribute of the resource is a label.
    pub(in crate::exporters) resource: bool,
    pub(in crate::exporters) without_service: bool,
    pub(in crate::exporters) const_labels: Labels,
}

/// What kind of metric a name is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::exporters) enum Kind {
    Counter,
    Gauge,
    Histogram,
    Summary,
}

/// The latest value of one series.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::exporters) enum Latest {
    Number {
        value: f64,
        exemplar: Option<Exemplar>,
    },
    /// Bounds without the last, infinite one; counts are of each bucket, one more than bounds.
    Histogram {
        bounds: Vec<f64>,
        counts: Vec<u64>,
        count: u64,
        sum: Option<f64>,
        exemplars: Vec<Exemplar>,
    },
    Summary {
        quantiles: Vec<(f64, f64)>,
        count: u64,
        sum: f64,
    },
}

pub(in crate::exporters) struct Family {
    pub(in crate::exporters) kind: Kind,
    pub(in crate::exporters) help: String,
    pub(in crate::exporters) unit: String,
    pub(in crate::exporters) points: BTreeMap<Labels, Point>,
}

pub(in crate::exporters) struct Point {
    pub(in crate::exporters) latest: Latest,
    pub(in crate::exporters) time_ms: i64,
    updated: UnixNanos,
}

/// All series.
pub(in crate::exporters) struct Series {
    naming: Naming,
    expiration: Duration,
    pub(in crate::exporters) families: BTreeMap<String, Family>,
    count: usize,
}

impl Series {
    pub(in crate::exporters) fn new(naming: Naming, expiration: Duration) -> Self {
        Self { naming, expiration, families: BTreeMap::new(), count: 0 }
    }

    /// Forgets what nobody has sent for a while.
    pub(in crate::exporters) fn expire(&mut self, now: UnixNanos) {
        let oldest = now.minus(self.expiration);
        self.families.retain(|_, family| {
            family.points.retain(|_, point| point.updated >= oldest);
            !family.points.is_empty()
        });
        self.count = self.families.values().map(|family| family.points.len()).sum();
    }

    /// Takes a request.
    pub(in crate::exporters) fn take(&mut self, metrics: &Metrics, now: UnixNanos) -> Decoded {
        let mut decoded = Decoded::default();
        for of_resource in &metrics.resources {
            let owner = self.owner(&of_resource.resource);
            if let Some(info) = self.target_info(&of_resource.resource, &owner) {
                let latest = Latest::Number { value: 1.0, exemplar: None };
                let place = Place { name: "target_info", kind: Kind::Gauge, help: "Target metadata", unit: "" };
                self.put(&place, info, latest, (now, now.as_millis()), false, &mut decoded);
                decoded.accepted = decoded.accepted.saturating_sub(1);
            }
            for of_scope in &of_resource.scopes {
                let mut labels = owner.clone();
                if self.naming.scope {
                    labels.extend(scope_labels(&of_scope.scope));
                }
                for metric in &of_scope.records {
                    self.metric(metric, &labels, now, &mut decoded);
                }
            }
        }
        decoded
    }

    /// The labels that every series of a resource has.
    fn owner(&self, resource: &Resource) -> Labels {
        let mut labels = self.naming.const_labels.clone();
        let of = |key: &str| resource.attributes.get(key).map(|v| v.to_text().to_string()).filter(|t| !t.is_empty());
        let job = match (of("service.namespace"), of("service.name")) {
            (Some(namespace), Some(name)) => Some(format!("{namespace}/{name}")),
            (_, name) => name,
        };
        labels.extend(job.map(|job| ("job".to_owned(), job)));
        labels.extend(of("service.instance.id").map(|instance| ("instance".to_owned(), instance)));
        if self.naming.resource {
            let service = ["service.name", "service.namespace", "service.instance.id"];
            let wanted = |key: &str| !self.naming.without_service || !service.contains(&key);
            labels.extend(attributes(&resource.attributes).filter(|(key, _)| wanted(key)).map(renamed));
        }
        labels
    }

    fn target_info(&self, resource: &Resource, owner: &Labels) -> Option<Labels> {
        let known = ["service.name", "service.namespace", "service.instance.id"];
        let more: Labels =
            attributes(&resource.attributes).filter(|(key, _)| !known.contains(key)).map(renamed).collect();
        let wanted = !self.naming.resource && !more.is_empty() && owner.iter().any(|(name, _)| name == "job");
        wanted.then(|| owner.iter().cloned().chain(more).collect())
    }

    fn metric(&mut self, metric: &Metric, labels: &Labels, now: UnixNanos, decoded: &mut Decoded) {
        let (kind, sink, delta) = match &metric.data {
            Data::None => return,
            Data::Gauge(_) => (Kind::Gauge, MetricKind::Gauge, false),
            Data::Sum { temporality, monotonic, .. } => {
                let kind = if *monotonic { Kind::Counter } else { Kind::Gauge };
                let sink = MetricKind::Sum { temporality: Counted::Cumulative, monotonic: *monotonic };
                (kind, sink, *temporality == Temporality::DELTA)
            }
            Data::Histogram { temporality, .. } | Data::Exponential { temporality, .. } => {
                let sink = MetricKind::Histogram { temporality: Counted::Cumulative };
                (Kind::Histogram, sink, *temporality == Temporality::DELTA)
            }
            Data::Summary(_) => (Kind::Summary, MetricKind::Summary, false),
        };
        let unit = if self.naming.suffixes { metric.unit.as_str() } else { "" };
        let plain = if self.naming.suffixes { sink } else { MetricKind::Summary };
        let name = match self.naming.namespace.as_str() {
            "" => tsdb::metric_name(&metric.name, unit, plain),
            namespace => tsdb::metric_name(&format!("{namespace}_{}", metric.name), unit, plain),
        };
        if name.is_empty() {
            decoded.rejected += metric.data.len() as u64;
            decoded.first_error.get_or_insert_with(|| "a metric has no name".to_owned());
            return;
        }
        let place = Place { name: &name, kind, help: &metric.description, unit: &metric.unit };
        let with = |attributes_of: &Attributes| {
            labels.iter().cloned().chain(attributes(attributes_of).map(renamed)).collect::<Labels>()
        };
        let time = |nanos: u64| (now, UnixNanos::from_u64(nanos).as_millis());
        match &metric.data {
            Data::None => {}
            Data::Gauge(points) | Data::Sum { points, .. } => {
                for p in points.iter().filter(|p| p.flags & NO_RECORDED_VALUE == 0) {
                    self.put(&place, with(&p.attributes), number(p), time(p.time_unix_nano), delta, decoded);
                }
            }
            Data::Histogram { points, .. } => {
                for p in points.iter().filter(|p| p.flags & NO_RECORDED_VALUE == 0) {
                    self.put(&place, with(&p.attributes), histogram(p), time(p.time_unix_nano), delta, decoded);
                }
            }
            Data::Exponential { points, .. } => {
                for p in points.iter().filter(|p| p.flags & NO_RECORDED_VALUE == 0) {
                    self.put(&place, with(&p.attributes), exponential(p), time(p.time_unix_nano), delta, decoded);
                }
            }
            Data::Summary(points) => {
                for p in points.iter().filter(|p| p.flags & NO_RECORDED_VALUE == 0) {
                    let quantiles = p.quantile_values.iter().map(|q| (q.quantile, q.value)).collect();
                    let latest = Latest::Summary { quantiles, count: p.count, sum: p.sum };
                    self.put(&place, with(&p.attributes), latest, time(p.time_unix_nano), false, decoded);
                }
            }
        }
    }

    fn put(
        &mut self,
        place: &Place<'_>,
        labels: Labels,
        latest: Latest,
        (updated, time_ms): (UnixNanos, i64),
        delta: bool,
        decoded: &mut Decoded,
    ) {
        let mut refuse = |why: String| {
            decoded.rejected += 1;
            decoded.first_error.get_or_insert(why);
        };
        let family = self.families.entry(place.name.to_owned()).or_insert_with(|| Family {
            kind: place.kind,
            help: place.help.to_owned(),
            unit: place.unit.to_owned(),
            points: BTreeMap::new(),
        });
        if family.kind != place.kind {
            return refuse(format!("{} comes as two kinds of metric; rename one", place.name));
        }
        let labels = sorted(labels);
        match family.points.get_mut(&labels) {
            Some(point) => {
                point.latest = if delta { added(&point.latest, latest) } else { latest };
                (point.updated, point.time_ms) = (updated, time_ms);
            }
            None if self.count >= SERIES_MAX => {
                return refuse(format!(
                    "{SERIES_MAX} series are shown already; send fewer, or shorten metric_expiration"
                ));
            }
            None => {
                self.count += 1;
                family.points.insert(labels, Point { latest, time_ms, updated });
            }
        }
        decoded.accepted += 1;
    }
}

/// What a point belongs to.
struct Place<'a> {
    name: &'a str,
    kind: Kind,
    help: &'a str,
    unit: &'a str,
}

fn attributes(attributes: &Attributes) -> impl Iterator<Item = (&str, String)> {
    attributes.iter().map(|(key, value)| (key, value.to_text().to_string()))
}

fn renamed((key, value): (&str, String)) -> (String, String) {
    (tsdb::label_name(key).into_owned(), value)
}

fn scope_labels(scope: &Scope) -> Labels {
    let mut labels = Vec::new();
    for (name, text) in [("otel_scope_name", &scope.name), ("otel_scope_version", &scope.version)] {
        if !text.is_empty() {
            labels.push((name.to_owned(), text.to_string()));
        }
    }
    labels
}

/// By name; of those that come to the same name the later ones are joined to the first, as the specification has it.
fn sorted(mut labels: Labels) -> Labels {
    labels.sort_by(|a, b| a.0.cmp(&b.0));
    labels.retain(|(_, value)| !value.is_empty());
    labels.dedup_by(|later, first| {
        let same = later.0 == first.0;
        if same && later.1 != first.1 {
            first.1 = format!("{};{}", first.1, later.1);
        }
        same
    });
    labels
}

fn number(p: &NumberPoint) -> Latest {
    Latest::Number { value: p.value.map_or(0.0, |v| v.as_f64()), exemplar: p.exemplars.last().cloned() }
}

fn histogram(p: &HistogramPoint) -> Latest {
    let counts =
        if p.bucket_counts.len() == p.explicit_bounds.len() + 1 { p.bucket_counts.clone() } else { vec![p.count] };
    let bounds = if counts.len() == p.explicit_bounds.len() + 1 { p.explicit_bounds.clone() } else { Vec::new() };
    Latest::Histogram { bounds, counts, count: p.count, sum: p.sum, exemplars: p.exemplars.clone() }
}

/// The text formats have no exponential buckets: what is known of all of them together is shown.
fn exponential(p: &ExponentialPoint) -> Latest {
    Latest::Histogram {
        bounds: Vec::new(),
        counts: vec![p.count],
        count: p.count,
        sum: p.sum,
        exemplars: p.exemplars.clone(),
    }
}

/// A delta on top of what there was; where they do not fit together the new one counts.
fn added(old: &Latest, new: Latest) -> Latest {
    match (old, new) {
        (Latest::Number { value: old, .. }, Latest::Number { value, exemplar }) => {
            Latest::Number { value: old + value, exemplar }
        }
        (
            Latest::Histogram { bounds: b, counts: c, count: n, sum: s, .. },
            Latest::Histogram { bounds, counts, count, sum, exemplars },
        ) if *b == bounds => Latest::Histogram {
            bounds,
            counts: counts.iter().zip(c).map(|(a, b)| a.saturating_add(*b)).collect(),
            count: count.saturating_add(*n),
            sum: sum.zip(*s).map(|(a, b)| a + b),
            exemplars,
        },
        (_, new) => new,
    }
}
