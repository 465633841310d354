//! What exporters over the network have in common: a queue on disk, and trying again.
//!
//! A request is acknowledged when it is synced in the queue, and leaves the queue when the back end has acknowledged it: between
//! the two it survives the death of this process. Without a queue it is acknowledged when the back end has it.

mod batch;
mod counts;
mod queue;
mod reach;
mod retry;
mod settings;

use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use bytes::{BufMut as _, Bytes, BytesMut};
use foundation::ErrorKind;
use model::Signal;
use net::{SendError, Step};
use tokio::sync::watch;
use wire::otlp::Decoded;

use crate::component::{Host, Reporter, Run, StartError};
use crate::consumer::{Answer, Consumer};
use crate::journal::Journal;
use crate::refusal::Refusal;
use crate::telemetry::Telemetry;
use batch::{Batch, Gathering};
use counts::Counts;
pub(super) use queue::Lease;
use queue::Queue;
use reach::Reach;
use retry::Backoff;

pub(super) use settings::{Compression, Queueing, Retry};

/// Why a back end did not take a request.
#[derive(Debug, Clone)]
pub(super) struct Failure {
    /// Another try may succeed.
    pub(super) retry: bool,
    /// There is no connection to the back end, whatever is to be sent.
    pub(super) away: bool,
    /// When the back end wants to be asked again.
    pub(super) after: Option<Duration>,
    /// What was tried and what became of it.
    pub(super) message: String,
}

impl Failure {
    /// Another try may succeed.
    pub(super) const fn passing(message: String) -> Self {
        Self { retry: true, away: false, after: None, message }
    }

    /// This request will never be taken.
    pub(super) const fn lasting(message: String) -> Self {
        Self { retry: false, away: false, after: None, message }
    }

    /// There is no connection.
    pub(super) const fn away(message: String) -> Self {
        Self { retry: true, away: true, after: None, message }
    }

    /// Of an HTTP client: no answer.
    pub(super) fn unanswered(error: &SendError) -> Self {
        Self { away: matches!(error.step(), Step::Dns | Step::Connect), ..Self::passing(error.to_string()) }
    }
}

/// What became of sending.
pub(super) type Sent<'a> = Pin<Box<dyn Future<Output = Result<(), Failure>> + Send + 'a>>;

/// Sends one request to a back end.
pub(super) trait Sender: Send + Sync + 'static {
    /// Completes when the back end has acknowledged.
    fn send(&self, signal: Signal, request: Bytes) -> Sent<'_>;
}

/// What one exporter sends with.
pub(super) struct Plan {
    pub(super) component: String,
    pub(super) queueing: Queueing,
    pub(super) retry: Retry,
}

/// Starts sending: the consumer in front of the queue, and the tasks behind it.
pub(super) fn start(
    plan: Plan,
    sender: Arc<dyn Sender>,
    host: &Host,
    run: &mut Run,
) -> Result<Arc<dyn Consumer>, StartError> {
    let counts = Counts::new(&plan.component, host.journal.meters());
    let queue = if plan.queueing.enabled {
        let directory = plan.queueing.directory(&plan.component, host);
        let opened = directory.and_then(|directory| open_queue(host, &directory));
        Some(opened.map_err(|message| StartError { component: plan.component.clone(), message })?)
    } else {
        None
    };
    let delivery = Arc::new(Delivery {
        counts: counts.clone(),
        component: plan.component,
        sender,
        retry: plan.retry,
        reporter: run.reporter(),
        failing: AtomicBool::new(false),
        reach: Reach::new(queue.clone()),
        journal: host.journal.clone(),
    });
    let Some(queue) = queue else { return Ok(Arc::new(Direct { delivery, stopped: run.stopped() })) };
    let limits = plan.queueing.limits();
    queue.set_limits(limits);
    counts.watch(&queue, limits, host.journal.meters());
    let gathering = Arc::new(Gathering::new(queue.clone(), plan.queueing.batch.clone()));
    for n in 0..plan.queueing.consumers() {
        let gathering = gathering.clone();
        let worker = Worker { delivery: delivery.clone(), queue: queue.clone(), gathering, stopped: run.stopped() };
        run.spawn(&format!("send {n}"), worker.run());
    }
    Ok(Arc::new(Queued { queue, counts }))
}

