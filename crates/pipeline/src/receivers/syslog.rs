//! `syslog`: messages of RFC 3164 and RFC 5424 by TCP and UDP.
//!
//! On TCP, counted messages and lines are told apart by what they begin with, unless the settings say which they are. A text that
//! is no syslog message becomes a record all the same, and is counted. The fields are the Collector's, and so are operators.
//! Source: syslogreceiver.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use foundation::units::ByteSize;
use foundation::{Clock, UnixNanos};
use jiff::tz::TimeZone;
use model::Signal;
use net::tls::{ServerSettings, ServerTls};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use wire::otlp::tree::{LogRecord, Value};
use wire::syslog::{self, Framing, Protocol, Splitter};

use super::datagrams::Port;
use super::web::{check_tls, server_tls};
use crate::component::{Host, Outputs, Receiver, ReceiverFactory, Refused, Run, Setup, StartError, Starting};
use crate::config::{Collector, Size};
use crate::consumer::Consumer;
use crate::journal::Journal;
use crate::stanza::{self, Blueprint, Chain, Entry};
use crate::telemetry::{Origin, Telemetry};

/// How it is known.
pub(super) const FACTORY: ReceiverFactory = ReceiverFactory { names: &["syslog"], signals: &[Signal::Logs], build };

/// Connections of the TCP port.
const CONNECTIONS_MAX: usize = 1024;
/// A request that may be tried again is tried for so long; meanwhile the sender waits.
const RETRY_MAX: Duration = Duration::from_secs(300);

#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(default)]
struct Settings {
    #[serde(skip_serializing_if = "Option::is_none")]
    tcp: Option<Tcp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    udp: Option<Udp>,
    protocol: String,
    location: String,
    enable_octet_counting: bool,
    allow_skip_pri_header: bool,
    /// Taken and not needed: an empty line ends nothing here.
    #[serde(skip_serializing)]
    non_transparent_framing_trailer: Option<String>,
    operators: Vec<serde_json::Value>,
    attributes: serde_json::Map<String, serde_json::Value>,
    resource: serde_json::Map<String, serde_json::Value>,
}

#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default)]
struct Tcp {
    listen_address: String,
    max_log_size: Size,
    /// RFC 5425: syslog over TLS.
    #[serde(skip_serializing_if = "Option::is_none")]
    tls: Option<ServerSettings>,
}

impl Default for Tcp {
    fn default() -> Self {
        Self { listen_address: String::new(), max_log_size: Size(ByteSize::mib(1)), tls: None }
    }
}

#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(default)]
struct Udp {
    listen_address: String,
    /// Taken and not needed: readers are not what limits.
    #[serde(rename = "async", skip_serializing)]
    readers: Option<serde_json::Value>,
}

struct Syslog {
    component: String,
    tcp: Option<(SocketAddr, usize, Option<ServerSettings>)>,
    udp: Option<SocketAddr>,
    framing: Framing,
    reading: Reading,
}

/// What reads messages, for every connection anew.
#[derive(Clone)]
struct Reading {
    protocol: Protocol,
    zone: TimeZone,
    allow_skip_pri: bool,
    blueprint: Blueprint,
    attributes: Vec<(String, Value)>,
    resource: Vec<(String, Value)>,
}

fn build(setup: &mut Setup<'_>) -> Result<Box<dyn Receiver>, Refused> {
    let mut settings: Settings = setup.read()?;
    let protocol = match settings.protocol.as_str() {
        "rfc3164" => Protocol::Rfc3164,
        "rfc5424" => Protocol::Rfc5424,
        "" => Protocol::Either,
        other => {
            let message = format!("`{other}` is not known; write rfc3164 or rfc5424, or leave it out to take both");
            return Err(setup.error("protocol", message));
        }
    };
    if protocol == Protocol::Either {
        let fix = "write `protocol: rfc3164` or `rfc5424` to take only one";
        setup.warning("protocol", "is not set, messages of both formats are taken", fix, Some(Collector::Refuses));
    }
    let zone = match settings.location.as_str() {
        "" | "UTC" => TimeZone::UTC,
        name => match TimeZone::get(name) {
            Ok(zone) => zone,
            Err(_) => {
                return Err(
                    setup.error("location", format!("`{name}` is not a time zone; write one such as Europe/Berlin"))
                );
            }
        },
    };
    let written = ["tcp", "udp"].map(|name| setup.node().key(name).is_some());
    if written == [false, false] {
        return Err(setup.error("", "listens nowhere; write `tcp: {listen_address: 0.0.0.0:54526}` or `udp`"));
    }
    let tcp = match written[0] {
        true => {
            let tcp = settings.tcp.get_or_insert_default();
            let at = setup.address("tcp.listen_address", Some(&tcp.listen_address), 54526)?;
            tcp.listen_address = at.to_string();
            let limit = tcp.max_log_size.0.as_usize();
            if limit < 1024 {
                return Err(setup.error("tcp.max_log_size", "must be at least 1KiB"));
            }
            let directory = setup.surroundings().directory;
            check_tls(setup, "tcp.tls", &mut tcp.tls, &directory)?;
            Some((at, limit, tcp.tls.clone()))
        }
        false => None,
    };
    let udp = match written[1] {
        true => {
            let udp = settings.udp.get_or_insert_default();
            let at = setup.address("udp.listen_address", Some(&udp.listen_address), 54526)?;
            udp.listen_address = at.to_string();
            Some(at)
        }
        false => None,
    };
    let blueprint = operators(setup, &settings.operators)?;
    let values = |map: &serde_json::Map<String, serde_json::Value>| {
        map.iter().map(|(k, v)| (k.clone(), Value::from_json(v))).collect::<Vec<_>>()
    };
    let (attributes, resource) = (values(&settings.attributes), values(&settings.resource));
    let allow_skip_pri = settings.allow_skip_pri_header;
    let framing = if settings.enable_octet_counting { Framing::OctetCounting } else { Framing::Either };
    setup.show(&settings);
    let reading = Reading { protocol, zone, allow_skip_pri, blueprint, attributes, resource };
    Ok(Box::new(Syslog { component: setup.path(""), tcp, udp, framing, reading }))
}

