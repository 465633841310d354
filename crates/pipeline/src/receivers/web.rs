//! Ports that speak HTTP, for receivers of one signal: connections within limits, bodies within limits, and a request's way to
//! the pipelines.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderValue};
use http::{Request, Response, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use model::Signal;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use wire::otlp::Decoded;

use crate::body::{self, RequestLimit};
use crate::budget::{Budget, Lease};
use crate::component::Host;
use crate::connections::connections_max;
use crate::consumer::Consumer;
use crate::first_bytes;
use crate::journal::Journal;
use crate::otlp::compression::{self, ACCEPTED, Encoding};
use crate::refusal::Refusal;
use crate::remote_write;
use crate::telemetry::{Origin, Telemetry};

pub(super) type Body = UnsyncBoxBody<Bytes, Infallible>;

/// A client that does not finish its headers in this time is cut off.
const HEADER_TIMEOUT: Duration = Duration::from_secs(30);
/// An HTTP/2 client that answers no ping in this time is gone.
const KEEP_ALIVE: Duration = Duration::from_secs(60);
/// After a failed accept, which mostly means that there are no file descriptors: without a pause this would spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// A TLS handshake begins with this byte (RFC 8446, ContentType handshake).
const TLS_HANDSHAKE: u8 = 0x16;
/// HTTP/2 flow control: a whole usual request fits in a stream's window.
const STREAM_WINDOW_BYTES: u32 = 4 << 20;

/// Listens at `address`. With `when_free`, a port that is in use is left out, and that is said: `None`.
///
/// # Errors
/// What the operating system says, with the remedy.
pub(super) async fn listen(
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

/// Answers requests.
pub(super) trait Service: Send + Sync + 'static {
    fn answer(&self, request: Request<Incoming>, peer: SocketAddr) -> impl Future<Output = Response<Body>> + Send;
}

/// Serves `listener` until `stop` says so, then answers what is in flight and returns.
pub(super) async fn serve<S: Service>(
    listener: Arc<TcpListener>,
    service: Arc<S>,
    journal: Journal,
    mut stop: watch::Receiver<bool>,
) {
    let connections_max = connections_max();
    let graceful = GracefulShutdown::new();
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_) = connections.join_next() => continue,
            _ = stop.wait_for(|stopped| *stopped) => break,
        };
        match accepted {
            Ok(_) if connections.len() >= connections_max => {
                let message =
                    format!("{connections_max} connections are open; keep connections alive and use them again");
                journal.note(None, "connections", &message, 1);
            }
            Ok((stream, peer)) => {
                let journal = journal.clone();
                drop(connections.spawn(connection(
                    stream,
                    peer,
                    service.clone(),
                    journal,
                    graceful.watcher(),
                    stop.clone(),
                )));
            }
            Err(e) => {
                tracing::warn!(error = %e, "cannot accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    graceful.shutdown().await;
    while connections.join_next().await.is_some() {}
}

async fn connection<S: Service>(
    stream: TcpStream,
    peer: SocketAddr,
    service: Arc<S>,
    journal: Journal,
    watcher: Watcher,
    mut stop: watch::Receiver<bool>,
) {
    let _ = stream.set_nodelay(true);
    let mut first = [0u8; 1];
    let peeked = tokio::select! {
        peeked = tokio::time::timeout(HEADER_TIMEOUT, stream.peek(&mut first)) => peeked,
        // Nothing was sent yet, so nothing is owed.
        _ = stop.wait_for(|stopped| *stopped) => return,
    };
    let Ok(Ok(1)) = peeked else { return };
    if first[0] == TLS_HANDSHAKE {
        let message =
            "a client began a TLS handshake on a port that speaks plain text; use http:// or `insecure: true`";
        journal.note(None, "tls", message, 1);
        return;
    }
    let service = service_fn(move |request| {
        let service = service.clone();
        async move { Ok::<_, Infallible>(service.answer(request, peer).await) }
    });
    let Some((mut builder, stream)) = first_bytes::version(stream, HEADER_TIMEOUT).await else { return };
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEADER_TIMEOUT);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(Some(KEEP_ALIVE))
        .keep_alive_timeout(KEEP_ALIVE)
        .initial_stream_window_size(STREAM_WINDOW_BYTES);
    let served = builder.serve_connection(TokioIo::new(stream), service).into_owned();
    if let Err(e) = watcher.watch(served).await {
        tracing::debug!(error = %e, "a connection ended early");
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
}

impl Intake {
    /// Reads the body and decompresses it as the headers say; the lease holds its memory.
    pub(super) async fn body(&self, headers: &HeaderMap, body: Incoming) -> Result<(Bytes, Lease), Refusal> {
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
        Ok((plain, lease))
    }

    /// Hands a request on; returns once it is safe. Requests without records are not sent on.
    pub(super) async fn hand_on(&self, request: Vec<u8>, records: u64, peer: SocketAddr) -> Result<Decoded, Refusal> {
        if records == 0 {
            return Ok(Decoded::default());
        }
        let origin = Arc::new(Origin { peer: Some(peer), ..Origin::default() });
        self.consumer.consume(Telemetry::new(self.signal, request.into()).from(Some(origin))).await
    }

    /// The answer to a request that was refused, which is counted.
    pub(super) fn refused(&self, refusal: &Refusal) -> Response<Body> {
        self.journal.request_refused(Some(self.signal), &refusal.http().to_string(), &refusal.message);
        boxed(remote_write::failure(refusal))
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
