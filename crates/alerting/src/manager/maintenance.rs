//! Maintenance windows: times at which matching alerts are not told, once or again and again.
//!
//! A window lasts from `starts_at` to `ends_at`, both optional, and within that at the times of `times` (in the form of
//! `time_intervals`), or always when there are none. Alerts in a window are shown as suppressed, as those of a silence are.

use foundation::UnixNanos;
use jiff::Timestamp;
use model::Labels;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Value, json};
use yaml::{Findings, Node};

use super::matchers::{self, Matchers};
use super::time_interval::TimeInterval;

/// One window.
#[derive(Debug, Clone)]
pub struct Window {
    /// Unique among those of the same origin.
    pub name: String,
    /// Which alerts.
    pub matchers: Matchers,
    /// Why.
    pub comment: String,
    /// Inclusive.
    pub starts_at: Option<UnixNanos>,
    /// Exclusive.
    pub ends_at: Option<UnixNanos>,
    /// Within these, if there are any.
    pub times: Vec<TimeInterval>,
    /// As it was written, for those who look at it.
    pub shown: Value,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Raw {
    name: String,
    matchers: Vec<String>,
    comment: String,
    starts_at: Option<String>,
    ends_at: Option<String>,
    times: IgnoredAny,
}

impl Window {
    /// Whether the window is open.
    pub fn contains(&self, at: UnixNanos) -> bool {
        self.starts_at.is_none_or(|s| s <= at)
            && self.ends_at.is_none_or(|e| at < e)
            && (self.times.is_empty() || self.times.iter().any(|t| t.contains(at)))
    }

    /// Whether the window keeps an alert quiet now.
    pub fn mutes(&self, labels: &Labels, at: UnixNanos) -> bool {
        self.matchers.matches(labels) && self.contains(at)
    }

    /// Reads a list; what is wrong is noted.
    pub fn read_all(node: Option<&Node>, path: &str, findings: &mut Findings) -> Vec<Self> {
        let items = node.map(Node::items).unwrap_or_default();
        let windows =
            items.iter().enumerate().filter_map(|(n, item)| Self::read(item, &format!("{path}[{n}]"), findings));
        let mut read: Vec<Self> = Vec::new();
        for window in windows.collect::<Vec<_>>() {
            if read.iter().any(|w| w.name == window.name) {
                let place = node.map(|n| n.place.clone()).unwrap_or_default();
                findings.error(&place, path, format!("two maintenance windows are called `{}`", window.name), "");
            } else {
                read.push(window);
            }
        }
        read
    }

    /// Reads one; what is wrong is noted.
    pub fn read(node: &Node, path: &str, findings: &mut Findings) -> Option<Self> {
        let before = findings.iter().count();
        let raw: Raw = node.read(path, findings)?;
        let IgnoredAny = raw.times;
        if raw.name.is_empty() {
            findings.error(&node.place, path, "a maintenance window needs a name", "");
        }
        let mut read = Matchers::default();
        for text in &raw.matchers {
            match matchers::parse(text) {
                Ok(parsed) => read.0.extend(parsed.matchers.0),
                Err(e) => findings.error(&node.place, format!("{path}.matchers"), e.to_string(), ""),
            }
        }
        if read.0.is_empty() {
            let remedy = "write `alertname=~\".+\"` for all alerts";
            findings.error(&node.place, path, "a maintenance window needs matchers", remedy);
        }
        let mut time = |field: &str, text: Option<&str>| {
            let parsed = text.map(str::parse::<Timestamp>)?;
            if let Err(e) = &parsed {
                let place = node.value_place(field);
                findings.error(place, format!("{path}.{field}"), e.to_string(), "write it as 2026-12-24T18:00:00Z");
            }
            parsed.ok().map(|t| UnixNanos(t.as_nanosecond() as i64))
        };
        let (starts_at, ends_at) =
            (time("starts_at", raw.starts_at.as_deref()), time("ends_at", raw.ends_at.as_deref()));
        if starts_at.zip(ends_at).is_some_and(|(s, e)| s >= e) {
            findings.error(&node.place, path, "the window ends before it begins", "");
        }
        let times = node.get("times").map(Node::items).unwrap_or_default();
        let times: Vec<_> = times
            .iter()
            .enumerate()
            .filter_map(|(n, t)| TimeInterval::read(t, &format!("{path}.times[{n}]"), findings))
            .collect();
        if times.is_empty() && starts_at.is_none() && ends_at.is_none() {
            let remedy = "write `times`, or `starts_at` and `ends_at`";
            findings.error(&node.place, path, "the window would never end", remedy);
        }
        let shown = json!({
            "name": raw.name,
            "matchers": raw.matchers,
            "comment": raw.comment,
            "starts_at": raw.starts_at,
            "ends_at": raw.ends_at,
            "times": node.get("times").map(to_json),
        });
        (findings.iter().count() == before).then_some(Self {
            name: raw.name,
            matchers: read,
            comment: raw.comment,
            starts_at,
            ends_at,
            times,
            shown,
        })
    }
}

fn to_json(node: &Node) -> Value {
    let mut nothing = Findings::default();
    node.read("", &mut nothing).unwrap_or(Value::Null)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> UnixNanos {
        UnixNanos(text.parse::<Timestamp>().unwrap().as_nanosecond() as i64)
    }

    #[test]
    fn a_window_recurs_within_its_limits() {
        let text = "[{name: backup, matchers: ['service=db'], ends_at: '2026-12-01T00:00:00Z', \
                    times: [{weekdays: [saturday], times: [{start_time: '02:00', end_time: '04:00'}]}]}]";
        let mut findings = Findings::default();
        let windows = Window::read_all(Some(&yaml::parse("", text).unwrap()), "m", &mut findings);
        assert_eq!(findings.iter().count(), 0);
        let db = Labels::from_pairs([("service", "db")]);
        assert!(windows[0].mutes(&db, at("2026-11-28T03:00:00Z")));
        assert!(!windows[0].mutes(&db, at("2026-11-28T04:00:00Z")), "the end is exclusive");
        assert!(!windows[0].mutes(&db, at("2026-12-05T03:00:00Z")), "it was only until December");
        assert!(!windows[0].mutes(&Labels::default(), at("2026-11-28T03:00:00Z")));
        assert_eq!(windows[0].shown["times"][0]["weekdays"][0], "saturday");
    }

    #[test]
    fn what_would_never_end_is_refused() {
        let text = "[{name: a, matchers: ['x=y']}, {name: '', matchers: [], starts_at: soon}]";
        let mut findings = Findings::default();
        assert!(Window::read_all(Some(&yaml::parse("", text).unwrap()), "m", &mut findings).is_empty());
        let said: Vec<_> = findings.iter().map(|f| f.message.as_str()).collect();
        assert!(said.contains(&"the window would never end") && said.contains(&"a maintenance window needs a name"));
        assert!(said.contains(&"a maintenance window needs matchers"), "{said:?}");
    }
}
