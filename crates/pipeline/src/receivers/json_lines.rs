//! `jsonlines`: lines of JSON over HTTP: `POST /insert/jsonline`, as VictoriaLogs takes them, or any path of the port.
//!
//! `_msg_field`, `_time_field`, `_level_field` and `service` in the query name the keys that mean something, and the service of
//! lines that name none; without them the keys of common loggers are looked for.

use std::net::SocketAddr;
use std::sync::Arc;

use foundation::Clock;
use foundation::units::ByteSize;
use http::{Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use model::Signal;
use net::tls::ServerSettings;
use serde::{Deserialize, Serialize};
use wire::json_lines;

use super::web::{Auth, Body, Door, Intake, Service, check_tls, convert, plain};
use crate::body::RequestLimit;
use crate::component::{Host, Outputs, Receiver, ReceiverFactory, Refused, Run, Setup, StartError, Starting};
use crate::config::Size;
use crate::journal::Whence;
use crate::refusal::Refusal;
use crate::telemetry::Origin;

/// How it is known.
pub(super) const FACTORY: ReceiverFactory =
    ReceiverFactory { names: &["jsonlines", "json_lines"], signals: &[Signal::Logs], build };

#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default)]
struct Settings {
    endpoint: String,
    max_request_body_size: Size,
    #[serde(skip_serializing_if = "Option::is_none")]
    tls: Option<ServerSettings>,
    auth: Auth,
}

impl Default for Settings {
    fn default() -> Self {
        let max_request_body_size = Size(ByteSize::mib(64));
        Self { endpoint: String::new(), max_request_body_size, tls: None, auth: Auth::default() }
    }
}

struct JsonLines {
    component: String,
    address: SocketAddr,
    bytes_max: usize,
    door: Door,
}

fn build(setup: &mut Setup<'_>) -> Result<Box<dyn Receiver>, Refused> {
    let mut settings: Settings = setup.read()?;
    let address = setup.address("endpoint", Some(&settings.endpoint), 9428)?;
    settings.endpoint = address.to_string();
    let bytes_max = settings.max_request_body_size.0.as_usize();
    if bytes_max == 0 {
        return Err(setup.error("max_request_body_size", "must be greater than zero"));
    }
    let directory = setup.surroundings().directory;
    check_tls(setup, "tls", &mut settings.tls, &directory)?;
    setup.show(&settings);
    let door = Door { tls: settings.tls, auth: settings.auth };
    Ok(Box::new(JsonLines { component: setup.path(""), address, bytes_max, door }))
}

impl Receiver for JsonLines {
    fn addresses(&self) -> Vec<(String, SocketAddr)> {
        vec![(format!("{}.endpoint", self.component), self.address)]
    }

    fn start<'a>(self: Box<Self>, outputs: Outputs, host: &'a Host, run: &'a mut Run) -> Starting<'a, ()> {
        Box::pin(async move {
            let Some(consumer) = outputs.of(Signal::Logs) else { return Ok(()) };
            let setting = "receivers.jsonlines.max_request_body_size";
            let limit = RequestLimit { bytes: self.bytes_max, setting };
            let service = |authenticator| LinesPort {
                intake: Intake::new(host, Signal::Logs, limit, consumer, authenticator),
                clock: host.clock.clone(),
            };
            let owner = format!("{}.endpoint", self.component);
            let served = self.door.serve((&owner, self.address), false, service, host, run).await;
            served.map_err(|message| StartError { component: self.component, message })
        })
    }
}

struct LinesPort {
    intake: Intake,
    clock: Arc<dyn Clock>,
}

impl LinesPort {
    async fn take(&self, request: Request<Incoming>, origin: &Origin) -> Result<(), Refusal> {
        let (head, body) = request.into_parts();
        if head.method != Method::POST && head.method != Method::PUT {
            return Err(Refusal::with_status(405, format!("{} is not allowed here; use POST", head.method)));
        }
        let query = head.uri.query().unwrap_or_default().to_owned();
        let value =
            |name: &str| query.split('&').filter_map(|p| p.split_once('=')).find(|(n, _)| *n == name).map(|(_, v)| v);
        let (message, time, level) = (value("_msg_field"), value("_time_field"), value("_level_field"));
        let (bytes, _lease, origin) = self.intake.body(&head.headers, body, origin).await?;
        let mut options =
            json_lines::Options { service: value("service"), ..json_lines::Options::new(self.clock.now()) };
        let named = [message, time, level].map(|v| v.map(|v| [v]));
        for (names, slot) in named.iter().zip([
            &mut options.interest.message,
            &mut options.interest.time,
            &mut options.interest.severity,
        ]) {
            if let Some(names) = names {
                *slot = names;
            }
        }
        let lines = convert(bytes.len(), || json_lines::read(&bytes, &options));
        if let Some((line, why)) = &lines.first_plain {
            let message = format!("line {line} is no JSON object and is kept as text: {why}");
            self.intake.journal.note(Some(Signal::Logs), "partial", &message, lines.plain);
        }
        self.intake.hand_on(lines.request, lines.records, origin).await.map(drop)
    }
}

impl Service for LinesPort {
    async fn answer(&self, request: Request<Incoming>, origin: Arc<Origin>) -> Response<Body> {
        let whence = Whence::from(&*origin).of_page(request.headers());
        match self.take(request, &origin).await {
            Ok(()) => plain(StatusCode::OK, ""),
            Err(refusal) => self.intake.refused(&refusal, whence),
        }
    }
}
