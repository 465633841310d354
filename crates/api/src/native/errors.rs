//! Error groups: exceptions that are the same mistake, and how often they were raised over time.

use axum::Json;
use axum::extract::{Path, State};
use derived::errors::Group;
use foundation::ErrorKind;
use promql::eval::{QueryRange, Value};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::error::ApiError;
use super::params::{Query, RangeParams};
use crate::app::App;
use crate::run::{self, Grant};

/// Groups of a page when `limit` is left out.
const LIMIT: usize = 50;
const LIMIT_MAX: usize = 500;
/// Buckets of the counts over time.
const BUCKETS: i64 = 60;
/// Counts are samples of steps: finer buckets have nothing to show.
const BUCKET_MS_MIN: i64 = 60_000;

/// Which groups.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ErrorsParams {
    /// Of this service only.
    service: Option<String>,
    /// Only groups with this text in type, message or frame, whatever the case.
    q: Option<String>,
    /// `last_seen` (default), `first_seen` or `count`; largest first.
    sort: Option<String>,
    /// Groups of the page, 50 when left out.
    limit: Option<usize>,
}

/// Error groups that were seen in the range.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ErrorsShape {
    errors: Vec<ErrorShape>,
    /// Groups that match, those beyond the page included.
    total: usize,
    /// Exceptions of groups that there was no room for, since the state began; see `derived.errors.groups_max`.
    overflow: u64,
}

/// One error group.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ErrorShape {
    /// Names the group for ever; the label `error_group` of `traces_exceptions_total`.
    id: String,
    service: String,
    exception_type: String,
    /// The newest message as it was sent.
    message: String,
    /// The message without its variable parts.
    normalised_message: String,
    /// Where it was raised; empty when the stack trace does not say.
    frame: String,
    /// The newest span that recorded it.
    span_name: String,
    first_seen_unix_milli: i64,
    last_seen_unix_milli: i64,
    /// Exceptions since `first_seen`.
    count: u64,
    /// The newest traces with one.
    trace_ids: Vec<String>,
    /// `service.version` of the first one.
    first_version: Option<String>,
    /// When it last came back after a day without.
    regressed_unix_milli: Option<i64>,
    /// How many different `user.id` (or `enduser.id`) it met; `null` when no span named one.
    users: Option<u64>,
    /// Whether `users` is estimated (about 9 %) because there are many.
    users_estimated: bool,
    /// Exceptions over the range.
    buckets: Vec<ErrorBucket>,
}

/// Exceptions of one stretch of time.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct ErrorBucket {
    from_unix_milli: i64,
    /// From a counter of samples, so estimated at the edges.
    count: f64,
}

/// Error groups.
#[utoipa::path(get, path = "/api/v1/errors", params(RangeParams, ErrorsParams), responses((status = 200, body = ErrorsShape)))]
pub(crate) async fn list(
    State(app): State<App>,
    Query(range): Query<RangeParams>,
    Query(params): Query<ErrorsParams>,
) -> Result<Json<ErrorsShape>, ApiError> {
    let range = range.range(&app)?;
    let range = (range.start.as_millis(), range.end.as_millis());
    let limit = params.limit.unwrap_or(LIMIT);
    if limit == 0 || limit > LIMIT_MAX {
        return Err(ApiError::invalid("limit", format!("must lie between 1 and {LIMIT_MAX}")));
    }
    let key: fn(&Group) -> i64 = match params.sort.as_deref() {
        None | Some("" | "last_seen") => |g| g.last_seen,
        Some("first_seen") => |g| g.first_seen,
        Some("count") => |g| i64::try_from(g.count).unwrap_or(i64::MAX),
        Some(other) => {
            let message = format!("`{other}` is no order; use `last_seen`, `first_seen` or `count`");
            return Err(ApiError::invalid("sort", message));
        }
    };
    let wanted = params.q.unwrap_or_default().to_lowercase();
    let matches = |g: &Group| {
        let seen = g.last_seen >= range.0 && g.first_seen < range.1;
        let of_service = params.service.as_ref().is_none_or(|s| s.is_empty() || *s == g.service);
        let text = || [&g.exception_type, &g.message, &g.frame].iter().any(|t| t.to_lowercase().contains(&wanted));
        seen && of_service && (wanted.is_empty() || text())
    };
    let mut groups = app.derived.error_groups(matches);
    let total = groups.len();
    groups.sort_by_key(|(id, g)| (std::cmp::Reverse(key(g)), *id));
    groups.truncate(limit);
    let overflow = app.derived.stats().error_overflow;
    let errors = with_buckets(&app, groups, range).await?;
    Ok(Json(ErrorsShape { errors, total, overflow }))
}

