//! `receivers.prometheus` of the document: what it says is scraped together with our own `scrape_configs`.

use std::net::SocketAddr;
use std::path::Path;

use pipeline::config::{Collector, read};
use pipeline::graph::Plan;
use pipeline::scrape::Scraping;
use yaml::{Findings, Node, Value};

use super::Problems;
use super::scrape::{self, PrometheusReceiver};

/// The port of a Collector's own metrics.
const SELF_METRICS_PORT: u16 = 8888;

/// The ids of the scraping receivers that a pipeline names.
fn scraping_ids(document: &Node) -> Vec<String> {
    let named = |id: &str| {
        let pipelines = document.get("service").and_then(|s| s.get("pipelines")).map(Node::entries).unwrap_or_default();
        pipelines
            .iter()
            .filter_map(|(_, pipeline)| pipeline.get("receivers"))
            .any(|list| list.as_str() == Some(id) || list.items().iter().any(|item| item.as_str() == Some(id)))
    };
    let receivers = document.get("receivers").map(Node::entries).unwrap_or_default();
    let ids = receivers.iter().map(|(key, _)| key.text.as_str());
    ids.filter(|id| id.split('/').next() == Some("prometheus") && named(id)).map(str::to_owned).collect()
}

/// Puts what is written in ways that cannot work, but can be meant, in the way that works.
pub(super) fn prepare(document: &mut Node, self_metrics: SocketAddr, findings: &mut Findings) {
    for id in scraping_ids(document) {
        let path = format!("receivers.{id}");
        let receiver = document.entry("receivers").entry(&id);
        if receiver.get("config").is_none() && receiver.get("scrape_configs").is_some() {
            findings.warning(
                receiver.place_of("scrape_configs"),
                format!("{path}.scrape_configs"),
                "is taken as `config.scrape_configs`",
                "write `config:` above it",
                Some(Collector::Refuses.into()),
            );
            let inner = std::mem::replace(&mut receiver.value, Value::Null);
            let place = receiver.place.clone();
            *receiver.entry("config") = Node { place, value: inner };
        }
        if let Value::Sequence(jobs) = &mut receiver.entry("config").entry("scrape_configs").value {
            for (n, job) in jobs.iter_mut().enumerate() {
                reachable(job, &format!("{path}.config.scrape_configs[{n}]"), self_metrics, findings);
            }
        }
    }
}

/// `0.0.0.0` is where one listens, not where one connects to.
fn reachable(job: &mut Node, path: &str, self_metrics: SocketAddr, findings: &mut Findings) {
    let Value::Sequence(groups) = &mut job.entry("static_configs").value else { return };
    for group in groups {
        let Value::Sequence(targets) = &mut group.entry("targets").value else { continue };
        for target in targets {
            let Some(port) = target.as_str().and_then(|t| t.strip_prefix("0.0.0.0:")?.parse::<u16>().ok()) else {
                continue;
            };
            let own = port == SELF_METRICS_PORT;
            let port = if own { self_metrics.port() } else { port };
            let meant = format!("127.0.0.1:{port}");
            let what = if own { ", Bellrock's own metrics," } else { "" };
            findings.warning(
                &target.place,
                format!("{path}.static_configs.targets"),
                format!("0.0.0.0 is no address to connect to; {meant}{what} is scraped"),
                format!("write `{meant}`"),
                Some(Collector::Accepts.into()),
            );
            target.set_text(&meant);
        }
    }
}

/// Reads what the receivers of the document scrape. What goes straight into the engines is added to `scraping`; the other receivers are
/// told, and scrape into their pipelines.
pub(super) fn scraping(
    document: &Node,
    scraping: &mut Scraping,
    plan: &mut Option<Plan>,
    base: &Path,
    findings: &mut Findings,
    p: &mut Problems,
) {
    for id in scraping_ids(document) {
        let Some(node) = document.get("receivers").and_then(|r| r.get(&id)) else { continue };
        let path = format!("receivers.{id}");
        let path_of = |setting: &str| format!("{path}.{setting}");
        let Some(receiver) = read::<PrometheusReceiver>(node, path_of, findings) else { continue };
        let config = receiver.config;
        let place = format!("{path}.config.");
        match plan.as_mut().filter(|plan| !plan.is_straight(&id)) {
            None => scrape::add(scraping, &place, config.global, config.scrape_configs, base, p),
            Some(plan) => {
                let mut own = Scraping::default();
                scrape::add(&mut own, &place, config.global, config.scrape_configs, base, p);
                plan.scrape(&id, own);
            }
        }
    }
}
