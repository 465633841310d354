//! The tasks: one that discovers, one per target that scrapes.
//!
//! A target is scraped at times that its labels decide, so that targets are spread over the interval and a restart
//! keeps the rhythm. When discovery loses a target its series become stale two intervals later, unless the target is back; when
//! the server stops nothing is marked, because it will most likely go on where it was. Both as in Prometheus.

use std::collections::HashMap;
use std::hash::{Hash as _, Hasher as _};
use std::sync::Arc;
use std::time::Duration;

use foundation::{Clock, UnixNanos};
use net::Client;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;
use wire::prometheus::exposition::{self, Options};

use super::cache::{Counts, ScrapeSink, SeriesCache};
use super::config::{ScrapeConfig, Scraping};
use super::discovery::Files;
use super::http::{self, Answer};
use super::samples::{Destination, Samples};
use super::state::{Health, TargetEntry, Targets};
use super::target::{Populated, Target, populate};

/// Files of targets are looked at this often at least, whatever their `refresh_interval`.
const DISCOVERY_PERIOD: Duration = Duration::from_secs(5);
/// A scrape that begins this little off its time is stamped with its time: equal distances compress to nothing.
const ALIGNMENT_MAX: Duration = Duration::from_millis(2);
/// Bodies above this are parsed away from the threads that serve sockets.
const PARSE_INLINE_BYTES_MAX: usize = 256 << 10;

/// What a target's task is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Command {
    Run,
    /// The target is gone: finish, and mark its series.
    Lost,
    /// The server stops.
    Stop,
}

/// A task that scrapes.
struct Running {
    entry: TargetEntry,
    command: watch::Sender<Command>,
}

/// Scrapes until `stop` says so.
pub async fn serve(
    scraping: Scraping,
    destination: Destination,
    clock: Arc<dyn Clock>,
    targets: Targets,
    mut stop: watch::Receiver<bool>,
) {
    targets.begin(&scraping);
    let pools: Vec<Arc<ScrapeConfig>> = scraping.pools.into_iter().map(Arc::new).collect();
    let period =
        pools.iter().flat_map(|p| &p.file_sd_configs).map(|sd| sd.refresh_interval.min(DISCOVERY_PERIOD)).min();
    let mut files = Files::default();
    let mut tasks = JoinSet::new();
    let mut running: HashMap<(usize, (String, String)), Running> = HashMap::new();
    let client = |pool: &Arc<ScrapeConfig>| {
        let made = http::client(pool);
        made.map_err(|e| tracing::error!(job = %pool.job_name, "nothing of this job is scraped: {e}")).ok()
    };
    let clients: Vec<Option<Client>> = pools.iter().map(client).collect();
    loop {
        for (n, (pool, client)) in pools.iter().zip(&clients).enumerate() {
            let Some(client) = client else { continue };
            let found = tokio::task::block_in_place(|| files.discover(pool));
            let (wanted, dropped) = populate_all(pool, found);
            let mut active = Vec::with_capacity(wanted.len());
            for target in wanted {
                let run = running.entry((n, target.identity())).or_insert_with(|| {
                    let entry = TargetEntry::new(Arc::new(target));
                    let (command, told) = watch::channel(Command::Run);
                    let task = Scraper {
                        entry: entry.clone(),
                        config: pool.clone(),
                        destination: destination.clone(),
                        clock: clock.clone(),
                        cache: SeriesCache::default(),
                        client: client.clone(),
                    };
                    tasks.spawn(task.run(told));
                    Running { entry, command }
                });
                active.push(run.entry.clone());
            }
            running.retain(|(pool, _), run| {
                let kept = *pool != n || active.iter().any(|a| Arc::ptr_eq(&a.target, &run.entry.target));
                if !kept {
                    run.command.send_replace(Command::Lost);
                }
                kept
            });
            targets.set(&pool.job_name, active, dropped);
        }
        tokio::select! {
            _ = stop.wait_for(|stopped| *stopped) => break,
            () = sleep_or_forever(period) => {}
        }
        while tasks.try_join_next().is_some() {}
    }
    for run in running.values() {
        run.command.send_replace(Command::Stop);
    }
    // Lost targets that wait to mark their series are cut off with the rest, as in Prometheus.
    drop(running);
    tasks.abort_all();
    while tasks.join_next().await.is_some() {}
    targets.end();
}

