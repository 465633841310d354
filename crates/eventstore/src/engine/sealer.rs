//! The thread that turns batches into blocks and decides when memory is flushed.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use foundation::shutdown::Shutdown;
use parking_lot::{Condvar, Mutex};
use wal::Wal;

use super::{Shared, flush};
use crate::error::OpenError;

/// How long the thread sleeps at most: ages are looked at so often.
const PERIOD: Duration = Duration::from_millis(200);
/// After a flush that failed, before the next.
const RETRY: Duration = Duration::from_secs(1);

/// Wakes the sealer; waking twice before it looks is the same as once.
#[derive(Default)]
pub(crate) struct Signal {
    set: Mutex<bool>,
    changed: Condvar,
}

impl Signal {
    pub(crate) fn wake(&self) {
        *self.set.lock() = true;
        self.changed.notify_one();
    }

    fn wait(&self, timeout: Duration) {
        let mut set = self.set.lock();
        if !*set {
            self.changed.wait_for(&mut set, timeout);
        }
        *set = false;
    }
}

pub(super) fn spawn(shared: Arc<Shared>, wal: Arc<Wal>, shutdown: Shutdown) -> Result<JoinHandle<()>, OpenError> {
    let path = shared.dir.clone();
    std::thread::Builder::new()
        .name(format!("{}-sealer", shared.schema.dir()))
        .spawn(move || run(&shared, &wal, &shutdown))
        .map_err(|source| OpenError::Io { path, source })
}

fn run(shared: &Arc<Shared>, wal: &Wal, shutdown: &Shutdown) {
    let mut retry_at: Option<Instant> = None;
    while !shutdown.is_set() {
        seal(shared);
        let now = Instant::now();
        if retry_at.is_none_or(|at| now >= at) && wants_flush(shared, now) {
            let flushed = flush::flush(shared, wal);
            retry_at = if flushed { None } else { Some(Instant::now() + RETRY) };
        }
        shared.work.wait(PERIOD);
    }
    flush::flush(shared, wal);
}

/// Seals what makes full blocks. A short tail stays as it is, however old: blocks of a few rows
/// would cost every later query and the disk, and queries keep what they encode of it.
fn seal(shared: &Shared) {
    loop {
        // Sealing and flushing both take batches from memory: one at a time.
        let _one = shared.flushing.lock();
        let sealing = shared.state.lock().active.seal_begin(false);
        if sealing.batches.is_empty() {
            return;
        }
        let blocks = shared.encode(&sealing.batches);
        shared.state.lock().active.seal_end(&sealing, blocks);
    }
}

fn wants_flush(shared: &Shared, now: Instant) -> bool {
    let state = shared.state.lock();
    if state.frozen.is_some() {
        return true;
    }
    let (memory, config) = (&state.active, &shared.config);
    !memory.is_empty()
        && (shared.flush_wanted.swap(false, Ordering::Relaxed)
            || memory.bytes() >= config.flush_bytes
            || memory.rows() >= config.flush_rows
            || memory.since.is_some_and(|t| now.duration_since(t) >= config.flush_age))
}
