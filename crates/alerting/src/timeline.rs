//! What happened to each alert, from the sample to the answer of the receiver.
//!
//! Rules and the alert manager record here; `why` answers out of it. Recording never waits: events go through a queue to
//! one thread that writes them, and what finds the queue full is counted.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use foundation::UnixNanos;
use metastore::{MetaError, Metastore, TimelineEvent};
use parking_lot::Mutex;
use serde_json::Value;

use crate::alert::Fingerprint;

/// Events that wait for the disk: some seconds of 50,000 alerts that all change.
const WAITING_MAX: usize = 200_000;
/// Events of one transaction.
const BATCH_MAX: usize = 5_000;
/// How long events may wait for others, so that a sync serves many.
const GATHER: Duration = Duration::from_millis(200);
/// How long events are kept.
pub const KEPT: Duration = Duration::from_secs(30 * 86_400);

/// What kind of thing happened. The names are part of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Happened {
    /// A rule was evaluated and its condition held for the first time: value, expression.
    Pending,
    /// The condition held for long enough: value.
    Firing,
    /// The condition does not hold any more.
    Inactive,
    /// The alert manager was sent the alert for the first time, or again after it had ended.
    Received,
    /// The sender says that it is over, or did not repeat it in time.
    Resolved,
    /// It joined a group: receiver, group key, when it is told.
    Grouped,
    /// It is not told because another alert fires: which, by which rule.
    Inhibited,
    /// It is not told because of silences: which.
    Silenced,
    /// It is not told because of the time of day: which intervals.
    Muted,
    /// It is not told because of a maintenance window: which.
    Maintenance,
    /// Nothing keeps it from being told any more.
    Unmuted,
    /// Somebody takes care of it: who, comment.
    Acknowledged,
    /// Nobody takes care of it any more.
    Unacknowledged,
    /// The other side has the message: receiver, channel, attempts.
    Delivered,
    /// An attempt went wrong and is repeated: receiver, channel, reason.
    Attempt,
    /// The message could not be delivered: receiver, channel, attempts.
    Failed,
    /// There was nobody to tell: the receiver has no channel that can be used.
    Nobody,
}

impl Happened {
    /// All of them, in the order in which they usually happen.
    pub const ALL: [Self; 17] = [
        Self::Pending,
        Self::Firing,
        Self::Inactive,
        Self::Received,
        Self::Resolved,
        Self::Grouped,
        Self::Inhibited,
        Self::Silenced,
        Self::Muted,
        Self::Maintenance,
        Self::Unmuted,
        Self::Acknowledged,
        Self::Unacknowledged,
        Self::Delivered,
        Self::Attempt,
        Self::Failed,
        Self::Nobody,
    ];

    /// As it stands in the API.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Firing => "firing",
            Self::Inactive => "inactive",
            Self::Received => "received",
            Self::Resolved => "resolved",
            Self::Grouped => "grouped",
            Self::Inhibited => "inhibited",
            Self::Silenced => "silenced",
            Self::Muted => "muted",
            Self::Maintenance => "maintenance",
            Self::Unmuted => "unmuted",
            Self::Acknowledged => "acknowledged",
            Self::Unacknowledged => "unacknowledged",
            Self::Delivered => "delivered",
            Self::Attempt => "attempt",
            Self::Failed => "failed",
            Self::Nobody => "nobody",
        }
    }
}

/// Records what happens; clones share it.
#[derive(Clone)]
pub struct Timeline(Arc<Inner>);

struct Inner {
    store: Metastore,
    /// Bounded by `waiting`: a bounded channel would take the memory of a full one from the beginning.
    queue: Mutex<Option<Sender<Message>>>,
    /// Events in the queue.
    waiting: Arc<AtomicUsize>,
    thread: Mutex<Option<JoinHandle<()>>>,
    lost: AtomicU64,
}

enum Message {
    Event(TimelineEvent),
    /// Answers when everything before is written.
    Flush(SyncSender<()>),
}

