//! Instant and range queries.

use std::fmt::Write as _;

use axum::extract::State;
use axum::response::Response;
use model::Labels;
use promql::eval::{Output, QueryRange, Sample, Value};
use query::metrics::MetricsError;
use serde_json::json;

use super::params::Params;
use super::respond::{PromError, success_raw};
use crate::app::App;
use crate::run;

/// A PromQL query at one instant. POST takes the parameters as a form.
#[utoipa::path(get, path = "/api/v1/query", tag = "prometheus",
    params(("query" = String, Query), ("time" = Option<String>, Query, description = "unix seconds or RFC 3339; now when left out")),
    responses((status = 200, description = "as Prometheus answers"), (status = 400, description = "bad_data"), (status = 422, description = "execution")))]
pub(super) async fn instant(State(app): State<App>, p: Params) -> Result<Response, PromError> {
    let text = p.required("query")?.to_owned();
    let at = p.time("time")?.unwrap_or_else(|| app.clock.now().as_millis());
    let answer = run::query(&app, move |app, grant| {
        query::metrics::instant(&app.promql, &app.engines.metrics, &grant.ask(), &text, at).map(|o| render(&o, at))
    })
    .await??;
    Ok(success_raw(answer))
}

/// A PromQL query at every step of a range. POST takes the parameters as a form.
#[utoipa::path(get, path = "/api/v1/query_range", tag = "prometheus",
    params(("query" = String, Query), ("start" = String, Query), ("end" = String, Query), ("step" = String, Query, description = "seconds, or a duration such as 15s")),
    responses((status = 200, description = "as Prometheus answers"), (status = 400, description = "bad_data"), (status = 422, description = "execution")))]
pub(super) async fn range(State(app): State<App>, p: Params) -> Result<Response, PromError> {
    let text = p.required("query")?.to_owned();
    p.required("start")?;
    p.required("end")?;
    p.required("step")?;
    let range = QueryRange {
        start_ms: p.time("start")?.unwrap_or_default(),
        end_ms: p.time("end")?.unwrap_or_default(),
        step_ms: p.duration("step")?.unwrap_or_default(),
    };
    let answer = run::query(&app, move |app, grant| {
        let output = query::metrics::range(&app.promql, &app.engines.metrics, &grant.ask(), &text, range)?;
        Ok::<_, MetricsError>(render(&output, range.end_ms))
    })
    .await??;
    Ok(success_raw(answer))
}

/// Writes the answer without an intermediate tree: a matrix has millions of points.
fn render(output: &Output, at_ms: i64) -> String {
    let mut out = String::from("{\"status\":\"success\",\"data\":{\"resultType\":");
    match &output.value {
        Value::Scalar(sample) => {
            out.push_str("\"scalar\",\"result\":");
            point(&mut out, sample.t_ms, sample.value);
        }
        Value::String(text) => {
            out.push_str("\"string\",\"result\":[");
            seconds(&mut out, at_ms);
            let _ = write!(out, ",{}]", json!(text));
        }
        Value::Vector(samples) => {
            out.push_str("\"vector\",\"result\":[");
            list(&mut out, samples, |out, s| {
                metric(out, &s.labels);
                out.push_str(",\"value\":");
                point(out, s.t_ms, s.value);
                out.push('}');
            });
            out.push(']');
        }
        Value::Matrix(series) => {
            out.push_str("\"matrix\",\"result\":[");
            list(&mut out, series, |out, s| {
                metric(out, &s.labels);
                out.push_str(",\"values\":[");
                list(out, &s.samples, |out, sample: &Sample| point(out, sample.t_ms, sample.value));
                out.push_str("]}");
            });
            out.push(']');
        }
    }
    out.push('}');
    for (name, notes) in [("warnings", &output.warnings), ("infos", &output.infos)] {
        if !notes.is_empty() {
            let _ = write!(out, ",\"{name}\":{}", json!(notes));
        }
    }
    out.push('}');
    out
}

fn list<T>(out: &mut String, items: &[T], mut one: impl FnMut(&mut String, &T)) {
    for (i, item) in items.iter().enumerate() {
        if i > 0 {
            out.push(',');
        }
        one(out, item);
    }
}

/// Opens an element with its labels.
fn metric(out: &mut String, labels: &Labels) {
    out.push_str("{\"metric\":{");
    for (i, (k, v)) in labels.iter().enumerate() {
        let sep = if i == 0 { "" } else { "," };
        let _ = write!(out, "{sep}{}:{}", json!(k), json!(v));
    }
    out.push('}');
}

fn point(out: &mut String, t_ms: i64, value: f64) {
    out.push('[');
    seconds(out, t_ms);
    out.push_str(",\"");
    number(out, value);
    out.push_str("\"]");
}

/// Seconds with at most three decimals, without trailing zeroes.
fn seconds(out: &mut String, ms: i64) {
    let _ = write!(out, "{}", ms.div_euclid(1000));
    let rest = ms.rem_euclid(1000);
    if rest != 0 {
        let _ = write!(out, ".{}", format!("{rest:03}").trim_end_matches('0'));
    }
}

/// [`number`] as a text of its own.
pub(super) fn number_text(value: f64) -> String {
    let mut out = String::new();
    number(&mut out, value);
    out
}

/// As Go's `strconv.FormatFloat(v, 'f', -1, 64)`: shortest exact decimal without exponent.
fn number(out: &mut String, value: f64) {
    if value.is_nan() {
        out.push_str("NaN");
    } else if value.is_infinite() {
        out.push_str(if value > 0.0 { "+Inf" } else { "-Inf" });
    } else {
        let _ = write!(out, "{value}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_as_prometheus_writes_them() {
        let text = |v| {
            let mut out = String::new();
            number(&mut out, v);
            out
        };
        assert_eq!(text(1.0), "1");
        assert_eq!(text(-0.0), "-0");
        assert_eq!(text(1e21), "1000000000000000000000");
        assert_eq!(text(0.1 + 0.2), "0.30000000000000004");
        assert_eq!(text(f64::INFINITY), "+Inf");
    }

    #[test]
    fn times_as_prometheus_writes_them() {
        let text = |ms| {
            let mut out = String::new();
            seconds(&mut out, ms);
            out
        };
        assert_eq!(text(1_435_781_451_781), "1435781451.781");
        assert_eq!(text(1_435_781_451_700), "1435781451.7");
        assert_eq!(text(1_435_781_451_000), "1435781451");
    }

    #[test]
    fn an_answer_is_valid_json() {
        let labels = Labels::from_pairs([("__name__", "up"), ("path", "a\"b\\c")]);
        let value = Value::Matrix(vec![promql::eval::Series {
            labels,
            samples: vec![Sample { t_ms: 1500, value: 1.0 }, Sample { t_ms: 2500, value: f64::NAN }],
        }]);
        let output = Output { value, warnings: vec!["w".into()], infos: vec![], samples_loaded: 2 };
        let parsed: serde_json::Value = serde_json::from_str(&render(&output, 0)).unwrap();
        assert_eq!(
            parsed,
            json!({"status": "success", "warnings": ["w"], "data": {"resultType": "matrix", "result": [
                {"metric": {"__name__": "up", "path": "a\"b\\c"}, "values": [[1.5, "1"], [2.5, "NaN"]]}
            ]}})
        );
    }
}
