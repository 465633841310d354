//! The server's own metrics, `GET /metrics` in the Prometheus text format.

mod alerting;
mod components;
mod derived;
mod rules;
mod storage;

use std::fmt::Write as _;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use eventstore::StoreStats;
use model::Signal;

use crate::app::App;

/// The routes of the self-metrics port.
pub fn router(app: App) -> Router {
    Router::new().route("/metrics", get(metrics)).with_state(app)
}

/// The paths of the document that describes this API.
#[derive(utoipa::OpenApi)]
#[openapi(paths(metrics))]
pub(crate) struct Description;

/// The server's own metrics, on the port of the API as well: what `/metrics` of the metrics port answers.
#[utoipa::path(get, path = "/api/v1/self-metrics",
    responses((status = 200, content_type = "text/plain", body = String, description = "the text format of Prometheus")))]
pub(crate) async fn metrics(State(app): State<App>) -> Result<impl IntoResponse, StatusCode> {
    // Looking at groups of rules waits for those that are being evaluated.
    let text = tokio::task::spawn_blocking(move || render(&app)).await;
    let text = text.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text))
}

/// Writes one metric family after another.
struct Text(String);

impl Text {
    fn family(&mut self, name: &str, kind: &str, help: &str, samples: &[(&str, f64)]) {
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
        for (labels, value) in samples {
            let _ = writeln!(self.0, "{name}{labels} {value}");
        }
    }
}

impl Text {
    /// A summary without quantiles: the sum and the count.
    fn summary(&mut self, name: &str, help: &str, (sum, count): (f64, f64)) {
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} summary\n{name}_sum {sum}\n{name}_count {count}");
    }
}

fn render(app: &App) -> String {
    let mut text = Text(String::new());
    ingest(app, &mut text);
    engines(app, &mut text);
    derived::derived(app, &mut text);
    storage::storage(app, &mut text);
    rules::rules(app, &mut text);
    alerting::alerting(app, &mut text);
    components::components(app, &mut text);
    queries(app, &mut text);
    process(app, &mut text);
    text.0
}

const SIGNALS: [(Signal, &str); 3] = [
    (Signal::Traces, "{signal=\"traces\"}"),
    (Signal::Metrics, "{signal=\"metrics\"}"),
    (Signal::Logs, "{signal=\"logs\"}"),
];

fn ingest(app: &App, text: &mut Text) {
    let of = |f: fn(pipeline::journal::SignalCounts) -> u64| {
        SIGNALS.map(|(signal, labels)| (labels, f(app.journal.counts(signal)) as f64))
    };
    text.family(
        "bellrock_ingest_requests_total",
        "counter",
        "Export requests, refused ones included.",
        &of(|c| c.requests),
    );
    text.family("bellrock_ingest_bytes_total", "counter", "Bytes of export requests, decompressed.", &of(|c| c.bytes));
    text.family(
        "bellrock_ingest_records_total",
        "counter",
        "Records taken; of spans those that a sampler rejected too.",
        &of(|c| c.accepted),
    );
    text.family("bellrock_ingest_refused_total", "counter", "Records and whole requests refused.", &of(|c| c.refused));
}

