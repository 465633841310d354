//! Who sends what, what was refused and what to change, and where to send to.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use foundation::{ErrorKind, UnixNanos};
use model::{Signal, TimeRange};
use query::EventSignal;
use query::arrivals::{self, Arrival, Example, Oddity};
use serde_json::{Value, json};

use super::fixes::fix;
use crate::app::App;
use crate::native::error::ApiError;
use crate::run::{self, Grant};

/// Services that sent in this time are listed.
const SPAN: Duration = Duration::from_secs(3600);
/// Metrics that came in this time: they come all the time.
const METRICS_SPAN: Duration = Duration::from_secs(300);

/// What arrives, what is refused, where the server listens, and whether the demo runs.
#[utoipa::path(get, path = "/api/ui/v1/start",
    responses((status = 200, body = Value, description = "`signals`, `refusals`, `demo`, `endpoints`")))]
pub(crate) async fn start(State(app): State<App>) -> Result<Json<Value>, ApiError> {
    let [traces, logs, metrics] = run::query(&app, found).await?;
    let e = &app.info.endpoints;
    Ok(Json(json!({
        "signals": {"traces": list(traces), "logs": list(logs), "metrics": list(metrics)},
        "refusals": app.journal.refusals().iter().map(refusal).collect::<Vec<_>>(),
        "demo": {"running": (app.demo.running)(), "switchable": true, "removable": false},
        "endpoints": {
            "otlp_grpc": e.otlp_grpc,
            "otlp_http": e.otlp_http,
            "tls": false,
            "others": [{"name": "prometheus_remote_write", "address": e.api}],
        },
    })))
}

/// What cannot be read in time is left out: this is a hint, not an answer.
fn found(app: &App, grant: Grant) -> [Vec<Arrival>; 3] {
    let now = app.clock.now();
    let around = |span| TimeRange::new(now.minus(span), now.plus(SPAN));
    let range = around(METRICS_SPAN);
    let range_ms = (range.start.as_millis(), range.end.as_millis());
    let metrics = arrivals::metrics(&app.engines.metrics, &grant.ask(), range_ms, now);
    let request = grant.request(around(SPAN), String::new());
    let events = |signal| {
        told(arrivals::events(&app.engines.events, signal, &request, now).map_err(|e| (e.kind(), e.to_string())))
    };
    let metrics = metrics.map_err(|e| (e.kind(), e.to_string()));
    [events(EventSignal::Traces), events(EventSignal::Logs), told(metrics)]
}

fn told(found: Result<Vec<Arrival>, (ErrorKind, String)>) -> Vec<Arrival> {
    found.unwrap_or_else(|(kind, error)| {
        // Whoever asked has gone, or waits no longer; everything else is worth a line.
        if kind != ErrorKind::Timeout {
            tracing::warn!(%error, "cannot tell who sends");
        }
        Vec::new()
    })
}

fn list(arrivals: Vec<Arrival>) -> Vec<Value> {
    arrivals
        .into_iter()
        .map(|a| {
            let example = match &a.example {
                Example::Trace(id) => json!({"trace_id": id.to_string()}),
                Example::Log(id) => json!({"log_id": id.to_string()}),
                Example::Metric(name) => json!({"metric": name}),
            };
            json!({
                "service": a.service,
                "language": a.language,
                "sdk": a.sdk,
                "first_unix_milli": a.first.as_millis(),
                "last_unix_milli": a.last.as_millis(),
                "count": a.count,
                "example": example,
                "warnings": a.oddities.iter().map(|o| warning(*o)).collect::<Vec<_>>(),
            })
        })
        .collect()
}

fn warning(oddity: Oddity) -> Value {
    let (code, message, fix) = match oddity {
        Oddity::NoServiceName => (
            "no_service_name",
            "it does not say which service it is".to_owned(),
            "set OTEL_SERVICE_NAME",
        ),
        Oddity::ClockAhead { nanos } => (
            "clock",
            format!("its newest record is {} s in the future", nanos / 1_000_000_000),
            "set the clock of the sender (NTP)",
        ),
        Oddity::NoTraceIds => (
            "no_trace_ids",
            "none of its logs has a trace id".to_owned(),
            "log within an active span, with the log bridge of the OpenTelemetry SDK",
        ),
        Oddity::Deltas => (
            "delta",
            "it sends increases (delta temporality); they are added up here, and one that is lost is missing for ever".to_owned(),
            "set OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE=cumulative, unless the process is too short-lived for totals",
        ),
        Oddity::DefaultBounds => (
            "default_bounds",
            "a histogram of seconds has the default buckets of SDKs, which are for milliseconds: everything is in the first".to_owned(),
            "add a View with explicit boundaries, for example 0.005 to 10, to the MeterProvider",
        ),
    };
    json!({"code": code, "message": message, "fix": fix})
}

fn refusal(r: &pipeline::journal::RefusalEntry) -> Value {
    let found = fix(&r.code, &r.message);
    json!({
        "time_unix_milli": UnixNanos::as_millis(r.time),
        "signal": r.signal.map(Signal::name),
        "told": r.code,
        "code": found.code,
        "message": r.message,
        "count": r.count,
        "fix": found.fix,
        "peer": r.whence.peer.map(|peer| peer.ip().to_string()),
        "port": r.whence.port,
        "origin": r.whence.page,
    })
}
