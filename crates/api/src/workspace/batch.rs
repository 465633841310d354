//! Many PromQL queries in one request, answered line by line as they are ready.

use std::fmt::Write as _;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use axum::body::{Body as HttpBody, Bytes, HttpBody as BodyTrait};
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use http_body::Frame;
use model::Labels;
use promql::eval::{Point, QueryRange, Series, Value};
use query::metrics::{Evaluated, MetricsError};
use serde::Deserialize;
use serde_json::{Value as Json, json};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::body::Body;
use super::m4;
use crate::app::App;
use crate::native::error::ApiError;
use crate::run;

const QUERIES_MAX: usize = 200;
/// Lines that wait for the connection.
const LINES_WAITING: usize = 8;
/// Steps of one query, as in the Prometheus API.
const STEPS_MAX: i64 = 11_000;

/// What is asked.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    queries: Vec<One>,
}

/// One query.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct One {
    id: String,
    kind: Kind,
    query: String,
    start_unix_milli: Option<i64>,
    end_unix_milli: Option<i64>,
    step_milli: Option<i64>,
    time_unix_milli: Option<i64>,
    max_series: Option<usize>,
    max_points: Option<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Range,
    Instant,
}

/// Queries side by side within the usual limits; each line of the answer is one of them, the last says `done`.
#[utoipa::path(post, path = "/api/ui/v1/batch", request_body = Json,
    responses((status = 200, content_type = "application/x-ndjson", body = String), (status = 400, body = ApiError)))]
pub(super) async fn batch(State(app): State<App>, Body(asked): Body<Asked>) -> Result<Response, ApiError> {
    if asked.queries.len() > QUERIES_MAX {
        let message = format!("{} queries, of which one request takes {QUERIES_MAX}", asked.queries.len());
        return Err(ApiError::invalid("queries", message));
    }
    let begin = Instant::now();
    let (lines, waiting) = mpsc::channel(LINES_WAITING);
    // Lives until every query is answered; when the connection is gone, the queries are dropped, which cancels them.
    tokio::spawn(async move {
        let mut running: JoinSet<String> = asked.queries.into_iter().map(|one| line(app.clone(), one)).collect();
        loop {
            let line = tokio::select! {
                () = lines.closed() => return,
                done = running.join_next() => match done {
                    Some(Ok(line)) => line,
                    Some(Err(e)) => {
                        tracing::error!(error = %e, "a query of a batch panicked");
                        continue;
                    }
                    None => break,
                },
            };
            if lines.send(Bytes::from(line)).await.is_err() {
                return;
            }
        }
        let last = format!("{{\"done\":true,\"elapsed_ms\":{:.1}}}\n", begin.elapsed().as_secs_f64() * 1e3);
        // Fails only when nobody reads.
        let _ = lines.send(Bytes::from(last)).await;
    });
    Ok(([(header::CONTENT_TYPE, "application/x-ndjson")], HttpBody::new(Lines(waiting))).into_response())
}

struct Lines(mpsc::Receiver<Bytes>);

impl BodyTrait for Lines {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        self.0.poll_recv(cx).map(|line| line.map(|line| Ok(Frame::data(line))))
    }
}

/// The answer to one query, with its line feed.
async fn line(app: App, one: One) -> String {
    let begin = Instant::now();
    let id = one.id.clone();
    let failed = |error: Json| format!("{}\n", json!({"id": id, "ok": false, "error": error}));
    let range = match range(&app, &one) {
        Ok(range) => range,
        Err(message) => return failed(json!({"kind": "bad_data", "message": message})),
    };
    let asked = one.clone();
    let evaluated = run::query(&app, move |app, grant| {
        let (ask, db) = (grant.ask(), &app.engines.metrics);
        match asked.kind {
            Kind::Range => query::metrics::range(&app.promql, db, &ask, &asked.query, range),
            Kind::Instant => query::metrics::instant(&app.promql, db, &ask, &asked.query, range.start_ms),
        }
    })
    .await;
    match evaluated {
        Ok(Ok(evaluated)) => tokio::task::block_in_place(|| answer(&one, range, evaluated, begin)),
        Ok(Err(e)) => failed(error(&e)),
        Err(e) => failed(json!({"kind": "timeout", "message": e.message})),
    }
}

fn range(app: &App, one: &One) -> Result<QueryRange, String> {
    let now = app.clock.now().as_millis();
    if one.kind == Kind::Instant {
        let at = one.time_unix_milli.unwrap_or(now);
        return Ok(QueryRange { start_ms: at, end_ms: at, step_ms: 0 });
    }
    let (Some(start_ms), Some(end_ms), Some(step_ms)) = (one.start_unix_milli, one.end_unix_milli, one.step_milli)
    else {
        return Err("a range needs start_unix_milli, end_unix_milli and step_milli".to_owned());
    };
    if step_ms <= 0 || end_ms < start_ms {
        return Err("the step must be above zero, and the end not before the start".to_owned());
    }
    if end_ms.saturating_sub(start_ms) / step_ms > STEPS_MAX {
        return Err(format!("more than {STEPS_MAX} steps; ask for a longer step or a shorter time"));
    }
    Ok(QueryRange { start_ms, end_ms, step_ms })
}

fn error(e: &MetricsError) -> Json {
    let kind = match e {
        MetricsError::Parse(_) | MetricsError::NoSelector => "bad_data",
        MetricsError::Eval(_) | MetricsError::Store(_) => "execution",
    };
    let mut shape = json!({"kind": kind, "message": e.to_string()});
    if let MetricsError::Parse(p) = e {
        let length = p.span.end.saturating_sub(p.span.start);
        shape["position"] = json!({"offset": p.span.start, "length": length});
        if let Some(suggestion) = &p.suggestion {
            shape["suggestion"] = suggestion.clone().into();
        }
    }
    shape
}

