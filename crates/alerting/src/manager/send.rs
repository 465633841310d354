//! Carries messages to their channels: every channel on its own, attempt after attempt, until it is delivered or the time is up.
//! A channel that is slow, or asked to wait ([`super::gate`]), holds up its own messages and nobody else's.
//!
//! A message counts as delivered when the other side has it *and* the log is synced. A crash between the two sends it once
//! more: that is what the log guarantees.

use std::time::Duration;

use foundation::UnixNanos;
use foundation::text::beginning;
use metastore::Delivery as Record;
use model::Labels;
use serde_json::{Value, json};
use tokio::sync::mpsc::Sender;
use tokio::time::Instant;

use super::alertmanager::Alertmanager;
use super::condition::{Failure, OnTheWay};
use super::config::Slot;
use super::flush::Send;
use super::gate::Closed;
use super::matchers::label_set;
use crate::alert::{ALERTNAME, Fingerprint};
use crate::notification::{Delivery, Notification, NotifiedAlert, Outcome, Reason, Status, Step};
use crate::timeline::Happened;

/// Before the second attempt.
const PAUSE_MIN: Duration = Duration::from_millis(500);
/// Between two attempts, unless the other side asks for more.
const PAUSE_MAX: Duration = Duration::from_secs(60);
/// A notifier that does not keep its time is left alone so much later.
const GRACE: Duration = Duration::from_millis(500);
/// Attempts that the record keeps: the first ones and the last ones.
const ATTEMPTS_KEPT: usize = 10;
/// Bytes of an answer that the record keeps.
const BODY_KEPT: usize = 512;

/// What became of a message.
#[derive(Default)]
struct Sent {
    delivered: bool,
    reason: String,
    attempts: Vec<Value>,
    count: usize,
    code: Option<u16>,
    latency: Duration,
}

impl Sent {
    fn failure(&self, at: UnixNanos) -> Failure {
        Failure { at, reason: self.reason.clone(), code: self.code }
    }
}

fn on_the_way(send: &Send, since: UnixNanos) -> OnTheWay {
    OnTheWay {
        receiver: send.key.receiver.clone(),
        channel: send.slot.name(),
        target: send.channel.target.clone(),
        group_key: send.key.group_key.clone(),
        notification_reason: send.reason.name(),
        alerts: send.alerts.len(),
        since,
        attempts: 0,
        failure: None,
        next_attempt: None,
    }
}

/// Why no attempt was made; `before` is how the last one went.
fn not_let_in(closed: Closed, before: &str) -> String {
    let why = match closed {
        Closed::Asked(left) => {
            format!("the other side asked to be left alone for {} s more (Retry-After)", left.as_secs().max(1))
        }
        Closed::Busy(others) => format!("{others} other messages to this channel wait for an answer"),
    };
    if before.is_empty() { why } else { format!("{why}; before that: {before}") }
}

impl Alertmanager {
    /// Tells a channel of a group, and what came meanwhile, until there is nothing more to say.
    pub(super) async fn send(&self, send: Send) {
        let mut next = Some(send);
        while let Some(send) = next.take() {
            let (group, channel, ended) = (send.group.clone(), send.slot.name(), send.ended.clone());
            let receiver = send.key.receiver.clone();
            let manager = self.clone();
            // A task of its own, so that a notifier that panics does not leave its channel busy for good.
            let mut task = tokio::task::JoinSet::new();
            task.spawn(async move { manager.send_one(send).await });
            let told = match task.join_next().await {
                Some(Ok(told)) => told,
                Some(Err(e)) => {
                    let reason = "the notifier failed inside the server".to_owned();
                    let failure = Failure { at: self.now(), reason, code: None };
                    self.conditions().end(&group, &channel, self.now(), Some(failure));
                    tracing::error!(error = %e, receiver, channel, "a notifier panicked");
                    false
                }
                None => false,
            };
            let manager = self.clone();
            let follow = move || manager.finished(&group, &channel, if told { &ended } else { &[] });
            next = tokio::task::spawn_blocking(follow).await.unwrap_or_default();
        }
    }

