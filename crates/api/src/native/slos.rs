//! Objectives: what is left of their budgets, who spent them, and how they are made.

use std::collections::BTreeMap;
use std::time::Duration;

use alerting::slo::{
    BookError, Dropped, Entry, GroupStatus, Method, Origin, Proposal, SloError, Tier, print_indicator,
};
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use foundation::UnixNanos;
use foundation::units::{format_duration, parse_duration};
use model::Labels;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use utoipa::{IntoParams, OpenApi};
use yaml::Finding;

use super::error::ApiError;
use super::params::{Query, RangeParams};
use crate::app::App;
use crate::run::blocking;

/// A file of objectives.
const BODY_BYTES_MAX: usize = 4 << 20;
/// Points of a history.
const POINTS_MAX: i64 = 2_000;

#[derive(OpenApi)]
#[openapi(paths(list, one, import, remove, history, spent, proposals, confirm, preview, export))]
pub(crate) struct Description;

pub(super) fn router() -> Router<App> {
    Router::new()
        .route("/api/v1/slos", get(list).post(import))
        .route("/api/v1/slos/export", get(export))
        .route("/api/v1/slos/preview", post(preview))
        .route("/api/v1/slos/{id}", get(one).delete(remove))
        .route("/api/v1/slos/{id}/history", get(history))
        .route("/api/v1/slos/{id}/spent", get(spent))
        .route("/api/v1/slos/{id}/proposals", get(proposals))
        .route("/api/v1/slos/{id}/confirm", post(confirm))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
}

impl From<BookError> for ApiError {
    fn from(e: BookError) -> Self {
        Self::new(e.kind(), e.to_string())
    }
}

impl From<SloError> for ApiError {
    fn from(e: SloError) -> Self {
        Self::new(e.kind(), e.to_string())
    }
}

/// Every objective with its budget, and what was said of the files they are written in.
#[utoipa::path(get, path = "/api/v1/slos", responses((status = 200, body = Value, description = "`slos`, `findings`")))]
async fn list(State(app): State<App>) -> Result<Json<Value>, ApiError> {
    blocking(move || {
        let slos: Vec<Value> = app.slos.engine().entries().iter().map(entry).collect();
        let findings: Vec<Value> = app.slos.findings().iter().map(|(file, f)| finding(Some(file), f)).collect();
        Ok(Json(json!({"slos": slos, "findings": findings})))
    })
    .await
}

/// One objective with its budget.
#[utoipa::path(get, path = "/api/v1/slos/{id}", params(("id" = String, Path)),
    responses((status = 200, body = Value), (status = 404, body = ApiError)))]
async fn one(State(app): State<App>, Path(id): Path<String>) -> Result<Json<Value>, ApiError> {
    blocking(move || {
        let found = app.slos.engine().entry(&id).ok_or(SloError::Unknown(id))?;
        Ok(Json(entry(&found)))
    })
    .await
}

/// Takes a file of objectives (`slos`, `error_budgets`, OpenSLO); those of the same id that the API made are replaced.
#[utoipa::path(post, path = "/api/v1/slos", request_body(content = String, content_type = "application/yaml"),
    responses((status = 200, body = Value, description = "`accepted`, `findings`"), (status = 400, body = ApiError)))]
async fn import(State(app): State<App>, text: String) -> Result<Response, ApiError> {
    blocking(move || match app.slos.import(&text) {
        Ok((slos, findings)) => {
            let accepted: Vec<&str> = slos.iter().map(|s| s.id.as_str()).collect();
            let findings: Vec<Value> = findings.iter().map(|f| finding(None, f)).collect();
            Ok(Json(json!({"accepted": accepted, "findings": findings})).into_response())
        }
        Err(BookError::Findings(all)) => {
            let findings: Vec<Value> = all.iter().map(|(_, f)| finding(None, f)).collect();
            Ok((StatusCode::BAD_REQUEST, Json(json!({"accepted": [], "findings": findings}))).into_response())
        }
        Err(e) => Err(e.into()),
    })
    .await
}

/// Removes an objective that the API made.
#[utoipa::path(delete, path = "/api/v1/slos/{id}", params(("id" = String, Path)),
    responses((status = 204), (status = 404, body = ApiError)))]
async fn remove(State(app): State<App>, Path(id): Path<String>) -> Result<StatusCode, ApiError> {
    blocking(move || {
        app.slos.remove(&id)?;
        Ok(StatusCode::NO_CONTENT)
    })
    .await
}

/// Which points of a history.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct HistoryParams {
    /// Labels of the group as JSON; without groups left out.
    group: Option<String>,
    /// Such as `1h`; when left out, one that gives some hundred points.
    step: Option<String>,
}

/// What was left of a budget over time: `points` of `[time_ms, remaining]`, where 1 is all of it.
#[utoipa::path(get, path = "/api/v1/slos/{id}/history", params(("id" = String, Path), RangeParams, HistoryParams),
    responses((status = 200, body = Value), (status = 404, body = ApiError)))]
