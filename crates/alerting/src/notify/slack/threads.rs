//! Which message a group has: channel and time stamp, as Slack names messages.

use std::collections::{HashMap, VecDeque};

use parking_lot::Mutex;

/// Groups that are remembered; the oldest are forgotten first.
const GROUPS_MAX: usize = 10_000;

/// A message at Slack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Posted {
    pub channel: String,
    pub ts: String,
}

#[derive(Debug, Default)]
pub(super) struct Threads(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    by_group: HashMap<String, Posted>,
    order: VecDeque<String>,
}

impl Threads {
    pub(super) fn get(&self, group: &str) -> Option<Posted> {
        self.0.lock().by_group.get(group).cloned()
    }

    pub(super) fn put(&self, group: &str, posted: Posted) {
        let mut state = self.0.lock();
        if state.by_group.insert(group.to_owned(), posted).is_none() {
            state.order.push_back(group.to_owned());
        }
        while state.order.len() > GROUPS_MAX {
            if let Some(oldest) = state.order.pop_front() {
                state.by_group.remove(&oldest);
            }
        }
    }

    pub(super) fn forget(&self, group: &str) {
        let mut state = self.0.lock();
        if state.by_group.remove(group).is_some() {
            state.order.retain(|g| g != group);
        }
    }
}
