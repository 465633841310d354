//! `zipkin`: what Zipkin's reporters post: JSON of versions 1 and 2, and protobuf.
//!
//! The fields are the Collector's. Source: zipkinreceiver; Zipkin API (`/api/v2/spans`, `/api/v1/spans`).

use std::net::SocketAddr;
use std::sync::Arc;

use foundation::Clock;
use foundation::units::ByteSize;
use http::{Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use model::Signal;
use net::tls::ServerSettings;
use serde::{Deserialize, Serialize};
use wire::zipkin::{self, Converted, Options};

use super::web::{Auth, Body, Door, Intake, Service, check_tls, convert, media_type, plain};
use crate::body::RequestLimit;
use crate::component::{Host, Outputs, Receiver, ReceiverFactory, Refused, Run, Setup, StartError, Starting};
use crate::config::Size;
use crate::journal::Whence;
use crate::refusal::Refusal;
use crate::telemetry::Origin;

/// How it is known.
pub(super) const FACTORY: ReceiverFactory = ReceiverFactory { names: &["zipkin"], signals: &[Signal::Traces], build };

#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default)]
struct Settings {
    endpoint: String,
    parse_string_tags: bool,
    max_request_body_size: Size,
    #[serde(skip_serializing_if = "Option::is_none")]
    tls: Option<ServerSettings>,
    auth: Auth,
    /// Leaves out a port that is in use, instead of not starting.
    when_free: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            endpoint: String::new(),
            parse_string_tags: false,
            max_request_body_size: Size(ByteSize::mib(64)),
            tls: None,
            auth: Auth::default(),
            when_free: false,
        }
    }
}

struct Zipkin {
    component: String,
    address: SocketAddr,
    settings: Settings,
}

fn build(setup: &mut Setup<'_>) -> Result<Box<dyn Receiver>, Refused> {
    let mut settings: Settings = setup.read()?;
    let address = setup.address("endpoint", Some(&settings.endpoint), 9411)?;
    settings.endpoint = address.to_string();
    if settings.max_request_body_size.0.0 == 0 {
        return Err(setup.error("max_request_body_size", "must be greater than zero"));
    }
    let directory = setup.surroundings().directory;
    check_tls(setup, "tls", &mut settings.tls, &directory)?;
    setup.show(&settings);
    Ok(Box::new(Zipkin { component: setup.path(""), address, settings }))
}

impl Receiver for Zipkin {
    fn addresses(&self) -> Vec<(String, SocketAddr)> {
        if self.settings.when_free {
            return Vec::new();
        }
        vec![(format!("{}.endpoint", self.component), self.address)]
    }

    fn start<'a>(self: Box<Self>, outputs: Outputs, host: &'a Host, run: &'a mut Run) -> Starting<'a, ()> {
        Box::pin(async move {
            let Some(consumer) = outputs.of(Signal::Traces) else { return Ok(()) };
            let bytes = self.settings.max_request_body_size.0.as_usize();
            let Settings { parse_string_tags, when_free, tls, auth, .. } = self.settings.clone();
            let limit = RequestLimit { bytes, setting: "receivers.zipkin.max_request_body_size" };
            let service = |authenticator| ZipkinPort {
                intake: Intake::new(host, Signal::Traces, limit, consumer, authenticator),
                clock: host.clock.clone(),
                parse_string_tags,
            };
            let owner = format!("{}.endpoint", self.component);
            let served = Door { tls, auth }.serve((&owner, self.address), when_free, service, host, run).await;
            served.map_err(|message| StartError { component: self.component, message })
        })
    }
}

struct ZipkinPort {
    intake: Intake,
    clock: Arc<dyn Clock>,
    parse_string_tags: bool,
}

impl ZipkinPort {
    async fn take(&self, request: Request<Incoming>, origin: &Origin) -> Result<(), Refusal> {
        let (head, body) = request.into_parts();
        let version = match head.uri.path().trim_end_matches('/') {
            "/api/v2/spans" | "" => 2,
            "/api/v1/spans" => 1,
            other => {
                let message = format!("there is nothing at {other}; send to /api/v2/spans or /api/v1/spans");
                return Err(Refusal::with_status(404, message));
            }
        };
        if head.method != Method::POST {
            return Err(Refusal::with_status(405, format!("{} is not allowed here; use POST", head.method)));
        }
        let (bytes, _lease, origin) = self.intake.body(&head.headers, body, origin).await?;
        let options = Options { now: self.clock.now(), parse_string_tags: self.parse_string_tags };
        let converted = match (version, media_type(&head.headers).as_str()) {
            (2, "application/x-protobuf" | "application/protobuf") => {
                convert(bytes.len(), || zipkin::proto_v2(&bytes, &options))
            }
            // Some reporters send no content type; what they mean is JSON.
            (2, "application/json" | "") => convert(bytes.len(), || zipkin::json_v2(&bytes, &options)),
            (1, "application/json" | "") => convert(bytes.len(), || zipkin::json_v1(&bytes, &options)),
            (_, other) => {
                let message = format!(
                    "content type `{other}` is not supported here; send application/json, or application/x-protobuf to /api/v2/spans"
                );
                return Err(Refusal::with_status(415, message));
            }
        };
        let Converted { request, spans } = converted.map_err(|e| Refusal::new(e.kind(), e.to_string()))?;
        self.intake.hand_on(request, spans, origin).await.map(drop)
    }
}

impl Service for ZipkinPort {
    async fn answer(&self, request: Request<Incoming>, origin: Arc<Origin>) -> Response<Body> {
        let whence = Whence::from(&*origin).of_page(request.headers());
        match self.take(request, &origin).await {
            Ok(()) => plain(StatusCode::ACCEPTED, ""),
            Err(refusal) => self.intake.refused(&refusal, whence),
        }
    }
}
