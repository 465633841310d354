//! One alert: what happened to it, and who takes care of it.

use alerting::Fingerprint;
use alerting::manager::{Acknowledgement, AlertView};
use axum::Json;
use axum::extract::{Path, State};
use foundation::ErrorKind;
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};

use super::{blocking, labels, moment, ms};
use crate::app::App;
use crate::native::error::ApiError;
use crate::native::params::Query;

pub(super) fn fingerprint(id: &str) -> Result<Fingerprint, ApiError> {
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

/// Alerts of one answer.
const SHOWN_MAX: usize = 2000;

/// How many.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct HowMany {
    /// 500 when left out, 2000 at most.
    limit: Option<usize>,
}

/// Alerts that fire, the newest first: each as in the preview of a silence, with the last message that named it (`notified`) and the
/// sentence of `why` (`answer`).
#[utoipa::path(get, path = "/api/v1/alert-instances", params(HowMany),
    responses((status = 200, body = Value, description = "`alerts`, `total`")))]
pub(crate) async fn list(State(app): State<App>, Query(page): Query<HowMany>) -> Result<Json<Value>, ApiError> {
    blocking(move || {
        let manager = &app.alerting.manager;
        let mut all = manager.alerts(|_| true);
        all.sort_by_key(|v| (std::cmp::Reverse(v.alert.alert.starts_at), v.fingerprint));
        let mut shown = Vec::new();
        for view in all.iter().take(page.limit.unwrap_or(500).clamp(1, SHOWN_MAX)) {
            let why = manager.why(view.fingerprint)?;
            let mut one = alert(view);
            one["notified"] = why.as_ref().and_then(|w| w.timeline.iter().rev().find_map(told)).unwrap_or_default();
            one["answer"] = why.map(|w| w.answer).into();
            shown.push(one);
        }
        Ok(Json(json!({"alerts": shown, "total": all.len()})))
    })
    .await
}

/// A message that was delivered or given up.
fn told(event: &metastore::TimelineEvent) -> Option<Value> {
    let outcome = ["delivered", "failed"].into_iter().find(|o| *o == event.kind)?;
    let body = &event.body;
    Some(json!({
        "at_ms": ms(event.at),
        "receiver": body["receiver"],
        "channel": body["channel"],
        "outcome": outcome,
        "reason": body["reason"],
    }))
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
