//! `alias` (Bellrock's own): writes metrics of the semantic conventions a second time, under the names that the dashboards and alerts use.
//!
//! An application that was instrumented by the semantic conventions only (Node, otelgin, Python) feeds the
//! same panels as one that counts `http_requests_total` itself. A service that sends a name
//! itself gets no alias of it, so that nothing is counted twice. The table is [`TABLE`].

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use model::Signal;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use wire::otlp::tree::{Attributes, Data, HistogramPoint, Metric, Metrics, Number, NumberPoint, OfResource, Value};

use crate::component::{Processor, ProcessorFactory, Refused, Setup, Step};
use crate::refusal::Refusal;
use crate::telemetry::Telemetry;

pub(super) const FACTORY: ProcessorFactory = ProcessorFactory { names: &["alias"], signals: &[Signal::Metrics], build };

/// Services of which it is remembered what they send themselves.
const SERVICES_MAX: usize = 10_000;

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Config {
    /// Names that are not written, from the right column of the table.
    exclude: Vec<String>,
}

fn build(setup: &mut Setup<'_>, _: Signal) -> Result<Step, Refused> {
    let config: Config = setup.read()?;
    let names: HashSet<&str> = TABLE.iter().map(|a| a.name).collect();
    for (n, name) in config.exclude.iter().enumerate() {
        if !names.contains(name.as_str()) {
            let mut all: Vec<_> = names.into_iter().collect();
            all.sort_unstable();
            let message = format!("`{name}` is no alias; there is {}", all.join(", "));
            return Err(setup.error(&format!("exclude[{n}]"), message));
        }
    }
    let table = TABLE.iter().filter(|a| !config.exclude.iter().any(|e| e == a.name)).collect();
    Ok(Step::Each(Arc::new(Alias { table, own: Mutex::default() })))
}

/// What of a point becomes the alias.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// The histogram itself, in seconds.
    Seconds,
    /// Its count.
    Count,
    /// The number, as a sum that rises.
    Counter,
    /// The number, of a moment.
    Gauge,
}

/// A row of the table.
struct AliasRow {
    /// Of the semantic conventions, today's name first.
    from: &'static [&'static str],
    /// What a point must say: any of these values of any of these keys.
    only: Option<(&'static [&'static str], &'static [&'static str])>,
    /// The other name.
    name: &'static str,
    shape: Shape,
    /// Labels: `(new, old)`.
    labels: &'static [(&'static str, &'static [&'static str])],
}

const SYSTEM: &[&str] = &["db.system.name", "db.system"];
const POSTGRES: Option<(&[&str], &[&str])> = Some((SYSTEM, &["postgresql"]));
const REDIS: Option<(&[&str], &[&str])> = Some((SYSTEM, &["redis"]));
const STATE: &[&str] = &["db.client.connection.state", "state"];
const HTTP: &[(&str, &[&str])] = &[
    ("method", &["http.request.method", "http.method"]),
    ("route", &["http.route"]),
    ("status", &["http.response.status_code", "http.status_code"]),
    ("status_code", &["http.response.status_code", "http.status_code"]),
];
const DATABASE: &[(&str, &[&str])] = &[("operation", &["db.operation.name", "db.operation"])];
const HTTP_DURATION: &[&str] = &["http.server.request.duration", "http.server.duration"];
const DB_DURATION: &[&str] = &["db.client.operation.duration"];
const DB_CONNECTIONS: &[&str] = &["db.client.connection.count", "db.client.connections.usage"];

const fn row(
    from: &'static [&'static str],
    only: Option<(&'static [&'static str], &'static [&'static str])>,
    name: &'static str,
    shape: Shape,
    labels: &'static [(&'static str, &'static [&'static str])],
) -> AliasRow {
    AliasRow { from, only, name, shape, labels }
}

