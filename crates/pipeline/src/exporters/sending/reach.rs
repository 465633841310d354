//! Whether the back end can be reached.
//!
//! While nobody can connect to it, those who hold a request try on and the others take none: each would hold one in memory, compress
//! it for every try, and find out the same. What comes meanwhile waits on the disk only.

use std::future::pending;
use std::sync::Arc;

use tokio::sync::watch;

use super::queue::Queue;

/// What was found out last. Nobody is waited for in vain: it counts as reachable again when one who tried leaves.
pub(super) struct Reach {
    away: watch::Sender<bool>,
    /// What waits.
    queue: Option<Arc<Queue>>,
}

impl Reach {
    pub(super) fn new(queue: Option<Arc<Queue>>) -> Self {
        Self { away: watch::Sender::new(false), queue }
    }

    /// What a try found.
    pub(super) fn found(&self, away: bool) {
        self.away.send_if_modified(|was| {
            let changed = std::mem::replace(was, away) != away;
            // Under the lock of `away`, so that both say the same whoever comes last.
            if changed && let Some(queue) = &self.queue {
                queue.set_near(!away);
            }
            changed
        });
    }

    /// For as long as somebody tries.
    pub(super) const fn trying(&self) -> Trying<'_> {
        Trying(self)
    }

    /// Returns when it can be reached, or `stopped` says so.
    pub(super) async fn there(&self, stopped: &mut watch::Receiver<bool>) {
        let mut away = self.away.subscribe();
        tokio::select! {
            _ = away.wait_for(|away| !away) => {}
            _ = stopped.wait_for(|stopped| *stopped) => {}
        }
    }

    /// Returns when it cannot be reached any more; never once `stopped` says so.
    pub(super) async fn gone(&self, stopped: &mut watch::Receiver<bool>) {
        let mut away = self.away.subscribe();
        let gone = tokio::select! {
            biased;
            _ = stopped.wait_for(|stopped| *stopped) => false,
            _ = away.wait_for(|away| *away) => true,
        };
        if !gone {
            pending().await
        }
    }
}

/// Somebody who tries: what he found counts no longer when he has left.
pub(super) struct Trying<'a>(&'a Reach);

impl Drop for Trying<'_> {
    fn drop(&mut self) {
        self.0.found(false);
    }
}
