//! The HTTP API of Alertmanager, version 2, as amtool, karma, Grafana and Prometheus use it.
//!
//! Served on a port of its own (9093) with the management endpoints, and under the API port. Shapes from Alertmanager's
//! `api/v2/openapi.yaml`; errors are a JSON text, as its handlers write them.

mod alerts;
mod filter;
mod silences;
mod status;
mod wire;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};
use utoipa::OpenApi;

use crate::alerting::BODY_BYTES_MAX;
use crate::app::App;

#[derive(OpenApi)]
#[openapi(paths(
    alerts::list,
    alerts::add,
    alerts::groups,
    silences::list,
    silences::set,
    silences::one,
    silences::expire,
    status::status,
    status::receivers,
))]
pub(crate) struct Description;

/// `/api/v2`.
pub(crate) fn router() -> Router<App> {
    Router::new()
        .route("/api/v2/alerts", get(alerts::list).post(alerts::add))
        .route("/api/v2/alerts/groups", get(alerts::groups))
        .route("/api/v2/silences", get(silences::list).post(silences::set))
        .route("/api/v2/silence/{id}", get(silences::one).delete(silences::expire))
        .route("/api/v2/status", get(status::status))
        .route("/api/v2/receivers", get(status::receivers))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
}

/// What a port of its own serves besides.
pub(crate) fn port_router() -> Router<App> {
    router()
        // Version 1 is gone from Alertmanager since 0.27; old Prometheus servers still send there.
        .route("/api/v1/alerts", post(alerts::add_v1).layer(DefaultBodyLimit::max(BODY_BYTES_MAX)))
        .route("/-/healthy", get(status::healthy))
        .route("/-/ready", get(status::ready))
        .route("/-/reload", post(status::reload))
        .route("/metrics", get(crate::self_metrics::metrics))
        .fallback(status::not_found)
}
