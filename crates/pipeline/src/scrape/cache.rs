//! What became of the series of one target: from the text that names a series to its key, or to nothing.
//!
//! Most scrapes show the series of the scrape before. Labels are merged and relabelled once per series, and kept by the
//! bytes that name it in the body. The cache also knows which series went away since, to mark them stale.

use std::collections::{BTreeMap, HashMap, HashSet};

use model::Labels;
use tsdb::Metadata;
use wire::prometheus::exposition::{ExpositionSink, LabelRef, SampleRef};
use wire::prometheus::{MetadataRef, MetricType};

use super::config::{ScrapeConfig, ScrapeLimits};
use super::relabel::{self, LabelSet};
use super::samples::Samples;
use crate::series::metric_type;

/// Families of one target whose metadata is kept.
const FAMILIES_MAX: usize = 20_000;

/// The series of one target.
#[derive(Default)]
pub(super) struct SeriesCache {
    entries: HashMap<Box<[u8]>, Entry>,
    /// The number of the scrape.
    scrape: u64,
    metadata: BTreeMap<String, Metadata>,
    metadata_changed: bool,
}

struct Entry {
    /// Canonical label bytes; `None` when relabelling dropped the series.
    key: Option<Box<[u8]>>,
    /// The last scrape that showed it.
    seen: u64,
    /// Whether it becomes stale when it goes away: the last scrape gave it no time of its own.
    tracked: bool,
    /// Whether it goes on in the store: then it must be marked when it ends.
    alive: bool,
}

/// What a scrape came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) scraped: usize,
    pub(super) post_relabel: usize,
    pub(super) added: usize,
}

/// Takes one scrape.
pub(super) struct ScrapeSink<'a> {
    pub(super) cache: &'a mut SeriesCache,
    pub(super) samples: &'a mut Samples,
    pub(super) config: &'a ScrapeConfig,
    pub(super) target: &'a Labels,
    /// When the scrape began, milliseconds.
    pub(super) t: i64,
    pub(super) counts: Counts,
    /// Why the scrape fails although its body is well-formed.
    pub(super) failure: Option<String>,
}

impl SeriesCache {
    /// Begins the next scrape.
    pub(super) fn begin(&mut self) {
        self.scrape += 1;
    }

    /// Marks what the scrape did not show any more as stale at `t`, and forgets it.
    pub(super) fn end(&mut self, samples: &mut Samples, t: i64) {
        let now = self.scrape;
        if self.entries.values().any(|e| e.seen < now) {
            self.end_unseen(samples, t);
        }
        self.entries.values_mut().for_each(|e| e.alive = e.tracked);
    }

    fn end_unseen(&mut self, samples: &mut Samples, t: i64) {
        let now = self.scrape;
        // The same series may have another spelling now.
        let live: HashSet<&[u8]> =
            self.entries.values().filter(|e| e.seen == now).filter_map(|e| e.key.as_deref()).collect();
        for key in self.entries.values().filter(|e| e.seen < now && e.alive).filter_map(|e| e.key.as_deref()) {
            if !live.contains(key) {
                samples.stale(key, t);
            }
        }
        self.entries.retain(|_, e| e.seen == now);
    }

    /// Marks everything as stale at `t`: the target did not answer, or is gone.
    pub(super) fn end_all(&mut self, samples: &mut Samples, t: i64) {
        for entry in self.entries.values_mut().filter(|e| e.alive) {
            entry.alive = false;
            if let Some(key) = &entry.key {
                samples.stale(key, t);
            }
        }
    }

    /// What is known of the target's metrics.
    pub(super) fn families(&self) -> &BTreeMap<String, Metadata> {
        &self.metadata
    }

    /// What the target says of its metrics, if that changed since it was asked last; it also goes into `samples`.
    pub(super) fn take_metadata(&mut self, samples: &mut Samples) -> Option<Vec<(String, Metadata)>> {
        if !std::mem::take(&mut self.metadata_changed) {
            return None;
        }
        self.metadata.iter().for_each(|(family, m)| samples.metadata(family, m));
        Some(self.metadata.iter().map(|(family, m)| (family.clone(), m.clone())).collect())
    }
}

