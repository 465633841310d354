//! Fetches what a target shows: one GET over a connection that is kept.
//!
//! Time is the caller's business (the whole fetch runs under the scrape timeout); size is bounded here, as sent and
//! decompressed.

use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderValue};
use http::{Request, StatusCode};
use http_body_util::{BodyExt as _, Empty};
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

use super::config::{Auth, BODY_BYTES_MAX, Protocol, ScrapeConfig, Secret};
use super::target::Target;
use wire::prometheus::exposition::Format;

/// As many hops as Go's client takes.
const REDIRECTS_MAX: usize = 10;

/// What a target answered.
pub(super) struct Answer {
    pub(super) format: Format,
    pub(super) body: Vec<u8>,
}

/// Keeps the connection from scrape to scrape.
#[derive(Default)]
pub(super) struct Client(Option<Connection>);

struct Connection {
    authority: String,
    requests: SendRequest<Empty<Bytes>>,
    driver: JoinHandle<()>,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

impl Client {
    /// Gets what the target shows.
    ///
    /// # Errors
    /// Why not, as `lastError` shows it.
    pub(super) async fn fetch(&mut self, target: &Target, config: &ScrapeConfig) -> Result<Answer, String> {
        let headers = headers(target, config)?;
        let (mut authority, mut path) = (target.authority.clone(), target.path.clone());
        for _ in 0..=REDIRECTS_MAX {
            let response = self.get(&authority, &path, &headers).await?;
            let location = response.headers().get(header::LOCATION).and_then(|l| l.to_str().ok());
            match (response.status(), location) {
                (StatusCode::OK, _) => return answer(response, config).await,
                (status, Some(location)) if status.is_redirection() && config.follow_redirects => {
                    (authority, path) = follow(&authority, location)?;
                    // Its body is not read, so the connection cannot be used again.
                    self.0 = None;
                }
                (status, _) => {
                    self.0 = None;
                    return Err(format!("server returned HTTP status {status}"));
                }
            }
        }
        Err(format!("stopped after {REDIRECTS_MAX} redirects"))
    }

    async fn get(
        &mut self,
        authority: &str,
        path: &str,
        headers: &HeaderMap,
    ) -> Result<http::Response<Incoming>, String> {
        let mut connection = match self.0.take().filter(|c| c.authority == authority && !c.requests.is_closed()) {
            Some(kept) => kept,
            None => Connection::open(authority).await?,
        };
        let mut request = Request::get(path).header(header::HOST, authority);
        if let Some(own) = request.headers_mut() {
            own.extend(headers.iter().map(|(name, value)| (name.clone(), value.clone())));
        }
        let request = request.body(Empty::new()).map_err(|e| format!("the request is not valid: {e}"))?;
        let failed = |e: hyper::Error| format!("Get \"http://{authority}{path}\": {e}");
        connection.requests.ready().await.map_err(failed)?;
        let response = connection.requests.send_request(request).await.map_err(failed)?;
        self.0 = Some(connection);
        Ok(response)
    }
}

impl Connection {
    async fn open(authority: &str) -> Result<Self, String> {
        let stream = TcpStream::connect(authority).await.map_err(|e| format!("dial tcp {authority}: {e}"))?;
        stream.set_nodelay(true).map_err(|e| e.to_string())?;
        let (requests, driver) = handshake(TokioIo::new(stream)).await.map_err(|e| e.to_string())?;
        let driver = tokio::spawn(async move {
            // A failure also reaches the one who waits for the answer.
            let _ = driver.await;
        });
        Ok(Self { authority: authority.to_owned(), requests, driver })
    }
}

fn headers(target: &Target, config: &ScrapeConfig) -> Result<HeaderMap, String> {
    let mut headers = HeaderMap::new();
    let value =
        |text: &str| HeaderValue::from_str(text).map_err(|_| "a header has a value that HTTP forbids".to_owned());
    headers.insert(header::ACCEPT, value(&accept(&config.scrape_protocols))?);
    let encoding = if config.enable_compression { "gzip" } else { "identity" };
    headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static(encoding));
    headers.insert(header::USER_AGENT, HeaderValue::from_static(concat!("Bellrock/", env!("CARGO_PKG_VERSION"))));
    headers.insert("x-prometheus-scrape-timeout-seconds", value(&target.timeout.as_secs_f64().to_string())?);
    let read = |secret: &Secret| secret.read().map_err(|e| format!("cannot read {secret:?}: {e}"));
    let authorization = match &config.auth {
        Auth::None => None,
        Auth::Basic(user, password) => Some(basic(&read(user)?, &read(password)?)),
        Auth::Authorization(kind, credentials) => Some(format!("{kind} {}", read(credentials)?)),
    };
    if let Some(text) = authorization {
        let mut text = value(&text)?;
        text.set_sensitive(true);
        headers.insert(header::AUTHORIZATION, text);
    }
    for (name, secret) in &config.headers {
        let name = header::HeaderName::try_from(name).map_err(|_| format!("`{name}` is not a header name"))?;
        headers.append(name, value(&read(secret)?)?);
    }
    Ok(headers)
}

