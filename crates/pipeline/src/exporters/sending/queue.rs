//! Requests that wait for a back end, on disk, in order.
//!
//! Records lie in a write-ahead log (`docs/formats/queue.md`), by generations of a few megabytes. What is at the front is in
//! memory too, up to a limit; the rest is read when its turn comes. A record is handed out as a [`Lease`]: done, or back to the
//! front when the lease is dropped. Generations whose records are all done are deleted; a cursor says how far the first one is, so
//! that a restart sends little twice.
//!
//! Locks: `Shared::state` is never held over I/O.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use foundation::ErrorKind;
use foundation::disk::{SharedDisk, write_atomic};
use parking_lot::Mutex;
use tokio::sync::{Notify, oneshot, watch};
use wal::{Generation, Options, Wal, WalError};
use wire::otlp::raw;

use super::untag;
use crate::refusal::Refusal;

/// A generation is followed by the next at this size: what is read at once, and what may be sent twice after a crash.
const GENERATION_BYTES: u64 = 8 << 20;
/// Records that are in memory; beyond it they are read from the disk when their turn comes.
const MEMORY_BYTES_MAX: usize = 4 << 20;
/// How often the cursor is written at most: what was sent since is sent again after a crash.
const CURSOR_PERIOD: Duration = Duration::from_millis(200);
/// What cannot be read is tried again after so long.
const READ_AGAIN: Duration = Duration::from_secs(1);

/// How much may wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Limits {
    pub(super) requests: u64,
    /// Spans, log records, data points.
    pub(super) items: u64,
    pub(super) bytes: u64,
    /// Whether those who come when it is full wait.
    pub(super) wait: bool,
}

impl Limits {
    /// None.
    pub(super) const NONE: Self = Self { requests: u64::MAX, items: u64::MAX, bytes: u64::MAX, wait: false };
}

/// How much waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Waiting {
    pub(super) requests: u64,
    pub(super) items: u64,
    pub(super) bytes: u64,
}

/// A request as it lies in the queue.
#[derive(Default)]
struct Record {
    bytes: Bytes,
    items: u64,
}

impl Record {
    /// One that was read back; what is no request has no items.
    fn read(bytes: Bytes) -> Self {
        let items = untag(&bytes).and_then(|(signal, request)| raw::count(signal, &request).ok());
        Self { bytes, items: items.unwrap_or(0) as u64 }
    }
}

/// Requests on disk.
pub(in crate::exporters) struct Queue {
    wal: Wal,
    disk: SharedDisk,
    directory: PathBuf,
    shared: Arc<Shared>,
    /// One reads from the disk at a time.
    loading: tokio::sync::Mutex<()>,
    /// One writes the cursor at a time. Taken before `Shared::state`.
    saving: Mutex<()>,
}

struct Shared {
    state: Mutex<State>,
    /// Something can be taken, or a generation was rotated away.
    ready: Notify,
    /// There is room.
    room: Notify,
}

struct State {
    /// Oldest first.
    generations: VecDeque<Held>,
    /// Handed out and given back: they go first.
    returned: BTreeMap<(Generation, usize), Record>,
    memory_bytes: usize,
    /// Requests that are not done, those on their way into the log included.
    waiting: Waiting,
    limits: Limits,
    /// Whether what comes is sent soon.
    near: bool,
    cursor_due: Instant,
}

/// A generation of the log.
struct Held {
    generation: Generation,
    /// Records that are safe.
    records: usize,
    bytes: u64,
    /// The next to be handed out.
    next: usize,
    /// All before this are done.
    done_to: usize,
    /// Those behind it that are.
    done: BTreeSet<usize>,
    /// The records from `next` on; `None`: on the disk only.
    memory: Option<VecDeque<Record>>,
    /// Nothing is written to it any more.
    frozen: bool,
    /// It has been asked that nothing is.
    freezing: bool,
}

impl Held {
    fn new(generation: Generation) -> Self {
        Self {
            generation,
            records: 0,
            bytes: 0,
            next: 0,
            done_to: 0,
            done: BTreeSet::new(),
            memory: Some(VecDeque::new()),
            frozen: false,
            freezing: false,
        }
    }

    fn mark(&mut self, index: usize) {
        self.done.insert(index);
        while self.done.remove(&self.done_to) {
            self.done_to += 1;
        }
    }
}

