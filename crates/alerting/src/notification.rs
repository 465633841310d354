//! What the alert manager hands to a receiver, and what it hears back: the seam between `manager` and `notify`.
//!
//! The alert manager decides who is told what and when; an implementation of [`Notifier`] makes one request of it. The data are
//! those of Alertmanager's `template.Data`; templates and the webhook's JSON are made of them.
//! *Invariant:* knows neither routes nor protocols.

use std::future::Future;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use foundation::UnixNanos;
use model::Labels;
use tokio::sync::mpsc::Sender;
use yaml::{Elsewhere, Findings, Node};

use crate::alert::Fingerprint;

/// What Alertmanager makes of what only Bellrock takes.
pub(crate) const REFUSED: Elsewhere = Elsewhere::refused_by("Alertmanager");

/// How long one attempt may take unless the channel says otherwise.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// A future on the heap.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Firing as long as one alert fires.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Status {
    /// The condition holds.
    Firing,
    /// It does not hold any more.
    Resolved,
}

impl Status {
    /// `firing` or `resolved`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Firing => "firing",
            Self::Resolved => "resolved",
        }
    }
}

/// Why a group is notified now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reason {
    /// Nothing was sent for this group before.
    FirstNotification,
    /// Alerts came that were not told.
    NewAlertsInGroup,
    /// Alerts ended, others still fire.
    NewResolvedAlerts,
    /// No alert fires any more.
    AllAlertsResolved,
    /// Nothing changed for `repeat_interval`.
    RepeatIntervalElapsed,
    /// Somebody tests the channel.
    Test,
}

impl Reason {
    /// As Alertmanager's `notification_reason` says it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::FirstNotification => "first notification",
            Self::NewAlertsInGroup => "new alerts in group",
            Self::NewResolvedAlerts => "new resolved alerts in group",
            Self::AllAlertsResolved => "all alerts resolved",
            Self::RepeatIntervalElapsed => "repeat interval elapsed",
            Self::Test => "test of the channel",
        }
    }
}

/// One message to one channel of one receiver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notification {
    /// Name of the receiver.
    pub receiver: String,
    /// Firing as long as one alert fires.
    pub status: Status,
    /// As Alertmanager writes it: `{}/{severity="critical"}:{alertname="Down"}`. Receivers take it as the key of one incident.
    pub group_key: String,
    /// What the alerts are grouped by.
    pub group_labels: Labels,
    /// What all alerts have in common.
    pub common_labels: Labels,
    /// What all alerts have in common.
    pub common_annotations: Labels,
    /// `labels` of the route (Alertmanager 0.34), templates not expanded.
    pub route_labels: Labels,
    /// Where the alert manager is reached, without a slash at the end.
    pub external_url: String,
    /// Why now.
    pub reason: Reason,
    /// Sorted as Alertmanager sorts: by `job`, by `instance`, then by all labels.
    pub alerts: Vec<NotifiedAlert>,
    /// How many more alerts there are than `alerts` says.
    pub truncated: u64,
}

impl Notification {
    /// Alerts that fire.
    pub fn firing(&self) -> impl Iterator<Item = &NotifiedAlert> {
        self.alerts.iter().filter(|a| a.status == Status::Firing)
    }

    /// Alerts that do not fire any more.
    pub fn resolved(&self) -> impl Iterator<Item = &NotifiedAlert> {
        self.alerts.iter().filter(|a| a.status == Status::Resolved)
    }
}

/// One alert of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotifiedAlert {
    /// At the time of the flush.
    pub status: Status,
    /// Which alert it is.
    pub labels: Labels,
    /// What is said of it.
    pub annotations: Labels,
    /// Since when it fires.
    pub starts_at: UnixNanos,
    /// When it ended; `UnixNanos(0)` while it fires.
    pub ends_at: UnixNanos,
    /// Where the expression can be looked at.
    pub generator_url: String,
    /// Of the labels.
    pub fingerprint: Fingerprint,
}