/// Which metric is written again under which name.
const TABLE: &[AliasRow] = &[
    row(HTTP_DURATION, None, "http_requests_total", Shape::Count, HTTP),
    row(HTTP_DURATION, None, "http_request_duration_seconds", Shape::Seconds, HTTP),
    row(DB_DURATION, POSTGRES, "db_queries_total", Shape::Count, DATABASE),
    row(DB_DURATION, POSTGRES, "db_query_duration_seconds", Shape::Seconds, DATABASE),
    row(DB_DURATION, REDIS, "redis_operations_total", Shape::Count, DATABASE),
    row(DB_DURATION, REDIS, "redis_operation_duration_seconds", Shape::Seconds, DATABASE),
    row(DB_CONNECTIONS, Some((STATE, &["used"])), "db_connections_active", Shape::Gauge, &[]),
    row(DB_CONNECTIONS, Some((STATE, &["idle"])), "db_connections_idle", Shape::Gauge, &[]),
    row(DB_CONNECTIONS, REDIS, "redis_connections_active", Shape::Gauge, &[]),
    row(
        &["db.client.connection.timeouts", "db.client.connections.timeouts"],
        None,
        "db_connection_errors_total",
        Shape::Counter,
        &[],
    ),
    row(&["redis.memory.used"], None, "redis_memory_usage_bytes", Shape::Gauge, &[]),
    row(&["go.goroutine.count"], None, "go_goroutines", Shape::Gauge, &[]),
    row(&["go.memory.used"], None, "go_memstats_alloc_bytes", Shape::Gauge, &[]),
];

struct Alias {
    table: Vec<&'static AliasRow>,
    /// By service, the aliases that it sends itself.
    own: Mutex<HashMap<String, HashSet<&'static str>>>,
}

impl Alias {
    /// Notes what the services send themselves.
    fn note(&self, metrics: &Metrics) {
        let mut own = self.own.lock();
        for r in &metrics.resources {
            for m in r.scopes.iter().flat_map(|s| &s.records) {
                let Some(row) = self.table.iter().find(|a| is_name(a.name, &m.name)) else { continue };
                let service = r.resource.service_name();
                if own.len() < SERVICES_MAX || own.contains_key(service) {
                    own.entry(service.to_owned()).or_default().insert(row.name);
                }
            }
        }
    }

    fn add(&self, r: &mut OfResource<Metric>, own: Option<&HashSet<&'static str>>) {
        let service = r.resource.service_name().to_owned();
        for scope in &mut r.scopes {
            let mut new = Vec::new();
            for metric in &scope.records {
                for row in self.table.iter().filter(|a| a.from.contains(&&*metric.name)) {
                    if own.is_some_and(|own| own.contains(row.name)) {
                        continue;
                    }
                    if let Some(data) = row.data(metric, &service) {
                        let unit = if row.shape == Shape::Seconds { "s" } else { "" };
                        let description = format!("{}, under the name that dashboards know", metric.name).into();
                        new.push(Metric {
                            name: row.name.into(),
                            unit: unit.into(),
                            description,
                            data,
                            ..Metric::default()
                        });
                    }
                }
            }
            scope.records.append(&mut new);
        }
    }
}

/// Whether a metric has this name, perhaps without the suffixes that are added later.
fn is_name(alias: &str, name: &str) -> bool {
    alias == name || alias.strip_suffix("_total") == Some(name) || alias.strip_suffix("_seconds") == Some(name)
}

