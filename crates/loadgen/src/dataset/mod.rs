//! The bench data set: 20 services in 116 pods, six hours, skewed as production is.
//!
//! Streams of encoded requests of about [`BATCH`] records in time order, each
//! with records of many pods, as a collector in front of a cluster sends them.
//! A stream keeps one request in memory. The shapes (pods, attributes per
//! record, body length, severities, spans per trace) are those of the data set
//! that `docs/benchmarks.md` compares engines on.

mod logs;
mod points;
mod spans;

pub use logs::{Logs, logs};
pub use points::{Points, SERIES, points};
pub use spans::{Spans, spans};

use std::time::Duration;

use foundation::UnixNanos;
use model::Signal;
use wire::protobuf::Writer;

use crate::Request;
use crate::otlp::{self, Scope};
use crate::random::{Rng, Zipf};

/// Records per request.
pub const BATCH: usize = 1_000;
/// The stretch of time that a stream covers, up to the given end.
pub const WINDOW: Duration = Duration::from_secs(6 * 3600);
/// A word in the body of one log and an attribute of one span in every [`RARE_EVERY`] records.
pub const RARE_TOKEN: &str = "kittiwake";
/// See [`RARE_TOKEN`].
pub const RARE_EVERY: u64 = 50_000;
/// A phrase in the body of about one log in 50, and in the exceptions of a few spans.
pub const PHRASE: &str = "connection reset by peer";
/// Pods of all services together.
pub const PODS: usize = 116;
/// Spans of a trace on average; logs use it to name traces of their time.
const SPANS_PER_TRACE: u64 = 36;

/// The services, the busiest first; a service calls services further down.
pub const SERVICES: [&str; 20] = [
    "gateway",
    "frontend",
    "checkout",
    "catalog",
    "search",
    "cart",
    "payments",
    "users",
    "recommendation",
    "inventory",
    "pricing",
    "shipping",
    "orders",
    "notifications",
    "reviews",
    "fraud",
    "sessions",
    "images",
    "ledger",
    "audit",
];
const NOUNS: [&str; 20] = [
    "routes",
    "pages",
    "checkouts",
    "products",
    "queries",
    "carts",
    "payments",
    "users",
    "suggestions",
    "stock",
    "prices",
    "parcels",
    "orders",
    "messages",
    "reviews",
    "scores",
    "sessions",
    "images",
    "entries",
    "events",
];
const SCOPE: Scope = Scope { name: "io.opentelemetry.bench", version: "1.4.2" };

struct Pod {
    service: usize,
    resource: Vec<u8>,
}

/// What all three streams share.
struct World {
    pods: Vec<Pod>,
    /// Indices into `pods` by service.
    by_service: Vec<Vec<usize>>,
    busy_services: Zipf,
    begin: UnixNanos,
}

impl World {
    fn new(seed: u64, end: UnixNanos) -> Self {
        let mut rng = Rng::new(seed).fork(0xb0d5);
        let mut pods = Vec::with_capacity(PODS);
        let mut by_service = vec![Vec::new(); SERVICES.len()];
        for index in 0..PODS {
            // One pod for each service, the rest to the busy ones.
            let service = if index < SERVICES.len() { index } else { rng.below(rng.clone().between(4, 20)) as usize };
            by_service[service].push(index);
            pods.push(Pod { service, resource: resource(&mut rng, service) });
        }
        Self { pods, by_service, busy_services: Zipf::new(SERVICES.len(), 0.8), begin: end.minus(WINDOW) }
    }

    fn pod_of(&self, service: usize, rng: &mut Rng) -> usize {
        *rng.pick(&self.by_service[service])
    }

    /// The time at which `done` of `total` records have happened.
    fn time(&self, done: u64, total: u64) -> UnixNanos {
        let window = WINDOW.as_nanos();
        UnixNanos(self.begin.0 + (window * u128::from(done) / u128::from(total.max(1))) as i64)
    }
}

fn hex(rng: &mut Rng, digits: usize) -> String {
    let mut s = format!("{:016x}{:016x}", rng.next_u64(), rng.next_u64());
    s.truncate(digits);
    s
}

fn resource(rng: &mut Rng, service: usize) -> Vec<u8> {
    let name = SERVICES[service];
    let node = format!("ip-10-0-{}-{}.eu-west-1.compute.internal", rng.below(4), rng.below(24));
    let (language, sdk) =
        *rng.pick(&[("java", "1.55.0"), ("go", "1.45.0"), ("nodejs", "2.12.0"), ("python", "1.45.1")]);
    let list = crate::attrs![
        "service.name" => name,
        "service.namespace" => "shop",
        "service.version" => format!("{}.{}.{}", 1 + service % 3, service % 7, rng.below(4)),
        "service.instance.id" => hex(rng, 32),
        "deployment.environment.name" => "production",
        "k8s.pod.name" => format!("{name}-{}-{}", hex(rng, 9), hex(rng, 5)),
        "k8s.namespace.name" => "shop",
        "k8s.node.name" => node,
        "k8s.deployment.name" => name,
        "cloud.region" => "eu-west-1",
        "telemetry.sdk.language" => language,
        "telemetry.sdk.version" => sdk,
    ];
    otlp::resource(&list)
}

/// The id of trace `number`, the same for spans and logs.
fn trace_id(seed: u64, number: u64) -> [u8; 16] {
    Rng::new(seed).fork(0x7ace).fork(number).trace_id()
}

/// Whether record `index` carries [`RARE_TOKEN`].
const fn is_rare(index: u64) -> bool {
    index % RARE_EVERY == RARE_EVERY / 4
}

/// Encoded records by pod, until they are enough for a request. Keeps its memory between requests.
struct Batch {
    signal: Signal,
    by_pod: Vec<Writer>,
    records: usize,
}

impl Batch {
    fn new(signal: Signal) -> Self {
        Self { signal, by_pod: vec![Writer::new(); PODS], records: 0 }
    }

    /// Where the next record of `pod` is written.
    fn record(&mut self, pod: usize) -> &mut Writer {
        self.records += 1;
        &mut self.by_pod[pod]
    }

    /// Everything written so far as one request.
    fn take(&mut self, world: &World) -> Request {
        let mut w = Writer::new();
        for (pod, records) in world.pods.iter().zip(&mut self.by_pod) {
            if !records.as_bytes().is_empty() {
                otlp::resource_group(&mut w, &pod.resource, [(SCOPE, records.as_bytes())]);
                records.clear();
            }
        }
        let records = std::mem::take(&mut self.records);
        Request { signal: self.signal, service: "bench", records, bytes: w.into_bytes() }
    }
}
