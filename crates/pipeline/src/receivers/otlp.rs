//! `otlp`: OTLP over gRPC and HTTP, each protocol on a port of its own.
//!
//! The fields are the Collector's. Larger requests are taken than there (64 MiB, as the specification recommends), and HTTP is
//! understood on the gRPC port and the reverse. Source: otlpreceiver, confighttp, configgrpc.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use foundation::units::ByteSize;
use http::{HeaderMap, HeaderName, HeaderValue};
use net::tls::ServerSettings;
use serde::{Deserialize, Serialize};

use super::web::{self, Auth, check_tls};
use crate::body::{BODY_TIMEOUT, RequestLimit};
use crate::component::{Host, Outputs, Receiver, ReceiverFactory, Refused, Run, SIGNALS, Setup, StartError, Starting};
use crate::config::{Collector, Interval, Secret, Size};
use crate::otlp::{self, Cors};
use crate::port::Manner;

/// How it is known.
pub(super) const FACTORY: ReceiverFactory = ReceiverFactory { names: &["otlp"], signals: SIGNALS, build };

/// Origins that browsers may send from when nothing is configured: pages of this machine.
const LOCAL_ORIGINS: [&str; 6] = [
    "http://localhost",
    "http://localhost:*",
    "http://127.0.0.1",
    "http://127.0.0.1:*",
    "https://localhost",
    "https://localhost:*",
];
const GRPC_PORT: u16 = 4317;
const HTTP_PORT: u16 = 4318;

#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(default)]
struct Settings {
    protocols: Protocols,
}

#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(default)]
struct Protocols {
    #[serde(skip_serializing_if = "Option::is_none")]
    grpc: Option<Grpc>,
    #[serde(skip_serializing_if = "Option::is_none")]
    http: Option<Http>,
}

#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default)]
struct Grpc {
    endpoint: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    tls: Option<ServerSettings>,
    max_recv_msg_size_mib: u64,
    max_concurrent_streams: u32,
    keepalive: KeepAlive,
    auth: Auth,
    include_metadata: bool,
    /// Taken and not needed: there is one transport, and buffers grow as they are needed.
    #[serde(skip_serializing)]
    transport: Option<String>,
    #[serde(skip_serializing)]
    read_buffer_size: Option<Size>,
    #[serde(skip_serializing)]
    write_buffer_size: Option<Size>,
    #[serde(skip_serializing)]
    middlewares: Option<serde_json::Value>,
}

impl Default for Grpc {
    fn default() -> Self {
        Self {
            endpoint: String::new(),
            tls: None,
            max_recv_msg_size_mib: 64,
            max_concurrent_streams: 256,
            keepalive: KeepAlive::default(),
            auth: Auth::default(),
            include_metadata: false,
            transport: None,
            read_buffer_size: None,
            write_buffer_size: None,
            middlewares: None,
        }
    }
}

#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(default)]
struct KeepAlive {
    server_parameters: ServerParameters,
    /// Taken and not needed: clients may ping as they like.
    #[serde(skip_serializing)]
    enforcement_policy: Option<serde_json::Value>,
}

#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default)]
struct ServerParameters {
    time: Interval,
    timeout: Interval,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_connection_age: Option<Interval>,
    /// Taken and not needed: what is in flight is always answered.
    #[serde(skip_serializing)]
    max_connection_age_grace: Option<Interval>,
    /// Taken and not needed: idle connections cost next to nothing.
    #[serde(skip_serializing)]
    max_connection_idle: Option<Interval>,
}

impl Default for ServerParameters {
    fn default() -> Self {
        Self {
            time: Interval::secs(60),
            timeout: Interval::secs(60),
            max_connection_age: None,
            max_connection_age_grace: None,
            max_connection_idle: None,
        }
    }
}

#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default)]
struct Http {
    endpoint: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    tls: Option<ServerSettings>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cors: Option<CorsSettings>,
    max_request_body_size: Size,
    auth: Auth,
    include_metadata: bool,
    response_headers: BTreeMap<String, Secret>,
    traces_url_path: String,
    metrics_url_path: String,
    logs_url_path: String,
    read_header_timeout: Interval,
    /// For the body.
    read_timeout: Interval,
    /// Taken and not needed: what is answered is answered.
    #[serde(skip_serializing)]
    write_timeout: Option<Interval>,
    #[serde(skip_serializing)]
    idle_timeout: Option<Interval>,
    #[serde(skip_serializing)]
    keep_alives_enabled: Option<bool>,
    #[serde(skip_serializing)]
    compression_algorithms: Option<Vec<String>>,
    #[serde(skip_serializing)]
    transport: Option<String>,
    #[serde(skip_serializing)]
    middlewares: Option<serde_json::Value>,
}

