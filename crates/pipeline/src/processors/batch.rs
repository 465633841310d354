//! `batch`: puts small requests together into larger ones.
//!
//! Unlike the Collector's, it acknowledges nothing before what is behind it has: a request waits until its batch is safe. So that
//! waiting costs no time where there is nothing to wait for, a request that finds the way free goes on at once, and others are
//! put together while one is on its way; `timeout` and `send_batch_size` bound how long and how many. Requests that nobody decoded
//! are put together as the bytes they are; only what is larger than `send_batch_max_size` has to be taken apart.
//! Limits: [`IN_FLIGHT_MAX`] batches on their way, [`WAITING_MAX`] requests waiting; beyond, senders wait.

mod sizes;

use std::collections::HashMap;
use std::sync::Arc;

use foundation::ErrorKind;
use model::Signal;
use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::waiting::{Outcome, Waiter, settle};
use crate::component::{Host, ProcessorFactory, Refused, Run, SIGNALS, Setup, Stage, Step};
use crate::config::Interval;
use crate::consumer::{Answer, Consumer};
use crate::meters::Meters;
use crate::refusal::Refusal;
use crate::split::pieces;
use crate::telemetry::{Origin, Telemetry};
use sizes::{Sizes, Trigger};

pub(super) const FACTORY: ProcessorFactory = ProcessorFactory { names: &["batch"], signals: SIGNALS, build };

/// Batches on their way at the same time.
const IN_FLIGHT_MAX: usize = 16;
/// A request above this size is counted away from the threads that serve sockets.
const INLINE_BYTES_MAX: usize = 1 << 20;
/// Requests between senders and batches.
const WAITING_MAX: usize = 1024;

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default)]
struct Config {
    timeout: Interval,
    send_batch_size: usize,
    send_batch_max_size: usize,
    metadata_keys: Vec<String>,
    metadata_cardinality_limit: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            timeout: Interval::millis(200),
            send_batch_size: 8192,
            send_batch_max_size: 0,
            metadata_keys: vec![],
            metadata_cardinality_limit: 1000,
        }
    }
}

fn build(setup: &mut Setup<'_>, _: Signal) -> Result<Step, Refused> {
    let c: Config = setup.read()?;
    if c.send_batch_max_size != 0 && c.send_batch_max_size < c.send_batch_size {
        let message = format!(
            "{} is less than `send_batch_size` ({}); raise it, or write 0 for no limit",
            c.send_batch_max_size, c.send_batch_size
        );
        return Err(setup.error("send_batch_max_size", message));
    }
    Ok(Step::Stage(Box::new(Batch(c))))
}

struct Batch(Config);

impl Stage for Batch {
    fn start(self: Box<Self>, next: Arc<dyn Consumer>, host: &Host, run: &mut Run) -> Arc<dyn Consumer> {
        begin(self.0, next, host.journal.meters(), run)
    }
}

fn begin(config: Config, next: Arc<dyn Consumer>, meters: &Meters, run: &mut Run) -> Arc<dyn Consumer> {
    let (requests, received) = mpsc::channel(WAITING_MAX);
    let front = Front { requests, keys: config.metadata_keys.clone() };
    let sizes = Arc::new(Sizes::new(run.component(), meters));
    let batcher = Batcher { config, next, sizes, queues: HashMap::new(), flights: JoinSet::new() };
    run.spawn("batch", batcher.run(received, run.stopped()));
    Arc::new(front)
}

/// What separates batches: the values of the metadata keys.
type Key = Vec<Vec<String>>;

struct Request {
    key: Key,
    origin: Option<Arc<Origin>>,
    telemetry: Telemetry,
    items: usize,
    waiter: Waiter,
}

/// Takes requests.
struct Front {
    requests: mpsc::Sender<Request>,
    keys: Vec<String>,
}

fn shutting_down() -> Refusal {
    Refusal::new(ErrorKind::UNAVAILABLE, "the pipeline is shutting down; send again")
}

impl Consumer for Front {
    fn consume(&self, telemetry: Telemetry) -> Answer<'_> {
        Box::pin(async move {
            let origin = telemetry.origin().cloned();
            let values = |name: &String| -> Vec<String> {
                origin.as_deref().map(|o| o.metadata(name).map(str::to_owned).collect()).unwrap_or_default()
            };
            let key: Key = self.keys.iter().map(values).collect();
            // Batches of different senders have no one origin, but for what they were separated by.
            let origin = if self.keys.is_empty() { None } else { origin };
            let mut telemetry = telemetry.from(None);
            let items = if telemetry.size() <= INLINE_BYTES_MAX {
                telemetry.items()?
            } else {
                tokio::task::block_in_place(|| telemetry.items())?
            };
            let (waiter, answered) = Waiter::new(items);
            let request = Request { key, origin, telemetry, items, waiter };
            self.requests.send(request).await.map_err(|_| shutting_down())?;
            answered.await.unwrap_or_else(|_| Err(shutting_down()))
        })
    }
}

#[derive(Default)]
struct Queue {
    requests: Vec<Request>,
    items: usize,
    /// When the oldest has to go.
    due: Option<Instant>,
    in_flight: usize,
}

struct Batcher {
    config: Config,
    next: Arc<dyn Consumer>,
    sizes: Arc<Sizes>,
    queues: HashMap<Key, Queue>,
    flights: JoinSet<Key>,
}