async fn sleep_or_forever(period: Option<Duration>) {
    match period {
        Some(period) => tokio::time::sleep(period).await,
        None => std::future::pending().await,
    }
}

/// The targets of a pool, and the labels of those that were dropped. What cannot be scraped is said in the log.
fn populate_all(pool: &ScrapeConfig, found: Vec<super::discovery::Discovered>) -> (Vec<Target>, Vec<model::Labels>) {
    let (mut wanted, mut dropped) = (Vec::new(), Vec::new());
    for (address, labels) in found {
        match populate(pool, &address, &labels) {
            Populated::Active(target) => wanted.push(*target),
            Populated::Dropped(labels) => dropped.push(labels),
            Populated::Wrong(why) => tracing::warn!(job = %pool.job_name, "a target is left out: {why}"),
        }
    }
    let limit = pool.limits.target_limit;
    if limit > 0 && wanted.len() > limit {
        tracing::warn!(job = %pool.job_name, targets = wanted.len(), limit, "target_limit exceeded: nothing of this job is scraped");
        wanted.clear();
    }
    (wanted, dropped)
}

/// Scrapes one target.
struct Scraper {
    entry: TargetEntry,
    config: Arc<ScrapeConfig>,
    destination: Destination,
    clock: Arc<dyn Clock>,
    cache: SeriesCache,
    client: Client,
}

impl Scraper {
    async fn run(mut self, mut told: watch::Receiver<Command>) {
        let interval = self.entry.target.interval;
        let mut next = Instant::now() + self.until_first();
        loop {
            tokio::select! {
                () = tokio::time::sleep_until(next) => {}
                _ = told.wait_for(|c| *c != Command::Run) => break,
            }
            let scheduled = self.clock.now().minus(Instant::now().saturating_duration_since(next));
            self.scrape(scheduled).await;
            // A scrape that took too long skips what it missed.
            while next <= Instant::now() {
                next += interval;
            }
        }
        if *told.borrow() == Command::Lost {
            self.end_of_run(next).await;
        }
    }

    /// How long until this target's place in the interval comes.
    fn until_first(&self) -> Duration {
        let target = &self.entry.target;
        let interval = target.interval.as_nanos().max(1) as u64;
        let mut hasher = rustc_hash::FxHasher::default();
        target.identity().hash(&mut hasher);
        let place = hasher.finish() % interval;
        let now = self.clock.now().0 as u64 % interval;
        Duration::from_nanos(if place >= now { place - now } else { place + interval - now })
    }

    async fn scrape(&mut self, scheduled: UnixNanos) {
        let began = Instant::now();
        let now = self.clock.now();
        let late = Duration::from_nanos(now.0.saturating_sub(scheduled.0).unsigned_abs());
        let aligned = late <= ALIGNMENT_MAX.min(self.entry.target.interval / 100);
        let t = if aligned { scheduled } else { now }.as_millis();
        let target = self.entry.target.clone();
        let fetch = http::fetch(&self.client, &target, &self.config);
        let fetched = tokio::time::timeout(target.timeout, fetch)
            .await
            .unwrap_or_else(|_| Err(format!("the scrape did not end within {:?} (scrape_timeout)", target.timeout)));
        let took = began.elapsed();
        let (mut samples, outcome) = match fetched {
            Ok(answer) if answer.body.len() > PARSE_INLINE_BYTES_MAX => {
                tokio::task::block_in_place(|| self.take(&answer, t))
            }
            Ok(answer) => self.take(&answer, t),
            Err(why) => {
                let mut samples = self.destination.samples();
                self.cache.end_all(&mut samples, t);
                (samples, Err((why, Counts::default())))
            }
        };
        let (up, counts, error) = match outcome {
            Ok(counts) => (1.0, counts, String::new()),
            Err((why, counts)) => (0.0, counts, why),
        };
        report(&mut samples, &target, t, up, took, counts);
        let metadata = self.cache.take_metadata(&mut samples);
        let health = if error.is_empty() { Health::Up } else { Health::Down };
        let before = {
            let mut latest = self.entry.latest.lock();
            (latest.time, latest.took) = (Some(now), took);
            latest.error.clone_from(&error);
            if let Some(metadata) = metadata {
                latest.metadata = metadata.into();
            }
            std::mem::replace(&mut latest.health, health)
        };
        let job = &self.config.job_name;
        match (before, health) {
            (Health::Up | Health::Unknown, Health::Down) => {
                tracing::warn!(job, target = target.url(), "a target cannot be scraped: {error}");
            }
            (Health::Down, Health::Up) => tracing::info!(job, target = target.url(), "the target is scraped again"),
            _ => {}
        }
        self.append(samples).await;
    }

