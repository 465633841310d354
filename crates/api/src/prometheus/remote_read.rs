//! `POST /api/v1/read`: remote read, sampled and streamed.
//!
//! Sources: prometheus.io, "Remote read API". A sampled answer is one compressed message, so it is limited by what a
//! query may hold; a streamed one needs the memory of a series.

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use foundation::ErrorKind;
use model::Labels;
use promql::matcher::{MatchOp, Matcher};
use query::metrics::MetricsError;
use tsdb::{HistogramValue, Sample, SeriesSamples};
use wire::prometheus::remote_read::{self, Chunk, FRAME_BYTES, ResponseType};

use crate::app::App;
use crate::run::{self, Grant, RunError, Sink};

/// A request after decompression: thousands of matchers.
const REQUEST_BYTES_MAX: usize = 4 << 20;

/// The samples of the series that matchers select.
#[utoipa::path(post, path = "/api/v1/read", tag = "prometheus",
    request_body(content_type = "application/x-protobuf", description = "a snappy-compressed `prometheus.ReadRequest`"),
    responses((status = 200, description = "a snappy-compressed `prometheus.ReadResponse`, or, if the request accepts that first, frames of `prometheus.ChunkedReadResponse`"), (status = 400, description = "the request is broken"), (status = 503, description = "timeout")))]
pub(super) async fn read(State(app): State<App>, body: Bytes) -> Result<Response, Failure> {
    let (queries, response) = request(&body)?;
    match response {
        ResponseType::Samples => {
            let message = run::query(&app, move |app, grant| sampled(app, &grant, &queries)).await??;
            Ok(answer(remote_read::SAMPLES_CONTENT_TYPE, Some("snappy"), Body::from(message)))
        }
        ResponseType::StreamedXorChunks => {
            let body = run::stream(&app, move |app, grant, sink| streamed(app, &grant, &queries, sink)).await?;
            Ok(answer(remote_read::STREAMED_CONTENT_TYPE, None, body))
        }
    }
}

/// Why there is no answer; Prometheus tells it as plain text.
#[derive(Debug)]
pub(super) struct Failure(RunError);

impl Failure {
    fn bad(message: String) -> Self {
        Self(RunError { kind: ErrorKind::InvalidInput, message })
    }
}

