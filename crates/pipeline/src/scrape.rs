//! Scraping: pulls metrics from targets over HTTP, as Prometheus does.
//!
//! [`config`] says what is scraped; [`discovery`] finds the targets and [`target`] labels them; one task per target
//! ([`run`]) fetches ([`http`]), relabels through a cache ([`cache`]) and hands over ([`samples`]); [`state`] is what others may ask.
//! Source: prometheus.io, "Configuration" (`scrape_config`, `relabel_config`) and "Staleness"; where the text leaves a
//! choice, what Prometheus' scrape package does. Decisions: ADR 0016.
//! *Invariant:* knows no YAML and no command line.

mod cache;
pub mod config;
mod discovery;
mod http;
mod otlp;
pub mod relabel;
mod run;
mod samples;
mod state;
mod target;
#[cfg(test)]
mod tests;

pub use config::{ScrapeConfig, Scraping};
pub use run::serve;
pub use samples::Destination;
pub use state::{Health, Pool, TargetState, Targets};
