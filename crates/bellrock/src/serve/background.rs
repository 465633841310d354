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

/// The threads; joined at the end.
pub(super) struct Background([JoinHandle<()>; 2]);

impl Background {
    pub(super) fn join(self) {
        for thread in self.0 {
            let name = thread.thread().name().unwrap_or_default().to_owned();
            if thread.join().is_err() {
                tracing::error!("the thread `{name}` had panicked");
            }
        }
    }
}

pub(super) fn start(
    metrics: Arc<Tsdb>,
    retention: Arc<Retention>,
    clock: Arc<dyn Clock>,
    shutdown: Shutdown,
) -> std::io::Result<Background> {
    // On a thread of its own: a flush must not wait for it, or memory fills up.
    let (merged, ended) = (metrics.clone(), shutdown.clone());
    let compaction = std::thread::Builder::new().name("compaction".to_owned()).spawn(move || {
        while !ended.wait_timeout(PERIOD) {
            if let Err(e) = merged.compact() {
                tracing::warn!(error = %e, "blocks of metrics could not be merged; tried again");
            }
        }
    })?;
    let maintenance = std::thread::Builder::new().name("maintenance".to_owned()).spawn(move || {
        let mut retention_due = Instant::now();
        while !shutdown.wait_timeout(PERIOD) {
            if let Err(e) = metrics.maintain() {
                tracing::warn!(error = %e, "the head of the metrics engine could not be flushed; tried again");
            }
            if retention_due <= Instant::now() {
                apply(&retention, clock.now());
                retention_due = Instant::now() + RETENTION_PERIOD;
            }
        }
    })?;
    Ok(Background([maintenance, compaction]))
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
