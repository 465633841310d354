//! Live tail: log records as they arrive, as server-sent events (WHATWG HTML, "Server-sent events").
//!
//! Every half second what arrived is looked for. More than
//! [`RECORDS_PER_LOOK_MAX`] are not sent: the newest are, and how many were
//! left out is said. A reader that does not keep up is not waited for: looks are
//! made when the connection takes the next event, over everything since the last one.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use foundation::ErrorKind;
use http_body::Frame;
use model::TimeRange;
use query::logs::{self, Arrived};
use serde_json::json;
use tokio::sync::OwnedSemaphorePermit;

use super::error::ApiError;
use super::params::{FilterParam, Query};
use super::shape::LogShape;
use crate::app::App;
use crate::run;

/// How often is looked.
const EVERY: Duration = Duration::from_millis(500);
/// More records than anybody can read.
const RECORDS_PER_LOOK_MAX: usize = 200;
/// Whoever is refused may ask again then.
const RETRY_AFTER: Duration = Duration::from_secs(10);
/// A connection without records shows a sign of life after so many looks, for proxies that close silent ones.
const LOOKS_PER_COMMENT: u32 = 30;

type Looking = Pin<Box<dyn Future<Output = Result<Arrived, ApiError>> + Send>>;

/// The state of one tail.
struct Tail {
    app: App,
    filter: String,
    since: Option<u64>,
    looking: Option<Looking>,
    quiet: u32,
    ended: bool,
    /// Given back when the connection ends.
    _open: OwnedSemaphorePermit,
}

/// Log records that match, as they arrive.
///
/// Events: `logs` with `{"logs": [..], "matched": n, "dropped": n}`, where `dropped` matching records were
/// left out because more than 400 a second arrived; `error` with the error of this API, which ends the stream.
/// When as many tails are open as `query.tails_max` allows, another is refused.
#[utoipa::path(get, path = "/api/v1/logs/tail", params(FilterParam),
    responses((status = 200, content_type = "text/event-stream", body = String), (status = 400, body = ApiError),
        (status = 429, body = ApiError)))]
pub(crate) async fn tail(State(app): State<App>, Query(filter): Query<FilterParam>) -> Result<Response, ApiError> {
    let Ok(open) = app.tails.clone().try_acquire_owned() else { return Ok(too_many(app.limits.tails_max)) };
    let filter = filter.text();
    // A wrong filter is an answer of its own, not an event.
    let begin = look(app.clone(), filter.clone(), None, Duration::ZERO).await?;
    let tail = Tail { app, filter, since: Some(begin.since), looking: None, quiet: 0, ended: false, _open: open };
    let headers = [(header::CONTENT_TYPE, "text/event-stream"), (header::CACHE_CONTROL, "no-store")];
    Ok((headers, Body::new(tail)).into_response())
}

/// The answer to one reader too many.
fn too_many(max: usize) -> Response {
    let message = format!(
        "{max} live tails are open, which is as many as may be; close one, search with a cursor, or raise `query.tails_max`"
    );
    let mut response = ApiError::new(ErrorKind::Unavailable { retry_after: RETRY_AFTER }, message).into_response();
    *response.status_mut() = StatusCode::TOO_MANY_REQUESTS;
    response
}

async fn look(app: App, filter: String, since: Option<u64>, wait: Duration) -> Result<Arrived, ApiError> {
    tokio::time::sleep(wait).await;
    let outcome = run::query(&app, move |app, grant| {
        let request = grant.request(TimeRange::ALL, filter);
        logs::tail(&app.engines.events, &request, app.clock.now(), since, RECORDS_PER_LOOK_MAX)
    })
    .await??;
    Ok(outcome.value)
}

fn event(name: &str, data: &serde_json::Value) -> Bytes {
    format!("event: {name}\ndata: {data}\n\n").into()
}

impl Tail {
    /// The event that an answer makes; `None` when there is nothing to say.
    fn take(&mut self, found: Result<Arrived, ApiError>) -> Option<Bytes> {
        match found {
            Ok(found) if found.matched == 0 => {
                self.since = Some(found.since);
                self.quiet += 1;
                (self.quiet.is_multiple_of(LOOKS_PER_COMMENT)).then(|| Bytes::from_static(b": nothing new\n\n"))
            }
            Ok(found) => {
                self.since = Some(found.since);
                self.quiet = 0;
                let logs: Vec<LogShape> = found.records.into_iter().map(|r| LogShape::new(r.id, r.record)).collect();
                let dropped = found.matched.saturating_sub(logs.len() as u64);
                Some(event("logs", &json!({"logs": logs, "matched": found.matched, "dropped": dropped})))
            }
            Err(e) => {
                self.ended = true;
                Some(event("error", &json!(e)))
            }
        }
    }
}

impl HttpBody for Tail {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        while !self.ended {
            let mut looking = self
                .looking
                .take()
                .unwrap_or_else(|| Box::pin(look(self.app.clone(), self.filter.clone(), self.since, EVERY)));
            match looking.as_mut().poll(cx) {
                Poll::Pending => {
                    self.looking = Some(looking);
                    return Poll::Pending;
                }
                Poll::Ready(found) => {
                    if let Some(event) = self.take(found) {
                        return Poll::Ready(Some(Ok(Frame::data(event))));
                    }
                }
            }
        }
        Poll::Ready(None)
    }
}
