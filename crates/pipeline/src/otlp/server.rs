//! Binds a port, serves connections, drains them at the end.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use foundation::ErrorKind;
use http_body_util::combinators::UnsyncBoxBody;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use model::Signal;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::cors::Cors;
use super::{grpc, http};
use crate::body::RequestLimit;
use crate::budget::Budget;
use crate::component::Outputs;
use crate::consumer::Consumer;
use crate::journal::Journal;
use crate::refusal::Refusal;
use crate::remote_write::{self, RemoteWrite};

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
const HTTP1_BUFFER_BYTES: usize = 512 << 10;
/// Connections of one port. Below the usual limit of open files, of which segments and logs need some too.
const CONNECTIONS_MAX: usize = 4096;
/// After a failed accept, which mostly means that there are no file descriptors: without a pause this would spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// A TLS handshake begins with this byte (RFC 8446, ContentType handshake).
const TLS_HANDSHAKE: u8 = 0x16;

/// What requests may be.
#[derive(Clone)]
pub struct Config {
    /// How large one request may be, compressed or not. The OTLP specification recommends 64 MiB.
    pub request_bytes_max: RequestLimit,
    /// Bytes that all requests in flight may hold together.
    pub budget: Budget,
    /// Origins that browsers may send from.
    pub cors_allowed_origins: Vec<String>,
    /// Also takes remote write on this port: what sends telemetry needs one port only.
    pub remote_write: Option<RemoteWrite>,
}

pub(super) type Body = UnsyncBoxBody<Bytes, Infallible>;

/// What every request needs.
pub(super) struct Context {
    pub outputs: [Option<Arc<dyn Consumer>>; 3],
    pub journal: Journal,
    pub limit: RequestLimit,
    pub budget: Budget,
    pub cors: Cors,
    pub remote_write: Option<RemoteWrite>,
}

impl Context {
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
        limit: config.request_bytes_max,
        budget: config.budget,
        cors: Cors { allowed_origins: config.cors_allowed_origins },
        remote_write: config.remote_write,
    });
    let graceful = GracefulShutdown::new();
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_) = connections.join_next() => continue,
            _ = stop.wait_for(|stopped| *stopped) => break,
        };
        match accepted {
            Ok(_) if connections.len() >= CONNECTIONS_MAX => {
                let message =
                    format!("{CONNECTIONS_MAX} connections are open; keep connections alive and use them again");
                context.journal.note(None, "connections", &message, 1);
            }
            Ok((stream, _peer)) => {
                drop(connections.spawn(serve_connection(stream, context.clone(), graceful.watcher(), stop.clone())));
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

async fn serve_connection(stream: TcpStream, context: Arc<Context>, watcher: Watcher, mut stop: watch::Receiver<bool>) {
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
        context.journal.note(None, "tls", message, 1);
        return;
    }
    let service = service_fn(move |request| {
        let context = context.clone();
        async move { Ok::<_, Infallible>(route(request, &context).await) }
    });
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEADER_TIMEOUT).max_buf_size(HTTP1_BUFFER_BYTES);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(Some(KEEP_ALIVE))
        .keep_alive_timeout(KEEP_ALIVE)
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .max_frame_size(FRAME_BYTES_MAX)
        .max_concurrent_streams(STREAMS_MAX);
    let connection = builder.serve_connection(TokioIo::new(stream), service).into_owned();
    if let Err(e) = watcher.watch(connection).await {
        tracing::debug!(error = %e, "a connection ended early");
    }
}

async fn route(request: Request<Incoming>, context: &Context) -> Response<Body> {
    if grpc::is_grpc(&request) {
        grpc::handle(request, context).await
    } else if let (remote_write::PATH, Some(receiver)) = (request.uri().path(), &context.remote_write) {
        receiver.handle(request).await.map(http_body_util::BodyExt::boxed_unsync)
    } else {
        http::handle(request, context).await
    }
}
