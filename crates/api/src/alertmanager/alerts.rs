//! `/api/v2/alerts` and `/api/v2/alerts/groups`.

use alerting::manager::AlertView;
use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{StatusCode, Uri};
use serde_json::{Value, json};

use super::filter::{Params, fits};
use super::wire::{self, Failure, PostableAlert};
use crate::app::App;

/// What is asked of alerts.
struct Wanted {
    active: bool,
    silenced: bool,
    inhibited: bool,
    muted: bool,
    filter: Vec<alerting::manager::matchers::Matcher>,
    receiver: Option<regex::Regex>,
}

impl Wanted {
    fn of(uri: &Uri) -> Result<Self, Failure> {
        let params = Params::of(uri)?;
        Ok(Self {
            active: params.on("active")?,
            silenced: params.on("silenced")?,
            inhibited: params.on("inhibited")?,
            muted: params.on("muted")?,
            filter: params.filter()?,
            receiver: params.receiver()?,
        })
    }

    fn has(&self, view: &AlertView) -> bool {
        let status = &view.status;
        (self.active || status.state() != "active")
            && (self.silenced || status.silenced_by.is_empty())
            && (self.inhibited || status.inhibited_by.is_empty())
            && (self.muted || status.muted_by.is_empty())
            && self.receiver.as_ref().is_none_or(|r| view.receivers.iter().any(|name| r.is_match(name)))
            && fits(&self.filter, &view.alert.alert.labels.iter().collect())
    }
}

/// Alerts that fire, by fingerprint.
#[utoipa::path(get, path = "/api/v2/alerts", tag = "alertmanager",
    params(("active" = Option<bool>, Query), ("silenced" = Option<bool>, Query), ("inhibited" = Option<bool>, Query),
        ("filter" = Option<Vec<String>>, Query), ("receiver" = Option<String>, Query)),
    responses((status = 200, body = Value), (status = 400, body = String)))]
pub(super) async fn list(State(app): State<App>, uri: Uri) -> Result<Json<Value>, Failure> {
    let wanted = Wanted::of(&uri)?;
    blocking(move || {
        let alerts = app.alerting.manager.alerts();
        Ok(Json(alerts.iter().filter(|v| wanted.has(v)).map(wire::alert).collect()))
    })
    .await
}

/// Takes alerts. They are stored when the answer comes; those that are wrong are named, and the others are taken.
#[utoipa::path(post, path = "/api/v2/alerts", tag = "alertmanager", request_body = Value,
    responses((status = 200), (status = 400, body = String)))]
pub(super) async fn add(State(app): State<App>, body: Bytes) -> Result<StatusCode, Failure> {
    blocking(move || {
        let parsed: Result<Option<Vec<PostableAlert>>, _> = serde_json::from_slice(&body);
        let alerts = parsed.map_err(|e| Failure::bad(format!("parsing alerts body failed, because {e}")))?;
        let (mut good, mut refused) = (Vec::new(), Vec::new());
        for alert in alerts.unwrap_or_default() {
            match alert.posted() {
                Ok(alert) => good.push(alert),
                Err(why) => refused.push(why),
            }
        }
        let posted = app.alerting.manager.post(good).map_err(|e| Failure::of(e.kind(), e.to_string()))?;
        refused.extend(posted.refused);
        if refused.is_empty() { Ok(StatusCode::OK) } else { Err(Failure::bad(refused.join("; "))) }
    })
    .await
}

/// As version 1 answered.
pub(super) async fn add_v1(state: State<App>, body: Bytes) -> Result<Json<Value>, (StatusCode, Json<Value>)> {
    match add(state, body).await {
        Ok(_) => Ok(Json(json!({"status": "success"}))),
        Err(Failure(status, error)) => {
            Err((status, Json(json!({"status": "error", "errorType": "bad_data", "error": error}))))
        }
    }
}

/// Alerts that fire, as they are grouped.
#[utoipa::path(get, path = "/api/v2/alerts/groups", tag = "alertmanager",
    params(("active" = Option<bool>, Query), ("silenced" = Option<bool>, Query), ("inhibited" = Option<bool>, Query),
        ("muted" = Option<bool>, Query), ("filter" = Option<Vec<String>>, Query), ("receiver" = Option<String>, Query)),
    responses((status = 200, body = Value), (status = 400, body = String)))]
pub(super) async fn groups(State(app): State<App>, uri: Uri) -> Result<Json<Value>, Failure> {
    let wanted = Wanted::of(&uri)?;
    blocking(move || {
        let mut groups = Vec::new();
        for group in app.alerting.manager.groups() {
            let alerts: Vec<Value> = group.alerts.iter().filter(|v| wanted.has(v)).map(wire::alert).collect();
            if !alerts.is_empty() {
                let receiver = json!({"name": group.receiver});
                groups.push(json!({"alerts": alerts, "labels": wire::labels(&group.labels), "receiver": receiver}));
            }
        }
        Ok(Json(groups.into()))
    })
    .await
}

/// Away from the threads of the sockets.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|e| {
        Err(Failure(StatusCode::INTERNAL_SERVER_ERROR, format!("the request failed inside the server: {e}")))
    })
}
