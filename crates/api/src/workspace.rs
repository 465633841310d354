//! What the web UI needs besides data: dashboards, saved views, short links, the history of queries, investigations,
//! and many queries in one request. Paths begin with `/api/ui/v1`.
//!
//! Texts that people save are kept as they came, byte by byte: the UI reads them, the server only looks for what its lists show.
//! *Invariant:* no markup, no state of a page.

mod batch;
pub(crate) mod body;
mod dashboards;
mod history;
mod investigations;
mod links;
mod provision;
mod search;
mod views;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post, put};
use utoipa::OpenApi;

use crate::app::App;
pub use provision::provision;

/// Who saved something, until there is a login.
const USER: &str = "local";
/// A dashboard of 4 MiB, as a text within JSON.
const BODY_BYTES_MAX: usize = 10 << 20;

#[derive(OpenApi)]
#[openapi(paths(
    batch::batch,
    dashboards::list,
    dashboards::get,
    dashboards::export,
    dashboards::create,
    dashboards::update,
    dashboards::delete,
    dashboards::star,
    dashboards::restore,
    dashboards::versions,
    dashboards::version,
    history::list,
    history::add,
    history::star,
    history::delete,
    investigations::list,
    investigations::get,
    investigations::create,
    investigations::update,
    investigations::delete,
    links::create,
    links::get,
    search::search,
    views::list,
    views::create,
    views::update,
    views::delete,
))]
pub(crate) struct Description;

/// The routes of the UI.
pub(crate) fn router() -> Router<App> {
    let routes = Router::new()
        .route("/batch", post(batch::batch))
        .route("/dashboards", get(dashboards::list).post(dashboards::create))
        .route("/dashboards/{uid}", get(dashboards::get).put(dashboards::update).delete(dashboards::delete))
        .route("/dashboards/{uid}/export", get(dashboards::export))
        .route("/dashboards/{uid}/star", put(dashboards::star))
        .route("/dashboards/{uid}/restore", post(dashboards::restore))
        .route("/dashboards/{uid}/versions", get(dashboards::versions))
        .route("/dashboards/{uid}/versions/{version}", get(dashboards::version))
        .route("/views", get(views::list).post(views::create))
        .route("/views/{id}", put(views::update).delete(views::delete))
        .route("/search", get(search::search))
        .route("/links", post(links::create))
        .route("/links/{code}", get(links::get))
        .route("/history", get(history::list).post(history::add))
        .route("/history/{id}", put(history::star).delete(history::delete))
        .route("/investigations", get(investigations::list).post(investigations::create))
        .route(
            "/investigations/{id}",
            get(investigations::get).put(investigations::update).delete(investigations::delete),
        )
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX));
    Router::new().nest("/api/ui/v1", routes)
}
