//! What runs, what was slow, and a way to stop it.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use foundation::ErrorKind;
use serde::Serialize;
use utoipa::ToSchema;

use super::error::ApiError;
use crate::app::App;
use crate::queries::Seen;

/// Queries of this server.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct QueriesShape {
    /// The longest first.
    running: Vec<QueryShape>,
    /// Of the last hour, the slowest first.
    slowest: Vec<QueryShape>,
    /// How many run at the same time; the others wait.
    slots: usize,
    /// How long one may take, waiting included.
    timeout_ms: u64,
    /// Queries that ended since the start.
    finished: u64,
    /// Of those, how many somebody stopped.
    cancelled: u64,
}

/// A query.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct QueryShape {
    /// For `DELETE /api/v1/queries/{id}`.
    id: u64,
    /// `GET /api/v1/logs`
    request: String,
    /// What was asked, cut at 4096 bytes; empty when the request does not say.
    query: String,
    started_unix_milli: i64,
    elapsed_ms: f64,
    /// Of that, how long it waited for a slot; `null` while it does.
    queued_ms: Option<f64>,
    /// Whether somebody stopped it.
    cancelled: bool,
}

fn shape((seen, cancelled): (Seen, bool)) -> QueryShape {
    let ms = |d: std::time::Duration| d.as_secs_f64() * 1e3;
    QueryShape {
        id: seen.id,
        request: seen.request.to_string(),
        query: seen.text,
        started_unix_milli: seen.started.as_millis(),
        elapsed_ms: ms(seen.elapsed),
        queued_ms: seen.queued.map(ms),
        cancelled,
    }
}

/// What runs, and what was slow.
#[utoipa::path(get, path = "/api/v1/queries", responses((status = 200, body = QueriesShape)))]
pub(crate) async fn list(State(app): State<App>) -> Json<QueriesShape> {
    let counts = app.queries.counts();
    Json(QueriesShape {
        running: app.queries.running().into_iter().map(|seen| shape((seen, false))).collect(),
        slowest: app.queries.slowest().into_iter().map(shape).collect(),
        slots: app.limits.slots,
        timeout_ms: u64::try_from(app.limits.timeout.as_millis()).unwrap_or(u64::MAX),
        finished: counts.finished,
        cancelled: counts.cancelled,
    })
}

/// Stops a query: it ends at its next step, and whoever asked is told that it was cancelled.
#[utoipa::path(delete, path = "/api/v1/queries/{id}", params(("id" = u64, Path)),
    responses((status = 204), (status = 404, body = ApiError)))]
pub(crate) async fn cancel(State(app): State<App>, Path(id): Path<String>) -> Result<StatusCode, ApiError> {
    let stopped = id.parse().is_ok_and(|number| app.queries.cancel(number));
    if stopped {
        return Ok(StatusCode::NO_CONTENT);
    }
    Err(ApiError::new(ErrorKind::NotFound, format!("no query `{id}` runs; it may have ended")))
}
