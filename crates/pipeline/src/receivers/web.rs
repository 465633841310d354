//! Ports of receivers of one signal: TLS and who may send, bodies within limits, and a request's way to the pipelines.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderValue};
use http::{Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use model::Signal;
use net::tls::{ServerSettings, ServerTls};
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use wire::otlp::Decoded;

use crate::body::{self, RequestLimit};
use crate::budget::{Budget, Lease};
use crate::component::{Authenticator, Host, Refused, Run, Setup};
use crate::consumer::Consumer;
use crate::journal::{Journal, Whence};
use crate::otlp::compression::{self, ACCEPTED, Encoding};
use crate::port::{self, Manner};
pub(super) use crate::port::{Body, Service};
use crate::refusal::Refusal;
use crate::remote_write;
use crate::telemetry::{Origin, Telemetry};

/// What is spoken over TLS.
const ALPN: [&str; 2] = ["h2", "http/1.1"];

/// Listens at `address`. With `when_free`, a port that is in use is left out, and that is said: `None`.
///
/// # Errors
/// What the operating system says, with the remedy.
async fn listen(
    host: &Host,
    owner: &str,
    address: SocketAddr,
    when_free: bool,
) -> Result<Option<Arc<TcpListener>>, String> {
    match host.sockets.tcp(owner, address).await {
        Ok(listener) => Ok(Some(listener)),
        Err(message) if when_free => {
            left_out(owner, &message);
            Ok(None)
        }
        Err(message) => Err(message),
    }
}

/// Says that a port which nobody asked for by name is not served.
pub(super) fn left_out(owner: &str, message: &str) {
    tracing::warn!(setting = owner, "{message}; it is left out");
}

/// `auth`: the extension that says who may send.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct Auth {
    #[serde(skip_serializing_if = "String::is_empty")]
    authenticator: String,
    /// Taken and not used: credentials are looked for in headers only.
    #[serde(skip_serializing)]
    request_params: Option<Vec<String>>,
}

impl Auth {
    /// Who says it; `None`: everybody may send.
    pub(super) fn find(&self, host: &Host) -> Result<Option<Arc<dyn Authenticator>>, String> {
        let id = self.authenticator.as_str();
        if id.is_empty() {
            return Ok(None);
        }
        match host.extensions.get(id).map(|provided| provided.authenticator.clone()) {
            Some(Some(authenticator)) => Ok(Some(authenticator)),
            Some(None) => Err(format!("the extension `{id}` does not say who may send")),
            None => Err(format!("`{id}` is not an extension that runs; name it in `service.extensions`")),
        }
    }
}

/// Certificates are read here too: what is wrong with them has its line.
pub(super) fn check_tls(
    setup: &mut Setup<'_>,
    setting: &str,
    tls: &mut Option<ServerSettings>,
    directory: &Path,
) -> Result<(), Refused> {
    let Some(tls) = tls else { return Ok(()) };
    tls.set_directory(directory);
    tls.build(&ALPN).map(drop).map_err(|errors| setup.errors(setting, &errors))
}

/// The server's side of TLS, if it is wanted.
pub(super) fn server_tls(tls: Option<&ServerSettings>) -> Result<Option<ServerTls>, String> {
    tls.map(|tls| tls.build(&ALPN)).transpose().map_err(|e| e.to_string())
}

/// A port of one signal: who may come, and how.
#[derive(Debug, Clone, Default)]
pub(super) struct Door {
    pub tls: Option<ServerSettings>,
    pub auth: Auth,
}

impl Door {
    /// Serves `service` at `address`, which `owner` names.
    pub(super) async fn serve<S: Service>(
        &self,
        (owner, address): (&str, SocketAddr),
        when_free: bool,
        service: impl FnOnce(Option<Arc<dyn Authenticator>>) -> S,
        host: &Host,
        run: &mut Run,
    ) -> Result<(), String> {
        let service = Arc::new(service(self.auth.find(host)?));
        let manner = Manner { tls: server_tls(self.tls.as_ref())?, ..Manner::default() };
        if let Some(listener) = listen(host, owner, address, when_free).await? {
            run.spawn(owner, port::serve(listener, service, manner, host.journal.clone(), run.stopped()));
        }
        Ok(())
    }
}

