//! Cross-origin requests: which pages may read.
//!
//! Prometheus's default lets every page that an operator opens read all metrics; here it is the pages of this machine.
//! Pages of the server itself need no permission.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::origins::Origins;

/// Answers preflight requests, and tells browsers who may read the answer.
pub(super) async fn allow(State(origins): State<Arc<Origins>>, request: Request, next: Next) -> Response {
    let asking = request.headers().get(header::ORIGIN).cloned();
    let mut response = if request.method() == Method::OPTIONS {
        StatusCode::NO_CONTENT.into_response()
    } else {
        next.run(request).await
    };
    origins.answer(asking.as_ref(), response.headers_mut());
    response
}
