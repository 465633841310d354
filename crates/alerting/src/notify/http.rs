//! Sends what a service of HTTP wants to hear: fill, read secrets, send, judge.

use std::sync::Arc;
use std::time::{Duration, Instant};

use foundation::{Clock, UnixNanos};
use http::HeaderValue;
use net::{Client, Request, Response, Secret, SecretSource, SecretUrl, Url};
use serde_json::Value as Json;
use tokio::sync::mpsc::Sender;

use super::attempt::Attempt;
use super::building::Building;
use super::rendering::Rendering;
use super::templates::Templates;
use crate::notification::{BoxFuture, Delivery, Notification, Notifier, Outcome, PATIENCE, Step};

/// What one service is: how a message of it looks, and what its answers mean.
pub(super) trait Service: Send + Sync + 'static {
    /// A filled message.
    type Message: Send + 'static;

    /// Addresses and keys, read anew for each attempt.
    fn secrets(&self) -> Vec<&SecretSource>;

    /// Fills the message. Runs on a thread that may take its time.
    fn render(&self, rendering: &mut Rendering<'_>) -> Self::Message;

    /// The requests of a message, in order; `secrets` as [`Self::secrets`] lists them.
    ///
    /// # Errors
    /// A sentence without secrets.
    fn calls(&self, message: Self::Message, secrets: &[Secret]) -> Result<Vec<Call>, String>;

    /// What an answer means.
    fn judge(&self, call: &Call, response: &Response, now: UnixNanos) -> Verdict {
        let _ = call;
        standard(response, now)
    }

    /// Another request in place of one that was refused.
    fn instead(&self, call: &Call, response: &Response) -> Option<Call> {
        let _ = (call, response);
        None
    }

    /// How long one attempt may take, when the channel says so.
    fn timeout(&self) -> Duration {
        Duration::ZERO
    }
}

/// One request of a message.
#[derive(Clone)]
pub(super) struct Call {
    /// For the record: `chat.postMessage`. May be empty.
    pub what: &'static str,
    pub request: Request,
    /// What the service remembers of the message: the key of its group.
    pub memory: String,
}

impl Call {
    pub(super) fn post(url: Url, body: &Json) -> Self {
        Self { what: "", request: Request::post(url, "application/json", body.to_string()), memory: String::new() }
    }
}

/// What an answer means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    Delivered,
    Retry { after: Option<Duration>, reason: String },
    Failed { reason: String },
}

/// 2xx is good; 408, 425, 429 and 5xx may be good later; everything else stays wrong.
pub(super) fn standard(response: &Response, now: UnixNanos) -> Verdict {
    let code = response.status.as_u16();
    if response.status.is_success() {
        return Verdict::Delivered;
    }
    let reason = format!("the service answered {code}");
    match code {
        408 | 425 | 429 | 500..=599 => Verdict::Retry { after: response.retry_after(now), reason },
        _ => Verdict::Failed { reason },
    }
}

/// The address in a secret.
pub(super) fn url_of(secret: &Secret) -> Result<Url, String> {
    Ok(SecretUrl::parse(secret.expose())?.expose().clone())
}

/// A channel of a service.
pub(super) struct Http<S> {
    service: Arc<S>,
    client: Client,
    templates: Arc<Templates>,
    clock: Arc<dyn Clock>,
}

impl<S: Service> Http<S> {
    pub(super) fn new(service: S, client: Client, building: &Building<'_>) -> Arc<Self> {
        let (templates, clock) = (building.templates.clone(), building.clock.clone());
        Arc::new(Self { service: Arc::new(service), client, templates, clock })
    }

    async fn run(&self, notification: &Notification, deadline: Instant, watcher: Option<Sender<Step>>) -> Delivery {
        let deadline = deadline.min(Instant::now() + self.patience());
        let mut attempt = Attempt::new(deadline, watcher);
        let Some(message) = self.render(notification, &mut attempt).await else {
            return attempt.end(Outcome::Retry { after: None }, "the message could not be made");
        };
        let mut secrets = Vec::new();
        for source in self.service.secrets() {
            match source.read().await {
                Ok(secret) => secrets.push(secret),
                Err(e) => return attempt.failed(&e, Duration::ZERO),
            }
        }
        let calls = match self.service.calls(message, &secrets) {
            Ok(calls) => calls,
            Err(reason) => {
                attempt.done("send", false, reason.clone(), Duration::ZERO);
                return attempt.end(Outcome::Failed, reason);
            }
        };
        attempt.hide(secrets.iter().map(|s| s.expose().to_owned()).chain(calls.iter().flat_map(secrets_of)));
        if attempt.is_watched()
            && let Some(call) = calls.first()
        {
            let url = call.request.url.clone();
            let started = Instant::now();
            let probed = self.client.probe(&url, |p| {
                let name = match p.step {
                    net::Step::Dns => "resolve",
                    net::Step::Tls => "tls",
                    _ => "connect",
                };
                attempt.done(name, true, p.found, p.took);
            });
            if let Err(e) = probed.await {
                return attempt.failed(&e, started.elapsed());
            }
        }
        self.send(calls, attempt).await
    }

