//! What is known of the targets, for those who ask: the API, the UI.

use std::sync::Arc;
use std::time::Duration;

use foundation::UnixNanos;
use model::Labels;
use parking_lot::{Mutex, RwLock};
use tsdb::Metadata;

use super::config::Scraping;
use super::target::Target;

/// Dropped targets that are remembered per pool.
const DROPPED_MAX: usize = 1000;

/// The state of all targets; clones share it. Each scrapes for an owner, which knows nothing of the pools of others.
#[derive(Clone, Default)]
pub struct Targets {
    shared: Arc<Shared>,
    /// Empty for `scrape_configs` of the server; the id of a receiver that scrapes into its pipelines.
    owner: Arc<str>,
}

#[derive(Default)]
struct Shared {
    pools: RwLock<Vec<PoolEntry>>,
    external_labels: RwLock<Labels>,
}

struct PoolEntry {
    owner: Arc<str>,
    name: String,
    active: Vec<TargetEntry>,
    dropped: Vec<Labels>,
}

/// A target and the part of its state that its task changes.
#[derive(Clone)]
pub(super) struct TargetEntry {
    pub(super) target: Arc<Target>,
    pub(super) latest: Arc<Mutex<Latest>>,
}

/// What the last scrape was like.
#[derive(Debug, Clone)]
pub(super) struct Latest {
    pub(super) error: String,
    pub(super) time: Option<UnixNanos>,
    pub(super) took: Duration,
    pub(super) health: Health,
    pub(super) metadata: Arc<[(String, Metadata)]>,
}

impl TargetEntry {
    pub(super) fn new(target: Arc<Target>) -> Self {
        let latest = Latest {
            error: String::new(),
            time: None,
            took: Duration::ZERO,
            health: Health::Unknown,
            metadata: Arc::new([]),
        };
        Self { target, latest: Arc::new(Mutex::new(latest)) }
    }
}

/// The targets of one scrape configuration.
#[derive(Debug, Clone)]
pub struct Pool {
    /// `job_name`.
    pub name: String,
    /// What is scraped.
    pub active: Vec<TargetState>,
    /// What relabelling dropped, by the labels before it; the first thousand.
    pub dropped: Vec<Labels>,
}

/// One target as it is now.
#[derive(Debug, Clone)]
pub struct TargetState {
    /// Before relabelling.
    pub discovered_labels: Labels,
    /// What its series get.
    pub labels: Labels,
    /// As it is requested.
    pub scrape_url: String,
    /// Why the last scrape failed; empty when it did not.
    pub last_error: String,
    /// Begin of the last scrape.
    pub last_scrape: Option<UnixNanos>,
    /// How long it took.
    pub last_scrape_duration: Duration,
    /// Whether it answered.
    pub health: Health,
    /// Time between two scrapes.
    pub scrape_interval: Duration,
    /// When a scrape gives up.
    pub scrape_timeout: Duration,
    /// What the target says of its metrics, by name.
    pub metadata: Arc<[(String, Metadata)]>,
}

/// How a target fares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
    /// The last scrape succeeded.
    Up,
    /// It failed.
    Down,
    /// There was none yet.
    Unknown,
}

impl Health {
    /// `up`, `down` or `unknown`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Down => "down",
            Self::Unknown => "unknown",
        }
    }
}

impl Targets {
    /// The same targets for another owner.
    pub fn of(&self, owner: &str) -> Self {
        Self { shared: self.shared.clone(), owner: owner.into() }
    }

    /// The state of now, by pool in the order of the configuration.
    pub fn pools(&self) -> Vec<Pool> {
        let pool = |p: &PoolEntry| Pool {
            name: p.name.clone(),
            active: p.active.iter().map(TargetEntry::state).collect(),
            dropped: p.dropped.clone(),
        };
        self.shared.pools.read().iter().map(pool).collect()
    }

    /// `external_labels` of the configuration that runs.
    pub fn external_labels(&self) -> Labels {
        self.shared.external_labels.read().clone()
    }

    /// Forgets the pools of another configuration, and takes the labels of the one that runs.
    pub(super) fn begin(&self, scraping: &Scraping) {
        let named = |pool: &PoolEntry| scraping.pools.iter().any(|p| p.job_name == pool.name);
        self.shared.pools.write().retain(|pool| pool.owner != self.owner || named(pool));
        if self.owner.is_empty() {
            *self.shared.external_labels.write() = scraping.external_labels.clone();
        }
    }

    /// Forgets what was scraped, for a receiver that may not come back.
    pub(super) fn end(&self) {
        if !self.owner.is_empty() {
            self.shared.pools.write().retain(|pool| pool.owner != self.owner);
        }
    }

    /// Replaces what is known of one pool.
    pub(super) fn set(&self, name: &str, active: Vec<TargetEntry>, mut dropped: Vec<Labels>) {
        dropped.truncate(DROPPED_MAX);
        let entry = PoolEntry { owner: self.owner.clone(), name: name.to_owned(), active, dropped };
        let mut pools = self.shared.pools.write();
        match pools.iter_mut().find(|p| p.owner == self.owner && p.name == name) {
            Some(pool) => *pool = entry,
            None => pools.push(entry),
        }
    }
}

impl TargetEntry {
    fn state(&self) -> TargetState {
        let Latest { error, time, took, health, metadata } = self.latest.lock().clone();
        let target = &self.target;
        TargetState {
            discovered_labels: target.discovered.clone(),
            labels: target.labels.clone(),
            scrape_url: target.url(),
            last_error: error,
            last_scrape: time,
            last_scrape_duration: took,
            health,
            scrape_interval: target.interval,
            scrape_timeout: target.timeout,
            metadata,
        }
    }
}