async fn history(
    State(app): State<App>,
    Path(id): Path<String>,
    Query(range): Query<RangeParams>,
    Query(p): Query<HistoryParams>,
) -> Result<Json<Value>, ApiError> {
    let range = range.range(&app)?;
    let (from, to) = (range.start, range.end);
    let nanos = to.0.saturating_sub(from.0);
    let smallest = Duration::from_nanos((nanos / POINTS_MAX).max(60_000_000_000).unsigned_abs());
    let step = match &p.step {
        Some(text) => parse_duration(text).map_err(|e| ApiError::invalid("step", e.to_string()))?.max(smallest),
        None => smallest.max(Duration::from_nanos((nanos / 300).unsigned_abs())),
    };
    let group = match p.group.as_deref() {
        None | Some("") => Labels::default(),
        Some(text) => {
            let pairs: BTreeMap<String, String> = serde_json::from_str(text).map_err(|_| {
                ApiError::invalid(
                    "group",
                    format!("`{text}` is not a group; write its labels as JSON, {{\"name\":\"value\"}}"),
                )
            })?;
            Labels::from_pairs(pairs.iter().map(|(n, v)| (n.as_str(), v.as_str())))
        }
    };
    blocking(move || {
        let points = app.slos.engine().history(&id, &group, (from, to), step)?;
        let points: Vec<Value> = points.iter().map(|(t, left)| json!([t.as_millis(), left])).collect();
        Ok(Json(json!({"points": points, "step_secs": step.as_secs()})))
    })
    .await
}

/// By what a budget is broken down.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct SpentParams {
    /// A label, or an attribute of the records.
    by: String,
}

/// Who spent the budget of the current window: the values of a label or attribute with the most bad events.
#[utoipa::path(get, path = "/api/v1/slos/{id}/spent", params(("id" = String, Path), SpentParams),
    responses((status = 200, body = Value), (status = 404, body = ApiError)))]
async fn spent(
    State(app): State<App>,
    Path(id): Path<String>,
    Query(p): Query<SpentParams>,
) -> Result<Json<Value>, ApiError> {
    blocking(move || {
        let spent = app.slos.engine().spent_by(&id, &p.by)?;
        let rows: Vec<Value> =
            spent.iter().map(|s| json!({"value": s.value, "bad": s.bad, "total": s.total, "share": s.share})).collect();
        Ok(Json(json!({"by": p.by, "rows": rows})))
    })
    .await
}

/// What a promise without an indicator could count; the best first.
#[utoipa::path(get, path = "/api/v1/slos/{id}/proposals", params(("id" = String, Path)),
    responses((status = 200, body = Value, description = "`proposals`"), (status = 404, body = ApiError)))]
async fn proposals(State(app): State<App>, Path(id): Path<String>) -> Result<Json<Value>, ApiError> {
    blocking(move || {
        let found = app.slos.proposals(&id)?;
        let shape =
            |p: &Proposal| json!({"indicator": print_indicator(&p.indicator), "reason": p.reason, "score": p.score});
        Ok(Json(json!({"proposals": found.iter().map(shape).collect::<Vec<_>>()})))
    })
    .await
}

/// Says what is counted for a promise: the `indicator` of a proposal, or another one, in JSON or YAML.
#[utoipa::path(post, path = "/api/v1/slos/{id}/confirm", params(("id" = String, Path)),
    request_body(content = String, content_type = "application/yaml"),
    responses((status = 200, body = Value), (status = 400, body = ApiError), (status = 404, body = ApiError)))]
async fn confirm(State(app): State<App>, Path(id): Path<String>, text: String) -> Result<Json<Value>, ApiError> {
    blocking(move || {
        app.slos.confirm(&id, &text)?;
        app.slos.engine().tick();
        let found = app.slos.engine().entry(&id).ok_or(SloError::Unknown(id))?;
        Ok(Json(entry(&found)))
    })
    .await
}

/// What the objectives of a text would say now, counted from history; nothing is kept.
#[utoipa::path(post, path = "/api/v1/slos/preview", request_body(content = String, content_type = "application/yaml"),
    responses((status = 200, body = Value, description = "`slos`, `findings`")))]
async fn preview(State(app): State<App>, text: String) -> Result<Json<Value>, ApiError> {
    blocking(move || {
        let parsed = alerting::slo::parse(&text, &Origin::Api);
        let mut slos = Vec::new();
        for slo in parsed.slos {
            slos.push(match app.slos.engine().preview(slo.clone()) {
                Ok(found) => entry(&found),
                Err(SloError::Unconfirmed(_)) => json!({"id": slo.id, "indicator": null}),
                Err(e) => json!({"id": slo.id, "error": e.to_string()}),
            });
        }
        let findings: Vec<Value> = parsed.findings.into_sorted().iter().map(|f| finding(None, f)).collect();
        Ok(Json(json!({"slos": slos, "findings": findings})))
    })
    .await
}

