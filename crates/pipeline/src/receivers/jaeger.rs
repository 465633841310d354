//! `jaeger`: what Jaeger's clients and agents send: gRPC 14250, Thrift over HTTP 14268, and Thrift in
//! datagrams, compact 6831 and binary 6832.
//!
//! The fields are the Collector's. Source: jaegerreceiver; Jaeger, "APIs" (span reporting).

use std::net::SocketAddr;
use std::sync::Arc;

use foundation::units::ByteSize;
use http::{Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use model::Signal;
use net::tls::ServerSettings;
use serde::{Deserialize, Serialize};
use wire::jaeger::{self, Converted, JaegerError};
use wire::thrift::Protocol;

use super::datagrams::Port;
use super::unary;
use super::web::{self, Auth, Body, Door, Intake, Service, check_tls, convert, media_type, plain};
use crate::body::RequestLimit;
use crate::component::{Host, Outputs, Receiver, ReceiverFactory, Refused, Run, Setup, StartError, Starting};
use crate::config::{Collector, Size};
use crate::journal::Whence;
use crate::refusal::Refusal;
use crate::telemetry::Origin;

/// How it is known.
pub(super) const FACTORY: ReceiverFactory = ReceiverFactory { names: &["jaeger"], signals: &[Signal::Traces], build };

const POST_SPANS: &str = "/jaeger.api_v2.CollectorService/PostSpans";
const HTTP_PATH: &str = "/api/traces";

#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(default)]
struct Settings {
    protocols: Protocols,
    /// Leaves out ports that are in use, instead of not starting.
    when_free: bool,
}

#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(default)]
struct Protocols {
    #[serde(skip_serializing_if = "Option::is_none")]
    grpc: Option<Grpc>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thrift_http: Option<ThriftHttp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thrift_compact: Option<Udp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thrift_binary: Option<Udp>,
}

#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default)]
struct Grpc {
    endpoint: String,
    max_recv_msg_size_mib: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    tls: Option<ServerSettings>,
    auth: Auth,
}

impl Default for Grpc {
    fn default() -> Self {
        Self { endpoint: String::new(), max_recv_msg_size_mib: 64, tls: None, auth: Auth::default() }
    }
}

#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default)]
struct ThriftHttp {
    endpoint: String,
    max_request_body_size: Size,
    #[serde(skip_serializing_if = "Option::is_none")]
    tls: Option<ServerSettings>,
    auth: Auth,
}

impl Default for ThriftHttp {
    fn default() -> Self {
        let max_request_body_size = Size(ByteSize::mib(64));
        Self { endpoint: String::new(), max_request_body_size, tls: None, auth: Auth::default() }
    }
}

#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default)]
struct Udp {
    endpoint: String,
    max_packet_size: usize,
    queue_size: usize,
    socket_buffer_size: Size,
    /// Taken and not needed: converting is cheaper than handing over.
    #[serde(skip_serializing)]
    workers: Option<u32>,
}

impl Default for Udp {
    fn default() -> Self {
        Self {
            endpoint: String::new(),
            max_packet_size: 65_000,
            queue_size: 1000,
            socket_buffer_size: Size(ByteSize::mib(4)),
            workers: None,
        }
    }
}

/// Where each protocol listens, and its settings.
struct Jaeger {
    component: String,
    grpc: Option<(SocketAddr, Grpc)>,
    thrift_http: Option<(SocketAddr, ThriftHttp)>,
    udp: Vec<(SocketAddr, Udp, &'static str, Protocol)>,
    when_free: bool,
}

fn build(setup: &mut Setup<'_>) -> Result<Box<dyn Receiver>, Refused> {
    let mut settings: Settings = setup.read()?;
    let p = &mut settings.protocols;
    // `grpc:` with nothing behind it is a protocol all the same.
    let names = ["grpc", "thrift_http", "thrift_compact", "thrift_binary"];
    let written = names.map(|name| setup.node().get("protocols").is_some_and(|p| p.key(name).is_some()));
    let all = !written.contains(&true);
    if all {
        let fix = "write `protocols: {grpc: {}, thrift_http: {}}`";
        setup.warning("protocols", "names no protocol, all four are served", fix, Some(Collector::Refuses));
    }
    let [grpc, thrift_http, compact, binary] = written.map(|w| w || all);
    if grpc {
        p.grpc.get_or_insert_default();
    }
    if thrift_http {
        p.thrift_http.get_or_insert_default();
    }
    if compact {
        p.thrift_compact.get_or_insert_default();
    }
    if binary {
        p.thrift_binary.get_or_insert_default();
    }
    let component = setup.path("");
    let directory = setup.surroundings().directory;
    let grpc = match &mut p.grpc {
        Some(grpc) => {
            let at = setup.address("protocols.grpc.endpoint", Some(&grpc.endpoint), 14250)?;
            grpc.endpoint = at.to_string();
            if grpc.max_recv_msg_size_mib == 0 || grpc.max_recv_msg_size_mib > 1023 {
                return Err(setup.error("protocols.grpc.max_recv_msg_size_mib", "must lie between 1 and 1023"));
            }
            check_tls(setup, "protocols.grpc.tls", &mut grpc.tls, &directory)?;
            Some((at, grpc.clone()))
        }
        None => None,
    };
    let thrift_http = match &mut p.thrift_http {
        Some(http) => {
            let at = setup.address("protocols.thrift_http.endpoint", Some(&http.endpoint), 14268)?;
            http.endpoint = at.to_string();
            if http.max_request_body_size.0.0 == 0 {
                return Err(setup.error("protocols.thrift_http.max_request_body_size", "must be greater than zero"));
            }
            check_tls(setup, "protocols.thrift_http.tls", &mut http.tls, &directory)?;
            Some((at, http.clone()))
        }
        None => None,
    };
    let mut udp = Vec::new();
    let ports = [
        (&mut p.thrift_compact, "thrift_compact", 6831, Protocol::Compact),
        (&mut p.thrift_binary, "thrift_binary", 6832, Protocol::Binary),
    ];
    for (settings, name, port, protocol) in ports {
        let Some(settings) = settings else { continue };
        let at = setup.address(&format!("protocols.{name}.endpoint"), Some(&settings.endpoint), port)?;
        settings.endpoint = at.to_string();
        if !(1..=65_507).contains(&settings.max_packet_size) {
            let message = "must lie between 1 and 65507, the longest datagram";
            return Err(setup.error(&format!("protocols.{name}.max_packet_size"), message));
        }
        if !(1..=1_000_000).contains(&settings.queue_size) {
            return Err(setup.error(&format!("protocols.{name}.queue_size"), "must lie between 1 and 1000000"));
        }
        udp.push((at, settings.clone(), name, protocol));
    }
    setup.show(&settings);
    Ok(Box::new(Jaeger { component, grpc, thrift_http, udp, when_free: settings.when_free }))
}

impl Receiver for Jaeger {
    fn addresses(&self) -> Vec<(String, SocketAddr)> {
        if self.when_free {
            return Vec::new();
        }
        let of = |name: &str, address: &SocketAddr| (format!("{}.protocols.{name}.endpoint", self.component), *address);
        let grpc = self.grpc.iter().map(|(address, _)| of("grpc", address));
        grpc.chain(self.thrift_http.iter().map(|(address, _)| of("thrift_http", address))).collect()
    }

    fn start<'a>(self: Box<Self>, outputs: Outputs, host: &'a Host, run: &'a mut Run) -> Starting<'a, ()> {
        Box::pin(async move {
            let Some(consumer) = outputs.of(Signal::Traces) else { return Ok(()) };
            let failed = |message: String| StartError { component: self.component.clone(), message };
            let intake = |bytes, setting, authenticator| {
                Intake::new(host, Signal::Traces, RequestLimit { bytes, setting }, consumer.clone(), authenticator)
            };
            if let Some((address, grpc)) = &self.grpc {
                let setting = "receivers.jaeger.protocols.grpc.max_recv_msg_size_mib";
                let bytes = ByteSize::mib(grpc.max_recv_msg_size_mib).as_usize();
                let service = |authenticator| GrpcPort(intake(bytes, setting, authenticator));
                let owner = format!("{}.protocols.grpc.endpoint", self.component);
                let door = Door { tls: grpc.tls.clone(), auth: grpc.auth.clone() };
                door.serve((&owner, *address), self.when_free, service, host, run).await.map_err(failed)?;
            }
            if let Some((address, http)) = &self.thrift_http {
                let setting = "receivers.jaeger.protocols.thrift_http.max_request_body_size";
                let bytes = http.max_request_body_size.0.as_usize();
                let service = |authenticator| HttpPort(intake(bytes, setting, authenticator));
                let owner = format!("{}.protocols.thrift_http.endpoint", self.component);
                let door = Door { tls: http.tls.clone(), auth: http.auth.clone() };
                door.serve((&owner, *address), self.when_free, service, host, run).await.map_err(failed)?;
            }
            for (address, udp, name, protocol) in &self.udp {
                let owner = format!("{}.protocols.{name}.endpoint", self.component);
                let socket = match host.sockets.udp(&owner, *address).await {
                    Ok(socket) => socket,
                    Err(message) if self.when_free => {
                        web::left_out(&owner, &message);
                        continue;
                    }
                    Err(message) => return Err(failed(message)),
                };
                let port = Port {
                    socket,
                    signal: Signal::Traces,
                    packet_bytes_max: udp.max_packet_size,
                    queue_max: udp.queue_size,
                    socket_bytes: udp.socket_buffer_size.0.as_usize(),
                    journal: host.journal.clone(),
                    outputs: outputs.clone(),
                };
                let protocol = *protocol;
                port.serve(run, name, move |bytes, _| {
                    let converted = jaeger::emit_batch(protocol, bytes).map_err(|e| e.to_string())?;
                    Ok(vec![(Signal::Traces, converted.request, converted.spans)])
                });
            }
            Ok(())
        })
    }
}

fn broken(e: JaegerError) -> Refusal {
    Refusal::new(e.kind(), e.to_string())
}

struct GrpcPort(Intake);

impl GrpcPort {
    async fn take(&self, request: Request<Incoming>, origin: &Origin) -> Result<(), Refusal> {
        let path = request.uri().path();
        if path != POST_SPANS {
            let message = format!("there is no method {path}; spans are sent to {POST_SPANS}");
            return Err(Refusal::new(foundation::ErrorKind::Unsupported, message));
        }
        let (message, _lease, origin) = unary::message(request, &self.0, origin).await?;
        let Converted { request, spans } = convert(message.len(), || jaeger::post_spans(&message)).map_err(broken)?;
        self.0.hand_on(request, spans, origin).await.map(drop)
    }
}

impl Service for GrpcPort {
    async fn answer(&self, request: Request<Incoming>, origin: Arc<Origin>) -> Response<Body> {
        match self.take(request, &origin).await {
            Ok(()) => unary::success(),
            Err(refusal) => {
                let code = format!("grpc {}", refusal.grpc());
                let whence = Whence::from(&*origin);
                self.0.journal.request_refused_from(Some(Signal::Traces), &code, &refusal.message, whence);
                unary::failure(&refusal)
            }
        }
    }
}

struct HttpPort(Intake);

impl HttpPort {
    async fn take(&self, request: Request<Incoming>, origin: &Origin) -> Result<(), Refusal> {
        let (head, body) = request.into_parts();
        if head.uri.path() != HTTP_PATH {
            let message = format!("there is nothing at {}; send to {HTTP_PATH}", head.uri.path());
            return Err(Refusal::with_status(404, message));
        }
        if head.method != Method::POST {
            return Err(Refusal::with_status(405, format!("{} is not allowed on {HTTP_PATH}; use POST", head.method)));
        }
        let protocol = match media_type(&head.headers).as_str() {
            "application/x-thrift" | "application/vnd.apache.thrift.binary" => Protocol::Binary,
            "application/vnd.apache.thrift.compact" => Protocol::Compact,
            other => {
                let message = format!("content type `{other}` is not supported; send application/x-thrift");
                return Err(Refusal::with_status(415, message));
            }
        };
        let (bytes, _lease, origin) = self.0.body(&head.headers, body, origin).await?;
        let Converted { request, spans } = convert(bytes.len(), || jaeger::batch(protocol, &bytes)).map_err(broken)?;
        self.0.hand_on(request, spans, origin).await.map(drop)
    }
}

impl Service for HttpPort {
    async fn answer(&self, request: Request<Incoming>, origin: Arc<Origin>) -> Response<Body> {
        match self.take(request, &origin).await {
            Ok(()) => plain(StatusCode::ACCEPTED, ""),
            Err(refusal) => self.0.refused(&refusal, Whence::from(&*origin)),
        }
    }
}

#[cfg(test)]
mod tests;
