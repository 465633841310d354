//! Graphs that run: requests go the way that is written, and a new graph takes over without a gap.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use foundation::Clock;
use foundation::clock::SystemClock;
use foundation::disk::RealDisk;
use yaml::Findings;
use yaml::parse;

use super::super::{Graph, complete, plan};
use crate::budget::Budget;
use crate::component::{Host, Shared, Sockets, StatusBoard, Surroundings};
use crate::journal::Journal;

/// A host without engines.
fn host(dir: &std::path::Path) -> Host {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    Host {
        disk: Arc::new(RealDisk),
        journal: Journal::new(clock.clone()),
        budget: Budget::new(64 << 20),
        sockets: Sockets::default(),
        board: StatusBoard::new(clock.clone()),
        engines: None,
        data_dir: dir.to_owned(),
        extensions: BTreeMap::new(),
        remote_write: None,
        shared: Shared::default(),
        targets: Default::default(),
        clock,
    }
}

async fn start(yaml: &str, host: &Host) -> Graph {
    let mut document = parse("otel.yaml", yaml).unwrap();
    complete(&mut document);
    let mut findings = Findings::default();
    let plan = plan(&document, &Surroundings::default(), &mut findings);
    Graph::start(plan.unwrap_or_else(|| panic!("{findings}")), host).await.unwrap()
}

/// A port that is free now.
async fn free_port() -> SocketAddr {
    tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap()
}

/// Posts an empty request; the status line.
async fn post(address: SocketAddr, path: &str, headers: &str) -> String {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let request = format!(
        "POST {path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/x-protobuf\r\ncontent-length: 0\r\nconnection: close\r\n{headers}\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    String::from_utf8_lossy(&answer).lines().next().unwrap_or_default().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_answers_for_the_pipelines_it_has_and_asks_who_sends() {
    let dir = tempfile::tempdir().unwrap();
    let host = host(dir.path());
    let address = free_port().await;
    let yaml = format!(
        "extensions:\n  bearertokenauth: {{token: s3cret}}\nreceivers:\n  otlp:\n    protocols:\n      http: {{endpoint: '{address}', auth: {{authenticator: \
         bearertokenauth}}}}\nexporters:\n  debug:\nservice:\n  extensions: [bearertokenauth]\n  pipelines:\n    logs: {{receivers: [otlp], exporters: [debug]}}\n"
    );
    let graph = start(&yaml, &host).await;
    let token = "authorization: Bearer s3cret\r\n";
    assert_eq!(post(address, "/v1/logs", token).await, "HTTP/1.1 200 OK");
    assert_eq!(post(address, "/v1/logs", "").await, "HTTP/1.1 401 Unauthorized");
    assert_eq!(post(address, "/v1/traces", token).await, "HTTP/1.1 404 Not Found");
    let refusals: Vec<String> = host.journal.refusals().into_iter().map(|r| r.message).collect();
    assert!(refusals.iter().any(|m| m.contains("no pipeline takes traces")), "{refusals:?}");
    graph.stop(Duration::from_secs(5)).await;
    assert!(tokio::net::TcpStream::connect(address).await.is_err(), "the port is free again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_graph_takes_over_without_a_refused_connection() {
    let dir = tempfile::tempdir().unwrap();
    let host = host(dir.path());
    let address = free_port().await;
    let yaml = format!(
        "receivers:\n  otlp: {{protocols: {{http: {{endpoint: '{address}'}}}}}}\nexporters:\n  debug:\nservice:\n  pipelines:\n    logs: \
         {{receivers: [otlp], exporters: [debug]}}\n"
    );
    let mut graph = start(&yaml, &host).await;
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let sender = tokio::spawn(async move {
        let mut sent = 0;
        while !*stopped.borrow() {
            assert_eq!(post(address, "/v1/logs", "").await, "HTTP/1.1 200 OK");
            sent += 1;
        }
        sent
    });
    for _ in 0..5 {
        let next = start(&yaml, &host).await;
        graph.stop(Duration::from_secs(5)).await;
        graph = next;
    }
    stop.send_replace(true);
    assert!(sender.await.unwrap() > 0);
    graph.stop(Duration::from_secs(5)).await;
}