impl Timeline {
    /// Starts the thread that writes.
    ///
    /// # Errors
    /// When the thread cannot be started.
    pub fn start(store: Metastore) -> std::io::Result<Self> {
        let (queue, messages) = channel();
        let waiting = Arc::new(AtomicUsize::new(0));
        let (writer, taken) = (store.clone(), waiting.clone());
        let thread =
            std::thread::Builder::new().name("timeline".to_owned()).spawn(move || write(&writer, &messages, &taken))?;
        let (queue, thread) = (Mutex::new(Some(queue)), Mutex::new(Some(thread)));
        Ok(Self(Arc::new(Inner { store, queue, waiting, thread, lost: AtomicU64::new(0) })))
    }

    /// Records that something happened to an alert. `body` is an object whose fields depend on what happened.
    pub fn record(&self, alert: Fingerprint, at: UnixNanos, what: Happened, body: Value) {
        let event = TimelineEvent { fingerprint: alert.0, at, kind: what.name().to_owned(), body };
        let taken = match &*self.0.queue.lock() {
            Some(queue) if self.0.waiting.load(Ordering::Relaxed) < WAITING_MAX => {
                self.0.waiting.fetch_add(1, Ordering::Relaxed);
                queue.send(Message::Event(event)).is_ok()
            }
            _ => false,
        };
        if !taken && self.0.lost.fetch_add(1, Ordering::Relaxed).is_multiple_of(10_000) {
            tracing::warn!("the timeline of alerts cannot be written as fast as it grows; events are left out of it");
        }
    }

    /// The last `limit` events of an alert, in the order in which they happened.
    ///
    /// # Errors
    /// When the metadata cannot be read.
    pub fn of(&self, alert: Fingerprint, limit: usize) -> Result<Vec<TimelineEvent>, MetaError> {
        self.flush();
        self.0.store.timeline(alert.0, limit)
    }

    /// Returns when what was recorded before can be read.
    pub fn flush(&self) {
        let queue = self.0.queue.lock().clone();
        let (done, written) = sync_channel(1);
        if queue.is_some_and(|q| q.send(Message::Flush(done)).is_ok()) {
            let _ = written.recv();
        }
    }

    /// Events that found the queue full.
    pub fn lost(&self) -> u64 {
        self.0.lost.load(Ordering::Relaxed)
    }

    /// Writes what waits and ends the thread.
    pub fn stop(&self) {
        self.0.queue.lock().take();
        let thread = self.0.thread.lock().take();
        if thread.is_some_and(|t| t.join().is_err()) {
            tracing::error!("the thread of the timeline had panicked");
        }
    }
}

fn write(store: &Metastore, messages: &Receiver<Message>, waiting: &AtomicUsize) {
    while let Ok(first) = messages.recv() {
        let (mut events, mut flushed) = (Vec::new(), Vec::new());
        let mut next = Some(first);
        while let Some(message) = next {
            match message {
                Message::Event(event) => events.push(event),
                Message::Flush(done) => flushed.push(done),
            }
            let full = events.len() >= BATCH_MAX || !flushed.is_empty();
            next = if full { None } else { messages.recv_timeout(GATHER).ok() };
        }
        waiting.fetch_sub(events.len(), Ordering::Relaxed);
        if !events.is_empty()
            && let Err(e) = store.add_to_timeline(events)
        {
            tracing::warn!(error = %e, "events of alerts could not be recorded");
        }
        for done in flushed {
            // Fails only when nobody waits any more.
            let _ = done.send(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use foundation::clock::ManualClock;
    use serde_json::json;

    #[test]
    fn what_is_recorded_can_be_read_in_order() {
        let dir = tempfile::tempdir().unwrap();
        let store = Metastore::open(dir.path(), Arc::new(ManualClock::default())).unwrap();
        let timeline = Timeline::start(store).unwrap();
        let (a, b) = (Fingerprint(1), Fingerprint(2));
        timeline.record(a, UnixNanos(1), Happened::Pending, json!({"value": 1.5}));
        timeline.record(b, UnixNanos(1), Happened::Pending, json!({}));
        timeline.record(a, UnixNanos(2), Happened::Firing, json!({}));
        let of_a = timeline.of(a, 10).unwrap();
        assert_eq!(of_a.iter().map(|e| e.kind.as_str()).collect::<Vec<_>>(), ["pending", "firing"]);
        assert_eq!(of_a[0].body, json!({"value": 1.5}));
        timeline.stop();
        timeline.record(a, UnixNanos(3), Happened::Resolved, json!({}));
        assert_eq!((timeline.of(a, 10).unwrap().len(), timeline.lost()), (2, 1));
    }
}