/// Builds the operators of a receiver; what is wrong is said with its line.
pub(super) fn operators(setup: &mut Setup<'_>, list: &[serde_json::Value]) -> Result<Blueprint, Refused> {
    stanza::build(list).map_err(|wrong| {
        let mut refused = Refused;
        for (at, message) in wrong {
            refused = setup.error(&format!("operators[{at}]"), message);
        }
        refused
    })
}

impl Receiver for Syslog {
    fn addresses(&self) -> Vec<(String, SocketAddr)> {
        self.tcp.iter().map(|(address, ..)| (format!("{}.tcp.listen_address", self.component), *address)).collect()
    }

    fn start<'a>(self: Box<Self>, outputs: Outputs, host: &'a Host, run: &'a mut Run) -> Starting<'a, ()> {
        Box::pin(async move {
            let Some(consumer) = outputs.of(Signal::Logs) else { return Ok(()) };
            let failed = |message: String| StartError { component: self.component.clone(), message };
            if let Some((address, limit, tls)) = &self.tcp {
                let (address, limit) = (*address, *limit);
                let tls = server_tls(tls.as_ref()).map_err(failed)?;
                let owner = format!("{}.tcp.listen_address", self.component);
                let listener = host.sockets.tcp(&owner, address).await.map_err(failed)?;
                let stream = Stream {
                    reading: self.reading.clone(),
                    framing: self.framing,
                    limit,
                    journal: host.journal.clone(),
                    clock: host.clock.clone(),
                    consumer: consumer.clone(),
                };
                run.spawn("tcp", serve(listener, tls, Arc::new(stream), run.stopped()));
            }
            if let Some(address) = self.udp {
                let owner = format!("{}.udp.listen_address", self.component);
                let socket = host.sockets.udp(&owner, address).await.map_err(failed)?;
                let port = Port::of_lines(socket, host.journal.clone(), outputs);
                let (reading, clock, journal) = (self.reading.clone(), host.clock.clone(), host.journal.clone());
                let chain = parking_lot::Mutex::new(reading.blueprint.chain());
                port.serve(run, "udp", move |bytes, peer| {
                    let (mut done, now) = (Vec::new(), clock.now());
                    let mut chain = chain.lock();
                    // A datagram is a message, of some senders several lines.
                    for line in bytes.split(|b| *b == b'\n').filter(|l| !l.is_empty()) {
                        chain.process(reading.entry(line, peer, now, &journal), now, &mut done);
                    }
                    chain.flush(true, Instant::now(), now, &mut done);
                    tell(&journal, &mut chain);
                    let (request, records) = super::entries::request(done);
                    Ok(vec![(Signal::Logs, request, records)])
                });
            }
            Ok(())
        })
    }
}

/// Counts what operators could not do.
pub(super) fn tell(journal: &Journal, chain: &mut Chain) {
    let errors = chain.take_errors();
    if errors.count > 0 {
        journal.note(Some(Signal::Logs), "operator", &errors.message, errors.count);
    }
}

impl Reading {
    fn entry(&self, bytes: &[u8], peer: SocketAddr, now: UnixNanos, journal: &Journal) -> Entry {
        let text = String::from_utf8_lossy(bytes);
        let text = text.trim_end_matches(['\r', '\n', '\0']);
        let offset = jiff::Timestamp::from_second(now.0.div_euclid(1_000_000_000)).unwrap_or_default();
        let options = syslog::Options {
            protocol: self.protocol,
            now,
            offset_seconds: i64::from(self.zone.to_offset(offset).seconds()),
            allow_skip_pri: self.allow_skip_pri,
        };
        let mut record = match syslog::parse(text, &options) {
            Ok(message) => syslog::log_record(text, &message, now),
            Err(e) => {
                journal.note(Some(Signal::Logs), "syslog", &format!("from {}: {e}; kept as text", peer.ip()), 1);
                let observed_time_unix_nano = u64::try_from(now.0).unwrap_or(0);
                LogRecord { body: Value::from(text), observed_time_unix_nano, ..LogRecord::default() }
            }
        };
        record.attributes.set("net.peer.ip", peer.ip().to_string());
        self.attributes.iter().for_each(|(k, v)| record.attributes.set(k, v.clone()));
        let mut entry = Entry { record, ..Entry::default() };
        self.resource.iter().for_each(|(k, v)| entry.resource.set(k, v.clone()));
        entry
    }
}

