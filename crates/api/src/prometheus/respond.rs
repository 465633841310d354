//! The envelope of the Prometheus API: `{"status": "success", "data": ..}` or `{"status": "error", "errorType": .., "error": ..}`.

use axum::Json;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use foundation::ErrorKind;
use promql::eval::EvalError;
use query::metrics::MetricsError;
use serde::Serialize;
use serde_json::json;

use crate::run::RunError;

/// A failed request, as Prometheus tells it.
#[derive(Debug)]
pub(super) struct PromError {
    kind: ErrorKind,
    message: String,
}

impl PromError {
    pub(super) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }

    pub(super) fn bad_data(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::InvalidInput, message)
    }

    pub(super) fn invalid(key: &str, value: &str, expected: &str) -> Self {
        Self::bad_data(format!("invalid parameter \"{key}\": cannot parse {value:?}, write {expected}"))
    }
}

impl From<RunError> for PromError {
    fn from(e: RunError) -> Self {
        Self::new(e.kind, e.message)
    }
}

impl From<query::metrics::params::ParamError> for PromError {
    fn from(e: query::metrics::params::ParamError) -> Self {
        Self::bad_data(e.to_string())
    }
}

impl From<MetricsError> for PromError {
    fn from(e: MetricsError) -> Self {
        let kind = match &e {
            // Prometheus' `execution`: the query is well-formed and fails on the data.
            MetricsError::Eval(EvalError::Execution { .. }) => ErrorKind::LimitExceeded,
            _ => e.kind(),
        };
        Self::new(kind, e.to_string())
    }
}

impl IntoResponse for PromError {
    fn into_response(self) -> Response {
        // The names and statuses that Prometheus uses (web/api/v1, errorType).
        let (status, name) = match self.kind {
            ErrorKind::InvalidInput => (StatusCode::BAD_REQUEST, "bad_data"),
            ErrorKind::NotFound => (StatusCode::NOT_FOUND, "not_found"),
            ErrorKind::Timeout => (StatusCode::SERVICE_UNAVAILABLE, "timeout"),
            ErrorKind::Unavailable { .. } => (StatusCode::SERVICE_UNAVAILABLE, "unavailable"),
            ErrorKind::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "internal"),
            ErrorKind::TooLarge | ErrorKind::Conflict | ErrorKind::Unsupported | ErrorKind::LimitExceeded => {
                (StatusCode::UNPROCESSABLE_ENTITY, "execution")
            }
        };
        let body = json!({"status": "error", "errorType": name, "error": self.message});
        (status, Json(body)).into_response()
    }
}

/// A successful answer without warnings.
pub(super) fn success(data: impl Serialize) -> Response {
    Json(json!({"status": "success", "data": data})).into_response()
}

/// A successful answer that is JSON already.
pub(super) fn success_raw(json: String) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], json).into_response()
}
