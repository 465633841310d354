//! Periodic work of the engines that belongs to no request: retention, flush by age, compaction.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use foundation::shutdown::Shutdown;
use foundation::{Clock, UnixNanos};
use storage::Retention;
use tsdb::Tsdb;

/// How often the engines are asked whether they have something to do.
const PERIOD: Duration = Duration::from_secs(1);
/// How often it is looked for what goes: often enough that a filling disk is noticed.
const RETENTION_PERIOD: Duration = Duration::from_secs(60);

/// The thread; joined at the end.
pub(super) struct Background(JoinHandle<()>);

impl Background {
    pub(super) fn join(self) {
        if self.0.join().is_err() {
            tracing::error!("the background thread had panicked");
        }
    }
}

pub(super) fn start(
    metrics: Arc<Tsdb>,
    retention: Arc<Retention>,
    clock: Arc<dyn Clock>,
    shutdown: Shutdown,
) -> std::io::Result<Background> {
    let thread = std::thread::Builder::new().name("maintenance".to_owned()).spawn(move || {
        let mut retention_due = Instant::now();
        while !shutdown.wait_timeout(PERIOD) {
            if let Err(e) = metrics.maintain() {
                tracing::warn!(error = %e, "maintenance of the metrics engine failed; tried again");
            }
            if retention_due <= Instant::now() {
                apply(&retention, clock.now());
                retention_due = Instant::now() + RETENTION_PERIOD;
            }
        }
    })?;
    Ok(Background(thread))
}

fn apply(retention: &Retention, now: UnixNanos) {
    match retention.apply(now) {
        Ok(removals) => removals.iter().for_each(|r| {
            let p = &r.partition;
            tracing::info!(
                signal = p.signal.name(),
                partition = p.name,
                records = p.records,
                bytes = p.bytes,
                reason = r.reason.name(),
                "partition removed"
            );
        }),
        Err(e) => tracing::warn!(error = %e, "retention failed; tried again"),
    }
}
