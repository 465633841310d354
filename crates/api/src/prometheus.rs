//! The Prometheus HTTP API (v1), as Prometheus documents it: what Grafana, promtool and scripts speak.
//!
//! One endpoint, or a few that belong together, per file. Source: prometheus.io, "HTTP API", and the answers of a real
//! Prometheus, which `tests/clients` compares field by field. GET and POST (form) are equal where Prometheus has both.

mod admin;
mod answer;
mod ast;
mod cardinality;
mod cors;
mod escape;
mod exemplars;
mod features;
mod federate;
mod histogram;
mod json;
mod labels;
mod lifecycle;
mod metadata;
mod params;
mod parse;
mod query;
mod remote_read;
mod respond;
mod rules;
mod series;
mod stats;
mod status;
mod stream;
mod targets;
mod time;
mod write;

use std::sync::Arc;

use axum::Router;
use axum::middleware;
use axum::routing::{MethodRouter, any, get, post};

use utoipa::OpenApi;

use crate::app::App;
use crate::origins::Origins;

/// What of the OpenAPI document describes this face.
#[derive(OpenApi)]
#[openapi(paths(
    query::instant,
    query::range,
    parse::format_query,
    parse::parse_query,
    exemplars::exemplars,
    series::series,
    labels::names,
    labels::values,
    metadata::metadata,
    targets::targets,
    targets::metadata,
    targets::scrape_pools,
    targets::alertmanagers,
    rules::rules,
    rules::alerts,
    status::build_info,
    status::runtime_info,
    status::config,
    status::flags,
    status::wal_replay,
    features::features,
    admin::snapshot,
    cardinality::tsdb_status,
    cardinality::report,
    federate::federate,
    remote_read::read,
    lifecycle::healthy,
    lifecycle::ready,
    lifecycle::reload,
    write::write,
    write::import,
))]
pub(crate) struct Description;

/// The routes of the Prometheus API; pages of these origins may read.
pub(crate) fn router(origins: &Arc<Origins>) -> Router<App> {
    let both = |methods: MethodRouter<App>| methods.layer(middleware::from_fn_with_state(origins.clone(), cors::allow));
    Router::new()
        .route("/api/v1/query", both(get(query::instant).post(query::instant)))
        .route("/api/v1/query_range", both(get(query::range).post(query::range)))
        .route("/api/v1/format_query", both(get(parse::format_query).post(parse::format_query)))
        .route("/api/v1/parse_query", both(get(parse::parse_query).post(parse::parse_query)))
        .route("/api/v1/query_exemplars", both(get(exemplars::exemplars).post(exemplars::exemplars)))
        .route("/api/v1/series", both(get(series::series).post(series::series)))
        .route("/api/v1/labels", both(get(labels::names).post(labels::names)))
        .route("/api/v1/label/{name}/values", both(get(labels::values)))
        .route("/api/v1/metadata", both(get(metadata::metadata)))
        .route("/api/v1/targets", both(get(targets::targets)))
        .route("/api/v1/targets/metadata", both(get(targets::metadata)))
        .route("/api/v1/scrape_pools", both(get(targets::scrape_pools)))
        .route("/api/v1/alertmanagers", both(get(targets::alertmanagers)))
        .route("/api/v1/rules", both(get(rules::rules)))
        .route("/api/v1/alerts", both(get(rules::alerts)))
        .route("/api/v1/status/buildinfo", both(get(status::build_info)))
        .route("/api/v1/status/runtimeinfo", both(get(status::runtime_info)))
        .route("/api/v1/status/config", both(get(status::config)))
        .route("/api/v1/status/flags", both(get(status::flags)))
        .route("/api/v1/status/walreplay", both(get(status::wal_replay)))
        .route("/api/v1/status/tsdb", both(get(cardinality::tsdb_status)))
        .route("/api/v1/cardinality", both(get(cardinality::report)))
        .route("/api/v1/features", both(get(features::features)))
        // Without cross-origin requests: pages have nothing to write.
        .route("/api/v1/admin/tsdb/snapshot", post(admin::snapshot).put(admin::snapshot))
        .route(pipeline::remote_write::PATH, any(write::write))
        .route(pipeline::import::PATH, any(write::import))
        .route("/api/v1/read", both(post(remote_read::read)))
        .route("/federate", get(federate::federate))
        .route("/-/healthy", get(lifecycle::healthy))
        .route("/-/ready", get(lifecycle::ready))
        .route("/-/reload", post(lifecycle::reload).put(lifecycle::reload))
}
