//! Where the series come from: Prometheus's page about its head, and our own with growth and refusals.

use std::time::Duration;

use axum::extract::State;
use axum::response::Response;
use model::Signal;
use query::time::rfc3339;
use serde_json::{Value, json};
use tsdb::{Cardinal, Cardinality};

use super::params::Params;
use super::respond::{PromError, success};
use crate::app::App;
use crate::run;

/// Entries of each list when the request does not say.
const LIMIT: usize = 10;
/// Entries of each list at most.
const LIMIT_MAX: usize = 10_000;
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(86_400);

/// The largest metrics, labels and values, as Prometheus lists those of its head.
#[utoipa::path(get, path = "/api/v1/status/tsdb", tag = "prometheus",
    params(("limit" = Option<usize>, Query, description = "entries of each list, 10 when left out, at most 10,000")),
    responses((status = 200, description = "as Prometheus answers"), (status = 400, description = "bad_data")))]
pub(super) async fn tsdb_status(State(app): State<App>, p: Params) -> Result<Response, PromError> {
    let top = top(&app, HOUR, limit(&p)?).await?;
    let stats = app.engines.metrics.stats();
    Ok(success(json!({
        "headStats": {
            "numSeries": top.series,
            "numLabelPairs": top.label_pairs,
            "minTime": stats.oldest_ms.unwrap_or(i64::MAX),
            "maxTime": stats.newest_ms.unwrap_or(i64::MIN),
        },
        "seriesCountByMetricName": entries(&top.metrics),
        "labelValueCountByLabelName": entries(&top.values),
        "memoryInBytesByLabelName": entries(&top.bytes),
        "seriesCountByLabelValuePair": entries(&top.pairs),
    })))
}

/// The largest metrics, jobs, labels and values; how many they were an hour and a day ago; what was refused.
#[utoipa::path(get, path = "/api/v1/cardinality", tag = "metrics",
    params(("limit" = Option<usize>, Query, description = "entries of each list, 10 when left out, at most 10,000")),
    responses((status = 200, description = "series, lists of `{name, value, 1h, 1d}` (null where nothing is stored of that time), refusals", body = Value), (status = 400, description = "bad_data")))]
pub(super) async fn report(State(app): State<App>, p: Params) -> Result<Response, PromError> {
    let limit = limit(&p)?;
    let (hour, day) = (top(&app, HOUR, limit).await?, top(&app, DAY, limit).await?);
    let grown = |list: fn(&Cardinality) -> &Vec<Cardinal>| with_past(list(&hour), list(&day));
    Ok(success(json!({
        "series": {"value": hour.series, "1h": hour.series_before, "1d": day.series_before},
        "labelPairs": hour.label_pairs,
        "metrics": grown(|c| &c.metrics),
        "jobs": grown(|c| &c.jobs),
        "labelsByValues": grown(|c| &c.values),
        "labelsByBytes": grown(|c| &c.bytes),
        "labelValuePairs": grown(|c| &c.pairs),
        "refused": {"samples": app.engines.metrics.refused(), "messages": messages(&app)},
    })))
}

async fn top(app: &App, ago: Duration, limit: usize) -> Result<Cardinality, PromError> {
    let found = run::query(app, move |app, _| app.engines.metrics.cardinality(ago, limit)).await?;
    Ok(found.map_err(query::metrics::MetricsError::from)?)
}

fn limit(p: &Params) -> Result<usize, PromError> {
    match p.number("limit")? {
        Some(n) if !(1..=LIMIT_MAX).contains(&n) => {
            Err(PromError::parameter("limit", format!("it goes from 1 to {LIMIT_MAX}")))
        }
        limit => Ok(limit.unwrap_or(LIMIT)),
    }
}

fn entries(list: &[Cardinal]) -> Value {
    list.iter().map(|c| json!({"name": c.name, "value": c.now})).collect()
}

/// Both lists are of now and have the same names, unless something came in between.
fn with_past(hour: &[Cardinal], day: &[Cardinal]) -> Value {
    let a_day_ago = |name: &str| day.iter().find(|c| c.name == name).and_then(|c| c.before);
    hour.iter().map(|c| json!({"name": c.name, "value": c.now, "1h": c.before, "1d": a_day_ago(&c.name)})).collect()
}

/// What senders of metrics were told, the newest first: the reasons name the limit and the first series.
fn messages(app: &App) -> Vec<Value> {
    let of_metrics = app.journal.refusals().into_iter().filter(|r| r.signal == Some(Signal::Metrics));
    of_metrics
        .map(|r| json!({"time": rfc3339(r.time), "code": r.code, "message": r.message, "count": r.count}))
        .collect()
}
