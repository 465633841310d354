//! The envelope of the Prometheus API: `{"status": "success", "data": ..}` or `{"status": "error", "errorType": .., "error": ..}`.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use foundation::ErrorKind;
use promql::eval::EvalError;
use query::metrics::{Ask, MetricsError};
use serde::Serialize;
use serde_json::json;
use tsdb::TsdbError;

use super::json;
use crate::run::RunError;

/// How every successful answer begins; [`Notes::close`] ends it.
pub(super) const ENVELOPE: &[u8] = b"{\"status\":\"success\",\"data\":";

/// Notes of each kind that are told; Prometheus's limit.
const NOTES_MAX: usize = 10;

/// That a list was cut, in Prometheus's words: Grafana looks for them.
const TRUNCATED: &str = "results truncated due to limit";

/// What there is to say about an answer, beside it.
#[derive(Debug, Default)]
pub(super) struct Notes {
    /// Probable mistakes, and what the answer lacks.
    pub(super) warnings: Vec<String>,
    /// Things to know.
    pub(super) infos: Vec<String>,
}

impl Notes {
    /// What is left out because it is damaged.
    pub(super) fn of(ask: &Ask) -> Self {
        Self { warnings: ask.partial.reasons(), infos: Vec::new() }
    }

    /// Adds that a list was cut.
    pub(super) fn and_truncated(mut self) -> Self {
        self.warnings.push(TRUNCATED.to_owned());
        self
    }

    /// Ends an answer that [`ENVELOPE`] began.
    pub(super) fn close(&self, out: &mut Vec<u8>) {
        for (key, what, notes) in [("warnings", "warning", &self.warnings), ("infos", "info", &self.infos)] {
            if notes.is_empty() {
                continue;
            }
            let more = notes.len().saturating_sub(NOTES_MAX);
            let omitted = (more > 0).then(|| format!("{more} more {what} annotations omitted"));
            out.push(b',');
            json::text(out, key);
            for (i, note) in notes.iter().take(NOTES_MAX).chain(&omitted).enumerate() {
                out.extend(if i == 0 { b":[" as &[u8] } else { b"," });
                json::text(out, note);
            }
            out.push(b']');
        }
        out.push(b'}');
    }
}

/// A failed request, as Prometheus tells it.
#[derive(Debug)]
pub(super) struct PromError {
    failure: Failure,
    message: String,
}

/// The kinds of failure that Prometheus knows (`web/api/v1`, `errorType`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Failure {
    /// The request is wrong.
    BadData,
    /// The query is well-formed and fails on the data, or at a limit.
    Execution,
    /// The deadline passed.
    Timeout,
    /// Nobody waits for the answer any more.
    Canceled,
    /// Not now.
    Unavailable,
    /// No such thing.
    NotFound,
    /// The server's fault.
    Internal,
}

impl Failure {
    fn name(self) -> &'static str {
        match self {
            Self::BadData => "bad_data",
            Self::Execution => "execution",
            Self::Timeout => "timeout",
            Self::Canceled => "canceled",
            Self::Unavailable => "unavailable",
            Self::NotFound => "not_found",
            Self::Internal => "internal",
        }
    }

    fn status(self) -> StatusCode {
        match self {
            Self::BadData => StatusCode::BAD_REQUEST,
            Self::Execution => StatusCode::UNPROCESSABLE_ENTITY,
            // 499 has no name in any RFC: "client closed request", as nginx and Prometheus have it.
            Self::Canceled => StatusCode::from_u16(499).unwrap_or(StatusCode::SERVICE_UNAVAILABLE),
            Self::Timeout | Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

impl From<ErrorKind> for Failure {
    fn from(kind: ErrorKind) -> Self {
        match kind {
            ErrorKind::InvalidInput => Self::BadData,
            ErrorKind::NotFound => Self::NotFound,
            ErrorKind::Timeout => Self::Timeout,
            ErrorKind::Unavailable { .. } => Self::Unavailable,
            ErrorKind::Internal => Self::Internal,
            ErrorKind::TooLarge | ErrorKind::Conflict | ErrorKind::Unsupported | ErrorKind::LimitExceeded => {
                Self::Execution
            }
        }
    }
}

impl PromError {
    pub(super) fn new(failure: Failure, message: impl Into<String>) -> Self {
        Self { failure, message: message.into() }
    }

    pub(super) fn bad_data(message: impl Into<String>) -> Self {
        Self::new(Failure::BadData, message)
    }

    /// A parameter that cannot be used, in Prometheus's words.
    pub(super) fn parameter(key: &str, reason: impl std::fmt::Display) -> Self {
        Self::bad_data(format!("invalid parameter {key:?}: {reason}"))
    }
}

impl From<RunError> for PromError {
    fn from(e: RunError) -> Self {
        Self::new(e.kind.into(), e.message)
    }
}

impl From<query::metrics::params::ParamError> for PromError {
    fn from(e: query::metrics::params::ParamError) -> Self {
        Self::bad_data(e.to_string())
    }
}

impl From<MetricsError> for PromError {
    fn from(e: MetricsError) -> Self {
        let failure = match &e {
            MetricsError::Eval(EvalError::Execution { .. }) => Failure::Execution,
            MetricsError::Eval(EvalError::Cancelled) | MetricsError::Store(TsdbError::Cancelled) => Failure::Canceled,
            _ => e.kind().into(),
        };
        let message = e.to_string();
        match e {
            // It is always the query's text that does not parse, or that has a type which cannot be asked for.
            MetricsError::Parse(_) | MetricsError::Eval(EvalError::RangeQueryType { .. }) => {
                Self::parameter("query", message)
            }
            _ => Self::new(failure, message),
        }
    }
}

impl IntoResponse for PromError {
    fn into_response(self) -> Response {
        let body = json!({"status": "error", "errorType": self.failure.name(), "error": self.message});
        (self.failure.status(), Json(body)).into_response()
    }
}

/// A successful answer that is short.
pub(super) fn success(data: impl Serialize) -> Response {
    Json(json!({"status": "success", "data": data})).into_response()
}
