//! The configuration as it is written, every part optional; an unknown name is an error.

use std::fmt;
use std::path::PathBuf;

use serde::Deserialize;
use serde::de::{self, Deserializer, Visitor};

use super::{metrics, scrape};

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Raw {
    pub listen: Option<String>,
    pub receivers: Receivers,
    pub global: scrape::Global,
    pub scrape_configs: Vec<scrape::Job>,
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
pub(super) struct Receivers {
    pub otlp: OtlpReceiver,
    pub prometheus: scrape::PrometheusReceiver,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct OtlpReceiver {
    pub protocols: Otlp,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Otlp {
    pub grpc: OtlpGrpc,
    pub http: OtlpHttp,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct OtlpGrpc {
    pub endpoint: Option<String>,
    pub max_recv_msg_size_mib: Option<u64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct OtlpHttp {
    pub endpoint: Option<String>,
    pub max_request_body_size: Option<Size>,
    pub cors: Cors,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Cors {
    pub allowed_origins: Option<Vec<String>>,
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

/// Reads YAML. An empty file is an empty configuration.
///
/// # Errors
/// What is wrong, with line and column, and the name that was probably meant.
pub(super) fn parse(text: &str) -> Result<Raw, String> {
    if text.lines().all(|l| l.trim().is_empty() || l.trim_start().starts_with('#')) {
        return Ok(Raw::default());
    }
    serde_saphyr::from_str(text).map_err(|e| with_suggestion(&e.to_string()))
}

/// Adds "did you mean" to the reader's "unknown field `x`, expected one of a, b".
fn with_suggestion(message: &str) -> String {
    let message = message.strip_prefix("error: ").unwrap_or(message);
    let nearest = || {
        let (unknown, rest) = message.split_once("unknown field `")?.1.split_once('`')?;
        let expected = rest.split_once("expected ")?.1.lines().next()?;
        let names = expected.trim_start_matches("one of ").split(", ").map(|n| n.trim_matches('`'));
        let near = names.map(|name| (strsim::levenshtein(unknown, name), name)).min()?;
        (near.0 * 2 <= near.1.len()).then_some(near.1)
    };
    match nearest() {
        Some(name) => format!("{message}\ndid you mean `{name}`?"),
        None => message.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use strsim::levenshtein;

    #[test]
    fn distance() {
        assert_eq!(levenshtein("endpiont", "endpoint"), 2);
        assert_eq!(levenshtein("", "abc"), 3);
        assert_eq!(levenshtein("abc", "abc"), 0);
    }
}