/// The queue in `directory`, which everybody in this process shares.
pub(super) fn open_queue(host: &Host, directory: &Path) -> Result<Arc<Queue>, String> {
    let opened = host.shared.get_or_open(directory, || Queue::open(host.disk.clone(), directory));
    opened.map_err(|e| format!("cannot open the queue {}: {e}", directory.display()))
}

/// The request that a queue handed out; `None` when the record is no request.
pub(super) fn request(lease: &Lease) -> Option<Telemetry> {
    untag(lease.record()).map(|(signal, request)| Telemetry::new(signal, request))
}

/// Puts requests into the queue.
struct Queued {
    queue: Arc<Queue>,
    counts: Counts,
}

impl Consumer for Queued {
    fn consume(&self, telemetry: Telemetry) -> Answer<'_> {
        Box::pin(async move {
            let (signal, mut telemetry) = (telemetry.signal(), telemetry);
            // What can never be delivered is not acknowledged.
            let accepted = telemetry.items()? as u64;
            let request = telemetry.into_bytes();
            if request.is_empty() {
                return Ok(Decoded::default());
            }
            let queued = self.queue.append(tagged(signal, request), accepted).await;
            queued.inspect_err(|_| self.counts.not_queued.add(signal, accepted))?;
            Ok(Decoded { accepted, ..Decoded::default() })
        })
    }
}

/// A request as a record of the queue: its signal is the last byte. The request is not copied where it is nobody else's and has
/// room for a byte.
fn tagged(signal: Signal, request: Bytes) -> Bytes {
    let tag = match signal {
        Signal::Traces => 1,
        Signal::Metrics => 2,
        Signal::Logs => 3,
    };
    let mut record = request.try_into_mut().unwrap_or_else(|shared| {
        let mut copy = BytesMut::with_capacity(shared.len() + 1);
        copy.put(shared);
        copy
    });
    record.put_u8(tag);
    record.freeze()
}

fn untag(record: &Bytes) -> Option<(Signal, Bytes)> {
    let signal = |tag: u8| match tag {
        1 => Some(Signal::Traces),
        2 => Some(Signal::Metrics),
        3 => Some(Signal::Logs),
        _ => None,
    };
    let (&first, &last) = (record.first()?, record.last()?);
    // Version 1 of the format has the signal in front. No request begins with such a byte: it would be a key of field 0.
    match signal(first) {
        Some(signal) => Some((signal, record.slice(1..))),
        None => signal(last).map(|signal| (signal, record.slice(..record.len() - 1))),
    }
}

/// Sends while the sender of the request waits.
struct Direct {
    delivery: Arc<Delivery>,
    stopped: watch::Receiver<bool>,
}

impl Consumer for Direct {
    fn consume(&self, telemetry: Telemetry) -> Answer<'_> {
        Box::pin(async move {
            let (signal, mut telemetry) = (telemetry.signal(), telemetry);
            let accepted = telemetry.items()? as u64;
            let request = telemetry.into_bytes();
            match self.delivery.counted(signal, request, self.stopped.clone()).await {
                Outcome::Delivered => Ok(Decoded { accepted, ..Decoded::default() }),
                Outcome::Refused(failure) => Err(Refusal::new(ErrorKind::Internal, failure.message)),
                Outcome::GivenUp(failure) => {
                    let retry_after = failure.after.unwrap_or(Duration::from_secs(1));
                    Err(Refusal::new(ErrorKind::Unavailable { retry_after }, failure.message))
                }
            }
        })
    }
}

/// What became of a request in the end.
enum Outcome {
    Delivered,
    /// The back end will never take it.
    Refused(Failure),
    /// It was tried as long as that is allowed.
    GivenUp(Failure),
}

/// Delivers with as many tries as it takes.
struct Delivery {
    component: String,
    sender: Arc<dyn Sender>,
    retry: Retry,
    reporter: Reporter,
    /// Whether the last try failed; told once.
    failing: AtomicBool,
    reach: Reach,
    journal: Journal,
    counts: Counts,
}

impl Delivery {
    /// Delivers, and counts what became of it; what goes back to the queue at a stop is not counted.
    async fn counted(&self, signal: Signal, request: Bytes, stopped: watch::Receiver<bool>) -> Outcome {
        let items = Telemetry::new(signal, request.clone()).count();
        let outcome = self.deliver(signal, request, stopped.clone()).await;
        match &outcome {
            Outcome::Delivered => self.counts.sending.sent.add(signal, items),
            Outcome::GivenUp(_) if *stopped.borrow() => {}
            Outcome::Refused(_) | Outcome::GivenUp(_) => self.counts.sending.failed.add(signal, items),
        }
        outcome
    }

