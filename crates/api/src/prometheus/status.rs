//! What the server says of itself, in Prometheus's words.

use axum::extract::State;
use axum::response::Response;
use serde_json::json;

use super::respond::success;
use crate::app::App;

/// Grafana asks for this to learn what the server can do.
#[utoipa::path(get, path = "/api/v1/status/buildinfo", tag = "prometheus",
    responses((status = 200, description = "as Prometheus answers")))]
pub(super) async fn build_info(State(app): State<App>) -> Response {
    success(
        json!({"application": "bellrock", "version": app.info.version, "revision": "", "branch": "", "buildUser": "", "buildDate": "", "goVersion": ""}),
    )
}
