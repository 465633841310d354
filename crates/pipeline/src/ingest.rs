//! From the bytes of a request to an answer: decode, log, acknowledge.
//!
//! A request is decoded on the caller's thread into the columns of its engine;
//! the engine writes the bytes to its log, syncs, shows the columns to queries
//! and then completes. Nothing is answered before that.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use eventstore::{EventStore, LogBatch, SpanBatch};
use foundation::{Clock, ErrorKind};
use model::Signal;
use tokio::sync::oneshot;
use tsdb::{Batch, Ingested, Tsdb};
use wire::otlp::{DecodeError, Decoded, Limits};

use crate::consumer::{Answer, Consumer};
use crate::journal::Journal;
use crate::refusal::Refusal;
use crate::telemetry::Telemetry;

/// A request above this size is decoded away from the threads that serve sockets: at
/// about 1 ns a byte it would hold up the other connections for more than 500 us.
pub(crate) const DECODE_INLINE_BYTES_MAX: usize = 512 << 10;

/// Where telemetry is stored.
#[derive(Clone)]
pub struct Engines {
    /// Logs and spans.
    pub events: Arc<EventStore>,
    /// Series.
    pub metrics: Arc<Tsdb>,
}

/// Which records are taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acceptance {
    /// Records older than this are refused: the retention would drop them at once.
    pub past_max: Duration,
    /// Records further ahead than this are refused: a wrong clock would hide what is new.
    pub future_max: Duration,
}

/// Takes OTLP export requests; clones share everything.
#[derive(Clone)]
pub struct Ingest {
    engines: Engines,
    clock: Arc<dyn Clock>,
    acceptance: Acceptance,
    journal: Journal,
}

impl Ingest {
    /// Stores into `engines` and counts in `journal`.
    pub fn new(engines: Engines, clock: Arc<dyn Clock>, acceptance: Acceptance, journal: Journal) -> Self {
        Self { engines, clock, acceptance, journal }
    }

    /// The journal that requests are counted in.
    pub fn journal(&self) -> &Journal {
        &self.journal
    }

    /// Stores an OTLP `Export*ServiceRequest` in protobuf; returns once it is safe and visible to queries.
    ///
    /// # Errors
    /// The request is broken, or cannot be stored now. Nothing of it was acknowledged.
    pub async fn export(&self, signal: Signal, request: Bytes) -> Result<Decoded, Refusal> {
        let bytes = request.len();
        let (done, stored) = oneshot::channel();
        let mut decoded = if bytes <= DECODE_INLINE_BYTES_MAX {
            self.submit(signal, request, done)
        } else {
            tokio::task::block_in_place(|| self.submit(signal, request, done))
        }?;
        // The sender is dropped without an answer only when the engine is gone.
        let gone = || Err(shutting_down());
        if let Some((records, message)) = stored.await.unwrap_or_else(|_| gone())? {
            decoded.accepted = decoded.accepted.saturating_sub(records);
            decoded.rejected += records;
            decoded.first_error.get_or_insert(message);
        }
        self.journal.stored(signal, bytes, decoded.accepted, decoded.rejected);
        if let Some(message) = &decoded.first_error {
            self.journal.note(Some(signal), "partial", message, decoded.rejected);
        }
        Ok(decoded)
    }

    /// The metrics engine, for the ways in that fill a batch of their own.
    pub(crate) fn metrics(&self) -> &Tsdb {
        &self.engines.metrics
    }

    /// The time.
    pub(crate) fn clock(&self) -> &dyn Clock {
        &*self.clock
    }

    /// Stores a batch; returns once it is safe and visible to queries.
    ///
    /// # Errors
    /// It cannot be stored now. Nothing of it was.
    pub(crate) async fn append(&self, batch: Batch) -> Result<Ingested, Refusal> {
        let (done, stored) = oneshot::channel();
        // The one who waits may have gone away: what was stored stays stored.
        self.engines.metrics.append_batch(batch, Box::new(|result| drop(done.send(result))));
        match stored.await {
            Ok(result) => result.map_err(|e| Refusal::new(e.kind(), e.to_string())),
            Err(_) => Err(shutting_down()),
        }
    }

    /// Decodes into the columns of the engine and hands them over; `done` hears what became of them.
    fn submit(&self, signal: Signal, request: Bytes, done: Done) -> Result<Decoded, Refusal> {
        let limits = self.limits();
        match signal {
            Signal::Traces => {
                let (batch, decoded) = SpanBatch::decode(&request, &limits).map_err(broken)?;
                match batch.is_empty() {
                    true => nothing_to_store(done),
                    false => self.engines.events.spans().ingest(
                        request.into(),
                        batch,
                        Box::new(|r| answer(done, stored_events(r))),
                    ),
                }
                Ok(decoded)
            }
            Signal::Logs => {
                let (batch, decoded) = LogBatch::decode(&request, &limits).map_err(broken)?;
                match batch.is_empty() {
                    true => nothing_to_store(done),
                    false => self.engines.events.logs().ingest(
                        request.into(),
                        batch,
                        Box::new(|r| answer(done, stored_events(r))),
                    ),
                }
                Ok(decoded)
            }
            Signal::Metrics => {
                let (batch, decoded) = self.engines.metrics.decode(&request).map_err(broken)?;
                match batch.is_empty() {
                    true => nothing_to_store(done),
                    false => self.engines.metrics.append_batch(batch, Box::new(|r| answer(done, stored_metrics(r)))),
                }
                Ok(decoded)
            }
        }
    }

    fn limits(&self) -> Limits {
        let now = self.clock.now();
        Limits::accepting(now, now.minus(self.acceptance.past_max), now.plus(self.acceptance.future_max))
    }
}

impl Consumer for Ingest {
    fn consume(&self, telemetry: Telemetry) -> Answer<'_> {
        Box::pin(self.export(telemetry.signal(), telemetry.into_bytes()))
    }
}

/// Records that the engine refused although they were well-formed, and why.
type RefusedLate = Option<(u64, String)>;
type Done = oneshot::Sender<Result<RefusedLate, Refusal>>;

fn answer(done: Done, result: Result<RefusedLate, Refusal>) {
    // The sender of the request may have gone away: what was stored stays stored.
    let _ = done.send(result);
}

fn nothing_to_store(done: Done) {
    answer(done, Ok(None));
}

fn shutting_down() -> Refusal {
    Refusal::new(ErrorKind::UNAVAILABLE, "the server is shutting down")
}

fn broken(e: DecodeError) -> Refusal {
    Refusal::new(ErrorKind::InvalidInput, e.to_string())
}

fn stored_events(result: Result<(), eventstore::IngestError>) -> Result<RefusedLate, Refusal> {
    result.map(|()| None).map_err(|e| Refusal::new(e.kind(), e.to_string()))
}

fn stored_metrics(result: Result<tsdb::Ingested, tsdb::TsdbError>) -> Result<RefusedLate, Refusal> {
    let ingested = result.map_err(|e| Refusal::new(e.kind(), e.to_string()))?;
    Ok((ingested.refused_points > 0).then(|| (ingested.refused_points, ingested.message())))
}
