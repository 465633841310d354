//! The running graph and scrapes, and how the next ones take their place.

use std::sync::Arc;
use std::time::Duration;

use foundation::Clock;
use net::HttpConfig;
use pipeline::component::Host;
use pipeline::graph::{Graph, Plan};
use pipeline::scrape::{self, Destination, Scraping, Targets};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use yaml::Node;

use crate::config::{ConfigError, Loaded};

/// What runs as the configuration says, and can be replaced while the rest stays.
pub(crate) struct Live {
    graph: Option<Graph>,
    host: Host,
    /// The printed part of the configuration that a reload does not change.
    fixed: String,
    drain: Duration,
    scrapes: Option<Scrapes>,
}

/// The scraping tasks.
struct Scrapes {
    /// What is scraped, as it is printed, and what is not printed of it: whether it changed.
    text: String,
    secrets: Vec<HttpConfig>,
    targets: Targets,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

/// Says what is to be said of a configuration that runs.
pub(crate) fn warn(warnings: &[String]) {
    for warning in warnings {
        tracing::warn!("{warning}");
    }
}

impl Live {
    /// Starts the graph of `plan`.
    pub(crate) async fn start(plan: Plan, host: Host, fixed: String, drain: Duration) -> anyhow::Result<Self> {
        let mut graph = Graph::start(plan, &host).await?;
        graph.start_waiting().await?;
        Ok(Self { graph: Some(graph), host, fixed, drain, scrapes: None })
    }

    /// Scrapes what `scraping` says, in the place of what was scraped before.
    pub(crate) fn scrape(&mut self, scraping: Scraping, targets: Targets) {
        let Some(ingest) = self.host.engines.clone() else { return };
        let clock: Arc<dyn Clock> = self.host.clock.clone();
        let (stop, stopped) = watch::channel(false);
        let (text, secrets) = (format!("{scraping:?}"), secrets(&scraping));
        let task = tokio::spawn(scrape::serve(scraping, Destination::Engine(ingest), clock, targets.clone(), stopped));
        self.scrapes = Some(Scrapes { text, secrets, targets, stop, task });
    }

    /// Reads the configuration again, and lets its graph take the place of the one that runs: the new one takes requests before
    /// the old one stops. When anything is wrong the old one stays.
    pub(crate) async fn reload(
        &mut self,
        load: impl Fn() -> Result<Loaded, ConfigError> + Send + Sync,
    ) -> Result<String, String> {
        let outcome = self.try_reload(load).await;
        match &outcome {
            Ok(done) => tracing::info!("{done}"),
            Err(why) => tracing::error!("the configuration is not reloaded, the old one stays: {why}"),
        }
        outcome
    }

    async fn try_reload(
        &mut self,
        load: impl Fn() -> Result<Loaded, ConfigError> + Send + Sync,
    ) -> Result<String, String> {
        let loaded = tokio::task::block_in_place(load).map_err(|e| e.to_string())?;
        warn(&loaded.warnings);
        let mut next = Graph::start(loaded.plan, &self.host).await.map_err(|e| e.to_string())?;
        let mut old = self.graph.take();
        if let Some(old) = &mut old {
            old.stop_receivers(self.drain).await;
        }
        let waiting = next.start_waiting().await;
        self.graph = Some(next);
        if let Some(old) = old {
            old.stop(self.drain).await;
        }
        self.host.board.forget_stopped();
        if let Some(scrapes) = self.scrapes.take() {
            let next = &loaded.config.scraping;
            if scrapes.text == format!("{next:?}") && scrapes.secrets == secrets(next) {
                self.scrapes = Some(scrapes);
            } else {
                let targets = scrapes.targets.clone();
                scrapes.stop(self.drain).await;
                self.scrape(loaded.config.scraping, targets);
            }
        }
        waiting.map_err(|e| format!("the new configuration runs, except for {e}"))?;
        let changed = changed_sections(&self.fixed, &loaded.fixed);
        Ok(if changed.is_empty() {
            "the configuration is reloaded".to_owned()
        } else {
            format!("pipelines are reloaded; what changed in {} is used after a restart", changed.join(", "))
        })
    }

    /// Stops scraping, then the graph from the front to the back.
    pub(crate) async fn stop(self) {
        if let Some(scrapes) = self.scrapes {
            scrapes.stop(self.drain).await;
        }
        if let Some(graph) = self.graph {
            graph.stop(self.drain).await;
        }
    }
}

fn secrets(scraping: &Scraping) -> Vec<HttpConfig> {
    scraping.pools.iter().map(|pool| pool.http.clone()).collect()
}

impl Scrapes {
    async fn stop(mut self, deadline: Duration) {
        self.stop.send_replace(true);
        if tokio::time::timeout(deadline, &mut self.task).await.is_err() {
            tracing::warn!("scrapes did not end in {deadline:?}; cut off");
            self.task.abort();
        }
    }
}

/// The top sections in which two printed configurations differ; scrapes and rule files follow a reload.
fn changed_sections(old: &str, new: &str) -> Vec<String> {
    let (Ok(old), Ok(new)) = (yaml::parse("", old), yaml::parse("", new)) else { return Vec::new() };
    let keys = new.entries().iter().chain(old.entries()).map(|(key, _)| key.text.clone());
    let mut changed: Vec<String> = keys
        .filter(|key| !["scrape_configs", "global", "rule_files"].contains(&key.as_str()))
        .filter(|key| !same(old.get(key), new.get(key)))
        .collect();
    changed.dedup();
    changed.sort();
    changed.dedup();
    changed
}

/// Whether two values say the same, wherever they stand.
fn same(a: Option<&Node>, b: Option<&Node>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => {
            let values = a.as_str() == b.as_str();
            let items = a.items().len() == b.items().len()
                && a.items().iter().zip(b.items()).all(|(a, b)| same(Some(a), Some(b)));
            let entries = a.entries().len() == b.entries().len()
                && a.entries().iter().all(|(key, value)| same(Some(value), b.get(&key.text)));
            values && items && entries
        }
        (None, None) => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_that_changed_are_named() {
        let old =
            "storage: {retention: 1d, logs: {size_max: 0}}\nserver: {api: '1'}\nscrape_configs: [{job_name: a}]\n";
        let new = "server: {api: '1'}\nstorage: {retention: 2d, logs: {size_max: 0}}\nscrape_configs: []\n";
        assert_eq!(changed_sections(old, new), ["storage"]);
        assert!(changed_sections(old, old).is_empty());
    }
}
