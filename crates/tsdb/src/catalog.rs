//! What is known about metrics by name: type, unit, help, and the OTel names they came from.
//!
//! Grows with metric names, not with series; small enough to be kept whole in
//! memory and written whole at each flush.

use std::collections::{BTreeMap, BTreeSet};

use foundation::text::beginning;

use crate::chunk::bits::{ByteReader, put_prefixed, put_varint};

/// Metric names that are remembered; those beyond have samples but no metadata.
const NAMES_MAX: usize = 200_000;

/// A name, unit or help takes at most this many bytes. Longer names have no metadata and do not lead to stored names;
/// longer units and helps are cut.
const TEXT_BYTES_MAX: usize = 1024;

/// Stored names that one name as sent leads to; units and kinds make them differ, and few metrics have two.
const STORED_NAMES_MAX: usize = 16;

/// The type of a metric, as Prometheus' metadata API names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MetricType {
    /// Only grows.
    Counter,
    /// Any value.
    Gauge,
    /// Counts per bucket.
    Histogram,
    /// Quantiles.
    Summary,
    /// Labels only, as `target_info`.
    Info,
    /// Not known.
    Unknown,
    /// Counts per bucket that go up and down.
    GaugeHistogram,
    /// Which of several states holds.
    StateSet,
}

impl MetricType {
    const ALL: [Self; 8] = [
        Self::Counter,
        Self::Gauge,
        Self::Histogram,
        Self::Summary,
        Self::Info,
        Self::Unknown,
        Self::GaugeHistogram,
        Self::StateSet,
    ];

    /// `counter`, `gauge`, ... as in the metadata API.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
            Self::Summary => "summary",
            Self::Info => "info",
            Self::Unknown => "unknown",
            Self::GaugeHistogram => "gaugehistogram",
            Self::StateSet => "stateset",
        }
    }

    /// The number it is stored as.
    pub(crate) fn code(self) -> u8 {
        Self::ALL.iter().position(|k| *k == self).unwrap_or_default() as u8
    }

    pub(crate) fn from_code(code: u8) -> Option<Self> {
        Self::ALL.get(usize::from(code)).copied()
    }
}

/// What a sender said about a metric.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metadata {
    /// What kind of metric it is.
    pub kind: MetricType,
    /// The unit as sent (UCUM for OTLP), or empty.
    pub unit: String,
    /// What it measures, or empty.
    pub help: String,
}

/// Metadata of one metric of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MetricInfo {
    /// The stored name, without `_bucket`, `_sum`, `_count`.
    pub(crate) name: String,
    /// The name as sent, when it differs.
    pub(crate) original: Option<String>,
    pub(crate) metadata: Metadata,
}

/// The suffixes of the series of one histogram or summary.
const SUFFIXES: [&str; 4] = ["", "_bucket", "_sum", "_count"];

/// Cuts a text to [`TEXT_BYTES_MAX`], before the character that would not fit.
fn cut(text: &mut String) {
    if text.len() > TEXT_BYTES_MAX {
        text.truncate(beginning(text, TEXT_BYTES_MAX).len());
        text.shrink_to_fit();
    }
}

/// All that is known about metrics by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Catalog {
    metadata: BTreeMap<String, Metadata>,
    /// Name as sent -> stored names.
    aliases: BTreeMap<String, BTreeSet<String>>,
}

impl Catalog {
    /// The newest metadata of a name wins.
    pub(crate) fn learn(&mut self, mut info: MetricInfo) {
        if info.name.len() > TEXT_BYTES_MAX {
            return;
        }
        cut(&mut info.metadata.unit);
        cut(&mut info.metadata.help);
        if let Some(original) = info.original.filter(|o| o.len() <= TEXT_BYTES_MAX) {
            self.learn_alias(&original, &info.name);
        }
        let room = self.metadata.len() < NAMES_MAX;
        match self.metadata.get_mut(&info.name) {
            Some(known) if *known != info.metadata => *known = info.metadata,
            None if room => drop(self.metadata.insert(info.name, info.metadata)),
            _ => {}
        }
    }

    /// Whether [`Catalog::learn`] would change nothing.
    pub(crate) fn knows(&self, info: &MetricInfo) -> bool {
        let alias = |original: &String| self.aliases.get(original).is_some_and(|names| names.contains(&info.name));
        self.metadata.get(&info.name) == Some(&info.metadata) && info.original.as_ref().is_none_or(alias)
    }

    fn learn_alias(&mut self, original: &str, stored: &str) {
        let room = self.aliases.len() < NAMES_MAX;
        match self.aliases.get_mut(original) {
            Some(names) if names.len() < STORED_NAMES_MAX && !names.contains(stored) => {
                names.insert(stored.to_owned());
            }
            None if room => {
                self.aliases.insert(original.to_owned(), BTreeSet::from([stored.to_owned()]));
            }
            _ => {}
        }
    }

    /// The stored names of a metric that was sent under another name, its `_bucket`, `_sum` and `_count` series included.
    pub(crate) fn stored_names(&self, asked: &str) -> Vec<String> {
        let of_suffix = |suffix: &&str| {
            let stored = self.aliases.get(asked.strip_suffix(suffix)?)?;
            Some(stored.iter().map(|s| format!("{s}{suffix}")).collect::<Vec<_>>())
        };
        SUFFIXES.iter().filter_map(of_suffix).flatten().collect()
    }

    pub(crate) fn metadata(&self) -> &BTreeMap<String, Metadata> {
        &self.metadata
    }

    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        put_varint(out, self.metadata.len() as u64);
        for (name, m) in &self.metadata {
            put_prefixed(out, name.as_bytes());
            out.push(m.kind.code());
            put_prefixed(out, m.unit.as_bytes());
            put_prefixed(out, m.help.as_bytes());
        }
        put_varint(out, self.aliases.len() as u64);
        for (original, stored) in &self.aliases {
            put_prefixed(out, original.as_bytes());
            put_varint(out, stored.len() as u64);
            stored.iter().for_each(|s| put_prefixed(out, s.as_bytes()));
        }
    }

    pub(crate) fn decode(r: &mut ByteReader<'_>) -> Option<Self> {
        let mut catalog = Self::default();
        for _ in 0..r.len()? {
            let name = r.text()?.to_owned();
            let kind = MetricType::from_code(r.u8()?)?;
            let metadata = Metadata { kind, unit: r.text()?.to_owned(), help: r.text()?.to_owned() };
            catalog.metadata.insert(name, metadata);
        }
        for _ in 0..r.len()? {
            let original = r.text()?.to_owned();
            let mut stored = BTreeSet::new();
            for _ in 0..r.len()? {
                stored.insert(r.text()?.to_owned());
            }
            catalog.aliases.insert(original, stored);
        }
        Some(catalog)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info(name: &str, original: &str) -> MetricInfo {
        let metadata = Metadata { kind: MetricType::Histogram, unit: "s".into(), help: "time".into() };
        MetricInfo { name: name.into(), original: Some(original.into()), metadata }
    }

    #[test]
    fn names_as_sent_lead_to_stored_names() {
        let mut c = Catalog::default();
        c.learn(info("http_duration_seconds", "http.duration"));
        assert_eq!(c.stored_names("http.duration"), ["http_duration_seconds"]);
        assert_eq!(c.stored_names("http.duration_bucket"), ["http_duration_seconds_bucket"]);
        assert!(c.stored_names("http").is_empty());
        let mut bytes = Vec::new();
        c.encode(&mut bytes);
        assert_eq!(Catalog::decode(&mut ByteReader(&bytes)), Some(c));
    }
}
