//! Sends the played stack to a server in real time, as its SDKs would.
//!
//! First what the stack did since it started (the backfill), as fast as the
//! server takes it and in order; then second by second. nginx and the bot
//! speak gRPC, as their exporters do, everything else HTTP. The queue of live
//! requests is bounded; when the server refuses for longer than it can hold,
//! the oldest requests are dropped and counted in the log.

use std::collections::VecDeque;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use bytes::Bytes;
use foundation::shutdown::Shutdown;
use foundation::{Clock, UnixNanos};
use model::Signal;

use crate::Request;
use crate::client::{Connection, Encoding, Protocol, SendError};
use crate::meetsmatch::Stack;

/// How far back the stack should have started, so that charts show something at once.
pub const BACKFILL: Duration = Duration::from_secs(15 * 60);
/// Time that one request of the backfill covers.
const BACKFILL_STEP: Duration = Duration::from_secs(30);
/// Live requests come at this pace.
const TICK: Duration = Duration::from_secs(1);
/// Most time that one live tick covers; after a pause of the machine the demo catches up in such steps.
const MAX_STEP: Duration = Duration::from_secs(60);
/// Requests that wait for the server: at some fifteen a second, about a minute.
const MAX_WAITING: usize = 1_000;
/// How quickly a shutdown is noticed.
const POLL: Duration = Duration::from_millis(100);

/// Base URLs of the server, `http://host:port`.
#[derive(Debug, Clone)]
pub struct Endpoints {
    /// OTLP/HTTP.
    pub http: String,
    /// OTLP/gRPC; without it everything goes over HTTP.
    pub grpc: Option<String>,
}

/// What was sent, for the log and for tests.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    /// Requests that the server acknowledged.
    pub acknowledged: u64,
    /// Requests that it will never take.
    pub refused: u64,
    /// Requests that fell out of the full queue.
    pub dropped: u64,
}

/// Runs the demo on a thread of its own, named `demo`, until `shutdown` is set.
///
/// # Errors
/// [`SendError::Endpoint`] for URLs of another form; [`SendError::Connect`] when the thread can't be made.
pub fn spawn(
    stack: Stack,
    endpoints: Endpoints,
    clock: Arc<dyn Clock>,
    shutdown: Shutdown,
) -> Result<JoinHandle<Totals>, SendError> {
    let sender = Sender::new(&endpoints)?;
    let failed = |source| SendError::Connect { authority: endpoints.http.clone(), source };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
    std::thread::Builder::new()
        .name("demo".to_owned())
        .spawn(move || runtime.block_on(play(stack, sender, clock, shutdown)))
        .map_err(failed)
}

/// Runs the demo until `shutdown` is set.
///
/// It uses some milliseconds of CPU at a time; where that hurts, [`spawn`] gives it its own thread.
///
/// # Errors
/// [`SendError::Endpoint`] for URLs of another form.
pub async fn run(
    stack: Stack,
    endpoints: Endpoints,
    clock: Arc<dyn Clock>,
    shutdown: Shutdown,
) -> Result<Totals, SendError> {
    Ok(play(stack, Sender::new(&endpoints)?, clock, shutdown).await)
}

async fn play(mut stack: Stack, mut sender: Sender, clock: Arc<dyn Clock>, shutdown: Shutdown) -> Totals {
    backfill(&mut stack, &mut sender, clock.as_ref(), &shutdown).await;
    tracing::info!(requests = sender.totals.acknowledged, "demo: history sent, going on in real time");
    let mut queue = VecDeque::new();
    while !shutdown.is_set() {
        let next = Instant::now() + TICK;
        let until = clock.now().min(stack.now().plus(MAX_STEP));
        queue.extend(stack.tick(until));
        sender.drop_oldest(&mut queue);
        while Instant::now() < next && !shutdown.is_set() {
            if let (Some(request), true) = (queue.front(), sender.may_send()) {
                if sender.send(request).await {
                    queue.pop_front();
                }
            } else {
                tokio::time::sleep(next.saturating_duration_since(Instant::now()).min(POLL)).await;
            }
        }
    }
    sender.totals
}

async fn backfill(stack: &mut Stack, sender: &mut Sender, clock: &dyn Clock, shutdown: &Shutdown) {
    while stack.now().plus(TICK) < clock.now() {
        let until = clock.now().min(stack.now().plus(BACKFILL_STEP));
        for request in in_time_order(stack.tick(until)) {
            // History waits for the server; nothing of it is dropped.
            while !sender.may_send() || !sender.send(&request).await {
                if shutdown.is_set() {
                    return;
                }
                tokio::time::sleep(POLL).await;
            }
            if shutdown.is_set() {
                return;
            }
        }
    }
}

