//! `time_parser`: the time of the record.

use foundation::UnixNanos;
use jiff::tz::TimeZone;
use serde::Deserialize;
use wire::otlp::tree::Value;

use crate::stanza::Entry;
use crate::stanza::chain::{Operator, Verdict};
use crate::stanza::field::Field;
use crate::stanza::layout::Layout;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Settings {
    parse_from: Field,
    #[serde(default)]
    layout_type: Option<String>,
    #[serde(default)]
    layout: Option<String>,
    #[serde(default)]
    location: Option<String>,
}

#[derive(Debug)]
pub(super) struct TimeParser {
    from: Field,
    layout: Layout,
    written: String,
}

/// The zone of times that name none. The Collector's default is the machine's; ours is UTC, which is the same everywhere.
pub(super) fn zone(name: Option<&str>) -> Result<TimeZone, String> {
    match name {
        None | Some("" | "UTC") => Ok(TimeZone::UTC),
        Some("Local") => Ok(TimeZone::system()),
        Some(name) => TimeZone::get(name)
            .map_err(|_| format!("location: `{name}` is not a time zone; write one such as Europe/Berlin")),
    }
}

/// Seconds east of Greenwich at a time.
pub(super) fn offset(zone: &TimeZone, now: UnixNanos) -> i64 {
    let now = jiff::Timestamp::from_second(now.0.div_euclid(1_000_000_000)).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    i64::from(zone.to_offset(now).seconds())
}

impl TimeParser {
    pub(super) fn new(settings: Settings) -> Result<Self, String> {
        let written = settings.layout.unwrap_or_default();
        let zone = zone(settings.location.as_deref())?;
        let layout = match settings.layout_type.as_deref() {
            Some("gotime") => Layout::gotime(&written, zone),
            Some("epoch") => Layout::epoch(&written).map_err(|e| format!("layout: {e}"))?,
            Some("strptime") | None => Layout::strptime(&written, zone).map_err(|e| format!("layout: {e}"))?,
            Some(other) => return Err(format!("layout_type: `{other}` is not known; write strptime, gotime or epoch")),
        };
        if written.is_empty() {
            return Err("layout: it is missing; write how the time looks, for example `%Y-%m-%d %H:%M:%S`".to_owned());
        }
        Ok(Self { from: settings.parse_from, layout, written })
    }

    pub(super) const fn from(&self) -> &Field {
        &self.from
    }

    /// The time that `text` is.
    pub(super) fn read(&self, text: &str, now: UnixNanos) -> Result<UnixNanos, String> {
        self.layout.read(text, now).ok_or_else(|| {
            let shown: String = text.chars().take(64).collect();
            format!("`{shown}` is not a time of the layout `{}`", self.written)
        })
    }
}

impl Operator for TimeParser {
    fn apply(&self, entry: &mut Entry, now: UnixNanos) -> Result<Verdict, String> {
        let value = self.from.get(entry).ok_or("the field of the time is not there")?;
        let time = match value {
            Value::Str(text) => self.read(text, now)?,
            Value::Int(n) => self.read(&n.to_string(), now)?,
            Value::Double(n) => self.read(&format!("{n:.9}"), now)?,
            _ => return Err("the field of the time is neither text nor number".to_owned()),
        };
        entry.record.time_unix_nano = u64::try_from(time.0).unwrap_or(0);
        Ok(Verdict::Next)
    }
}
