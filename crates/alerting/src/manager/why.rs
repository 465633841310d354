//! "Why was nobody notified?": what the timeline and the present state say about one alert, in plain words.

use foundation::UnixNanos;
use metastore::{MetaError, TimelineEvent};

use super::alertmanager::{Alertmanager, time};
use super::views::AlertView;
use crate::alert::Fingerprint;
use crate::timeline::Happened;

/// Events that are read of an alert.
const EVENTS_MAX: usize = 1000;

/// The answer.
#[derive(Debug, Clone)]
pub struct Why {
    /// One line that answers.
    pub answer: String,
    /// Whether somebody was told since it fires.
    pub notified: bool,
    /// The alert, if it is held.
    pub alert: Option<AlertView>,
    /// Where it stands now.
    pub groups: Vec<Group>,
    /// Every step, in words.
    pub story: Vec<String>,
    /// Every step, as it was recorded.
    pub timeline: Vec<TimelineEvent>,
}

/// A group that the alert is in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Who is told.
    pub receiver: String,
    /// As Alertmanager writes it.
    pub key: String,
    /// When it is looked at next.
    pub due: UnixNanos,
    /// Whether it was looked at once.
    pub flushed: bool,
    /// Why the alert would not be told now, in words.
    pub quiet: Option<String>,
}

impl Alertmanager {
    /// What is known about an alert; `None` when nothing is. Waits for the disk.
    ///
    /// # Errors
    /// When the metadata cannot be read.
    pub fn why(&self, fingerprint: Fingerprint) -> Result<Option<Why>, MetaError> {
        let timeline = self.timeline().of(fingerprint, EVENTS_MAX)?;
        let alert = self.alert(fingerprint);
        if timeline.is_empty() && alert.is_none() {
            return Ok(None);
        }
        let now = self.now();
        let groups = self.with_state(|state, now| {
            // Groups that hold the alert are few; looking for it in one takes no time.
            let of = state.groups.iter().filter_map(|g| {
                let alert = g.alerts.get(&fingerprint)?;
                Some(Group {
                    receiver: g.route.receiver.clone(),
                    key: g.key.clone(),
                    due: g.due,
                    flushed: g.flushed,
                    quiet: state.present.quiet(&alert.alert.labels, &g.route, now).map(|q| q.words()),
                })
            });
            of.collect::<Vec<_>>()
        });
        let begin = timeline.iter().rposition(|e| e.kind == Happened::Received.name()).unwrap_or_default();
        let since = timeline.get(begin..).unwrap_or_default();
        let delivered = last(since, Happened::Delivered);
        let answer = answer(since, alert.as_ref(), &groups, now);
        Ok(Some(Why {
            answer,
            notified: delivered.is_some(),
            alert,
            groups,
            story: timeline.iter().map(words).collect(),
            timeline,
        }))
    }
}

fn last(events: &[TimelineEvent], kind: Happened) -> Option<&TimelineEvent> {
    events.iter().rev().find(|e| e.kind == kind.name())
}

fn answer(since: &[TimelineEvent], alert: Option<&AlertView>, groups: &[Group], now: UnixNanos) -> String {
    if let Some(delivered) = last(since, Happened::Delivered) {
        let failed = last(since, Happened::Failed).filter(|f| f.at > delivered.at);
        let but = failed.map(|f| format!("; but later {}", lower(&words(f)))).unwrap_or_default();
        return format!("Somebody was notified: {}{but}.", lower(&words(delivered)));
    }
    let received = last(since, Happened::Received);
    let Some(alert) = alert else {
        return match received {
            None => "Nobody was notified: the alert manager never had this alert; its rule did not fire, or its alerts did not arrive.".to_owned(),
            Some(_) => format!("Nobody was notified, and the alert is over: {}.", last_reason(since)),
        };
    };
    let resolved = alert.alert.alert.is_resolved(now);
    if resolved && last(since, Happened::Failed).is_none() && groups.iter().all(|g| g.quiet.is_none()) {
        return format!(
            "Nobody was notified: it ended at {} before its group was due; {}.",
            time(alert.alert.alert.ends_at),
            last_reason(since)
        );
    }
    if let Some(nobody) = last(since, Happened::Nobody) {
        return format!("Nobody was notified: {}.", lower(&words(nobody)));
    }
    if let Some(quiet) = groups.iter().find_map(|g| g.quiet.as_ref()) {
        return format!("Nobody was notified: {quiet}.");
    }
    if let Some(failed) = last(since, Happened::Failed).or_else(|| last(since, Happened::Attempt)) {
        return format!("Nobody was notified yet: {}.", lower(&words(failed)));
    }
    match groups.iter().min_by_key(|g| g.due) {
        Some(group) => {
            format!("Nobody was notified yet: its group waits until {} to tell `{}`.", time(group.due), group.receiver)
        }
        None => format!("Nobody was notified: {}.", last_reason(since)),
    }
}

