//! Connectors that count spans and send what they have counted from time to time.
//!
//! What they count is in memory and begins anew with the process; the spans themselves are safe where the pipelines store them. What
//! cannot be sent is counted on, and sent the next time.

use std::sync::Arc;
use std::time::Duration;

use foundation::Clock;
use parking_lot::Mutex;
use tokio::sync::watch;
use wire::otlp::Decoded;
use wire::otlp::tree::{Metrics, Traces};

use crate::component::Run;
use crate::consumer::{Answer, Consumer};
use crate::telemetry::{Telemetry, Tree};

/// Counts spans.
pub(super) trait Counts: Send + 'static {
    /// Looks at spans that came at `now`, in nanoseconds since 1970.
    fn add(&mut self, traces: &Traces, now: i64);

    /// What was counted until `now`.
    fn metrics(&mut self, now: i64) -> Metrics;

    /// What [`Counts::metrics`] gave has been taken.
    fn sent(&mut self);
}

/// Counts in front of `next`, which gets metrics every `interval`, and at the end; of 0 with every request.
pub(super) fn begin<C: Counts>(
    counts: C,
    interval: Duration,
    clock: Arc<dyn Clock>,
    next: Option<Arc<dyn Consumer>>,
    run: &mut Run,
) -> Arc<dyn Consumer> {
    let counts = Arc::new(Mutex::new(counts));
    let mut at_once = None;
    match next {
        Some(next) if interval.is_zero() => at_once = Some(next),
        Some(next) => run.spawn("flush", flushing(counts.clone(), interval, clock.clone(), next, run.stopped())),
        None => {}
    }
    Arc::new(Front { counts, clock, at_once })
}

async fn flushing<C: Counts>(
    counts: Arc<Mutex<C>>,
    interval: Duration,
    clock: Arc<dyn Clock>,
    next: Arc<dyn Consumer>,
    mut stopped: watch::Receiver<bool>,
) {
    let mut ticks = tokio::time::interval(interval);
    // The first tick comes at once, when there is nothing to send.
    ticks.tick().await;
    loop {
        let last = tokio::select! {
            _ = ticks.tick() => false,
            _ = stopped.wait_for(|stop| *stop) => true,
        };
        flush(&counts, &*clock, &*next).await;
        if last {
            break;
        }
    }
}

async fn flush<C: Counts>(counts: &Mutex<C>, clock: &dyn Clock, next: &dyn Consumer) {
    let metrics = counts.lock().metrics(clock.now().0);
    if metrics.is_empty() {
        return;
    }
    match next.consume(Telemetry::of(metrics)).await {
        Ok(_) => counts.lock().sent(),
        Err(e) => {
            tracing::warn!(error = %e, "metrics of a connector were refused; they are sent again with the next ones");
        }
    }
}

struct Front<C> {
    counts: Arc<Mutex<C>>,
    clock: Arc<dyn Clock>,
    /// Gets metrics with every request.
    at_once: Option<Arc<dyn Consumer>>,
}

impl<C: Counts> Consumer for Front<C> {
    fn consume(&self, mut telemetry: Telemetry) -> Answer<'_> {
        Box::pin(async move {
            let Tree::Traces(traces) = telemetry.tree()? else { return Ok(Decoded::default()) };
            self.counts.lock().add(traces, self.clock.now().0);
            let accepted = traces.items() as u64;
            if let Some(next) = &self.at_once {
                flush(&self.counts, &*self.clock, &**next).await;
            }
            Ok(Decoded { accepted, ..Decoded::default() })
        })
    }
}
