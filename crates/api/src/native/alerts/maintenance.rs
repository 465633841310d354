//! Maintenance windows: times, once or again and again, at which matching alerts are not told.

use alerting::manager::SilenceError;
use alerting::manager::maintenance::Window;
use axum::Json;
use axum::extract::{Path, State};
use metastore::Origin;
use serde_json::{Value, json};

use super::blocking;
use crate::app::App;
use crate::native::error::ApiError;

fn shown(window: &Window, origin: Origin, open: bool) -> Value {
    let mut out = window.shown.clone();
    out["origin"] = origin.name().into();
    out["open"] = open.into();
    out
}

/// All windows, those of files and those that were made here.
#[utoipa::path(get, path = "/api/v1/maintenance", responses((status = 200, body = Value, description = "`windows`")))]
pub(crate) async fn list(State(app): State<App>) -> Json<Value> {
    let windows = app.alerting.manager.windows();
    Json(json!({"windows": windows.iter().map(|(w, origin, open)| shown(w, *origin, *open)).collect::<Vec<_>>()}))
}

/// Makes a window, or changes the one of that name: `name`, `matchers`, `comment`, `starts_at`, `ends_at`, `times` (in the form
/// of Alertmanager's `time_intervals`).
#[utoipa::path(post, path = "/api/v1/maintenance", request_body = Value,
    responses((status = 200, body = Value), (status = 400, body = ApiError)))]
pub(crate) async fn set(State(app): State<App>, Json(body): Json<Value>) -> Result<Json<Value>, ApiError> {
    blocking(move || {
        let window =
            app.alerting.manager.set_window(&body).map_err(|e: SilenceError| ApiError::new(e.kind(), e.to_string()))?;
        let open = window.contains(app.alerting.manager.now());
        Ok(Json(shown(&window, Origin::Api, open)))
    })
    .await
}

/// Removes a window that was made here.
#[utoipa::path(delete, path = "/api/v1/maintenance/{name}", params(("name" = String, Path)),
    responses((status = 200, body = Value), (status = 404, body = ApiError)))]
pub(crate) async fn delete(State(app): State<App>, Path(name): Path<String>) -> Result<Json<Value>, ApiError> {
    blocking(move || {
        app.alerting.manager.delete_window(&name)?;
        Ok(Json(json!({"deleted": name})))
    })
    .await
}
