//! Drives the alert manager: waits for what is due, tells it, and cleans up.
//!
//! Time comes from the clock's door; when it moves otherwise than time passes, somebody has set it. What counts time since
//! something happened is moved along then, so that a clock that jumps an hour pages nobody.

use std::time::{Duration, Instant};

use foundation::UnixNanos;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::alertmanager::Alertmanager;

/// The longest wait, so that a clock that was set is noticed soon.
const WAIT_MAX: Duration = Duration::from_secs(1);
/// A difference that is no drift any more.
const JUMP: Duration = Duration::from_secs(10);
/// Between two rounds of cleaning.
const CLEAN_EVERY: Duration = Duration::from_secs(60);

/// Notices that the clock was set.
pub(super) struct Jumps {
    clock: UnixNanos,
    passed: Instant,
}

impl Jumps {
    pub(super) const fn new(clock: UnixNanos, passed: Instant) -> Self {
        Self { clock, passed }
    }

    /// By how much the clock was set since the last look, if it was.
    pub(super) fn look(&mut self, clock: UnixNanos, passed: Instant) -> Option<i64> {
        let expected = self.clock.plus(passed.saturating_duration_since(self.passed));
        let by = clock.0.saturating_sub(expected.0);
        *self = Self { clock, passed };
        (by.unsigned_abs() > JUMP.as_nanos() as u64).then_some(by)
    }
}

impl Alertmanager {
    /// Runs until `stop`; messages on their way get `drain` to arrive.
    pub async fn run(&self, mut stop: watch::Receiver<bool>, drain: Duration) {
        let mut jumps = Jumps::new(self.now(), Instant::now());
        let mut sending = JoinSet::new();
        let mut clean_at = Instant::now() + CLEAN_EVERY;
        loop {
            let wait = self.next_due().map_or(WAIT_MAX, |due| until(self.now(), due).min(WAIT_MAX));
            tokio::select! {
                _ = stop.wait_for(|stopped| *stopped) => break,
                () = tokio::time::sleep(wait) => {}
                () = self.woken() => {}
            }
            while sending.try_join_next().is_some() {}
            if let Some(by) = jumps.look(self.now(), Instant::now()) {
                tracing::warn!(
                    by_seconds = by / 1_000_000_000,
                    "the clock was set; alerts and groups go on as if it had not been"
                );
                self.shift(by);
            }
            self.tell_due(&mut sending).await;
            if Instant::now() >= clean_at {
                clean_at = Instant::now() + CLEAN_EVERY;
                let manager = self.clone();
                sending.spawn_blocking(move || manager.clean());
            }
        }
        let all = async { while sending.join_next().await.is_some() {} };
        if tokio::time::timeout(drain, all).await.is_err() {
            tracing::warn!(
                "notifications on their way did not arrive in {drain:?}; they are sent after the next start"
            );
        }
    }

    /// Begins to tell everything that is due. Preparing it is work, and leaves the threads of the sockets.
    async fn tell_due(&self, sending: &mut JoinSet<()>) {
        while self.next_due().is_some_and(|due| due <= self.now()) {
            let manager = self.clone();
            let Ok(sends) = tokio::task::spawn_blocking(move || manager.take_due()).await else { return };
            for send in sends {
                let manager = self.clone();
                sending.spawn(async move { manager.send(send).await });
            }
        }
    }

    /// Tells everything that is due and waits until it is told. For tests, which move the clock themselves.
    #[cfg(test)]
    pub(super) async fn step(&self) {
        let mut sending = JoinSet::new();
        self.tell_due(&mut sending).await;
        while sending.join_next().await.is_some() {}
    }
}

fn until(now: UnixNanos, due: UnixNanos) -> Duration {
    Duration::from_nanos(due.0.saturating_sub(now.0).max(0).unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_set_is_noticed_once() {
        let begin = Instant::now();
        let mut jumps = Jumps::new(UnixNanos::from_secs(1000), begin);
        let passed = |s| begin + Duration::from_secs(s);
        assert_eq!(jumps.look(UnixNanos::from_secs(1005), passed(5)), None);
        assert_eq!(jumps.look(UnixNanos::from_secs(4610), passed(10)), Some(3_600_000_000_000));
        assert_eq!(jumps.look(UnixNanos::from_secs(4611), passed(11)), None);
        assert_eq!(jumps.look(UnixNanos::from_secs(1012), passed(12)), Some(-3_600_000_000_000));
    }
}