    /// Fills on a thread that may take its time: a template can loop over thousands of alerts.
    async fn render(&self, notification: &Notification, attempt: &mut Attempt) -> Option<S::Message> {
        let started = Instant::now();
        let (service, templates, notification) = (self.service.clone(), self.templates.clone(), notification.clone());
        let filled = tokio::task::spawn_blocking(move || {
            let mut rendering = Rendering::new(&notification, &templates);
            let message = service.render(&mut rendering);
            (message, rendering.failed.is_empty(), rendering.summary())
        });
        match filled.await {
            Ok((message, ok, summary)) => {
                attempt.done("render", ok, summary, started.elapsed());
                Some(message)
            }
            Err(e) => {
                attempt.done("render", false, e.to_string(), started.elapsed());
                None
            }
        }
    }

    async fn send(&self, calls: Vec<Call>, mut attempt: Attempt) -> Delivery {
        for call in calls {
            let mut next = Some(call);
            while let Some(call) = next.take() {
                let asked = asked(&call);
                let started = Instant::now();
                let response = match self.client.send(call.request.clone(), attempt.left()).await {
                    Ok(response) => response,
                    Err(e) => return attempt.failed(&e, started.elapsed()),
                };
                attempt.hide(response.secrets.iter().filter_map(credentials));
                let verdict = self.service.judge(&call, &response, self.clock.now());
                let code = response.status.as_u16();
                attempt.answer(verdict == Verdict::Delivered, asked, code, &response.body, response.took);
                next = match verdict {
                    Verdict::Delivered => None,
                    Verdict::Retry { after, reason } => return attempt.end(Outcome::Retry { after }, reason),
                    Verdict::Failed { reason } => match self.service.instead(&call, &response) {
                        Some(other) => Some(other),
                        None => return attempt.end(Outcome::Failed, reason),
                    },
                };
            }
        }
        attempt.end(Outcome::Delivered, "")
    }
}

/// What of a request must not be seen: where a hook is, and who asks.
fn secrets_of(call: &Call) -> Vec<String> {
    let url = &call.request.url;
    let parts = [Some(url.path()), url.query(), url.password()];
    let parts = parts.into_iter().flatten().map(str::to_owned);
    parts.chain(call.request.headers.values().filter(|v| v.is_sensitive()).filter_map(credentials)).collect()
}

/// `Bearer x` is `x`.
fn credentials(value: &HeaderValue) -> Option<String> {
    let text = value.to_str().ok()?;
    Some(text.split_once(' ').map_or(text, |(_, credentials)| credentials).to_owned())
}

/// `POST https://hooks.slack.com/<secret>, 512 bytes`
fn asked(call: &Call) -> String {
    let request = &call.request;
    let host = request.url.host_str().unwrap_or("");
    let port = request.url.port().map(|p| format!(":{p}")).unwrap_or_default();
    let what = if call.what.is_empty() { String::new() } else { format!("{}: ", call.what) };
    let (method, scheme, bytes) = (&request.method, request.url.scheme(), request.body.len());
    format!("{what}{method} {scheme}://{host}{port}/<secret>, {bytes} bytes")
}

impl<S: Service> Notifier for Http<S> {
    fn patience(&self) -> Duration {
        let own = self.service.timeout();
        if own.is_zero() { PATIENCE } else { own }
    }

    fn notify<'a>(&'a self, notification: &'a Notification, deadline: Instant) -> BoxFuture<'a, Delivery> {
        Box::pin(self.run(notification, deadline, None))
    }

    fn test<'a>(
        &'a self,
        notification: &'a Notification,
        deadline: Instant,
        steps: Sender<Step>,
    ) -> BoxFuture<'a, Delivery> {
        Box::pin(self.run(notification, deadline, Some(steps)))
    }
}
