//! The thread that writes what is derived from spans to the metrics engine, at every step.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use derived::Derived;
use foundation::shutdown::Shutdown;
use foundation::{Clock, UnixNanos};
use tsdb::Tsdb;

/// The thread; joined at the end, before the engines are closed.
pub(super) struct Writer(JoinHandle<()>);

impl Writer {
    pub(super) fn join(self) {
        if self.0.join().is_err() {
            tracing::error!("the thread `derived-writer` had panicked");
        }
    }
}

pub(super) fn start(
    derived: Arc<Derived>,
    metrics: Arc<Tsdb>,
    clock: Arc<dyn Clock>,
    shutdown: Shutdown,
) -> std::io::Result<Writer> {
    let run = move || {
        let write = |t| {
            if let Err(e) = derived.write(&metrics, t) {
                tracing::warn!(error = %e, "cannot store derived metrics; their totals are written at the next step");
            }
        };
        loop {
            let next = next_step(clock.now(), derived.step());
            if shutdown.wait_timeout(Duration::from_nanos(next.0.abs_diff(clock.now().0))) {
                // What came since the last step. Requests in flight may still be counted later, from the log.
                return write(clock.now());
            }
            write(next);
        }
    };
    std::thread::Builder::new().name("derived-writer".to_owned()).spawn(run).map(Writer)
}

/// The first multiple of `step` after `now`.
fn next_step(now: UnixNanos, step: Duration) -> UnixNanos {
    let step = i64::try_from(step.as_nanos()).unwrap_or(i64::MAX).max(1);
    UnixNanos((now.0.div_euclid(step) + 1).saturating_mul(step))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_multiples() {
        let step = Duration::from_secs(15);
        assert_eq!(next_step(UnixNanos::from_secs(29), step), UnixNanos::from_secs(30));
        assert_eq!(next_step(UnixNanos::from_secs(30), step), UnixNanos::from_secs(45));
    }
}