fn last_reason(since: &[TimelineEvent]) -> String {
    since.last().map_or_else(
        || "nothing is recorded".to_owned(),
        |e| format!("the last thing that happened: {}", lower(&words(e))),
    )
}

fn lower(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|c| c.to_lowercase().chain(chars).collect()).unwrap_or_default()
}

/// One event in words, with its time.
fn words(event: &TimelineEvent) -> String {
    let text = |key: &str| match &event.body[key] {
        serde_json::Value::String(text) => text.clone(),
        serde_json::Value::Null => String::new(),
        serde_json::Value::Array(items) => {
            items.iter().map(|i| i.as_str().map_or_else(|| i.to_string(), str::to_owned)).collect::<Vec<_>>().join(", ")
        }
        other => other.to_string(),
    };
    let channel = || format!("`{}` by {} ({})", text("receiver"), text("channel"), text("target"));
    let code = || event.body["code"].as_u64().map(|c| format!(", answer {c}")).unwrap_or_default();
    let attempts = || match event.body["attempt_count"].as_u64() {
        Some(1) | None => "one attempt".to_owned(),
        Some(n) => format!("{n} attempts"),
    };
    let kind = Happened::ALL.into_iter().find(|k| k.name() == event.kind);
    let what = match kind {
        Some(Happened::Pending) => format!("The condition of its rule began to hold, value {}", text("value")),
        Some(Happened::Firing) => format!("Its rule fires, value {}", text("value")),
        Some(Happened::Inactive) => "The condition of its rule does not hold any more".to_owned(),
        Some(Happened::Received) => format!("The alert manager received it, firing since {}", text("starts_at")),
        Some(Happened::Resolved) => format!("It ended at {}, said by {}", text("ended_at"), text("by")),
        Some(Happened::Grouped) => {
            format!("It joined a group of the route {} to `{}`", text("route"), text("receiver"))
        }
        Some(Happened::Inhibited) => format!("It was inhibited by alert {} ({})", text("by"), text("rule")),
        Some(Happened::Silenced) => format!("It was silenced by {}", text("silences")),
        Some(Happened::Muted) if text("inside").is_empty() => {
            format!("Its route to `{}` speaks only within {}", text("receiver"), text("outside"))
        }
        Some(Happened::Muted) => format!("Its route to `{}` was muted by {}", text("receiver"), text("inside")),
        Some(Happened::Maintenance) => format!("It fell into the maintenance window {}", text("windows")),
        Some(Happened::Unmuted) => format!("Nothing kept it from `{}` any more", text("receiver")),
        Some(Happened::Acknowledged) => format!("{} acknowledged it: {}", text("by"), text("comment")),
        Some(Happened::Unacknowledged) => format!("Its acknowledgement ended: {}", text("why")),
        Some(Happened::Delivered) => {
            format!(
                "{} was told ({}{}, {}, {} ms)",
                channel(),
                text("notification_reason"),
                code(),
                attempts(),
                text("latency_ms")
            )
        }
        Some(Happened::Attempt) => {
            format!("{} could not be reached and is tried again{}: {}", channel(), code(), text("reason"))
        }
        Some(Happened::Failed) => {
            format!("{} could not be told after {}{}: {}", channel(), attempts(), code(), text("reason"))
        }
        Some(Happened::Nobody) if event.body["channels"].as_object().is_some_and(|c| !c.is_empty()) => {
            format!("The receiver `{}` has no channel that can be used: {}", text("receiver"), text("channels"))
        }
        Some(Happened::Nobody) => format!("The receiver `{}` has no channel", text("receiver")),
        None => format!("{} {}", event.kind, event.body),
    };
    format!("{what} at {}", time(event.at))
}
