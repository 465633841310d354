//! Series, labels, label values and metadata.

use std::collections::BTreeMap;

use axum::extract::{Path, State};
use axum::response::Response;
use foundation::ErrorKind;
use model::Labels;
use serde_json::{Map, Value, json};

use super::params::Params;
use super::respond::{PromError, success};
use crate::app::App;
use crate::run;

/// Series of one answer; more is an error, as a shortened list would be taken for the whole.
const SERIES_MAX: usize = 100_000;

/// The series that selectors match.
#[utoipa::path(get, path = "/api/v1/series", tag = "prometheus", params(("match[]" = Option<Vec<String>>, Query, description = "series selectors"), ("start" = Option<String>, Query), ("end" = Option<String>, Query), ("limit" = Option<usize>, Query)), responses((status = 200, description = "as Prometheus answers"), (status = 400, description = "bad_data")))]
pub(super) async fn series(State(app): State<App>, p: Params) -> Result<Response, PromError> {
    let (selectors, range, limit) = (selectors(&p), range(&p)?, p.count("limit")?.filter(|n| *n > 0));
    let found = run::query(&app, move |app, grant| {
        query::metrics::series(&app.engines.metrics, &grant.ask(), &texts(&selectors), range)
    })
    .await??;
    if limit.is_none() && found.len() > SERIES_MAX {
        let message =
            format!("{} series match and an answer holds {SERIES_MAX}; narrow `match[]` or set `limit`", found.len());
        return Err(PromError::new(ErrorKind::LimitExceeded, message));
    }
    Ok(success(found.iter().take(limit.unwrap_or(SERIES_MAX)).map(labels_json).collect::<Vec<_>>()))
}

/// Label names.
#[utoipa::path(get, path = "/api/v1/labels", tag = "prometheus", params(("match[]" = Option<Vec<String>>, Query, description = "series selectors"), ("start" = Option<String>, Query), ("end" = Option<String>, Query), ("limit" = Option<usize>, Query)), responses((status = 200, description = "as Prometheus answers"), (status = 400, description = "bad_data")))]
pub(super) async fn labels(State(app): State<App>, p: Params) -> Result<Response, PromError> {
    let (selectors, range) = (selectors(&p), range(&p)?);
    let names = run::query(&app, move |app, grant| {
        query::metrics::label_names(&app.engines.metrics, &grant.ask(), &texts(&selectors), range)
    })
    .await??;
    Ok(success(cut(names, &p)?))
}

/// Values of a label.
#[utoipa::path(get, path = "/api/v1/label/{name}/values", tag = "prometheus", params(("name" = String, Path), ("match[]" = Option<Vec<String>>, Query, description = "series selectors"), ("start" = Option<String>, Query), ("end" = Option<String>, Query), ("limit" = Option<usize>, Query)), responses((status = 200, description = "as Prometheus answers"), (status = 400, description = "bad_data")))]
pub(super) async fn label_values(
    State(app): State<App>,
    Path(name): Path<String>,
    p: Params,
) -> Result<Response, PromError> {
    let (selectors, range) = (selectors(&p), range(&p)?);
    let values = run::query(&app, move |app, grant| {
        query::metrics::label_values(&app.engines.metrics, &grant.ask(), &name, &texts(&selectors), range)
    })
    .await??;
    Ok(success(cut(values, &p)?))
}

/// Type, unit and help of metrics.
#[utoipa::path(get, path = "/api/v1/metadata", tag = "prometheus", params(("metric" = Option<String>, Query), ("limit" = Option<usize>, Query)), responses((status = 200, description = "as Prometheus answers"), (status = 400, description = "bad_data")))]
pub(super) async fn metadata(State(app): State<App>, p: Params) -> Result<Response, PromError> {
    let wanted = p.get("metric").map(str::to_owned);
    let limit = p.count("limit")?.unwrap_or(usize::MAX);
    let found: BTreeMap<String, Value> = query::metrics::metadata(&app.engines.metrics, wanted.as_deref(), limit)
        .into_iter()
        .map(|(name, m)| (name, json!([{"type": m.kind.name(), "help": m.help, "unit": m.unit}])))
        .collect();
    Ok(success(found))
}

/// Grafana asks for this to learn what the server can do.
pub(super) async fn build_info(State(app): State<App>) -> Response {
    success(
        json!({"application": "bellrock", "version": app.info.version, "revision": "", "branch": "", "buildUser": "", "buildDate": "", "goVersion": ""}),
    )
}

fn cut(mut list: Vec<String>, p: &Params) -> Result<Vec<String>, PromError> {
    if let Some(limit) = p.count("limit")?.filter(|n| *n > 0) {
        list.truncate(limit);
    }
    Ok(list)
}

fn selectors(p: &Params) -> Vec<String> {
    p.all("match[]").map(str::to_owned).collect()
}

fn texts(selectors: &[String]) -> Vec<&str> {
    selectors.iter().map(String::as_str).collect()
}

/// Milliseconds, both ends inclusive; all of time when nothing is given.
fn range(p: &Params) -> Result<(i64, i64), PromError> {
    let (start, end) = (p.time("start")?.unwrap_or(i64::MIN), p.time("end")?.unwrap_or(i64::MAX));
    if end < start {
        Err(PromError::bad_data("end timestamp must not be before start timestamp"))
    } else {
        Ok((start, end))
    }
}

pub(super) fn labels_json(labels: &Labels) -> Value {
    Value::Object(labels.iter().map(|(k, v)| (k.to_owned(), Value::from(v))).collect::<Map<_, _>>())
}
