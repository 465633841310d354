//! What came in: counts per signal, the refusals of the last minutes, and what was acknowledged and lost.
//!
//! Self-metrics and the "Add data" page read it. A refusal that repeats is one
//! entry with a count, so that a misconfigured sender does not push the others
//! out.

use std::collections::{BTreeMap, VecDeque};
use std::fmt::Arguments;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Instant;

use foundation::{Clock, UnixNanos};
use http::header::{self, HeaderMap};
use model::Signal;
use parking_lot::Mutex;

use crate::meters::Meters;
use crate::own_traces::OwnTraces;
use crate::telemetry::Origin;

/// How many different refusals are remembered.
const REFUSALS_MAX: usize = 50;
/// Characters of a message that are kept.
const MESSAGE_CHARS_MAX: usize = 512;
/// Components whose losses are told apart; those beyond are counted together.
const LOSERS_MAX: usize = 100;
/// Where losses of the others are counted.
const OTHERS: &str = "others";

/// What came in and what was refused; clones share it.
#[derive(Clone)]
pub struct Journal(Arc<Inner>);

struct Inner {
    clock: Arc<dyn Clock>,
    signals: [SignalCounters; 3],
    meters: Meters,
    /// Newest first.
    refusals: Mutex<VecDeque<RefusalEntry>>,
    traces: OwnTraces,
    /// By component and signal.
    losses: Mutex<BTreeMap<(String, &'static str), Loss>>,
}

/// Requests that were acknowledged and will never arrive: what one component dropped since the start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loss {
    /// Which: `exporters.otlp`.
    pub component: String,
    /// What was in them.
    pub signal: Signal,
    /// How many.
    pub requests: u64,
    /// Their size.
    pub bytes: u64,
    /// When it last happened.
    pub time: UnixNanos,
    /// Why, the last time.
    pub message: String,
}

#[derive(Default)]
struct SignalCounters {
    requests: AtomicU64,
    bytes: AtomicU64,
    accepted: AtomicU64,
    refused: AtomicU64,
    last_received: AtomicI64,
}

/// The counts of one signal since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SignalCounts {
    /// Requests, refused ones included.
    pub requests: u64,
    /// Bytes of the requests, decompressed.
    pub bytes: u64,
    /// Records taken; of spans those that a sampler rejected too.
    pub accepted: u64,
    /// Records refused one by one (`partial_success`), and whole requests refused.
    pub refused: u64,
    /// When a record was last stored.
    pub last_received: Option<UnixNanos>,
}

/// A refusal and how often it happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusalEntry {
    /// When it last happened.
    pub time: UnixNanos,
    /// What was sent, if that was clear.
    pub signal: Option<Signal>,
    /// A short name of the reason: an HTTP status, or `partial`.
    pub code: String,
    /// What the sender was told.
    pub message: String,
    /// How often.
    pub count: u64,
    /// Who sent it the last time, as far as that is known.
    pub whence: Whence,
}

/// Where something that was refused came from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Whence {
    /// The other side of the connection.
    pub peer: Option<SocketAddr>,
    /// The port of this server.
    pub port: Option<u16>,
    /// The origin of the page that a browser showed: `https://shop.example`.
    pub page: Option<String>,
}

impl From<&Origin> for Whence {
    fn from(origin: &Origin) -> Self {
        Self { peer: origin.peer, port: origin.port, page: None }
    }
}

impl Whence {
    /// With the page that a browser names.
    pub fn of_page(self, headers: &HeaderMap) -> Self {
        let page = headers.get(header::ORIGIN).and_then(|o| o.to_str().ok()).map(|o| shortened(o).to_owned());
        Self { page, ..self }
    }
}

