//! The thread that decides when memory is flushed, and flushes. Sealing and merging go on meanwhile.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use foundation::shutdown::Shutdown;
use wal::Wal;

use super::{Shared, flush, merge, reopen};
use crate::error::OpenError;

/// How long the thread sleeps at most: ages are looked at so often.
const PERIOD: Duration = Duration::from_millis(200);
/// After a flush that failed, before the next.
const RETRY: Duration = Duration::from_secs(1);

pub(super) fn spawn(shared: Arc<Shared>, wal: Arc<Wal>, shutdown: Shutdown) -> Result<JoinHandle<()>, OpenError> {
    let path = shared.dir.clone();
    std::thread::Builder::new()
        .name(format!("{}-flusher", shared.schema.dir()))
        .spawn(move || run(&shared, &wal, &shutdown))
        .map_err(|source| OpenError::Io { path, source })
}

fn run(shared: &Arc<Shared>, wal: &Wal, shutdown: &Shutdown) {
    let mut retry_at: Option<Instant> = None;
    let mut reopen_at = Instant::now() + reopen::PERIOD;
    while !shutdown.is_set() {
        let now = Instant::now();
        if retry_at.is_none_or(|at| now >= at) && wants_flush(shared, now) {
            merge::catch_up(shared);
            let flushed = flush::flush(shared, wal);
            retry_at = if flushed { None } else { Some(Instant::now() + RETRY) };
        }
        if now >= reopen_at {
            reopen::reopen(shared);
            reopen_at = Instant::now() + reopen::PERIOD;
        }
        shared.flush_work.wait(PERIOD);
    }
    flush::flush(shared, wal);
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
            || memory.rejected_bytes() >= config.memory_bytes_max
            || memory.rows() >= config.flush_rows
            || memory.since.is_some_and(|t| now.duration_since(t) >= config.flush_age))
}
