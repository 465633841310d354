//! `/api/v2/silences` and `/api/v2/silence/{id}`.

use std::cmp::Reverse;

use alerting::manager::{Silence, SilenceError, SilenceState};
use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{StatusCode, Uri};
use foundation::UnixNanos;
use serde_json::{Value, json};

use super::alerts::blocking;
use super::filter::{Params, fits};
use super::wire::{self, Failure, PostableSilence};
use crate::app::App;

impl From<SilenceError> for Failure {
    fn from(e: SilenceError) -> Self {
        // Its description knows no other failure of a silence that has ended, and amtool shows no other.
        if let SilenceError::Expired(_) = e {
            return Self(StatusCode::INTERNAL_SERVER_ERROR, e.to_string());
        }
        Self::of(e.kind(), e.to_string())
    }
}

/// Silences: active ones by their end, then those to come by their begin, then those that ended, the last one first.
#[utoipa::path(get, path = "/api/v2/silences", tag = "alertmanager",
    params(("filter" = Option<Vec<String>>, Query), ("active" = Option<bool>, Query), ("pending" = Option<bool>, Query),
        ("expired" = Option<bool>, Query)),
    responses((status = 200, body = Value), (status = 400, body = String)))]
pub(super) async fn list(State(app): State<App>, uri: Uri) -> Result<Json<Value>, Failure> {
    let params = Params::of(&uri)?;
    let filter = params.filter()?;
    let shown = |state: SilenceState| params.on(state.name());
    let shown = [
        (SilenceState::Active, shown(SilenceState::Active)?),
        (SilenceState::Pending, shown(SilenceState::Pending)?),
        (SilenceState::Expired, shown(SilenceState::Expired)?),
    ];
    let now = app.alerting.manager.now();
    let mut silences = app.alerting.manager.silences();
    silences.retain(|s| {
        let named = s.matchers.0.iter().map(|m| (m.name.as_str(), m.value.as_str())).collect();
        shown.contains(&(s.state(now), true)) && fits(&filter, &named)
    });
    silences.sort_by_key(|s| order(s, now));
    Ok(Json(silences.iter().map(|s| wire::silence(s, now)).collect()))
}

fn order(silence: &Silence, now: UnixNanos) -> (SilenceState, i64, Reverse<i64>) {
    match silence.state(now) {
        SilenceState::Active => (SilenceState::Active, silence.ends_at.0, Reverse(0)),
        SilenceState::Pending => (SilenceState::Pending, silence.starts_at.0, Reverse(0)),
        SilenceState::Expired => (SilenceState::Expired, 0, Reverse(silence.ends_at.0)),
    }
}

/// Makes a silence, or changes the one with the id. The answer has the id that it has now.
#[utoipa::path(post, path = "/api/v2/silences", tag = "alertmanager", request_body = Value,
    responses((status = 200, body = Value, description = "`silenceID`"), (status = 400, body = String), (status = 404, body = String)))]
pub(super) async fn set(State(app): State<App>, body: Bytes) -> Result<Json<Value>, Failure> {
    blocking(move || {
        let parsed: Result<PostableSilence, _> = serde_json::from_slice(&body);
        let wanted = parsed.map_err(|e| Failure::bad(format!("parsing silence body failed, because {e}")))?;
        let silence = wanted.silence(app.alerting.manager.now()).map_err(Failure::bad)?;
        let id = app.alerting.manager.set_silence(silence)?;
        Ok(Json(json!({"silenceID": id})))
    })
    .await
}

/// One silence.
#[utoipa::path(get, path = "/api/v2/silence/{id}", tag = "alertmanager", params(("id" = String, Path)),
    responses((status = 200, body = Value), (status = 404), (status = 422, body = Value)))]
pub(super) async fn one(
    State(app): State<App>,
    Path(id): Path<String>,
) -> Result<Json<Value>, (StatusCode, Json<Value>)> {
    if !is_uuid(&id) {
        return Err(no_uuid(&id));
    }
    match app.alerting.manager.silence(&id) {
        Some(silence) => Ok(Json(wire::silence(&silence, app.alerting.manager.now()))),
        None => Err((StatusCode::NOT_FOUND, Json(format!("silence {id} not found").into()))),
    }
}

/// Ends a silence.
#[utoipa::path(delete, path = "/api/v2/silence/{id}", tag = "alertmanager", params(("id" = String, Path)),
    responses((status = 200), (status = 400, body = String), (status = 404, body = String)))]
pub(super) async fn expire(
    State(app): State<App>,
    Path(id): Path<String>,
) -> Result<StatusCode, (StatusCode, Json<Value>)> {
    if !is_uuid(&id) {
        return Err(no_uuid(&id));
    }
    let ended = blocking(move || Ok(app.alerting.manager.expire_silence(&id)?)).await;
    ended.map(|()| StatusCode::OK).map_err(|Failure(status, message)| (status, Json(message.into())))
}

fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text
            .bytes()
            .enumerate()
            .all(|(at, b)| if [8, 13, 18, 23].contains(&at) { b == b'-' } else { b.is_ascii_hexdigit() })
}

fn no_uuid(id: &str) -> (StatusCode, Json<Value>) {
    let message = format!("silenceID in path must be of type uuid: \"{id}\"");
    (StatusCode::UNPROCESSABLE_ENTITY, Json(json!({"code": 601, "message": message})))
}