    async fn deliver(&self, signal: Signal, request: Bytes, mut stopped: watch::Receiver<bool>) -> Outcome {
        let begin = Instant::now();
        let mut backoff = Backoff::new(&self.retry);
        let _trying = self.reach.trying();
        loop {
            let (tried, bytes) = (Instant::now(), request.len());
            let sent = self.sender.send(signal, request.clone()).await;
            let why = sent.as_ref().err().map(|failure| failure.message.as_str());
            let name = format!("{} {}", self.component, signal.name());
            self.journal.did(&name, tried, format_args!("{bytes} bytes"), why);
            let failure = match sent {
                Ok(()) => {
                    self.works();
                    return Outcome::Delivered;
                }
                Err(failure) => failure,
            };
            self.fails(&failure);
            self.reach.found(failure.away);
            if !failure.retry {
                return Outcome::Refused(failure);
            }
            let pause = backoff.next(failure.after);
            let over = self.retry.elapsed_max().is_some_and(|max| begin.elapsed() + pause > max);
            if !self.retry.enabled || over || *stopped.borrow() {
                return Outcome::GivenUp(failure);
            }
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                _ = stopped.wait_for(|stopped| *stopped) => return Outcome::GivenUp(failure),
            }
        }
    }

    fn works(&self) {
        if self.failing.swap(false, Ordering::Relaxed) {
            tracing::info!(component = self.component, "the back end takes requests again");
            self.reporter.ok();
        }
    }

    fn fails(&self, failure: &Failure) {
        if !self.failing.swap(true, Ordering::Relaxed) {
            tracing::warn!(component = self.component, retry = failure.retry, "cannot send: {}", failure.message);
            self.reporter.recoverable(&failure.message);
        }
    }

    /// A request that was acknowledged is lost.
    fn lost(&self, signal: Signal, bytes: usize, failure: &Failure) {
        tracing::error!(
            component = self.component,
            signal = signal.name(),
            bytes,
            "a request is dropped: {}",
            failure.message
        );
        self.journal.lost(&self.component, signal, bytes, &failure.message);
    }
}

/// Takes requests out of the queue and delivers them.
struct Worker {
    delivery: Arc<Delivery>,
    queue: Arc<Queue>,
    gathering: Arc<Gathering>,
    stopped: watch::Receiver<bool>,
}

impl Worker {
    /// After a stop the queue is sent as long as the back end takes it; what is left is sent at the next start.
    async fn run(self) {
        while let Some(batch) = self.next().await {
            let go_on = match batch {
                Ok(batch) => self.one(batch).await,
                Err(unknown) => {
                    let component = &self.delivery.component;
                    tracing::error!(component, "the queue holds a record of an unknown kind; dropped");
                    unknown.done().await;
                    true
                }
            };
            if !go_on {
                return;
            }
        }
        self.queue.save_cursor().await;
    }

    /// What is to be sent next, once the back end can be reached.
    async fn next(&self) -> Option<Result<Batch, Lease>> {
        let (reach, mut stopped) = (&self.delivery.reach, self.stopped.clone());
        loop {
            reach.there(&mut stopped).await;
            tokio::select! {
                biased;
                () = reach.gone(&mut stopped) => {}
                batch = self.gathering.next(self.stopped.clone()) => return batch,
            }
        }
    }

    /// Whether to go on.
    async fn one(&self, batch: Batch) -> bool {
        let signal = batch.signal;
        for request in batch.requests {
            let bytes = request.len();
            match self.delivery.counted(signal, request, self.stopped.clone()).await {
                Outcome::Delivered => {}
                Outcome::GivenUp(_) if *self.stopped.borrow() => {
                    // The leases go back to the queue.
                    drop(batch.leases);
                    self.queue.save_cursor().await;
                    return false;
                }
                Outcome::Refused(failure) | Outcome::GivenUp(failure) => self.delivery.lost(signal, bytes, &failure),
            }
        }
        for lease in batch.leases {
            lease.done().await;
        }
        true
    }
}

#[cfg(test)]
mod tests;
