//! What tests of receivers need: a host without engines, a consumer that keeps what it gets, waiting with a deadline.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use foundation::clock::SystemClock;
use foundation::disk::RealDisk;
use foundation::{ErrorKind, UnixNanos};
use model::{LogRecord, Signal, Span};
use parking_lot::Mutex;
use wire::otlp::{Decoded, Limits, decode_logs, decode_metrics, decode_traces};
use wire::rows::{PointRow, RowLogSink, RowMetricSink, RowSpanSink};
use wire::sink::Number;
use yaml::Findings;

use crate::budget::Budget;
use crate::component::{ComponentId, Host, Kind, Outputs, ReceiverFactory, Run, Setup, Shared, Sockets, StatusBoard};
use crate::consumer::{Answer, Consumer};
use crate::journal::Journal;
use crate::refusal::Refusal;
use crate::telemetry::Telemetry;

/// Keeps what it gets; refuses while it is told to.
#[derive(Default)]
pub(super) struct Kept {
    requests: Mutex<Vec<Telemetry>>,
    refusing: Mutex<Option<Refusal>>,
}

impl Consumer for Kept {
    fn consume(&self, telemetry: Telemetry) -> Answer<'_> {
        Box::pin(async move {
            if let Some(refusal) = self.refusing.lock().clone() {
                return Err(refusal);
            }
            self.requests.lock().push(telemetry);
            Ok(Decoded::default())
        })
    }
}

impl Kept {
    pub(super) fn refuse(&self, refuse: bool) {
        let refusal = Refusal::new(ErrorKind::Unavailable { retry_after: Duration::from_millis(5) }, "full");
        *self.refusing.lock() = refuse.then_some(refusal);
    }

    pub(super) fn all(&self, signal: Signal) -> Vec<Telemetry> {
        self.requests.lock().iter().filter(|t| t.signal() == signal).cloned().collect()
    }

    pub(super) fn everything(&self) -> Vec<Telemetry> {
        self.requests.lock().clone()
    }

    pub(super) fn spans(&self) -> Vec<Span> {
        let mut sink = RowSpanSink::default();
        for request in self.all(Signal::Traces) {
            decode_traces(&request.into_bytes(), &Limits::new(UnixNanos(1)), &mut sink).unwrap();
        }
        sink.spans
    }

    pub(super) fn logs(&self) -> Vec<LogRecord> {
        let mut sink = RowLogSink::default();
        for request in self.all(Signal::Logs) {
            decode_logs(&request.into_bytes(), &Limits::new(UnixNanos(1)), &mut sink).unwrap();
        }
        sink.records
    }

    pub(super) fn bodies(&self) -> Vec<String> {
        self.logs().iter().map(|r| r.body.as_str().unwrap_or_default().to_owned()).collect()
    }
}

/// Numbers of metrics as `(name, attributes, value)`.
pub(super) fn points(kept: &Kept) -> Vec<(String, String, f64)> {
    let mut sink = RowMetricSink::default();
    for request in kept.all(Signal::Metrics) {
        decode_metrics(&request.into_bytes(), &Limits::new(UnixNanos(1)), &mut sink).unwrap();
    }
    let attributes = |a: &model::Attributes| {
        let one = |(k, v): &(String, model::Value)| format!("{k}={}", v.as_str().unwrap_or_default());
        a.iter().map(one).collect::<Vec<_>>().join(" ")
    };
    let number = |point: &PointRow| match point {
        PointRow::Number(Number::Int(n)) => Some(*n as f64),
        PointRow::Number(Number::Double(n)) => Some(*n),
        _ => None,
    };
    sink.points.iter().filter_map(|p| Some((p.name.clone(), attributes(&p.attributes), number(&p.point)?))).collect()
}

/// A receiver that runs.
pub(super) struct Running {
    pub host: Host,
    pub kept: Arc<Kept>,
    run: Run,
}

pub(super) fn host(directory: &Path) -> Host {
    let clock = Arc::new(SystemClock);
    Host {
        clock: clock.clone(),
        disk: Arc::new(RealDisk),
        journal: Journal::new(clock.clone()),
        budget: Budget::new(256 << 20),
        sockets: Sockets::default(),
        board: StatusBoard::new(clock),
        engines: None,
        data_dir: directory.to_owned(),
        extensions: BTreeMap::new(),
        remote_write: None,
        shared: Shared::default(),
        targets: Default::default(),
    }
}

/// What is said of settings that are wrong.
pub(super) fn mistakes(factory: &ReceiverFactory, yaml: &str) -> String {
    let node = yaml::parse("test.yaml", yaml).unwrap();
    let id: ComponentId = factory.names[0].parse().unwrap();
    let mut findings = Findings::default();
    let built = (factory.build)(&mut Setup::new(Kind::Receiver, &id, &node, &mut findings)).is_ok();
    assert_eq!(built, !findings.has_errors());
    findings.sorted().iter().map(|f| format!("{f}\n")).collect()
}

/// Builds and starts a receiver; what it needs is under `directory`.
pub(super) async fn start(factory: &ReceiverFactory, yaml: &str, directory: &Path) -> Running {
    start_on(factory, yaml, host(directory)).await
}

/// Builds and starts a receiver in surroundings of one's own.
pub(super) async fn start_on(factory: &ReceiverFactory, yaml: &str, host: Host) -> Running {
    let node = yaml::parse("test.yaml", yaml).unwrap();
    let id: ComponentId = factory.names[0].parse().unwrap();
    let mut findings = Findings::default();
    let built = (factory.build)(&mut Setup::new(Kind::Receiver, &id, &node, &mut findings));
    let receiver = built.unwrap_or_else(|_| panic!("{findings}"));
    let mut run = Run::new(format!("receivers.{}", factory.names[0]), host.board.clone());
    let kept = Arc::new(Kept::default());
    receiver.start(Outputs::all(kept.clone()), &host, &mut run).await.unwrap();
    Running { host, kept, run }
}

impl Running {
    /// Stops it, as a shutdown does.
    pub(super) async fn stop(self) -> Arc<Kept> {
        self.run.stop(Duration::from_secs(10)).await;
        self.kept
    }

    /// How often something was refused or noted under a code.
    pub(super) fn refused(&self, code: &str) -> u64 {
        self.host.journal.refusals().iter().filter(|r| r.code == code).map(|r| r.count).sum()
    }
}

/// Waits until `done` is true.
pub(super) async fn until(what: &str, mut done: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !done() {
        assert!(begin.elapsed() < Duration::from_secs(20), "{what} did not happen");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// A port that was free a moment ago.
pub(super) fn free_tcp() -> SocketAddr {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

pub(super) fn free_udp() -> SocketAddr {
    std::net::UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// Sends a request and gives the status and the body.
pub(super) async fn post(address: SocketAddr, path: &str, content_type: &str, body: &[u8]) -> (u16, String) {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let length = body.len();
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: {content_type}\r\ncontent-length: {length}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(body).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head[9..12].parse().unwrap(), body.to_owned())
}

/// What a port says to a request in plain text; nothing when it closes the connection.
pub(super) async fn plain_words(address: SocketAddr) -> String {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    // It may be closed with something unread, which is told as a reset.
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}