impl From<RunError> for Failure {
    fn from(e: RunError) -> Self {
        Self(e)
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let status = match self.0.kind {
            ErrorKind::InvalidInput | ErrorKind::LimitExceeded | ErrorKind::Unsupported => StatusCode::BAD_REQUEST,
            ErrorKind::Timeout | ErrorKind::Unavailable { .. } => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
        (status, self.0.message + "\n").into_response()
    }
}

impl From<MetricsError> for RunError {
    fn from(e: MetricsError) -> Self {
        Self { kind: e.kind(), message: e.to_string() }
    }
}

/// One query with compiled matchers.
struct Query {
    range_ms: (i64, i64),
    matchers: Vec<Matcher>,
}

fn request(body: &[u8]) -> Result<(Vec<Query>, ResponseType), Failure> {
    let snappy = |e: snap::Error| Failure::bad(format!("the body is not valid snappy (block format): {e}"));
    let length = snap::raw::decompress_len(body).map_err(snappy)?;
    if length > REQUEST_BYTES_MAX {
        return Err(Failure::bad(format!("the request has {length} bytes and may have {REQUEST_BYTES_MAX}")));
    }
    let message = snap::raw::Decoder::new().decompress_vec(body).map_err(snappy)?;
    let request = remote_read::decode(&message).map_err(|e| Failure::bad(e.to_string()))?;
    let compiled = request.queries.iter().map(|q| {
        let matchers = q.matchers.iter().map(|m| Matcher::new(op(m.op), m.name, m.value));
        let matchers = matchers.collect::<Result<_, _>>().map_err(|e| Failure::bad(e.to_string()))?;
        Ok(Query { range_ms: (q.start_ms, q.end_ms), matchers })
    });
    Ok((compiled.collect::<Result<_, Failure>>()?, request.response))
}

fn op(op: remote_read::MatchOp) -> MatchOp {
    match op {
        remote_read::MatchOp::Equal => MatchOp::Equal,
        remote_read::MatchOp::NotEqual => MatchOp::NotEqual,
        remote_read::MatchOp::Regex => MatchOp::Regex,
        remote_read::MatchOp::NotRegex => MatchOp::NotRegex,
    }
}

/// All samples in one message, compressed.
fn sampled(app: &App, grant: &Grant, queries: &[Query]) -> Result<Vec<u8>, RunError> {
    let mut response = remote_read::Response::new();
    for q in queries {
        response.result(|result| {
            let add = |labels: &Labels, samples: SeriesSamples| {
                result.series(labels.iter(), |w| {
                    samples.floats.iter().for_each(|s| w.sample(s.t, s.v));
                    samples.histograms.iter().for_each(|h| match &h.value {
                        HistogramValue::Int(value) => w.histogram(h.t, value),
                        HistogramValue::Float(value) => w.histogram(h.t, value),
                    });
                });
                Ok::<_, RunError>(())
            };
            query::metrics::raw(&app.engines.metrics, &grant.ask(), &q.matchers, q.range_ms, add)
        })?;
    }
    let compressed = snap::raw::Encoder::new().compress_vec(&response.into_bytes());
    compressed
        .map_err(|e| RunError { kind: ErrorKind::LimitExceeded, message: format!("the answer is too large: {e}") })
}

/// A frame per series; a long series takes several.
fn streamed(app: &App, grant: &Grant, queries: &[Query], sink: &Sink) -> Result<(), RunError> {
    for (n, q) in queries.iter().enumerate() {
        let send = |labels: &Labels, samples: SeriesSamples| {
            let mut frame: Vec<Chunk> = Vec::new();
            let mut bytes = 0;
            let flush = |frame: &mut Vec<Chunk>| {
                if sink.send(remote_read::frame(n, labels.iter(), &std::mem::take(frame)).into()) {
                    return Ok(());
                }
                let message = "the answer was not read before the deadline".to_owned();
                Err(RunError { kind: ErrorKind::Timeout, message })
            };
            for chunk in chunks(samples) {
                if bytes + chunk.bytes() > FRAME_BYTES && !frame.is_empty() {
                    flush(&mut frame)?;
                    bytes = 0;
                }
                bytes += chunk.bytes();
                frame.push(chunk);
            }
            flush(&mut frame)
        };
        query::metrics::raw(&app.engines.metrics, &grant.ask(), &q.matchers, q.range_ms, send)?;
    }
    Ok(())
}

/// The chunks of a series in order of time: floats between two histograms are together.
fn chunks(samples: SeriesSamples) -> impl Iterator<Item = Chunk> {
    let floats: Vec<(i64, f64)> = samples.floats.iter().map(|Sample { t, v }| (*t, *v)).collect();
    let mut histograms = samples.histograms.into_iter().peekable();
    let mut at = 0;
    std::iter::from_fn(move || {
        let until = histograms.peek().map_or(floats.len(), |h| floats.partition_point(|(t, _)| *t < h.t));
        if at < until {
            let run: Vec<Chunk> = Chunk::of_floats(floats.get(at..until).unwrap_or_default()).collect();
            at = until;
            return Some(run);
        }
        let h = histograms.next()?;
        Some(vec![match &h.value {
            HistogramValue::Int(value) => Chunk::of_histogram(h.t, value),
            HistogramValue::Float(value) => Chunk::of_float_histogram(h.t, value),
        }])
    })
    .flatten()
}

fn answer(content_type: &'static str, encoding: Option<&'static str>, body: Body) -> Response {
    let mut response = body.into_response();
    let headers = [(header::CONTENT_TYPE, Some(content_type)), (header::CONTENT_ENCODING, encoding)];
    for (name, value) in headers {
        if let Some(value) = value {
            response.headers_mut().insert(name, HeaderValue::from_static(value));
        }
    }
    response
}