    async fn send_one(&self, send: Send) -> bool {
        let Some(notification) = &send.notification else {
            // The log is cleared so that the next firing is told.
            return self.logged(send, None).await;
        };
        let (name, deadline) = (send.slot.name(), Instant::now() + send.timeout);
        self.conditions().begin(&send.group, on_the_way(&send, self.now()));
        let mut sent = Sent::default();
        let mut pause = PAUSE_MIN;
        loop {
            let turn = match send.slot.gate.enter(deadline).await {
                Ok(turn) => turn,
                Err(closed) => {
                    sent.reason = not_let_in(closed, &sent.reason);
                    break;
                }
            };
            self.conditions().attempt(&send.group, &name);
            let begin = Instant::now();
            let patience = send.channel.notifier.patience();
            let until = deadline.min(begin + patience);
            let attempt = send.channel.notifier.notify(notification, until.into_std());
            // The notifier keeps the time itself, and says what it was doing; this is for one that does not.
            let delivery = tokio::time::timeout_at(until + GRACE, attempt).await.unwrap_or_else(|_| Delivery {
                outcome: Outcome::Retry { after: None },
                reason: format!("no answer within {:.0?}", until - begin),
                steps: Vec::new(),
            });
            drop(turn);
            sent.latency = begin.elapsed();
            sent.count += 1;
            sent.code = delivery.steps.iter().rev().find_map(|s| s.code);
            note_attempt(&mut sent.attempts, sent.count, &delivery, sent.latency);
            sent.reason.clone_from(&delivery.reason);
            match delivery.outcome {
                Outcome::Delivered => {
                    sent.delivered = true;
                    break;
                }
                Outcome::Failed => break,
                Outcome::Retry { after } => {
                    if let Some(after) = after {
                        send.slot.gate.close(after);
                    }
                    let wait = jittered(pause, sent.count).max(after.unwrap_or_default());
                    if Instant::now() + wait >= deadline {
                        break;
                    }
                    if sent.count == 1 {
                        self.record_attempt(&send, &sent);
                    }
                    let now = self.now();
                    self.conditions().retry(&send.group, &name, sent.failure(now), now.plus(wait));
                    self.count(|s| s.retried += 1);
                    tokio::time::sleep(wait).await;
                    pause = (pause + pause / 2).min(PAUSE_MAX);
                }
            }
        }
        let now = self.now();
        self.conditions().end(&send.group, &name, now, (!sent.delivered).then(|| sent.failure(now)));
        self.conclude(send, sent).await
    }

    async fn conclude(&self, send: Send, sent: Sent) -> bool {
        let (now, receiver) = (self.now(), send.key.receiver.as_str());
        let channel = send.slot.name();
        let firing = send.notification.as_ref().map_or(0, |n| n.firing().count());
        let (total, delivered) = (send.alerts.len(), sent.delivered);
        let record = Record {
            id: 0,
            at: now,
            receiver: receiver.to_owned(),
            outcome: if delivered { "delivered" } else { "failed" }.to_owned(),
            group_key: send.key.group_key.clone(),
            body: json!({
                "channel": channel,
                "target": send.channel.target,
                "notification_reason": send.reason.name(),
                "reason": sent.reason,
                "firing": firing,
                "resolved": total - firing,
                "alerts": send.alerts.iter().take(100).map(ToString::to_string).collect::<Vec<_>>(),
                "attempts": sent.attempts,
                "attempt_count": sent.count,
                "latency_ms": sent.latency.as_millis() as u64,
            }),
        };
        let what = if delivered { Happened::Delivered } else { Happened::Failed };
        for fingerprint in &send.alerts {
            self.timeline().record(*fingerprint, now, what, event(&send, &sent));
        }
        if delivered {
            self.count(|s| s.delivered += 1);
            self.logged(send, Some(record)).await
        } else {
            self.count(|s| s.failed += 1);
            tracing::warn!(
                receiver,
                channel,
                attempts = sent.count,
                reason = sent.reason,
                "a notification could not be delivered"
            );
            self.persist(None, Some(record)).await;
            false
        }
    }

    /// Writes what was told, then counts it as told.
    async fn logged(&self, send: Send, record: Option<Record>) -> bool {
        self.persist(Some((send.key.clone(), send.entry.clone())), record).await;
        self.told(send.key, send.entry);
        true
    }

    fn record_attempt(&self, send: &Send, sent: &Sent) {
        for fingerprint in &send.alerts {
            self.timeline().record(*fingerprint, self.now(), Happened::Attempt, event(send, sent));
        }
    }
}