impl Default for Http {
    fn default() -> Self {
        let [traces, metrics, logs] = ["/v1/traces", "/v1/metrics", "/v1/logs"].map(str::to_owned);
        Self {
            endpoint: String::new(),
            tls: None,
            cors: None,
            max_request_body_size: Size(ByteSize::mib(64)),
            auth: Auth::default(),
            include_metadata: false,
            response_headers: BTreeMap::new(),
            traces_url_path: traces,
            metrics_url_path: metrics,
            logs_url_path: logs,
            read_header_timeout: Interval::secs(30),
            read_timeout: Interval::secs(60),
            write_timeout: None,
            idle_timeout: None,
            keep_alives_enabled: None,
            compression_algorithms: None,
            transport: None,
            middlewares: None,
        }
    }
}

#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(default)]
struct CorsSettings {
    allowed_origins: Vec<String>,
    /// Taken and not needed: the headers that a page asks for are allowed.
    allowed_headers: Vec<String>,
    exposed_headers: Vec<String>,
    /// Seconds, as browsers count.
    max_age: u64,
}

struct Otlp {
    component: String,
    grpc: Option<(SocketAddr, Grpc)>,
    http: Option<(SocketAddr, Http, HeaderMap)>,
}

fn build(setup: &mut Setup<'_>) -> Result<Box<dyn Receiver>, Refused> {
    let mut settings: Settings = setup.read()?;
    let directory = setup.surroundings().directory;
    // `grpc:` with nothing behind it is a protocol all the same.
    let written = |name: &str| setup.node().get("protocols").is_some_and(|p| p.key(name).is_some());
    let (grpc, http) = (written("grpc"), written("http"));
    if !grpc && !http {
        setup.warning(
            "protocols",
            "names no protocol, both are served",
            "write `protocols: {grpc: {}, http: {}}`",
            Some(Collector::Refuses),
        );
    }
    if grpc || !http {
        settings.protocols.grpc.get_or_insert_default();
    }
    if http || !grpc {
        settings.protocols.http.get_or_insert_default();
    }
    let component = setup.path("");
    let grpc = match &mut settings.protocols.grpc {
        Some(grpc) => Some((check_grpc(setup, grpc, &directory)?, grpc.clone())),
        None => None,
    };
    let http = match &mut settings.protocols.http {
        Some(http) => {
            let (address, headers) = check_http(setup, http, &directory)?;
            Some((address, http.clone(), headers))
        }
        None => None,
    };
    if let (Some((a, _)), Some((b, _, _))) = (&grpc, &http)
        && a == b
        && a.port() != 0
    {
        return Err(setup.error("protocols.http.endpoint", format!("{a} is that of grpc too; give each its own port")));
    }
    setup.show(&settings);
    Ok(Box::new(Otlp { component, grpc, http }))
}

fn check_grpc(setup: &mut Setup<'_>, grpc: &mut Grpc, directory: &Path) -> Result<SocketAddr, Refused> {
    let endpoint = Some(grpc.endpoint.as_str()).filter(|e| !e.is_empty());
    let address = setup.address("protocols.grpc.endpoint", endpoint, GRPC_PORT)?;
    grpc.endpoint = address.to_string();
    if grpc.max_recv_msg_size_mib == 0 || grpc.max_recv_msg_size_mib > 1023 {
        return Err(setup.error("protocols.grpc.max_recv_msg_size_mib", "must lie between 1 and 1023"));
    }
    if grpc.max_concurrent_streams == 0 {
        return Err(setup.error("protocols.grpc.max_concurrent_streams", "must be greater than zero"));
    }
    if grpc.transport.as_deref().is_some_and(|t| t != "tcp") {
        return Err(setup.error("protocols.grpc.transport", "only tcp is listened on; leave it out"));
    }
    check_tls(setup, "protocols.grpc.tls", &mut grpc.tls, directory)?;
    Ok(address)
}

fn check_http(setup: &mut Setup<'_>, http: &mut Http, directory: &Path) -> Result<(SocketAddr, HeaderMap), Refused> {
    let endpoint = Some(http.endpoint.as_str()).filter(|e| !e.is_empty());
    let address = setup.address("protocols.http.endpoint", endpoint, HTTP_PORT)?;
    http.endpoint = address.to_string();
    // In the Collector zero is the default.
    if http.max_request_body_size.0.0 == 0 {
        return Err(setup.error("protocols.http.max_request_body_size", "must be greater than zero"));
    }
    check_tls(setup, "protocols.http.tls", &mut http.tls, directory)?;
    let paths = [
        ("traces_url_path", &http.traces_url_path),
        ("metrics_url_path", &http.metrics_url_path),
        ("logs_url_path", &http.logs_url_path),
    ];
    for (name, path) in paths {
        if !path.starts_with('/') {
            return Err(setup.error(&format!("protocols.http.{name}"), format!("`{path}` does not begin with a slash")));
        }
    }
    let cors = http.cors.get_or_insert_with(|| CorsSettings {
        allowed_origins: LOCAL_ORIGINS.iter().map(ToString::to_string).collect(),
        ..CorsSettings::default()
    });
    if cors.max_age == 0 {
        cors.max_age = Cors::default().max_age.as_secs();
    }
    let mut headers = HeaderMap::new();
    for (name, value) in &http.response_headers {
        match (name.parse::<HeaderName>(), value.0.parse::<HeaderValue>()) {
            (Ok(name), Ok(value)) => drop(headers.insert(name, value)),
            _ => {
                let setting = format!("protocols.http.response_headers.{name}");
                return Err(
                    setup.error(&setting, "is not a header; write letters, digits and dashes, and a value in one line")
                );
            }
        }
    }
    Ok((address, headers))
}

