//! The OpenAPI document of the native API, generated from the handlers.

use axum::Json;
use utoipa::OpenApi;

use super::{fields, logs, services, status, traces};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Bellrock API",
        description = "Traces, logs, services and fields. The Prometheus HTTP API is served beside it at /api/v1/query, \
                       /api/v1/query_range, /api/v1/series, /api/v1/labels, /api/v1/label/{name}/values and /api/v1/metadata, \
                       as Prometheus documents it.",
        license(name = "Apache-2.0")
    ),
    paths(
        status::health,
        status::status,
        traces::search,
        traces::by_id,
        logs::search,
        logs::volume,
        services::list,
        services::operations,
        fields::keys,
        fields::values,
    )
)]
struct Document;

/// The document.
pub(super) async fn document() -> Json<utoipa::openapi::OpenApi> {
    Json(Document::openapi())
}
