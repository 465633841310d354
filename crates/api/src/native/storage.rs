//! What lies on disk, and what retention would remove now.

use axum::Json;
use axum::extract::State;
use foundation::ErrorKind;
use storage::Report;

use super::error::ApiError;
use crate::app::App;
use crate::run;

/// Bytes per signal, partition, column and attribute, and what retention would remove now.
#[utoipa::path(get, path = "/api/v1/storage",
    responses((status = 200, body = Value, description = "`free_bytes`, `min_free_bytes`, `signals` with their `partitions` and `columns`, `removals`")))]
pub(crate) async fn storage(State(app): State<App>) -> Result<Json<Report>, ApiError> {
    let report = run::query(&app, |app, _| app.retention.report(app.clock.now(), true)).await?;
    report.map(Json).map_err(|e| ApiError::new(ErrorKind::Internal, e.to_string()))
}
