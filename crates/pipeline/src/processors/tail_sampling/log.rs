//! What was acknowledged and not yet done with: a write-ahead log, and who holds which of its generations.
//!
//! Each instance has a folder of its own with a lock, because a new graph starts before the old one has stopped. What a crash left behind is
//! found by its free lock, taken over into the new folder, and then removed.
//! A generation is removed when nobody holds it or one before it. Format: `docs/formats/tail-sampling.md`.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use foundation::ErrorKind;
use foundation::disk::SharedDisk;
use parking_lot::Mutex;
use rustc_hash::{FxHashMap, FxHashSet};
use tokio::sync::oneshot;
use wal::{Generation, Options, Wal};

use super::pool::{Decision, Id};
use super::record::{Passed, Read, of_passed, of_request};
use crate::refusal::Refusal;

/// How many hold each generation.
type Holders = Arc<Mutex<BTreeMap<Generation, usize>>>;

/// Holds a generation of the log while something of it is not done with.
#[derive(Debug)]
pub(super) struct Held {
    generation: Generation,
    /// Of the request.
    number: u64,
    holders: Holders,
}

impl Held {
    fn new(generation: Generation, number: u64, holders: &Holders) -> Self {
        *holders.lock().entry(generation).or_default() += 1;
        Self { generation, number, holders: holders.clone() }
    }

    pub(super) const fn generation(&self) -> Generation {
        self.generation
    }

    pub(super) const fn number(&self) -> u64 {
        self.number
    }

    #[cfg(test)]
    pub(super) fn free() -> Self {
        Self::new(1, 1, &Holders::default())
    }
}

impl Clone for Held {
    fn clone(&self) -> Self {
        Self::new(self.generation, self.number, &self.holders)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut holders = self.holders.lock();
        if let Some(n) = holders.get_mut(&self.generation) {
            *n -= 1;
            if *n == 0 {
                holders.remove(&self.generation);
            }
        }
    }
}

/// The log of one instance.
pub(super) struct Log {
    wal: Wal,
    /// The number of the next request.
    next: AtomicU64,
    holders: Holders,
    disk: SharedDisk,
    dir: PathBuf,
    /// Held as long as the folder is in use.
    _lock: File,
}

/// What was left behind, to be taken up again.
#[derive(Debug, Default)]
pub(super) struct Replayed {
    pub(super) requests: Vec<(Held, Bytes)>,
    /// What was decided about traces, of which something may still come.
    pub(super) decisions: FxHashMap<Id, Decision>,
}

/// Requests that a folder numbers before it would reach into the numbers of the next.
const NUMBERS_BITS: u32 = 40;

impl Log {
    /// Opens a log of its own below `base`, with what earlier instances left behind in it.
    pub(super) fn open(disk: SharedDisk, base: &Path) -> Result<(Self, Replayed), String> {
        let failed = |what: &str, e: &dyn std::fmt::Display| {
            format!("cannot {what} the log of `tail_sampling` in {}: {e}", base.display())
        };
        disk.create_dir_all(base).map_err(|e| failed("make", &e))?;
        let mut left = Vec::new();
        for dir in disk.list(base).map_err(|e| failed("list", &e))? {
            let number = dir.file_name().and_then(|n| n.to_str()).and_then(|n| n.parse::<u64>().ok());
            left.extend(number.map(|n| (n, dir)));
        }
        left.sort();
        let folder = left.last().map_or(0, |(n, _)| *n) + 1;
        let own = base.join(format!("{folder:06}"));
        disk.create_dir_all(&own).map_err(|e| failed("make", &e))?;
        let lock =
            locked(&own).map_err(|e| failed("lock", &e))?.ok_or_else(|| failed("lock", &"another instance has it"))?;
        let (wal, _) = Wal::open(disk.clone(), Options::new(own.join("wal")), 0, &mut |_, _| {})
            .map_err(|e| failed("open", &e))?;
        let next = AtomicU64::new(folder << NUMBERS_BITS);
        let log = Self { wal, next, holders: Holders::default(), disk: disk.clone(), dir: own, _lock: lock };
        let (mut replayed, mut known) = (Replayed::default(), FxHashSet::default());
        for (_, dir) in left {
            // One that is locked belongs to a graph that is still draining.
            let Some(_theirs) = locked(&dir).map_err(|e| failed("lock", &e))? else { continue };
            let mut found = Read::default();
            let read = Wal::open(disk.clone(), Options::new(dir.join("wal")), 0, &mut |_, record| {
                if let Err(what) = found.record(record) {
                    tracing::error!(dir = %dir.display(), what, "a record of the log of tail_sampling cannot be read");
                }
            });
            read.map_err(|e| failed("read", &e))?;
            for (number, request) in found.left(&mut known) {
                let number = if number == 0 { log.next.fetch_add(1, Ordering::Relaxed) } else { number };
                let record = of_request(number, &request);
                let generation = log.wal.append_wait(record).map_err(|e| failed("write", &e))?;
                replayed.requests.push((Held::new(generation, number, &log.holders), request.into()));
            }
            replayed.decisions.extend(found.decisions);
            disk.remove_dir_all(&dir).map_err(|e| failed("remove", &e))?;
        }
        Ok((log, replayed))
    }

    /// Appends a request; completes once it is synced.
    pub(super) async fn append(&self, request: &[u8]) -> Result<Held, Refusal> {
        let (done, synced) = oneshot::channel();
        let (holders, number) = (self.holders.clone(), self.next.fetch_add(1, Ordering::Relaxed));
        let record = of_request(number, request);
        // It is held from the writer's thread on, before the log can be rotated behind it.
        let answer = move |result: Result<_, _>| drop(done.send(result.map(|g| Held::new(g, number, &holders))));
        self.wal.append(record, Box::new(answer));
        match synced.await {
            Ok(result) => result.map_err(|e| Refusal::new(e.kind(), e.to_string())),
            Err(_) => Err(Refusal::new(ErrorKind::UNAVAILABLE, "the log of `tail_sampling` is closed")),
        }
    }

    /// Writes down what was passed on, so that a crash from now on does not pass it on again.
    pub(super) fn passed(&self, traces: &[Passed]) {
        let written = |result| {
            if let Err(e) = result {
                tracing::warn!(error = %e, "what was passed on is not written down: after a crash now it is passed on again");
            }
        };
        self.wal.append(of_passed(traces), Box::new(written));
    }

    /// Begins a generation, and removes those that nobody holds.
    pub(super) fn rotate(&self) {
        self.wal.rotate(Box::new(|_| {}));
        let first_held = self.holders.lock().keys().next().copied();
        // Not the current one: the log knows, and keeps it.
        if let Err(e) = self.wal.remove_through(first_held.map_or(Generation::MAX, |g| g - 1)) {
            tracing::warn!(error = %e, "cannot remove a generation of the log of tail_sampling; it is tried again");
        }
    }

    /// The end: with nothing held the folder is of no more use.
    pub(super) fn finish(&self) {
        if self.holders.lock().is_empty()
            && let Err(e) = self.disk.remove_dir_all(&self.dir)
        {
            tracing::warn!(error = %e, dir = %self.dir.display(), "cannot remove the log of tail_sampling; the next start takes it over");
        }
    }
}

/// The lock of a folder; `None` when another has it.
fn locked(dir: &Path) -> std::io::Result<Option<File>> {
    let file = File::options().create(true).truncate(false).write(true).open(dir.join("LOCK"))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(std::fs::TryLockError::WouldBlock) => Ok(None),
        Err(std::fs::TryLockError::Error(e)) => Err(e),
    }
}
