//! Exemplars, as Prometheus' "Querying exemplars".

use std::collections::BTreeMap;

use axum::extract::State;
use axum::response::Response;
use query::metrics::MetricsError;
use tsdb::{Exemplar, SeriesExemplars};

use super::json;
use super::params::Params;
use super::respond::{Notes, PromError};
use super::stream;
use crate::app::App;
use crate::run;

/// Exemplars of the series that a query selects. POST takes the parameters as a form.
#[utoipa::path(get, path = "/api/v1/query_exemplars", tag = "prometheus",
    params(("query" = String, Query), ("start" = Option<String>, Query), ("end" = Option<String>, Query)),
    responses((status = 200, description = "as Prometheus answers"), (status = 400, description = "bad_data")))]
pub(super) async fn exemplars(State(app): State<App>, p: Params) -> Result<Response, PromError> {
    let (text, range) = (p.query().to_owned(), p.range()?);
    let (found, notes) = run::query(&app, move |app, grant| {
        let ask = grant.ask();
        let found = query::metrics::exemplars(&app.engines.metrics, &ask, &text, range)?;
        Ok::<_, MetricsError>((found, Notes::of(&ask)))
    })
    .await??;
    Ok(stream::json(stream::list(found.into_iter(), &notes, |out, series| write(out, &series))))
}

fn write(out: &mut Vec<u8>, series: &SeriesExemplars) {
    out.extend(b"{\"seriesLabels\":");
    json::labels(out, &series.labels);
    out.extend(b",\"exemplars\":[");
    for (i, exemplar) in series.exemplars.iter().enumerate() {
        if i > 0 {
            out.push(b',');
        }
        out.extend(b"{\"labels\":");
        texts(out, &labels_of(exemplar));
        out.extend(b",\"value\":\"");
        json::number(out, exemplar.value);
        out.extend(b"\",\"timestamp\":");
        json::seconds(out, exemplar.t);
        out.push(b'}');
    }
    out.extend(b"]}");
}

/// With the trace under the names that the OpenTelemetry-Prometheus compatibility specification gives it.
fn labels_of(e: &Exemplar) -> BTreeMap<&str, String> {
    let mut labels: BTreeMap<&str, String> = e.attributes.iter().map(|(k, v)| (k.as_str(), v.clone())).collect();
    if !e.trace_id.is_zero() {
        labels.insert("trace_id", e.trace_id.to_string());
    }
    if !e.span_id.is_zero() {
        labels.insert("span_id", e.span_id.to_string());
    }
    labels
}

fn texts(out: &mut Vec<u8>, labels: &BTreeMap<&str, String>) {
    out.push(b'{');
    for (i, (name, value)) in labels.iter().enumerate() {
        if i > 0 {
            out.push(b',');
        }
        json::text(out, name);
        out.push(b':');
        json::text(out, value);
    }
    out.push(b'}');
}
