//! What changes the disk: Prometheus's "TSDB Admin APIs", off unless `server.admin_api` is set.
//!
//! Source: prometheus.io, "HTTP API", "Snapshot". Series are not deleted one by one here, so that is all there is of it.

use std::hash::{BuildHasher as _, RandomState};

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use foundation::UnixNanos;
use serde_json::json;
use storage::StorageError;

use super::params::Params;
use super::respond::{Failure, PromError};
use super::time::compact;
use crate::app::App;
use crate::run;

/// A copy of the metrics that can be opened, in `metrics-snapshots` of the data directory.
#[utoipa::path(post, path = "/api/v1/admin/tsdb/snapshot", tag = "prometheus",
    params(("skip_head" = Option<bool>, Query, description = "taken and of no effect: the newest samples are always in the copy")),
    responses((status = 200, description = "`{name}`: the folder; `warnings` name damaged blocks that are not in it"), (status = 400, description = "bad_data"), (status = 503, description = "unavailable: `server.admin_api` is off")))]
pub(super) async fn snapshot(State(app): State<App>, p: Params) -> Result<Response, PromError> {
    if !app.info.settings.admin_api {
        return Err(PromError::new(Failure::Unavailable, "admin APIs disabled"));
    }
    if let Some(text) = p.get("skip_head")
        && text.parse::<bool>().is_err()
    {
        return Err(PromError::parameter("skip_head", format!("cannot parse {text:?} to true or false")));
    }
    let name = name(app.clock.now());
    let copied = run::query(&app, {
        let name = name.clone();
        move |app, _| app.retention.snapshot_metrics(&name)
    });
    let backup = copied.await?.map_err(failed)?;
    tracing::info!(name, blocks = backup.blocks, bytes = backup.bytes, "made a snapshot of the metrics");
    let mut answer = json!({"status": "success", "data": {"name": name}});
    if !backup.left_out.is_empty() {
        answer["warnings"] = json!(backup.left_out);
    }
    Ok(Json(answer).into_response())
}

/// Sorts by time; two of one second differ.
fn name(now: UnixNanos) -> String {
    format!("{}-{:016x}", compact(now), RandomState::new().hash_one(now.0))
}

fn failed(e: StorageError) -> PromError {
    PromError::new(Failure::Internal, format!("create snapshot: {e}"))
}
