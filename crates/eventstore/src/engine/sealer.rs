//! The thread that turns batches into blocks. It goes on while memory is flushed by another (`flusher`).

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use foundation::shutdown::Shutdown;
use parking_lot::{Condvar, Mutex};

use super::Shared;
use crate::block::encode::Effort;
use crate::error::OpenError;

/// How long the thread sleeps at most.
const PERIOD: Duration = Duration::from_millis(200);

/// Wakes a thread; waking twice before it looks is the same as once.
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

    pub(super) fn wait(&self, timeout: Duration) {
        let mut set = self.set.lock();
        if !*set {
            self.changed.wait_for(&mut set, timeout);
        }
        *set = false;
    }
}

pub(super) fn spawn(shared: Arc<Shared>, shutdown: Shutdown) -> Result<JoinHandle<()>, OpenError> {
    let path = shared.dir.clone();
    std::thread::Builder::new()
        .name(format!("{}-sealer", shared.schema.dir()))
        .spawn(move || run(&shared, &shutdown))
        .map_err(|source| OpenError::Io { path, source })
}

fn run(shared: &Shared, shutdown: &Shutdown) {
    while !shutdown.is_set() {
        if seal(shared) {
            // Memory has grown: it may be time.
            shared.flush_work.wake();
        }
        shared.seal_work.wait(PERIOD);
    }
}

/// Seals what makes full blocks. A short tail stays as it is, however old: blocks of a few rows
/// would cost every later query and the disk, and queries keep what they encode of it. Returns
/// whether there was anything to seal.
fn seal(shared: &Shared) -> bool {
    let mut sealed = false;
    loop {
        // Until the blocks are in their place, active memory has to stay active.
        let _one = shared.sealing.lock();
        let sealing = shared.state.lock().active.seal_begin(false);
        if sealing.batches.is_empty() {
            return sealed;
        }
        let blocks = shared.encode(&sealing.batches, Effort::Full);
        shared.state.lock().active.seal_end(&sealing, blocks);
        sealed = true;
    }
}