impl Queue {
    /// Opens the queue in `directory`; what was there is there again.
    ///
    /// # Errors
    /// The folder or the log cannot be read.
    pub(super) fn open(disk: SharedDisk, directory: &Path) -> Result<Self, WalError> {
        let cursor = read_cursor(&*disk, directory);
        let options = Options { part_bytes: GENERATION_BYTES, ..Options::new(directory.join("log")) };
        let mut generations: VecDeque<Held> = VecDeque::new();
        let (mut bytes, mut items) = (0, 0);
        let mut replay = |generation: Generation, record: &[u8]| {
            if generations.back().is_none_or(|held| held.generation != generation) {
                generations.push_back(Held { memory: None, frozen: true, ..Held::new(generation) });
            }
            if let Some(held) = generations.back_mut() {
                let sent = cursor.is_some_and(|(g, done)| g == generation && held.records < done);
                if !sent {
                    bytes += record.len() as u64;
                    items += Record::read(Bytes::copy_from_slice(record)).items;
                }
                held.records += 1;
                held.bytes += record.len() as u64;
            }
        };
        let covered = cursor.map_or(0, |(generation, _)| generation.saturating_sub(1));
        let (wal, _) = Wal::open(disk.clone(), options, covered, &mut replay)?;
        if let (Some((generation, done_to)), Some(first)) = (cursor, generations.front_mut())
            && first.generation == generation
        {
            first.next = done_to.min(first.records);
            first.done_to = first.next;
        }
        let requests = generations.iter().map(|held| (held.records - held.next) as u64).sum();
        if requests > 0 {
            tracing::info!(directory = %directory.display(), requests, bytes, "the queue holds requests of an earlier run");
        }
        let state = State {
            generations,
            returned: BTreeMap::new(),
            memory_bytes: 0,
            waiting: Waiting { requests, items, bytes },
            limits: Limits::NONE,
            near: true,
            cursor_due: Instant::now(),
        };
        let shared = Shared { state: Mutex::new(state), ready: Notify::new(), room: Notify::new() };
        Ok(Self {
            wal,
            disk,
            directory: directory.to_owned(),
            shared: Arc::new(shared),
            loading: tokio::sync::Mutex::new(()),
            saving: Mutex::new(()),
        })
    }

    /// How much may wait from now on.
    pub(super) fn set_limits(&self, limits: Limits) {
        self.shared.state.lock().limits = limits;
    }

    /// Whether what comes from now on is sent soon. Where it is not, the disk is enough.
    pub(super) fn set_near(&self, near: bool) {
        self.shared.state.lock().near = near;
    }

    /// What is not done.
    pub(super) fn waiting(&self) -> Waiting {
        self.shared.state.lock().waiting
    }

    /// What of it is in memory.
    #[cfg(test)]
    pub(super) fn memory_bytes(&self) -> usize {
        self.shared.state.lock().memory_bytes
    }

