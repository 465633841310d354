//! Runs queries away from the threads that serve sockets, within limits.
//!
//! A query is synchronous work on blocks. It gets a slot (as many as there are
//! cores), a deadline that counts the wait for the slot, and a cancel flag that is set when the
//! client goes away.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes, HttpBody};
use eventstore::query::Limits;
use foundation::ErrorKind;
use http_body::Frame;
use model::{AccessScope, TimeRange};
use query::metrics::Ask;
use tokio::runtime::Handle;
use tokio::sync::mpsc;

use crate::app::App;
use crate::queries::{Asked, Cancel};

/// Why a query could not run to its end, apart from its own errors.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub(crate) struct RunError {
    pub kind: ErrorKind,
    pub message: String,
}

/// A sample takes 16 bytes, and the evaluator copies what the engine hands over.
const SAMPLE_BYTES: u64 = 32;

/// What a query may use, and who asks: everyone, until there are roles.
pub(crate) struct Grant {
    limits: Limits,
    /// The same cancel flag for the metrics engine.
    cancel: Arc<AtomicBool>,
    /// How long the query waited for its slot.
    queued: Duration,
}

impl Grant {
    /// A read of logs or traces.
    pub(crate) fn request(self, range: TimeRange, filter: String) -> query::Request {
        query::Request { access: AccessScope::ALL, range, filter, limits: self.limits }
    }

    /// A read of metrics.
    pub(crate) fn ask(&self) -> Ask {
        let mut ask = Ask::new(AccessScope::ALL, self.limits.deadline, self.cancel.clone());
        ask.samples_max = ask.samples_max.min(self.limits.memory_bytes as u64 / SAMPLE_BYTES);
        ask
    }

    /// How long the query waited for its slot.
    pub(crate) fn queued(&self) -> Duration {
        self.queued
    }

    /// Limits of a read that takes nothing else.
    pub(crate) fn limits(&self) -> Limits {
        self.limits.clone()
    }
}

/// Cancels when the handler's future is dropped: the client has gone.
struct CancelOnDrop(Option<Cancel>);

impl CancelOnDrop {
    /// The query has ended.
    fn ended(mut self) {
        self.0 = None;
    }
}

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        if let Some(cancel) = &self.0 {
            cancel.cancel();
        }
    }
}

/// Runs `work` on a thread for blocking work and waits for it.
pub(crate) async fn query<T: Send + 'static>(
    app: &App,
    work: impl FnOnce(&App, Grant) -> T + Send + 'static,
) -> Result<T, RunError> {
    query_within(app, app.limits.timeout, work).await
}

/// [`query`] with a timeout of its own, which the usual one caps.
pub(crate) async fn query_within<T: Send + 'static>(
    app: &App,
    timeout: Duration,
    work: impl FnOnce(&App, Grant) -> T + Send + 'static,
) -> Result<T, RunError> {
    let begin = Instant::now();
    let timeout = timeout.min(app.limits.timeout);
    let deadline = begin + timeout;
    let ticket = app.queries.begin(Asked::current());
    let waited = tokio::select! {
        waited = tokio::time::timeout_at(deadline.into(), app.slots.clone().acquire_owned()) => waited,
        () = ticket.cancel.cancelled() => {
            let message = "somebody stopped the query while it waited for a slot".to_owned();
            return Err(RunError { kind: ErrorKind::Timeout, message });
        }
    };
    let Ok(Ok(slot)) = waited else {
        let message =
            format!("no query slot became free in {timeout:?}; narrow the other queries, or raise `query.timeout`");
        return Err(RunError { kind: ErrorKind::Timeout, message });
    };
    let queued = begin.elapsed();
    ticket.runs(queued);
    let cancel = ticket.cancel.clone();
    let guard = CancelOnDrop(Some(cancel.clone()));
    // The slots that nobody else uses are the cores that are idle.
    let threads = 1 + app.slots.available_permits();
    let limits = Limits { deadline, memory_bytes: app.limits.memory_bytes, cancel: cancel.events, threads };
    let grant = Grant { limits, cancel: cancel.metrics, queued };
    let app = app.clone();
    let result = tokio::task::spawn_blocking(move || {
        let result = work(&app, grant);
        drop((ticket, slot));
        result
    })
    .await;
    guard.ended();
    result.map_err(|e| {
        tracing::error!(error = %e, "a query panicked");
        RunError {
            kind: ErrorKind::Internal,
            message: "the query failed inside the server; this is a bug, the log has details".to_owned(),
        }
    })
}

/// Runs what may wait for the disk away from the threads of the sockets; not a query, so it takes no slot.
pub(crate) async fn blocking<T: Send + 'static, E: From<RunError> + Send + 'static>(
    work: impl FnOnce() -> Result<T, E> + Send + 'static,
) -> Result<T, E> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|e| {
        tracing::error!(error = %e, "a request panicked");
        let message = "the request failed inside the server; this is a bug, the log has details".to_owned();
        Err(RunError { kind: ErrorKind::Internal, message }.into())
    })
}

/// Chunks that wait for the connection.
const CHUNKS_WAITING: usize = 4;

/// Takes the chunks of an answer that a query makes while it runs.
pub(crate) struct Sink {
    chunks: mpsc::Sender<Result<Bytes, RunError>>,
    deadline: Instant,
}

impl Sink {
    /// Waits until the connection has room for the chunk; false when nobody reads any more, or the deadline passed.
    pub(crate) fn send(&self, chunk: Bytes) -> bool {
        let sent = tokio::time::timeout_at(self.deadline.into(), self.chunks.send(Ok(chunk)));
        matches!(Handle::current().block_on(sent), Ok(Ok(())))
    }
}

/// Runs `work` on a thread for blocking work and answers with what it sends, as it is sent. The slot is held until the last chunk
/// is taken or the deadline passes.
///
/// An error before the first chunk is answered as such; a later one ends the connection, so that nobody takes the answer for whole.
pub(crate) async fn stream(
    app: &App,
    work: impl FnOnce(&App, Grant, &Sink) -> Result<(), RunError> + Send + 'static,
) -> Result<Body, RunError> {
    let deadline = Instant::now() + app.limits.timeout;
    let (chunks, mut waiting) = mpsc::channel(CHUNKS_WAITING);
    let sink = Sink { chunks: chunks.clone(), deadline };
    let app = app.clone();
    // Lives until the query ends; when the body is dropped its channel closes, which ends the query.
    tokio::spawn(Asked::current().scope(async move {
        let done = query(&app, move |app, grant| work(app, grant, &sink)).await;
        if let Err(e) = done.and_then(|result| result) {
            // Fails only when nobody reads.
            let _ = chunks.send(Err(e)).await;
        }
    }));
    match waiting.recv().await {
        Some(Ok(first)) => Ok(Body::new(Chunks { first: Some(first), waiting })),
        Some(Err(e)) => Err(e),
        None => Ok(Body::empty()),
    }
}

/// The body of [`stream`].
struct Chunks {
    first: Option<Bytes>,
    waiting: mpsc::Receiver<Result<Bytes, RunError>>,
}

impl HttpBody for Chunks {
    type Data = Bytes;
    type Error = RunError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, RunError>>> {
        if let Some(first) = self.first.take() {
            return Poll::Ready(Some(Ok(Frame::data(first))));
        }
        self.waiting.poll_recv(cx).map(|chunk| chunk.map(|chunk| chunk.map(Frame::data)))
    }
}
