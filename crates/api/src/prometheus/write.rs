//! What writes: remote write and text import. What a request may be and what is answered is the receivers' business.

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

/// Stores samples in the text format, OpenMetrics or the protobuf format; those without a time happened now.
#[utoipa::path(
    post,
    path = "/api/v1/import/prometheus",
    tag = "prometheus",
    params(("extra_label" = Option<Vec<String>>, Query, description = "`name=value`, set on every series")),
    request_body(content_type = "text/plain", description = "As a target shows them; gzip, zstd and deflate are decompressed."),
    responses(
        (status = 204, description = "Stored and synced."),
        (status = 400, description = "Broken (nothing is stored), or stored in part: what was refused would be refused again."),
        (status = 413, description = "Larger than the limit."),
        (status = 415, description = "A content type or encoding that is not spoken."),
        (status = 503, description = "Refused for now; `Retry-After` says when to send again."),
    )
)]
pub(super) async fn import(State(app): State<App>, request: Request) -> Response {
    app.import.handle(request).await.map(Body::new)
}
