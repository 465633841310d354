//! The log records around a log record.

use axum::Json;
use axum::extract::{Path, State};
use eventstore::query::RowId;
use model::TimeRange;
use query::logs;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::error::ApiError;
use super::params::{FilterParam, Query};
use super::shape::{Footer, LogShape};
use crate::app::App;
use crate::run;

/// Records on each side.
const SIDE_DEFAULT: usize = 20;

/// How much.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct SidesParam {
    /// 1 to 1000, default 20.
    before: Option<usize>,
    /// 1 to 1000, default 20.
    after: Option<usize>,
}

/// Records around a record, the oldest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ContextShape {
    before: Vec<LogShape>,
    record: LogShape,
    after: Vec<LogShape>,
    /// What the records have in common.
    stream: Vec<FieldShape>,
    #[serde(flatten)]
    footer: Footer,
}

/// A field and its value.
#[derive(Debug, Serialize, ToSchema)]
struct FieldShape {
    name: String,
    value: String,
}

/// The records before and after a record in its stream: the same service, host, pod, container and file.
/// `q` narrows them further; the time of the record is all the range there is.
#[utoipa::path(get, path = "/api/v1/logs/{id}/context", params(("id" = String, Path, description = "`id` of a log record"), SidesParam, FilterParam),
    responses((status = 200, body = ContextShape), (status = 404, body = ApiError)))]
pub(crate) async fn context(
    State(app): State<App>,
    Path(id): Path<String>,
    Query(sides): Query<SidesParam>,
    Query(filter): Query<FilterParam>,
) -> Result<Json<ContextShape>, ApiError> {
    let id: RowId = id.parse().map_err(|e| ApiError::invalid("id", format!("{e}, as log searches answer it")))?;
    let outcome = run::query(&app, move |app, grant| {
        let request = grant.request(TimeRange::ALL, filter.text());
        let (before, after) = (sides.before.unwrap_or(SIDE_DEFAULT), sides.after.unwrap_or(SIDE_DEFAULT));
        logs::context(&app.engines.events, &request, id, before, after)
    })
    .await??;
    let footer = Footer::of(&outcome);
    let logs = |rows: Vec<eventstore::query::Row<model::LogRecord>>| {
        rows.into_iter().map(|row| LogShape::new(row.id, row.record)).collect()
    };
    let found = outcome.value;
    Ok(Json(ContextShape {
        record: LogShape::new(found.record.id, found.record.record),
        before: logs(found.before),
        after: logs(found.after),
        stream: found.stream.into_iter().map(|(name, value)| FieldShape { name, value }).collect(),
        footer,
    }))
}
