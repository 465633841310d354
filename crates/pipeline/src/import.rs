//! Text import: `POST /api/v1/import/prometheus`, samples in an exposition format, with times.
//!
//! The path, the answer (204) and `extra_label` are VictoriaMetrics'; the formats are those that targets are scraped in. For what
//! was exported from elsewhere, for scripts, and for batch jobs that have nowhere to push to. The engine's rules about old
//! samples hold here as anywhere: what is older than the out-of-order window is refused and named.

use bytes::Bytes;
use foundation::ErrorKind;
use http::header::{self, HeaderMap};
use http::{Method, Request, Response};
use http_body_util::Full;
use hyper::body::Body;
use model::Signal;
use tsdb::{Batch, Metadata};
use wire::prometheus::MetadataRef;
use wire::prometheus::exposition::{self, ExpositionSink, Format, Options, SampleRef};

use crate::body::{self, RequestLimit};
use crate::budget::Budget;
use crate::ingest::Ingest;
use crate::otlp::compression::{self, Encoding};
use crate::refusal::Refusal;
use crate::remote_write::{failure, plain};
use crate::series::{self, metric_type};

/// Where it is.
pub const PATH: &str = "/api/v1/import/prometheus";

/// Takes samples in an exposition format; clones share everything.
#[derive(Clone)]
pub struct Import {
    ingest: Ingest,
    limit: RequestLimit,
    budget: Budget,
}

impl Import {
    /// Stores through `ingest`. A request is at most `limit`, as sent and decompressed; all in flight are within `budget`.
    pub fn new(ingest: Ingest, limit: RequestLimit, budget: Budget) -> Self {
        Self { ingest, limit, budget }
    }

    /// Answers one request.
    pub async fn handle<B>(&self, request: Request<B>) -> Response<Full<Bytes>>
    where
        B: Body<Data = Bytes, Error: std::fmt::Display>,
    {
        match self.take(request).await {
            Ok(None) => plain(http::StatusCode::NO_CONTENT, Bytes::new()),
            // The rest was stored; what was refused would be refused again.
            Ok(Some(refused)) => plain(http::StatusCode::BAD_REQUEST, refused.into()),
            Err(refusal) => {
                let code = refusal.http().to_string();
                self.ingest.journal().request_refused(Some(Signal::Metrics), &code, &refusal.message);
                failure(&refusal)
            }
        }
    }

    /// What was left out and why.
    async fn take<B>(&self, request: Request<B>) -> Result<Option<String>, Refusal>
    where
        B: Body<Data = Bytes, Error: std::fmt::Display>,
    {
        if request.method() != Method::POST {
            return Err(Refusal::with_status(405, format!("{} is not allowed on {PATH}; use POST", request.method())));
        }
        let extra = extra_labels(request.uri().query().unwrap_or_default())?;
        let (format, encoding) = (format_of(request.headers())?, encoding_of(request.headers())?);
        let mut lease = self.budget.lease();
        let sent = body::read(request.into_body(), self.limit, &mut lease).await?;
        let text = compression::decompress(encoding, sent, self.limit, &mut lease)?;
        let (batch, samples) = tokio::task::block_in_place(|| self.read(format, &text, &extra))?;
        // Counted here: what the batch refuses on its way in is told by the engine, with the rest.
        if batch.is_empty() && samples == 0 {
            return Ok(None);
        }
        let stored = self.ingest.append(batch).await?;
        let (samples, refused) = (stored.samples + stored.histograms, stored.refused_points);
        self.ingest.journal().stored(Signal::Metrics, text.len(), samples, refused);
        if stored.refusals.is_empty() {
            return Ok(None);
        }
        self.ingest.journal().note(Some(Signal::Metrics), "partial", &stored.message(), refused.max(1));
        Ok(Some(stored.message()))
    }

    fn read(&self, format: Format, text: &[u8], extra: &[(String, String)]) -> Result<(Batch, usize), Refusal> {
        let mut batch = self.ingest.metrics().batch();
        let now = self.ingest.clock().now().as_millis();
        let options = Options { native: true, always_classic: true, ..Options::default() };
        let mut sink = Sink { batch: &mut batch, extra, now, samples: 0 };
        exposition::parse(format, text, &options, &mut sink).map_err(|e| Refusal::new(e.kind(), e.to_string()))?;
        let samples = sink.samples;
        Ok((batch, samples))
    }
}

struct Sink<'a> {
    batch: &'a mut Batch,
    extra: &'a [(String, String)],
    /// The time of samples that have none.
    now: i64,
    samples: usize,
}

