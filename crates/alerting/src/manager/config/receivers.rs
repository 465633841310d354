//! `receivers`: who can be told, each by any number of channels.

use std::collections::BTreeSet;
use std::sync::Arc;

use yaml::{Findings, Node, Place, Severity, meant};

use super::super::gate::Gate;
use crate::notification::REFUSED;
use crate::notification::{Channel, ChannelBuilder};
use crate::stand_in::is_stand_in;

/// The integrations of Alertmanager 0.34.
const KINDS: [&str; 18] = [
    "discord",
    "email",
    "incidentio",
    "jira",
    "mattermost",
    "msteams",
    "msteamsv2",
    "opsgenie",
    "pagerduty",
    "pushover",
    "rocketchat",
    "slack",
    "sns",
    "telegram",
    "victorops",
    "webex",
    "webhook",
    "wechat",
];
/// Those that we have besides.
const OURS: [&str; 1] = ["googlechat"];

/// One receiver.
#[derive(Clone)]
pub struct Receiver {
    /// Unique.
    pub name: String,
    /// In the order of the file.
    pub slots: Vec<Slot>,
}

/// One channel of a receiver, or why there is none.
#[derive(Clone)]
pub struct Slot {
    /// `webhook`, `email`, ...
    pub integration: String,
    /// Which of the receiver's channels of this kind, from 0.
    pub position: u32,
    /// What sends.
    pub channel: Result<Arc<Channel>, String>,
    /// What it bears.
    pub gate: Arc<Gate>,
}

impl Slot {
    /// `slack[0]`, as Alertmanager's logs name it.
    pub fn name(&self) -> String {
        format!("{}[{}]", self.integration, self.position)
    }
}

/// The names, for routes to refer to.
pub(super) fn names(root: &Node, findings: &mut Findings) -> Vec<String> {
    let mut names = Vec::new();
    let items = root.get("receivers").map(Node::items).unwrap_or_default();
    for (at, node) in items.iter().enumerate() {
        let path = format!("receivers[{at}]");
        match node.get("name").and_then(Node::as_str).filter(|n| !n.is_empty()) {
            None => findings.error(&node.place, &path, "missing name in receiver", ""),
            Some(name) if names.iter().any(|n| n == name) => {
                findings.error(&node.place, &path, format!("notification config name \"{name}\" is not unique"), "");
            }
            Some(name) => names.push(name.to_owned()),
        }
    }
    names
}

pub(super) fn read(root: &Node, builder: &dyn ChannelBuilder, findings: &mut Findings) -> Vec<Receiver> {
    let items = root.get("receivers").map(Node::items).unwrap_or_default();
    items.iter().enumerate().map(|(at, node)| receiver(node, &format!("receivers[{at}]"), builder, findings)).collect()
}

fn receiver(node: &Node, path: &str, builder: &dyn ChannelBuilder, findings: &mut Findings) -> Receiver {
    let name = node.get("name").and_then(Node::as_str).unwrap_or_default().to_owned();
    let mut slots = Vec::new();
    let mut unknown = BTreeSet::new();
    for (key, value) in node.entries() {
        let kind = key.text.strip_suffix("_configs").unwrap_or_default();
        if OURS.contains(&kind) {
            let message = format!("`{}` is ours", key.text);
            findings.warning(
                &key.place,
                path,
                message,
                "leave it out of files that Alertmanager reads too",
                Some(REFUSED),
            );
        } else if !KINDS.contains(&kind) {
            if !["name", "labels"].contains(&&*key.text) {
                unknown.insert((&key.place, key.text.as_str()));
            }
            continue;
        }
        if !value.is_null()
            && value.items().is_empty()
            && value.as_str().is_none_or(|t| !t.is_empty())
            && !value.entries().is_empty()
        {
            findings.error(&value.place, path, format!("{}: a list was expected", key.text), "begin it with `- `");
        }
        for (n, entry) in (0..).zip(value.items()) {
            let path = format!("{path}.{}[{n}]", key.text);
            let channel = channel(kind, entry, &path, builder, findings);
            slots.push(Slot { integration: kind.to_owned(), position: n, channel, gate: Arc::default() });
        }
    }
    for (place, text) in unknown {
        let known: Vec<String> = KINDS.iter().chain(&OURS).map(|k| format!("{k}_configs")).collect();
        let remedy = meant(text, known.iter().map(String::as_str));
        findings.error(place, path, format!("unknown field `{text}`"), remedy);
    }
    if !slots.is_empty() && slots.iter().all(|s| s.channel.is_err()) {
        let message = format!("no channel of `{name}` can be used: nobody hears of its alerts");
        findings.warning(&node.place, path, message, "", None);
    }
    Receiver { name, slots }
}

fn channel(
    kind: &str,
    entry: &Node,
    path: &str,
    builder: &dyn ChannelBuilder,
    findings: &mut Findings,
) -> Result<Arc<Channel>, String> {
    if let Some((place, key)) = stand_in(entry) {
        let message = format!("{key} is not filled in yet; this channel is disabled");
        findings.warning(place, path, message, format!("write the real {key}"), Some(REFUSED));
        return Err(format!("{key} is not filled in"));
    }
    let mut own = Findings::default();
    let built = builder.build(kind, entry, path, &mut own);
    let why = own.iter().max_by_key(|f| std::cmp::Reverse(f.severity)).filter(|f| f.severity != Severity::Info);
    let why = why.map_or_else(|| "this build has no such channel".to_owned(), |f| f.message.clone());
    own.iter().for_each(|f| findings.push(f.clone()));
    built.map(Arc::new).ok_or(why)
}

/// An URL that somebody has yet to fill in: `YOUR_SLACK_WEBHOOK_URL`.
fn stand_in(entry: &Node) -> Option<(&Place, &str)> {
    entry.entries().iter().find_map(|(key, value)| {
        let text = value.as_str().filter(|_| key.text == "url" || key.text.ends_with("_url"))?;
        let unfilled = !text.contains("://") && is_stand_in(text);
        unfilled.then_some((&value.place, key.text.as_str()))
    })
}
