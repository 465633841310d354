//! `servicegraph`: counts requests between services, from the spans of both sides.
//!
//! A client's span and the server's whose parent it is make one request. Halves wait `store.ttl` for each other; a client's that names its
//! peer becomes a request to a virtual node, others are counted as unpaired. Source of names, labels and defaults:
//! opentelemetry-collector-contrib, `servicegraphconnector`. The engines make the same of every span without it; this is for other back ends.
//! Limits: `store.max_items` halves, [`EDGES_MAX`] edges.

use std::collections::VecDeque;
use std::sync::Arc;

use model::Signal;
use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};
use wire::otlp::tree::{Attributes, Metrics, OfResource, OfScope, Resource, Scope, Span, Temporality, Traces};

use super::buckets::{Durations, Shape, count, exponential, sum_metric};
use super::periodic::{Counts, begin};
use crate::component::{Connector, ConnectorFactory, Host, Outputs, Refused, Run, Setup};
use crate::config::Interval;
use crate::consumer::Consumer;
use crate::processors::series::SeriesKey;
use wire::otlp::sampling::count_of;

pub(super) const FACTORY: ConnectorFactory =
    ConnectorFactory { names: &["servicegraph", "service_graph"], routes: &[(Signal::Traces, Signal::Metrics)], build };

/// Edges, with their dimensions.
const EDGES_MAX: usize = 100_000;

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default)]
struct Config {
    latency_histogram_buckets: Vec<Interval>,
    /// Exponential buckets, so many at most, in the place of bounds; 0: bounds.
    exponential_histogram_max_size: i64,
    dimensions: Vec<String>,
    store: Store,
    /// Taken and not used: halves are looked at when spans come and metrics go.
    cache_loop: Interval,
    /// Taken and not used.
    store_expiration_loop: Interval,
    virtual_node_peer_attributes: Vec<String>,
    virtual_node_extra_label: bool,
    /// 0: with every request.
    metrics_flush_interval: Interval,
    /// By how much points are older than the time at which they are sent.
    metrics_timestamp_offset: Interval,
    database_name_attributes: Vec<String>,
    /// Of Collectors before v0.124.
    #[serde(skip_serializing_if = "String::is_empty")]
    database_name_attribute: String,
    /// Taken and not used: pipelines say where metrics go.
    #[serde(skip_serializing)]
    metrics_exporter: String,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default)]
struct Store {
    ttl: Interval,
    max_items: usize,
}

impl Default for Store {
    fn default() -> Self {
        Self { ttl: Interval::secs(2), max_items: 1000 }
    }
}

impl Default for Config {
    fn default() -> Self {
        let own = |list: &[&str]| list.iter().map(|s| (*s).to_owned()).collect();
        Self {
            latency_histogram_buckets: vec![],
            exponential_histogram_max_size: 0,
            dimensions: vec![],
            store: Store::default(),
            cache_loop: Interval::secs(60),
            store_expiration_loop: Interval::secs(2),
            virtual_node_peer_attributes: own(&["peer.service", "db.name", "db.system"]),
            virtual_node_extra_label: false,
            metrics_flush_interval: Interval::secs(60),
            metrics_timestamp_offset: Interval::default(),
            database_name_attributes: own(&["db.name"]),
            database_name_attribute: String::new(),
            metrics_exporter: String::new(),
        }
    }
}

/// In seconds.
const BUCKETS: [f64; 16] = [0.002, 0.004, 0.006, 0.008, 0.01, 0.05, 0.1, 0.2, 0.4, 0.8, 1.0, 1.4, 2.0, 5.0, 10.0, 15.0];

fn build(setup: &mut Setup<'_>) -> Result<Box<dyn Connector>, Refused> {
    let (config, shape) = read(setup)?;
    Ok(Box::new(ServiceGraph(config, shape)))
}

fn read(setup: &mut Setup<'_>) -> Result<(Config, Shape), Refused> {
    let mut c: Config = setup.read()?;
    if c.store.max_items == 0 {
        return Err(setup.error("store.max_items", "it must be at least 1"));
    }
    if !c.latency_histogram_buckets.is_sorted() {
        return Err(setup.error("latency_histogram_buckets", "the bounds must rise"));
    }
    if !c.database_name_attribute.is_empty() {
        c.database_name_attributes = vec![c.database_name_attribute.clone()];
    }
    let shape = match (c.exponential_histogram_max_size, &*c.latency_histogram_buckets) {
        (0, []) => Shape::Explicit(BUCKETS.to_vec()),
        (0, own) => Shape::Explicit(own.iter().map(|b| b.0.as_secs_f64()).collect()),
        (max, []) => Shape::Exponential(exponential(setup, "exponential_histogram_max_size", max)?),
        _ => {
            let message = "`latency_histogram_buckets` are set too; keep one of both";
            return Err(setup.error("exponential_histogram_max_size", message));
        }
    };
    Ok((c, shape))
}