    /// Reads a body. A body that is wrong, or a limit that is exceeded, leaves stale markers only.
    fn take(&mut self, answer: &Answer, t: i64) -> (Samples, Result<Counts, (String, Counts)>) {
        let options = Options {
            native: self.config.scrape_native_histograms,
            always_classic: self.config.always_scrape_classic_histograms,
            ..Options::default()
        };
        let mut samples = self.destination.samples();
        self.cache.begin();
        let mut sink = ScrapeSink {
            cache: &mut self.cache,
            samples: &mut samples,
            config: &self.config,
            target: &self.entry.target.labels,
            t,
            counts: Counts::default(),
            failure: None,
        };
        let parsed = exposition::parse(answer.format, &answer.body, &options, &mut sink);
        let (counts, failure) = (sink.counts, sink.failure.take());
        match parsed.map_err(|e| e.to_string()).and(failure.map_or(Ok(()), Err)) {
            Ok(()) => {
                self.cache.end(&mut samples, t);
                (samples, Ok(counts))
            }
            Err(why) => {
                let mut samples = self.destination.samples();
                self.cache.end_all(&mut samples, t);
                (samples, Err((why, Counts { added: 0, ..counts })))
            }
        }
    }

    async fn append(&self, samples: Samples) {
        let (job, target) = (self.config.job_name.as_str(), &self.entry.target);
        self.destination.append(samples, job, target, self.cache.families()).await;
    }

    /// The target is gone. It may only be coming back under another task, so that the markers wait for two more scrapes to
    /// pass, and carry the time of the first of them: if the series went on, they are refused as too old.
    async fn end_of_run(mut self, next: Instant) {
        let interval = self.entry.target.interval;
        tokio::time::sleep_until(next).await;
        let t = self.clock.now().as_millis();
        tokio::time::sleep(interval + interval / 10).await;
        let mut samples = self.destination.samples();
        self.cache.end_all(&mut samples, t);
        for name in REPORT {
            sample(&mut samples, name, &self.entry.target, t, f64::from_bits(tsdb::STALE_NAN));
        }
        self.append(samples).await;
    }
}

/// What the scraper adds to every scrape.
const REPORT: [&str; 5] = [
    "up",
    "scrape_duration_seconds",
    "scrape_samples_scraped",
    "scrape_samples_post_metric_relabeling",
    "scrape_series_added",
];

fn report(samples: &mut Samples, target: &Target, t: i64, up: f64, took: Duration, counts: Counts) {
    let values = [up, took.as_secs_f64(), counts.scraped as f64, counts.post_relabel as f64, counts.added as f64];
    REPORT.iter().zip(values).for_each(|(name, value)| sample(samples, name, target, t, value));
}

fn sample(samples: &mut Samples, name: &str, target: &Target, t: i64, value: f64) {
    let mut key = Vec::new();
    tsdb::key::write([("__name__", name)].into_iter().chain(target.labels.iter()), &mut key);
    samples.number(&key, t, value);
}
