//! What the web UI asks when people do not know what to ask: why an answer is empty, what tells a selection apart, whether data
//! arrives, where a thing is. Paths begin with `/api/ui/v1`.
//!
//! The decisions are those of `query`; here are the shapes.

mod demo;
mod explain;
mod fixes;
mod range;
mod start;
mod test;
mod why_empty;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};
use utoipa::OpenApi;

use crate::app::App;

/// Two filters at most, and some numbers.
const BODY_BYTES_MAX: usize = 256 << 10;

#[derive(OpenApi)]
#[openapi(paths(demo::switch, demo::remove, explain::explain, start::start, test::test, why_empty::why_empty))]
pub(crate) struct Description;

/// The routes.
pub(crate) fn router() -> Router<App> {
    let routes = Router::new()
        .route("/explain", post(explain::explain))
        .route("/why-empty", post(why_empty::why_empty))
        .route("/start", get(start::start))
        .route("/start/test", post(test::test))
        .route("/demo", post(demo::switch).delete(demo::remove))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX));
    Router::new().nest("/api/ui/v1", routes)
}