impl ExpositionSink for ScrapeSink<'_> {
    fn sample(&mut self, s: &SampleRef<'_>) {
        if self.failure.is_some() {
            return;
        }
        self.counts.scraped += 1;
        let now = self.cache.scrape;
        if !self.cache.entries.contains_key(s.raw) {
            match key_of(s.labels, self.target, self.config) {
                Ok(key) => {
                    self.counts.added += usize::from(key.is_some());
                    let entry = Entry { key, seen: 0, tracked: false, alive: false };
                    self.cache.entries.insert(s.raw.into(), entry);
                }
                Err(why) => self.failure = Some(why),
            }
        }
        let Some(entry) = self.cache.entries.get_mut(s.raw) else { return };
        entry.seen = now;
        let Some(key) = &entry.key else { return };
        self.counts.post_relabel += 1;
        let limit = self.config.limits.sample_limit;
        if limit > 0 && self.counts.post_relabel > limit {
            self.failure = Some(format!("sample limit of {limit} exceeded"));
            return;
        }
        let own = s.t.filter(|_| self.config.honor_timestamps);
        entry.tracked = own.is_none() || self.config.track_timestamps_staleness;
        let t = own.unwrap_or(self.t);
        self.samples.store(key, s, t);
    }

    fn metadata(&mut self, m: &MetadataRef<'_>) {
        let cache = &mut *self.cache;
        if !cache.metadata.contains_key(m.family) && cache.metadata.len() >= FAMILIES_MAX {
            return;
        }
        let empty = || Metadata { kind: tsdb::MetricType::Unknown, unit: String::new(), help: String::new() };
        let known = cache.metadata.entry(m.family.to_owned()).or_insert_with(empty);
        // Type, unit and help come on lines of their own.
        if m.kind != MetricType::Unknown && known.kind != metric_type(m.kind) {
            (known.kind, cache.metadata_changed) = (metric_type(m.kind), true);
        }
        for (new, old) in [(m.unit, &mut known.unit), (m.help, &mut known.help)] {
            if !new.is_empty() && new != old {
                new.clone_into(old);
                cache.metadata_changed = true;
            }
        }
    }
}

/// The key of a series after its labels met those of the target and the rules; `None` when it is dropped.
fn key_of(labels: &[LabelRef<'_>], target: &Labels, config: &ScrapeConfig) -> Result<Option<Box<[u8]>>, String> {
    let mut set: LabelSet =
        labels.iter().filter(|(_, v)| !v.is_empty()).map(|(n, v)| (n.to_string(), v.to_string())).collect();
    if config.honor_labels {
        let missing: Vec<_> = target.iter().filter(|(n, _)| !labels.iter().any(|(own, _)| own == n)).collect();
        missing.into_iter().for_each(|(n, v)| relabel::set(&mut set, n, v.to_owned()));
    } else {
        target_wins(&mut set, target);
    }
    if !relabel::apply(&config.metric_relabel_configs, &mut set) || set.is_empty() {
        return Ok(None);
    }
    let labels = Labels::new(set);
    if labels.metric_name().is_empty() {
        return Err(format!("relabelling took the metric name from {labels}"));
    }
    check_limits(&labels, &config.limits)?;
    let mut key = Vec::new();
    tsdb::key::encode(&labels, &mut key);
    Ok(Some(key.into()))
}

/// Labels of the target replace those of the series, which are kept as `exported_<name>`.
fn target_wins(set: &mut LabelSet, target: &Labels) {
    for (name, value) in target.iter() {
        if let Some(at) = set.iter().position(|(n, _)| n == name) {
            let (_, own) = set.swap_remove(at);
            let mut exported = format!("exported_{name}");
            while set.iter().any(|(n, _)| *n == exported) || !target.get(&exported).is_empty() {
                exported.insert_str(0, "exported_");
            }
            set.push((exported, own));
        }
        set.push((name.to_owned(), value.to_owned()));
    }
}

fn check_limits(labels: &Labels, limits: &ScrapeLimits) -> Result<(), String> {
    let name = labels.metric_name();
    if limits.label_limit > 0 && labels.len() > limits.label_limit {
        return Err(format!(
            "label_limit exceeded (metric: {name}, labels: {}, limit: {})",
            labels.len(),
            limits.label_limit
        ));
    }
    for (label, value) in labels.iter() {
        for (what, len, limit) in [
            ("label_name_length_limit", label.len(), limits.label_name_length_limit),
            ("label_value_length_limit", value.len(), limits.label_value_length_limit),
        ] {
            if limit > 0 && len > limit {
                return Err(format!("{what} exceeded (metric: {name}, label: {label}, length: {len}, limit: {limit})"));
            }
        }
    }
    Ok(())
}
