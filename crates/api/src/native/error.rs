//! Errors of the native API: `{"error": {kind, message, position, suggestion}}`.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use foundation::ErrorKind;
use pipeline::refusal::http_status;
use query::ReadError;
use serde::Serialize;
use utoipa::ToSchema;

use super::rules::FindingShape;
use crate::run::RunError;

/// A failed request.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ApiError {
    error: Box<Body>,
    #[serde(skip)]
    #[schema(ignore)]
    kind: Kind,
}

/// What went wrong.
#[derive(Debug, Serialize, ToSchema)]
struct Body {
    /// `invalid_input`, `not_found`, `timeout`, `unavailable`, ...
    kind: &'static str,
    /// What is wrong, and the remedy.
    message: String,
    /// The parameter that is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    parameter: Option<&'static str>,
    /// Where in the parameter's text.
    #[serde(skip_serializing_if = "Option::is_none")]
    position: Option<Position>,
    /// Text that, put in the place of `position`, is probably meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    suggestion: Option<String>,
    /// What was found in a file, when it is about one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    findings: Vec<FindingShape>,
}

/// A place in a text.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Position {
    /// In bytes of UTF-8.
    pub offset: usize,
    /// In bytes of UTF-8.
    pub length: usize,
}

#[derive(Debug)]
struct Kind(ErrorKind);

impl ApiError {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        let body = Body {
            kind: name(kind),
            message: message.into(),
            parameter: None,
            position: None,
            suggestion: None,
            findings: Vec::new(),
        };
        Self { error: Box::new(body), kind: Kind(kind) }
    }

    pub(crate) fn with_findings(mut self, findings: Vec<FindingShape>) -> Self {
        self.error.findings = findings;
        self
    }

    pub(crate) fn invalid(parameter: &'static str, message: impl Into<String>) -> Self {
        let mut e = Self::new(ErrorKind::InvalidInput, message);
        e.error.parameter = Some(parameter);
        e
    }
}

impl From<metastore::MetaError> for ApiError {
    fn from(e: metastore::MetaError) -> Self {
        Self::new(e.kind(), e.to_string())
    }
}

impl From<RunError> for ApiError {
    fn from(e: RunError) -> Self {
        Self::new(e.kind, e.message)
    }
}

impl From<ReadError> for ApiError {
    fn from(e: ReadError) -> Self {
        let mut out = Self::new(e.kind(), e.to_string());
        out.error.parameter = match &e {
            ReadError::Filter(_) => Some("q"),
            ReadError::Cursor(_) => Some("cursor"),
            ReadError::OutOfBounds { parameter, .. } => Some(parameter),
            ReadError::TraceNotFound(_) | ReadError::RecordNotFound(_) | ReadError::Engine(_) => None,
        };
        out.error.position = e.position().map(|at| Position { offset: at.offset, length: at.length });
        out.error.suggestion = e.suggestion().map(str::to_owned);
        out
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let kind = self.kind.0;
        let status = StatusCode::from_u16(http_status(kind)).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, Json(self)).into_response();
        if let ErrorKind::Unavailable { retry_after } = kind {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(retry_after.as_secs().max(1)));
        }
        response
    }
}

const fn name(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::InvalidInput => "invalid_input",
        ErrorKind::NotFound => "not_found",
        ErrorKind::TooLarge => "too_large",
        ErrorKind::Conflict => "conflict",
        ErrorKind::Unsupported => "unsupported",
        ErrorKind::LimitExceeded => "limit_exceeded",
        ErrorKind::Timeout => "timeout",
        ErrorKind::Unavailable { .. } => "unavailable",
        ErrorKind::Internal => "internal",
    }
}
