//! What the server says of itself: health, what came in, what was refused.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use model::{Signal, TimeRange};
use query::EventSignal;
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::error::ApiError;
use crate::app::App;
use crate::run::{self, Grant};

/// The server, its ports, what came in, and the newest refusals.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StatusShape {
    version: &'static str,
    now_unix_milli: i64,
    started_unix_milli: i64,
    /// Whether the demo generator runs.
    demo: bool,
    endpoints: EndpointsShape,
    signals: SignalsShape,
    /// What is derived from spans, and how much of its limits is used.
    derived: DerivedShape,
    /// Newest first.
    refusals: Vec<RefusalShape>,
    /// Requests that were acknowledged and then dropped, since the start: empty is how it should be.
    losses: Vec<LossShape>,
}

/// Where the server listens, as `host:port`.
#[derive(Debug, Serialize, ToSchema)]
struct EndpointsShape {
    otlp_grpc: String,
    otlp_http: String,
    api: String,
    ui: String,
}

/// One entry per signal.
#[derive(Debug, Serialize, ToSchema)]
struct SignalsShape {
    traces: SignalShape,
    metrics: SignalShape,
    logs: SignalShape,
}

/// What came in since the start.
#[derive(Debug, Serialize, ToSchema)]
struct SignalShape {
    requests: u64,
    accepted: u64,
    refused: u64,
    last_received_unix_milli: Option<i64>,
    /// Records or series that are stored.
    stored: u64,
    /// Services that sent it, where that is known.
    services: Vec<String>,
}

/// What is derived from spans.
#[derive(Debug, Serialize, ToSchema)]
struct DerivedShape {
    /// Series of span metrics; beyond the limit spans are counted in overflow series.
    span_series: LimitedShape,
    /// Edges of the service graph; beyond the limit requests are not counted.
    service_graph_edges: LimitedShape,
    /// Error groups; beyond the limit exceptions are not counted.
    error_groups: LimitedShape,
}

/// How many there are, how many there may be, and what was beyond.
#[derive(Debug, Serialize, ToSchema)]
struct LimitedShape {
    used: u64,
    limit: u64,
    /// Spans, requests or exceptions that came when there was no room, or none for their service.
    overflow: u64,
}

impl DerivedShape {
    fn of(s: &derived::Stats) -> Self {
        let limited = |used, limit, overflow| LimitedShape { used, limit, overflow };
        Self {
            span_series: limited(s.span_series, s.span_series_max, s.span_overflow),
            service_graph_edges: limited(s.edges, s.edges_max, s.edge_overflow),
            error_groups: limited(s.error_groups, s.error_groups_max, s.error_overflow),
        }
    }
}

/// Something that a sender was told.
#[derive(Debug, Serialize, ToSchema)]
struct RefusalShape {
    time_unix_milli: i64,
    signal: Option<&'static str>,
    /// An HTTP status, `grpc N`, `partial`, `tls` or `cors`.
    code: String,
    message: String,
    count: u64,
}

/// What an exporter dropped after it was acknowledged: its back end will never take it, or was away for longer than
/// `retry_on_failure.max_elapsed_time`.
#[derive(Debug, Serialize, ToSchema)]
struct LossShape {
    /// `exporters.otlp`
    component: String,
    signal: &'static str,
    requests: u64,
    bytes: u64,
    /// When it last happened.
    time_unix_milli: i64,
    /// Why, the last time.
    message: String,
}

/// The server answers.
#[utoipa::path(get, path = "/api/v1/health", responses((status = 200, body = Value, example = json!({"status": "ok"}))))]
pub(crate) async fn health() -> Json<Value> {
    Json(json!({"status": "ok"}))
}

/// Services that sent in this time are listed.
const SERVICES_SPAN: Duration = Duration::from_secs(3600);
/// How many.
const SERVICES_MAX: usize = 100;

/// What the server says of itself.
#[utoipa::path(get, path = "/api/v1/status", responses((status = 200, body = StatusShape)))]
pub(crate) async fn status(State(app): State<App>) -> Result<Json<StatusShape>, ApiError> {
    let [traces, logs, metrics] = run::query(&app, services).await?;
    let e = &app.info.endpoints;
    let refusals = app.journal.refusals().into_iter().map(|r| RefusalShape {
        time_unix_milli: r.time.as_millis(),
        signal: r.signal.map(Signal::name),
        code: r.code,
        message: r.message,
        count: r.count,
    });
    Ok(Json(StatusShape {
        version: app.info.version,
        now_unix_milli: app.clock.now().as_millis(),
        started_unix_milli: app.info.started.as_millis(),
        demo: (app.demo.running)(),
        endpoints: EndpointsShape {
            otlp_grpc: e.otlp_grpc.clone(),
            otlp_http: e.otlp_http.clone(),
            api: e.api.clone(),
            ui: e.ui.clone(),
        },
        signals: SignalsShape {
            traces: signal(&app, Signal::Traces, traces),
            metrics: signal(&app, Signal::Metrics, metrics),
            logs: signal(&app, Signal::Logs, logs),
        },
        derived: DerivedShape::of(&app.derived.stats()),
        refusals: refusals.collect(),
        losses: app.journal.losses().into_iter().map(LossShape::from).collect(),
    }))
}

impl From<pipeline::journal::Loss> for LossShape {
    fn from(loss: pipeline::journal::Loss) -> Self {
        Self {
            component: loss.component,
            signal: loss.signal.name(),
            requests: loss.requests,
            bytes: loss.bytes,
            time_unix_milli: loss.time.as_millis(),
            message: loss.message,
        }
    }
}

fn signal(app: &App, signal: Signal, services: Vec<String>) -> SignalShape {
    let counts = app.journal.counts(signal);
    SignalShape {
        requests: counts.requests,
        accepted: counts.accepted,
        refused: counts.refused,
        last_received_unix_milli: counts.last_received.map(|t| t.as_millis()),
        stored: match signal {
            Signal::Traces => rows(&app.engines.events.spans().stats()),
            Signal::Logs => rows(&app.engines.events.logs().stats()),
            Signal::Metrics => app.engines.metrics.stats().head_series,
        },
        services,
    }
}

fn rows(stats: &eventstore::StoreStats) -> u64 {
    stats.memory_rows + stats.segment_rows
}

/// The services of traces, logs and metrics. What cannot be read in time is left out: this is a hint, not an answer.
fn services(app: &App, grant: Grant) -> [Vec<String>; 3] {
    let now = app.clock.now();
    // Senders' clocks may run ahead.
    let range = TimeRange::new(now.minus(SERVICES_SPAN), now.plus(SERVICES_SPAN));
    let range_ms = (range.start.as_millis(), range.end.as_millis());
    let metrics = query::metrics::label_values(&app.engines.metrics, &grant.ask(), "service", &[], range_ms);
    let request = grant.request(range, String::new());
    let names = |signal| {
        let found = query::fields::values(&app.engines.events, signal, &request, "service", None, SERVICES_MAX);
        found.map_or_else(|_| Vec::new(), |o| o.value.values.into_iter().map(|v| v.value).collect())
    };
    [names(EventSignal::Traces), names(EventSignal::Logs), metrics.unwrap_or_default()]
}
