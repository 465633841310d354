//! Alerting beside what Alertmanager's API has: why somebody was or was not told, channels and their test, deliveries,
//! acknowledgements, maintenance windows, the configuration with its findings, routes.

pub(crate) mod channels;
pub(crate) mod configuration;
pub(crate) mod deliveries;
pub(crate) mod instances;
pub(crate) mod maintenance;
pub(crate) mod silences;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{delete, get, post};
use foundation::{ErrorKind, UnixNanos};
use model::Labels;
use query::time::parse_time;
use serde_json::{Map, Value};
use utoipa::OpenApi;

use super::error::ApiError;
use crate::alerting::BODY_BYTES_MAX;
use crate::app::App;

#[derive(OpenApi)]
#[openapi(paths(
    channels::list,
    channels::test,
    configuration::get,
    configuration::set,
    configuration::check,
    configuration::routes,
    configuration::match_routes,
    deliveries::list,
    instances::list,
    instances::why,
    instances::acknowledge,
    instances::take_back,
    maintenance::list,
    maintenance::set,
    maintenance::delete,
    silences::preview,
))]
pub(crate) struct Description;

pub(super) fn router() -> Router<App> {
    Router::new()
        .route("/api/v1/alert-instances", get(instances::list))
        .route("/api/v1/alerts/{id}/why", get(instances::why))
        .route("/api/v1/alerts/{id}/acknowledge", post(instances::acknowledge).delete(instances::take_back))
        .route("/api/v1/channels", get(channels::list))
        .route("/api/v1/channels/{name}/test", post(channels::test))
        .route("/api/v1/notifications", get(deliveries::list))
        .route("/api/v1/silences/preview", post(silences::preview))
        .route("/api/v1/maintenance", get(maintenance::list).post(maintenance::set))
        .route("/api/v1/maintenance/{name}", delete(maintenance::delete))
        .route("/api/v1/alertmanager/config", get(configuration::get).post(configuration::set))
        .route("/api/v1/alertmanager/config/check", post(configuration::check))
        .route("/api/v1/alertmanager/routes", get(configuration::routes))
        .route("/api/v1/alertmanager/routes/match", post(configuration::match_routes))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
}

/// Away from the threads of the sockets.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ApiError> + Send + 'static,
) -> Result<T, ApiError> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|e| {
        Err(ApiError::new(ErrorKind::Internal, format!("the request failed inside the server: {e}")))
    })
}

pub(super) fn labels(labels: &Labels) -> Value {
    Value::Object(labels.iter().map(|(k, v)| (k.to_owned(), Value::from(v))).collect::<Map<_, _>>())
}

/// A moment, written as in queries.
pub(super) fn moment(app: &App, parameter: &'static str, text: &str) -> Result<UnixNanos, ApiError> {
    parse_time(parameter, text, app.clock.now()).map_err(|e| ApiError::invalid(parameter, e.to_string()))
}

/// Unix milliseconds.
pub(super) fn ms(at: UnixNanos) -> i64 {
    at.as_millis()
}
