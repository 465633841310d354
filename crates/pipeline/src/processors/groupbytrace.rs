//! `groupbytrace`: holds spans for a while and sends those of a trace on together.
//!
//! A request is acknowledged when the last of its traces has gone on, so that `wait_duration` has to be shorter than what senders wait.
//! Limit: `num_traces`; beyond, the oldest goes on early and is counted.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use foundation::ErrorKind;
use model::Signal;
use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;
use wire::otlp::Decoded;
use wire::otlp::tree::{OfResource, OfScope, TraceId, Traces};

use crate::component::{Host, ProcessorFactory, Refused, Run, Setup, Stage, Step};
use crate::config::Interval;
use crate::consumer::{Answer, Consumer};
use crate::refusal::Refusal;
use crate::telemetry::{Telemetry, Tree};

pub(super) const FACTORY: ProcessorFactory =
    ProcessorFactory { names: &["groupbytrace", "group_by_trace"], signals: &[Signal::Traces], build };

/// Requests between senders and the groups.
const WAITING_MAX: usize = 1024;

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default)]
struct Config {
    wait_duration: Interval,
    num_traces: usize,
    /// Taken and not used: one task groups all.
    num_workers: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self { wait_duration: Interval::secs(1), num_traces: 1_000_000, num_workers: 1 }
    }
}

fn build(setup: &mut Setup<'_>, _: Signal) -> Result<Step, Refused> {
    let c: Config = setup.read()?;
    if c.num_traces == 0 {
        return Err(setup.error("num_traces", "it must be at least 1"));
    }
    if c.wait_duration > Interval::secs(5) {
        let message = "requests are acknowledged when their traces have gone on, and senders give up after about 10s";
        setup.warning("wait_duration", message, "write at most 5s", None);
    }
    Ok(Step::Stage(Box::new(GroupByTrace(c))))
}

struct GroupByTrace(Config);

impl Stage for GroupByTrace {
    fn start(self: Box<Self>, next: Arc<dyn Consumer>, _: &Host, run: &mut Run) -> Arc<dyn Consumer> {
        begin(self.0, next, run).0
    }
}

fn begin(config: Config, next: Arc<dyn Consumer>, run: &mut Run) -> (Arc<dyn Consumer>, Arc<AtomicU64>) {
    let (requests, received) = mpsc::channel(WAITING_MAX);
    let early = Arc::new(AtomicU64::new(0));
    let grouper = Grouper {
        config,
        next,
        traces: HashMap::new(),
        order: VecDeque::new(),
        flights: JoinSet::new(),
        early: early.clone(),
    };
    run.spawn("groupbytrace", grouper.run(received, run.stopped()));
    (Arc::new(Front(requests)), early)
}

type Part = (Traces, mpsc::Sender<Result<Decoded, Refusal>>);

struct Front(mpsc::Sender<Part>);

fn shutting_down() -> Refusal {
    Refusal::new(ErrorKind::UNAVAILABLE, "the pipeline is shutting down; send again")
}

impl Consumer for Front {
    fn consume(&self, telemetry: Telemetry) -> Answer<'_> {
        Box::pin(async move {
            let Tree::Traces(traces) = telemetry.into_tree()? else { return Ok(Decoded::default()) };
            let parts = by_trace(traces);
            // Each trace answers once; there is room for all, so that none waits to answer.
            let (answer, mut answers) = mpsc::channel(parts.len().max(1));
            let expected = parts.len();
            for part in parts {
                self.0.send((part, answer.clone())).await.map_err(|_| shutting_down())?;
            }
            drop(answer);
            let (mut total, mut answered, mut refusal) = (Decoded::default(), 0, None);
            while let Some(outcome) = answers.recv().await {
                answered += 1;
                match outcome {
                    Ok(decoded) => total += decoded,
                    Err(e) => refusal = Some(e),
                }
            }
            match refusal {
                Some(refusal) => Err(refusal),
                None if answered < expected => Err(shutting_down()),
                None => Ok(total),
            }
        })
    }
}

/// The spans of each trace, with their resources and scopes.
pub(super) fn by_trace(traces: Traces) -> Vec<Traces> {
    let mut out: Vec<Traces> = Vec::new();
    let mut places: HashMap<TraceId, usize> = HashMap::new();
    for OfResource { resource, scopes, schema_url: resource_url } in traces.resources {
        // Per trace, whether it has this resource and this scope already.
        let mut resources: HashMap<usize, ()> = HashMap::new();
        for OfScope { scope, records, schema_url } in scopes {
            let mut scopes: HashMap<usize, ()> = HashMap::new();
            for span in records {
                let at = *places.entry(span.trace_id.clone()).or_insert_with(|| {
                    out.push(Traces::default());
                    out.len() - 1
                });
                let tree = &mut out[at];
                if resources.insert(at, ()).is_none() {
                    let (resource, schema_url) = (resource.clone(), resource_url.clone());
                    tree.resources.push(OfResource { resource, scopes: vec![], schema_url });
                }
                let Some(of_resource) = tree.resources.last_mut() else { continue };
                if scopes.insert(at, ()).is_none() {
                    let (scope, schema_url) = (scope.clone(), schema_url.clone());
                    of_resource.scopes.push(OfScope { scope, records: vec![], schema_url });
                }
                if let Some(of_scope) = of_resource.scopes.last_mut() {
                    of_scope.records.push(span);
                }
            }
        }
    }
    out
}

