//! Trace search and single traces.

use axum::Json;
use axum::extract::{Path, State};
use eventstore::query::TraceSummary;
use model::{AccessScope, TraceId};
use query::traces;
use serde::Serialize;
use utoipa::ToSchema;

use super::error::ApiError;
use super::params::{FilterParam, PageParams, Query, RangeParams};
use super::shape::{Footer, SpanShape};
use crate::app::App;
use crate::run;

/// Traces of one page.
const LIMIT_DEFAULT: usize = 20;

/// A page of traces.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SearchShape {
    traces: Vec<TraceShape>,
    /// What to pass as `cursor` for more; `null` when there is no more.
    next_cursor: Option<String>,
    #[serde(flatten)]
    footer: Footer,
}

/// A trace in a list.
#[derive(Debug, Serialize, ToSchema)]
struct TraceShape {
    trace_id: String,
    root_service: String,
    root_name: String,
    start_unix_nano: String,
    duration_nanos: u64,
    span_count: u64,
    error_count: u64,
    /// Most spans first.
    services: Vec<ServiceShape>,
}

/// How many spans of a trace a service has.
#[derive(Debug, Serialize, ToSchema)]
struct ServiceShape {
    name: String,
    spans: u64,
}

impl From<TraceSummary> for TraceShape {
    fn from(t: TraceSummary) -> Self {
        Self {
            trace_id: t.trace_id.to_string(),
            root_service: t.root_service,
            root_name: t.root_name,
            start_unix_nano: t.start.0.to_string(),
            duration_nanos: t.duration_nanos,
            span_count: t.span_count,
            error_count: t.error_count,
            services: t.services.into_iter().map(|s| ServiceShape { name: s.name, spans: s.spans }).collect(),
        }
    }
}

/// Traces with a span that matches the filter, newest first. `limit` is 1 to 1000, default 20.
#[utoipa::path(get, path = "/api/v1/traces", params(RangeParams, FilterParam, PageParams),
    responses((status = 200, body = SearchShape), (status = 400, body = ApiError)))]
pub(crate) async fn search(
    State(app): State<App>,
    Query(range): Query<RangeParams>,
    Query(filter): Query<FilterParam>,
    Query(page): Query<PageParams>,
) -> Result<Json<SearchShape>, ApiError> {
    let range = range.range(&app)?;
    let outcome = run::query(&app, move |app, grant| {
        let request = grant.request(range, filter.text());
        traces::search(&app.engines.events, &request, page.limit.unwrap_or(LIMIT_DEFAULT), page.cursor().as_deref())
    })
    .await??;
    let footer = Footer::of(&outcome);
    Ok(Json(SearchShape {
        traces: outcome.value.traces.into_iter().map(TraceShape::from).collect(),
        next_cursor: outcome.value.next_cursor,
        footer,
    }))
}

/// A whole trace.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TraceDetailShape {
    trace_id: String,
    /// By start.
    spans: Vec<SpanShape>,
    #[serde(flatten)]
    footer: Footer,
}

/// All spans of a trace, whenever they were.
#[utoipa::path(get, path = "/api/v1/traces/{trace_id}", params(("trace_id" = String, Path, description = "32 hex digits")),
    responses((status = 200, body = TraceDetailShape), (status = 404, body = ApiError)))]
pub(crate) async fn by_id(
    State(app): State<App>,
    Path(text): Path<String>,
) -> Result<Json<TraceDetailShape>, ApiError> {
    let id: TraceId = text
        .parse()
        .map_err(|_| ApiError::invalid("trace_id", format!("`{text}` is not a trace id; it has 32 hex digits")))?;
    let outcome =
        run::query(&app, move |app, grant| traces::by_id(&app.engines.events, id, &AccessScope::ALL, &grant.limits()))
            .await??;
    Ok(Json(TraceDetailShape {
        trace_id: id.to_string(),
        spans: outcome.value.spans.iter().map(SpanShape::from).collect(),
        footer: Footer::of(&outcome),
    }))
}
