//! Which service calls which, and spans by time and duration.

use axum::Json;
use axum::extract::State;
use eventstore::query::PeerKind;
use query::{EventSignal, traces};
use serde::Serialize;
use utoipa::ToSchema;

use super::error::ApiError;
use super::logs::BucketsParam;
use super::params::{FilterParam, Query, RangeParams};
use super::shape::Footer;
use crate::app::App;
use crate::run;

/// Columns of a heat map.
const BUCKETS_DEFAULT: usize = 120;

/// The edges between services, most calls first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ServiceMapShape {
    edges: Vec<EdgeShape>,
    /// Spans whose parent was not found.
    unresolved: u64,
    #[serde(flatten)]
    footer: Footer,
}

/// Calls from one service to another.
#[derive(Debug, Serialize, ToSchema)]
struct EdgeShape {
    client: String,
    server: String,
    /// What the server is: `service`, `database` or `messaging`.
    peer: &'static str,
    calls: u64,
    errors: u64,
    /// Within 1/64 of the true value. Of the server's spans; for databases and queues of the client's.
    p50_nanos: u64,
    p95_nanos: u64,
    p99_nanos: u64,
}

/// Pairs of parent and child spans of two services, and calls of databases and queues. `q` filters the called spans.
#[utoipa::path(get, path = "/api/v1/service-map", params(RangeParams, FilterParam),
    responses((status = 200, body = ServiceMapShape), (status = 400, body = ApiError)))]
pub(crate) async fn service_map(
    State(app): State<App>,
    Query(range): Query<RangeParams>,
    Query(filter): Query<FilterParam>,
) -> Result<Json<ServiceMapShape>, ApiError> {
    let range = range.range(&app)?;
    let (found, footer) = run::query(&app, move |app, grant| {
        let request = grant.request(range, filter.text());
        let found = traces::service_map(&app.engines.events, &request)?;
        let footer = Footer::hinted(app, EventSignal::Traces, &request, &found, found.value.edges.is_empty());
        Ok::<_, query::ReadError>((found.value, footer))
    })
    .await??;
    let edge = |e: eventstore::query::Edge| EdgeShape {
        client: e.client,
        server: e.server,
        peer: match e.peer {
            PeerKind::Service => "service",
            PeerKind::Database => "database",
            PeerKind::Messaging => "messaging",
        },
        calls: e.calls,
        errors: e.errors,
        p50_nanos: e.p50_nanos,
        p95_nanos: e.p95_nanos,
        p99_nanos: e.p99_nanos,
    };
    let edges = found.edges.into_iter().map(edge).collect();
    Ok(Json(ServiceMapShape { edges, unresolved: found.unresolved, footer }))
}

/// Counts by time and duration; only cells that are not empty.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct HeatMapShape {
    /// Where the first column begins.
    start_unix_nano: String,
    /// How long each column is.
    step_nanos: i64,
    columns: usize,
    /// Where the rows begin, in nanoseconds, rising: half powers of two.
    rows: Vec<u64>,
    /// `[column, row, count]`
    cells: Vec<[u64; 3]>,
    #[serde(flatten)]
    footer: Footer,
}

/// Matching spans by start and duration.
#[utoipa::path(get, path = "/api/v1/traces/heatmap", params(RangeParams, FilterParam, BucketsParam),
    responses((status = 200, body = HeatMapShape), (status = 400, body = ApiError)))]
pub(crate) async fn heat_map(
    State(app): State<App>,
    Query(range): Query<RangeParams>,
    Query(filter): Query<FilterParam>,
    Query(buckets): Query<BucketsParam>,
) -> Result<Json<HeatMapShape>, ApiError> {
    let range = range.range(&app)?;
    let (found, footer) = run::query(&app, move |app, grant| {
        let request = grant.request(range, filter.text());
        let found = traces::heat_map(&app.engines.events, &request, buckets.buckets.unwrap_or(BUCKETS_DEFAULT))?;
        let footer = Footer::hinted(app, EventSignal::Traces, &request, &found, found.value.cells.is_empty());
        Ok::<_, query::ReadError>((found.value, footer))
    })
    .await??;
    Ok(Json(HeatMapShape {
        start_unix_nano: found.start.0.to_string(),
        step_nanos: found.step_nanos,
        columns: found.columns,
        rows: found.rows,
        cells: found.cells.into_iter().map(|(column, row, n)| [column as u64, row as u64, n]).collect(),
        footer,
    }))
}