struct Held {
    spans: Traces,
    /// Spans of each request, and where its answer goes.
    waiting: Vec<(u64, mpsc::Sender<Result<Decoded, Refusal>>)>,
}

struct Grouper {
    config: Config,
    next: Arc<dyn Consumer>,
    traces: HashMap<TraceId, Held>,
    /// When each trace goes on, oldest first.
    order: VecDeque<(Instant, TraceId)>,
    flights: JoinSet<()>,
    /// Traces that went on early for want of room.
    early: Arc<AtomicU64>,
}

impl Grouper {
    async fn run(mut self, mut received: mpsc::Receiver<Part>, mut stopped: watch::Receiver<bool>) {
        loop {
            let due = self.order.front().map(|(due, _)| *due);
            let timer = async {
                match due {
                    Some(due) => tokio::time::sleep_until(due).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                _ = stopped.wait_for(|stop| *stop) => break,
                Some(_) = self.flights.join_next() => {}
                () = timer => self.release_oldest(),
                Some(part) = received.recv() => self.add(part),
            }
        }
        received.close();
        while let Some(part) = received.recv().await {
            self.add(part);
        }
        while !self.order.is_empty() {
            self.release_oldest();
        }
        while self.flights.join_next().await.is_some() {}
    }

    fn add(&mut self, (spans, answer): Part) {
        let Some(id) = spans.records().next().map(|s| s.trace_id.clone()) else { return };
        let n = spans.items() as u64;
        match self.traces.get_mut(&id) {
            Some(held) => {
                held.spans.append(spans);
                held.waiting.push((n, answer));
            }
            None => {
                if self.traces.len() >= self.config.num_traces {
                    self.early.fetch_add(1, Ordering::Relaxed);
                    self.release_oldest();
                }
                self.order.push_back((Instant::now() + self.config.wait_duration.0, id.clone()));
                self.traces.insert(id, Held { spans, waiting: vec![(n, answer)] });
            }
        }
    }

    fn release_oldest(&mut self) {
        let Some(held) = self.order.pop_front().and_then(|(_, id)| self.traces.remove(&id)) else { return };
        let next = self.next.clone();
        self.flights.spawn(async move {
            let outcome = next.consume(Telemetry::of(held.spans)).await;
            let mut rejected = outcome.as_ref().map_or(0, |d| d.rejected);
            for (n, answer) in held.waiting {
                let mine = rejected.min(n);
                rejected -= mine;
                let own = outcome.as_ref().map_err(Clone::clone).map(|d| Decoded {
                    accepted: n - mine,
                    rejected: mine,
                    first_error: d.first_error.clone().filter(|_| mine > 0),
                });
                // The sender may have gone away.
                let _ = answer.try_send(own);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use foundation::clock::SystemClock;
    use parking_lot::Mutex;

    use super::super::testing::{of_service, span};
    use super::*;
    use crate::component::StatusBoard;

    #[derive(Default)]
    struct Seen(Mutex<Vec<Vec<u8>>>);

    impl Consumer for Seen {
        fn consume(&self, telemetry: Telemetry) -> Answer<'_> {
            Box::pin(async move {
                let Tree::Traces(t) = telemetry.into_tree()? else { panic!() };
                self.0.lock().push(t.records().map(|s| s.span_id.as_bytes()[0]).collect());
                Ok(Decoded { accepted: t.items() as u64, ..Decoded::default() })
            })
        }
    }

    #[tokio::test(start_paused = true)]
    async fn spans_of_a_trace_go_on_together_and_then_are_acknowledged() {
        let seen = Arc::new(Seen::default());
        let mut run = Run::new("processors.groupbytrace", StatusBoard::new(Arc::new(SystemClock)));
        let config = Config { wait_duration: Interval::secs(1), num_traces: 2, ..Config::default() };
        let (front, early) = begin(config, seen.clone(), &mut run);
        let send = |spans: Vec<wire::otlp::tree::Span>| {
            let front = front.clone();
            tokio::spawn(async move { front.consume(Telemetry::of(of_service("s", spans))).await })
        };
        let a = send(vec![span(1, 1, "a"), span(2, 2, "b")]);
        tokio::time::sleep(Duration::from_millis(500)).await;
        let b = send(vec![span(1, 3, "c")]);
        tokio::time::sleep(Duration::from_millis(400)).await;
        assert!(!a.is_finished() && !b.is_finished());
        assert_eq!(a.await.unwrap().unwrap().accepted, 2);
        assert_eq!(b.await.unwrap().unwrap().accepted, 1);
        assert_eq!(*seen.0.lock(), [vec![1, 3], vec![2]]);
        let c = send(vec![span(3, 4, "d"), span(4, 5, "e"), span(5, 6, "f")]);
        tokio::time::sleep(Duration::from_millis(1)).await;
        assert_eq!((early.load(Ordering::Relaxed), seen.0.lock().len()), (1, 3), "the oldest made room");
        run.stop(Duration::from_secs(5)).await;
        assert_eq!(c.await.unwrap().unwrap().accepted, 3, "a stop sends what is held");
    }
}