impl ExpositionSink for Sink<'_> {
    fn sample(&mut self, s: &SampleRef<'_>) {
        self.samples += 1;
        let t = s.t.unwrap_or(self.now);
        let own = s.labels.iter().filter(|(n, _)| !self.extra.iter().any(|(e, _)| e == n));
        let own = own.map(|(n, v)| (n.as_ref(), v.as_ref()));
        let series = self.batch.series(own.chain(self.extra.iter().map(|(n, v)| (n.as_str(), v.as_str()))));
        series::store(series, s, t);
    }

    fn metadata(&mut self, m: &MetadataRef<'_>) {
        // Type, unit and help come on lines of their own, and the newest word would win over the others: the type says most.
        if m.kind != wire::prometheus::MetricType::Unknown {
            let (unit, help) = (m.unit.to_owned(), m.help.to_owned());
            self.batch.metadata(m.family, Metadata { kind: metric_type(m.kind), unit, help });
        }
    }
}

/// `extra_label=name=value`, as often as wanted: set on every series, in place of what it has.
fn extra_labels(query: &str) -> Result<Vec<(String, String)>, Refusal> {
    let mut labels = Vec::new();
    for (name, value) in query.split('&').filter(|p| !p.is_empty()).map(|p| p.split_once('=').unwrap_or((p, ""))) {
        let bad = |what: String| Refusal::new(ErrorKind::InvalidInput, what);
        if name != "extra_label" {
            return Err(bad(format!("unknown parameter `{name}`; there is extra_label=name=value")));
        }
        let value =
            percent_decoded(value).ok_or_else(|| bad("extra_label is not valid percent-encoded UTF-8".into()))?;
        match value.split_once('=') {
            Some((label, text)) if !label.is_empty() && label != "__name__" => {
                labels.push((label.to_owned(), text.to_owned()))
            }
            _ => return Err(bad(format!("extra_label `{value}` is not name=value"))),
        }
    }
    Ok(labels)
}

fn percent_decoded(text: &str) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(b) = bytes.next() {
        out.push(match b {
            b'+' => b' ',
            b'%' => {
                let digit = |b: Option<u8>| char::from(b?).to_digit(16);
                (digit(bytes.next())? * 16 + digit(bytes.next())?) as u8
            }
            other => other,
        });
    }
    String::from_utf8(out).ok()
}

/// The format of the content type; what `curl` and scripts send without thinking of it is the text format.
fn format_of(headers: &HeaderMap) -> Result<Format, Refusal> {
    let Some(value) = headers.get(header::CONTENT_TYPE) else { return Ok(Format::Text) };
    let text = value.to_str().unwrap_or_default();
    match Format::of_content_type(text) {
        Some(format) => Ok(format),
        None if text.starts_with("application/x-www-form-urlencoded")
            || text.starts_with("application/octet-stream") =>
        {
            Ok(Format::Text)
        }
        None => {
            let message = format!(
                "content type `{text}` is not supported; send text/plain, application/openmetrics-text or \
                 application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited"
            );
            Err(Refusal::with_status(415, message))
        }
    }
}

fn encoding_of(headers: &HeaderMap) -> Result<Encoding, Refusal> {
    let name = headers.get(header::CONTENT_ENCODING).map_or(Ok(""), |v| v.to_str());
    name.ok().and_then(Encoding::parse).ok_or_else(|| {
        Refusal::with_status(
            415,
            format!("the content-encoding is not supported; use one of {}", compression::ACCEPTED),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extra_labels_are_read_from_the_query() {
        let read = |q: &str| extra_labels(q).map_err(|e| e.message.into_owned());
        assert_eq!(
            read("extra_label=env%3Dprod&extra_label=team=a+b%C3%BC").unwrap(),
            [("env".to_owned(), "prod".to_owned()), ("team".to_owned(), "a bü".to_owned())]
        );
        assert_eq!(read("extra_label=x").unwrap_err(), "extra_label `x` is not name=value");
        assert_eq!(read("extra=x=y").unwrap_err(), "unknown parameter `extra`; there is extra_label=name=value");
        assert!(read("extra_label=%ff=y").is_err());
        assert!(read("extra_label=%4").is_err());
    }

    #[test]
    fn formats_are_told_by_content_type() {
        let of = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::CONTENT_TYPE, value.parse().unwrap());
            format_of(&headers).map_err(|e| e.http())
        };
        assert_eq!(of("application/x-www-form-urlencoded"), Ok(Format::Text));
        assert_eq!(of("application/openmetrics-text; version=1.0.0"), Ok(Format::OpenMetrics));
        assert_eq!(of("application/json"), Err(415));
        assert_eq!(format_of(&HeaderMap::new()).ok(), Some(Format::Text));
    }
}