impl AliasRow {
    fn data(&self, metric: &Metric, service: &str) -> Option<Data> {
        let data = match (self.shape, &metric.data) {
            (Shape::Seconds, Data::Histogram { points, temporality }) => {
                let scale = if metric.unit == "ms" { 1e-3 } else { 1.0 };
                let points = self.of(points, |p| &p.attributes).map(|p| self.seconds(p, scale, service)).collect();
                Data::Histogram { points, temporality: *temporality }
            }
            (Shape::Seconds, Data::Exponential { points, temporality }) if metric.unit != "ms" => {
                let mut points: Vec<_> = self.of(points, |p| &p.attributes).cloned().collect();
                points.iter_mut().for_each(|p| p.attributes = self.labels(&p.attributes, service));
                Data::Exponential { points, temporality: *temporality }
            }
            (Shape::Count, Data::Histogram { points, temporality }) => Data::Sum {
                points: self
                    .of(points, |p| &p.attributes)
                    .map(|p| self.counted(&p.attributes, p.count, (p.start_time_unix_nano, p.time_unix_nano), service))
                    .collect(),
                temporality: *temporality,
                monotonic: true,
            },
            (Shape::Count, Data::Exponential { points, temporality }) => Data::Sum {
                points: self
                    .of(points, |p| &p.attributes)
                    .map(|p| self.counted(&p.attributes, p.count, (p.start_time_unix_nano, p.time_unix_nano), service))
                    .collect(),
                temporality: *temporality,
                monotonic: true,
            },
            (Shape::Counter, Data::Sum { points, temporality, .. }) => {
                Data::Sum { points: self.numbers(points, service), temporality: *temporality, monotonic: true }
            }
            // An up-down counter of deltas is not a value of a moment.
            (Shape::Gauge, Data::Sum { points, temporality, .. }) if temporality.0 != 1 => {
                Data::Gauge(self.numbers(points, service))
            }
            (Shape::Gauge, Data::Gauge(points)) => Data::Gauge(self.numbers(points, service)),
            _ => return None,
        };
        (!data.is_empty()).then_some(data)
    }

    fn of<'p, P>(&self, points: &'p [P], attributes: fn(&P) -> &Attributes) -> impl Iterator<Item = &'p P> {
        points.iter().filter(move |p| {
            self.only.is_none_or(|(keys, values)| {
                keys.iter().any(|k| attributes(p).text(k).is_some_and(|v| values.contains(&v)))
            })
        })
    }

    fn labels(&self, attributes: &Attributes, service: &str) -> Attributes {
        let mut out = Attributes::new();
        if !attributes.contains("service") {
            out.push("service", service);
        }
        for (new, old) in self.labels {
            if let Some(v) = old.iter().find_map(|k| attributes.get(k)) {
                // Labels are texts, and `status=~"5.."` is asked of one.
                out.set(new, Value::Str(v.to_text()));
            }
        }
        if self.labels.iter().any(|(new, _)| *new == "operation") {
            out.set("status", if attributes.contains("error.type") { "error" } else { "success" });
        }
        for (k, v) in attributes.iter() {
            if !self.labels.iter().any(|(_, old)| old.contains(&k)) && !out.contains(k) {
                out.push(k, v.clone());
            }
        }
        out
    }

    fn seconds(&self, p: &HistogramPoint, scale: f64, service: &str) -> HistogramPoint {
        let scaled = |v: Option<f64>| v.map(|v| v * scale);
        HistogramPoint {
            attributes: self.labels(&p.attributes, service),
            explicit_bounds: p.explicit_bounds.iter().map(|b| b * scale).collect(),
            sum: scaled(p.sum),
            min: scaled(p.min),
            max: scaled(p.max),
            ..p.clone()
        }
    }

    fn counted(&self, attributes: &Attributes, count: u64, (start, time): (u64, u64), service: &str) -> NumberPoint {
        NumberPoint {
            attributes: self.labels(attributes, service),
            start_time_unix_nano: start,
            time_unix_nano: time,
            value: Some(Number::Int(i64::try_from(count).unwrap_or(i64::MAX))),
            ..NumberPoint::default()
        }
    }

    fn numbers(&self, points: &[NumberPoint], service: &str) -> Vec<NumberPoint> {
        let of = |p: &NumberPoint| NumberPoint { attributes: self.labels(&p.attributes, service), ..p.clone() };
        self.of(points, |p| &p.attributes).map(of).collect()
    }
}

impl Processor for Alias {
    fn process(&self, mut telemetry: Telemetry) -> Result<Option<Telemetry>, Refusal> {
        let Some(metrics) = telemetry.metrics_mut()? else { return Ok(Some(telemetry)) };
        self.note(metrics);
        let own = self.own.lock();
        for r in &mut metrics.resources {
            let sent = own.get(r.resource.service_name());
            self.add(r, sent);
        }
        drop(own);
        Ok(Some(telemetry))
    }
}

