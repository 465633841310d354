//! `POST /api/v1/write`: remote write. What a request may be and what is answered is the receiver's business.

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;

use crate::app::App;

/// Stores the samples of a remote write request (1.0 or 2.0).
#[utoipa::path(
    post,
    path = "/api/v1/write",
    tag = "prometheus",
    request_body(
        content_type = "application/x-protobuf",
        description = "A snappy-compressed `prometheus.WriteRequest` or, with `proto=io.prometheus.write.v2.Request` in the content type, a request of remote write 2.0."
    ),
    responses(
        (status = 204, description = "Written and synced."),
        (status = 400, description = "Broken, or written in part: what was refused would be refused again."),
        (status = 413, description = "Larger than the limit."),
        (status = 415, description = "A content type or encoding that is not spoken."),
        (status = 503, description = "Refused for now; `Retry-After` says when to send again."),
    )
)]
pub(super) async fn write(State(app): State<App>, request: Request) -> Response {
    app.remote_write.handle(request).await.map(Body::new)
}