/// Sends to one channel.
pub trait Notifier: Send + Sync {
    /// Makes one attempt and returns before `deadline`; the caller repeats it. Several may run at the same time, for different groups.
    fn notify<'a>(&'a self, notification: &'a Notification, deadline: Instant) -> BoxFuture<'a, Delivery>;

    /// How long one attempt may take, however much time there is: another one may work where this one hangs.
    fn patience(&self) -> Duration {
        PATIENCE
    }

    /// The same for somebody who watches: each step goes into `steps` when it is done, more finely than [`Self::notify`] takes
    /// them where that is possible. A watcher that does not read misses steps; the [`Delivery`] has them all.
    fn test<'a>(
        &'a self,
        notification: &'a Notification,
        deadline: Instant,
        steps: Sender<Step>,
    ) -> BoxFuture<'a, Delivery> {
        Box::pin(async move {
            let delivery = self.notify(notification, deadline).await;
            for step in &delivery.steps {
                // Nothing waits for who watches.
                let _ = steps.try_send(step.clone());
            }
            delivery
        })
    }
}

/// How one attempt went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// What it means for the message.
    pub outcome: Outcome,
    /// In plain words; without secrets. May be empty when it was delivered.
    pub reason: String,
    /// What was done, in order.
    pub steps: Vec<Step>,
}

/// What an attempt means for the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The other side has it.
    Delivered,
    /// It may work later.
    Retry {
        /// When the other side said so (`Retry-After`).
        after: Option<Duration>,
    },
    /// It will not work however often it is tried.
    Failed,
}

/// One step of an attempt; the record of it, and what the test of a channel shows. Without secrets.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Step {
    /// `render`, `resolve`, `connect`, `tls`, `auth`, `send`, `answer`.
    pub name: &'static str,
    /// Whether it went well.
    pub ok: bool,
    /// What was asked, or came out: `POST https://hooks.slack.com/<secret>, 512 bytes`.
    pub summary: String,
    /// The code that the other side answered with, of HTTP or SMTP.
    pub code: Option<u16>,
    /// The beginning of what it answered.
    pub body: String,
    /// How long it took.
    pub latency: Duration,
}

/// One channel of a receiver: one entry of its `slack_configs`, `webhook_configs`, ...
#[derive(Clone)]
pub struct Channel {
    /// What sends.
    pub notifier: Arc<dyn Notifier>,
    /// Whether it wants to hear that alerts ended.
    pub send_resolved: bool,
    /// Where it sends to, for people: `#alerts`, `admin@example.org`, `https://hooks.example.org/<secret>`.
    pub target: String,
    /// The entry with its defaults, as YAML's nodes, secrets as `<secret>`; for those who look at the configuration.
    pub shown: serde_json::Value,
}

/// What all channels of a configuration share.
pub struct Shared<'a> {
    /// The section `global`.
    pub global: Option<&'a Node>,
    /// `templates`: patterns of files.
    pub templates: &'a [String],
    /// What relative paths begin at: the folder of the file.
    pub base: &'a Path,
    /// Where the alert manager is reached.
    pub external_url: &'a str,
}

/// Knows every kind of channel. `notify` has the one of the server; the tests of the alert manager have their own.
pub trait Integrations: Send + Sync {
    /// Reads what all channels share: `global` with its unknown fields, and the template files.
    fn open<'a>(&self, shared: &Shared<'a>, findings: &mut Findings) -> Box<dyn ChannelBuilder + 'a>;
}

/// Makes channels of one configuration.
pub trait ChannelBuilder {
    /// Makes the channel of one entry of `{kind}_configs`, where `kind` is `webhook`, `email`, `slack`, ... or one that this
    /// build does not know. `path` names it: `receivers[1].slack_configs[0]`.
    ///
    /// `None` when there is no channel: findings say why. With a warning the rest of the file is used all the same (a
    /// word like `YOUR_WEBHOOK` for an URL, an integration that there is not yet); with an error it is not.
    fn build(&self, kind: &str, entry: &Node, path: &str, findings: &mut Findings) -> Option<Channel>;
}
