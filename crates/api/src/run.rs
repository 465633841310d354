//! Runs queries away from the threads that serve sockets, within limits.
//!
//! A query is synchronous work on blocks. It gets a slot (as many as there are
//! cores), a deadline that counts the wait for the slot, and a cancel flag that is set when the
//! client goes away.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use eventstore::query::{CancelFlag, Limits};
use foundation::ErrorKind;
use model::{AccessScope, TimeRange};
use query::metrics::Ask;

use crate::app::App;

/// Why a query could not run to its end, apart from its own errors.
#[derive(Debug)]
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
struct CancelOnDrop(CancelFlag, Arc<AtomicBool>);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.cancel();
        self.1.store(true, Ordering::Relaxed);
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
    let waited = tokio::time::timeout_at(deadline.into(), app.slots.clone().acquire_owned()).await;
    let Ok(Ok(slot)) = waited else {
        let message =
            format!("no query slot became free in {timeout:?}; narrow the other queries, or raise `query.timeout`");
        return Err(RunError { kind: ErrorKind::Timeout, message });
    };
    let (events, metrics) = (CancelFlag::default(), Arc::new(AtomicBool::new(false)));
    let guard = CancelOnDrop(events.clone(), metrics.clone());
    let limits = Limits { deadline, memory_bytes: app.limits.memory_bytes, cancel: events };
    let grant = Grant { limits, cancel: metrics, queued: begin.elapsed() };
    let app = app.clone();
    let result = tokio::task::spawn_blocking(move || {
        let result = work(&app, grant);
        drop(slot);
        result
    })
    .await;
    drop(guard);
    result.map_err(|e| {
        tracing::error!(error = %e, "a query panicked");
        RunError {
            kind: ErrorKind::Internal,
            message: "the query failed inside the server; this is a bug, the log has details".to_owned(),
        }
    })
}
