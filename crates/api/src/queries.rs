//! Which queries run, and which took longest: each has a number by which it can be stopped.
//!
//! What a query is about is known where its request came in, long before it runs: [`named`] keeps it beside the task. The registry
//! knows no operation and no face.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use eventstore::query::CancelFlag;
use foundation::text::beginning;
use foundation::{Clock, UnixNanos};
use parking_lot::Mutex;
use tokio::sync::Notify;

/// The slowest that are remembered, and for how long.
const SLOWEST_MAX: usize = 50;
const SLOWEST_SPAN: Duration = Duration::from_secs(3600);
/// Bytes of a query's text that are kept.
const TEXT_BYTES_MAX: usize = 4096;
/// Parameters that hold what is asked, of all faces.
const TEXTS: [&str; 4] = ["query", "q", "match[]", "filter"];

tokio::task_local! {
    static ASKED: Asked;
}

/// What a request asks; clones share the text.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    request: Arc<str>,
    text: Arc<Mutex<String>>,
}

impl Asked {
    /// Of the request that this task answers; nothing where no request is answered.
    pub(crate) fn current() -> Self {
        ASKED.try_with(Clone::clone).unwrap_or_default()
    }

    /// The same request, with one of the queries in it.
    pub(crate) fn with_text(&self, text: &str) -> Self {
        Self { request: self.request.clone(), text: Arc::new(Mutex::new(shortened(text).to_owned())) }
    }

    /// Runs `work` as part of the request; tasks that are spawned do not inherit it.
    pub(crate) async fn scope<F: Future>(self, work: F) -> F::Output {
        ASKED.scope(self, work).await
    }
}

/// Says what the request of this task asks, when it is not in the query string.
pub(crate) fn about(text: &str) {
    let _ = ASKED.try_with(|asked| shortened(text).clone_into(&mut asked.text.lock()));
}

fn shortened(text: &str) -> &str {
    beginning(text, TEXT_BYTES_MAX)
}

/// Middleware: keeps what is asked while the request is answered.
pub(crate) async fn named(request: Request, next: Next) -> Response {
    let pairs = axum::extract::Query::<Vec<(String, String)>>::try_from_uri(request.uri()).map(|pairs| pairs.0);
    let pairs = pairs.unwrap_or_default();
    let of = |name: &str| pairs.iter().find(|(key, value)| key == name && !value.is_empty()).map(|(_, value)| value);
    let text = TEXTS.into_iter().find_map(of).map_or("", String::as_str);
    let line = format!("{} {}", request.method(), shortened(request.uri().path()));
    let asked = Asked { request: line.into(), ..Asked::default() }.with_text(text);
    asked.scope(next.run(request)).await
}

/// What runs and what was slow.
pub struct Queries {
    clock: Arc<dyn Clock>,
    next: AtomicU64,
    running: Mutex<BTreeMap<u64, Running>>,
    /// In no order.
    slowest: Mutex<Vec<Finished>>,
    finished: AtomicU64,
    cancelled: AtomicU64,
    nanos: AtomicU64,
}

struct Running {
    asked: Asked,
    begin: Instant,
    started: UnixNanos,
    /// How long it waited for its slot; `None` while it waits.
    queued: Option<Duration>,
    cancel: Cancel,
}

/// How a query is stopped, in both engines, and while it waits for a slot.
#[derive(Clone, Default)]
pub(crate) struct Cancel {
    pub(crate) events: CancelFlag,
    pub(crate) metrics: Arc<AtomicBool>,
    waiting: Arc<Notify>,
}

impl Cancel {
    pub(crate) fn cancel(&self) {
        self.events.cancel();
        self.metrics.store(true, Ordering::Relaxed);
        // Kept for one who does not wait yet.
        self.waiting.notify_one();
    }

    /// Returns when somebody stops the query.
    pub(crate) async fn cancelled(&self) {
        self.waiting.notified().await;
    }
}

/// A query that runs, or did.
#[derive(Debug, Clone, PartialEq)]
pub struct Seen {
    /// Its number; never given twice by one process.
    pub id: u64,
    /// `GET /api/v1/logs`
    pub request: Arc<str>,
    /// What was asked, as it was written; empty when the request does not say.
    pub text: String,
    /// When it was asked.
    pub started: UnixNanos,
    /// Since then.
    pub elapsed: Duration,
    /// Of that, how long it waited for a slot; `None` while it does.
    pub queued: Option<Duration>,
}

#[derive(Clone)]
struct Finished {
    seen: Seen,
    at: Instant,
    cancelled: bool,
}

/// Counts since the start.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Counts {
    /// Queries that ended.
    pub finished: u64,
    /// Of those, how many somebody stopped.
    pub cancelled: u64,
    /// The time that all took together, waiting included.
    pub seconds: f64,
}

impl Queries {
    /// None yet.
    pub fn new(clock: Arc<dyn Clock>) -> Arc<Self> {
        Arc::new(Self {
            clock,
            next: AtomicU64::new(1),
            running: Mutex::default(),
            slowest: Mutex::default(),
            finished: AtomicU64::new(0),
            cancelled: AtomicU64::new(0),
            nanos: AtomicU64::new(0),
        })
    }

    /// A query begins; it ends when the ticket is dropped.
    pub(crate) fn begin(self: &Arc<Self>, asked: Asked) -> Ticket {
        let (id, cancel) = (self.next.fetch_add(1, Ordering::Relaxed), Cancel::default());
        let (begin, started) = (Instant::now(), self.clock.now());
        let running = Running { asked, begin, started, queued: None, cancel: cancel.clone() };
        self.running.lock().insert(id, running);
        Ticket { queries: self.clone(), id, cancel }
    }

