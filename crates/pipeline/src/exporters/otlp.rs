//! `otlp` (`otlp_grpc`): OTLP over gRPC.
//!
//! A unary call is a body with a five-byte prefix and trailers, on a connection of hyper's that is made again when it breaks.
//! Source: gRPC over HTTP/2; OTLP specification, "Failures" (which codes may be tried again); configgrpc (fields).

mod channel;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use model::Signal;
use net::tls::{ClientSettings, ClientTls};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::otlphttp::{Auth, client_auth, headers};
use super::sending::{self, Compression, Failure, Queueing, Retry, Sender, Sent};
use crate::component::{ClientAuth, Exporter, ExporterFactory, Host, Refused, Run, SIGNALS, Setup, Starting};
use crate::config::{Interval, Secret, Size};
use crate::consumer::Consumer;
use channel::Channel;
pub(super) use channel::Target;

/// How it is known.
pub(super) const FACTORY: ExporterFactory = ExporterFactory { names: &["otlp", "otlp_grpc"], signals: SIGNALS, build };

#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct Settings {
    pub(super) endpoint: String,
    headers: BTreeMap<String, Secret>,
    timeout: Interval,
    compression: Compression,
    pub(super) tls: ClientSettings,
    keepalive: KeepAlive,
    auth: Auth,
    sending_queue: Queueing,
    retry_on_failure: Retry,
    /// Taken and not needed.
    #[serde(skip_serializing)]
    balancer_name: Option<String>,
    #[serde(skip_serializing)]
    authority: Option<String>,
    #[serde(skip_serializing)]
    read_buffer_size: Option<Size>,
    #[serde(skip_serializing)]
    write_buffer_size: Option<Size>,
    #[serde(skip_serializing)]
    wait_for_ready: Option<bool>,
    #[serde(skip_serializing)]
    batcher: Option<Value>,
}

#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default)]
struct KeepAlive {
    time: Interval,
    timeout: Interval,
    #[serde(skip_serializing)]
    permit_without_stream: Option<bool>,
}

impl Default for KeepAlive {
    fn default() -> Self {
        Self { time: Interval::secs(30), timeout: Interval::secs(10), permit_without_stream: None }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            endpoint: String::new(),
            headers: BTreeMap::new(),
            timeout: Interval::secs(5),
            compression: Compression::Gzip,
            tls: ClientSettings::default(),
            keepalive: KeepAlive::default(),
            auth: Auth::default(),
            sending_queue: Queueing::default(),
            retry_on_failure: Retry::default(),
            balancer_name: None,
            authority: None,
            read_buffer_size: None,
            write_buffer_size: None,
            wait_for_ready: None,
            batcher: None,
        }
    }
}

struct Otlp {
    component: String,
    target: Target,
    dialer: Dialer,
}

fn build(setup: &mut Setup<'_>) -> Result<Box<dyn Exporter>, Refused> {
    let mut settings: Settings = setup.read()?;
    if settings.endpoint.is_empty() {
        return Err(setup.error("endpoint", "is missing; write `endpoint: host:4317`"));
    }
    let target = Target::parse(&settings.endpoint).map_err(|e| setup.error("endpoint", e))?;
    // A scheme says it; without one there is TLS unless `insecure` says not.
    let plain = target.plain.unwrap_or(settings.tls.insecure);
    let dialer = dialer(setup, &mut settings, plain)?;
    setup.show(&settings);
    Ok(Box::new(Otlp { component: setup.path(""), target, dialer }))
}

/// Checks everything but the endpoint.
pub(super) fn dialer(setup: &mut Setup<'_>, settings: &mut Settings, plain: bool) -> Result<Dialer, Refused> {
    settings.sending_queue.check(setup)?;
    settings.retry_on_failure.check(settings.sending_queue.enabled, setup)?;
    settings.tls.set_directory(&setup.surroundings().directory);
    let tls = ClientSettings { insecure: plain, ..settings.tls.clone() }.build(&["h2"]);
    let tls = tls.map_err(|errors| setup.errors("tls", &errors))?;
    if tls.is_some() {
        setup.unreadable(&settings.tls);
    }
    let headers = headers(setup, &settings.headers)?;
    Ok(Dialer { settings: settings.clone(), tls: tls.map(Arc::new), headers })
}

/// What connections to any number of servers have in common.
pub(super) struct Dialer {
    settings: Settings,
    tls: Option<Arc<ClientTls>>,
    headers: HeaderMap,
}

impl Dialer {
    pub(super) fn authenticator(&self) -> &str {
        &self.settings.auth.authenticator
    }

    pub(super) fn queueing(&self) -> &Queueing {
        &self.settings.sending_queue
    }

    pub(super) fn retry(&self) -> &Retry {
        &self.settings.retry_on_failure
    }

    /// Sends to one server; connects when there is something to send.
    pub(super) fn caller(&self, target: Target, auth: Option<Arc<dyn ClientAuth>>) -> Caller {
        let Settings { keepalive, timeout, compression, .. } = &self.settings;
        let keep_alive = (keepalive.time.0.max(Duration::from_secs(1)), keepalive.timeout.0);
        let channel = Channel::new(target, self.tls.clone(), timeout.0, keep_alive);
        Caller { channel, headers: self.headers.clone(), auth, compression: *compression }
    }
}

impl Exporter for Otlp {
    fn counts_itself(&self) -> bool {
        true
    }

    fn start<'a>(self: Box<Self>, host: &'a Host, run: &'a mut Run) -> Starting<'a, Arc<dyn Consumer>> {
        Box::pin(async move {
            let Self { component, target, dialer } = *self;
            let auth = client_auth(&component, dialer.authenticator(), host)?;
            let plan = sending::Plan { component, queueing: dialer.queueing().clone(), retry: dialer.retry().clone() };
            sending::start(plan, Arc::new(dialer.caller(target, auth)), host, run)
        })
    }
}

/// Sends to one server.
pub(super) struct Caller {
    channel: Channel,
    headers: HeaderMap,
    auth: Option<Arc<dyn ClientAuth>>,
    compression: Compression,
}

const fn method(signal: Signal) -> &'static str {
    match signal {
        Signal::Traces => "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
        Signal::Metrics => "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
        Signal::Logs => "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
    }
}

impl Sender for Caller {
    fn send(&self, signal: Signal, request: Bytes) -> Sent<'_> {
        Box::pin(async move {
            let message = self.compression.compress(request).map_err(Failure::passing)?;
            let mut headers = self.headers.clone();
            if let Some(auth) = &self.auth {
                auth.authorize(&mut headers).map_err(Failure::passing)?;
            }
            self.channel.call(method(signal), headers, self.compression.name(), message).await
        })
    }
}
