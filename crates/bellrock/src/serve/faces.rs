//! The ports for people and their tools: API, UI, admin. Half a request has its time, so that nobody holds a connection for nothing.
//!
//! A client that does not finish its headers in [`HEADERS`] is cut off; of a body [`STEP_BYTES`] have to come in [`STEP`]. Answers have no time
//! of their own: a live tail goes on for as long as it is looked at.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Request;
use http_body::{Body as HttpBody, Frame, SizeHint};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, Sleep};
use tower::ServiceExt as _;

/// For the headers of a request, and for the pause before the next one.
const HEADERS: Duration = Duration::from_secs(30);
/// So much of a body has to come in [`STEP`]: less than the slowest line has.
const STEP_BYTES: usize = 16 << 10;
/// See [`STEP_BYTES`].
const STEP: Duration = Duration::from_secs(30);
/// Connections of a port; those who come then wait until one ends.
const CONNECTIONS_MAX: usize = 4096;
/// After a failed accept, which mostly means that there are no file descriptors: without a pause this would spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// How long half a request may take.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    pub(super) headers: Duration,
    pub(super) step: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { headers: HEADERS, step: STEP }
    }
}

/// Serves `router` on `socket` until `stop` says so, and then what is in flight. The threads are those of these ports alone:
/// whoever asks does not stand in line behind what arrives.
pub(super) fn spawn(
    tasks: &mut JoinSet<()>,
    threads: &Handle,
    socket: TcpListener,
    router: Router,
    stop: watch::Receiver<bool>,
) -> io::Result<()> {
    let socket = {
        let _entered = threads.enter();
        TcpListener::from_std(socket.into_std()?)?
    };
    tasks.spawn_on(serve(socket, router, Patience::default(), stop), threads);
    Ok(())
}

async fn serve(socket: TcpListener, router: Router, patience: Patience, mut stop: watch::Receiver<bool>) {
    let (graceful, mut connections) = (GracefulShutdown::new(), JoinSet::new());
    let places = std::sync::Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let next = async {
            let place = places.clone().acquire_owned().await;
            (place, socket.accept().await)
        };
        let (place, accepted) = tokio::select! {
            next = next => next,
            Some(_) = connections.join_next() => continue,
            _ = stop.wait_for(|stopped| *stopped) => break,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(e) => {
                tracing::warn!(error = %e, "cannot accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let _ = stream.set_nodelay(true);
        let service = router.clone().map_request(move |request: Request<hyper::body::Incoming>| {
            request.map(|body| Body::new(Timed::new(body, patience.step)))
        });
        let mut builder = auto::Builder::new(TokioExecutor::new());
        builder.http1().timer(TokioTimer::new()).header_read_timeout(patience.headers);
        builder.http2().timer(TokioTimer::new()).keep_alive_interval(Some(patience.headers));
        let watcher = graceful.watcher();
        connections.spawn(async move {
            let connection =
                builder.serve_connection_with_upgrades(TokioIo::new(stream), TowerToHyperService::new(service));
            if let Err(e) = watcher.watch(connection).await {
                tracing::debug!(error = %e, "a connection ended early");
            }
            drop(place);
        });
    }
    drop(socket);
    tokio::select! {
        () = graceful.shutdown() => {}
        () = async { while connections.join_next().await.is_some() {} } => {}
    }
}

/// A body that has to go on.
struct Timed<B> {
    inner: B,
    step: Duration,
    /// What has come since the clock was set.
    come: usize,
    /// Set when the body is first asked for.
    until: Option<Pin<Box<Sleep>>>,
}

impl<B> Timed<B> {
    fn new(inner: B, step: Duration) -> Self {
        Self { inner, step, come: 0, until: None }
    }
}

impl<B> HttpBody for Timed<B>
where
    B: HttpBody<Data = Bytes> + Unpin,
    B::Error: Into<axum::BoxError>,
{
    type Data = Bytes;
    type Error = axum::BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::BoxError>>> {
        let this = &mut *self;
        if let Poll::Ready(frame) = Pin::new(&mut this.inner).poll_frame(cx) {
            if let Some(Ok(frame)) = &frame {
                this.come += frame.data_ref().map_or(0, Bytes::len);
                if this.come >= STEP_BYTES {
                    (this.come, this.until) = (0, None);
                }
            }
            return Poll::Ready(frame.map(|frame| frame.map_err(Into::into)));
        }
        let step = this.step;
        let until = this.until.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(Instant::now() + step)));
        if until.as_mut().poll(cx).is_pending() {
            return Poll::Pending;
        }
        let message = format!(
            "less than {} KiB of the body came in {} s; send it without a pause",
            STEP_BYTES >> 10,
            step.as_secs()
        );
        Poll::Ready(Some(Err(io::Error::new(io::ErrorKind::TimedOut, message).into())))
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use axum::routing::{get, post};
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpStream;

    use super::*;

    async fn started() -> (std::net::SocketAddr, watch::Sender<bool>, JoinSet<()>) {
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        let router = Router::new()
            .route("/", get(|| async { "here" }))
            .route("/take", post(|body: Bytes| async move { body.len().to_string() }));
        let (stop, stopped) = watch::channel(false);
        let patience = Patience { headers: Duration::from_millis(200), step: Duration::from_millis(200) };
        let mut tasks = JoinSet::new();
        tasks.spawn(serve(socket, router, patience, stopped));
        (address, stop, tasks)
    }

    /// What comes back until the other side closes, and how long that took.
    async fn sent(address: std::net::SocketAddr, text: &str) -> (String, Duration) {
        let begin = std::time::Instant::now();
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(text.as_bytes()).await.unwrap();
        let mut answer = String::new();
        let read = tokio::time::timeout(Duration::from_secs(20), stream.read_to_string(&mut answer)).await;
        read.expect("the other side closes").unwrap();
        (answer, begin.elapsed())
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn half_a_request_is_given_up_and_a_whole_one_answered() {
        let (address, stop, mut tasks) = started().await;
        let (answer, _) = sent(address, "GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await;
        assert!(answer.ends_with("here"), "{answer}");
        let (answer, _) =
            sent(address, "POST /take HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 3\r\n\r\nabc").await;
        assert!(answer.ends_with('3'), "{answer}");
        // Half of the headers, nothing at all after the first request, half of the body.
        for half in [
            "GET / HTTP/1.1\r\nhost: x\r\n",
            "GET / HTTP/1.1\r\nhost: x\r\n\r\n",
            "POST /take HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\n\r\na",
        ] {
            let (answer, took) = sent(address, half).await;
            assert!(!answer.ends_with('3') && took >= Duration::from_millis(190), "{half}: {answer} after {took:?}");
        }
        stop.send_replace(true);
        while tasks.join_next().await.is_some() {}
        assert!(TcpStream::connect(address).await.is_err(), "nobody listens any more");
    }
}
