//! Trace search and single traces.

use std::time::Duration;

use axum::Json;
use axum::extract::{Path, State};
use eventstore::query::TraceSummary;
use model::{AccessScope, SpanId, TimeRange, TraceId};
use query::time::{parse_range, parse_time};
use query::{EventSignal, traces};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::columns::ColumnsShape;
use super::error::ApiError;
use super::params::{FilterParam, PageParams, Query, RangeParams};
use super::rendered::Rendered;
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
) -> Result<Rendered, ApiError> {
    let range = range.range(&app)?;
    run::query(&app, move |app, grant| {
        let request = grant.request(range, filter.text());
        let limit = page.limit.unwrap_or(LIMIT_DEFAULT);
        let found = traces::search(&app.engines.events, &request, limit, page.cursor().as_deref())?;
        let nothing = found.value.traces.is_empty() && page.cursor().is_none();
        let footer = Footer::hinted(app, EventSignal::Traces, &request, &found, nothing);
        Rendered::new(&SearchShape {
            traces: found.value.traces.into_iter().map(TraceShape::from).collect(),
            next_cursor: found.value.next_cursor,
            footer,
        })
    })
    .await?
}

/// A whole trace.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TraceDetailShape {
    trace_id: String,
    /// How many spans there are.
    span_count: usize,
    /// By start; empty with `format=columns`.
    spans: Vec<SpanShape>,
    /// The same in columns, with `format=columns`.
    #[serde(skip_serializing_if = "Option::is_none")]
    columns: Option<ColumnsShape>,
    #[serde(flatten)]
    footer: Footer,
}

/// In which form.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct FormatParam {
    /// `spans` (default), or `columns`: without attributes, events and links, for traces of thousands of spans.
    format: Option<String>,
}

/// When the trace is thought to have been. Nothing is left out: what lies near is read first, and stays when a limit of
/// the query is hit. Times as in `from` and `to`.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct AroundParams {
    /// A moment.
    around: Option<String>,
    /// A stretch of time, instead: where it begins.
    from: Option<String>,
    /// Where it ends.
    to: Option<String>,
}

impl AroundParams {
    fn range(&self, app: &App) -> Result<Option<TimeRange>, ApiError> {
        let given = |text: &Option<String>| text.as_deref().is_some_and(|t| !t.trim().is_empty());
        if let Some(text) = self.around.as_deref().filter(|_| given(&self.around)) {
            if given(&self.from) || given(&self.to) {
                return Err(ApiError::invalid("around", "give a moment as `around`, or a range as `from` and `to`"));
            }
            let at = parse_time("around", text, app.clock.now());
            let at = at.map_err(|e| ApiError::invalid("around", e.to_string()))?;
            return Ok(Some(TimeRange::new(at, at)));
        }
        if !given(&self.from) && !given(&self.to) {
            return Ok(None);
        }
        let range = parse_range(self.from.as_deref(), self.to.as_deref(), app.clock.now(), SPAN);
        range.map(Some).map_err(|e| ApiError::invalid(e.parameter(), e.to_string()))
    }
}

/// The length of the range when `from` is left out.
const SPAN: Duration = Duration::from_secs(3600);

fn trace_id(text: &str) -> Result<TraceId, ApiError> {
    text.parse().map_err(|_| ApiError::invalid("trace_id", format!("`{text}` is not a trace id; it has 32 hex digits")))
}

/// One span of a trace with all it has.
#[utoipa::path(get, path = "/api/v1/traces/{trace_id}/spans/{span_id}",
    params(("trace_id" = String, Path, description = "32 hex digits"), ("span_id" = String, Path, description = "16 hex digits"), AroundParams),
    responses((status = 200, body = SpanAnswer), (status = 404, body = ApiError)))]
pub(crate) async fn span(
    State(app): State<App>,
    Path((trace, span)): Path<(String, String)>,
    Query(around): Query<AroundParams>,
) -> Result<Json<SpanAnswer>, ApiError> {
    let id = trace_id(&trace)?;
    let around = around.range(&app)?;
    let span_id: SpanId = span
        .parse()
        .map_err(|_| ApiError::invalid("span_id", format!("`{span}` is not a span id; it has 16 hex digits")))?;
    let outcome = run::query(&app, move |app, grant| {
        traces::by_id(&app.engines.events, id, around, &AccessScope::ALL, &grant.limits())
    })
    .await??;
    // Both sides of a span that client and server share have one id.
    let footer = Footer::of(&outcome);
    let spans: Vec<SpanShape> =
        outcome.value.spans.into_iter().filter(|s| s.span_id == span_id).map(SpanShape::from).collect();
    if spans.is_empty() && outcome.partial.is_none() {
        let message = format!("trace {trace} has no span {span}");
        return Err(ApiError::new(foundation::ErrorKind::NotFound, message));
    }
    Ok(Json(SpanAnswer { spans, footer }))
}

/// The spans of one id: one, or the two sides of a shared span.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SpanAnswer {
    spans: Vec<SpanShape>,
    #[serde(flatten)]
    footer: Footer,
}

/// All spans of a trace, whenever they were.
#[utoipa::path(get, path = "/api/v1/traces/{trace_id}",
    params(("trace_id" = String, Path, description = "32 hex digits"), FormatParam, AroundParams),
    responses((status = 200, body = TraceDetailShape), (status = 404, body = ApiError)))]
pub(crate) async fn by_id(
    State(app): State<App>,
    Path(text): Path<String>,
    Query(format): Query<FormatParam>,
    Query(around): Query<AroundParams>,
) -> Result<Rendered, ApiError> {
    let id = trace_id(&text)?;
    let around = around.range(&app)?;
    let columns = match format.format.as_deref() {
        None | Some("" | "spans") => false,
        Some("columns") => true,
        Some(other) => {
            let message = format!("`{other}` is not a format; use `spans` or `columns`");
            return Err(ApiError::invalid("format", message));
        }
    };
    run::query(&app, move |app, grant| {
        let outcome = traces::by_id(&app.engines.events, id, around, &AccessScope::ALL, &grant.limits())?;
        let footer = Footer::of(&outcome);
        let trace = outcome.value;
        Rendered::new(&TraceDetailShape {
            trace_id: id.to_string(),
            span_count: trace.spans.len(),
            columns: columns.then(|| ColumnsShape::new(&trace)),
            spans: if columns { Vec::new() } else { trace.spans.into_iter().map(SpanShape::from).collect() },
            footer,
        })
    })
    .await?
}
