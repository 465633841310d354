//! Sends alerts to Alertmanagers over HTTP, as Prometheus does.
//!
//! `POST {url}/api/v2/alerts`, the external labels added, in batches. Each Alertmanager has a queue of its own, so that one
//! that is slow or away delays nobody; what does not fit in the queue is dropped, oldest first, and counted: a firing alert is sent
//! again within a minute anyway.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use model::Labels;
use net::{Client, Url};
use parking_lot::Mutex;
use serde_json::{Map, Value, json};
use tokio::sync::{Notify, watch};

use super::doors::AlertSink;
use crate::alert::Alert;

/// Prometheus's `alertmanager.notification-queue-capacity`.
pub const QUEUE_MAX: usize = 10_000;
/// Alerts of one request; Prometheus's `maxBatchSize`.
const BATCH_MAX: usize = 256;

/// An Alertmanager.
#[derive(Clone)]
pub struct Target {
    /// Where `/api/v2/alerts` is; without user and password, it is shown.
    pub url: Url,
    /// Sends.
    pub client: Client,
    /// For one request.
    pub timeout: Duration,
}

/// The Alertmanagers that hear of alerts.
pub struct Alertmanagers {
    targets: Vec<Arc<Queue>>,
    external_labels: Labels,
}

struct Queue {
    target: Target,
    waiting: Mutex<VecDeque<Alert>>,
    more: Notify,
    counts: Counts,
}

#[derive(Default)]
struct Counts {
    sent: AtomicU64,
    errors: AtomicU64,
    dropped: AtomicU64,
    nanos: AtomicU64,
    requests: AtomicU64,
    last_error: Mutex<Option<String>>,
}

/// How sending to one Alertmanager went.
#[derive(Debug, Clone, PartialEq)]
pub struct Sent {
    /// The URL that alerts are sent to.
    pub url: String,
    /// Alerts that were sent.
    pub sent: u64,
    /// Alerts of requests that failed.
    pub errors: u64,
    /// Alerts that did not fit in the queue.
    pub dropped: u64,
    /// Alerts that wait.
    pub waiting: usize,
    /// Requests, and the seconds they took together.
    pub requests: u64,
    /// See `requests`.
    pub seconds: f64,
    /// Why the last request failed, unless one succeeded since.
    pub last_error: Option<String>,
}

impl Alertmanagers {
    /// These ones. The external labels are set on alerts that do not have them.
    pub fn new(targets: Vec<Target>, external_labels: Labels) -> Self {
        let queue = |target| {
            let (waiting, more, counts) = Default::default();
            Arc::new(Queue { target, waiting, more, counts })
        };
        Self { targets: targets.into_iter().map(queue).collect(), external_labels }
    }

    /// The URLs that alerts are sent to.
    pub fn urls(&self) -> Vec<String> {
        self.targets.iter().map(|q| q.target.url.to_string()).collect()
    }

    /// How sending goes.
    pub fn sent(&self) -> Vec<Sent> {
        self.targets.iter().map(|q| q.sent()).collect()
    }

    /// Sends what comes until `stop`; then what waits, once.
    pub async fn run(self: Arc<Self>, stop: watch::Receiver<bool>) {
        let mut tasks = tokio::task::JoinSet::new();
        for queue in &self.targets {
            tasks.spawn(queue.clone().run(stop.clone()));
        }
        while tasks.join_next().await.is_some() {}
    }
}

impl AlertSink for Alertmanagers {
    fn send(&self, alerts: &[Alert]) {
        for queue in &self.targets {
            let mut waiting = queue.waiting.lock();
            waiting.extend(alerts.iter().map(|a| with_labels(a, &self.external_labels)));
            let excess = waiting.len().saturating_sub(QUEUE_MAX);
            if excess > 0 {
                waiting.drain(..excess);
                queue.counts.dropped.fetch_add(excess as u64, Ordering::Relaxed);
                tracing::warn!(url = %queue.target.url, alerts = excess, "an Alertmanager is slower than alerts come; the oldest were dropped");
            }
            drop(waiting);
            queue.more.notify_one();
        }
    }
}

fn with_labels(alert: &Alert, external: &Labels) -> Alert {
    let mut alert = alert.clone();
    if !external.is_empty() {
        alert.labels = Labels::from_pairs(external.iter().chain(alert.labels.iter()).collect::<Vec<_>>());
    }
    alert
}

impl Queue {
    async fn run(self: Arc<Self>, mut stop: watch::Receiver<bool>) {
        loop {
            let batch: Vec<Alert> = {
                let mut waiting = self.waiting.lock();
                let count = waiting.len().min(BATCH_MAX);
                waiting.drain(..count).collect()
            };
            if !batch.is_empty() {
                self.post(&batch).await;
                continue;
            }
            if *stop.borrow() {
                return;
            }
            tokio::select! {
                () = self.more.notified() => {}
                _ = stop.changed() => {}
            }
        }
    }

    async fn post(&self, batch: &[Alert]) {
        let body = serde_json::to_vec(&batch.iter().map(posted).collect::<Vec<_>>()).unwrap_or_default();
        let begin = std::time::Instant::now();
        let answer = self.target.client.post_json(&self.target.url, body, self.target.timeout).await;
        let c = &self.counts;
        c.nanos.fetch_add(begin.elapsed().as_nanos() as u64, Ordering::Relaxed);
        c.requests.fetch_add(1, Ordering::Relaxed);
        let error = match answer {
            Ok(answer) if answer.status.is_success() => None,
            Ok(answer) => Some(format!("answered {}", answer.status)),
            Err(e) => Some(e.to_string()),
        };
        c.sent.fetch_add(batch.len() as u64, Ordering::Relaxed);
        if let Some(e) = &error {
            c.errors.fetch_add(batch.len() as u64, Ordering::Relaxed);
            tracing::warn!(url = %self.target.url, alerts = batch.len(), error = e, "alerts could not be sent; those that fire are sent again");
        }
        *c.last_error.lock() = error;
    }

    fn sent(&self) -> Sent {
        let c = &self.counts;
        let of = |n: &AtomicU64| n.load(Ordering::Relaxed);
        Sent {
            url: self.target.url.to_string(),
            sent: of(&c.sent),
            errors: of(&c.errors),
            dropped: of(&c.dropped),
            waiting: self.waiting.lock().len(),
            requests: of(&c.requests),
            seconds: of(&c.nanos) as f64 / 1e9,
            last_error: c.last_error.lock().clone(),
        }
    }
}

/// An alert as `POST /api/v2/alerts` takes it.
fn posted(a: &Alert) -> Value {
    let texts = |labels: &Labels| -> Value {
        Value::Object(labels.iter().map(|(n, v)| (n.to_owned(), v.into())).collect::<Map<_, _>>())
    };
    json!({
        "labels": texts(&a.labels),
        "annotations": texts(&a.annotations),
        "startsAt": rfc3339(a.starts_at),
        "endsAt": rfc3339(a.ends_at),
        "generatorURL": a.generator_url,
    })
}

/// To the millisecond, as Prometheus writes them.
fn rfc3339(t: foundation::UnixNanos) -> String {
    let time = jiff::Timestamp::from_millisecond(t.as_millis()).unwrap_or(jiff::Timestamp::MAX);
    format!("{time:.3}")
}

#[cfg(test)]
mod tests;
