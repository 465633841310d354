//! A port that speaks HTTP: takes connections within limits, with TLS or without, and answers what is in flight at the end.
//!
//! What is asked is the business of the [`Service`]. What goes wrong before a request is there, is noted where the onboarding page
//! finds it: TLS on a plain port and the reverse, handshakes that fail, connections beyond the limit.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::combinators::UnsyncBoxBody;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use net::tls::ServerTls;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::connections::connections_max;
use crate::first_bytes;
use crate::journal::{Journal, Whence};
use crate::telemetry::Origin;

pub(crate) type Body = UnsyncBoxBody<Bytes, Infallible>;

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
pub struct Manner {
    /// Encrypts the port.
    pub tls: Option<ServerTls>,
    /// A client that does not finish its headers in this time is cut off.
    pub header_timeout: Duration,
    /// Streams that one HTTP/2 connection may have open.
    pub streams_max: u32,
    /// An HTTP/2 connection is pinged after this time without a word, and given up when no answer comes in the second.
    pub keep_alive: (Duration, Duration),
    /// A connection is closed after this time, between requests.
    pub age_max: Option<Duration>,
    /// Connections of the port.
    pub connections_max: usize,
}

impl Default for Manner {
    fn default() -> Self {
        Self {
            tls: None,
            header_timeout: HEADER_TIMEOUT,
            streams_max: STREAMS_MAX,
            keep_alive: (KEEP_ALIVE, KEEP_ALIVE),
            age_max: None,
            connections_max: connections_max(),
        }
    }
}

/// Answers requests.
pub(crate) trait Service: Send + Sync + 'static {
    /// `origin` is the other side of the connection.
    fn answer(&self, request: Request<Incoming>, origin: Arc<Origin>) -> impl Future<Output = Response<Body>> + Send;
}

/// Serves `listener` until `stop` says so, then answers what is in flight and returns.
///
/// Dropping the future cuts off the connections that are left.
pub(crate) async fn serve<S: Service>(
    listener: Arc<TcpListener>,
    service: Arc<S>,
    manner: Manner,
    journal: Journal,
    mut stop: watch::Receiver<bool>,
) {
    let number = listener.local_addr().ok().map(|address| address.port());
    let port = Arc::new(Port { service, manner, journal });
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_) = connections.join_next() => continue,
            _ = stop.wait_for(|stopped| *stopped) => break,
        };
        match accepted {
            Ok((_, peer)) if connections.len() >= port.manner.connections_max => {
                let max = port.manner.connections_max;
                let message = format!("{max} connections are open; keep connections alive and use them again");
                let whence = Whence { peer: Some(peer), port: number, page: None };
                port.journal.note_from(None, "connections", &message, 1, whence);
            }
            Ok((stream, peer)) => {
                let origin = Arc::new(Origin { peer: Some(peer), port: number, ..Origin::default() });
                let (port, stop) = (port.clone(), stop.clone());
                drop(connections.spawn(async move { port.begin(stream, origin, stop).await }));
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

/// What every connection needs.
struct Port<S> {
    service: Arc<S>,
    manner: Manner,
    journal: Journal,
}

impl<S: Service> Port<S> {
    /// A connection before the handshake.
    async fn begin(&self, stream: TcpStream, origin: Arc<Origin>, mut stop: watch::Receiver<bool>) {
        let _ = stream.set_nodelay(true);
        let mut first = [0u8; 1];
        let peeked = tokio::select! {
            peeked = tokio::time::timeout(self.manner.header_timeout, stream.peek(&mut first)) => peeked,
            // Nothing was sent yet, so nothing is owed but the moment that a request is on its way.
            () = stopped(&mut stop, LAST_MOMENT) => return,
        };
        let Ok(Ok(1)) = peeked else { return };
        let whence = Whence::from(&*origin);
        let note = |message: &str| self.journal.note_from(None, "tls", message, 1, whence.clone());
        match (&self.manner.tls, first[0] == TLS_HANDSHAKE) {
            (None, false) => self.serve(stream, origin, stop).await,
            (Some(tls), true) => match tls.accept(stream).await {
                Ok(stream) => {
                    if let Some(why) = tls.stale() {
                        let message =
                            format!("the certificate on disk cannot be used, the one before stays in use: {why}");
                        note(&message);
                    }
                    self.serve(stream, origin, stop).await;
                }
                Err(e) => note(&format!("the TLS handshake failed: {e}")),
            },
            (None, true) => {
                let message =
                    "a client began a TLS handshake on a port that speaks plain text; use http:// or `insecure: true`";
                note(message);
            }
            (Some(_), false) => {
                let message = "a client spoke plain text on a port that has `tls`; use https://";
                note(message);
            }
        }
    }

    /// A connection after it.
    async fn serve<T>(&self, stream: T, origin: Arc<Origin>, mut stop: watch::Receiver<bool>)
    where
        T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let manner = &self.manner;
        let Some((mut builder, stream)) = first_bytes::version(stream, manner.header_timeout).await else { return };
        builder
            .http1()
            .timer(TokioTimer::new())
            .header_read_timeout(manner.header_timeout)
            .max_buf_size(HTTP1_BUFFER_BYTES);
        builder
            .http2()
            .timer(TokioTimer::new())
            .keep_alive_interval(Some(manner.keep_alive.0))
            .keep_alive_timeout(manner.keep_alive.1)
            .initial_stream_window_size(STREAM_WINDOW_BYTES)
            .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
            .max_frame_size(FRAME_BYTES_MAX)
            .max_concurrent_streams(manner.streams_max);
        let service = self.service.clone();
        let service = service_fn(move |request| {
            let (service, origin) = (service.clone(), origin.clone());
            async move { Ok::<_, Infallible>(service.answer(request, origin).await) }
        });
        let connection = builder.serve_connection(TokioIo::new(stream), service).into_owned();
        let mut connection = std::pin::pin!(connection);
        let old = async {
            match manner.age_max {
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
