//! Channels: what there is, who uses it, and whether it works.

use std::collections::BTreeMap;
use std::convert::Infallible;

use alerting::manager::config::{Receiver, Slot};
use alerting::manager::{Alertmanager, ChannelCondition, Failure, Tested, step_json, test_alert};
use alerting::notification::Outcome;
use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use foundation::ErrorKind;
use http_body::Frame;
use model::Labels;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use utoipa::{IntoParams, ToSchema};

use super::{labels, ms};
use crate::alerting::TEST_TIMEOUT;
use crate::app::App;
use crate::native::error::ApiError;
use crate::native::params::Query;

/// Receivers with their channels, in what condition each is, and the routes that use them. Secrets are `<secret>`.
#[utoipa::path(get, path = "/api/v1/channels",
    responses((status = 200, body = Value, description = "`receivers`: `name`, `channels`, `routes`")))]
pub(crate) async fn list(State(app): State<App>) -> Json<Value> {
    let config = app.alerting.manager.config();
    let one = |r: &Receiver| {
        let routes = config.routes.all().iter().filter(|route| route.receiver == r.name);
        let routes: Vec<_> = routes.map(|route| route.key.clone()).collect();
        let channels: Vec<_> = r.slots.iter().map(|s| slot(&app.alerting.manager, r, s)).collect();
        json!({"name": r.name, "channels": channels, "routes": routes})
    };
    Json(json!({"receivers": config.receivers.iter().map(one).collect::<Vec<_>>()}))
}

fn slot(manager: &Alertmanager, receiver: &Receiver, slot: &Slot) -> Value {
    match &slot.channel {
        Ok(channel) => json!({
            "name": slot.name(),
            "integration": slot.integration,
            "enabled": true,
            "target": channel.target,
            "send_resolved": channel.send_resolved,
            "settings": channel.shown,
            "condition": condition(&manager.condition(&receiver.name, &slot.name())),
        }),
        Err(why) => {
            json!({"name": slot.name(), "integration": slot.integration, "enabled": false, "disabled_because": why})
        }
    }
}

/// `state` is `unknown` before anything was sent, `delivering` or `failing`.
fn condition(of: &ChannelCondition) -> Value {
    let state = match (of.failing_since, of.delivered_at) {
        (Some(_), _) => "failing",
        (None, Some(_)) => "delivering",
        (None, None) => "unknown",
    };
    json!({
        "state": state,
        "delivered_ms": of.delivered_at.map(ms),
        "failing_since_ms": of.failing_since.map(ms),
        "last_failure": of.failure.as_ref().map(failure),
    })
}

pub(super) fn failure(of: &Failure) -> Value {
    json!({"time_ms": ms(of.at), "reason": of.reason, "code": of.code})
}

/// Which channel.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Which {
    /// As `slack[0]`; all channels of the receiver when left out.
    channel: Option<String>,
}

/// The alert that a test message is about.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Example {
    /// `alertname` is added when it is missing.
    labels: BTreeMap<String, String>,
    annotations: BTreeMap<String, String>,
}

impl Example {
    fn read(body: &[u8]) -> Result<Option<Self>, ApiError> {
        if body.trim_ascii().is_empty() {
            return Ok(None);
        }
        serde_json::from_slice(body).map(Some).map_err(|e| ApiError::invalid("body", e.to_string()))
    }

    fn alert(self) -> (Labels, Labels) {
        let mut labels = Labels::new(self.labels.into_iter().collect());
        if labels.get("alertname").is_empty() {
            labels.set("alertname", "TestAlert");
        }
        (labels, Labels::new(self.annotations.into_iter().collect()))
    }
}

/// Sends a test message, about an alert of one's own or ours, and answers with every step as it is known: one JSON object per line, `outcome` in the last of a channel.
#[utoipa::path(post, path = "/api/v1/channels/{name}/test",
    params(("name" = String, Path, description = "Name of the receiver"), Which), request_body = Option<Example>,
    responses((status = 200, body = String, content_type = "application/x-ndjson"), (status = 404, body = ApiError)))]
pub(crate) async fn test(
    State(app): State<App>,
    Path(name): Path<String>,
    Query(which): Query<Which>,
    body: Bytes,
) -> Result<Response, ApiError> {
    let example = Example::read(&body)?.map(Example::alert);
    let config = app.alerting.manager.config();
    let Some(receiver) = config.receiver(&name) else {
        let known: Vec<_> = config.receivers.iter().map(|r| r.name.as_str()).collect();
        let message = format!("there is no receiver `{name}`; there are {}", known.join(", "));
        return Err(ApiError::new(ErrorKind::NotFound, message));
    };
    let slots: Vec<Slot> =
        receiver.slots.iter().filter(|s| which.channel.as_ref().is_none_or(|c| *c == s.name())).cloned().collect();
    if slots.is_empty() {
        let channel = which.channel.unwrap_or_default();
        return Err(ApiError::new(ErrorKind::NotFound, format!("the receiver `{name}` has no channel `{channel}`")));
    }
    // As many lines as wait for a slow reader; then the test waits.
    let (lines, waiting) = mpsc::channel(16);
    for slot in slots {
        let (app, name, lines, example) = (app.clone(), name.clone(), lines.clone(), example.clone());
        tokio::spawn(async move { test_one(&app, &name, (slot, example), &lines).await });
    }
    let body = Body::new(Lines(waiting));
    Ok(([(header::CONTENT_TYPE, "application/x-ndjson"), (header::CACHE_CONTROL, "no-store")], body).into_response())
}

async fn test_one(
    app: &App,
    receiver: &str,
    (slot, example): (Slot, Option<(Labels, Labels)>),
    lines: &mpsc::Sender<Bytes>,
) {
    let channel = slot.name();
    let send = async |mut line: Value| {
        line["channel"] = channel.clone().into();
        // Fails only when nobody reads any more.
        let _ = lines.send(Bytes::from(format!("{line}\n"))).await;
    };
    let mut begin = json!({"step": "begin", "ok": true, "summary": format!("testing {channel} of {receiver}")});
    if let Some((of, _)) = &example {
        begin["alert"] = json!({"labels": labels(of)});
    }
    send(begin).await;
    // Steps are few; one that finds no room is left out.
    let (steps, mut done) = mpsc::channel(64);
    let testing =
        app.alerting.manager.test_channel(receiver, &slot, example.unwrap_or_else(test_alert), TEST_TIMEOUT, steps);
    let showing = async {
        while let Some(step) = done.recv().await {
            send(step_json(&step)).await;
        }
    };
    let (tested, ()) = tokio::join!(testing, showing);
    match tested {
        Err(why) => send(json!({"outcome": "disabled", "reason": why})).await,
        Ok(Tested { delivery, latency }) => {
            let outcome = match delivery.outcome {
                Outcome::Delivered => "delivered",
                Outcome::Retry { .. } => "retry",
                Outcome::Failed => "failed",
            };
            let latency_ms = latency.as_micros() as f64 / 1000.0;
            send(json!({"outcome": outcome, "reason": delivery.reason, "latency_ms": latency_ms})).await;
        }
    }
}

/// Lines as they come.
struct Lines(mpsc::Receiver<Bytes>);

impl http_body::Body for Lines {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.poll_recv(cx).map(|line| line.map(|line| Ok(Frame::data(line))))
    }
}
