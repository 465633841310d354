//! Exemplars, as Prometheus' "Querying exemplars".

use axum::extract::State;
use axum::response::Response;
use serde_json::{Map, Value, json};
use tsdb::Exemplar;

use super::metadata::labels_json;
use super::params::Params;
use super::query::number_text;
use super::respond::{PromError, success};
use crate::app::App;
use crate::run;

/// Exemplars of the series that a query selects.
#[utoipa::path(get, path = "/api/v1/query_exemplars", tag = "prometheus",
    params(("query" = String, Query), ("start" = Option<String>, Query), ("end" = Option<String>, Query)),
    responses((status = 200, description = "as Prometheus answers")))]
pub(super) async fn exemplars(State(app): State<App>, p: Params) -> Result<Response, PromError> {
    let text = p.required("query")?.to_owned();
    let range = (p.time("start")?.unwrap_or(i64::MIN), p.time("end")?.unwrap_or(i64::MAX));
    let found =
        run::query(&app, move |app, grant| query::metrics::exemplars(&app.engines.metrics, &grant.ask(), &text, range))
            .await??;
    let series = found.iter().map(|s| {
        let exemplars: Vec<Value> = s.exemplars.iter().map(shape).collect();
        json!({"seriesLabels": labels_json(&s.labels), "exemplars": exemplars})
    });
    Ok(success(series.collect::<Vec<_>>()))
}

fn shape(e: &Exemplar) -> Value {
    let mut labels: Map<String, Value> =
        e.attributes.iter().map(|(k, v)| (k.clone(), Value::from(v.as_str()))).collect();
    // The names that the OpenTelemetry-Prometheus compatibility specification gives them.
    if !e.trace_id.is_zero() {
        labels.insert("trace_id".to_owned(), e.trace_id.to_string().into());
    }
    if !e.span_id.is_zero() {
        labels.insert("span_id".to_owned(), e.span_id.to_string().into());
    }
    json!({"labels": labels, "value": number_text(e.value), "timestamp": e.t as f64 / 1e3})
}