struct ServiceGraph(Config, Shape);

impl Connector for ServiceGraph {
    fn start(self: Box<Self>, outputs: Outputs, host: &Host, run: &mut Run) -> Arc<dyn Consumer> {
        let interval = self.0.metrics_flush_interval.0;
        let graph = Graph::new(self.0, self.1, host.clock.now().0);
        begin(graph, interval, host.clock.clone(), outputs.of(Signal::Metrics), run)
    }
}

type Key = ([u8; 16], [u8; 8]);

/// One side of a request.
#[derive(Debug, Clone)]
struct Half {
    client: bool,
    service: String,
    seconds: f64,
    failed: bool,
    messaging: bool,
    /// What a client calls the other side.
    peer: Option<String>,
    database: Option<String>,
    dimensions: Vec<(String, String)>,
    stands_for: f64,
}

#[derive(Debug)]
struct Edge {
    labels: Attributes,
    total: f64,
    failed: f64,
    client: Durations,
    server: Durations,
}

struct Graph {
    config: Config,
    shape: Shape,
    waiting: FxHashMap<Key, Half>,
    /// When each stops to wait, in nanoseconds since 1970.
    order: VecDeque<(i64, Key)>,
    edges: FxHashMap<SeriesKey, Edge>,
    unpaired: FxHashMap<SeriesKey, (Attributes, f64)>,
    dropped: f64,
    start: i64,
}

impl Graph {
    fn new(config: Config, shape: Shape, now: i64) -> Self {
        Self {
            config,
            shape,
            waiting: FxHashMap::default(),
            order: VecDeque::new(),
            edges: FxHashMap::default(),
            unpaired: FxHashMap::default(),
            dropped: 0.0,
            start: now,
        }
    }

    fn half(&self, resource: &Resource, span: &Span, client: bool) -> Half {
        let text = |key: &String| {
            let found = span.attributes.get(key).or_else(|| resource.attributes.get(key));
            found.map(|v| v.to_text().to_string()).filter(|t| !t.is_empty())
        };
        let side = if client { "client" } else { "server" };
        Half {
            client,
            service: resource.service_name().to_owned(),
            seconds: span.duration_nanos() as f64 / 1e9,
            failed: span.is_error(),
            messaging: matches!(span.kind, 4 | 5),
            peer: self.config.virtual_node_peer_attributes.iter().filter(|_| client).find_map(text),
            database: self.config.database_name_attributes.iter().filter(|_| client).find_map(text),
            dimensions: self
                .config
                .dimensions
                .iter()
                .filter_map(|d| text(d).map(|v| (format!("{side}_{d}"), v)))
                .collect(),
            stands_for: count_of(span),
        }
    }

    fn span(&mut self, resource: &Resource, span: &Span, now: i64) {
        let client = match span.kind {
            3 | 4 => true,
            2 | 5 => false,
            _ => return,
        };
        let own = if client { &span.span_id } else { &span.parent_span_id };
        let half = self.half(resource, span, client);
        let (Some(trace), Some(id)) = (span.trace_id.valid(), own.valid()) else {
            if !client {
                // A root: the request comes from outside.
                self.count(None, Some(&half), "virtual_node", "user", "");
            }
            return;
        };
        let key = (*trace, *id);
        match self.waiting.get(&key) {
            Some(other) if other.client != client => {
                let Some(other) = self.waiting.remove(&key) else { return };
                let (c, s) = if client { (half, other) } else { (other, half) };
                let connection = if c.messaging || s.messaging { "messaging_system" } else { "" };
                self.count(Some(&c), Some(&s), connection, "", "");
            }
            Some(_) => {}
            None if self.waiting.len() >= self.config.store.max_items => self.dropped += 1.0,
            None => {
                let ttl = i64::try_from(self.config.store.ttl.0.as_nanos()).unwrap_or(i64::MAX);
                self.order.push_back((now.saturating_add(ttl), key));
                self.waiting.insert(key, half);
            }
        }
    }

    /// Decides about halves that waited long enough.
    fn expire(&mut self, now: i64) {
        while let Some((due, key)) = self.order.front().copied()
            && due <= now
        {
            self.order.pop_front();
            let Some(half) = self.waiting.remove(&key) else { continue };
            match (&half.database, &half.peer) {
                (Some(database), _) => self.count(Some(&half), None, "database", "", database),
                (None, Some(peer)) => self.count(Some(&half), None, "virtual_node", "", peer),
                (None, None) => {
                    let (client, server) = if half.client { (&*half.service, "") } else { ("", &*half.service) };
                    let labels: Attributes =
                        [("client", client), ("server", server), ("connection_type", "")].into_iter().collect();
                    let key = SeriesKey::of(&Resource::default(), &Scope::default(), "", 1, &labels);
                    if self.unpaired.len() < EDGES_MAX || self.unpaired.contains_key(&key) {
                        self.unpaired.entry(key).or_insert((labels, 0.0)).1 += half.stands_for;
                    }
                }
            }
        }
    }

