//! The Prometheus HTTP API (v1), as Prometheus documents it: what Grafana, promtool and scripts speak.
//!
//! Source: prometheus.io, "HTTP API". GET and POST (form) are equal.

mod exemplars;
mod metadata;
mod params;
mod query;
mod respond;

use axum::Router;
use axum::routing::get;

use utoipa::OpenApi;

use crate::app::App;

/// What of the OpenAPI document describes this face.
#[derive(OpenApi)]
#[openapi(paths(
    query::instant,
    query::range,
    exemplars::exemplars,
    metadata::series,
    metadata::labels,
    metadata::label_values,
    metadata::metadata,
))]
pub(crate) struct Description;

/// The routes of the Prometheus API.
pub(crate) fn router() -> Router<App> {
    Router::new()
        .route("/api/v1/query", get(query::instant).post(query::instant))
        .route("/api/v1/query_range", get(query::range).post(query::range))
        .route("/api/v1/query_exemplars", get(exemplars::exemplars).post(exemplars::exemplars))
        .route("/api/v1/series", get(metadata::series).post(metadata::series))
        .route("/api/v1/labels", get(metadata::labels).post(metadata::labels))
        .route("/api/v1/label/{name}/values", get(metadata::label_values))
        .route("/api/v1/metadata", get(metadata::metadata))
        .route("/api/v1/status/buildinfo", get(metadata::build_info))
}