/// One error group.
#[utoipa::path(get, path = "/api/v1/errors/{id}", params(("id" = String, Path), RangeParams), responses((status = 200, body = ErrorShape)))]
pub(crate) async fn by_id(
    State(app): State<App>,
    Path(id): Path<String>,
    Query(range): Query<RangeParams>,
) -> Result<Json<ErrorShape>, ApiError> {
    let range = range.range(&app)?;
    let unknown = || ApiError::new(ErrorKind::NotFound, format!("there is no error group `{id}`; it may have expired"));
    let number = u64::from_str_radix(&id, 16).map_err(|_| unknown())?;
    let group = app.derived.error_group(number).ok_or_else(unknown)?;
    let range = (range.start.as_millis(), range.end.as_millis());
    with_buckets(&app, vec![(number, group)], range).await?.pop().map(Json).ok_or_else(unknown)
}

async fn with_buckets(app: &App, groups: Vec<(u64, Group)>, range: (i64, i64)) -> Result<Vec<ErrorShape>, ApiError> {
    if groups.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<String> = groups.iter().map(|(id, _)| format!("{id:016x}")).collect();
    let mut series = run::query(app, move |app, grant| counts(app, &grant, &ids, range)).await??;
    Ok(groups.into_iter().map(|(id, g)| shape(id, g, &mut series)).collect())
}

/// Per group, by its id.
type Counts = Vec<(String, Vec<ErrorBucket>)>;

fn counts(app: &App, grant: &Grant, ids: &[String], (from, to): (i64, i64)) -> Result<Counts, ApiError> {
    let step = ((to - from) / BUCKETS).max(BUCKET_MS_MIN);
    let query = format!(
        "sum by (error_group) (increase(traces_exceptions_total{{error_group=~\"{}\"}}[{step}ms]))",
        ids.join("|")
    );
    // A bucket ends where its window does.
    let steps =
        QueryRange { start_ms: from.saturating_add(step), end_ms: to.max(from.saturating_add(step)), step_ms: step };
    let ask = grant.ask();
    let found = query::metrics::range(&app.promql, &app.engines.metrics, &ask, &query, steps)
        .map_err(|e| ApiError::new(e.kind(), e.to_string()))?;
    for reason in ask.partial.reasons() {
        tracing::warn!(%reason, "the counts of error groups are not whole");
    }
    let Value::Matrix(matrix) = found.output.value else { return Ok(Vec::new()) };
    let buckets = |samples: &[promql::eval::Sample]| {
        samples.iter().map(|s| ErrorBucket { from_unix_milli: s.t_ms - step, count: s.value }).collect()
    };
    Ok(matrix.iter().map(|s| (s.labels.get("error_group").to_owned(), buckets(&s.samples))).collect())
}

fn shape(id: u64, g: Group, counts: &mut Counts) -> ErrorShape {
    let id = format!("{id:016x}");
    let found = counts.iter().position(|(of, _)| *of == id);
    let buckets = found.map(|at| counts.swap_remove(at).1).unwrap_or_default();
    ErrorShape {
        id,
        service: g.service,
        exception_type: g.exception_type,
        message: g.message,
        normalised_message: g.normalised,
        frame: g.frame,
        span_name: g.span_name,
        first_seen_unix_milli: g.first_seen,
        last_seen_unix_milli: g.last_seen,
        count: g.count,
        trace_ids: g.traces.iter().map(ToString::to_string).collect(),
        first_version: Some(g.first_version).filter(|version| !version.is_empty()),
        regressed_unix_milli: g.regressed,
        users: (!g.users.is_empty()).then(|| g.users.count()),
        users_estimated: !g.users.is_exact(),
        buckets,
    }
}
