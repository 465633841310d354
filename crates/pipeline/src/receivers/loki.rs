//! `loki`: what Promtail, Alloy and other clients push to Loki.
//!
//! Source: lokireceiver (fields); Loki, "HTTP API: Ingest logs" (`POST /loki/api/v1/push`, JSON or snappy protobuf, 204).

use std::net::SocketAddr;
use std::sync::Arc;

use foundation::units::ByteSize;
use foundation::{Clock, ErrorKind};
use http::{Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use model::Signal;
use net::tls::ServerSettings;
use serde::{Deserialize, Serialize};
use wire::loki::{self, Converted};

use super::web::{Auth, Body, Door, Intake, Service, check_tls, convert, media_type, plain};
use crate::body::RequestLimit;
use crate::component::{Host, Outputs, Receiver, ReceiverFactory, Refused, Run, Setup, StartError, Starting};
use crate::config::Size;
use crate::journal::Whence;
use crate::refusal::Refusal;
use crate::telemetry::Origin;

/// How it is known.
pub(super) const FACTORY: ReceiverFactory = ReceiverFactory { names: &["loki"], signals: &[Signal::Logs], build };

#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(default)]
struct Settings {
    protocols: Protocols,
    /// Taken and not needed: the times that are sent are the times of the records.
    #[serde(skip_serializing)]
    use_incoming_timestamp: Option<bool>,
}

#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(default)]
struct Protocols {
    http: Http,
}

#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default)]
struct Http {
    endpoint: String,
    max_request_body_size: Size,
    #[serde(skip_serializing_if = "Option::is_none")]
    tls: Option<ServerSettings>,
    auth: Auth,
}

impl Default for Http {
    fn default() -> Self {
        let max_request_body_size = Size(ByteSize::mib(64));
        Self { endpoint: String::new(), max_request_body_size, tls: None, auth: Auth::default() }
    }
}

struct Loki {
    component: String,
    address: SocketAddr,
    bytes_max: usize,
    door: Door,
}

fn build(setup: &mut Setup<'_>) -> Result<Box<dyn Receiver>, Refused> {
    let mut settings: Settings = setup.read()?;
    let http = &mut settings.protocols.http;
    let address = setup.address("protocols.http.endpoint", Some(&http.endpoint), 3100)?;
    http.endpoint = address.to_string();
    let bytes_max = http.max_request_body_size.0.as_usize();
    if bytes_max == 0 {
        return Err(setup.error("protocols.http.max_request_body_size", "must be greater than zero"));
    }
    let directory = setup.surroundings().directory;
    check_tls(setup, "protocols.http.tls", &mut http.tls, &directory)?;
    let door = Door { tls: http.tls.clone(), auth: http.auth.clone() };
    setup.show(&settings);
    Ok(Box::new(Loki { component: setup.path(""), address, bytes_max, door }))
}

impl Receiver for Loki {
    fn addresses(&self) -> Vec<(String, SocketAddr)> {
        vec![(format!("{}.protocols.http.endpoint", self.component), self.address)]
    }

    fn start<'a>(self: Box<Self>, outputs: Outputs, host: &'a Host, run: &'a mut Run) -> Starting<'a, ()> {
        Box::pin(async move {
            let Some(consumer) = outputs.of(Signal::Logs) else { return Ok(()) };
            let setting = "receivers.loki.protocols.http.max_request_body_size";
            let limit = RequestLimit { bytes: self.bytes_max, setting };
            let service = |authenticator| LokiPort {
                intake: Intake::new(host, Signal::Logs, limit, consumer, authenticator),
                clock: host.clock.clone(),
            };
            let owner = format!("{}.protocols.http.endpoint", self.component);
            let served = self.door.serve((&owner, self.address), false, service, host, run).await;
            served.map_err(|message| StartError { component: self.component, message })
        })
    }
}

struct LokiPort {
    intake: Intake,
    clock: Arc<dyn Clock>,
}

impl LokiPort {
    async fn take(&self, request: Request<Incoming>, origin: &Origin) -> Result<(), Refusal> {
        let (head, body) = request.into_parts();
        if !matches!(head.uri.path(), "/loki/api/v1/push" | "/api/prom/push") {
            let message = format!("there is nothing at {}; push to /loki/api/v1/push", head.uri.path());
            return Err(Refusal::with_status(404, message));
        }
        if head.method != Method::POST {
            return Err(Refusal::with_status(405, format!("{} is not allowed here; use POST", head.method)));
        }
        let (bytes, mut lease, origin) = self.intake.body(&head.headers, body, origin).await?;
        let now = self.clock.now();
        let converted = match media_type(&head.headers).as_str() {
            "application/json" => convert(bytes.len(), || loki::json(&bytes, now)),
            "application/x-protobuf" | "" => {
                let plain = self.unsnappy(&bytes, &mut lease)?;
                convert(plain.len(), || loki::protobuf(&plain, now))
            }
            other => {
                let message =
                    format!("content type `{other}` is not supported; send application/json or application/x-protobuf");
                return Err(Refusal::with_status(415, message));
            }
        };
        let Converted { request, records } = converted.map_err(|e| Refusal::new(e.kind(), e.to_string()))?;
        self.intake.hand_on(request, records, origin).await.map(drop)
    }

    fn unsnappy(&self, bytes: &[u8], lease: &mut crate::budget::Lease) -> Result<Vec<u8>, Refusal> {
        let bad = |e: snap::Error| Refusal::new(ErrorKind::InvalidInput, format!("the body is not valid snappy: {e}"));
        let length = snap::raw::decompress_len(bytes).map_err(bad)?;
        if length > self.intake.limit.bytes {
            return Err(self.intake.limit.exceeded());
        }
        lease.grow(length)?;
        convert(length, || snap::raw::Decoder::new().decompress_vec(bytes)).map_err(bad)
    }
}

impl Service for LokiPort {
    async fn answer(&self, request: Request<Incoming>, origin: Arc<Origin>) -> Response<Body> {
        if request.uri().path() == "/ready" {
            return plain(StatusCode::OK, "ready\n");
        }
        let whence = Whence::from(&*origin).of_page(request.headers());
        match self.take(request, &origin).await {
            Ok(()) => plain(StatusCode::NO_CONTENT, ""),
            Err(refusal) => self.intake.refused(&refusal, whence),
        }
    }
}
