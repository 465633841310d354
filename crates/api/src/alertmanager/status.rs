//! Status, receivers and the management endpoints.

use axum::Json;
use axum::extract::State;
use axum::http::{Method, StatusCode, Uri};
use serde_json::{Value, json};

use super::wire::time;
use crate::alerting::SPOKEN_VERSION;
use crate::app::App;

/// The configuration without secrets, the version, since when it runs. There is no cluster.
#[utoipa::path(get, path = "/api/v2/status", tag = "alertmanager", responses((status = 200, body = Value)))]
pub(super) async fn status(State(app): State<App>) -> Json<Value> {
    let config = app.alerting.manager.config();
    Json(json!({
        "cluster": {"peers": [], "status": "disabled"},
        "config": {"original": config.normalised},
        "uptime": time(app.info.started),
        "versionInfo": {
            "branch": "bellrock",
            "buildDate": "",
            "buildUser": "",
            "goVersion": "",
            "revision": app.info.version,
            "version": SPOKEN_VERSION,
        },
    }))
}

/// Receivers in the order of the configuration.
#[utoipa::path(get, path = "/api/v2/receivers", tag = "alertmanager", responses((status = 200, body = Value)))]
pub(super) async fn receivers(State(app): State<App>) -> Json<Value> {
    let config = app.alerting.manager.config();
    Json(config.receivers.iter().map(|r| json!({"name": r.name})).collect())
}

pub(super) async fn healthy() -> &'static str {
    "OK"
}

pub(super) async fn ready(State(app): State<App>) -> (StatusCode, &'static str) {
    if app.readiness.get() { (StatusCode::OK, "OK") } else { (StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable") }
}

/// Reads the files again.
pub(super) async fn reload(State(app): State<App>) -> (StatusCode, String) {
    match app.reload.ask().await {
        Ok(_) => (StatusCode::OK, String::new()),
        Err(why) => (StatusCode::INTERNAL_SERVER_ERROR, format!("failed to reload config: {why}\n")),
    }
}

pub(super) async fn not_found(method: Method, uri: Uri) -> (StatusCode, String) {
    (
        StatusCode::NOT_FOUND,
        format!(
            "there is no {method} {}; this is the alert manager's port: /api/v2, /-/healthy, /-/ready, /-/reload, /metrics\n",
            uri.path()
        ),
    )
}