fn answer(one: &One, range: QueryRange, Evaluated { output, .. }: Evaluated, begin: Instant) -> String {
    let mut out = format!("{{\"id\":{},\"ok\":true,", Json::from(one.id.as_str()));
    let (mut total, mut decimated) = (1, None);
    match output.value {
        Value::Scalar(sample) => {
            out.push_str("\"type\":\"scalar\",\"series\":[");
            vector(&mut out, &Labels::default(), range.end_ms, sample.value);
            out.push_str("],");
        }
        Value::String(text) => {
            let _ = write!(out, "\"type\":\"string\",\"text\":{},\"series\":[],", Json::from(text.as_str()));
        }
        Value::Vector(mut samples) => {
            total = samples.len();
            samples.truncate(one.max_series.unwrap_or(usize::MAX));
            out.push_str("\"type\":\"vector\",\"series\":[");
            for (i, s) in samples.iter().enumerate() {
                comma(&mut out, i);
                let value = match &s.value {
                    Point::Float(v) => *v,
                    // A histogram has no one number; its count is what lists show.
                    Point::Histogram(h) => h.count,
                };
                vector(&mut out, &s.labels, s.t_ms, value);
            }
            out.push_str("],");
        }
        Value::Matrix(series) => {
            total = series.len();
            let series = largest(series, one.max_series.unwrap_or(usize::MAX));
            out.push_str("\"type\":\"matrix\",\"series\":[");
            let (mut from, mut to) = (0, 0);
            for (i, s) in series.iter().enumerate() {
                comma(&mut out, i);
                from += s.samples.len();
                to += matrix(&mut out, s, range, one.max_points.unwrap_or(usize::MAX));
            }
            decimated = (to < from).then_some((from, to));
            out.push_str("],");
        }
    }
    let warnings: Vec<String> = output.warnings.into_iter().chain(output.infos).collect();
    let decimated = decimated.map(|(from, to)| json!({"from": from, "to": to}));
    let _ = writeln!(
        out,
        "\"step_milli\":{},\"total_series\":{total},\"samples\":{},\"decimated\":{},\"elapsed_ms\":{:.1},\"warnings\":{},\"partial\":null}}",
        range.step_ms,
        output.samples_loaded,
        Json::from(decimated),
        begin.elapsed().as_secs_f64() * 1e3,
        Json::from(warnings),
    );
    out
}

/// The series with the largest maxima, in the order in which they came.
fn largest(series: Vec<Series>, max: usize) -> Vec<Series> {
    if series.len() <= max {
        return series;
    }
    let top = |s: &Series| s.samples.iter().map(|p| p.value).filter(|v| !v.is_nan()).fold(f64::NEG_INFINITY, f64::max);
    let mut order: Vec<(usize, f64)> = series.iter().map(top).enumerate().collect();
    order.sort_by(|a, b| b.1.total_cmp(&a.1));
    let mut kept: Vec<usize> = order.into_iter().take(max).map(|(i, _)| i).collect();
    kept.sort_unstable();
    let chosen = series.into_iter().enumerate().filter(|(i, _)| kept.binary_search(i).is_ok());
    chosen.map(|(_, s)| s).collect()
}

/// Writes one series and returns how many points.
fn matrix(out: &mut String, s: &Series, range: QueryRange, points_max: usize) -> usize {
    labels(out, &s.labels);
    if s.samples.len() > points_max {
        let times: Vec<i64> = s.samples.iter().map(|p| p.t_ms).collect();
        let values: Vec<f64> = s.samples.iter().map(|p| p.value).collect();
        let kept = m4::keep(&times, &values, points_max / 4);
        out.push_str(",\"times_unix_milli\":[");
        for (i, at) in kept.iter().enumerate() {
            comma(out, i);
            let _ = write!(out, "{}", times[*at]);
        }
        out.push_str("],\"values\":[");
        for (i, at) in kept.iter().enumerate() {
            comma(out, i);
            number(out, values[*at]);
        }
        out.push_str("]}");
        return kept.len();
    }
    let _ = write!(out, ",\"start_unix_milli\":{},\"values\":[", range.start_ms);
    let mut next = range.start_ms;
    for p in &s.samples {
        while next < p.t_ms {
            comma(out, usize::from(next > range.start_ms));
            out.push_str("null");
            next += range.step_ms;
        }
        comma(out, usize::from(next > range.start_ms));
        number(out, p.value);
        next += range.step_ms;
    }
    out.push_str("]}");
    s.samples.len()
}

fn vector(out: &mut String, of: &Labels, at_ms: i64, value: f64) {
    labels(out, of);
    let _ = write!(out, ",\"start_unix_milli\":{at_ms},\"values\":[");
    number(out, value);
    out.push_str("]}");
}

fn labels(out: &mut String, labels: &Labels) {
    out.push_str("{\"labels\":{");
    for (i, (name, value)) in labels.iter().enumerate() {
        comma(out, i);
        let _ = write!(out, "{}:{}", Json::from(name), Json::from(value));
    }
    out.push('}');
}

fn comma(out: &mut String, before: usize) {
    if before > 0 {
        out.push(',');
    }
}

fn number(out: &mut String, v: f64) {
    if v.is_finite() {
        out.push_str(zmij::Buffer::new().format_finite(v));
    } else if v.is_nan() {
        out.push_str("\"NaN\"");
    } else {
        out.push_str(if v > 0.0 { "\"+Inf\"" } else { "\"-Inf\"" });
    }
}
