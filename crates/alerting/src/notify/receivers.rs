//! Every kind of channel that there is: one line each.

use std::sync::Arc;

use foundation::Clock;
use metastore::Metastore;

use super::building::{Building, Made};
use super::global::Global;
use super::memory::Memory;
use super::templates::Templates;
use super::{
    discord, email, googlechat, mattermost, msteams, msteamsv2, opsgenie, pagerduty, slack, telegram, webhook,
};
use yaml::{Findings, Node, nearest};

use crate::notification::{Channel, ChannelBuilder, Integrations, Shared};

/// How a channel of a kind is made; `None` when findings say why there is none.
type Build = fn(&mut Building<'_>) -> Option<Made>;

/// Kinds and whether they want to hear that alerts ended when nothing is said, as in Alertmanager.
const KINDS: &[(&str, bool, Build)] = &[
    ("discord", true, discord::build),
    ("email", false, email::build),
    ("googlechat", true, googlechat::build),
    ("mattermost", true, mattermost::build),
    ("msteams", true, msteams::build),
    ("msteamsv2", true, msteamsv2::build),
    ("opsgenie", true, opsgenie::build),
    ("pagerduty", true, pagerduty::build),
    ("slack", false, slack::build),
    ("telegram", true, telegram::build),
    ("webhook", true, webhook::build),
];

/// What Alertmanager has and we have not.
const FOREIGN: &[&str] = &["incidentio", "jira", "pushover", "rocketchat", "sns", "victorops", "webex", "wechat"];

/// The kinds of channels of this server.
#[derive(Clone)]
pub struct Receivers {
    clock: Arc<dyn Clock>,
    memory: Memory,
}

impl Receivers {
    /// Templates and dates of messages ask the clock.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, memory: Memory::default() }
    }

    /// From now on channels remember their messages over a restart.
    pub fn remember_in(&self, store: Metastore) {
        self.memory.keep_in(store);
    }
}

impl Integrations for Receivers {
    fn open<'a>(&self, shared: &Shared<'a>, findings: &mut Findings) -> Box<dyn ChannelBuilder + 'a> {
        let global = Global::read(shared.global, shared.base, findings);
        let templates = Templates::load(self.clock.clone(), shared.templates, shared.base, findings);
        Box::new(Builder {
            global,
            templates: Arc::new(templates),
            base: shared.base,
            clock: self.clock.clone(),
            memory: self.memory.clone(),
        })
    }
}

struct Builder<'a> {
    global: Global,
    templates: Arc<Templates>,
    base: &'a std::path::Path,
    clock: Arc<dyn Clock>,
    memory: Memory,
}

impl ChannelBuilder for Builder<'_> {
    fn build(&self, kind: &str, entry: &Node, path: &str, findings: &mut Findings) -> Option<Channel> {
        let Some((_, resolved, build)) = KINDS.iter().find(|(name, ..)| *name == kind) else {
            unknown(kind, entry, path, findings);
            return None;
        };
        let mut building = Building {
            global: &self.global,
            templates: &self.templates,
            clock: &self.clock,
            memory: &self.memory,
            base: self.base,
            entry,
            path,
            findings,
        };
        let made = build(&mut building)?;
        let send_resolved = made.send_resolved.unwrap_or(*resolved);
        let mut shown = made.shown;
        if let Some(object) = shown.as_object_mut() {
            object.insert("send_resolved".into(), send_resolved.into());
        }
        Some(Channel { notifier: made.notifier, send_resolved, target: made.target, shown })
    }
}

fn unknown(kind: &str, entry: &Node, path: &str, findings: &mut Findings) {
    if FOREIGN.contains(&kind) {
        let message = format!("there is no channel of the kind {kind} yet: this channel is disabled");
        findings.warning(&entry.place, path, message, "use webhook_configs for it, or another kind", None);
        return;
    }
    let known = KINDS.iter().map(|(name, ..)| *name).chain(FOREIGN.iter().copied());
    let remedy = match nearest(kind, known) {
        Some(name) => format!("did you mean {name}_configs?"),
        None => String::new(),
    };
    findings.error(&entry.place, path, format!("unknown kind of channel {kind}_configs"), remedy);
}
