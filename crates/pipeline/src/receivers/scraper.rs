//! Receivers that ask somebody at an interval.

use std::sync::Arc;
use std::time::Duration;

use foundation::{Clock, UnixNanos};
use model::Signal;
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior};

use crate::component::{Host, Outputs, Receiver, Refused, Reporter, Run, Setup, Starting};
use crate::config::Interval;
use crate::journal::Journal;
use crate::meters::Counter;
use crate::telemetry::Telemetry;

/// What was found, and why something is missing.
#[derive(Default)]
pub(super) struct Scraped {
    pub telemetry: Vec<Telemetry>,
    /// Empty when all is well.
    pub problem: String,
}

/// Asks once.
pub(super) trait Scraper: Send + 'static {
    fn scrape(&mut self, now: UnixNanos) -> impl Future<Output = Scraped> + Send;
}

/// How often.
#[derive(Debug, Clone, Copy)]
pub(super) struct Schedule {
    pub interval: Duration,
    pub delay: Duration,
}

impl Schedule {
    /// Checks the settings that all these receivers have.
    pub(super) fn new(setup: &mut Setup<'_>, interval: Interval, delay: Interval) -> Result<Self, Refused> {
        if interval.0 < Duration::from_millis(100) {
            return Err(setup.error("collection_interval", "must be at least 100ms"));
        }
        Ok(Self { interval: interval.0, delay: delay.0 })
    }
}

/// A receiver that asks.
pub(super) struct Asking<S> {
    pub schedule: Schedule,
    pub scraper: S,
}

impl<S: Scraper> Receiver for Asking<S> {
    fn overlaps(&self) -> bool {
        false
    }

    fn start<'a>(self: Box<Self>, outputs: Outputs, host: &'a Host, run: &'a mut Run) -> Starting<'a, ()> {
        Box::pin(async move {
            let labels = |id: &str| {
                let id = id.strip_prefix("receivers.").unwrap_or(id);
                let kind = id.split('/').next().unwrap_or(id);
                vec![("receiver", id.to_owned()), ("scraper", kind.to_owned())]
            };
            let meter = |what: &str| {
                host.journal.meters().counter(format!("otelcol_scraper_{what}_metric_points"), labels(run.component()))
            };
            let task = Task {
                scraped: meter("scraped"),
                errored: meter("errored"),
                schedule: self.schedule,
                outputs,
                clock: host.clock.clone(),
                journal: host.journal.clone(),
                reporter: run.reporter(),
                stop: run.stopped(),
            };
            run.spawn("scrape", task.run(self.scraper));
            Ok(())
        })
    }
}

struct Task {
    scraped: Counter,
    /// What could not be asked for: as many as there were problems, for nobody knows how many points are missing.
    errored: Counter,
    schedule: Schedule,
    outputs: Outputs,
    clock: Arc<dyn Clock>,
    journal: Journal,
    reporter: Reporter,
    stop: watch::Receiver<bool>,
}

impl Task {
    /// Asks at the interval until the end; a tick that comes while the last answer is awaited is left out.
    async fn run(mut self, mut scraper: impl Scraper) {
        let mut tick = tokio::time::interval_at(Instant::now() + self.schedule.delay, self.schedule.interval);
        tick.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let mut said = String::new();
        loop {
            tokio::select! {
                _ = tick.tick() => {}
                _ = self.stop.wait_for(|stopped| *stopped) => return,
            }
            let scraped = tokio::select! {
                scraped = scraper.scrape(self.clock.now()) => scraped,
                _ = self.stop.wait_for(|stopped| *stopped) => return,
            };
            if scraped.problem.is_empty() {
                self.reporter.ok();
            } else {
                self.reporter.recoverable(&scraped.problem);
                self.errored.add(1);
                self.journal.note(Some(Signal::Metrics), "scrape", &scraped.problem, 1);
                if scraped.problem != said {
                    tracing::warn!(problem = scraped.problem, "a receiver cannot ask");
                }
            }
            said = scraped.problem;
            for mut telemetry in scraped.telemetry {
                let signal = telemetry.signal();
                if signal == Signal::Metrics {
                    self.scraped.add(telemetry.count());
                }
                let Some(consumer) = self.outputs.of(signal) else { continue };
                // What is not taken now is measured again soon.
                if let Err(refusal) = consumer.consume(telemetry).await {
                    self.journal.request_refused(Some(signal), "scrape", &refusal.message);
                }
            }
        }
    }
}
