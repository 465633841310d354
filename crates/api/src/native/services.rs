//! Services and their operations with rate, errors and durations.

use axum::Json;
use axum::extract::{Path, State};
use query::services::{self, Red};
use serde::Serialize;
use utoipa::ToSchema;

use super::error::ApiError;
use super::params::{FilterParam, Query, RangeParams};
use super::shape::{Footer, kind_name};
use crate::app::App;
use crate::run;

/// Services, most calls first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ServicesShape {
    services: Vec<ServiceShape>,
    #[serde(flatten)]
    footer: Footer,
}

/// A service.
#[derive(Debug, Serialize, ToSchema)]
struct ServiceShape {
    name: String,
    /// All its spans.
    spans: u64,
    #[serde(flatten)]
    red: RedShape,
}

/// Rate, errors and durations.
#[derive(Debug, Serialize, ToSchema)]
struct RedShape {
    /// Spans of kind server or consumer, and roots; for operations every span.
    calls: u64,
    /// Calls with the status error.
    errors: u64,
    rate_per_s: f64,
    /// 0 to 1.
    error_ratio: f64,
    /// Within 1/64 of the true value.
    p50_nanos: u64,
    p95_nanos: u64,
    p99_nanos: u64,
}

impl From<Red> for RedShape {
    fn from(r: Red) -> Self {
        Self {
            calls: r.calls,
            errors: r.errors,
            rate_per_s: r.rate_per_s,
            error_ratio: r.error_ratio,
            p50_nanos: r.p50_nanos,
            p95_nanos: r.p95_nanos,
            p99_nanos: r.p99_nanos,
        }
    }
}

/// The services that sent spans in the range.
#[utoipa::path(get, path = "/api/v1/services", params(RangeParams, FilterParam), responses((status = 200, body = ServicesShape)))]
pub(crate) async fn list(
    State(app): State<App>,
    Query(range): Query<RangeParams>,
    Query(filter): Query<FilterParam>,
) -> Result<Json<ServicesShape>, ApiError> {
    let range = range.range(&app)?;
    let outcome =
        run::query(&app, move |app, grant| services::list(&app.engines.events, &grant.request(range, filter.text())))
            .await??;
    let footer = Footer::of(&outcome);
    let services = outcome.value.into_iter().map(|s| ServiceShape { name: s.name, spans: s.spans, red: s.red.into() });
    Ok(Json(ServicesShape { services: services.collect(), footer }))
}

/// Operations of a service, most calls first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OperationsShape {
    operations: Vec<OperationShape>,
    #[serde(flatten)]
    footer: Footer,
}

/// Spans of one name and kind.
#[derive(Debug, Serialize, ToSchema)]
struct OperationShape {
    name: String,
    kind: &'static str,
    #[serde(flatten)]
    red: RedShape,
}

/// The operations of one service.
#[utoipa::path(get, path = "/api/v1/services/{name}/operations", params(("name" = String, Path), RangeParams, FilterParam),
    responses((status = 200, body = OperationsShape)))]
pub(crate) async fn operations(
    State(app): State<App>,
    Path(name): Path<String>,
    Query(range): Query<RangeParams>,
    Query(filter): Query<FilterParam>,
) -> Result<Json<OperationsShape>, ApiError> {
    let range = range.range(&app)?;
    let outcome = run::query(&app, move |app, grant| {
        services::operations(&app.engines.events, &grant.request(range, filter.text()), &name)
    })
    .await??;
    let footer = Footer::of(&outcome);
    let operations =
        outcome.value.into_iter().map(|o| OperationShape { name: o.name, kind: kind_name(o.kind), red: o.red.into() });
    Ok(Json(OperationsShape { operations: operations.collect(), footer }))
}
