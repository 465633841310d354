//! Health checks: `/` and `/ready` on a port of their own, up before the data is open.
//!
//! `/` answers 200 as long as the process lives, in the shape of the
//! Collector's `health_check` extension; `/ready` answers 200 only while
//! telemetry is taken.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Json, Router};
use serde_json::json;

/// Whether the server takes telemetry; clones share it.
#[derive(Debug, Clone, Default)]
pub struct Readiness(Arc<AtomicBool>);

impl Readiness {
    /// Says whether the server takes telemetry.
    pub fn set(&self, ready: bool) {
        self.0.store(ready, Ordering::SeqCst);
    }

    /// Whether the server takes telemetry.
    pub fn get(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

/// The routes of the health port.
pub fn router(readiness: Readiness) -> Router {
    Router::new().route("/", get(alive)).route("/ready", get(ready)).with_state(readiness)
}

async fn alive() -> impl IntoResponse {
    Json(json!({"status": "Server available"}))
}

async fn ready(State(readiness): State<Readiness>) -> impl IntoResponse {
    if readiness.get() {
        (StatusCode::OK, Json(json!({"status": "ready"})))
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, Json(json!({"status": "not ready: starting or stopping"})))
    }
}
