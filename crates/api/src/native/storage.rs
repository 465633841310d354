//! What lies on disk and in memory, what retention would remove now, and what another one would.

use axum::Json;
use axum::extract::State;
use foundation::ErrorKind;
use foundation::units::{ByteSize, format_duration, parse_duration};
use model::Signal;
use serde::{Deserialize, Serialize};
use storage::report::RemovalReport;
use storage::{Limit, Removal, Report, StorageError};
use utoipa::ToSchema;

use super::error::ApiError;
use super::params::Body;
use crate::app::App;
use crate::run;

/// The report of `storage`, and what is not on the disk yet.
#[derive(Debug, Serialize)]
pub(crate) struct StorageShape {
    #[serde(flatten)]
    report: Report,
    /// Logs, traces, metrics.
    memory: [MemoryShape; 3],
}

/// What only memory and the log hold of a signal.
#[derive(Debug, Serialize)]
struct MemoryShape {
    signal: &'static str,
    /// Log records, spans, samples.
    records: u64,
    bytes: u64,
}

/// Bytes per signal, partition, column and attribute, what is in memory, and what retention would remove now.
#[utoipa::path(get, path = "/api/v1/storage",
    responses((status = 200, body = Value, description = "`free_bytes`, `min_free_bytes`, `signals` with their `partitions` and `columns`, `memory` with `records` and `bytes` per signal, `removals`")))]
pub(crate) async fn storage(State(app): State<App>) -> Result<Json<StorageShape>, ApiError> {
    let report = run::query(&app, |app, _| app.retention.report(app.clock.now(), true)).await?;
    Ok(Json(StorageShape { report: report.map_err(failed)?, memory: memory(&app) }))
}

fn memory(app: &App) -> [MemoryShape; 3] {
    let (logs, spans) = (app.engines.events.logs().stats(), app.engines.events.spans().stats());
    let metrics = app.engines.metrics.stats();
    let of = |signal: Signal, records, bytes| MemoryShape { signal: signal.name(), records, bytes };
    [
        of(Signal::Logs, logs.memory_rows, logs.memory_bytes),
        of(Signal::Traces, spans.memory_rows, spans.memory_bytes),
        of(Signal::Metrics, metrics.head_samples, metrics.head_bytes),
    ]
}

/// Another retention for one signal.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RetentionAsked {
    /// `logs`, `traces` or `metrics`.
    signal: String,
    /// `7d`; `0` keeps for ever, nothing keeps what is configured.
    retention: Option<String>,
    /// `20GiB`; `0` is no limit, nothing keeps what is configured.
    size_max: Option<String>,
}

/// What it would remove.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RetentionEffect {
    /// As it is understood.
    retention: Option<String>,
    size_max_bytes: Option<u64>,
    /// Partitions of the signal that would go at once, those that go anyway included.
    #[schema(value_type = Vec<Object>)]
    removals: Vec<RemovalReport>,
    bytes: u64,
    records: u64,
    /// Everything of the signal before this goes; `null` when nothing does.
    before_unix_milli: Option<i64>,
    /// What to write into the configuration.
    yaml: String,
}

/// What another retention would remove at once. Nothing is removed and nothing is changed: retention is part of the configuration.
#[utoipa::path(post, path = "/api/v1/storage/retention/preview", request_body = RetentionAsked,
    responses((status = 200, body = RetentionEffect), (status = 400, body = ApiError)))]
pub(crate) async fn preview(
    State(app): State<App>,
    Body(asked): Body<RetentionAsked>,
) -> Result<Json<RetentionEffect>, ApiError> {
    let signals = [Signal::Logs, Signal::Traces, Signal::Metrics];
    let signal = signals.into_iter().find(|signal| signal.name() == asked.signal).ok_or_else(|| {
        ApiError::invalid("signal", format!("`{}` is no signal; use logs, traces or metrics", asked.signal))
    })?;
    let limit = limit(app.retention.limits().of(signal), &asked)?;
    let removals = run::query(&app, move |app, _| app.retention.preview(signal, limit, app.clock.now()));
    let removals = removals.await?.map_err(failed)?;
    Ok(Json(effect(signal, limit, &removals)))
}

fn limit(configured: Limit, asked: &RetentionAsked) -> Result<Limit, ApiError> {
    let mut limit = configured;
    if let Some(text) = &asked.retention {
        let found = parse_duration(text).map_err(|e| ApiError::invalid("retention", e.to_string()))?;
        limit.retention = Some(found).filter(|d| !d.is_zero());
    }
    if let Some(text) = &asked.size_max {
        let found: ByteSize = text.parse().map_err(|e| ApiError::invalid("size_max", format!("{e}")))?;
        limit.bytes_max = Some(found.0).filter(|n| *n > 0);
    }
    Ok(limit)
}

fn effect(signal: Signal, limit: Limit, removals: &[Removal]) -> RetentionEffect {
    let retention = limit.retention.map(format_duration);
    let size = limit.bytes_max.map(|n| ByteSize(n).to_string());
    let text = |value: &Option<String>| value.clone().unwrap_or_else(|| "0".to_owned());
    RetentionEffect {
        size_max_bytes: limit.bytes_max,
        bytes: removals.iter().map(|r| r.partition.bytes).sum(),
        records: removals.iter().map(|r| r.partition.records).sum(),
        before_unix_milli: removals.iter().map(|r| r.partition.end.as_millis()).max(),
        removals: removals.iter().map(RemovalReport::of).collect(),
        yaml: format!(
            "storage:\n  {}:\n    retention: {}\n    size_max: {}\n",
            signal.name(),
            text(&retention),
            text(&size)
        ),
        retention,
    }
}

fn failed(e: StorageError) -> ApiError {
    ApiError::new(ErrorKind::Internal, e.to_string())
}
