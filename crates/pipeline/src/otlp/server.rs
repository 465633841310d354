//! Binds a port, serves connections, drains them at the end.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use bytes::Bytes;
use foundation::ErrorKind;
use http_body_util::combinators::UnsyncBoxBody;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use model::Signal;
use net::tls::ServerTls;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use wire::otlp::Decoded;

use super::cors::Cors;
use super::{grpc, http};
use crate::body::{BODY_TIMEOUT, RequestLimit};
use crate::budget::Budget;
use crate::component::{Authenticator, Outputs};
use crate::connections::connections_max;
use crate::consumer::Consumer;
use crate::first_bytes;
use crate::journal::Journal;
use crate::refusal::Refusal;
use crate::remote_write::{self, RemoteWrite};
use crate::telemetry::Origin;

/// HTTP/2 flow control: a whole usual request fits in a stream's window, several in the connection's.
const STREAM_WINDOW_BYTES: u32 = 8 << 20;
const CONNECTION_WINDOW_BYTES: u32 = 16 << 20;
const FRAME_BYTES_MAX: u32 = 1 << 20;
/// Streams that one connection may have open.
const STREAMS_MAX: u32 = 256;
/// A client that does not finish its headers in this time is cut off.
const HEADER_TIMEOUT: Duration = Duration::from_secs(30);
/// An HTTP/2 client that answers no ping in this time is gone.
const KEEP_ALIVE: Duration = Duration::from_secs(60);
/// Read buffer of an HTTP/1 connection; also bounds its headers.
const HTTP1_BUFFER_BYTES: usize = 64 << 10;
/// After a failed accept, which mostly means that there are no file descriptors: without a pause this would spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// What a connection gets that was made and has sent nothing when the port is closed.
const LAST_MOMENT: Duration = Duration::from_millis(250);
/// A TLS handshake begins with this byte (RFC 8446, ContentType handshake).
const TLS_HANDSHAKE: u8 = 0x16;

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
    /// Encrypts the port.
    pub tls: Option<ServerTls>,
    /// Says who may send; everybody when there is none.
    pub authenticator: Option<Arc<dyn Authenticator>>,
    /// Hands the headers of requests on with what they carry.
    pub include_metadata: bool,
    /// Added to the answers over HTTP.
    pub response_headers: HeaderMap,
    /// Where traces, metrics and logs come in over HTTP.
    pub paths: [String; 3],
    /// A client that does not finish its headers in this time is cut off.
    pub header_timeout: Duration,
    /// A body that has not arrived in this time is given up.
    pub body_timeout: Duration,
    /// Streams that one HTTP/2 connection may have open.
    pub streams_max: u32,
    /// An HTTP/2 connection is pinged after this time without a word, and given up when no answer comes in the second.
    pub keep_alive: (Duration, Duration),
    /// A connection is closed after this time, between requests.
    pub age_max: Option<Duration>,
    /// Connections of the port.
    pub connections_max: usize,
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
            tls: None,
            authenticator: None,
            include_metadata: false,
            response_headers: HeaderMap::new(),
            paths: ["/v1/traces", "/v1/metrics", "/v1/logs"].map(str::to_owned),
            header_timeout: HEADER_TIMEOUT,
            body_timeout: BODY_TIMEOUT,
            streams_max: STREAMS_MAX,
            keep_alive: (KEEP_ALIVE, KEEP_ALIVE),
            age_max: None,
            connections_max: connections_max(),
            counts: false,
        }
    }
}

