//! One alert: what happened to it, and who takes care of it.

use alerting::Fingerprint;
use alerting::manager::{Acknowledgement, AlertView};
use axum::Json;
use axum::extract::{Path, State};
use foundation::ErrorKind;
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::{blocking, labels, moment, ms};
use crate::app::App;
use crate::native::error::ApiError;

fn fingerprint(id: &str) -> Result<Fingerprint, ApiError> {
    Fingerprint::parse(id).ok_or_else(|| {
        ApiError::invalid("id", format!("`{id}` is not the fingerprint of an alert: 16 hexadecimal digits"))
    })
}

fn unknown(id: &str) -> ApiError {
    ApiError::new(ErrorKind::NotFound, format!("nothing is known of an alert {id}; what happened is kept for 30 days"))
}

/// Why somebody was notified of an alert, or nobody was: an answer in words, every step, and where it stands now.
#[utoipa::path(get, path = "/api/v1/alerts/{id}/why",
    params(("id" = String, Path, description = "Fingerprint")),
    responses((status = 200, body = Value, description = "`answer`, `notified`, `alert`, `groups`, `story`, `timeline`"),
        (status = 404, body = ApiError)))]
pub(crate) async fn why(State(app): State<App>, Path(id): Path<String>) -> Result<Json<Value>, ApiError> {
    let of = fingerprint(&id)?;
    blocking(move || {
        let why = app.alerting.manager.why(of)?.ok_or_else(|| unknown(&id))?;
        let group = |g: &alerting::manager::WhyGroup| {
            json!({"receiver": g.receiver, "group_key": g.key, "next_flush_ms": ms(g.due), "flushed": g.flushed, "quiet": g.quiet})
        };
        let event = |e: &metastore::TimelineEvent| json!({"time_ms": ms(e.at), "kind": e.kind, "data": e.body});
        Ok(Json(json!({
            "fingerprint": of.to_string(),
            "answer": why.answer,
            "notified": why.notified,
            "alert": why.alert.as_ref().map(alert),
            "groups": why.groups.iter().map(group).collect::<Vec<_>>(),
            "story": why.story,
            "timeline": why.timeline.iter().map(event).collect::<Vec<_>>(),
        })))
    })
    .await
}

pub(super) fn alert(view: &AlertView) -> Value {
    let alert = &view.alert.alert;
    let by = view.acknowledgement.as_ref();
    json!({
        "fingerprint": view.fingerprint.to_string(),
        "labels": labels(&alert.labels),
        "annotations": labels(&alert.annotations),
        "starts_at_ms": ms(alert.starts_at),
        "ends_at_ms": ms(alert.ends_at),
        "updated_at_ms": ms(view.alert.updated_at),
        "generator_url": alert.generator_url,
        "receivers": view.receivers,
        "state": view.status.state(),
        "silenced_by": view.status.silenced_by,
        "inhibited_by": view.status.inhibited_by,
        "muted_by": view.status.muted_by,
        "acknowledged": by.map(|a| json!({"by": a.by, "comment": a.comment, "at_ms": ms(a.at), "until_ms": a.until.map(ms)})),
    })
}

/// Who takes care of an alert.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Care {
    /// Who.
    by: String,
    /// What they say.
    #[serde(default)]
    comment: String,
    /// Until when it is not repeated, as `now+4h` or RFC 3339; until it ends when left out.
    #[serde(default)]
    until: Option<String>,
}

/// Somebody takes care of an alert: it is not repeated any more. What is new in its group and its end are told.
#[utoipa::path(post, path = "/api/v1/alerts/{id}/acknowledge", request_body = Care,
    params(("id" = String, Path, description = "Fingerprint")),
    responses((status = 200, body = Value), (status = 404, body = ApiError)))]
pub(crate) async fn acknowledge(
    State(app): State<App>,
    Path(id): Path<String>,
    Json(care): Json<Care>,
) -> Result<Json<Value>, ApiError> {
    let of = fingerprint(&id)?;
    if care.by.is_empty() {
        return Err(ApiError::invalid("by", "say who takes care of it"));
    }
    let now = app.alerting.manager.now();
    let until = care.until.as_deref().map(|text| moment(&app, "until", text)).transpose()?;
    if until.is_some_and(|until| until <= now) {
        return Err(ApiError::invalid("until", "is in the past"));
    }
    let by = Acknowledgement { by: care.by, comment: care.comment, at: now, until };
    change(app, id, of, Some(by)).await
}

/// Nobody takes care of it any more.
#[utoipa::path(delete, path = "/api/v1/alerts/{id}/acknowledge",
    params(("id" = String, Path, description = "Fingerprint")),
    responses((status = 200, body = Value), (status = 404, body = ApiError)))]
pub(crate) async fn take_back(State(app): State<App>, Path(id): Path<String>) -> Result<Json<Value>, ApiError> {
    let of = fingerprint(&id)?;
    change(app, id, of, None).await
}

async fn change(app: App, id: String, of: Fingerprint, by: Option<Acknowledgement>) -> Result<Json<Value>, ApiError> {
    blocking(move || {
        if !app.alerting.manager.acknowledge(of, by)? {
            return Err(ApiError::new(ErrorKind::NotFound, format!("no alert {id} fires")));
        }
        let view = app.alerting.manager.alert(of).ok_or_else(|| unknown(&id))?;
        Ok(Json(alert(&view)))
    })
    .await
}
