//! `/-/healthy` and `/-/ready`, which probes of a Prometheus ask for, and `/-/reload`.

use axum::extract::State;
use axum::http::StatusCode;

use crate::app::App;

/// The server lives.
#[utoipa::path(get, path = "/-/healthy", tag = "prometheus", responses((status = 200, body = String)))]
pub(super) async fn healthy() -> &'static str {
    "Bellrock is healthy.\n"
}

/// The server takes telemetry and answers queries.
#[utoipa::path(get, path = "/-/ready", tag = "prometheus",
    responses((status = 200, body = String), (status = 503, body = String, description = "it is starting or stopping")))]
pub(super) async fn ready(State(app): State<App>) -> (StatusCode, &'static str) {
    if app.readiness.get() {
        (StatusCode::OK, "Bellrock is ready.\n")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable\n")
    }
}

/// Reads the configuration again.
#[utoipa::path(post, path = "/-/reload", tag = "prometheus",
    responses((status = 200, body = String), (status = 500, body = String, description = "the old configuration stays; why")))]
pub(super) async fn reload(State(app): State<App>) -> (StatusCode, String) {
    match app.reload.ask().await {
        Ok(done) => (StatusCode::OK, done + "\n"),
        Err(why) => (StatusCode::INTERNAL_SERVER_ERROR, format!("failed to reload config: {why}\n")),
    }
}
