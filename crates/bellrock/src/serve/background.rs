//! Periodic work of the engines that belongs to no request: retention, flush by age, compaction.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use foundation::Clock;
use foundation::shutdown::Shutdown;
use pipeline::Engines;

/// How often the engines are asked whether they have something to do.
const PERIOD: Duration = Duration::from_secs(1);
/// How often old data is looked for.
const RETENTION_PERIOD: Duration = Duration::from_secs(600);

/// The thread; joined at the end.
pub(super) struct Background(JoinHandle<()>);

impl Background {
    pub(super) fn join(self) {
        if self.0.join().is_err() {
            tracing::error!("the background thread had panicked");
        }
    }
}

pub(super) fn start(engines: Engines, clock: Arc<dyn Clock>, shutdown: Shutdown) -> std::io::Result<Background> {
    let thread = std::thread::Builder::new().name("maintenance".to_owned()).spawn(move || {
        let mut retention_due = Instant::now();
        while !shutdown.wait_timeout(PERIOD) {
            if let Err(e) = engines.metrics.maintain() {
                tracing::warn!(error = %e, "maintenance of the metrics engine failed; tried again");
            }
            if retention_due <= Instant::now() {
                let dropped = engines.events.apply_retention(clock.now());
                if dropped > 0 {
                    tracing::info!(partitions = dropped, "dropped days beyond the retention");
                }
                retention_due = Instant::now() + RETENTION_PERIOD;
            }
        }
    })?;
    Ok(Background(thread))
}
