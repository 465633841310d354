//! Serves OTLP on a port: what every request needs, and which protocol it speaks.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use foundation::ErrorKind;
use hyper::body::Incoming;
use hyper::{Request, Response};
use model::Signal;
use tokio::net::TcpListener;
use tokio::sync::watch;
use wire::otlp::Decoded;

use super::cors::Cors;
use super::{grpc, http};
use crate::body::{BODY_TIMEOUT, RequestLimit};
use crate::budget::Budget;
use crate::component::{Authenticator, Outputs};
use crate::consumer::Consumer;
use crate::journal::{Journal, Whence};
pub(super) use crate::port::Body;
use crate::port::{self, Manner, Service};
use crate::refusal::Refusal;
use crate::remote_write::{self, RemoteWrite};
use crate::telemetry::Origin;

/// How a port is served.
#[derive(Clone)]
pub struct Config {
    /// How large one request may be, compressed or not. The OTLP specification recommends 64 MiB.
    pub request_bytes_max: RequestLimit,
    /// Bytes that all requests in flight may hold together.
    pub budget: Budget,
    /// Browsers that may send.
    pub cors: Cors,
    /// Also takes remote write on this port: what sends telemetry needs one port only.
    pub remote_write: Option<RemoteWrite>,
    /// Says who may send; everybody when there is none.
    pub authenticator: Option<Arc<dyn Authenticator>>,
    /// Hands the headers of requests on with what they carry.
    pub include_metadata: bool,
    /// Added to the answers over HTTP.
    pub response_headers: HeaderMap,
    /// Where traces, metrics and logs come in over HTTP.
    pub paths: [String; 3],
    /// A body that has not arrived in this time is given up.
    pub body_timeout: Duration,
    /// Connections.
    pub manner: Manner,
    /// Counts what was taken: no engine behind it does.
    pub counts: bool,
}

impl Config {
    /// The defaults.
    pub fn new(request_bytes_max: RequestLimit, budget: Budget) -> Self {
        Self {
            request_bytes_max,
            budget,
            cors: Cors::default(),
            remote_write: None,
            authenticator: None,
            include_metadata: false,
            response_headers: HeaderMap::new(),
            paths: ["/v1/traces", "/v1/metrics", "/v1/logs"].map(str::to_owned),
            body_timeout: BODY_TIMEOUT,
            manner: Manner::default(),
            counts: false,
        }
    }
}

/// What a request came by.
#[derive(Clone, Copy)]
pub(super) enum Protocol {
    Http,
    Grpc,
}

impl Protocol {
    /// What receiving `signal` over it is called.
    const fn of(self, signal: Option<Signal>) -> &'static str {
        match (self, signal) {
            (Self::Http, Some(Signal::Traces)) => "otlp http traces",
            (Self::Http, Some(Signal::Metrics)) => "otlp http metrics",
            (Self::Http, Some(Signal::Logs)) => "otlp http logs",
            (Self::Http, None) => "otlp http other",
            (Self::Grpc, Some(Signal::Traces)) => "otlp grpc traces",
            (Self::Grpc, Some(Signal::Metrics)) => "otlp grpc metrics",
            (Self::Grpc, Some(Signal::Logs)) => "otlp grpc logs",
            (Self::Grpc, None) => "otlp grpc other",
        }
    }
}

/// What every request needs.
pub(super) struct Context {
    pub outputs: [Option<Arc<dyn Consumer>>; 3],
    pub journal: Journal,
    pub config: Config,
}

