//! Log search and volume.

use axum::Json;
use axum::extract::State;
use eventstore::query::Order;
use query::{EventSignal, logs};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::error::ApiError;
use super::params::{FilterParam, PageParams, Query, RangeParams, SignalParam};
use super::rendered::Rendered;
use super::shape::{Footer, LogShape};
use crate::app::App;
use crate::run;

/// Rows of one page.
const LIMIT_DEFAULT: usize = 100;
/// Buckets of a histogram.
const BUCKETS_DEFAULT: usize = 60;
/// Groups of a histogram.
const GROUPS_MAX: usize = 50;

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
    /// What to pass as `cursor`, with the other `order`, for the records on the other side of the first one.
    prev_cursor: Option<String>,
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
) -> Result<Rendered, ApiError> {
    let (range, order) = (range.range(&app)?, order.get()?);
    run::query(&app, move |app, grant| {
        let request = grant.request(range, filter.text());
        let limit = page.limit.unwrap_or(LIMIT_DEFAULT);
        let found = logs::search(&app.engines.events, &request, order, limit, page.cursor().as_deref())?;
        let nothing = found.value.records.is_empty() && page.cursor().is_none();
        let footer = Footer::hinted(app, EventSignal::Logs, &request, &found, nothing);
        let found = found.value;
        Rendered::new(&SearchShape {
            logs: found.records.into_iter().map(|row| LogShape::new(row.id, row.record)).collect(),
            next_cursor: found.next_cursor,
            prev_cursor: found.prev_cursor,
            footer,
        })
    })
    .await?
}

/// How finely.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct BucketsParam {
    /// 1 to 2000, default 60.
    pub buckets: Option<usize>,
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

/// By what.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ByParam {
    /// A field, as a filter names it; left out, everything is one group. At most the 50 largest groups are listed.
    by: Option<String>,
}

/// Counts per bucket and group.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct HistogramShape {
    /// Where the first bucket begins.
    start_unix_nano: String,
    /// How long each is.
    step_nanos: i64,
    /// The largest groups first.
    groups: Vec<GroupShape>,
    /// How many groups there are, listed or not.
    distinct: usize,
    #[serde(flatten)]
    footer: Footer,
}

/// The records that have a value of the field in common.
#[derive(Debug, Serialize, ToSchema)]
struct GroupShape {
    /// Empty for the records without the field.
    value: String,
    /// Per bucket.
    counts: Vec<u64>,
}

/// How many records match, per bucket and value of any field.
#[utoipa::path(get, path = "/api/v1/histogram", params(RangeParams, SignalParam, FilterParam, BucketsParam, ByParam),
    responses((status = 200, body = HistogramShape), (status = 400, body = ApiError)))]
pub(crate) async fn histogram(
    State(app): State<App>,
    Query(range): Query<RangeParams>,
    Query(signal): Query<SignalParam>,
    Query(filter): Query<FilterParam>,
    Query(buckets): Query<BucketsParam>,
    Query(by): Query<ByParam>,
) -> Result<Json<HistogramShape>, ApiError> {
    let (range, signal) = (range.range(&app)?, signal.get()?);
    let (found, footer) = run::query(&app, move |app, grant| {
        let request = grant.request(range, filter.text());
        let by = by.by.filter(|b| !b.is_empty());
        let buckets = buckets.buckets.unwrap_or(BUCKETS_DEFAULT);
        let found = query::fields::histogram(&app.engines.events, signal, &request, by.as_deref(), buckets)?;
        let footer = Footer::hinted(app, signal, &request, &found, found.value.groups.is_empty());
        Ok::<_, query::ReadError>((found.value, footer))
    })
    .await??;
    let distinct = found.groups.len();
    let groups = found.groups.into_iter().take(GROUPS_MAX);
    Ok(Json(HistogramShape {
        start_unix_nano: found.buckets.start.0.to_string(),
        step_nanos: found.buckets.step_nanos,
        groups: groups.map(|g| GroupShape { value: g.value, counts: g.counts }).collect(),
        distinct,
        footer,
    }))
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
