//! Rules over the engines of this server: what they ask, where their series go, who hears of alerts.

mod append;
mod ask;
mod shown;

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Instant;

use alerting::Timeline;
use alerting::rules::alertmanager::{Alertmanagers, Target};
use alerting::rules::{AlertSink, Engine, External, Rulebook, Surroundings, Times};
use anyhow::Context as _;
use foundation::shutdown::Shutdown;
use foundation::{Clock, UnixNanos};
use metastore::Metastore;
use net::{Client, ClientOptions};
use pipeline::Engines;

use crate::config::Config;
pub(super) use append::EngineAppender;
use ask::EngineQuery;
pub(super) use shown::rule_groups;

/// Rules, and the threads that evaluate them.
pub(super) struct Rules {
    pub book: Arc<Rulebook>,
    pub alertmanagers: Arc<Alertmanagers>,
}

/// What rules are put together of.
pub(super) struct Parts<'a> {
    pub config: &'a Config,
    pub engines: &'a Engines,
    pub clock: Arc<dyn Clock>,
    pub store: Metastore,
    pub timeline: Timeline,
    /// Those besides the Alertmanagers of the configuration that hear of alerts.
    pub sinks: Vec<Arc<dyn AlertSink>>,
    /// Where people reach this server.
    pub url: String,
}

/// Reads all rules. Nothing is evaluated yet.
pub(super) fn open(parts: Parts<'_>) -> anyhow::Result<Rules> {
    let settings = &parts.config.rules;
    let external_labels = parts.config.scraping.external_labels.clone();
    let mut targets = Vec::new();
    for a in &settings.alertmanagers {
        let client = Client::new(&a.http, ClientOptions::default())
            .with_context(|| format!("alerting.alertmanagers: cannot send to {}", a.url))?;
        targets.push(Target { url: a.url.clone(), client, timeout: a.timeout });
    }
    let alertmanagers = Arc::new(Alertmanagers::new(targets, external_labels.clone()));
    let mut sinks: Vec<Arc<dyn AlertSink>> = vec![alertmanagers.clone()];
    sinks.extend(parts.sinks);
    let surroundings = Surroundings {
        query: Arc::new(EngineQuery::new(parts.engines.clone(), parts.config)),
        appender: Arc::new(EngineAppender::new(parts.engines.metrics.clone())),
        sink: Arc::new(sinks),
        external: External { labels: external_labels, url: parts.url },
        timeline: Some(parts.timeline),
        options: settings.options.clone(),
    };
    let times = Times { wall: parts.clock, steady: Arc::new(SteadyClock(Instant::now())) };
    let engine = Arc::new(Engine::new(surroundings, times));
    let book = Arc::new(Rulebook::new(engine, parts.store));
    book.reload(&settings.files).context("rule_files")?;
    for file in book.findings() {
        let name = file.file.as_str().into();
        for finding in &file.findings {
            tracing::warn!("{}", finding.of(&name));
        }
    }
    Ok(Rules { book, alertmanagers })
}

impl Rules {
    /// Evaluates from now on.
    pub(super) fn start(&self, threads: usize, shutdown: &Shutdown) -> std::io::Result<Threads> {
        self.book.engine().start(threads, shutdown).map(Threads)
    }
}

/// The threads; joined at the end, before the engines are closed.
pub(super) struct Threads(Vec<JoinHandle<()>>);

impl Threads {
    pub(super) fn join(self) {
        for thread in self.0 {
            if thread.join().is_err() {
                tracing::error!("a thread that evaluates rules had panicked");
            }
        }
    }
}

/// A clock that nobody sets: the time since the start.
struct SteadyClock(Instant);

impl Clock for SteadyClock {
    fn now(&self) -> UnixNanos {
        UnixNanos::default().plus(self.0.elapsed())
    }
}