#[cfg(test)]
mod tests {
    use wire::otlp::tree::Temporality;

    use super::super::testing::{attributes, built, of_service, process, processor, shown, sum};
    use super::*;
    use crate::telemetry::Tree;

    fn histogram(name: &str, unit: &str, a: Attributes) -> Metric {
        let point = HistogramPoint {
            attributes: a,
            count: 3,
            sum: Some(60.0),
            bucket_counts: vec![1, 2],
            explicit_bounds: vec![10.0],
            ..HistogramPoint::default()
        };
        let data = Data::Histogram { points: vec![point], temporality: Temporality::CUMULATIVE };
        Metric { name: name.into(), unit: unit.into(), data, ..Metric::default() }
    }

    fn through(metrics: Vec<Metric>) -> Vec<Metric> {
        let p = processor(&FACTORY, Signal::Metrics, "");
        let Some(Tree::Metrics(t)) = process(&*p, of_service("shop", metrics)) else { panic!() };
        t.records().cloned().collect()
    }

    #[test]
    fn requests_are_counted_under_both_names() {
        let a = attributes([
            ("http.request.method", "GET".into()),
            ("http.route", "/a".into()),
            ("http.response.status_code", Value::Int(503)),
        ]);
        let mut out = through(vec![histogram("http.server.duration", "ms", a)]);
        let names: Vec<_> = out.iter().map(|m| m.name.to_string()).collect();
        assert_eq!(names, ["http.server.duration", "http_requests_total", "http_request_duration_seconds"]);
        let labels = "service=shop method=GET route=/a status=503 status_code=503";
        assert_eq!(shown(out[1].data.attributes_mut()[0]), labels);
        let (Data::Sum { points, monotonic: true, .. }, Data::Histogram { points: seconds, .. }) =
            (&out[1].data, &out[2].data)
        else {
            panic!()
        };
        assert_eq!(points[0].value, Some(Number::Int(3)));
        assert_eq!((seconds[0].explicit_bounds[0], seconds[0].sum, &*out[2].unit), (0.01, Some(0.06), "s"));
    }

    #[test]
    fn databases_are_told_apart() {
        let of = |system: &str| {
            attributes([
                ("db.system.name", system.into()),
                ("db.operation.name", "GET".into()),
                ("error.type", "x".into()),
            ])
        };
        let mut out = through(vec![histogram("db.client.operation.duration", "s", of("redis"))]);
        let names: Vec<_> = out.iter().map(|m| m.name.to_string()).collect();
        assert_eq!(names[1..], ["redis_operations_total", "redis_operation_duration_seconds"]);
        assert_eq!(
            shown(out[1].data.attributes_mut()[0]),
            "service=shop operation=GET status=error db.system.name=redis error.type=x"
        );
        let mut connections = sum("db.client.connection.count", 7, Temporality::CUMULATIVE);
        connections.data.attributes_mut()[0].set("db.client.connection.state", "used");
        assert_eq!(through(vec![connections]).last().map(|m| m.name.to_string()), Some("db_connections_active".into()));
    }

    #[test]
    fn a_service_that_sends_the_name_gets_no_alias() {
        let p = processor(&FACTORY, Signal::Metrics, "");
        let send = |service: &str, metrics: Vec<Metric>| process(&*p, of_service(service, metrics)).unwrap().items();
        let semconv = || histogram("http.server.request.duration", "s", Attributes::new());
        assert_eq!(send("shop", vec![semconv()]), 3);
        assert_eq!(send("shop", vec![semconv(), sum("http_requests_total", 1, Temporality::CUMULATIVE)]), 3);
        assert_eq!(send("shop", vec![semconv()]), 2, "it is remembered");
        assert_eq!(send("bot", vec![semconv()]), 3);
        let Err(said) = built(&FACTORY, Signal::Metrics, "exclude: [x]") else { panic!() };
        assert!(said.contains("`x` is no alias; there is db_connection_errors_total"), "{said}");
    }
}
