//! The OpenAPI document of the native API, generated from the handlers. The parts of other faces are handed in.

use utoipa::OpenApi;

use super::{
    analyse, complete, config, context, errors, export, facets, fields, logs, map, patterns, queries, rules, services,
    slos, status, storage, tail, traces,
};

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
        traces::span,
        map::heat_map,
        map::service_map,
        analyse::analyse,
        logs::search,
        logs::volume,
        logs::histogram,
        patterns::patterns,
        tail::tail,
        context::context,
        export::export,
        facets::facets,
        complete::complete,
        services::list,
        services::operations,
        errors::list,
        errors::by_id,
        rules::import,
        rules::one,
        rules::remove,
        rules::export,
        rules::test,
        storage::storage,
        storage::preview,
        config::check,
        queries::list,
        queries::cancel,
        fields::keys,
        fields::values,
    )
)]
struct Document;

/// The native part of the document.
pub(crate) fn description() -> utoipa::openapi::OpenApi {
    let mut document = Document::openapi();
    document.merge(slos::Description::openapi());
    document
}
