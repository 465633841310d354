//! Many PromQL queries in one request, answered line by line as they are ready.

mod answer;
mod cut;
mod packed;
mod pieces;

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use axum::body::{Body as HttpBody, Bytes, HttpBody as BodyTrait};
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use http_body::Frame;
use promql::eval::QueryRange;
use query::metrics::MetricsError;
use serde::Deserialize;
use serde_json::{Value as Json, json};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use self::answer::{COLUMNS_JOINED, Line};
use self::cut::Grid;
use self::pieces::{PIECE_STEPS, PieceError, STEPS_MAX};
use super::body::Body;
use crate::app::App;
use crate::native::error::ApiError;
use crate::run;

const QUERIES_MAX: usize = 200;
/// Lines that wait for the connection.
const LINES_WAITING: usize = 8;

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
    /// Of each series; with it a range may have more steps than a query of Prometheus.
    max_points: Option<usize>,
    /// Of all series together.
    max_total_points: Option<usize>,
    #[serde(default)]
    encoding: Encoding,
}

/// How the values of a range are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Encoding {
    #[default]
    Json,
    Packed,
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
    let request = crate::queries::Asked::current();
    let (lines, waiting) = mpsc::channel(LINES_WAITING);
    // Lives until every query is answered; when the connection is gone, the queries are dropped, which cancels them.
    tokio::spawn(async move {
        let mut running: JoinSet<String> =
            asked.queries.into_iter().map(|one| request.with_text(&one.query).scope(line(app.clone(), one))).collect();
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
    let (range, steps) = match range(&app, &one) {
        Ok(found) => found,
        Err(message) => return failed(json!({"kind": "bad_data", "message": message})),
    };
    let asked = one.clone();
    // What has to be written is made where the query runs: its answer may take as long as the query did.
    let answered = run::query(&app, move |app, grant| {
        let (ask, db) = (grant.ask(), &app.engines.metrics);
        let line = Line { one: &asked, range, steps, begin };
        if asked.kind == Kind::Instant {
            let found = query::metrics::instant(&app.promql, db, &ask, &asked.query, range.start_ms)?;
            return Ok(line.whole(found.output));
        }
        if steps <= PIECE_STEPS {
            return Ok(line.whole(query::metrics::range(&app.promql, db, &ask, &asked.query, range)?.output));
        }
        let grid = grid(steps, asked.max_points.unwrap_or(PIECE_STEPS));
        Ok(line.pieces(pieces::evaluate(app, &ask, &asked.query, range, grid)?, grid))
    })
    .await;
    match answered {
        Ok(Ok(line)) => line,
        Ok(Err(e)) => failed(error(&e)),
        Err(e) => failed(json!({"kind": "timeout", "message": e.message})),
    }
}

/// So many columns that they can be joined, at most a quarter of the points.
fn grid(steps: usize, max_points: usize) -> Grid {
    let columns = (max_points / 4).clamp(1, PIECE_STEPS);
    Grid { steps, columns: if columns < COLUMNS_JOINED { columns } else { columns - columns % COLUMNS_JOINED } }
}

/// The range, and how many steps it has.
fn range(app: &App, one: &One) -> Result<(QueryRange, usize), String> {
    let now = app.clock.now().as_millis();
    if one.kind == Kind::Instant {
        let at = one.time_unix_milli.unwrap_or(now);
        return Ok((QueryRange { start_ms: at, end_ms: at, step_ms: 0 }, 1));
    }
    let (Some(start_ms), Some(end_ms), Some(step_ms)) = (one.start_unix_milli, one.end_unix_milli, one.step_milli)
    else {
        return Err("a range needs start_unix_milli, end_unix_milli and step_milli".to_owned());
    };
    if step_ms <= 0 || end_ms < start_ms {
        return Err("the step must be above zero, and the end not before the start".to_owned());
    }
    let steps = usize::try_from(end_ms.saturating_sub(start_ms) / step_ms).unwrap_or(usize::MAX).saturating_add(1);
    let max = if one.max_points.is_some() { STEPS_MAX } else { PIECE_STEPS };
    if steps > max {
        return Err(format!("{steps} steps, of which a query takes {max}; ask for a longer step or a shorter time"));
    }
    Ok((QueryRange { start_ms, end_ms, step_ms }, steps))
}

fn error(e: &PieceError) -> Json {
    let e = match e {
        PieceError::Query(e) => e,
        other => return json!({"kind": "bad_data", "message": other.to_string()}),
    };
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