    /// Returns once the record of so many items is safe.
    ///
    /// # Errors
    /// The queue or the disk is full: to be tried again.
    pub(super) async fn append(&self, record: Bytes, items: u64) -> Result<(), Refusal> {
        let len = record.len() as u64;
        self.reserve(len, items).await?;
        self.freeze_what_is_large();
        let (reply, answer) = oneshot::channel();
        let shared = self.shared.clone();
        let kept = Record { bytes: record.clone(), items };
        self.wal.append(
            record,
            Box::new(move |result| {
                match &result {
                    Ok(generation) => shared.appended(*generation, kept),
                    Err(_) => shared.release(len, items),
                }
                // The one who waits may have gone away: what is safe stays safe.
                let _ = reply.send(result);
            }),
        );
        match answer.await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(e)) => Err(Refusal::new(e.kind(), format!("the sending queue cannot be written: {e}"))),
            Err(_) => Err(Refusal::new(ErrorKind::UNAVAILABLE, "the sending queue is closed")),
        }
    }

    async fn reserve(&self, len: u64, items: u64) -> Result<(), Refusal> {
        loop {
            let room = self.shared.room.notified();
            let limits = {
                let mut state = self.shared.state.lock();
                let (waiting, limits) = (state.waiting, state.limits);
                let fits = waiting.requests < limits.requests
                    && waiting.items.saturating_add(items) <= limits.items
                    && waiting.bytes.saturating_add(len) <= limits.bytes;
                // A single request above the limit passes when nothing else waits: else it never could.
                if fits || waiting.requests == 0 {
                    state.waiting.add(len, items);
                    return Ok(());
                }
                state.limits
            };
            if !limits.wait {
                let message = format!(
                    "the sending queue is full ({limits}, `sending_queue.queue_size`): the back end takes less than comes; send \
                     again later"
                );
                let retry_after = Duration::from_secs(5);
                return Err(Refusal::new(ErrorKind::Unavailable { retry_after }, message));
            }
            // A wake-up may be missed between the look and the wait; it is looked again soon.
            drop(tokio::time::timeout(Duration::from_millis(500), room).await);
        }
    }

    /// A generation that is large enough is followed by the next.
    fn freeze_what_is_large(&self) {
        let large = {
            let mut state = self.shared.state.lock();
            let last = state.generations.back_mut();
            let large = last.filter(|held| held.bytes >= GENERATION_BYTES && !held.frozen && !held.freezing);
            large.map(|held| held.freezing = true).is_some()
        };
        if large {
            self.rotate();
        }
    }

    fn rotate(&self) {
        let shared = self.shared.clone();
        self.wal.rotate(Box::new(move |result| {
            if let Ok(frozen) = result {
                let mut state = shared.state.lock();
                for held in state.generations.iter_mut().filter(|held| held.generation <= frozen) {
                    held.frozen = true;
                }
            }
            shared.ready.notify_waiters();
        }));
    }

    /// The oldest request that is not handed out; `None` once `stopped` says so and there is nothing left.
    pub(in crate::exporters) async fn take(self: &Arc<Self>, mut stopped: watch::Receiver<bool>) -> Option<Lease> {
        loop {
            let ready = self.shared.ready.notified();
            match self.next() {
                Next::Record(generation, index, record) => {
                    return Some(Lease { queue: self.clone(), generation, index, record, open: true });
                }
                Next::OnDisk(generation) => self.load(generation).await,
                Next::Freeze => self.rotate(),
                Next::Nothing if *stopped.borrow() => return None,
                Next::Nothing => {
                    // A wake-up may be missed between the look and the wait; it is looked again soon.
                    let soon = tokio::time::sleep(Duration::from_millis(100));
                    tokio::select! {
                        () = ready => {}
                        () = soon => {}
                        _ = stopped.wait_for(|stopped| *stopped) => {}
                    }
                }
            }
        }
    }

    fn next(&self) -> Next {
        let mut state = self.shared.state.lock();
        if let Some(((generation, index), record)) = state.returned.pop_first() {
            return Next::Record(generation, index, record);
        }
        let Some(held) = state.generations.iter_mut().find(|held| held.next < held.records) else {
            return Next::Nothing;
        };
        let generation = held.generation;
        match &mut held.memory {
            Some(memory) => match memory.pop_front() {
                Some(record) => {
                    let index = held.next;
                    held.next += 1;
                    state.memory_bytes = state.memory_bytes.saturating_sub(record.bytes.len());
                    Next::Record(generation, index, record)
                }
                None => Next::Nothing,
            },
            None if held.frozen => Next::OnDisk(generation),
            None if !held.freezing => {
                held.freezing = true;
                Next::Freeze
            }
            None => Next::Nothing,
        }
    }

    /// Reads a generation back into memory.
    async fn load(self: &Arc<Self>, generation: Generation) {
        let _one = self.loading.lock().await;
        let wanted = |state: &State| {
            let held = state.generations.iter().find(|held| held.generation == generation)?;
            held.memory.is_none().then_some(held.next)
        };
        let Some(next) = wanted(&self.shared.state.lock()) else { return };
        let this = self.clone();
        let read = tokio::task::spawn_blocking(move || {
            let mut records = VecDeque::new();
            this.wal.read_generation(generation, &mut |record| {
                records.push_back(Record::read(Bytes::copy_from_slice(record)));
            })?;
            Ok::<_, WalError>(records)
        });
        let mut records = match read.await {
            Ok(Ok(records)) => records,
            Ok(Err(e)) => {
                tracing::error!(error = %e, "the queue cannot be read; tried again");
                tokio::time::sleep(READ_AGAIN).await;
                return;
            }
            Err(_) => return,
        };
        let total = records.len();
        records.drain(..next.min(total));
        let mut state = self.shared.state.lock();
        let bytes: usize = records.iter().map(|r| r.bytes.len()).sum();
        let mut missing = 0;
        if let Some(held) = state.generations.iter_mut().find(|held| held.generation == generation) {
            missing = held.records.saturating_sub(total);
            held.records = total.max(held.next);
            held.memory = Some(records);
        }
        state.memory_bytes += bytes;
        if missing > 0 {
            state.waiting.requests = state.waiting.requests.saturating_sub(missing as u64);
            tracing::error!(missing, "requests of the queue were damaged on the disk");
        }
    }

    async fn done(self: &Arc<Self>, generation: Generation, index: usize, len: u64, items: u64) {
        let (remove, cursor) = {
            let mut state = self.shared.state.lock();
            state.waiting.remove(len, items);
            if let Some(held) = state.generations.iter_mut().find(|held| held.generation == generation) {
                held.mark(index);
            }
            let mut remove = None;
            while let Some(first) = state.generations.front()
                && first.frozen
                && first.done_to >= first.records
            {
                remove = Some(first.generation);
                state.generations.pop_front();
            }
            let due = state.cursor_due <= Instant::now();
            if due {
                state.cursor_due = Instant::now() + CURSOR_PERIOD;
            }
            (remove, due)
        };
        self.shared.room.notify_waiters();
        if remove.is_some() || cursor {
            self.save_cursor().await;
        }
        if let Some(through) = remove {
            let this = self.clone();
            let removed = tokio::task::spawn_blocking(move || this.wal.remove_through(through)).await;
            if let Ok(Err(e)) = removed {
                tracing::warn!(error = %e, "what was sent could not be removed from the queue; tried again");
            }
        }
    }

    /// Writes down how far the first generation is.
    pub(in crate::exporters) async fn save_cursor(self: &Arc<Self>) {
        let this = self.clone();
        if let Ok(Err(e)) = tokio::task::spawn_blocking(move || this.write_cursor()).await {
            tracing::warn!(error = %e, "the cursor of the queue could not be written; a restart sends some requests twice");
        }
    }

    /// One after the other, for they write the same file; each what holds when its turn has come.
    pub(super) fn write_cursor(&self) -> io::Result<()> {
        let _one = self.saving.lock();
        let first = self.shared.state.lock().generations.front().map(|held| (held.generation, held.done_to));
        let Some((generation, done_to)) = first else { return Ok(()) };
        let text = format!("1 {generation} {done_to}\n");
        write_atomic(&*self.disk, &self.directory.join(CURSOR), text.as_bytes())
    }
}