impl Batcher {
    async fn run(mut self, mut received: mpsc::Receiver<Request>, mut stopped: watch::Receiver<bool>) {
        loop {
            let due = self.queues.values().filter_map(|q| q.due).min();
            let timer = async {
                match due {
                    Some(due) => tokio::time::sleep_until(due).await,
                    None => std::future::pending().await,
                }
            };
            let room = self.flights.len() < IN_FLIGHT_MAX;
            tokio::select! {
                biased;
                Some(landed) = self.flights.join_next() => self.landed(landed.ok()),
                _ = stopped.wait_for(|stop| *stop) => break,
                Some(request) = received.recv(), if room => self.add(request),
                () = timer, if room => self.flush_due(),
            }
        }
        // What was received before the stop goes on; who comes later hears that it is over.
        received.close();
        while let Some(request) = received.recv().await {
            self.add(request);
        }
        let keys: Vec<Key> = self.queues.keys().cloned().collect();
        keys.into_iter().for_each(|key| self.flush(&key, Trigger::Free));
        while self.flights.join_next().await.is_some() {}
    }

    fn add(&mut self, request: Request) {
        let known = self.queues.contains_key(&request.key);
        if !known && self.queues.len() >= self.config.metadata_cardinality_limit.max(1) {
            let limit = self.config.metadata_cardinality_limit;
            let message =
                format!("more than {limit} combinations of `metadata_keys`; raise `metadata_cardinality_limit`");
            let mut waiter = request.waiter;
            settle(std::iter::once(&mut waiter), &Err(Refusal::new(ErrorKind::LimitExceeded, message)));
            return waiter.answer();
        }
        let key = request.key.clone();
        let queue = self.queues.entry(key.clone()).or_default();
        queue.items += request.items;
        queue.due.get_or_insert_with(|| Instant::now() + self.config.timeout.0);
        queue.requests.push(request);
        let full = self.config.send_batch_size > 0 && queue.items >= self.config.send_batch_size;
        if full || queue.in_flight == 0 || self.config.timeout.0.is_zero() {
            self.flush(&key, if full { Trigger::Size } else { Trigger::Free });
        }
    }

    fn flush_due(&mut self) {
        let now = Instant::now();
        let due = |q: &Queue| q.due.is_some_and(|d| d <= now);
        let keys: Vec<Key> = self.queues.iter().filter(|(_, q)| due(q)).map(|(k, _)| k.clone()).collect();
        keys.into_iter().for_each(|key| self.flush(&key, Trigger::Time));
    }

    fn landed(&mut self, key: Option<Key>) {
        let Some(key) = key else { return };
        let Some(queue) = self.queues.get_mut(&key) else { return };
        queue.in_flight -= 1;
        if queue.in_flight == 0 && !queue.requests.is_empty() {
            self.flush(&key, Trigger::Free);
        }
    }

    fn flush(&mut self, key: &Key, by: Trigger) {
        let Some(queue) = self.queues.get_mut(key) else { return };
        if queue.requests.is_empty() {
            return;
        }
        self.sizes.triggered(by);
        (queue.items, queue.due) = (0, None);
        queue.in_flight += 1;
        let requests = std::mem::take(&mut queue.requests);
        let (next, key, max) = (self.next.clone(), key.clone(), self.config.send_batch_max_size);
        let sizes = self.sizes.clone();
        self.flights.spawn(async move {
            send(&*next, requests, max, &sizes).await;
            key
        });
    }
}

/// Sends requests as one, or as several of at most `max` items, and answers those who wait.
async fn send(next: &dyn Consumer, requests: Vec<Request>, max: usize, sizes: &Sizes) {
    let origin = requests.first().and_then(|r| r.origin.clone());
    let items: usize = requests.iter().map(|r| r.items).sum();
    let fits = max == 0 || items <= max;
    let all: Vec<&Telemetry> = requests.iter().map(|r| &r.telemetry).collect();
    if fits
        && let Some(signal) = all.first().map(|t| t.signal())
        && let Some(joined) = Telemetry::joined(signal, &all)
    {
        sizes.sent(items, joined.size());
        let mut waiters: Vec<Waiter> = requests.into_iter().map(|r| r.waiter).collect();
        settle(&mut waiters.iter_mut(), &next.consume(joined.from(origin)).await);
        return waiters.into_iter().for_each(Waiter::answer);
    }
    let (mut trees, mut waiters) = (Vec::new(), Vec::new());
    for request in requests {
        let mut waiter = request.waiter;
        match request.telemetry.into_tree() {
            Ok(tree) => {
                trees.push(tree);
                waiters.push(waiter);
            }
            Err(refusal) => {
                settle(std::iter::once(&mut waiter), &Err(refusal));
                waiter.answer();
            }
        }
    }
    for piece in pieces(trees, max) {
        let (items, telemetry) = (piece.tree.items(), Telemetry::of(piece.tree).from(origin.clone()));
        sizes.sent(items, telemetry.size());
        let outcome: Outcome = next.consume(telemetry).await;
        let mut of_piece = waiters.iter_mut().enumerate().filter(|(n, _)| piece.of.contains(n)).map(|(_, w)| w);
        settle(&mut of_piece, &outcome);
    }
    waiters.into_iter().for_each(Waiter::answer);
}

#[cfg(test)]
mod tests;
