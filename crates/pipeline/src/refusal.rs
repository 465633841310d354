//! A request that was refused: why, and what the sender can do.
//!
//! [`ErrorKind`] is mapped to HTTP and gRPC here and nowhere else.

use std::borrow::Cow;
use std::time::Duration;

use foundation::ErrorKind;
use thiserror::Error;
use wire::otlp::Status;

/// Why a request was refused.
#[derive(Debug, Clone, Error)]
#[error("{message}")]
pub struct Refusal {
    /// What the sender can do.
    pub kind: ErrorKind,
    /// What is wrong, where, and the remedy.
    pub message: Cow<'static, str>,
    /// An HTTP status that says it better than the kind's own (405, 415).
    pub http_status: Option<u16>,
}

impl Refusal {
    /// A refusal with the usual status of its kind.
    pub fn new(kind: ErrorKind, message: impl Into<Cow<'static, str>>) -> Self {
        Self { kind, message: message.into(), http_status: None }
    }

    /// A refusal that HTTP has a status of its own for.
    pub fn with_status(http_status: u16, message: impl Into<Cow<'static, str>>) -> Self {
        Self { kind: ErrorKind::InvalidInput, message: message.into(), http_status: Some(http_status) }
    }

    /// When to try again, if that makes sense.
    pub fn retry_after(&self) -> Option<Duration> {
        match self.kind {
            ErrorKind::Unavailable { retry_after } => Some(retry_after),
            _ => None,
        }
    }

    /// The `google.rpc.Status` that carries it.
    pub fn status(&self) -> Status {
        Status { code: self.grpc(), message: self.message.clone().into_owned(), retry_after: self.retry_after() }
    }

    /// The HTTP status. OTLP lets clients retry 429, 502, 503 and 504 only.
    pub fn http(&self) -> u16 {
        self.http_status.unwrap_or_else(|| http_status(self.kind))
    }

    /// The gRPC status. OTLP lets clients retry `UNAVAILABLE` but not `RESOURCE_EXHAUSTED` without retry information.
    pub fn grpc(&self) -> u8 {
        match self.http_status {
            Some(401) => return 16,
            Some(403) => return 7,
            _ => {}
        }
        match self.kind {
            ErrorKind::InvalidInput => 3,
            ErrorKind::Timeout => 4,
            ErrorKind::NotFound => 5,
            ErrorKind::Conflict => 6,
            ErrorKind::TooLarge | ErrorKind::LimitExceeded => 8,
            ErrorKind::Unsupported => 12,
            ErrorKind::Internal => 13,
            ErrorKind::Unavailable { .. } => 14,
        }
    }
}

/// The HTTP status of an error kind (RFC 9110).
pub const fn http_status(kind: ErrorKind) -> u16 {
    match kind {
        ErrorKind::InvalidInput => 400,
        ErrorKind::NotFound => 404,
        ErrorKind::TooLarge => 413,
        ErrorKind::Conflict => 409,
        ErrorKind::Unsupported => 501,
        ErrorKind::LimitExceeded => 422,
        ErrorKind::Timeout | ErrorKind::Unavailable { .. } => 503,
        ErrorKind::Internal => 500,
    }
}