impl Context {
    /// Who sends a request with these headers over this connection.
    ///
    /// # Errors
    /// Nobody who may.
    pub(super) fn origin(&self, headers: &HeaderMap, connection: &Arc<Origin>) -> Result<Arc<Origin>, Refusal> {
        let auth = match &self.config.authenticator {
            Some(authenticator) => authenticator.authenticate(headers)?,
            None if !self.config.include_metadata => return Ok(connection.clone()),
            None => Vec::new(),
        };
        let text = |(name, value): (&HeaderName, &HeaderValue)| {
            // Credentials go no further.
            let shown = self.config.include_metadata && *name != header::AUTHORIZATION && *name != header::COOKIE;
            shown.then(|| Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()))).flatten()
        };
        let metadata = headers.iter().filter_map(text).collect();
        Ok(Arc::new(Origin { metadata, auth, ..**connection }))
    }

    /// What became of a request, for those who ask what this process did.
    pub(super) fn told(
        &self,
        protocol: Protocol,
        signal: Option<Signal>,
        begin: Instant,
        origin: &Origin,
        outcome: &Result<(Signal, Decoded), Refusal>,
    ) {
        let name = protocol.of(signal);
        let peer: &dyn fmt::Display = match &origin.peer {
            Some(peer) => peer,
            None => &"nobody known",
        };
        match outcome {
            Ok((signal, decoded)) => {
                let (n, records) = (decoded.accepted, signal.records());
                self.journal.did(name, begin, format_args!("{n} {records} of {peer}"), None);
            }
            Err(refusal) => self.journal.did(name, begin, format_args!("{peer}"), Some(&refusal.message)),
        }
    }

    /// Counts what was taken, where no engine does.
    pub(super) fn count(&self, signal: Signal, bytes: usize, decoded: &Decoded) {
        if self.config.counts {
            self.journal.stored(signal, bytes, decoded.accepted, decoded.rejected);
        }
    }

    /// Where a signal comes in over HTTP: `/v1/traces`.
    pub(super) fn signal_of_path(&self, path: &str) -> Option<Signal> {
        let at = self.config.paths.iter().position(|known| known == path)?;
        [Signal::Traces, Signal::Metrics, Signal::Logs].get(at).copied()
    }

    /// What takes `signal`.
    pub(super) fn output(&self, signal: Signal) -> Result<&dyn Consumer, Refusal> {
        let [traces, metrics, logs] = &self.outputs;
        let output = match signal {
            Signal::Traces => traces,
            Signal::Metrics => metrics,
            Signal::Logs => logs,
        };
        output.as_deref().ok_or_else(|| {
            let name = signal.name();
            let message = format!("no pipeline takes {name} from this receiver; name it in the `receivers` of one (`service.pipelines.{name}`)");
            Refusal { http_status: Some(404), ..Refusal::new(ErrorKind::Unsupported, message) }
        })
    }
}

/// Serves OTLP/HTTP and OTLP/gRPC on `listener` until `stop` says so, then answers what is in flight and returns.
///
/// Dropping the future cuts off the connections that are left.
pub async fn serve(
    listener: Arc<TcpListener>,
    outputs: Outputs,
    journal: Journal,
    config: Config,
    stop: watch::Receiver<bool>,
) {
    let manner = config.manner.clone();
    let outputs = [Signal::Traces, Signal::Metrics, Signal::Logs].map(|signal| outputs.of(signal));
    let context = Arc::new(Context { outputs, journal: journal.clone(), config });
    port::serve(listener, context, manner, journal, stop).await;
}

impl Service for Context {
    async fn answer(&self, request: Request<Incoming>, origin: Arc<Origin>) -> Response<Body> {
        route(request, self, &origin).await
    }
}

async fn route(request: Request<Incoming>, context: &Context, origin: &Arc<Origin>) -> Response<Body> {
    if grpc::is_grpc(&request) {
        return grpc::handle(request, context, origin).await;
    }
    let mut response = match (request.uri().path(), &context.config.remote_write) {
        (remote_write::PATH, Some(receiver)) => {
            if let Err(refusal) = context.origin(request.headers(), origin) {
                let code = refusal.http().to_string();
                let whence = Whence::from(&**origin);
                context.journal.request_refused_from(Some(Signal::Metrics), &code, &refusal.message, whence);
                remote_write::failure(&refusal).map(http_body_util::BodyExt::boxed_unsync)
            } else {
                receiver.handle(request).await.map(http_body_util::BodyExt::boxed_unsync)
            }
        }
        _ => http::handle(request, context, origin).await,
    };
    for (name, value) in &context.config.response_headers {
        response.headers_mut().insert(name, value.clone());
    }
    response
}