fn basic(user: &str, password: &str) -> String {
    use base64::Engine as _;
    format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}")))
}

/// The formats with falling weights, and anything at last.
fn accept(protocols: &[Protocol]) -> String {
    let weighted = (0..).zip(protocols).map(|(n, p)| format!("{};q=0.{}", p.media_type(), protocols.len() + 1 - n));
    weighted.chain(["*/*;q=0.1".to_owned()]).collect::<Vec<_>>().join(",")
}

fn follow(authority: &str, location: &str) -> Result<(String, String), String> {
    if location.starts_with('/') && !location.starts_with("//") {
        return Ok((authority.to_owned(), location.to_owned()));
    }
    let uri: http::Uri = location.parse().map_err(|_| format!("redirected to `{location}`, which is not a URL"))?;
    match (uri.scheme_str(), uri.authority()) {
        (Some("http"), Some(to)) => {
            let to = if to.port().is_some() { to.to_string() } else { format!("{to}:80") };
            Ok((to, uri.path_and_query().map_or("/".to_owned(), ToString::to_string)))
        }
        _ => Err(format!("redirected to `{location}`, which is not http")),
    }
}

async fn answer(response: http::Response<Incoming>, config: &ScrapeConfig) -> Result<Answer, String> {
    let content_type = response.headers().get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let format = Format::of_content_type(content_type).or(config.fallback_scrape_protocol.map(format_of)).ok_or_else(|| {
        format!("received unsupported Content-Type {content_type:?} and no fallback_scrape_protocol specified for target")
    })?;
    let gzip =
        response.headers().get(header::CONTENT_ENCODING).is_some_and(|v| v.as_bytes().eq_ignore_ascii_case(b"gzip"));
    let configured = config.limits.body_size_limit;
    let limit = if configured == 0 { BODY_BYTES_MAX } else { configured };
    let too_large = || format!("body size limit of {limit} bytes exceeded");
    let mut body = Vec::new();
    let mut incoming = response.into_body();
    while let Some(frame) = incoming.frame().await {
        let frame = frame.map_err(|e| format!("the answer ended early: {e}"))?;
        if let Some(chunk) = frame.data_ref() {
            if body.len() + chunk.len() > limit {
                return Err(too_large());
            }
            body.extend_from_slice(chunk);
        }
    }
    let body = if gzip { gunzip(&body, limit)?.ok_or_else(too_large)? } else { body };
    Ok(Answer { format, body })
}

fn format_of(protocol: Protocol) -> Format {
    match protocol {
        Protocol::PrometheusProto => Format::Protobuf,
        Protocol::OpenMetricsText1 | Protocol::OpenMetricsText0 => Format::OpenMetrics,
        Protocol::PrometheusText1 | Protocol::PrometheusText0 => Format::Text,
    }
}

/// `None` when the content is larger than `limit`.
fn gunzip(body: &[u8], limit: usize) -> Result<Option<Vec<u8>>, String> {
    // gzip ends with the length of its content (RFC 1952, ISIZE): a hint, for a stranger wrote it.
    let hint = body.last_chunk::<4>().map_or(0, |n| u32::from_le_bytes(*n) as usize);
    let mut size = hint.clamp(64, body.len().saturating_mul(1032).clamp(64, limit.max(64)));
    let mut decompressor = libdeflater::Decompressor::new();
    loop {
        let mut out = vec![0; size];
        match decompressor.gzip_decompress(body, &mut out) {
            Ok(n) if n > limit => return Ok(None),
            Ok(n) => {
                out.truncate(n);
                return Ok(Some(out));
            }
            Err(libdeflater::DecompressionError::InsufficientSpace) if size >= limit => return Ok(None),
            Err(libdeflater::DecompressionError::InsufficientSpace) => size = size.saturating_mul(2).min(limit),
            Err(libdeflater::DecompressionError::BadData) => return Err("the answer is not valid gzip".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_asked_for_in_order() {
        let accepted = accept(&[Protocol::PrometheusProto, Protocol::PrometheusText0]);
        assert_eq!(
            accepted,
            "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.3,\
             text/plain;version=0.0.4;q=0.2,*/*;q=0.1"
        );
    }

    #[test]
    fn redirects_stay_with_http() {
        assert_eq!(follow("a:1", "/m?x=1").unwrap(), ("a:1".to_owned(), "/m?x=1".to_owned()));
        assert_eq!(follow("a:1", "http://b/m").unwrap(), ("b:80".to_owned(), "/m".to_owned()));
        assert!(follow("a:1", "https://b/m").is_err());
    }

    #[test]
    fn gzip_is_bounded() {
        let mut c = libdeflater::Compressor::new(libdeflater::CompressionLvl::fastest());
        let data = vec![b'x'; 10_000];
        let mut gz = vec![0; c.gzip_compress_bound(data.len())];
        let n = c.gzip_compress(&data, &mut gz).unwrap();
        assert_eq!(gunzip(&gz[..n], 10_000).unwrap(), Some(data));
        assert_eq!(gunzip(&gz[..n], 9_999).unwrap(), None);
        assert!(gunzip(b"not gzip at all", 100).is_err());
    }
}