    /// Stops a query; false when it does not run.
    pub fn cancel(&self, id: u64) -> bool {
        let found = self.running.lock().get(&id).map(|running| running.cancel.clone());
        found.is_some_and(|cancel| {
            cancel.cancel();
            true
        })
    }

    /// What runs, the longest first.
    pub fn running(&self) -> Vec<Seen> {
        self.running.lock().iter().map(|(id, running)| running.seen(*id)).collect()
    }

    /// What was slowest in the last hour, the slowest first, and whether it was stopped.
    pub fn slowest(&self) -> Vec<(Seen, bool)> {
        let mut slowest = self.slowest.lock();
        slowest.retain(|each| each.at.elapsed() < SLOWEST_SPAN);
        let mut found: Vec<_> = slowest.iter().map(|each| (each.seen.clone(), each.cancelled)).collect();
        drop(slowest);
        found.sort_by_key(|(seen, _)| std::cmp::Reverse((seen.elapsed, seen.id)));
        found
    }

    /// Counts since the start.
    pub fn counts(&self) -> Counts {
        let of = |n: &AtomicU64| n.load(Ordering::Relaxed);
        Counts { finished: of(&self.finished), cancelled: of(&self.cancelled), seconds: of(&self.nanos) as f64 / 1e9 }
    }

    fn end(&self, id: u64) {
        let Some(running) = self.running.lock().remove(&id) else { return };
        let (seen, cancelled) = (running.seen(id), running.cancel.events.is_cancelled());
        self.finished.fetch_add(1, Ordering::Relaxed);
        self.cancelled.fetch_add(u64::from(cancelled), Ordering::Relaxed);
        self.nanos.fetch_add(u64::try_from(seen.elapsed.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
        let mut slowest = self.slowest.lock();
        slowest.retain(|each| each.at.elapsed() < SLOWEST_SPAN);
        if slowest.len() >= SLOWEST_MAX {
            let fastest = slowest.iter().enumerate().min_by_key(|(_, each)| each.seen.elapsed);
            match fastest.map(|(at, each)| (at, each.seen.elapsed)) {
                Some((at, elapsed)) if elapsed < seen.elapsed => drop(slowest.swap_remove(at)),
                _ => return,
            }
        }
        slowest.push(Finished { seen, at: Instant::now(), cancelled });
    }
}

impl Running {
    fn seen(&self, id: u64) -> Seen {
        Seen {
            id,
            request: self.asked.request.clone(),
            text: self.asked.text.lock().clone(),
            started: self.started,
            elapsed: self.begin.elapsed(),
            queued: self.queued,
        }
    }
}

/// A query that runs.
pub(crate) struct Ticket {
    queries: Arc<Queries>,
    id: u64,
    pub(crate) cancel: Cancel,
}

impl Ticket {
    /// It has its slot.
    pub(crate) fn runs(&self, queued: Duration) {
        if let Some(running) = self.queries.running.lock().get_mut(&self.id) {
            running.queued = Some(queued);
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.queries.end(self.id);
    }
}

#[cfg(test)]
mod tests {
    use foundation::clock::ManualClock;

    use super::*;

    #[test]
    fn what_runs_can_be_stopped_and_what_ended_is_remembered() {
        let queries = Queries::new(Arc::new(ManualClock::new(UnixNanos::from_secs(7))));
        let asked = Asked { request: "GET /api/v1/logs".into(), ..Asked::default() }.with_text("level:error");
        let ticket = queries.begin(asked);
        let [running] = &queries.running()[..] else { panic!("one runs") };
        assert_eq!((&*running.request, running.text.as_str()), ("GET /api/v1/logs", "level:error"));
        assert_eq!((running.started, running.queued), (UnixNanos::from_secs(7), None));
        ticket.runs(Duration::from_millis(3));
        assert!(queries.cancel(running.id) && ticket.cancel.events.is_cancelled());
        assert!(ticket.cancel.metrics.load(Ordering::Relaxed));
        drop(ticket);
        assert!(queries.running().is_empty() && !queries.cancel(running.id), "it has ended");
        let [(seen, cancelled)] = &queries.slowest()[..] else { panic!("one was slow") };
        assert_eq!((seen.id, seen.queued, *cancelled), (running.id, Some(Duration::from_millis(3)), true));
        assert_eq!((queries.counts().finished, queries.counts().cancelled), (1, 1));
    }

    #[test]
    fn only_the_slowest_are_remembered() {
        let queries = Queries::new(Arc::new(ManualClock::new(UnixNanos::from_secs(7))));
        let slow = queries.begin(Asked::default());
        let id = slow.id;
        for _ in 0..SLOWEST_MAX + 10 {
            drop(queries.begin(Asked::default()));
        }
        drop(slow);
        let slowest = queries.slowest();
        assert_eq!((slowest.len(), slowest[0].0.id), (SLOWEST_MAX, id));
    }

    #[test]
    fn long_texts_are_cut_between_characters() {
        let text = "ä".repeat(TEXT_BYTES_MAX);
        assert_eq!(shortened(&text).len(), TEXT_BYTES_MAX);
        assert_eq!(shortened(&format!("a{text}")).len(), TEXT_BYTES_MAX - 1);
    }
}
