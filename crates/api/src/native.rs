//! The native API: traces, logs, services, fields, status. Described by `GET /api/openapi.json`.
//!
//! Answers say how complete they are (`partial`) and what they cost (`stats`).

pub(crate) mod alerts;
mod analyse;
mod any_value;
mod columns;
mod complete;
mod config;
mod context;
pub(crate) mod error;
mod errors;
pub mod export;
mod facets;
mod fields;
mod logs;
mod map;
mod openapi;
pub(crate) mod params;
mod patterns;
mod queries;
mod rendered;
mod rules;
mod services;
pub(crate) mod shape;
mod slos;
mod status;
mod storage;
mod tail;
mod traces;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{Method, Uri};
use axum::routing::{delete, get, post};

use crate::app::App;
use error::ApiError;
pub(crate) use openapi::description;

/// As much as is read of a rule file on the disk.
const RULE_FILE_BYTES_MAX: usize = alerting::rules::book::FILE_BYTES_MAX as usize;

/// The routes of the native API.
pub(crate) fn router() -> Router<App> {
    Router::new()
        .route("/api/v1/health", get(status::health))
        .route("/api/health", get(status::health))
        .route("/api/v1/status", get(status::status))
        .route("/api/v1/traces", get(traces::search))
        .route("/api/v1/traces/heatmap", get(map::heat_map))
        .route("/api/v1/traces/{trace_id}", get(traces::by_id))
        .route("/api/v1/traces/{trace_id}/spans/{span_id}", get(traces::span))
        .route("/api/v1/service-map", get(map::service_map))
        .route("/api/v1/analyse", get(analyse::analyse))
        .route("/api/v1/logs", get(logs::search))
        .route("/api/v1/logs/volume", get(logs::volume))
        .route("/api/v1/logs/patterns", get(patterns::patterns))
        .route("/api/v1/logs/tail", get(tail::tail))
        .route("/api/v1/logs/{id}/context", get(context::context))
        .route("/api/v1/export", get(export::export))
        .route("/api/v1/complete", get(complete::complete))
        .route("/api/v1/facets", get(facets::facets))
        .route("/api/v1/histogram", get(logs::histogram))
        .route("/api/v1/services", get(services::list))
        .route("/api/v1/services/{name}/operations", get(services::operations))
        .route("/api/v1/errors", get(errors::list))
        .route("/api/v1/errors/{id}", get(errors::by_id))
        .route("/api/v1/rules", post(rules::import).layer(DefaultBodyLimit::max(RULE_FILE_BYTES_MAX)))
        .route("/api/v1/rules/test", post(rules::test).layer(DefaultBodyLimit::max(RULE_FILE_BYTES_MAX)))
        .route("/api/v1/rules/export", get(rules::export))
        .route("/api/v1/rules/{group}", get(rules::one).delete(rules::remove))
        .route("/api/v1/storage", get(storage::storage))
        .route("/api/v1/storage/retention/preview", post(storage::preview))
        .route("/api/v1/config/check", post(config::check).layer(DefaultBodyLimit::max(config::TEXT_BYTES_MAX + 1)))
        .route("/api/v1/queries", get(queries::list))
        .route("/api/v1/queries/{id}", delete(queries::cancel))
        .merge(slos::router())
        .route("/api/v1/fields", get(fields::keys))
        .route("/api/v1/fields/{name}/values", get(fields::values))
        .merge(alerts::router())
}

pub(crate) async fn not_found(method: Method, uri: Uri) -> ApiError {
    ApiError::new(
        foundation::ErrorKind::NotFound,
        format!("there is no {method} {}; /api/openapi.json lists what there is", uri.path()),
    )
}
