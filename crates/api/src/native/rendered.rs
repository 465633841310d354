//! Answers of queries as JSON, made where the query ran: the threads of the sockets only send them, and what was found is freed by
//! the thread that allocated it.

use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use foundation::ErrorKind;
use serde::Serialize;

use super::error::ApiError;

/// The body of an answer.
#[derive(Debug)]
pub(crate) struct Rendered(Vec<u8>);

impl Rendered {
    /// # Errors
    /// When the answer has no form in JSON, which is a bug.
    pub(crate) fn new(answer: &impl Serialize) -> Result<Self, ApiError> {
        let bytes = serde_json::to_vec(answer);
        bytes.map(Self).map_err(|e| ApiError::new(ErrorKind::Internal, format!("the answer cannot be written: {e}")))
    }
}

impl IntoResponse for Rendered {
    fn into_response(self) -> Response {
        ([(CONTENT_TYPE, "application/json")], self.0).into_response()
    }
}
