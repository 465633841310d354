//! What one channel bears: so many messages at once, and none while it asked to be left alone.
//!
//! A channel that answers slowly, or not at all, makes its own messages wait and nobody else's; one that answers 429 with
//! `Retry-After` is not asked by the next group either.

use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;

/// Messages on their way to one channel at once: sockets are few, groups may be thousands.
const AT_ONCE_MAX: usize = 32;
/// The longest pause that a channel can ask for: a wrong date must not silence it for good.
const PAUSE_MAX: Duration = Duration::from_secs(3600);

/// One for each channel.
pub struct Gate {
    turns: Semaphore,
    /// It asked to be left alone until then.
    closed_until: Mutex<Option<Instant>>,
}

impl Default for Gate {
    fn default() -> Self {
        Self { turns: Semaphore::new(AT_ONCE_MAX), closed_until: Mutex::new(None) }
    }
}

/// Why there was no turn before the deadline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::manager) enum Closed {
    /// The channel asked to be left alone for so long from now.
    Asked(Duration),
    /// So many other messages were before it.
    Busy(usize),
}

impl Gate {
    /// Waits for a turn, not longer than until `deadline`.
    pub(in crate::manager) async fn enter(&self, deadline: Instant) -> Result<SemaphorePermit<'_>, Closed> {
        loop {
            let closed_until = self.closed_until.lock().filter(|until| *until > Instant::now());
            if let Some(until) = closed_until {
                if until >= deadline {
                    return Err(Closed::Asked(until.duration_since(Instant::now())));
                }
                tokio::time::sleep_until(until).await;
            }
            let turn = tokio::time::timeout_at(deadline, self.turns.acquire()).await;
            let Ok(Ok(turn)) = turn else { return Err(Closed::Busy(AT_ONCE_MAX)) };
            // Somebody may have been told to wait meanwhile.
            if self.closed_until.lock().is_none_or(|until| until <= Instant::now()) {
                return Ok(turn);
            }
        }
    }

    /// The channel asked to be left alone.
    pub(in crate::manager) fn close(&self, pause: Duration) {
        let until = Instant::now() + pause.min(PAUSE_MAX);
        let mut closed_until = self.closed_until.lock();
        *closed_until = Some(closed_until.map_or(until, |before| before.max(until)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn one_that_asks_for_a_pause_gets_it_from_everybody() {
        let gate = Gate::default();
        let in_secs = |s| Instant::now() + Duration::from_secs(s);
        assert!(gate.enter(in_secs(1)).await.is_ok());
        gate.close(Duration::from_secs(20));
        gate.close(Duration::from_secs(5));
        assert_eq!(gate.enter(in_secs(20)).await.err(), Some(Closed::Asked(Duration::from_secs(20))));
        let begin = Instant::now();
        assert!(gate.enter(in_secs(60)).await.is_ok());
        assert_eq!(begin.elapsed(), Duration::from_secs(20));
    }

    #[tokio::test(start_paused = true)]
    async fn there_are_so_many_turns() {
        let gate = Gate::default();
        let deadline = Instant::now() + Duration::from_secs(1);
        let mut turns = Vec::new();
        for _ in 0..AT_ONCE_MAX {
            turns.push(gate.enter(deadline).await.unwrap());
        }
        assert_eq!(gate.enter(deadline).await.err(), Some(Closed::Busy(AT_ONCE_MAX)));
        turns.pop();
        assert!(gate.enter(deadline).await.is_ok());
    }
}
