//! The scraper's targets in the shapes that the API shows: the two know nothing of each other.

use std::sync::Arc;

use api::sources::{Health, ScrapePool, Source, Target};
use pipeline::scrape::{self, Pool, TargetState, Targets};

/// The state of `targets` whenever it is asked for.
pub(super) fn source(targets: Targets) -> Source<Vec<ScrapePool>> {
    Arc::new(move || targets.pools().into_iter().map(pool).collect())
}

fn pool(pool: Pool) -> ScrapePool {
    ScrapePool { name: pool.name, active: pool.active.into_iter().map(target).collect(), dropped: pool.dropped }
}

fn target(t: TargetState) -> Target {
    Target {
        discovered_labels: t.discovered_labels,
        labels: t.labels,
        global_url: t.scrape_url.clone(),
        scrape_url: t.scrape_url,
        last_error: t.last_error,
        last_scrape: t.last_scrape,
        last_scrape_duration: t.last_scrape_duration,
        health: match t.health {
            scrape::Health::Up => Health::Up,
            scrape::Health::Down => Health::Down,
            scrape::Health::Unknown => Health::Unknown,
        },
        scrape_interval: t.scrape_interval,
        scrape_timeout: t.scrape_timeout,
        metadata: t.metadata,
    }
}
