//! [`Derived`]: the state behind its queue, its checkpoint, and its way to the metrics engine.
//!
//! The log's thread only queues batches; the thread `derived` applies them.
//! The queue is bounded: when it is full the log waits, and senders are told to
//! come back. When a generation of the log ends the state is encoded at
//! exactly that point; it becomes the checkpoint when the event store asks
//! for it, before the generation is removed.
//!
//! Locks: `state` (a batch is applied, a part of a step is collected) and
//! `cut` (short); never one inside the other, and never over I/O, except that
//! `cut` is held while the checkpoint is written: only the flusher waits for it.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use eventstore::{SpanColumns, SpanObserver};
use foundation::UnixNanos;
use foundation::disk::SharedDisk;
use parking_lot::{Condvar, Mutex};
use thiserror::Error;
use tsdb::{Tsdb, TsdbError};

use crate::checkpoint;
use crate::errors::{Group, GroupId};
use crate::rejected::{Counted, SpanCount};
use crate::samples::{Position, Step};
use crate::settings::Settings;
use crate::state::State;

/// Batches that wait. They are in the store's memory as well, so this costs little.
const QUEUE_MAX: usize = 1024;
/// Halves of requests are given up this long after they would be by the clock: a batch that arrived before may
/// still be on its way through log and queue, and a replay must decide the same.
const GRACE: Duration = Duration::from_secs(10);

type Generation = u64;

/// Why derived state cannot be opened.
#[derive(Debug, Error)]
#[error("cannot open derived state in {path}", path = path.display())]
pub struct OpenError {
    /// Where.
    pub path: PathBuf,
    /// What the disk said.
    #[source]
    pub source: io::Error,
}

/// The state of what is derived, in numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stats {
    /// Spans that were looked at since the start.
    pub spans: u64,
    /// Time that took, nanoseconds.
    pub nanos: u64,
    /// Batches that wait.
    pub queued: u64,
    /// Series of span metrics; each is a counter and a histogram.
    pub span_series: u64,
    /// The limit on them.
    pub span_series_max: u64,
    /// Spans beyond the limits on series, counted in overflow series.
    pub span_overflow: u64,
    /// Edges of the service graph.
    pub edges: u64,
    /// The limit on them.
    pub edges_max: u64,
    /// Requests of edges beyond the limit, not counted.
    pub edge_overflow: u64,
    /// Halves of requests that wait for the other.
    pub halves_waiting: u64,
    /// Halves that there was no room for.
    pub halves_dropped: u64,
    /// Halves whose other half did not come and that name no peer.
    pub halves_unpaired: u64,
    /// Error groups.
    pub error_groups: u64,
    /// The limit on them.
    pub error_groups_max: u64,
    /// Exceptions of groups beyond the limits, not counted.
    pub error_overflow: u64,
    /// Rejected spans of groups beyond the limits, not counted for objectives.
    pub rejected_overflow: u64,
    /// Samples written to the metrics engine since the start.
    pub samples: u64,
    /// Samples that it refused, and those of steps that failed; totals are written again at the next step.
    pub samples_refused: u64,
    /// Checkpoints written since the start.
    pub checkpoints: u64,
    /// Bytes of the last one.
    pub checkpoint_bytes: u64,
}

enum Item {
    Spans(SpanColumns),
    Ended(Generation),
}

/// The state at the end of a generation, on its way to the disk.
#[derive(Default)]
struct Cut {
    generation: Generation,
    bytes: Vec<u8>,
    /// Whether `bytes` are in the checkpoint file; they are given back then.
    written: bool,
    /// The thread is gone: no further cut will come.
    dead: bool,
}

struct Inner {
    settings: Settings,
    disk: SharedDisk,
    dir: PathBuf,
    state: Mutex<State>,
    cut: Mutex<Cut>,
    cut_changed: Condvar,
    /// Generations up to this one are in the state that was read; replay of them is passed over.
    covered: AtomicU64,
    /// Time of the last step that was stored whole, milliseconds since the epoch.
    written_ms: AtomicI64,
    spans: AtomicU64,
    nanos: AtomicU64,
    queued: AtomicU64,
    samples: AtomicU64,
    samples_refused: AtomicU64,
    checkpoints: AtomicU64,
    checkpoint_bytes: AtomicU64,
}

/// What is derived from spans; watches the event store as its [`SpanObserver`].
pub struct Derived {
    inner: Arc<Inner>,
    /// Dropped first: that ends the thread.
    queue: Option<SyncSender<Item>>,
    thread: Option<JoinHandle<()>>,
}

