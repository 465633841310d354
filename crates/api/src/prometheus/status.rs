//! What the server says of itself, in Prometheus's words.
//!
//! Fields that speak of the Go runtime are there because clients expect them: threads stand for goroutines, what has no
//! meaning here is empty.

use axum::extract::State;
use axum::response::Response;
use foundation::units::format_duration;
use query::time::rfc3339;
use serde_json::json;

use super::respond::success;
use crate::app::App;
use crate::self_metrics;

/// Grafana asks for this to learn what the server can do.
#[utoipa::path(get, path = "/api/v1/status/buildinfo", tag = "prometheus",
    responses((status = 200, description = "as Prometheus answers")))]
pub(super) async fn build_info(State(app): State<App>) -> Response {
    success(
        json!({"application": "bellrock", "version": app.info.version, "revision": "", "branch": "", "buildUser": "", "buildDate": "", "goVersion": ""}),
    )
}

/// How and since when the server runs.
#[utoipa::path(get, path = "/api/v1/status/runtimeinfo", tag = "prometheus",
    responses((status = 200, description = "as Prometheus answers")))]
pub(super) async fn runtime_info(State(app): State<App>) -> Response {
    let started = rfc3339(app.info.started);
    let node = rustix::system::uname();
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    success(json!({
        "startTime": started,
        "CWD": std::env::current_dir().map(|d| d.display().to_string()).unwrap_or_default(),
        "hostname": node.nodename().to_string_lossy(),
        "serverTime": rfc3339(app.clock.now()),
        // The configuration is read once, at the start.
        "reloadConfigSuccess": true,
        "lastConfigTime": started,
        "goroutineCount": self_metrics::threads(),
        "GOMAXPROCS": threads,
        "GOMEMLIMIT": i64::MAX,
        "GOGC": "",
        "GODEBUG": "",
        "storageRetention": app.info.settings.retention.map_or_else(String::new, format_duration),
    }))
}

/// The configuration that is in effect.
#[utoipa::path(get, path = "/api/v1/status/config", tag = "prometheus",
    responses((status = 200, description = "as Prometheus answers")))]
pub(super) async fn config(State(app): State<App>) -> Response {
    success(json!({"yaml": app.info.settings.yaml}))
}

/// Settings under the names that Prometheus's flags have, as far as they mean the same.
#[utoipa::path(get, path = "/api/v1/status/flags", tag = "prometheus",
    responses((status = 200, description = "as Prometheus answers")))]
pub(super) async fn flags(State(app): State<App>) -> Response {
    success(&app.info.settings.flags)
}

/// How far the log is replayed: all of it, for this port answers only then.
#[utoipa::path(get, path = "/api/v1/status/walreplay", tag = "prometheus",
    responses((status = 200, description = "as Prometheus answers")))]
pub(super) async fn wal_replay() -> Response {
    success(json!({"min": 0, "max": 0, "current": 0, "state": "done"}))
}
