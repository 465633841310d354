//! What of a request belongs together, and with that to one back end.

use serde::{Deserialize, Serialize};
use std::sync::atomic::{AtomicU64, Ordering};
use wire::otlp::tree::{
    Attributes, Data, LogRecord, Metric, OfResource, OfScope, Resource, Scope, Span, Tree as Of, Value,
};

use crate::telemetry::Tree;

/// `routing_key`
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize)]
pub(super) enum RoutingKey {
    /// A trace; metrics, which have none, go by service.
    #[default]
    #[serde(rename = "traceID")]
    Trace,
    /// `service.name` of the resource.
    #[serde(rename = "service")]
    Service,
    /// All attributes of the resource.
    #[serde(rename = "resource")]
    Resource,
    /// Those of `routing_attributes`.
    #[serde(rename = "attributes")]
    Attributes,
    /// The name of the metric; traces and logs go by trace.
    #[serde(rename = "metric")]
    Metric,
    /// A series: resource, scope, metric and attributes of the point; traces and logs go by trace.
    #[serde(rename = "streamID")]
    Stream,
}

/// How requests are shared out.
#[derive(Debug)]
pub(super) struct Routing {
    key: RoutingKey,
    attributes: Vec<String>,
    /// Log records that are in no trace go to all in turn.
    traceless: AtomicU64,
}

impl Routing {
    pub(super) fn new(key: RoutingKey, attributes: Vec<String>) -> Self {
        Self { key, attributes, traceless: AtomicU64::new(0) }
    }

    /// Shares a request out; `responsible` says who takes what has this key.
    pub(super) fn share_out(&self, tree: Tree, responsible: impl Fn(&[u8]) -> usize) -> Vec<(usize, Tree)> {
        let mut key = Vec::new();
        match tree {
            Tree::Traces(tree) => parts(tree, |resource, scope, span: Span, out| {
                key.clear();
                self.span_key(resource, scope, &span, &mut key);
                out(responsible(&key), span);
            }),
            Tree::Logs(tree) => parts(tree, |resource, scope, record: LogRecord, out| {
                key.clear();
                self.log_key(resource, scope, &record, &mut key);
                out(responsible(&key), record);
            }),
            Tree::Metrics(tree) => parts(tree, |resource, scope, metric: Metric, out| {
                key.clear();
                if self.metric_key(resource, scope, &metric, &mut key) {
                    return out(responsible(&key), metric);
                }
                let of_metric = key.len();
                let mut owner = |attributes: &Attributes| {
                    key.truncate(of_metric);
                    match self.key {
                        RoutingKey::Stream => all(attributes, &mut key),
                        _ => self.named(&[&resource.attributes, &scope.attributes, attributes], |_| None, &mut key),
                    }
                    responsible(&key)
                };
                for (backend, metric) in by_point(metric, &mut owner) {
                    out(backend, metric);
                }
            }),
        }
    }

    fn span_key(&self, resource: &Resource, scope: &Scope, span: &Span, key: &mut Vec<u8>) {
        match self.key {
            RoutingKey::Trace | RoutingKey::Metric | RoutingKey::Stream => {
                key.extend_from_slice(span.trace_id.as_bytes());
            }
            RoutingKey::Attributes => {
                let pseudo = |name: &str| match name {
                    "span.name" => Some(span.name.to_string()),
                    "span.kind" => Some(kind(span.kind).to_owned()),
                    _ => None,
                };
                self.named(&[&resource.attributes, &scope.attributes, &span.attributes], pseudo, key);
            }
            RoutingKey::Service | RoutingKey::Resource => self.owner_key(resource, key),
        }
    }

    fn log_key(&self, resource: &Resource, scope: &Scope, record: &LogRecord, key: &mut Vec<u8>) {
        match self.key {
            RoutingKey::Trace | RoutingKey::Metric | RoutingKey::Stream => match record.trace_id.valid() {
                Some(id) => key.extend_from_slice(id),
                None => key.extend_from_slice(&self.traceless.fetch_add(1, Ordering::Relaxed).to_le_bytes()),
            },
            RoutingKey::Attributes => {
                self.named(&[&resource.attributes, &scope.attributes, &record.attributes], |_| None, key);
            }
            RoutingKey::Service | RoutingKey::Resource => self.owner_key(resource, key),
        }
    }

    /// Whether the key is whole; else that of each point goes behind it.
    fn metric_key(&self, resource: &Resource, scope: &Scope, metric: &Metric, key: &mut Vec<u8>) -> bool {
        match self.key {
            RoutingKey::Metric => key.extend_from_slice(metric.name.as_bytes()),
            RoutingKey::Stream => {
                all(&resource.attributes, key);
                key.extend_from_slice(format!("{}\0{}\0{}\0", scope.name, scope.version, metric.name).as_bytes());
                all(&scope.attributes, key);
                return false;
            }
            RoutingKey::Attributes => return false,
            RoutingKey::Trace => key.extend_from_slice(resource.service_name().as_bytes()),
            RoutingKey::Service | RoutingKey::Resource => self.owner_key(resource, key),
        }
        true
    }

