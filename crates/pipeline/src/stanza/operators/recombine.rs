//! `recombine`: entries that belong together become one.
//!
//! A group ends where a condition says so, when it is large, or when nothing came for a while.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Deserialize;
use wire::otlp::tree::Value;

use crate::config::{Interval, Size};
use crate::stanza::Entry;
use crate::stanza::chain::{Holding, Step};
use crate::stanza::expr::Condition;
use crate::stanza::field::Field;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Settings {
    #[serde(default)]
    is_first_entry: Option<Condition>,
    #[serde(default)]
    is_last_entry: Option<Condition>,
    combine_field: Field,
    #[serde(default = "line_feed")]
    combine_with: String,
    #[serde(default = "thousand")]
    max_batch_size: usize,
    #[serde(default = "oldest")]
    overwrite_with: String,
    #[serde(default = "five_seconds")]
    force_flush_period: Interval,
    #[serde(default = "by_file")]
    source_identifier: Field,
    #[serde(default = "thousand")]
    max_sources: usize,
    #[serde(default)]
    max_log_size: Size,
    #[serde(default)]
    max_unmatched_batch_size: Option<usize>,
}

fn line_feed() -> String {
    "\n".to_owned()
}

fn oldest() -> String {
    "oldest".to_owned()
}

const fn thousand() -> usize {
    1000
}

const fn five_seconds() -> Interval {
    Interval::secs(5)
}

fn by_file() -> Field {
    "attributes[\"log.file.path\"]".parse().unwrap_or_else(|_| Field::body())
}

/// Bytes of one combined entry when `max_log_size` says nothing.
const BYTES_MAX: usize = 1 << 20;

pub(super) fn build(settings: Settings) -> Result<Step, String> {
    if settings.is_first_entry.is_some() == settings.is_last_entry.is_some() {
        return Err("write exactly one of `is_first_entry` and `is_last_entry`".to_owned());
    }
    if !matches!(settings.overwrite_with.as_str(), "oldest" | "newest") {
        return Err(format!("overwrite_with: `{}` is not known; write oldest or newest", settings.overwrite_with));
    }
    if settings.max_batch_size == 0 || settings.max_sources == 0 {
        return Err("max_batch_size and max_sources must be greater than zero".to_owned());
    }
    let settings = Arc::new(settings);
    Ok(Step::Holding(Arc::new(move || Box::new(Recombine { settings: settings.clone(), groups: BTreeMap::new() }))))
}

struct Recombine {
    settings: Arc<Settings>,
    groups: BTreeMap<String, Group>,
}

struct Group {
    first: Entry,
    newest: Option<Entry>,
    text: String,
    entries: usize,
    since: Instant,
}

impl Group {
    fn combined(self, settings: &Settings) -> Entry {
        let begins_at = self.first.begins_at;
        let mut entry = match self.newest {
            Some(newest) if settings.overwrite_with == "newest" => newest,
            _ => self.first,
        };
        entry.begins_at = begins_at;
        settings.combine_field.set(&mut entry, Value::from(self.text));
        entry
    }
}

impl Recombine {
    fn end(&mut self, source: &str, out: &mut Vec<Entry>) {
        if let Some(group) = self.groups.remove(source) {
            out.push(group.combined(&self.settings));
        }
    }
}

impl Holding for Recombine {
    fn take(&mut self, entry: Entry, out: &mut Vec<Entry>) -> Result<(), Box<(Entry, String)>> {
        let settings = self.settings.clone();
        let Some(Value::Str(text)) = settings.combine_field.get(&entry) else {
            return Err(Box::new((entry, "the field that is to be combined is no text".to_owned())));
        };
        let text = text.to_string();
        let source = settings.source_identifier.get(&entry).map(|v| v.to_text().to_string()).unwrap_or_default();
        let begins = settings.is_first_entry.as_ref().is_some_and(|c| c.holds(&entry));
        let ends = settings.is_last_entry.as_ref().is_some_and(|c| c.holds(&entry));
        if begins {
            self.end(&source, out);
        }
        // More sources than there may be: the one that has waited longest makes room.
        if !self.groups.contains_key(&source) && self.groups.len() >= settings.max_sources {
            let oldest = self.groups.iter().min_by_key(|(_, g)| g.since).map(|(name, _)| name.clone());
            oldest.into_iter().for_each(|name| self.end(&name, out));
        }
        match self.groups.get_mut(&source) {
            Some(group) => {
                group.text.push_str(&settings.combine_with);
                group.text.push_str(&text);
                group.entries += 1;
                group.newest = Some(entry);
            }
            None => {
                let group = Group { first: entry, newest: None, text, entries: 1, since: Instant::now() };
                self.groups.insert(source.clone(), group);
            }
        }
        let bytes_max = match settings.max_log_size.0.0 {
            0 => BYTES_MAX,
            n => n as usize,
        };
        let entries_max = settings.max_unmatched_batch_size.unwrap_or(settings.max_batch_size);
        let full = self.groups.get(&source).is_some_and(|g| {
            let limit = settings.max_batch_size.min(entries_max.max(1));
            g.entries >= limit || g.text.len() >= bytes_max
        });
        if ends || full {
            self.end(&source, out);
        }
        Ok(())
    }

    fn flush(&mut self, now: Instant, everything: bool, out: &mut Vec<Entry>) {
        let period: Duration = self.settings.force_flush_period.0;
        let waited = |g: &Group| everything || now.saturating_duration_since(g.since) >= period;
        let ripe: Vec<_> = self.groups.iter().filter(|(_, g)| waited(g)).map(|(name, _)| name.clone()).collect();
        for name in ripe {
            self.end(&name, out);
        }
    }

    fn held_from(&self) -> Option<u64> {
        self.groups.values().map(|g| g.first.begins_at).min()
    }
}
