//! alertmanager.yml: read as a whole, checked as a whole.
//!
//! Text -> nodes -> [`Config`], with every finding at its line. What only we understand is accepted, said, and makes the
//! verdict "valid in Alertmanager" a no. From Alertmanager 0.34, `config/config.go`.

mod document;
mod duration;
mod inhibition;
mod intervals;
mod normalise;
mod print;
mod receivers;
mod route;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use serde::Deserialize;
use serde::de::IgnoredAny;

pub use document::with_secrets;
pub use inhibition::InhibitRule;
pub use print::SECRET;
pub use receivers::{Receiver, Slot};
pub use route::{GroupBy, Route, RouteTree};

use yaml::{Finding, Findings, Node, Severity};

use super::maintenance::Window;
use super::time_interval::TimeInterval;
use crate::notification::REFUSED;
use crate::notification::{Integrations, Shared};

/// How long an alert without an end is taken to fire.
const RESOLVE_TIMEOUT: Duration = Duration::from_secs(300);

/// A configuration that can be run.
pub struct Config {
    /// Who is told what.
    pub routes: RouteTree,
    /// Who can be told, in the order of the file.
    pub receivers: Vec<Receiver>,
    /// What keeps quiet because of what.
    pub inhibit_rules: Vec<InhibitRule>,
    /// By name.
    pub time_intervals: BTreeMap<String, Vec<TimeInterval>>,
    /// Maintenance windows of the file.
    pub maintenance: Vec<Window>,
    /// How long an alert without an end is taken to fire.
    pub resolve_timeout: Duration,
    /// The file as Alertmanager would take it, without secrets.
    pub normalised: String,
    /// The same as an object, every secret of it `<secret>`; [`with_secrets`] is the way back.
    pub document: serde_json::Value,
}

impl Config {
    /// The receiver of a name.
    pub fn receiver(&self, name: &str) -> Option<&Receiver> {
        self.receivers.iter().find(|r| r.name == name)
    }

    /// Names of the channels of a receiver that can be used.
    pub(super) fn usable(&self, receiver: &str) -> Vec<String> {
        let slots = self.receiver(receiver).into_iter().flat_map(|r| &r.slots);
        slots.filter(|s| s.channel.is_ok()).map(Slot::name).collect()
    }
}

/// A configuration, or none, and what there is to say about it.
pub struct Loaded {
    /// `None` when a finding is an error.
    pub config: Option<Config>,
    /// In the order of the file.
    pub findings: Vec<Finding>,
    /// Whether Alertmanager takes the file as it is.
    pub valid_in_alertmanager: bool,
}

impl Loaded {
    /// Why it cannot be used; nothing when it can.
    pub fn errors(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|f| f.severity == Severity::Error)
    }
}

/// Where a configuration comes from.
#[derive(Clone, Copy)]
pub struct Source<'a> {
    /// The folder that relative paths begin at.
    pub base: &'a Path,
    /// Where the alert manager is reached, without a slash at the end.
    pub external_url: &'a str,
    /// A section of our own configuration, which has more keys than a file of Alertmanager.
    pub section: bool,
}

/// The keys of the file.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Raw {
    global: IgnoredAny,
    route: IgnoredAny,
    receivers: IgnoredAny,
    inhibit_rules: IgnoredAny,
    mute_time_intervals: IgnoredAny,
    time_intervals: IgnoredAny,
    maintenance_windows: IgnoredAny,
    templates: Vec<String>,
    tracing: IgnoredAny,
    event_recorder: IgnoredAny,
    /// Those of Prometheus: whom rules send to besides. Read elsewhere.
    alertmanagers: IgnoredAny,
    alert_relabel_configs: IgnoredAny,
}

/// Reads the text of a file.
pub fn load(text: &str, source: Source<'_>, integrations: &dyn Integrations) -> Loaded {
    match yaml::parse("", text) {
        Ok(root) => load_node(root, source, integrations),
        Err(e) => {
            let mut findings = Findings::default();
            findings.error(&e.place, "", e.message, "");
            Loaded { config: None, findings: findings.into_sorted(), valid_in_alertmanager: false }
        }
    }
}

/// Reads what was parsed already.
pub fn load_node(mut root: Node, source: Source<'_>, integrations: &dyn Integrations) -> Loaded {
    let mut findings = Findings::default();
    normalise::email_aliases(&mut root, &mut findings);
    let raw: Raw = root.read("", &mut findings).unwrap_or_default();
    ours(&root, source, &mut findings);
    let (time_intervals, place_of_intervals) = intervals::read(&root, &mut findings);
    let receivers = receivers::names(&root, &mut findings);
    let known = route::Known { receivers: &receivers, intervals: &time_intervals };
    let routes = route::read(root.get("route"), &root.place, known, &mut findings);
    intervals::unused(&time_intervals, &place_of_intervals, routes.as_ref(), &mut findings);
    let inhibit_rules = inhibition::read(root.get("inhibit_rules"), &mut findings);
    let maintenance = Window::read_all(root.get("maintenance_windows"), "maintenance_windows", &mut findings);
    let resolve_timeout = resolve_timeout(&root, &mut findings);
    let shared = Shared {
        global: root.get("global"),
        templates: &raw.templates,
        base: source.base,
        external_url: source.external_url,
    };
    let receivers = {
        let builder = integrations.open(&shared, &mut findings);
        receivers::read(&root, &*builder, &mut findings)
    };
    let (errors, refused) = (findings.has_errors(), findings.refused_elsewhere());
    let modern = normalise::modern(&root);
    let config = routes.filter(|_| !errors).map(|routes| Config {
        routes,
        receivers,
        inhibit_rules,
        time_intervals,
        maintenance,
        resolve_timeout,
        normalised: print::print(&modern),
        document: document::document(&modern),
    });
    Loaded { config, findings: findings.into_sorted(), valid_in_alertmanager: !refused }
}

/// What Alertmanager does not have, and what it has and we do not use.
fn ours(root: &Node, source: Source<'_>, findings: &mut Findings) {
    for (key, _) in root.entries() {
        match key.text.as_str() {
            "maintenance_windows" if !source.section => findings.push(Finding {
                severity: Severity::Info,
                place: key.place.clone(),
                path: key.text.clone(),
                message: "maintenance windows are ours".to_owned(),
                remedy: "keep them in the server's configuration to share this file with Alertmanager".to_owned(),
                elsewhere: Some(REFUSED),
            }),
            "alertmanagers" | "alert_relabel_configs" if !source.section => {
                let remedy = "it belongs into the file of Prometheus";
                findings.error(&key.place, "", format!("unknown field `{}`", key.text), remedy);
            }
            "tracing" | "event_recorder" => {
                findings.info(&key.place, &key.text, "is not used", "the server traces and records by itself");
            }
            _ => {}
        }
    }
}

fn resolve_timeout(root: &Node, findings: &mut Findings) -> Duration {
    let Some(node) = root.get("global").and_then(|g| g.get("resolve_timeout")) else { return RESOLVE_TIMEOUT };
    duration::read(node.as_str().unwrap_or_default()).unwrap_or_else(|message| {
        findings.error(&node.place, "global.resolve_timeout", message, "");
        RESOLVE_TIMEOUT
    })
}

/// Looks at the inhibit rules beside the labels that the rules of the server give their alerts: a rule that needs two
/// alerts which cannot both exist never keeps anything quiet.
pub fn check_inhibitions(rules: &[InhibitRule], alerts: &[model::Labels]) -> Vec<Finding> {
    let mut findings = Findings::default();
    inhibition::check(rules, alerts, &mut findings);
    findings.into_sorted()
}

#[cfg(test)]
mod tests;