    fn owner_key(&self, resource: &Resource, key: &mut Vec<u8>) {
        match self.key {
            RoutingKey::Resource => all(&resource.attributes, key),
            _ => key.extend_from_slice(resource.service_name().as_bytes()),
        }
    }

    /// `name=value|` for each of `routing_attributes`, from the first of `owners` that has it.
    fn named(&self, owners: &[&Attributes], pseudo: impl Fn(&str) -> Option<String>, key: &mut Vec<u8>) {
        for name in &self.attributes {
            let text = pseudo(name).or_else(|| owners.iter().find_map(|owner| owner.get(name)).map(text));
            key.extend_from_slice(format!("{name}={}|", text.unwrap_or_default()).as_bytes());
        }
    }
}

/// All attributes, whatever their order.
fn all(attributes: &Attributes, key: &mut Vec<u8>) {
    let mut pairs: Vec<(&str, &Value)> = attributes.iter().collect();
    pairs.sort_by_key(|(name, _)| *name);
    for (name, value) in pairs {
        key.extend_from_slice(format!("{name}={}|", text(value)).as_bytes());
    }
}

/// A value as the Collector writes it into keys.
fn text(value: &Value) -> String {
    match value {
        Value::Array(values) => format!("[{}]", values.iter().map(text).collect::<Vec<_>>().join(",")),
        Value::Map(map) => {
            let mut pairs: Vec<(&str, &Value)> = map.iter().collect();
            pairs.sort_by_key(|(name, _)| *name);
            let pairs: Vec<String> = pairs.into_iter().map(|(name, value)| format!("{name}:{}", text(value))).collect();
            format!("{{{}}}", pairs.join(","))
        }
        other => other.to_text().to_string(),
    }
}

/// As the Collector calls it.
const fn kind(kind: i32) -> &'static str {
    match kind {
        1 => "Internal",
        2 => "Server",
        3 => "Client",
        4 => "Producer",
        5 => "Consumer",
        _ => "Unspecified",
    }
}

/// The parts of a request: `each` says to whom a record goes, perhaps cut up.
fn parts<R>(tree: Of<R>, mut each: impl FnMut(&Resource, &Scope, R, &mut dyn FnMut(usize, R))) -> Vec<(usize, Tree)>
where
    Tree: From<Of<R>>,
{
    let mut out: Vec<(usize, Of<R>)> = Vec::new();
    for (r, OfResource { resource, scopes, schema_url: of_resource }) in tree.resources.into_iter().enumerate() {
        // Which parts have this resource already, and this scope.
        let mut here: Vec<(usize, usize, Option<usize>)> = Vec::new();
        for (s, OfScope { scope, records, schema_url: of_scope }) in scopes.into_iter().enumerate() {
            for record in records {
                each(&resource, &scope, record, &mut |backend, record| {
                    let at = out.iter().position(|(other, _)| *other == backend).unwrap_or_else(|| {
                        out.push((backend, Of::default()));
                        out.len() - 1
                    });
                    let part = &mut out[at].1;
                    let known = here.iter().position(|(other, of, _)| *other == at && *of == r).unwrap_or_else(|| {
                        here.push((at, r, None));
                        let schema_url = of_resource.clone();
                        part.resources.push(OfResource { resource: resource.clone(), scopes: vec![], schema_url });
                        here.len() - 1
                    });
                    let Some(owner) = part.resources.last_mut() else { return };
                    if here[known].2 != Some(s) {
                        here[known].2 = Some(s);
                        let schema_url = of_scope.clone();
                        owner.scopes.push(OfScope { scope: scope.clone(), records: vec![], schema_url });
                    }
                    if let Some(scope) = owner.scopes.last_mut() {
                        scope.records.push(record);
                    }
                });
            }
        }
    }
    out.into_iter().map(|(backend, tree)| (backend, Tree::from(tree))).collect()
}

/// A metric by the owners of its points.
fn by_point(metric: Metric, owner: &mut dyn FnMut(&Attributes) -> usize) -> Vec<(usize, Metric)> {
    let Metric { name, description, unit, data, metadata } = metric;
    let shared: Vec<(usize, Data)> = match data {
        Data::None => Vec::new(),
        Data::Gauge(points) => {
            let shared = share(points, |p| owner(&p.attributes));
            shared.into_iter().map(|(n, points)| (n, Data::Gauge(points))).collect()
        }
        Data::Sum { points, temporality, monotonic } => {
            let shared = share(points, |p| owner(&p.attributes));
            shared.into_iter().map(|(n, points)| (n, Data::Sum { points, temporality, monotonic })).collect()
        }
        Data::Histogram { points, temporality } => {
            let shared = share(points, |p| owner(&p.attributes));
            shared.into_iter().map(|(n, points)| (n, Data::Histogram { points, temporality })).collect()
        }
        Data::Exponential { points, temporality } => {
            let shared = share(points, |p| owner(&p.attributes));
            shared.into_iter().map(|(n, points)| (n, Data::Exponential { points, temporality })).collect()
        }
        Data::Summary(points) => {
            let shared = share(points, |p| owner(&p.attributes));
            shared.into_iter().map(|(n, points)| (n, Data::Summary(points))).collect()
        }
    };
    let with = |(backend, data)| {
        let (name, description, unit) = (name.clone(), description.clone(), unit.clone());
        (backend, Metric { name, description, unit, data, metadata: metadata.clone() })
    };
    shared.into_iter().map(with).collect()
}

