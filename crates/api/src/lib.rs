//! Floor 6: the HTTP faces of the product.
//!
//! One module per face: [`native`] (our own API), [`prometheus`] (the
//! Prometheus HTTP API), [`alertmanager`] (Alertmanager's API), [`workspace`] and [`guidance`] (what the web UI needs besides data), [`health`], [`self_metrics`], [`ui`] (the embedded web
//! UI), [`workspace`] (what people save in it). The compatibility faces never import each other. A handler parses
//! parameters, runs one operation of `query` away from the socket threads
//! ([`run`]), and writes the answer in the shapes of its face.
//! *Invariant:* no decision about data is made here.

pub mod alerting;
pub mod alertmanager;
pub mod app;
pub mod demo;
pub mod guidance;
pub mod health;
pub mod native;
mod origins;
pub mod prometheus;
pub mod queries;
pub mod reload;
mod run;
pub mod self_metrics;
pub mod sources;
mod stream;
pub mod ui;
pub mod workspace;

pub use alerting::Alerting;
pub use app::{App, Endpoints, QueryLimits, ServerInfo, Settings};
pub use origins::Origins;
pub use queries::Queries;
pub use sources::Sources;

use axum::routing::get;
use axum::{Json, Router};
use utoipa::OpenApi as _;

/// Native and Prometheus API, for the API port.
pub fn api_router(app: App) -> Router {
    faces(&app).fallback(native::not_found).with_state(app)
}

/// The same API below the web UI, for the UI's port: one origin, so that the UI needs no CORS.
pub fn ui_router(app: App) -> Router {
    faces(&app).with_state(app).fallback(ui::serve)
}

/// The API of Alertmanager on a port of its own.
pub fn alertmanager_router(app: App) -> Router {
    alertmanager::port_router().with_state(app)
}

fn faces(app: &App) -> Router<App> {
    native::router()
        .merge(workspace::router())
        .merge(prometheus::router(&app.origins))
        .merge(alertmanager::router())
        .merge(guidance::router())
        .route("/api/openapi.json", get(openapi))
        .route("/api/v1/self-metrics", get(self_metrics::metrics))
        .layer(axum::middleware::from_fn(queries::named))
}

/// The OpenAPI document of all faces.
async fn openapi() -> Json<utoipa::openapi::OpenApi> {
    let mut document = native::description();
    document.merge(prometheus::Description::openapi());
    document.merge(alertmanager::Description::openapi());
    document.merge(native::alerts::Description::openapi());
    document.merge(workspace::Description::openapi());
    document.merge(guidance::Description::openapi());
    document.merge(self_metrics::Description::openapi());
    Json(document)
}