impl Shared {
    /// A record is safe. Runs on the thread of the log.
    fn appended(&self, generation: Generation, record: Record) {
        let mut state = self.state.lock();
        let room = if state.near { MEMORY_BYTES_MAX.saturating_sub(state.memory_bytes) } else { 0 };
        if state.generations.back().is_none_or(|held| held.generation != generation) {
            state.generations.push_back(Held::new(generation));
        }
        let mut freed = 0;
        let mut taken = 0;
        if let Some(held) = state.generations.back_mut() {
            held.records += 1;
            held.bytes += record.bytes.len() as u64;
            match &mut held.memory {
                Some(memory) if record.bytes.len() <= room => {
                    taken = record.bytes.len();
                    memory.push_back(record);
                }
                Some(memory) => {
                    freed = memory.iter().map(|r| r.bytes.len()).sum();
                    held.memory = None;
                }
                None => {}
            }
        }
        state.memory_bytes = state.memory_bytes.saturating_sub(freed) + taken;
        drop(state);
        self.ready.notify_one();
    }

    /// A record that had its place reserved did not come.
    fn release(&self, len: u64, items: u64) {
        self.state.lock().waiting.remove(len, items);
        self.room.notify_waiters();
    }
}

impl Waiting {
    const fn add(&mut self, len: u64, items: u64) {
        self.requests += 1;
        self.items += items;
        self.bytes += len;
    }

    const fn remove(&mut self, len: u64, items: u64) {
        self.requests = self.requests.saturating_sub(1);
        self.items = self.items.saturating_sub(items);
        self.bytes = self.bytes.saturating_sub(len);
    }
}

enum Next {
    Record(Generation, usize, Record),
    OnDisk(Generation),
    /// The generation has to be rotated away before it can be read.
    Freeze,
    Nothing,
}

/// A request that was handed out. It goes back to the front when it is dropped without being done.
pub(in crate::exporters) struct Lease {
    queue: Arc<Queue>,
    generation: Generation,
    index: usize,
    record: Record,
    open: bool,
}

impl Lease {
    /// The record.
    pub(super) fn record(&self) -> &Bytes {
        &self.record.bytes
    }

    /// The back end has it.
    pub(in crate::exporters) async fn done(mut self) {
        self.open = false;
        let (len, items) = (self.record.bytes.len() as u64, self.record.items);
        self.queue.done(self.generation, self.index, len, items).await;
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if self.open {
            let record = std::mem::take(&mut self.record);
            self.queue.shared.state.lock().returned.insert((self.generation, self.index), record);
            self.queue.shared.ready.notify_one();
        }
    }
}

/// The file that says how far the first generation is: `1 <generation> <records done>`.
const CURSOR: &str = "cursor";

fn read_cursor(disk: &dyn foundation::disk::Disk, directory: &Path) -> Option<(Generation, usize)> {
    let bytes = disk.read(&directory.join(CURSOR)).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    let mut words = text.split_whitespace();
    match (words.next()?, words.next()?.parse(), words.next()?.parse()) {
        ("1", Ok(generation), Ok(done)) => Some((generation, done)),
        _ => None,
    }
}