/// How the test of a channel went.
#[derive(Debug, Clone)]
pub struct Tested {
    /// What the channel says.
    pub delivery: Delivery,
    /// How long it took.
    pub latency: Duration,
}

/// Labels and annotations of the alert of a test when nobody says others.
pub fn test_alert() -> (Labels, Labels) {
    let labels = Labels::from_pairs([(ALERTNAME, "TestAlert"), ("severity", "info"), ("service", "bellrock")]);
    let annotations = Labels::from_pairs([
        ("summary", "Test of a notification channel"),
        ("description", "Somebody tests whether this channel works. There is nothing to do."),
    ]);
    (labels, annotations)
}

impl Alertmanager {
    /// Sends a message about an alert with these labels and annotations, which says that it is a test; `steps` hears of each step when it is done.
    ///
    /// # Errors
    /// Why the channel is disabled.
    pub async fn test_channel(
        &self,
        receiver: &str,
        slot: &Slot,
        (labels, annotations): (Labels, Labels),
        timeout: Duration,
        steps: Sender<Step>,
    ) -> Result<Tested, String> {
        let channel = slot.channel.clone()?;
        let now = self.now();
        let group = Labels::from_pairs([(ALERTNAME, labels.get(ALERTNAME))]);
        let fingerprint = Fingerprint::of(&labels);
        let alert = NotifiedAlert {
            status: Status::Firing,
            labels: labels.clone(),
            annotations: annotations.clone(),
            starts_at: now,
            ends_at: UnixNanos(0),
            generator_url: self.external_url().to_owned(),
            fingerprint,
        };
        let notification = Notification {
            receiver: receiver.to_owned(),
            status: Status::Firing,
            group_key: format!("{{}}:{}", label_set(&group)),
            group_labels: group,
            common_labels: labels,
            common_annotations: annotations,
            route_labels: Labels::default(),
            external_url: self.external_url().to_owned(),
            reason: Reason::Test,
            alerts: vec![alert],
            truncated: 0,
        };
        let begin = Instant::now();
        let attempt = channel.notifier.test(&notification, (begin + timeout).into_std(), steps);
        let delivery = tokio::time::timeout(timeout, attempt).await.unwrap_or_else(|_| Delivery {
            outcome: Outcome::Retry { after: None },
            reason: format!("no answer within {} s", timeout.as_secs()),
            steps: Vec::new(),
        });
        Ok(Tested { delivery, latency: begin.elapsed() })
    }
}

fn event(send: &Send, sent: &Sent) -> Value {
    json!({
        "receiver": send.key.receiver,
        "channel": send.slot.name(),
        "target": send.channel.target,
        "notification_reason": send.reason.name(),
        "reason": sent.reason,
        "code": sent.code,
        "attempt_count": sent.count,
        "latency_ms": sent.latency.as_millis() as u64,
    })
}

/// Keeps the first and the last attempts.
fn note_attempt(attempts: &mut Vec<Value>, number: usize, delivery: &Delivery, latency: Duration) {
    if attempts.len() >= ATTEMPTS_KEPT {
        attempts.remove(ATTEMPTS_KEPT / 2);
    }
    attempts.push(json!({
        "number": number,
        "outcome": match delivery.outcome {
            Outcome::Delivered => "delivered",
            Outcome::Retry { .. } => "retry",
            Outcome::Failed => "failed",
        },
        "reason": delivery.reason,
        "latency_ms": latency.as_millis() as u64,
        "steps": delivery.steps.iter().map(step_json).collect::<Vec<_>>(),
    }));
}

/// A step as it is shown: `step`, `ok`, `summary`, `code`, `body`, `latency_ms`.
pub fn step_json(step: &Step) -> Value {
    json!({
        "step": step.name,
        "ok": step.ok,
        "summary": step.summary,
        "code": step.code,
        "body": beginning(&step.body, BODY_KEPT),
        "latency_ms": step.latency.as_micros() as f64 / 1000.0,
    })
}

/// Half to one and a half of the pause, so that channels that failed together do not come back together.
fn jittered(pause: Duration, attempt: usize) -> Duration {
    let spread = (attempt as u32).wrapping_mul(2_654_435_769) >> 22;
    pause / 2 + pause * spread / 1024
}
