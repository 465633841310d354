//! What senders said about their metrics.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::response::Response;
use serde_json::{Value, json};

use super::params::Params;
use super::respond::{PromError, success};
use crate::app::App;

/// Type, unit and help of metrics.
#[utoipa::path(get, path = "/api/v1/metadata", tag = "prometheus",
    params(("metric" = Option<String>, Query), ("limit" = Option<usize>, Query, description = "metrics of the answer"),
        ("limit_per_metric" = Option<usize>, Query, description = "entries of a metric; only the newest one is kept")),
    responses((status = 200, description = "as Prometheus answers"), (status = 400, description = "bad_data")))]
pub(super) async fn metadata(State(app): State<App>, p: Params) -> Result<Response, PromError> {
    let limit = p.number("limit")?.unwrap_or(usize::MAX);
    p.number("limit_per_metric")?;
    let found: BTreeMap<String, Value> = query::metrics::metadata(&app.engines.metrics, p.get("metric"), limit)
        .into_iter()
        .map(|(name, m)| (name, json!([{"type": m.kind.name(), "help": m.help, "unit": m.unit}])))
        .collect();
    Ok(success(found))
}
