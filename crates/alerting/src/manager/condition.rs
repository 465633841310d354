//! In what condition channels are: what each was told last and how its last failure went, and the messages on their way.
//!
//! In memory; after a start the newest records of deliveries say how it was.

use foundation::UnixNanos;
use metastore::Delivery;
use parking_lot::Mutex;
use rustc_hash::FxHashMap;

use super::groups::GroupId;

/// In what condition one channel is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChannelCondition {
    /// When a message was delivered last.
    pub delivered_at: Option<UnixNanos>,
    /// The last attempt or message that went wrong.
    pub failure: Option<Failure>,
    /// Since when nothing was delivered any more; `None` when the last attempt was.
    pub failing_since: Option<UnixNanos>,
}

/// How an attempt or a message went wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// When.
    pub at: UnixNanos,
    /// In plain words.
    pub reason: String,
    /// What the other side answered with.
    pub code: Option<u16>,
}

/// A message that is being delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OnTheWay {
    /// Name of the receiver.
    pub receiver: String,
    /// `webhook[0]`
    pub channel: String,
    /// Where it goes, for people.
    pub target: String,
    /// As Alertmanager writes it.
    pub group_key: String,
    /// Why it is sent.
    pub notification_reason: &'static str,
    /// Its alerts.
    pub alerts: usize,
    /// Since when.
    pub since: UnixNanos,
    /// Attempts that went wrong.
    pub attempts: usize,
    /// How the last one did.
    pub failure: Option<Failure>,
    /// When the next attempt is made; `None` while one is made.
    pub next_attempt: Option<UnixNanos>,
}

#[derive(Default)]
pub(super) struct Conditions(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    /// By receiver and channel.
    channels: FxHashMap<(String, String), ChannelCondition>,
    on_the_way: FxHashMap<(GroupId, String), OnTheWay>,
}

impl Conditions {
    /// As the newest deliveries, the newest first, say that it was.
    pub(super) fn restore(deliveries: Vec<Delivery>) -> Self {
        let conditions = Self::default();
        for d in deliveries.into_iter().rev() {
            let text = |key: &str| d.body[key].as_str().unwrap_or_default().to_owned();
            let code =
                d.body["attempts"].as_array().and_then(|a| a.last()?["steps"].as_array()?.last()?["code"].as_u64());
            let failed = d.outcome != "delivered";
            let code = code.and_then(|c| u16::try_from(c).ok());
            let failure = failed.then(|| Failure { at: d.at, reason: text("reason"), code });
            conditions.note(&d.receiver, &text("channel"), d.at, failure);
        }
        conditions
    }

    /// An attempt ended: delivered, or not.
    fn note(&self, receiver: &str, channel: &str, at: UnixNanos, failure: Option<Failure>) {
        let mut inner = self.0.lock();
        let condition = inner.channels.entry((receiver.to_owned(), channel.to_owned())).or_default();
        match failure {
            None => (condition.delivered_at, condition.failing_since) = (Some(at), None),
            Some(failure) => {
                condition.failing_since.get_or_insert(at);
                condition.failure = Some(failure);
            }
        }
    }

    pub(super) fn begin(&self, group: &GroupId, message: OnTheWay) {
        let key = (group.clone(), message.channel.clone());
        self.0.lock().on_the_way.insert(key, message);
    }

    /// An attempt went wrong, and there will be another.
    pub(super) fn retry(&self, group: &GroupId, channel: &str, failure: Failure, next: UnixNanos) {
        let mut inner = self.0.lock();
        let Some(message) = inner.on_the_way.get_mut(&(group.clone(), channel.to_owned())) else { return };
        message.attempts += 1;
        (message.failure, message.next_attempt) = (Some(failure.clone()), Some(next));
        let receiver = message.receiver.clone();
        drop(inner);
        self.note(&receiver, channel, failure.at, Some(failure));
    }

    /// The next attempt is made.
    pub(super) fn attempt(&self, group: &GroupId, channel: &str) {
        if let Some(message) = self.0.lock().on_the_way.get_mut(&(group.clone(), channel.to_owned())) {
            message.next_attempt = None;
        }
    }

    /// It was delivered, or given up.
    pub(super) fn end(&self, group: &GroupId, channel: &str, at: UnixNanos, failure: Option<Failure>) {
        let message = self.0.lock().on_the_way.remove(&(group.clone(), channel.to_owned()));
        if let Some(message) = message {
            self.note(&message.receiver, channel, at, failure);
        }
    }

    pub(super) fn of(&self, receiver: &str, channel: &str) -> ChannelCondition {
        self.0.lock().channels.get(&(receiver.to_owned(), channel.to_owned())).cloned().unwrap_or_default()
    }

    /// Messages on their way, the longest first.
    pub(super) fn on_the_way(&self) -> Vec<OnTheWay> {
        let mut all: Vec<OnTheWay> = self.0.lock().on_the_way.values().cloned().collect();
        all.sort_by(|a, b| (a.since, &a.group_key, &a.channel).cmp(&(b.since, &b.group_key, &b.channel)));
        all
    }
}
