//! `time_intervals`, and `mute_time_intervals` as they were called before.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IgnoredAny;
use yaml::{Findings, Node, Place};

use super::route::RouteTree;
use crate::manager::time_interval::TimeInterval;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Raw {
    name: String,
    time_intervals: IgnoredAny,
}

type Intervals = BTreeMap<String, Vec<TimeInterval>>;

pub(super) fn read(root: &Node, findings: &mut Findings) -> (Intervals, BTreeMap<String, Place>) {
    let (mut intervals, mut places) = (Intervals::new(), BTreeMap::new());
    for field in ["mute_time_intervals", "time_intervals"] {
        let Some(list) = root.get(field) else { continue };
        if field == "mute_time_intervals" {
            findings.info(&list.place, field, "this name is deprecated", "write `time_intervals`");
        }
        for (at, node) in list.items().iter().enumerate() {
            let path = format!("{field}[{at}]");
            let Some(raw) = node.read::<Raw>(&path, findings) else { continue };
            let IgnoredAny = raw.time_intervals;
            if raw.name.is_empty() {
                findings.error(&node.place, &path, "missing name in time interval", "");
                continue;
            }
            if intervals.contains_key(&raw.name) {
                let message = format!("time interval \"{}\" is not unique", raw.name);
                findings.error(&node.place, &path, message, "");
            }
            let entries = node.get("time_intervals").map(Node::items).unwrap_or_default();
            let of = |(n, entry)| TimeInterval::read(entry, &format!("{path}.time_intervals[{n}]"), findings);
            let read = entries.iter().enumerate().filter_map(of).collect();
            intervals.insert(raw.name.clone(), read);
            places.insert(raw.name, node.place.clone());
        }
    }
    (intervals, places)
}

/// Notes those that no route uses.
pub(super) fn unused(
    intervals: &Intervals,
    places: &BTreeMap<String, Place>,
    routes: Option<&RouteTree>,
    findings: &mut Findings,
) {
    let Some(routes) = routes else { return };
    for name in intervals.keys() {
        let used = routes.all().iter().any(|r| r.mute.contains(name) || r.active.contains(name));
        if !used {
            let place = places.get(name).cloned().unwrap_or_default();
            findings.info(&place, "time_intervals", format!("no route uses `{name}`"), "");
        }
    }
}
