//! `sending_queue.batch`: small requests of the queue are sent as one.
//!
//! They are put together behind the queue: each was acknowledged on its own and lies in it until the whole is delivered. Requests of
//! OTLP that are written one behind the other are one request with what both hold, so nothing is decoded for it; only one that
//! is too large is taken apart. One worker gathers at a time, so that batches are whole and in order.

use std::sync::Arc;
#[cfg(test)]
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use model::Signal;
use serde::{Deserialize, Serialize};
use tokio::sync::{Mutex, watch};
use tokio::time::Instant;
use wire::otlp::raw;

use super::queue::{Lease, Queue};
use super::untag;
use crate::component::{Refused, Setup};
use crate::config::{Collector, Interval};
use crate::split::pieces;
use crate::telemetry::{Telemetry, Tree};

/// A batch is never larger, whatever is written: back ends refuse what is.
const BYTES_MAX: u64 = 32 << 20;
/// Requests in a batch.
const REQUESTS_MAX: usize = 4096;

/// `sending_queue.batch`
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default)]
pub(in crate::exporters) struct Batching {
    /// How long the first request waits for others.
    flush_timeout: Interval,
    /// In units of `sizer`: a batch of it is sent at once.
    min_size: u64,
    /// 0 is no limit.
    max_size: u64,
    sizer: Unit,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
enum Unit {
    /// Spans, log records, data points.
    Items,
    Bytes,
}

impl Default for Batching {
    fn default() -> Self {
        Self { flush_timeout: Interval::millis(200), min_size: 8192, max_size: 0, sizer: Unit::Items }
    }
}

impl Batching {
    /// Checks what was written under `sending_queue.batch`.
    pub(super) fn check(&self, queued: bool, setup: &mut Setup<'_>) -> Result<(), Refused> {
        if self.flush_timeout.0.is_zero() {
            return Err(setup.error("sending_queue.batch.flush_timeout", "must be greater than zero"));
        }
        if self.min_size == 0 {
            return Err(setup.error("sending_queue.batch.min_size", "must be greater than zero"));
        }
        if self.max_size > 0 && self.max_size < self.min_size {
            let message = format!(
                "{} is less than `min_size` ({}); raise it, or write 0 for no limit",
                self.max_size, self.min_size
            );
            return Err(setup.error("sending_queue.batch.max_size", message));
        }
        if !queued {
            let message = "needs the queue, which is not enabled; requests are sent as they come";
            let fix = "write `enabled: true`, or leave it out";
            setup.warning("sending_queue.batch", message, fix, Some(Collector::Differs("batches in memory")));
        }
        Ok(())
    }

    fn size(&self, signal: Signal, request: &[u8]) -> u64 {
        match self.sizer {
            Unit::Bytes => request.len() as u64,
            // What cannot be read is sent as it is, and counts as much as it could be.
            Unit::Items => raw::count(signal, request).unwrap_or(request.len()) as u64,
        }
    }

    const fn max(&self) -> u64 {
        if self.max_size == 0 { u64::MAX } else { self.max_size }
    }
}

/// What is sent next.
pub(super) struct Batch {
    pub(super) signal: Signal,
    /// One, unless a single request was larger than `max_size`.
    pub(super) requests: Vec<Bytes>,
    /// What of the queue is in them.
    pub(super) leases: Vec<Lease>,
}

/// Takes requests out of a queue and puts them together.
pub(super) struct Gathering {
    queue: Arc<Queue>,
    batching: Option<Batching>,
    /// What did not fit into the last batch.
    kept: Mutex<Option<Lease>>,
}

impl Gathering {
    pub(super) fn new(queue: Arc<Queue>, batching: Option<Batching>) -> Self {
        Self { queue, batching, kept: Mutex::new(None) }
    }

    /// The next batch; a record that is no request as an error; `None` once `stopped` says so and there is nothing left.
    pub(super) async fn next(&self, stopped: watch::Receiver<bool>) -> Option<Result<Batch, Lease>> {
        let Some(batching) = &self.batching else {
            let first = self.queue.take(stopped).await?;
            return Some(match untag(first.record()) {
                Some((signal, request)) => Ok(Batch { signal, requests: vec![request], leases: vec![first] }),
                None => Err(first),
            });
        };
        let mut kept = self.kept.lock().await;
        let first = match kept.take() {
            Some(first) => first,
            None => self.queue.take(stopped.clone()).await?,
        };
        let Some((signal, request)) = untag(first.record()) else { return Some(Err(first)) };
        let mut size = batching.size(signal, &request);
        let mut bytes = request.len() as u64;
        let (mut requests, mut leases) = (vec![request], vec![first]);
        let until = Instant::now() + batching.flush_timeout.0;
        while size < batching.min_size && bytes < BYTES_MAX && requests.len() < REQUESTS_MAX && !*stopped.borrow() {
            let Ok(Some(next)) = tokio::time::timeout_at(until, self.queue.take(stopped.clone())).await else { break };
            let fits = untag(next.record()).filter(|(other, _)| *other == signal).and_then(|(_, request)| {
                let whole = (size.saturating_add(batching.size(signal, &request)), bytes + request.len() as u64);
                (whole.0 <= batching.max() && whole.1 <= BYTES_MAX).then_some((request, whole))
            });
            let Some((request, whole)) = fits else {
                *kept = Some(next);
                break;
            };
            (size, bytes) = whole;
            requests.push(request);
            leases.push(next);
        }
        drop(kept);
        let whole = joined(requests);
        let requests = match size > batching.max() {
            true => tokio::task::block_in_place(|| cut(batching, signal, size, whole)),
            false => vec![whole],
        };
        Some(Ok(Batch { signal, requests, leases }))
    }
}

/// Requests one behind the other are one.
fn joined(mut requests: Vec<Bytes>) -> Bytes {
    match (requests.len(), requests.pop()) {
        (1, Some(only)) => only,
        (_, last) => {
            let mut whole = BytesMut::with_capacity(requests.iter().chain(&last).map(Bytes::len).sum());
            requests.iter().chain(&last).for_each(|request| whole.extend_from_slice(request));
            whole.freeze()
        }
    }
}

/// A request that is too large, in pieces; as it is when it cannot be read.
fn cut(batching: &Batching, signal: Signal, size: u64, request: Bytes) -> Vec<Bytes> {
    let Ok(tree) = Tree::decode(signal, &request) else { return vec![request] };
    let items = tree.items();
    // Bytes are taken to be spread evenly over the items.
    let max = match batching.sizer {
        Unit::Items => batching.max(),
        Unit::Bytes => (items as u64).saturating_mul(batching.max()) / size.max(1),
    };
    let max = usize::try_from(max).unwrap_or(usize::MAX).clamp(1, items.max(1));
    pieces(vec![tree], max).into_iter().map(|piece| Telemetry::of(piece.tree).into_bytes()).collect()
}

/// Batches by items, for tests.
#[cfg(test)]
pub(super) fn of_items(min_size: u64, max_size: u64, flush_timeout: Duration) -> Batching {
    Batching { flush_timeout: Interval(flush_timeout), min_size, max_size, sizer: Unit::Items }
}
