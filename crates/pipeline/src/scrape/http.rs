//! Fetches what a target shows: one GET through the pool's client (crate `net`), which keeps connections.
//!
//! Time is the target's timeout; size is bounded here, as sent and decompressed.

use http::StatusCode;
use http::header::{self, HeaderMap, HeaderValue};
use net::{Answer as Opened, Client, ClientOptions, ConfigErrors, Request, Url};

use super::config::{BODY_BYTES_MAX, Protocol, ScrapeConfig};
use super::target::Target;
use wire::prometheus::exposition::Format;

/// What a target answered.
pub(super) struct Answer {
    pub(super) format: Format,
    pub(super) body: Vec<u8>,
}

/// The client of a pool. Touches neither files nor network.
///
/// # Errors
/// What is wrong in the configuration.
pub(super) fn client(config: &ScrapeConfig) -> Result<Client, ConfigErrors> {
    let options = ClientOptions {
        connect_timeout: config.scrape_timeout,
        user_agent: concat!("Bellrock/", env!("CARGO_PKG_VERSION")).to_owned(),
        ..ClientOptions::default()
    };
    Client::new(&config.http, options)
}

/// Gets what the target shows.
///
/// # Errors
/// Why not, as `lastError` shows it.
pub(super) async fn fetch(client: &Client, target: &Target, config: &ScrapeConfig) -> Result<Answer, String> {
    let url = target.url();
    let parsed = url.parse::<Url>().map_err(|e| format!("`{url}` is not a URL: {e}"))?;
    let request = Request { headers: headers(target, config)?, ..Request::get(parsed) };
    let opened = client.open(request, target.timeout).await.map_err(|e| format!("Get \"{url}\": {e}"))?;
    match opened.status() {
        StatusCode::OK => answer(opened, config).await,
        status => Err(format!("server returned HTTP status {status}")),
    }
}

fn headers(target: &Target, config: &ScrapeConfig) -> Result<HeaderMap, String> {
    let mut headers = HeaderMap::new();
    let value =
        |text: &str| HeaderValue::from_str(text).map_err(|_| "a header has a value that HTTP forbids".to_owned());
    headers.insert(header::ACCEPT, value(&accept(&config.scrape_protocols))?);
    let encoding = if config.enable_compression { "gzip" } else { "identity" };
    headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static(encoding));
    headers.insert("x-prometheus-scrape-timeout-seconds", value(&target.timeout.as_secs_f64().to_string())?);
    Ok(headers)
}

/// The formats with falling weights, and anything at last.
fn accept(protocols: &[Protocol]) -> String {
    let weighted = (0..).zip(protocols).map(|(n, p)| format!("{};q=0.{}", p.media_type(), protocols.len() + 1 - n));
    weighted.chain(["*/*;q=0.1".to_owned()]).collect::<Vec<_>>().join(",")
}

async fn answer(mut opened: Opened, config: &ScrapeConfig) -> Result<Answer, String> {
    let content_type = opened.headers().get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let format = Format::of_content_type(content_type).or(config.fallback_scrape_protocol.map(format_of)).ok_or_else(|| {
        format!("received unsupported Content-Type {content_type:?} and no fallback_scrape_protocol specified for target")
    })?;
    let gzip =
        opened.headers().get(header::CONTENT_ENCODING).is_some_and(|v| v.as_bytes().eq_ignore_ascii_case(b"gzip"));
    let configured = config.limits.body_size_limit;
    let limit = if configured == 0 { BODY_BYTES_MAX } else { configured };
    let too_large = || format!("body size limit of {limit} bytes exceeded");
    let (body, more) = opened.read(limit).await.map_err(|e| format!("the answer ended early: {e}"))?;
    if more {
        return Err(too_large());
    }
    let body = if gzip { gunzip(&body, limit)?.ok_or_else(too_large)? } else { body.into() };
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
