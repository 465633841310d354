//! Why an answer is empty.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use foundation::{ErrorKind, UnixNanos};
use model::Signal;
use query::EventSignal;
use query::metrics::MetricsError;
use query::why_empty::{self, WhyEmpty};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::range::range;
use crate::app::App;
use crate::native::error::{ApiError, Position};
use crate::run;
use crate::workspace::body::Body;

/// Nobody waits longer for a hint.
const TIMEOUT: Duration = Duration::from_secs(2);

/// What was asked and found nothing.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WhyEmptyRequest {
    signal: SignalName,
    /// A filter or an analysis for logs and traces; PromQL for metrics.
    #[serde(default)]
    query: String,
    /// Inclusive.
    from_unix_milli: i64,
    /// Exclusive for logs and traces, inclusive for metrics.
    to_unix_milli: i64,
}

/// One of the three.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum SignalName {
    Logs,
    Traces,
    Metrics,
}

/// The reason and what is known.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WhyEmptyShape {
    /// `never_received`, `out_of_range`, `filtered`, `label_mismatch`, `waiting` or `present`.
    reason: &'static str,
    /// In words.
    sentence: String,
    /// Records stored since the start.
    accepted: u64,
    /// Records and requests refused since the start.
    refused: u64,
    /// Of what matches, or of the signal.
    oldest_unix_milli: Option<i64>,
    newest_unix_milli: Option<i64>,
    /// How long the signal is kept; `null` is for ever.
    retention_seconds: Option<u64>,
    /// Most first.
    terms: Vec<TermShape>,
    mismatches: Vec<MismatchShape>,
    waiting: Option<WaitingShape>,
}

/// A term of the query.
#[derive(Debug, Serialize, ToSchema)]
struct TermShape {
    text: String,
    position: Option<Position>,
    /// How many records (or series) match when it is taken away.
    without: u64,
}

/// A name that does not occur.
#[derive(Debug, Serialize, ToSchema)]
struct MismatchShape {
    metric: String,
    label: Option<String>,
    value: Option<String>,
    message: String,
    similar: Vec<String>,
    fixed_query: Option<String>,
}

/// A window that needs more samples.
#[derive(Debug, Serialize, ToSchema)]
struct WaitingShape {
    samples_needed: u64,
    samples: u64,
    next_unix_milli: Option<i64>,
}

/// Explains an empty answer, with the evidence and the way out.
#[utoipa::path(post, path = "/api/ui/v1/why-empty", request_body = WhyEmptyRequest,
    responses((status = 200, body = WhyEmptyShape), (status = 400, body = ApiError)))]
pub(crate) async fn why_empty(
    State(app): State<App>,
    Body(asked): Body<WhyEmptyRequest>,
) -> Result<Json<WhyEmptyShape>, ApiError> {
    let whole = range(asked.from_unix_milli, asked.to_unix_milli)?;
    let of_events = |signal: EventSignal, query: String| {
        run::query_within(&app, TIMEOUT, move |app, grant| {
            Ok(why_empty::events(&app.engines.events, signal, &grant.request(whole, query))?)
        })
    };
    let found: Result<WhyEmpty, ApiError> = match asked.signal {
        SignalName::Logs => of_events(EventSignal::Logs, asked.query).await?,
        SignalName::Traces => of_events(EventSignal::Traces, asked.query).await?,
        SignalName::Metrics => {
            let range_ms = (asked.from_unix_milli, asked.to_unix_milli);
            run::query_within(&app, TIMEOUT, move |app, grant| {
                why_empty::metrics(&app.engines.metrics, &grant.ask(), &asked.query, range_ms).map_err(refused)
            })
            .await?
        }
    };
    let signal = match asked.signal {
        SignalName::Logs => Signal::Logs,
        SignalName::Traces => Signal::Traces,
        SignalName::Metrics => Signal::Metrics,
    };
    Ok(Json(shape(&app, signal, found?)))
}

fn refused(e: MetricsError) -> ApiError {
    match e {
        MetricsError::Parse(e) => ApiError::invalid("query", e.to_string()),
        e if matches!(e.kind(), ErrorKind::InvalidInput) => ApiError::invalid("query", e.to_string()),
        e => ApiError::new(e.kind(), e.to_string()),
    }
}

fn shape(app: &App, signal: Signal, found: WhyEmpty) -> WhyEmptyShape {
    let counts = app.journal.counts(signal);
    let limits = app.retention.limits();
    let kept = match signal {
        Signal::Logs => limits.logs.retention,
        Signal::Traces => limits.traces.retention,
        Signal::Metrics => limits.metrics.retention,
    };
    WhyEmptyShape {
        reason: found.reason.name(),
        sentence: found.sentence,
        accepted: counts.accepted,
        refused: counts.refused,
        oldest_unix_milli: found.oldest.map(UnixNanos::as_millis),
        newest_unix_milli: found.newest.map(UnixNanos::as_millis),
        retention_seconds: kept.map(|d| d.as_secs()),
        terms: found
            .terms
            .into_iter()
            .map(|t| TermShape {
                text: t.text,
                position: t.at.map(|at| Position { offset: at.offset, length: at.length }),
                without: t.without,
            })
            .collect(),
        mismatches: found
            .mismatches
            .into_iter()
            .map(|m| MismatchShape {
                metric: m.metric,
                label: m.label,
                value: m.value,
                message: m.message,
                similar: m.similar,
                fixed_query: m.fixed_query,
            })
            .collect(),
        waiting: found.waiting.map(|w| WaitingShape {
            samples_needed: w.samples_needed,
            samples: w.samples,
            next_unix_milli: w.next.map(UnixNanos::as_millis),
        }),
    }
}
