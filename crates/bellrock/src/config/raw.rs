//! The configuration as it is written, every part optional; an unknown name is an error.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use pipeline::config::COLLECTOR_SECTIONS;
use serde::Deserialize;
use serde::de::{self, Deserializer, Visitor};
use yaml::{Findings, Manner, Node, Value, meant};

use super::{metrics, rules, scrape};

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Raw {
    pub listen: Option<String>,
    pub global: scrape::Global,
    pub scrape_configs: Vec<scrape::Job>,
    pub rule_files: Vec<PathBuf>,
    pub slo_files: Vec<PathBuf>,
    pub slos: Option<serde_json::Value>,
    pub error_budgets: Option<serde_json::Value>,
    pub dashboards: Dashboards,
    pub rules: rules::RawRules,
    pub alerting: super::alerting::RawAlerting,
    pub alerting_file: Option<PathBuf>,
    pub metrics: metrics::RawMetrics,
    pub remote_write_receiver: RemoteWriteReceiver,
    pub server: Server,
    pub storage: Storage,
    pub memory: Memory,
    pub query: Query,
    pub derived: super::derived::Raw,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Dashboards {
    pub paths: Vec<PathBuf>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RemoteWriteReceiver {
    pub max_request_body_size: Option<Size>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Server {
    pub api: Option<String>,
    pub ui: Option<String>,
    pub health: Option<String>,
    pub metrics: Option<String>,
    pub alertmanager: Option<String>,
    pub external_url: Option<String>,
    pub admin_api: Option<bool>,
    pub cors_origin: Option<String>,
    pub drain_timeout: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Storage {
    pub data_dir: Option<PathBuf>,
    pub retention: Option<String>,
    pub logs: super::limits::Raw,
    pub traces: super::limits::Raw,
    pub metrics: super::limits::Raw,
    pub min_free: Option<Size>,
    pub when_low: Option<String>,
    pub future_max: Option<String>,
    pub wal_compress: Option<bool>,
    pub merge_rate: Option<Size>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Memory {
    pub requests: Option<Size>,
    pub events: Option<Size>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Query {
    pub timeout: Option<String>,
    pub memory: Option<Size>,
    pub tails_max: Option<usize>,
}

/// A byte size, written as a number of bytes (the Collector's way) or with a unit.
#[derive(Debug)]
pub(super) struct Size(pub String);

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct SizeVisitor;
        impl Visitor<'_> for SizeVisitor {
            type Value = Size;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a byte size such as 64MiB")
            }

            fn visit_u64<E: de::Error>(self, n: u64) -> Result<Size, E> {
                Ok(Size(n.to_string()))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Size, E> {
                Ok(Size(text.to_owned()))
            }
        }
        deserializer.deserialize_any(SizeVisitor)
    }
}

/// Files of another kind that people name as configuration: the section that tells them, what they are, and what to do with them.
const OTHER_KINDS: [(&str, &str, &str); 2] = [
    (
        "groups",
        "this is a file of rules, and no configuration",
        "name it in `rule_files`, or look at it with `bellrock rules check`",
    ),
    (
        "route",
        "this is a file for Alertmanager, and no configuration",
        "name it in `alerting_file`, or look at it with `bellrock check-config`",
    ),
];

/// Says which files are of another kind, and names them.
fn other_kinds(document: &Node, findings: &mut Findings) -> Vec<Arc<str>> {
    let mut files = Vec::new();
    for (key, _) in document.entries() {
        if let Some((_, what, remedy)) = OTHER_KINDS.iter().find(|(section, ..)| key.text == *section) {
            findings.error(&key.place, key.text.as_str(), *what, *remedy);
            files.push(key.place.file.clone());
        }
    }
    files
}

/// Reads our own sections of a document.
///
/// # Errors
/// Everything that is wrong, with its place and the name that was probably meant.
pub(super) fn read(document: &Node, findings: &mut Findings) -> Option<Raw> {
    let others = other_kinds(document, findings);
    let own = document.entries().iter().filter(|(key, _)| !COLLECTOR_SECTIONS.contains(&key.text.as_str()));
    let own = Node { place: document.place.clone(), value: Value::Mapping(own.cloned().collect()) };
    match yaml::read::<Raw>(&own, Manner::Loose) {
        Ok((raw, unknown)) => {
            // What else stands in a file of another kind is right there.
            for u in unknown.into_iter().filter(|u| !others.contains(&u.key.place.file)) {
                let sections: &[&str] = if u.of.is_empty() { &COLLECTOR_SECTIONS } else { &[] };
                let remedy = meant(&u.key.text, u.known.iter().chain(sections).copied());
                findings.error(&u.key.place, u.path(), "is not known", remedy);
            }
            Some(raw)
        }
        Err(e) => {
            findings.error(&e.place, e.path, e.message, "");
            None
        }
    }
}

/// Our own sections of a text.
///
/// # Errors
/// Everything that is wrong, a line each.
#[cfg(test)]
pub(super) fn parse(text: &str) -> Result<Raw, String> {
    let mut findings = Findings::default();
    let node = yaml::parse("bellrock.yaml", text).map_err(|e| e.to_string())?;
    let raw = read(&node, &mut findings).filter(|_| !findings.has_errors());
    raw.ok_or_else(|| findings.to_string())
}
