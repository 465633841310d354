//! The remote write receiver: `POST /api/v1/write`, versions 1.0 and 2.0.
//!
//! Served on the API and UI ports, where Prometheus' users expect it, and on the OTLP/HTTP port, which is the one that
//! is open to senders. Answers only after the log is synced. Sources: prometheus.io, "Remote Write 1.0" and
//! "Remote Write 2.0"; where they leave a choice, what Prometheus' own receiver does.

use bytes::Bytes;
use foundation::ErrorKind;
use http::header::{self, HeaderMap, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Body;
use model::Signal;
use tsdb::{Batch, Ingested};
use wire::prometheus::Limits;
use wire::prometheus::remote_write::{self, Decoded, Version};

use crate::body::{self, RequestLimit};
use crate::budget::{Budget, Lease};
use crate::ingest::{DECODE_INLINE_BYTES_MAX, Ingest};
use crate::refusal::Refusal;
use crate::series::BatchSink;

/// Where it is.
pub const PATH: &str = "/api/v1/write";

/// How many elements of each kind a request of 2.0 wrote; a sender reads a missing one as none.
const WRITTEN: [&str; 3] = [
    "x-prometheus-remote-write-samples-written",
    "x-prometheus-remote-write-histograms-written",
    "x-prometheus-remote-write-exemplars-written",
];

/// Takes remote write; clones share everything.
#[derive(Clone)]
pub struct RemoteWrite {
    ingest: Ingest,
    limit: RequestLimit,
    budget: Budget,
    limits: Limits,
}

/// What became of a request.
#[derive(Debug)]
struct Written {
    samples: u64,
    histograms: u64,
    exemplars: u64,
    /// Samples and histograms that were left out.
    refused_points: u64,
    /// Why something was left out.
    refused: Option<String>,
}

impl RemoteWrite {
    /// Stores through `ingest`. A request is at most `limit`, as sent and decompressed; all in flight are within `budget`.
    pub fn new(ingest: Ingest, limit: RequestLimit, budget: Budget) -> Self {
        Self { ingest, limit, budget, limits: Limits::default() }
    }

    /// Answers one request.
    pub async fn handle<B>(&self, request: Request<B>) -> Response<Full<Bytes>>
    where
        B: Body<Data = Bytes, Error: std::fmt::Display>,
    {
        match self.take(request).await {
            Ok((version, written)) => answer(version, written),
            Err(refusal) => {
                let code = refusal.http().to_string();
                self.ingest.journal().request_refused(Some(Signal::Metrics), &code, &refusal.message);
                failure(&refusal)
            }
        }
    }

    async fn take<B>(&self, request: Request<B>) -> Result<(Version, Written), Refusal>
    where
        B: Body<Data = Bytes, Error: std::fmt::Display>,
    {
        if request.method() != Method::POST {
            return Err(Refusal::with_status(405, format!("{} is not allowed on {PATH}; use POST", request.method())));
        }
        let version = version_of(request.headers())?;
        check_encoding(request.headers())?;
        let mut lease = self.budget.lease();
        let compressed = body::read(request.into_body(), self.limit, &mut lease).await?;
        let plain_len = snap::raw::decompress_len(&compressed).map_err(|e| not_snappy(&e))?;
        let written = if plain_len <= DECODE_INLINE_BYTES_MAX {
            self.decode(version, &compressed, plain_len, &mut lease)
        } else {
            tokio::task::block_in_place(|| self.decode(version, &compressed, plain_len, &mut lease))
        };
        let (batch, decoded) = written?;
        // What the batch refused on its way in is told by the engine, with the rest.
        let empty = batch.is_empty() && decoded.samples + decoded.histograms + decoded.exemplars == 0;
        let stored = if empty { Ingested::default() } else { self.ingest.append(batch).await? };
        let written = Written::new(version, decoded, &stored);
        let accepted = written.samples + written.histograms;
        self.ingest.journal().stored(Signal::Metrics, plain_len, accepted, written.refused_points);
        if let Some(message) = &written.refused {
            self.ingest.journal().note(Some(Signal::Metrics), "partial", message, written.refused_points.max(1));
        }
        Ok((version, written))
    }

    /// Decompresses and decodes.
    fn decode(
        &self,
        version: Version,
        compressed: &[u8],
        plain_len: usize,
        lease: &mut Lease,
    ) -> Result<(Batch, Decoded), Refusal> {
        if plain_len > self.limit.bytes {
            return Err(self.limit.exceeded());
        }
        lease.grow(plain_len)?;
        let plain = snap::raw::Decoder::new().decompress_vec(compressed).map_err(|e| not_snappy(&e))?;
        let mut batch = self.ingest.metrics().batch();
        let decoded = remote_write::decode(version, &plain, &self.limits, &mut BatchSink(&mut batch))
            .map_err(|e| Refusal::new(e.kind(), e.to_string()))?;
        Ok((batch, decoded))
    }
}

impl Written {
    fn new(version: Version, decoded: Decoded, stored: &Ingested) -> Self {
        // An exemplar that was not stored fails a request of 2.0 (its receivers must not answer 2xx unless everything was
        // written); one of 1.0 is not told of exemplars at all.
        let late = match version {
            Version::V1 => stored.refused_points > 0,
            Version::V2 => !stored.refusals.is_empty(),
        };
        let early = decoded.first_error;
        let late = late.then(|| stored.message());
        Self {
            samples: stored.samples,
            histograms: stored.histograms,
            exemplars: stored.exemplars,
            refused_points: decoded.refused_samples + decoded.refused_histograms + stored.refused_points,
            refused: match (early, late) {
                (Some(early), Some(late)) => Some(format!("{early}; {late}")),
                (early, late) => early.or(late),
            },
        }
    }
}

/// The message that the content type names. Without any, and without `proto=`, it is that of 1.0, as old senders mean it.
fn version_of(headers: &HeaderMap) -> Result<Version, Refusal> {
    let refused = || {
        let message = format!(
            "the content type must be application/x-protobuf, with `proto={}` or `proto={}`",
            Version::V1.message(),
            Version::V2.message()
        );
        Refusal::with_status(415, message)
    };
    let text = match headers.get(header::CONTENT_TYPE) {
        // Pages of other origins can send a request without a content type, but not with this one, unless they are allowed to.
        None if headers.contains_key(header::ORIGIN) => return Err(refused()),
        None => return Ok(Version::V1),
        Some(value) => value.to_str(),
    };
    let text = text.map_err(|_| refused())?;
    let (media_type, parameters) = text.split_once(';').unwrap_or((text, ""));
    if !media_type.trim().eq_ignore_ascii_case("application/x-protobuf") {
        return Err(refused());
    }
    let proto =
        parameters.split(';').filter_map(|p| p.split_once('=')).find(|(k, _)| k.trim().eq_ignore_ascii_case("proto"));
    let Some((_, message)) = proto else { return Ok(Version::V1) };
    let message = message.trim().trim_matches('"');
    [Version::V1, Version::V2].into_iter().find(|v| v.message() == message).ok_or_else(refused)
}

/// Both versions demand the block format of snappy; a request that names nothing is taken for it, as Prometheus does.
fn check_encoding(headers: &HeaderMap) -> Result<(), Refusal> {
    let Some(value) = headers.get(header::CONTENT_ENCODING) else { return Ok(()) };
    match value.to_str().map(str::trim) {
        Ok(name) if name.is_empty() || name.eq_ignore_ascii_case("snappy") => Ok(()),
        other => {
            let name = other.unwrap_or("not text");
            Err(Refusal::with_status(
                415,
                format!("content-encoding `{name}` is not supported; remote write is sent with snappy"),
            ))
        }
    }
}

fn not_snappy(e: &snap::Error) -> Refusal {
    Refusal::new(ErrorKind::InvalidInput, format!("the body is not valid snappy (block format): {e}"))
}

fn answer(version: Version, written: Written) -> Response<Full<Bytes>> {
    let (status, text) = match written.refused {
        None => (StatusCode::NO_CONTENT, Bytes::new()),
        // What was refused would be refused again, so the sender must not send it again.
        Some(message) => (StatusCode::BAD_REQUEST, message.into()),
    };
    let mut response = plain(status, text);
    if version == Version::V2 {
        let counts = [written.samples, written.histograms, written.exemplars];
        WRITTEN.iter().zip(counts).for_each(|(name, n)| drop(response.headers_mut().insert(*name, n.into())));
    }
    response
}

/// A refused request, with what HTTP has headers for.
pub(crate) fn failure(refusal: &Refusal) -> Response<Full<Bytes>> {
    let status = StatusCode::from_u16(refusal.http()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = plain(status, refusal.message.to_string().into());
    let headers = response.headers_mut();
    if let Some(after) = refusal.retry_after() {
        // Whole seconds (RFC 9110, 10.2.3), never zero.
        headers.insert(header::RETRY_AFTER, after.as_secs().max(1).into());
    }
    match status {
        StatusCode::METHOD_NOT_ALLOWED => drop(headers.insert(header::ALLOW, HeaderValue::from_static("POST"))),
        StatusCode::UNSUPPORTED_MEDIA_TYPE => {
            headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("snappy"));
        }
        // The rest of a refused body is not read, so the connection cannot be used again.
        StatusCode::PAYLOAD_TOO_LARGE => drop(headers.insert(header::CONNECTION, HeaderValue::from_static("close"))),
        _ => {}
    }
    response
}

/// A text as an answer.
pub(crate) fn plain(status: StatusCode, text: Bytes) -> Response<Full<Bytes>> {
    let typed = !text.is_empty();
    let mut response = Response::new(Full::new(text));
    *response.status_mut() = status;
    if typed {
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    }
    response
}

#[cfg(test)]
mod tests;