/// All objectives as one file.
#[utoipa::path(get, path = "/api/v1/slos/export", responses((status = 200, content_type = "application/yaml", body = String)))]
async fn export(State(app): State<App>) -> Result<Response, ApiError> {
    let text = blocking(move || Ok::<_, ApiError>(app.slos.export())).await?;
    Ok(([(header::CONTENT_TYPE, "application/yaml")], text).into_response())
}

fn finding(file: Option<&String>, f: &Finding) -> Value {
    json!({
        "severity": f.severity.name(),
        "file": file,
        "line": f.place.line,
        "column": f.place.column,
        "path": f.path,
        "message": f.message,
        "fix": f.remedy,
    })
}

fn entry(e: &Entry) -> Value {
    let slo = &e.slo;
    let method = match &slo.method {
        Method::Events => json!({"kind": "events"}),
        Method::TimeSlices { slice, target, .. } => {
            json!({"kind": "slices", "slice_secs": slice.as_secs(), "target": target})
        }
    };
    let origin = match &slo.origin {
        Origin::Api => json!({"kind": "api"}),
        Origin::File(file) => json!({"kind": "file", "file": file}),
    };
    json!({
        "id": slo.id,
        "title": slo.title,
        "description": slo.description,
        "service": slo.service,
        "objective": slo.objective,
        "window": slo.window.text(),
        "method": method,
        "indicator": slo.indicator.as_ref().map(print_indicator),
        "written": slo.written,
        "group_by": slo.group_by,
        "labels": slo.labels,
        "alerting": slo.alerting.enabled,
        "origin": origin,
        "tiers": e.tiers.iter().map(tier).collect::<Vec<_>>(),
        "dropped": e.dropped.iter().map(dropped).collect::<Vec<_>>(),
        "warnings": e.warnings,
        "unknowns": slo.unknowns(),
        "error": e.error,
        "groups": e.groups.iter().map(|g| group(g, e)).collect::<Vec<_>>(),
    })
}

fn tier(t: &Tier) -> Value {
    json!({
        "urgency": t.urgency.name(),
        "long_secs": t.long.as_secs(),
        "short_secs": t.short.as_secs(),
        "factor": t.factor,
    })
}

fn dropped(d: &Dropped) -> Value {
    let mut shape = tier(&d.tier);
    shape["reason"] = d.reason.clone().into();
    shape
}

fn group(g: &GroupStatus, e: &Entry) -> Value {
    let s = &g.status;
    let burn = s
        .burn
        .iter()
        .map(|b| json!({"window_secs": b.window.as_secs(), "rate": b.rate, "bad": b.bad, "total": b.total}));
    json!({
        "labels": Value::Object(g.labels.iter().map(|(k, v)| (k.to_owned(), Value::from(v))).collect::<Map<_, _>>()),
        "time_ms": s.at.as_millis(),
        "since_ms": s.since.as_millis(),
        "length_secs": s.length.as_secs(),
        "total": s.total,
        "bad": s.bad,
        "sli": s.sli,
        "budget": {
            "allowed": s.budget.allowed,
            "remaining": s.budget.remaining,
            "remaining_units": s.budget.remaining_units,
            "remaining_secs": s.budget.remaining_time_secs,
        },
        "burn": burn.collect::<Vec<_>>(),
        "exhausted_in_secs": s.exhausted_in.map(|d| d.as_secs()),
        "coverage": s.coverage,
        "last_event_ms": s.last_event.map(UnixNanos::as_millis),
        "sentence": sentence(g, e),
    })
}

/// The budget in words.
fn sentence(g: &GroupStatus, e: &Entry) -> String {
    let s = &g.status;
    let Some(sli) = s.sli else {
        return "No events in the window: the budget is untouched, and nothing is known of the service.".to_owned();
    };
    let units = if e.slo.method == Method::Events { "events" } else { "slices of time" };
    let promised = e.slo.objective * 100.0;
    let mut text = format!("{:.4}% of {} {units} were good; {promised}% are promised. ", sli * 100.0, s.total.round());
    let left = Duration::from_secs_f64(s.budget.remaining_time_secs.abs().min(1e9)).as_secs();
    let left = format_duration(Duration::from_secs(if left > 3_600 { left / 60 * 60 } else { left }));
    text += &if s.budget.remaining >= 0.0 {
        format!(
            "{:.1}% of the budget is left: {left} of outage, or {} {units}.",
            s.budget.remaining * 100.0,
            s.budget.remaining_units.floor()
        )
    } else {
        format!("The budget is overspent by {:.1}%: {left} of outage too many.", -s.budget.remaining * 100.0)
    };
    if let Some(d) = s.exhausted_in.filter(|d| !d.is_zero()) {
        let rounded = Duration::from_secs((d.as_secs() / 60).max(1) * 60);
        text += &format!(" As in the last hour, it is gone in {}.", format_duration(rounded));
    }
    if s.coverage < 0.999 {
        text += &format!(" Of the window, {:.0}% are known.", s.coverage * 100.0);
    }
    text
}
