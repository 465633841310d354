//! Health checks: `/` and `/ready` on a port of their own, up before the data is open.
//!
//! `/` answers 200 unless a component of the graph has failed for good, in the shape of the
//! Collector's `health_check` extension; `/ready` answers 200 only while
//! telemetry is taken.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Json, Router};
use pipeline::component::StatusBoard;
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

/// The routes of the health port; `board` knows how the components of the graph fare.
pub fn router(readiness: Readiness, board: StatusBoard) -> Router {
    let alive = get(move || async move { alive(&board) });
    Router::new().route("/", alive).route("/ready", get(ready)).with_state(readiness)
}

fn alive(board: &StatusBoard) -> impl IntoResponse + use<> {
    match pipeline::extensions::health(board) {
        (true, components) => (StatusCode::OK, Json(json!({"status": "Server available", "components": components}))),
        (false, components) => {
            let body = json!({"status": "Server not available", "components": components});
            (StatusCode::SERVICE_UNAVAILABLE, Json(body))
        }
    }
}

async fn ready(State(readiness): State<Readiness>) -> impl IntoResponse {
    if readiness.get() {
        (StatusCode::OK, Json(json!({"status": "ready"})))
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, Json(json!({"status": "not ready: starting or stopping"})))
    }
}