    fn count(&mut self, client: Option<&Half>, server: Option<&Half>, connection: &str, caller: &str, called: &str) {
        let name = |half: Option<&Half>, other: &str| half.map_or_else(|| other.to_owned(), |h| h.service.clone());
        let mut labels = Attributes::new();
        labels.push("client", name(client, caller));
        labels.push("server", name(server, called));
        labels.push("connection_type", connection);
        labels.push("failed", if [client, server].into_iter().flatten().any(|h| h.failed) { "true" } else { "false" });
        for (k, v) in [client, server].into_iter().flatten().flat_map(|h| &h.dimensions) {
            labels.push(k, v.as_str());
        }
        if self.config.virtual_node_extra_label && connection == "virtual_node" {
            labels.push("virtual_node", if client.is_none() { "client" } else { "server" });
        }
        let key = SeriesKey::of(&Resource::default(), &Scope::default(), "", 0, &labels);
        if !self.edges.contains_key(&key) && self.edges.len() >= EDGES_MAX {
            self.dropped += 1.0;
            return;
        }
        let edge = self.edges.entry(key).or_insert_with(|| Edge {
            labels,
            total: 0.0,
            failed: 0.0,
            client: self.shape.empty(),
            server: self.shape.empty(),
        });
        let n = client.or(server).map_or(1.0, |h| h.stands_for);
        edge.total += n;
        edge.failed += if [client, server].into_iter().flatten().any(|h| h.failed) { n } else { 0.0 };
        // Of a side without spans of its own the other's time is what is known.
        for (half, durations) in [(client.or(server), &mut edge.client), (server.or(client), &mut edge.server)] {
            if let Some(half) = half {
                self.shape.observe(durations, half.seconds, n);
            }
        }
    }
}

impl Counts for Graph {
    fn add(&mut self, traces: &Traces, now: i64) {
        self.expire(now);
        for r in &traces.resources {
            for span in r.scopes.iter().flat_map(|s| &s.records) {
                self.span(&r.resource, span, now);
            }
        }
    }

    fn metrics(&mut self, now: i64) -> Metrics {
        self.expire(now);
        let at = |t: i64| u64::try_from(t).unwrap_or(0);
        let offset = i64::try_from(self.config.metrics_timestamp_offset.0.as_nanos()).unwrap_or(i64::MAX);
        let times = (at(self.start.saturating_sub(offset)), at(now.saturating_sub(offset)));
        let mut edges: Vec<&Edge> = self.edges.values().collect();
        edges.sort_by_cached_key(|e| format!("{:?}", e.labels));
        let sums = |f: fn(&Edge) -> f64| -> Vec<_> {
            edges.iter().filter(|e| f(e) > 0.0).map(|e| count(f(e), e.labels.clone(), times)).collect()
        };
        let durations = |name: &str, description: &str, f: fn(&Edge) -> &Durations| {
            let of = edges.iter().map(|e| (&e.labels, f(e), &[][..]));
            self.shape.metric((name, description, "s"), of, times, Temporality::CUMULATIVE)
        };
        let unpaired = self.unpaired.values().map(|(labels, n)| count(*n, labels.clone(), times)).collect();
        let dropped = if self.dropped > 0.0 { vec![count(self.dropped, Attributes::new(), times)] } else { vec![] };
        let cumulative = Temporality::CUMULATIVE;
        let name = |what: &str| format!("traces_service_graph_{what}");
        let mut records = vec![
            sum_metric(&name("request_total"), "Requests between two nodes", sums(|e| e.total), cumulative),
            sum_metric(
                &name("request_failed_total"),
                "Failed requests between two nodes",
                sums(|e| e.failed),
                cumulative,
            ),
            durations(&name("request_client_seconds"), "Durations as clients see them", |e| &e.client),
            durations(&name("request_server_seconds"), "Durations as servers see them", |e| &e.server),
            sum_metric(&name("unpaired_spans_total"), "Spans whose other side did not come", unpaired, cumulative),
            sum_metric(&name("dropped_spans_total"), "Spans that there was no room for", dropped, cumulative),
        ];
        records.retain(|m| !m.data.is_empty());
        if records.is_empty() {
            return Metrics::default();
        }
        let scope = Scope { name: "traces_service_graph".into(), ..Scope::default() };
        let scopes = vec![OfScope { scope, records, ..OfScope::default() }];
        Metrics { resources: vec![OfResource { scopes, ..OfResource::default() }] }
    }