pub(super) type Body = UnsyncBoxBody<Bytes, Infallible>;

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
        Ok(Arc::new(Origin { peer: connection.peer, metadata, auth }))
    }

    /// What became of a request, for those who ask what this process did.
    pub(super) fn told(
        &self,
        name: &str,
        begin: Instant,
        origin: &Origin,
        outcome: &Result<(Signal, Decoded), Refusal>,
    ) {
        let peer = origin.peer.map_or_else(String::new, |peer| peer.to_string());
        match outcome {
            Ok((signal, decoded)) => {
                let (n, records) = (decoded.accepted, signal.records());
                self.journal.did(name, begin, &format!("{n} {records} of {peer}"), None);
            }
            Err(refusal) => self.journal.did(name, begin, &peer, Some(&refusal.message)),
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
    mut stop: watch::Receiver<bool>,
) {
    let context = Arc::new(Context {
        outputs: [Signal::Traces, Signal::Metrics, Signal::Logs].map(|signal| outputs.of(signal)),
        journal,
        config,
    });
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_) = connections.join_next() => continue,
            _ = stop.wait_for(|stopped| *stopped) => break,
        };
        match accepted {
            Ok(_) if connections.len() >= context.config.connections_max => {
                let max = context.config.connections_max;
                let message = format!("{max} connections are open; keep connections alive and use them again");
                context.journal.note(None, "connections", &message, 1);
            }
            Ok((stream, peer)) => {
                let origin = Arc::new(Origin { peer: Some(peer), ..Origin::default() });
                let connection = Connection { context: context.clone(), origin };
                drop(connections.spawn(connection.begin(stream, stop.clone())));
            }
            Err(e) => {
                tracing::warn!(error = %e, "cannot accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

/// One connection, before and after the handshake.
struct Connection {
    context: Arc<Context>,
    origin: Arc<Origin>,
}

impl Connection {
    async fn begin(self, stream: TcpStream, mut stop: watch::Receiver<bool>) {
        let _ = stream.set_nodelay(true);
        let mut first = [0u8; 1];
        let peeked = tokio::select! {
            peeked = tokio::time::timeout(self.context.config.header_timeout, stream.peek(&mut first)) => peeked,
            // Nothing was sent yet, so nothing is owed but the moment that a request is on its way.
            () = stopped(&mut stop, LAST_MOMENT) => return,
        };
        let Ok(Ok(1)) = peeked else { return };
        match (&self.context.config.tls, first[0] == TLS_HANDSHAKE) {
            (None, false) => self.serve(stream, stop).await,
            (Some(tls), true) => match tls.accept(stream).await {
                Ok(stream) => {
                    if let Some(why) = tls.stale() {
                        let message =
                            format!("the certificate on disk cannot be used, the one before stays in use: {why}");
                        self.context.journal.note(None, "tls", &message, 1);
                    }
                    self.serve(stream, stop).await;
                }
                Err(e) => self.context.journal.note(None, "tls", &format!("the TLS handshake failed: {e}"), 1),
            },
            (None, true) => {
                let message =
                    "a client began a TLS handshake on a port that speaks plain text; use http:// or `insecure: true`";
                self.context.journal.note(None, "tls", message, 1);
            }
            (Some(_), false) => {
                let message = "a client spoke plain text on a port that has `tls`; use https://";
                self.context.journal.note(None, "tls", message, 1);
            }
        }
    }

    async fn serve<S>(self, stream: S, mut stop: watch::Receiver<bool>)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let Self { context, origin } = self;
        let config = &context.config;
        let Some((mut builder, stream)) = first_bytes::version(stream, config.header_timeout).await else { return };
        builder
            .http1()
            .timer(TokioTimer::new())
            .header_read_timeout(config.header_timeout)
            .max_buf_size(HTTP1_BUFFER_BYTES);
        builder
            .http2()
            .timer(TokioTimer::new())
            .keep_alive_interval(Some(config.keep_alive.0))
            .keep_alive_timeout(config.keep_alive.1)
            .initial_stream_window_size(STREAM_WINDOW_BYTES)
            .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
            .max_frame_size(FRAME_BYTES_MAX)
            .max_concurrent_streams(config.streams_max);
        let age_max = config.age_max;
        let service = service_fn(move |request| {
            let (context, origin) = (context.clone(), origin.clone());
            async move { Ok::<_, Infallible>(route(request, &context, &origin).await) }
        });
        let connection = builder.serve_connection(TokioIo::new(stream), service).into_owned();
        let mut connection = std::pin::pin!(connection);
        let old = async {
            match age_max {
                Some(age) => tokio::time::sleep(age).await,
                None => std::future::pending().await,
            }
        };
        let ended = tokio::select! {
            // First, so that a request that is there is read before the end is told.
            biased;
            ended = connection.as_mut() => ended,
            () = old => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
            () = stopped(&mut stop, Duration::ZERO) => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(e) = ended {
            tracing::debug!(error = %e, "a connection ended early");
        }
    }
}

/// Returns when `stop` says so, and `later` has passed.
async fn stopped(stop: &mut watch::Receiver<bool>, later: Duration) {
    let _ = stop.wait_for(|stopped| *stopped).await;
    tokio::time::sleep(later).await;
}

async fn route(request: Request<Incoming>, context: &Context, origin: &Arc<Origin>) -> Response<Body> {
    if grpc::is_grpc(&request) {
        return grpc::handle(request, context, origin).await;
    }
    let mut response = match (request.uri().path(), &context.config.remote_write) {
        (remote_write::PATH, Some(receiver)) => {
            if let Err(refusal) = context.origin(request.headers(), origin) {
                context.journal.request_refused(Some(Signal::Metrics), &refusal.http().to_string(), &refusal.message);
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