/// What a receiver of one signal needs for every request.
#[derive(Clone)]
pub(super) struct Intake {
    pub signal: Signal,
    pub limit: RequestLimit,
    pub budget: Budget,
    pub journal: Journal,
    pub consumer: Arc<dyn Consumer>,
    /// Says who may send; everybody when there is none.
    pub authenticator: Option<Arc<dyn Authenticator>>,
}

impl Intake {
    pub(super) fn new(
        host: &Host,
        signal: Signal,
        limit: RequestLimit,
        consumer: Arc<dyn Consumer>,
        authenticator: Option<Arc<dyn Authenticator>>,
    ) -> Self {
        Self { signal, limit, budget: host.budget.clone(), journal: host.journal.clone(), consumer, authenticator }
    }

    /// Who sends a request with these headers over the connection of `origin`.
    ///
    /// # Errors
    /// Nobody who may.
    pub(super) fn authenticated(&self, headers: &HeaderMap, origin: &Origin) -> Result<Origin, Refusal> {
        let auth = self.authenticator.as_ref().map(|authenticator| authenticator.authenticate(headers)).transpose()?;
        Ok(Origin { auth: auth.unwrap_or_default(), ..origin.clone() })
    }

    /// Reads the body of one who may send and decompresses it as the headers say; the lease holds its memory.
    pub(super) async fn body(
        &self,
        headers: &HeaderMap,
        body: Incoming,
        origin: &Origin,
    ) -> Result<(Bytes, Lease, Origin), Refusal> {
        let origin = self.authenticated(headers, origin)?;
        let encoding = match headers.get(header::CONTENT_ENCODING).map(HeaderValue::to_str) {
            None => Encoding::Identity,
            Some(Ok(name)) => Encoding::parse(name).ok_or_else(|| {
                Refusal::with_status(415, format!("content-encoding `{name}` is not supported; use one of {ACCEPTED}"))
            })?,
            Some(Err(_)) => return Err(Refusal::with_status(415, "content-encoding is not text")),
        };
        let mut lease = self.budget.lease();
        let sent = body::read(body, self.limit, &mut lease).await?;
        let plain = compression::decompress(encoding, sent, self.limit, &mut lease)?;
        Ok((plain, lease, origin))
    }

    /// Hands a request on; returns once it is safe. Requests without records are not sent on.
    pub(super) async fn hand_on(&self, request: Vec<u8>, records: u64, origin: Origin) -> Result<Decoded, Refusal> {
        if records == 0 {
            return Ok(Decoded::default());
        }
        self.consumer.consume(Telemetry::new(self.signal, request.into()).from(Some(Arc::new(origin)))).await
    }

    /// The answer to a request that was refused, which is counted.
    pub(super) fn refused(&self, refusal: &Refusal, whence: Whence) -> Response<Body> {
        self.journal.request_refused_from(Some(self.signal), &refusal.http().to_string(), &refusal.message, whence);
        let mut response = boxed(remote_write::failure(refusal));
        if response.status() == StatusCode::UNAUTHORIZED {
            let schemes = HeaderValue::from_static("Basic, Bearer");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, schemes);
        }
        response
    }
}

/// Converts away from the threads that serve sockets, when there is much to convert.
pub(super) fn convert<T>(bytes: usize, convert: impl FnOnce() -> T) -> T {
    const INLINE_BYTES_MAX: usize = 32 << 10;
    if bytes <= INLINE_BYTES_MAX { convert() } else { tokio::task::block_in_place(convert) }
}

/// An answer with a text or nothing.
pub(super) fn plain(status: StatusCode, text: impl Into<Bytes>) -> Response<Body> {
    boxed(remote_write::plain(status, text.into()))
}

pub(super) fn boxed(response: Response<Full<Bytes>>) -> Response<Body> {
    response.map(|body| body.boxed_unsync())
}

/// The media type of a request, without parameters, in lower case.
pub(super) fn media_type(headers: &HeaderMap) -> String {
    let value = headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
    value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}
