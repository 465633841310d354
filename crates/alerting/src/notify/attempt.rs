//! The record of one attempt: its steps, kept and, when somebody watches, shown as they happen.

use std::time::{Duration, Instant};

use net::SendError;
use tokio::sync::mpsc::Sender;

use crate::notification::{Delivery, Outcome, Step};

/// What of an answer is kept in the record.
const BODY_CHARACTERS_MAX: usize = 500;

/// A text that is shorter is no secret.
const SECRET_CHARACTERS_MIN: usize = 6;

/// An attempt under way.
pub(super) struct Attempt {
    steps: Vec<Step>,
    /// Who watches; a watcher that does not read misses steps.
    watcher: Option<Sender<Step>>,
    /// Texts that no record may have; what the other side answers may hold what it was sent.
    secrets: Vec<String>,
    pub deadline: Instant,
}

impl Attempt {
    pub(super) fn new(deadline: Instant, watcher: Option<Sender<Step>>) -> Self {
        Self { steps: Vec::new(), watcher, secrets: Vec::new(), deadline }
    }

    /// Somebody watches: steps that nobody needs for sending are made for them.
    pub(super) fn is_watched(&self) -> bool {
        self.watcher.is_some()
    }

    /// How long there is left.
    pub(super) fn left(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }

    /// From now on these texts are `<secret>` in the record. Short ones would hide words that are none.
    pub(super) fn hide(&mut self, texts: impl IntoIterator<Item = String>) {
        self.secrets.extend(texts.into_iter().filter(|t| t.chars().count() >= SECRET_CHARACTERS_MIN));
        // One may lie in another.
        self.secrets.sort_by_key(|t| std::cmp::Reverse(t.len()));
    }

    fn concealed(&self, text: String) -> String {
        self.secrets.iter().fold(
            text,
            |text, secret| {
                if text.contains(secret) { text.replace(secret, "<secret>") } else { text }
            },
        )
    }

    pub(super) fn step(&mut self, mut step: Step) {
        (step.summary, step.body) = (self.concealed(step.summary), self.concealed(step.body));
        if let Some(watcher) = &self.watcher {
            // Nothing waits for who watches.
            let _ = watcher.try_send(step.clone());
        }
        self.steps.push(step);
    }

    /// A step that went well or not.
    pub(super) fn done(&mut self, name: &'static str, ok: bool, summary: impl Into<String>, latency: Duration) {
        self.step(Step { name, ok, summary: summary.into(), code: None, body: String::new(), latency });
    }

    /// An answer with its code and the beginning of its body.
    pub(super) fn answer(&mut self, ok: bool, summary: String, code: u16, body: &[u8], latency: Duration) {
        // Before it is cut: half a secret is one too.
        let body = self.concealed(String::from_utf8_lossy(body).into_owned());
        let body = body.trim().chars().take(BODY_CHARACTERS_MAX).collect();
        self.step(Step { name: "answer", ok, summary, code: Some(code), body, latency });
    }

    /// A request that got no answer.
    pub(super) fn failed(mut self, error: &SendError, latency: Duration) -> Delivery {
        let name = match error.step() {
            net::Step::Prepare => "auth",
            net::Step::Dns => "resolve",
            net::Step::Connect => "connect",
            net::Step::Tls => "tls",
            net::Step::Answer => "answer",
        };
        self.done(name, false, error.to_string(), latency);
        let outcome = if error.is_retryable() { Outcome::Retry { after: None } } else { Outcome::Failed };
        self.end(outcome, error.to_string())
    }

    pub(super) fn end(self, outcome: Outcome, reason: impl Into<String>) -> Delivery {
        let reason = self.concealed(reason.into());
        Delivery { outcome, reason, steps: self.steps }
    }
}