/// Metrics first, so that what reads them finds the series when the traces are there; their own order stays.
fn in_time_order(mut requests: Vec<Request>) -> Vec<Request> {
    requests.sort_by_key(|r| r.signal != Signal::Metrics);
    requests
}

struct Sender {
    http: Connection,
    grpc: Option<Connection>,
    not_before: Option<Instant>,
    /// The server answers; the change is logged, each failure is not.
    healthy: bool,
    totals: Totals,
}

impl Sender {
    fn new(endpoints: &Endpoints) -> Result<Self, SendError> {
        Ok(Self {
            http: Connection::new(&endpoints.http, Protocol::Http)?,
            grpc: endpoints.grpc.as_ref().map(|url| Connection::new(url, Protocol::Grpc)).transpose()?,
            not_before: None,
            healthy: true,
            totals: Totals::default(),
        })
    }

    fn may_send(&self) -> bool {
        self.not_before.is_none_or(|at| Instant::now() >= at)
    }

    /// Sends one request; returns whether it is done with, accepted or not.
    async fn send(&mut self, request: &Request) -> bool {
        let connection = match (&mut self.grpc, request.service) {
            (Some(grpc), "nginx" | "meetsmatch-bot") => grpc,
            _ => &mut self.http,
        };
        let body = Bytes::copy_from_slice(&request.bytes);
        let Err(error) = connection.send(request.signal, body, Encoding::Identity).await else {
            if !self.healthy {
                tracing::info!("demo: the server takes data again");
            }
            self.healthy = true;
            self.not_before = None;
            self.totals.acknowledged += 1;
            return true;
        };
        let Some(wait) = error.retry_after() else {
            tracing::error!(signal = request.signal.name(), service = request.service, "demo: {error}");
            self.totals.refused += 1;
            return true;
        };
        if self.healthy {
            tracing::warn!("demo: {error}; waiting for the server");
        }
        self.healthy = false;
        self.not_before = Some(Instant::now() + wait);
        false
    }

    fn drop_oldest(&mut self, queue: &mut VecDeque<Request>) {
        let excess = queue.len().saturating_sub(MAX_WAITING);
        if excess > 0 {
            queue.drain(..excess);
            self.totals.dropped += excess as u64;
            tracing::warn!(dropped = excess, total = self.totals.dropped, "demo: queue full, oldest requests dropped");
        }
    }
}

/// When a stack must have started to have `backfill` of history at `now`, on a whole ten seconds before.
pub fn start_before(now: UnixNanos, backfill: Duration) -> UnixNanos {
    let start = now.minus(backfill);
    UnixNanos(start.0 - start.0.rem_euclid(10_000_000_000))
}

/// The stack as the demo plays it: [`BACKFILL`] of history, the usual rate.
pub fn stack(seed: u64, now: UnixNanos) -> Stack {
    Stack::new(seed, start_before(now, BACKFILL))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(number: usize) -> Request {
        Request { signal: Signal::Logs, service: "redis", records: number, bytes: vec![] }
    }

    #[test]
    fn a_full_queue_loses_its_oldest_and_counts_them() {
        let endpoints = Endpoints { http: "http://127.0.0.1:1".to_owned(), grpc: None };
        let mut sender = Sender::new(&endpoints).unwrap();
        let mut queue: VecDeque<Request> = (0..MAX_WAITING + 3).map(request).collect();
        sender.drop_oldest(&mut queue);
        assert_eq!((queue.len(), queue[0].records, sender.totals.dropped), (MAX_WAITING, 3, 3));
        sender.drop_oldest(&mut queue);
        assert_eq!((queue.len(), sender.totals.dropped), (MAX_WAITING, 3));
    }

    #[test]
    fn history_starts_on_a_whole_interval_and_sends_metrics_first() {
        let now = UnixNanos::from_secs(1_800_000_007);
        assert_eq!(start_before(now, Duration::from_secs(60)), UnixNanos::from_secs(1_799_999_940));
        let requests = stack(1, now).tick(UnixNanos::from_secs(1_799_999_940));
        let sorted = in_time_order(requests);
        let count = sorted.iter().filter(|r| r.signal == Signal::Metrics).count();
        assert!(count > 10 && count < sorted.len());
        assert!(sorted[..count].iter().all(|r| r.signal == Signal::Metrics));
    }
}
