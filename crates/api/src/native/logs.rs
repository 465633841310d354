//! Log search and volume.

use axum::Json;
use axum::extract::State;
use eventstore::query::Order;
use query::logs;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::error::ApiError;
use super::params::{FilterParam, PageParams, Query, RangeParams};
use super::shape::{Footer, LogShape};
use crate::app::App;
use crate::run;

/// Rows of one page.
const LIMIT_DEFAULT: usize = 100;
/// Buckets of a histogram.
const BUCKETS_DEFAULT: usize = 60;

/// Which end comes first.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct OrderParam {
    /// `desc` (newest first, default) or `asc`.
    order: Option<String>,
}

impl OrderParam {
    fn get(&self) -> Result<Order, ApiError> {
        match self.order.as_deref() {
            None | Some("" | "desc") => Ok(Order::Descending),
            Some("asc") => Ok(Order::Ascending),
            Some(other) => Err(ApiError::invalid("order", format!("`{other}` is not an order; use `desc` or `asc`"))),
        }
    }
}

/// A page of log records.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SearchShape {
    logs: Vec<LogShape>,
    /// What to pass as `cursor` for more; `null` when there is no more.
    next_cursor: Option<String>,
    #[serde(flatten)]
    footer: Footer,
}

/// Log records that match, newest or oldest first. `limit` is 1 to 5000, default 100.
#[utoipa::path(get, path = "/api/v1/logs", params(RangeParams, FilterParam, PageParams, OrderParam),
    responses((status = 200, body = SearchShape), (status = 400, body = ApiError)))]
pub(crate) async fn search(
    State(app): State<App>,
    Query(range): Query<RangeParams>,
    Query(filter): Query<FilterParam>,
    Query(page): Query<PageParams>,
    Query(order): Query<OrderParam>,
) -> Result<Json<SearchShape>, ApiError> {
    let (range, order) = (range.range(&app)?, order.get()?);
    let outcome = run::query(&app, move |app, grant| {
        let request = grant.request(range, filter.text());
        logs::search(
            &app.engines.events,
            &request,
            order,
            page.limit.unwrap_or(LIMIT_DEFAULT),
            page.cursor().as_deref(),
        )
    })
    .await??;
    let footer = Footer::of(&outcome);
    Ok(Json(SearchShape {
        logs: outcome.value.records.iter().map(|row| LogShape::new(row.id, &row.record)).collect(),
        next_cursor: outcome.value.next_cursor,
        footer,
    }))
}

/// How finely.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct BucketsParam {
    /// 1 to 2000, default 60.
    buckets: Option<usize>,
}

/// Counts per bucket and level.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct VolumeShape {
    /// Where the first bucket begins.
    start_unix_nano: String,
    /// How long each is.
    step_nanos: i64,
    /// What the columns of `counts` are.
    levels: [&'static str; 7],
    /// One row per bucket, one column per level.
    counts: Vec<[u64; 7]>,
    #[serde(flatten)]
    footer: Footer,
}

/// How many log records match, per bucket and level.
#[utoipa::path(get, path = "/api/v1/logs/volume", params(RangeParams, FilterParam, BucketsParam),
    responses((status = 200, body = VolumeShape), (status = 400, body = ApiError)))]
pub(crate) async fn volume(
    State(app): State<App>,
    Query(range): Query<RangeParams>,
    Query(filter): Query<FilterParam>,
    Query(buckets): Query<BucketsParam>,
) -> Result<Json<VolumeShape>, ApiError> {
    let range = range.range(&app)?;
    let outcome = run::query(&app, move |app, grant| {
        let request = grant.request(range, filter.text());
        logs::volume(&app.engines.events, &request, buckets.buckets.unwrap_or(BUCKETS_DEFAULT))
    })
    .await??;
    let footer = Footer::of(&outcome);
    Ok(Json(VolumeShape {
        start_unix_nano: outcome.value.start.0.to_string(),
        step_nanos: outcome.value.step_nanos,
        levels: logs::LEVELS,
        counts: outcome.value.counts,
        footer,
    }))
}