struct Stream {
    reading: Reading,
    framing: Framing,
    limit: usize,
    journal: Journal,
    clock: Arc<dyn Clock>,
    consumer: Arc<dyn Consumer>,
}

async fn serve(
    listener: Arc<TcpListener>,
    tls: Option<ServerTls>,
    stream: Arc<Stream>,
    mut stop: watch::Receiver<bool>,
) {
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_) = connections.join_next() => continue,
            _ = stop.wait_for(|stopped| *stopped) => break,
        };
        match accepted {
            Ok(_) if connections.len() >= CONNECTIONS_MAX => {
                stream.journal.note(
                    Some(Signal::Logs),
                    "connections",
                    "1024 syslog connections are open; no more are taken",
                    1,
                );
            }
            Ok((socket, peer)) => {
                let (stream, stop, tls) = (stream.clone(), stop.clone(), tls.clone());
                drop(connections.spawn(async move {
                    match tls {
                        None => stream.read(socket, peer, stop).await,
                        Some(tls) => match tls.accept(socket).await {
                            Ok(socket) => stream.read(socket, peer, stop).await,
                            Err(e) => {
                                let message = format!("syslog from {}: the TLS handshake failed: {e}", peer.ip());
                                stream.journal.note(Some(Signal::Logs), "tls", &message, 1);
                            }
                        },
                    }
                }));
            }
            Err(e) => {
                tracing::warn!(error = %e, "cannot accept a connection");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
    while connections.join_next().await.is_some() {}
}

impl Stream {
    /// Reads a connection to its end. Syslog has no acknowledgement: what is read is handed on before more is read, so that a
    /// sender waits when the pipelines do.
    async fn read(&self, mut socket: impl AsyncRead + Unpin, peer: SocketAddr, mut stop: watch::Receiver<bool>) {
        let mut splitter = Splitter::new(self.framing, self.limit);
        let mut chain = self.reading.blueprint.chain();
        let mut buffer = vec![0; 64 << 10];
        loop {
            let read = tokio::select! {
                n = socket.read(&mut buffer) => Some(n.unwrap_or(0)),
                () = tokio::time::sleep(Duration::from_secs(1)) => None,
                _ = stop.wait_for(|stopped| *stopped) => Some(0),
            };
            let n = match read {
                Some(0) => break,
                Some(n) => n,
                None => {
                    self.hand_on(&mut chain, Vec::new(), false, peer).await;
                    continue;
                }
            };
            splitter.push(&buffer[..n]);
            let (mut done, now) = (Vec::new(), self.clock.now());
            let broken = loop {
                match splitter.next_message() {
                    Ok(Some([])) => {}
                    Ok(Some(message)) => {
                        chain.process(self.reading.entry(message, peer, now, &self.journal), now, &mut done);
                    }
                    Ok(None) => break None,
                    Err(e) => break Some(e),
                }
            };
            self.hand_on(&mut chain, done, false, peer).await;
            if let Some(e) = broken {
                let message = format!("from {}: {e}; the connection is closed", peer.ip());
                self.journal.request_refused(Some(Signal::Logs), "syslog", &message);
                return;
            }
        }
        let (mut done, now) = (Vec::new(), self.clock.now());
        let rest = splitter.rest();
        if !rest.is_empty() {
            chain.process(self.reading.entry(&rest, peer, now, &self.journal), now, &mut done);
        }
        self.hand_on(&mut chain, done, true, peer).await;
    }

    async fn hand_on(&self, chain: &mut Chain, mut done: Vec<Entry>, everything: bool, peer: SocketAddr) {
        chain.flush(everything, Instant::now(), self.clock.now(), &mut done);
        tell(&self.journal, chain);
        let (request, records) = super::entries::request(done);
        if records == 0 {
            return;
        }
        let origin = Arc::new(Origin { peer: Some(peer), ..Origin::default() });
        let telemetry = Telemetry::new(Signal::Logs, request.into()).from(Some(origin));
        let begin = Instant::now();
        while let Err(refusal) = self.consumer.consume(telemetry.clone()).await {
            match refusal.retry_after() {
                Some(after) if begin.elapsed() < RETRY_MAX => {
                    tokio::time::sleep(after.min(Duration::from_secs(1))).await
                }
                _ => {
                    let message = format!("{} ({records} syslog records are dropped)", refusal.message);
                    self.journal.request_refused(Some(Signal::Logs), "syslog", &message);
                    return;
                }
            }
        }
    }
}