    fn sent(&mut self) {}
}

#[cfg(test)]
mod tests {
    use wire::otlp::tree::Data;

    use super::super::testing::with_setup;
    use super::*;
    use crate::processors::testing::{of_service, shown, span};

    const SECOND: i64 = 1_000_000_000;

    fn told(metrics: &Metrics) -> Vec<String> {
        let short = |name: &str| name.trim_start_matches("traces_service_graph_").to_owned();
        let mut out = vec![];
        for m in metrics.records() {
            if let Data::Sum { points, .. } = &m.data {
                out.extend(
                    points
                        .iter()
                        .map(|p| format!("{} {} {:?}", short(&m.name), shown(&p.attributes), p.value.unwrap())),
                );
            }
        }
        out.sort();
        out
    }

    fn of_kind(kind: i32, id: u8, parent: u8, trace: u8) -> Span {
        let parent_span_id = if parent == 0 { Default::default() } else { [parent; 8].into() };
        Span { kind, parent_span_id, ..span(trace, id, "x") }
    }

    #[test]
    fn both_sides_make_a_request_and_the_others_get_what_is_known() {
        let (config, shape) = with_setup("{dimensions: [region], store: {ttl: 2s, max_items: 3}}", read).unwrap();
        let mut g = Graph::new(config, shape, 0);
        // Server first, then its client: one request. Its failure is the request's.
        let mut server = of_kind(2, 2, 1, 1);
        server.status.code = 2;
        server.attributes.set("region", "eu");
        g.add(&of_service("api", vec![server]), 0);
        g.add(&of_service("web", vec![of_kind(3, 1, 9, 1)]), SECOND);
        // A root, a database, and a client of whom nothing is heard.
        let mut database = of_kind(3, 5, 4, 2);
        database.attributes.set("db.name", "orders");
        g.add(&of_service("api", vec![of_kind(2, 4, 0, 2), database, of_kind(3, 6, 4, 2)]), SECOND);
        // No more room.
        g.add(&of_service("api", vec![of_kind(3, 7, 4, 2), of_kind(3, 8, 4, 2)]), SECOND);
        let metrics = g.metrics(3 * SECOND);
        assert_eq!(
            told(&metrics),
            [
                "dropped_spans_total  Int(1)",
                "request_failed_total client=web server=api connection_type= failed=true server_region=eu Int(1)",
                "request_total client=api server=orders connection_type=database failed=false Int(1)",
                "request_total client=user server=api connection_type=virtual_node failed=false Int(1)",
                "request_total client=web server=api connection_type= failed=true server_region=eu Int(1)",
                "unpaired_spans_total client=api server= connection_type= Int(2)",
            ]
        );
        let seconds = metrics.records().find(|m| m.name.ends_with("client_seconds")).unwrap();
        let Data::Histogram { points, .. } = &seconds.data else { panic!() };
        assert_eq!(points.iter().map(|p| p.count).sum::<u64>(), 3);
        assert_eq!(points[0].bucket_counts[6], 1, "0.1 s");
    }

    #[test]
    fn durations_have_exponential_buckets_and_points_are_as_old_as_is_wanted() {
        let yaml =
            "{exponential_histogram_max_size: 10, metrics_timestamp_offset: 1s, database_name_attribute: db.namespace}";
        let (config, shape) = with_setup(yaml, read).unwrap();
        let mut g = Graph::new(config, shape, 2 * SECOND);
        let mut database = of_kind(3, 5, 4, 2);
        database.attributes.set("db.namespace", "orders");
        g.add(&of_service("api", vec![database]), 2 * SECOND);
        let metrics = g.metrics(9 * SECOND);
        let seconds = metrics.records().find(|m| m.name.ends_with("client_seconds")).unwrap();
        let Data::Exponential { points, .. } = &seconds.data else { panic!() };
        assert_eq!((points[0].count, points[0].max), (1, Some(0.1)));
        assert_eq!((points[0].start_time_unix_nano, points[0].time_unix_nano), (1_000_000_000, 8_000_000_000));
        assert_eq!(points[0].attributes.text("server"), Some("orders"));
    }

    #[test]
    fn mistakes_are_told() {
        for (yaml, message) in [
            ("store: {max_items: 0}", "at least 1"),
            ("latency_histogram_buckets: [2s, 1s]", "must rise"),
            ("exponential_histogram_max_size: -1", "between 2 and 16384"),
            ("{exponential_histogram_max_size: 10, latency_histogram_buckets: [1s]}", "keep one of both"),
        ] {
            let said = with_setup(yaml, read).err().unwrap();
            assert!(said.contains(message), "{said}");
        }
    }
}
