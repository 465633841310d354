//! Which message a group has: channel and time stamp, as Slack names messages. Known to the next process too.

use std::collections::{HashMap, VecDeque};

use parking_lot::Mutex;
use serde_json::json;

use crate::notify::data::sha256;
use crate::notify::memory::Memory;

/// Groups that are remembered; the oldest are forgotten first.
const GROUPS_MAX: usize = 10_000;

/// A message at Slack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Posted {
    pub channel: String,
    pub ts: String,
}

pub(super) struct Threads {
    memory: Memory,
    /// How ids in the memory begin: two channels of one group have a message each.
    prefix: String,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Whether the memory was read.
    recalled: bool,
    by_group: HashMap<String, Posted>,
    order: VecDeque<String>,
}

impl State {
    fn put(&mut self, group: &str, posted: Posted) -> Option<String> {
        if self.by_group.insert(group.to_owned(), posted).is_none() {
            self.order.push_back(group.to_owned());
        }
        let oldest = if self.order.len() > GROUPS_MAX { self.order.pop_front() } else { None };
        oldest.inspect(|oldest| drop(self.by_group.remove(oldest)))
    }
}

impl Threads {
    /// `channel` tells the channel of the configuration from others.
    pub(super) fn new(memory: Memory, channel: &str) -> Self {
        let prefix = format!("slack-{}-", sha256(channel).get(..16).unwrap_or_default());
        Self { memory, prefix, state: Mutex::default() }
    }

    /// Reads what was kept, once. Waits for the disk.
    pub(super) fn recall(&self) {
        let mut state = self.state.lock();
        if state.recalled {
            return;
        }
        let Some(kept) = self.memory.load(&self.prefix) else { return };
        state.recalled = true;
        for (group, body) in kept {
            let text = |key: &str| body[key].as_str().unwrap_or_default().to_owned();
            if !state.by_group.contains_key(&group) {
                state.put(&group, Posted { channel: text("channel"), ts: text("ts") });
            }
        }
    }

    pub(super) fn get(&self, group: &str) -> Option<Posted> {
        self.state.lock().by_group.get(group).cloned()
    }

    pub(super) fn put(&self, group: &str, posted: Posted) {
        let body = json!({"channel": posted.channel, "ts": posted.ts});
        let forgotten = self.state.lock().put(group, posted);
        self.memory.set(format!("{}{group}", self.prefix), Some(body));
        if let Some(oldest) = forgotten {
            self.memory.set(format!("{}{oldest}", self.prefix), None);
        }
    }

    pub(super) fn forget(&self, group: &str) {
        let mut state = self.state.lock();
        if state.by_group.remove(group).is_some() {
            state.order.retain(|g| g != group);
            drop(state);
            self.memory.set(format!("{}{group}", self.prefix), None);
        }
    }
}