impl Derived {
    /// Opens the state in `dir`, which is made when missing. A checkpoint that cannot be read is reported and left
    /// behind: totals then begin at zero, as after a reset of counters.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn open(disk: SharedDisk, dir: &Path, settings: Settings) -> Result<Self, OpenError> {
        let failed = |source| OpenError { path: dir.to_owned(), source };
        disk.create_dir_all(dir).map_err(failed)?;
        if let Some(parent) = dir.parent() {
            disk.sync_dir(parent).map_err(failed)?;
        }
        let (covered, state) = match checkpoint::read(&*disk, dir).map_err(failed)? {
            None => (0, State::new(&settings)),
            Some(bytes) => checkpoint::decode(&bytes, &settings).unwrap_or_else(|error| {
                let path = checkpoint::path(dir);
                tracing::error!(path = %path.display(), %error, "what was derived from spans begins at zero");
                let mut state = State::new(&settings);
                state.rejected.lose();
                (0, state)
            }),
        };
        let inner = Arc::new(Inner {
            written_ms: AtomicI64::new(state.now_ms),
            settings,
            disk,
            dir: dir.to_owned(),
            state: Mutex::new(state),
            cut: Mutex::default(),
            cut_changed: Condvar::new(),
            covered: AtomicU64::new(covered),
            spans: AtomicU64::new(0),
            nanos: AtomicU64::new(0),
            queued: AtomicU64::new(0),
            samples: AtomicU64::new(0),
            samples_refused: AtomicU64::new(0),
            checkpoints: AtomicU64::new(0),
            checkpoint_bytes: AtomicU64::new(0),
        });
        let (queue, items) = sync_channel(QUEUE_MAX);
        let shared = inner.clone();
        let run = move || {
            let _ending = Ending(shared.clone());
            shared.run(&items);
        };
        let thread = std::thread::Builder::new().name("derived".to_owned()).spawn(run).map_err(failed)?;
        Ok(Self { inner, queue: Some(queue), thread: Some(thread) })
    }

    /// How often [`Derived::write`] is to be called: at multiples of this.
    pub fn step(&self) -> Duration {
        self.inner.settings.step
    }

    /// Writes all totals to the metrics engine as samples at `t`, and waits for them.
    ///
    /// # Errors
    /// The metrics engine took nothing more; the totals are written at the next step.
    pub fn write(&self, metrics: &Tsdb, t: UnixNanos) -> Result<(), TsdbError> {
        let inner = &self.inner;
        let t_ms = t.as_millis();
        let step = Step::new(&inner.settings, t_ms, inner.written_ms.load(Ordering::Relaxed));
        let (mut at, mut epoch, mut whole) = (Position::SpanMetrics(0), None, true);
        while at != Position::End {
            let mut batch = metrics.batch();
            {
                let mut state = inner.state.lock();
                state.advance(t.minus(GRACE).as_millis());
                if epoch.is_some_and(|e| e != state.epoch) {
                    // Rows have other numbers now; the next step has them all.
                    return Ok(());
                }
                epoch = Some(state.epoch);
                at = step.put(&mut state, at, &mut batch);
            }
            let samples = batch.len() as u64;
            match metrics.append_batch_wait(batch) {
                Ok(outcome) => {
                    inner.samples.fetch_add(outcome.samples, Ordering::Relaxed);
                    inner.samples_refused.fetch_add(outcome.refused_points, Ordering::Relaxed);
                    if outcome.refused_points > 0 {
                        whole = false;
                        tracing::warn!(refused = outcome.message(), "the metrics engine refused derived samples");
                    }
                }
                Err(e) => {
                    inner.samples_refused.fetch_add(samples, Ordering::Relaxed);
                    return Err(e);
                }
            }
        }
        if whole {
            inner.written_ms.store(t_ms, Ordering::Relaxed);
        }
        Ok(())
    }

    /// The error groups for which `keep` says so, by id.
    pub fn error_groups(&self, mut keep: impl FnMut(&Group) -> bool) -> Vec<(GroupId, Group)> {
        let state = self.inner.state.lock();
        state.errors.groups.iter().filter(|(_, g)| keep(g)).map(|(id, g)| (*id, g.clone())).collect()
    }

    /// One error group.
    pub fn error_group(&self, id: GroupId) -> Option<Group> {
        self.inner.state.lock().errors.groups.get(&id).cloned()
    }

    /// Counts these of the spans that samplers reject, from now on; those that were counted before go on.
    pub fn count_rejected(&self, wanted: &[SpanCount]) {
        self.inner.state.lock().rejected.set(wanted);
    }

    /// What was counted of rejected spans that arrived in the minutes `from..to` since the epoch. `None` when this is not
    /// counted, and while nothing was ever rejected: then the spans that are stored are all there are.
    pub fn rejected(&self, of: &SpanCount, minutes: (i64, i64)) -> Option<Counted> {
        self.inner.state.lock().rejected.counted(of, minutes)
    }

    /// The state in numbers.
    pub fn stats(&self) -> Stats {
        let inner = &self.inner;
        let of = |n: &AtomicU64| n.load(Ordering::Relaxed);
        let state = inner.state.lock();
        let (spans, graph, errors) = (&state.span_metrics, &state.service_graph, &state.errors);
        Stats {
            spans: of(&inner.spans),
            nanos: of(&inner.nanos),
            queued: of(&inner.queued),
            span_series: spans.table.len() as u64,
            span_series_max: inner.settings.span_metrics.series_max as u64,
            span_overflow: spans.overflowed,
            edges: graph.table.len() as u64,
            edges_max: inner.settings.service_graph.edges_max as u64,
            edge_overflow: graph.overflowed,
            halves_waiting: graph.waiting() as u64,
            halves_dropped: graph.dropped,
            halves_unpaired: graph.unpaired_counts.iter().sum(),
            error_groups: errors.groups.len() as u64,
            error_groups_max: inner.settings.errors.groups_max as u64,
            error_overflow: errors.overflowed,
            rejected_overflow: state.rejected.overflowed,
            samples: of(&inner.samples),
            samples_refused: of(&inner.samples_refused),
            checkpoints: of(&inner.checkpoints),
            checkpoint_bytes: of(&inner.checkpoint_bytes),
        }
    }

    fn send(&self, item: Item) {
        if let Some(queue) = &self.queue {
            self.inner.queued.fetch_add(1, Ordering::Relaxed);
            // Only a panic ends the thread early; the checkpoint then fails, so that the log keeps what was missed.
            drop(queue.send(item));
        }
    }
}