impl Journal {
    /// An empty journal.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self(Arc::new(Inner {
            clock,
            signals: Default::default(),
            meters: Meters::default(),
            refusals: Mutex::default(),
            traces: OwnTraces::default(),
            losses: Mutex::default(),
        }))
    }

    /// What components count.
    pub fn meters(&self) -> &Meters {
        &self.0.meters
    }

    /// A request was stored, perhaps without some records.
    pub fn stored(&self, signal: Signal, bytes: usize, accepted: u64, refused: u64) {
        let c = &self.0.signals[signal.index()];
        c.requests.fetch_add(1, Ordering::Relaxed);
        c.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
        c.accepted.fetch_add(accepted, Ordering::Relaxed);
        c.refused.fetch_add(refused, Ordering::Relaxed);
        if accepted > 0 {
            c.last_received.store(self.0.clock.now().0, Ordering::Relaxed);
        }
    }

    /// A whole request was refused; who sent it is not known.
    pub fn request_refused(&self, signal: Option<Signal>, code: &str, message: &str) {
        self.request_refused_from(signal, code, message, Whence::default());
    }

    /// A whole request was refused.
    pub fn request_refused_from(&self, signal: Option<Signal>, code: &str, message: &str, whence: Whence) {
        if let Some(signal) = signal {
            let c = &self.0.signals[signal.index()];
            c.requests.fetch_add(1, Ordering::Relaxed);
            c.refused.fetch_add(1, Ordering::Relaxed);
        }
        self.note_from(signal, code, message, 1, whence);
    }

    /// Remembers what a sender was told that is not known.
    pub fn note(&self, signal: Option<Signal>, code: &str, message: &str, count: u64) {
        self.note_from(signal, code, message, count, Whence::default());
    }

    /// Remembers what a sender was told. What repeats is one entry, whoever sent it: a fleet with one mistake must not push
    /// the others out.
    pub fn note_from(&self, signal: Option<Signal>, code: &str, message: &str, count: u64, whence: Whence) {
        let message = shortened(message);
        let time = self.0.clock.now();
        let mut refusals = self.0.refusals.lock();
        let known = refusals.iter().position(|r| r.signal == signal && r.code == code && r.message == message);
        let entry = match known.and_then(|at| refusals.remove(at)) {
            Some(old) => RefusalEntry { time, count: old.count + count, whence, ..old },
            None => RefusalEntry { time, signal, code: code.to_owned(), message: message.to_owned(), count, whence },
        };
        refusals.push_front(entry);
        refusals.truncate(REFUSALS_MAX);
    }

    /// Something that this process did ends now: its name, since when, what it was about, and why it failed if it did.
    pub fn did(&self, name: &str, begin: Instant, detail: Arguments<'_>, failed: Option<&str>) {
        self.0.traces.record(name, self.0.clock.now(), begin.elapsed(), detail, failed);
    }

    /// What this process did lately, as JSON: by name and duration.
    pub fn traces(&self) -> serde_json::Value {
        self.0.traces.shown()
    }

    /// An acknowledged request is dropped: the one thing that may never go by in silence.
    pub fn lost(&self, component: &str, signal: Signal, bytes: usize, message: &str) {
        let time = self.0.clock.now();
        self.note(
            Some(signal),
            "dropped",
            &format!("{component}: a request of {bytes} bytes is dropped: {message}"),
            1,
        );
        let mut losses = self.0.losses.lock();
        let mut key = (component.to_owned(), signal.name());
        if losses.len() >= LOSERS_MAX && !losses.contains_key(&key) {
            OTHERS.clone_into(&mut key.0);
        }
        let loss = losses.entry(key).or_insert_with_key(|(component, _)| Loss {
            component: component.clone(),
            signal,
            requests: 0,
            bytes: 0,
            time,
            message: String::new(),
        });
        loss.requests += 1;
        loss.bytes += bytes as u64;
        loss.time = time;
        shortened(message).clone_into(&mut loss.message);
    }

    /// What was lost since the start, by component and signal.
    pub fn losses(&self) -> Vec<Loss> {
        self.0.losses.lock().values().cloned().collect()
    }

    /// The counts of one signal.
    pub fn counts(&self, signal: Signal) -> SignalCounts {
        let c = &self.0.signals[signal.index()];
        let last = c.last_received.load(Ordering::Relaxed);
        SignalCounts {
            requests: c.requests.load(Ordering::Relaxed),
            bytes: c.bytes.load(Ordering::Relaxed),
            accepted: c.accepted.load(Ordering::Relaxed),
            refused: c.refused.load(Ordering::Relaxed),
            last_received: (last != 0).then_some(UnixNanos(last)),
        }
    }

    /// The refusals, newest first.
    pub fn refusals(&self) -> Vec<RefusalEntry> {
        self.0.refusals.lock().iter().cloned().collect()
    }
}

/// Messages repeat what senders wrote; of a long one the beginning is enough.
pub(crate) fn shortened(message: &str) -> &str {
    message.char_indices().nth(MESSAGE_CHARS_MAX).map_or(message, |(at, _)| &message[..at])
}

#[cfg(test)]
mod tests {
    use foundation::clock::ManualClock;

    use super::*;

    #[test]
    fn repeated_refusals_are_one_entry() {
        let journal = Journal::new(Arc::new(ManualClock::new(UnixNanos::from_secs(1))));
        for n in 0..120 {
            journal.request_refused(Some(Signal::Logs), "415", "same");
            journal.request_refused(None, "404", &format!("other {n}"));
        }
        let refusals = journal.refusals();
        assert_eq!(refusals.len(), REFUSALS_MAX);
        assert_eq!(refusals.iter().find(|r| r.code == "415").map(|r| r.count), Some(120));
        assert_eq!(journal.counts(Signal::Logs).refused, 120);
    }

    #[test]
    fn a_refusal_knows_who_sent_it_last() {
        let journal = Journal::new(Arc::new(ManualClock::new(UnixNanos::from_secs(1))));
        for last in [1, 2] {
            let peer: SocketAddr = format!("10.0.0.{last}:5000").parse().unwrap();
            let origin = Origin { peer: Some(peer), port: Some(4317), ..Origin::default() };
            let mut headers = HeaderMap::new();
            headers.insert(header::ORIGIN, "https://shop.example".parse().unwrap());
            let whence = Whence::from(&origin).of_page(&headers);
            journal.request_refused_from(None, "404", "there is nothing at /", whence);
        }
        let [entry] = &journal.refusals()[..] else { panic!("one mistake is one entry") };
        assert_eq!(entry.count, 2);
        let whence = (entry.whence.peer.map(|p| p.to_string()), entry.whence.port, entry.whence.page.as_deref());
        assert_eq!(whence, (Some("10.0.0.2:5000".to_owned()), Some(4317), Some("https://shop.example")));
    }

    #[test]
    fn losses_are_counted_by_component_and_never_without_bound() {
        let journal = Journal::new(Arc::new(ManualClock::new(UnixNanos::from_secs(1))));
        for n in 0..150 {
            journal.lost(&format!("exporters.otlp/{n:03}"), Signal::Logs, 10, "401");
            journal.lost("exporters.otlp/000", Signal::Logs, 1, "the last");
        }
        let losses = journal.losses();
        assert_eq!(losses.len(), LOSERS_MAX + 1);
        let first = &losses[0];
        assert_eq!((first.requests, first.bytes, first.message.as_str()), (151, 160, "the last"));
        assert_eq!(losses.iter().map(|loss| loss.requests).sum::<u64>(), 300, "those beyond are counted together");
    }
}