impl Http {
    fn cors(&self) -> Cors {
        let cors = self.cors.clone().unwrap_or_default();
        Cors {
            allowed_origins: cors.allowed_origins,
            exposed_headers: cors.exposed_headers,
            max_age: Duration::from_secs(cors.max_age),
        }
    }
}

impl Otlp {
    /// What both protocols have in common.
    fn config(
        &self,
        host: &Host,
        limit: RequestLimit,
        tls: Option<&ServerSettings>,
        auth: &Auth,
        include_metadata: bool,
    ) -> Result<otlp::Config, StartError> {
        let failed = |message: String| StartError { component: self.component.clone(), message };
        let tls = web::server_tls(tls).map_err(failed)?;
        let authenticator = auth.find(host).map_err(failed)?;
        let remote_write = host.remote_write.clone();
        Ok(otlp::Config {
            remote_write,
            authenticator,
            include_metadata,
            counts: host.engines.is_none(),
            manner: Manner { tls, ..Manner::default() },
            ..otlp::Config::new(limit, host.budget.clone())
        })
    }
}

impl Receiver for Otlp {
    fn addresses(&self) -> Vec<(String, SocketAddr)> {
        let grpc = self.grpc.as_ref().map(|(a, _)| (format!("{}.protocols.grpc.endpoint", self.component), *a));
        let http = self.http.as_ref().map(|(a, _, _)| (format!("{}.protocols.http.endpoint", self.component), *a));
        grpc.into_iter().chain(http).collect()
    }

    fn start<'a>(self: Box<Self>, outputs: Outputs, host: &'a Host, run: &'a mut Run) -> Starting<'a, ()> {
        Box::pin(async move {
            let failed = |message: String| StartError { component: self.component.clone(), message };
            if let Some((address, grpc)) = &self.grpc {
                let setting = "receivers.otlp.protocols.grpc.max_recv_msg_size_mib";
                let limit = RequestLimit { bytes: ByteSize::mib(grpc.max_recv_msg_size_mib).as_usize(), setting };
                let common = self.config(host, limit, grpc.tls.as_ref(), &grpc.auth, grpc.include_metadata)?;
                let keep = &grpc.keepalive.server_parameters;
                let manner = Manner {
                    streams_max: grpc.max_concurrent_streams,
                    keep_alive: (keep.time.0.max(Duration::from_secs(1)), keep.timeout.0.max(Duration::from_secs(1))),
                    age_max: keep.max_connection_age.map(|age| age.0).filter(|age| !age.is_zero()),
                    ..common.manner.clone()
                };
                let config = otlp::Config {
                    manner,
                    // Clients mix the ports up, browsers too.
                    cors: self.http.as_ref().map_or_else(local_cors, |(_, http, _)| http.cors()),
                    ..common
                };
                let owner = format!("{}.protocols.grpc.endpoint", self.component);
                let listener = host.sockets.tcp(&owner, *address).await.map_err(failed)?;
                run.spawn(
                    "grpc",
                    otlp::serve(listener, outputs.over("grpc"), host.journal.clone(), config, run.stopped()),
                );
            }
            if let Some((address, http, headers)) = &self.http {
                let setting = "receivers.otlp.protocols.http.max_request_body_size";
                let limit = RequestLimit { bytes: http.max_request_body_size.0.as_usize(), setting };
                let common = self.config(host, limit, http.tls.as_ref(), &http.auth, http.include_metadata)?;
                let header_timeout = http.read_header_timeout.0.max(Duration::from_secs(1));
                let config = otlp::Config {
                    manner: Manner { header_timeout, ..common.manner.clone() },
                    cors: http.cors(),
                    // In the Collector zero is for ever.
                    body_timeout: Some(http.read_timeout.0).filter(|t| !t.is_zero()).unwrap_or(BODY_TIMEOUT),
                    response_headers: headers.clone(),
                    paths: [&http.traces_url_path, &http.metrics_url_path, &http.logs_url_path].map(Clone::clone),
                    ..common
                };
                let owner = format!("{}.protocols.http.endpoint", self.component);
                let listener = host.sockets.tcp(&owner, *address).await.map_err(failed)?;
                run.spawn(
                    "http",
                    otlp::serve(listener, outputs.over("http"), host.journal.clone(), config, run.stopped()),
                );
            }
            Ok(())
        })
    }
}

/// When nothing is configured: pages of this machine.
fn local_cors() -> Cors {
    Cors { allowed_origins: LOCAL_ORIGINS.iter().map(ToString::to_string).collect(), ..Cors::default() }
}
