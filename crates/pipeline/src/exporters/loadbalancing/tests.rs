//! Back ends over real sockets: what belongs together arrives together, and nothing is lost when they come and go.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use parking_lot::Mutex;
use yaml::Findings;

use super::*;
use crate::component::{Health, Surroundings};
use crate::exporters::testing::{built, host, said};
use crate::graph::{Graph, complete, plan};
use crate::processors::testing::{of_service, span};
use crate::telemetry::Telemetry;

/// A port that is free now.
fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A server that writes what it takes on `port` into a file.
async fn backend(port: u16, folder: &Path) -> Graph {
    let file = folder.join(format!("{port}.json"));
    let yaml = format!(
        "receivers:\n  otlp: {{protocols: {{grpc: {{endpoint: '127.0.0.1:{port}'}}}}}}\nexporters:\n  file: {{path: '{}'}}\nservice:\n  \
         pipelines:\n    traces: {{receivers: [otlp], exporters: [file]}}\n",
        file.display()
    );
    let mut document = yaml::parse("otel.yaml", &yaml).unwrap();
    complete(&mut document);
    let mut findings = Findings::default();
    let plan = plan(&document, &Surroundings::default(), &mut findings);
    Graph::start(plan.unwrap_or_else(|| panic!("{findings}")), &host(folder)).await.unwrap()
}

/// The spans that a server has taken, by trace.
fn taken(port: u16, folder: &Path) -> BTreeMap<String, BTreeSet<String>> {
    let text = std::fs::read_to_string(folder.join(format!("{port}.json"))).unwrap_or_default();
    let mut traces: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    // What is being written has no end yet.
    for line in text.split_inclusive('\n').filter(|line| line.ends_with('\n')) {
        let request: serde_json::Value = serde_json::from_str(line).unwrap();
        for resource in request["resourceSpans"].as_array().unwrap() {
            for span in resource["scopeSpans"].as_array().unwrap().iter().flat_map(|s| s["spans"].as_array().unwrap()) {
                let text = |key: &str| span[key].as_str().unwrap().to_owned();
                traces.entry(text("traceId")).or_default().insert(text("spanId"));
            }
        }
    }
    traces
}

fn spans(traces: &BTreeMap<String, BTreeSet<String>>) -> usize {
    traces.values().map(BTreeSet::len).sum()
}