fn engines(app: &App, text: &mut Text) {
    let (spans, logs) = (app.engines.events.spans().stats(), app.engines.events.logs().stats());
    let metrics = app.engines.metrics.stats();
    let halves = [("{signal=\"traces\"}", &spans), ("{signal=\"logs\"}", &logs)];
    let half = |f: fn(&StoreStats) -> f64| halves.map(|(labels, stats)| (labels, f(stats)));
    text.family("bellrock_events_rows", "gauge", "Records stored.", &half(|s| (s.memory_rows + s.segment_rows) as f64));
    text.family(
        "bellrock_spans_rejected_total",
        "counter",
        "Spans that a sampler rejected: counted in what is derived of spans, and not stored.",
        &[("", spans.rejected_rows as f64)],
    );
    text.family(
        "bellrock_events_memory_bytes",
        "gauge",
        "Records that are not in segments yet.",
        &half(|s| s.memory_bytes as f64),
    );
    text.family("bellrock_events_segments", "gauge", "Segment files.", &half(|s| s.segments as f64));
    text.family("bellrock_events_segment_bytes", "gauge", "Bytes of segment files.", &half(|s| s.segment_bytes as f64));
    text.family(
        "bellrock_events_flushed_bytes_total",
        "counter",
        "Bytes of segments written from memory.",
        &half(|s| s.flushed_bytes as f64),
    );
    text.family(
        "bellrock_events_merged_bytes_total",
        "counter",
        "Bytes of segments written by merges; with the flushed ones they are the write amplification.",
        &half(|s| s.merged_bytes as f64),
    );
    text.family(
        "bellrock_events_encode_seconds_total",
        "counter",
        "Time spent on making blocks of what was received.",
        &half(|s| s.encode_nanos as f64 / 1e9),
    );
    text.family(
        "bellrock_events_flushes_failed_total",
        "counter",
        "Flushes that failed and were tried again.",
        &half(|s| s.failed_flushes as f64),
    );
    text.family(
        "bellrock_events_blocks_damaged_total",
        "counter",
        "Blocks that cannot be read; answers without them are partial.",
        &half(|s| s.damaged_blocks as f64),
    );
    text.family(
        "bellrock_events_segments_unmergeable_total",
        "counter",
        "Segments that merges leave alone, because they did not read back.",
        &half(|s| s.unmergeable_segments as f64),
    );
    text.family(
        "bellrock_events_replay_refused_total",
        "counter",
        "Records of the log that could not be replayed at the start.",
        &half(|s| s.replay_refused as f64),
    );
    text.family("bellrock_tsdb_series", "gauge", "Series in memory.", &[("", metrics.head_series as f64)]);
    let wals = [("{log=\"traces\"}", spans.wal), ("{log=\"metrics\"}", metrics.wal), ("{log=\"logs\"}", logs.wal)];
    let of = |f: fn(&wal::Stats) -> f64| wals.each_ref().map(|(labels, s)| (*labels, f(s)));
    text.family(
        "bellrock_wal_records_total",
        "counter",
        "Records synced to the write-ahead log.",
        &of(|s| s.records as f64),
    );
    text.family(
        "bellrock_wal_written_bytes_total",
        "counter",
        "Bytes written to the log.",
        &of(|s| s.bytes_written as f64),
    );
    text.family("bellrock_wal_refused_total", "counter", "Records that the log refused.", &of(|s| s.refused as f64));
    text.family("bellrock_wal_syncs_total", "counter", "Syncs of the log.", &of(|s| s.syncs as f64));
    text.family(
        "bellrock_wal_sync_seconds_total",
        "counter",
        "Time spent writing and syncing the log.",
        &of(|s| s.sync_nanos as f64 / 1e9),
    );
    text.family("bellrock_wal_pending_bytes", "gauge", "Bytes that wait for a sync.", &of(|s| s.pending_bytes as f64));
}

fn queries(app: &App, text: &mut Text) {
    let counts = app.queries.counts();
    let running = app.queries.running().len() as f64;
    text.family("bellrock_queries_running", "gauge", "Queries that run or wait for a slot.", &[("", running)]);
    text.family("bellrock_query_slots", "gauge", "Queries that may run at a time.", &[("", app.limits.slots as f64)]);
    let help = "Queries somebody stopped, or whose client went away.";
    text.family("bellrock_queries_cancelled_total", "counter", help, &[("", counts.cancelled as f64)]);
    let help = "How long queries took, waiting for a slot included.";
    text.summary("bellrock_query_seconds", help, (counts.seconds, counts.finished as f64));
}

fn process(app: &App, text: &mut Text) {
    text.family(
        "bellrock_build_info",
        "gauge",
        "The version of the build.",
        &[(&format!("{{version=\"{}\"}}", app.info.version), 1.0)],
    );
    let started = app.info.started.0 as f64 / 1e9;
    text.family("process_start_time_seconds", "gauge", "When the process started.", &[("", started)]);
    if let Some(bytes) = resident_bytes() {
        text.family("process_resident_memory_bytes", "gauge", "Resident memory.", &[("", bytes)]);
    }
    if let Some(seconds) = cpu_seconds() {
        text.family("process_cpu_seconds_total", "counter", "User and system time.", &[("", seconds)]);
    }
}

/// Resident memory from `/proc/self/statm` (proc(5)): the second number, in pages.
fn resident_bytes() -> Option<f64> {
    let statm = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: f64 = statm.split_whitespace().nth(1)?.parse().ok()?;
    Some(pages * rustix::param::page_size() as f64)
}

/// Threads of the process, from `/proc/self/stat` (proc(5)): field 20.
pub(crate) fn threads() -> Option<u64> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    stat.rsplit_once(')')?.1.split_whitespace().nth(17)?.parse().ok()
}

/// User and system time from `/proc/self/stat` (proc(5)): fields 14 and 15, in clock ticks.
fn cpu_seconds() -> Option<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks: f64 = fields.get(11)?.parse::<f64>().ok()? + fields.get(12)?.parse::<f64>().ok()?;
    Some(ticks / rustix::param::clock_ticks_per_second() as f64)
}
