//! The OpenAPI document of the native API, generated from the handlers. The parts of other faces are handed in.

use utoipa::OpenApi;

use super::{errors, fields, logs, services, status, traces};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Bellrock API",
        description = "Traces, logs, services and fields, and beside them the HTTP API of Prometheus.",
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
        errors::list,
        errors::by_id,
        fields::keys,
        fields::values,
    )
)]
struct Document;

/// The native part of the document.
pub(crate) fn description() -> utoipa::openapi::OpenApi {
    Document::openapi()
}