impl SpanObserver for Derived {
    fn spans(&self, generation: Generation, spans: SpanColumns) {
        if generation > self.inner.covered.load(Ordering::Relaxed) {
            self.send(Item::Spans(spans));
        }
    }

    fn ended(&self, generation: Generation) {
        self.send(Item::Ended(generation));
    }

    fn checkpoint(&self, generation: Generation) -> io::Result<()> {
        let inner = &self.inner;
        let mut cut = inner.cut.lock();
        while cut.generation < generation && !cut.dead {
            inner.cut_changed.wait(&mut cut);
        }
        if cut.generation != generation {
            return Err(io::Error::other("what is derived from spans has stopped; restart the server"));
        }
        if !cut.written {
            checkpoint::write(&*inner.disk, &inner.dir, &cut.bytes)?;
            inner.checkpoints.fetch_add(1, Ordering::Relaxed);
            inner.checkpoint_bytes.store(cut.bytes.len() as u64, Ordering::Relaxed);
            cut.written = true;
            cut.bytes = Vec::new();
        }
        Ok(())
    }

    fn opened(&self, generation: Generation) {
        let covered = self.inner.covered.load(Ordering::Relaxed);
        if covered >= generation {
            // The store was emptied or exchanged. The totals go on; what they cover of this log is nothing.
            tracing::warn!(covered, generation, "the checkpoint of derived state belongs to another log");
            self.inner.covered.store(0, Ordering::Relaxed);
            let path = checkpoint::path(&self.inner.dir);
            if let Err(error) = self.inner.disk.remove_file(&path) {
                tracing::warn!(path = %path.display(), %error, "cannot remove it");
            }
        }
    }
}

impl Drop for Derived {
    fn drop(&mut self) {
        self.queue = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread `derived` had panicked");
        }
    }
}

/// However the thread ends, nobody waits for it for ever.
struct Ending(Arc<Inner>);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.cut.lock().dead = true;
        self.0.cut_changed.notify_all();
    }
}

impl Inner {
    fn run(&self, items: &Receiver<Item>) {
        for item in items {
            match item {
                Item::Spans(spans) => {
                    let began = Instant::now();
                    self.state.lock().apply(&spans);
                    self.nanos.fetch_add(began.elapsed().as_nanos() as u64, Ordering::Relaxed);
                    self.spans.fetch_add(spans.len() as u64, Ordering::Relaxed);
                }
                Item::Ended(generation) => {
                    let bytes = checkpoint::encode(generation, &self.state.lock());
                    *self.cut.lock() = Cut { generation, bytes, written: false, dead: false };
                    self.cut_changed.notify_all();
                }
            }
            self.queued.fetch_sub(1, Ordering::Relaxed);
        }
    }
}