async fn until(what: &str, mut reached: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !reached() {
        assert!(Instant::now() < deadline, "{what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// A span of each of the traces `traces`.
async fn send(to: &dyn Consumer, traces: std::ops::Range<u8>, id: u8) {
    let spans = traces.map(|trace| span(trace, id, "x")).collect();
    to.consume(Telemetry::of(of_service("shop", spans))).await.unwrap();
}

const PROTOCOL: &str =
    "protocol: {otlp: {tls: {insecure: true}, retry_on_failure: {initial_interval: 10ms, max_interval: 50ms}}}";

#[tokio::test(flavor = "multi_thread")]
async fn one_of_two_receivers_dies_and_nothing_is_lost() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path();
    let host = host(folder);
    let (a, b) = (free_port(), free_port());
    let first = backend(a, folder).await;
    let second = backend(b, folder).await;
    let yaml = format!("{PROTOCOL}\nresolver: {{static: {{hostnames: ['127.0.0.1:{a}', '127.0.0.1:{b}']}}}}");
    let mut run = Run::new("exporters.loadbalancing", host.board.clone());
    let balancer = built(&FACTORY, &yaml).unwrap().start(&host, &mut run).await.unwrap();
    send(&*balancer, 1..101, 1).await;
    until("the first spans arrive", || spans(&taken(a, folder)) + spans(&taken(b, folder)) == 100).await;
    let share = spans(&taken(b, folder));
    assert!((10..90).contains(&share), "both have their share: {share}");
    second.stop(Duration::from_secs(5)).await;
    // What is meant for the dead one is acknowledged and waits; the other one gets its own at once.
    send(&*balancer, 1..101, 2).await;
    until("the live one has its own", || spans(&taken(a, folder)) == 2 * (100 - share)).await;
    let health = || host.board.all()[&format!("exporters.loadbalancing@127.0.0.1:{b}")].health;
    until("the dead one is told", || health() == Health::Recoverable).await;
    let second = backend(b, folder).await;
    until("the rest arrives", || spans(&taken(b, folder)) == 2 * share).await;
    until("it is well again", || health() == Health::Ok).await;
    let (of_a, of_b) = (taken(a, folder), taken(b, folder));
    assert!(of_a.keys().all(|trace| !of_b.contains_key(trace)), "a trace has one back end");
    run.stop(Duration::from_secs(5)).await;
    first.stop(Duration::from_secs(5)).await;
    second.stop(Duration::from_secs(5)).await;
}

/// Back ends that change, and how often they were asked for.
#[derive(Default)]
struct Names {
    now: Mutex<Vec<String>>,
    asked: AtomicUsize,
}

impl Names {
    /// Changes them; returns when that has been seen and done.
    async fn change_to(&self, names: Vec<String>) {
        *self.now.lock() = names;
        let before = self.asked.load(Ordering::SeqCst);
        until("names are asked for", || self.asked.load(Ordering::SeqCst) > before + 1).await;
    }
}

/// A balancer whose back ends are those of `names` now.
async fn following(names: &Arc<Names>, host: &Host, run: &mut Run) -> Arc<dyn Consumer> {
    let node = yaml::parse("test.yaml", PROTOCOL).unwrap();
    let id = "loadbalancing".parse().unwrap();
    let mut findings = Findings::default();
    let mut setup = Setup::new(crate::component::Kind::Exporter, &id, &node, &mut findings);
    let mut settings: Settings = setup.read().unwrap();
    let dialer = otlp::dialer(&mut setup, &mut settings.protocol.otlp, true).unwrap();
    let names = names.clone();
    let lookup = Lookup {
        ask: Box::new(move || {
            let now = names.now.lock().clone();
            names.asked.fetch_add(1, Ordering::SeqCst);
            Box::pin(async move { if now.is_empty() { Err("none".to_owned()) } else { Ok(now) } })
        }),
        interval: Some(Duration::from_millis(10)),
    };
    let routing = Routing::new(RoutingKey::Trace, vec![]);
    Backends::new("exporters.loadbalancing".into(), routing, dialer, None, host.clone())
        .start(lookup, run)
        .await
        .unwrap()
}

fn queues(folder: &Path) -> usize {
    std::fs::read_dir(folder.join("queues")).map_or(0, Iterator::count)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_for_one_that_leaves_is_shared_out_again() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path();
    let host = host(folder);
    let (a, dead) = (free_port(), free_port());
    let name = |port: u16| format!("127.0.0.1:{port}");
    let mut sorted = vec![name(a), name(dead)];
    sorted.sort();
    let names = Arc::new(Names { now: Mutex::new(sorted.clone()), ..Names::default() });
    let server = backend(a, folder).await;
    let mut run = Run::new("exporters.loadbalancing", host.board.clone());
    let balancer = following(&names, &host, &mut run).await;
    send(&*balancer, 1..101, 1).await;
    until("the live one has its own", || spans(&taken(a, folder)) > 10).await;
    assert!(spans(&taken(a, folder)) < 100, "some wait for the other");
    names.change_to(vec![name(a)]).await;
    until("all of it arrives", || spans(&taken(a, folder)) == 100).await;
    until("the queue is gone", || queues(folder) == 1).await;
    // It comes back, gets its share, and the process ends before it has taken it.
    names.change_to(sorted).await;
    until("there are two again", || queues(folder) == 2).await;
    send(&*balancer, 1..101, 2).await;
    until("the live one has its own again", || spans(&taken(a, folder)) > 110).await;
    drop(balancer);
    run.stop(Duration::from_secs(5)).await;
    assert!(spans(&taken(a, folder)) < 200, "some wait for the other");
    // Names that nobody knows at first: senders are told, nothing is lost.
    *names.now.lock() = vec![];
    let mut run = Run::new("exporters.loadbalancing", host.board.clone());
    let balancer = following(&names, &host, &mut run).await;
    let refusal = balancer.consume(Telemetry::of(of_service("shop", vec![span(1, 3, "x")]))).await.unwrap_err();
    assert!(refusal.retry_after().is_some() && refusal.message.contains("no back end"), "{refusal}");
    names.change_to(vec![name(a)]).await;
    until("what an earlier run left arrives", || spans(&taken(a, folder)) == 200).await;
    until("its queue is gone", || queues(folder) == 1).await;
    run.stop(Duration::from_secs(5)).await;
    server.stop(Duration::from_secs(5)).await;
}

#[tokio::test]
async fn a_name_is_resolved_to_addresses() {
    let dns = |port| Dns { hostname: "localhost".into(), port, ..Dns::default() };
    let names = resolve(dns(Some(4000))).await.unwrap();
    assert!(names.contains(&"127.0.0.1:4000".to_owned()), "{names:?}");
    let names = resolve(dns(None)).await.unwrap();
    assert!(names.contains(&"127.0.0.1".to_owned()), "{names:?}");
    assert!(names.iter().all(|name| target(name).is_ok()), "{names:?}");
}

#[test]
fn settings_that_cannot_be_meant() {
    let at = "exporters.loadbalancing";
    let cases = [
        ("{}", format!("1:1: error: {at}.resolver: is missing")),
        (
            "resolver: {static: {hostnames: [a:1]}, dns: {hostname: b}}",
            format!("1:1: error: {at}.resolver: names `static` and"),
        ),
        ("resolver: {static: {hostnames: []}}", format!("error: {at}.resolver.static.hostnames: is empty")),
        (
            "resolver: {static: {hostnames: [a:1, 'b/c']}}",
            format!("1:38: error: {at}.resolver.static.hostnames[1]: `b/c`"),
        ),
        ("resolver: {dns: {}}", format!("error: {at}.resolver.dns.hostname: is missing")),
        ("resolver: {dns: {hostname: x, interval: 0s}}", format!("1:31: error: {at}.resolver.dns.interval: must be")),
        (
            "resolver: {k8s: {service: x}}",
            format!("1:12: error: {at}.resolver.k8s: the resolver `k8s` is not in this build"),
        ),
        (
            "resolver: {aws_cloud_map: {namespace: x}}",
            format!("1:12: error: {at}.resolver.aws_cloud_map: the resolver"),
        ),
        ("routing_key: host", format!("1:14: error: {at}.routing_key: `host` is not known; there is traceID, service")),
        (
            "routing_key: attributes\nresolver: {static: {hostnames: [a]}}",
            format!("error: {at}.routing_attributes: is missing"),
        ),
        (
            "resolver: {static: {hostnames: [a]}}\nprotocol:\n  otlp:\n    sending_queue: {queue_size: 0}",
            format!("4:21: error: {at}.protocol.otlp.sending_queue.queue_size: must be greater"),
        ),
    ];
    for (yaml, expected) in cases {
        let said = said(&FACTORY, yaml);
        assert!(said.contains(&expected), "{yaml}: {said}");
    }
    let said = said(
        &FACTORY,
        "resolver: {static: {hostnames: [a, b]}}\ntimeout: 1s\nprotocol: {otlp: {endpoint: x, tls: {insecure: true}}}",
    );
    let warned = [
        format!(
            "2:1: warning: {at}.timeout: is not used here: each back end has its own; write it as `protocol.otlp.timeout`"
        ),
        format!("3:19: warning: {at}.protocol.otlp.endpoint: is not used"),
    ];
    assert!(warned.iter().all(|w| said.contains(w)), "{said}");
}