fn share<P>(points: Vec<P>, mut owner: impl FnMut(&P) -> usize) -> Vec<(usize, Vec<P>)> {
    let mut out: Vec<(usize, Vec<P>)> = Vec::new();
    for point in points {
        let backend = owner(&point);
        match out.iter_mut().find(|(other, _)| *other == backend) {
            Some((_, points)) => points.push(point),
            None => out.push((backend, vec![point])),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Mutex;

    use wire::otlp::tree::{Number, NumberPoint, Temporality};

    use super::*;
    use crate::processors::testing::{attributes, log, of_service, span, sum};

    /// Each key is a back end of its own; the keys, and what went to each.
    fn shared(routing: &Routing, tree: impl Into<Tree>) -> BTreeMap<String, Tree> {
        let keys: Mutex<Vec<Vec<u8>>> = Mutex::default();
        let number = |key: &[u8]| {
            let mut keys = keys.lock().unwrap();
            keys.iter().position(|other| other == key).unwrap_or_else(|| {
                keys.push(key.to_vec());
                keys.len() - 1
            })
        };
        let parts = routing.share_out(tree.into(), number);
        let keys = keys.into_inner().unwrap();
        parts.into_iter().map(|(n, tree)| (String::from_utf8_lossy(&keys[n]).into_owned(), tree)).collect()
    }

    fn of(key: RoutingKey) -> Routing {
        Routing::new(key, vec!["host".into(), "span.kind".into(), "service.name".into()])
    }

    #[test]
    fn spans_of_a_trace_stay_together_with_their_resource_and_scope() {
        let mut tree = of_service("a", vec![span(1, 1, "x"), span(2, 2, "y"), span(1, 3, "z")]);
        tree.append(of_service("b", vec![span(1, 4, "w")]));
        let parts = shared(&of(RoutingKey::Trace), tree);
        let one = match &parts["\u{1}".repeat(16).as_str()] {
            Tree::Traces(tree) => tree.clone(),
            other => panic!("{other:?}"),
        };
        let names: Vec<_> = one.records().map(|s| s.name.to_string()).collect();
        assert_eq!((names, one.resources.len(), parts.len()), (vec!["x".into(), "z".into(), "w".into()], 2, 2));
        assert_eq!(one.resources[1].resource.service_name(), "b");
    }

    #[test]
    fn keys_of_spans_and_logs() {
        let mut s = span(1, 1, "x");
        s.attributes = attributes([("host", Value::Array(vec![Value::Int(1), "b".into()]))]);
        let parts = shared(&of(RoutingKey::Attributes), of_service("shop", vec![s, span(1, 2, "y")]));
        let keys: Vec<_> = parts.keys().map(String::as_str).collect();
        assert_eq!(
            keys,
            ["host=[1,b]|span.kind=Server|service.name=shop|", "host=|span.kind=Server|service.name=shop|"]
        );
        let parts = shared(&of(RoutingKey::Service), of_service("shop", vec![log("a"), log("b")]));
        assert_eq!(parts.keys().collect::<Vec<_>>(), ["shop"]);
        let parts = shared(&of(RoutingKey::Trace), of_service("shop", vec![log("a"), log("b")]));
        assert_eq!(parts.len(), 2, "what is in no trace goes to all in turn");
    }

    #[test]
    fn series_of_a_metric_can_have_different_owners() {
        let mut metric = sum("m", 1, Temporality::CUMULATIVE);
        let point = |host: &str| NumberPoint {
            attributes: attributes([("host", host.into())]),
            value: Some(Number::Int(1)),
            ..NumberPoint::default()
        };
        metric.data = Data::Sum {
            points: vec![point("a"), point("b"), point("a")],
            temporality: Temporality::CUMULATIVE,
            monotonic: true,
        };
        let tree = of_service("shop", vec![metric, sum("n", 1, Temporality::DELTA)]);
        let parts = shared(&of(RoutingKey::Stream), tree.clone());
        let items: Vec<_> = parts.values().map(Tree::items).collect();
        assert_eq!((parts.len(), items.iter().sum::<usize>()), (3, 4), "{:?}", parts.keys());
        let items = |key| shared(&of(key), tree.clone()).values().map(Tree::items).collect::<Vec<_>>();
        assert_eq!(items(RoutingKey::Metric), [3, 1]);
        assert_eq!(items(RoutingKey::Trace), [4]);
        assert_eq!(items(RoutingKey::Resource), [4]);
        assert_eq!(items(RoutingKey::Attributes).iter().sum::<usize>(), 4);
    }
}
