//! The kinds of failure that a caller can act on.
//!
//! Each operation family has its own error enum with the facts; each of those
//! answers `kind()`, and the faces (HTTP, gRPC) map the kind once to a status.

use std::time::Duration;

/// What a caller can do about a failure. Mapped to HTTP and gRPC statuses in
/// one place each; the meaning of the gRPC column follows the gRPC status
/// code guide, the HTTP column RFC 9110 and the OTLP specification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// The input is wrong and will stay wrong: HTTP 400, `INVALID_ARGUMENT`.
    InvalidInput,
    /// No such thing: HTTP 404, `NOT_FOUND`.
    NotFound,
    /// The input is larger than a limit: HTTP 413, `RESOURCE_EXHAUSTED` without retry information.
    TooLarge,
    /// It exists or is held by another: HTTP 409, `ALREADY_EXISTS`.
    Conflict,
    /// Understood, but this build or this version cannot do it: HTTP 501, `UNIMPLEMENTED`.
    Unsupported,
    /// A query hit its memory, row or sample limit: HTTP 422, `RESOURCE_EXHAUSTED`.
    LimitExceeded,
    /// The deadline passed or the caller went away: HTTP 503 / 504, `DEADLINE_EXCEEDED`.
    Timeout,
    /// Refused for now, nothing was stored; try again after the given time: HTTP 503, `UNAVAILABLE`.
    Unavailable {
        /// When a retry has a chance.
        retry_after: Duration,
    },
    /// Our fault: HTTP 500, `INTERNAL`.
    Internal,
}

impl ErrorKind {
    /// Refused for now, with the usual retry time of one second.
    pub const UNAVAILABLE: Self = Self::Unavailable { retry_after: Duration::from_secs(1) };
}
