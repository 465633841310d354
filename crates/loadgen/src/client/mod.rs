//! An OTLP exporter: one connection, one request at a time, answers told apart by what to do about them.
//!
//! Sources: OTLP specification 1.8, "OTLP/HTTP Response" and "OTLP/gRPC
//! Response" (which statuses may be retried), RFC 9110 10.2.3 (`Retry-After`).
//! Knows nothing of what is in the requests.

mod grpc;
pub(crate) mod http1;

use std::str::FromStr;
use std::time::Duration;

use bytes::Bytes;
use foundation::ErrorKind;
use model::Signal;
use thiserror::Error;

/// A request that has no answer after this time counts as failed, as SDKs default to.
pub(crate) const DEADLINE: Duration = Duration::from_secs(10);
/// Waiting time when the server asks for a retry without saying when.
const RETRY_AFTER: Duration = Duration::from_secs(1);
/// Most bytes of an answer that are read.
const MAX_ANSWER: usize = 64 * 1024;

/// Which OTLP transport.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// OTLP/HTTP with protobuf bodies, over HTTP/1.1.
    Http,
    /// OTLP/gRPC: unary calls over HTTP/2 without TLS.
    Grpc,
}

impl FromStr for Protocol {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "http" => Ok(Self::Http),
            "grpc" => Ok(Self::Grpc),
            _ => Err(format!("`{text}` is not a protocol; use http or grpc")),
        }
    }
}

impl Protocol {
    /// `http` or `grpc`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Grpc => "grpc",
        }
    }
}

/// How bodies are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// Not at all.
    Identity,
    /// RFC 1952.
    Gzip,
    /// RFC 8878.
    Zstd,
}

impl FromStr for Encoding {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "identity" => Ok(Self::Identity),
            "gzip" => Ok(Self::Gzip),
            "zstd" => Ok(Self::Zstd),
            _ => Err(format!("`{text}` is not an encoding; use identity, gzip or zstd")),
        }
    }
}

/// Level of both compressors: a load client shares the machine with the server that it measures.
const LEVEL: i32 = 1;

impl Encoding {
    /// The name in `Content-Encoding` and `grpc-encoding`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        }
    }

    /// Compresses a body.
    ///
    /// # Errors
    /// [`SendError::Compress`] when the compressor refuses.
    pub fn encode(self, body: Vec<u8>) -> Result<Bytes, SendError> {
        match self {
            Self::Identity => Ok(body.into()),
            Self::Zstd => {
                Ok(zstd::bulk::compress(&body, LEVEL).map_err(|e| SendError::Compress(e.to_string()))?.into())
            }
            Self::Gzip => {
                let level =
                    libdeflater::CompressionLvl::new(LEVEL).map_err(|e| SendError::Compress(format!("{e:?}")))?;
                let mut compressor = libdeflater::Compressor::new(level);
                let mut out = vec![0; compressor.gzip_compress_bound(body.len())];
                let n = compressor.gzip_compress(&body, &mut out).map_err(|e| SendError::Compress(e.to_string()))?;
                out.truncate(n);
                Ok(out.into())
            }
        }
    }
}

/// Why a request was not accepted.
#[derive(Debug, Error)]
pub enum SendError {
    /// Not `http://host:port`.
    #[error("`{0}` is not an endpoint; write http://host:port")]
    Endpoint(String),
    /// The body could not be compressed.
    #[error("compressing a request: {0}")]
    Compress(String),
    /// No connection.
    #[error("connecting to {authority}: {source}")]
    Connect {
        /// Host and port.
        authority: String,
        /// What the operating system says.
        source: std::io::Error,
    },
    /// The connection broke or the peer does not speak HTTP.
    #[error("talking to {authority}: {source}")]
    Transport {
        /// Host and port.
        authority: String,
        /// What the HTTP library says.
        source: hyper::Error,
    },
    /// No answer in time.
    #[error("no answer from {authority} within {} s", DEADLINE.as_secs())]
    Deadline {
        /// Host and port.
        authority: String,
    },
    /// Refused for now; nothing was stored.
    #[error("refused for now: {status}")]
    Unavailable {
        /// HTTP or gRPC status.
        status: String,
        /// When to try again.
        retry_after: Duration,
    },
    /// Refused for good.
    #[error("refused: {status} {message}")]
    Refused {
        /// HTTP or gRPC status.
        status: String,
        /// What the server says.
        message: String,
    },
}

impl SendError {
    /// What a caller can do about it.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Endpoint(_) | Self::Refused { .. } => ErrorKind::InvalidInput,
            Self::Compress(_) => ErrorKind::Internal,
            Self::Connect { .. } | Self::Transport { .. } => ErrorKind::UNAVAILABLE,
            Self::Deadline { .. } => ErrorKind::Timeout,
            Self::Unavailable { retry_after, .. } => ErrorKind::Unavailable { retry_after: *retry_after },
        }
    }

    /// When the same request may be sent again; `None` when it never will be accepted.
    pub fn retry_after(&self) -> Option<Duration> {
        match self.kind() {
            ErrorKind::Unavailable { retry_after } => Some(retry_after),
            ErrorKind::Timeout => Some(RETRY_AFTER),
            _ => None,
        }
    }
}

/// `host:port` of an `http://` URL.
///
/// # Errors
/// [`SendError::Endpoint`] for anything else.
pub(crate) fn authority(endpoint: &str) -> Result<String, SendError> {
    let bad = || SendError::Endpoint(endpoint.to_owned());
    let uri: http::Uri = endpoint.trim_end_matches('/').parse().map_err(|_| bad())?;
    let authority = uri.authority().ok_or_else(bad)?;
    if uri.scheme_str() != Some("http") || authority.port().is_none() {
        return Err(bad());
    }
    Ok(authority.to_string())
}

enum Transport {
    Http(http1::Sender),
    Grpc(grpc::Sender),
}

/// A connection to one OTLP server, made when it is needed and made again after it broke.
pub struct Connection {
    authority: String,
    protocol: Protocol,
    transport: Option<Transport>,
}

impl Connection {
    /// A connection to `http://host:port`; nothing is sent yet.
    ///
    /// # Errors
    /// [`SendError::Endpoint`] when the URL has another form.
    pub fn new(endpoint: &str, protocol: Protocol) -> Result<Self, SendError> {
        Ok(Self { authority: authority(endpoint)?, protocol, transport: None })
    }

    /// Sends an export request whose `body` is already compressed as `encoding` says, and waits for the answer.
    ///
    /// # Errors
    /// Whatever is not an acknowledgement; [`SendError::retry_after`] says whether it may be sent again.
    pub async fn send(&mut self, signal: Signal, body: Bytes, encoding: Encoding) -> Result<(), SendError> {
        let sent = tokio::time::timeout(DEADLINE, self.exchange(signal, body, encoding)).await;
        let outcome = sent.unwrap_or_else(|_| Err(SendError::Deadline { authority: self.authority.clone() }));
        if matches!(&outcome, Err(SendError::Transport { .. } | SendError::Deadline { .. })) {
            self.transport = None;
        }
        outcome
    }

    async fn exchange(&mut self, signal: Signal, body: Bytes, encoding: Encoding) -> Result<(), SendError> {
        if self.transport.as_ref().is_none_or(Transport::is_closed) {
            self.transport = Some(match self.protocol {
                Protocol::Http => Transport::Http(http1::Sender::connect(&self.authority).await?),
                Protocol::Grpc => Transport::Grpc(grpc::Sender::connect(&self.authority).await?),
            });
        }
        match self.transport.as_mut() {
            Some(Transport::Http(sender)) => sender.send(signal, body, encoding).await,
            Some(Transport::Grpc(sender)) => sender.send(signal, body, encoding).await,
            None => Err(SendError::Endpoint(self.authority.clone())),
        }
    }
}

impl Transport {
    fn is_closed(&self) -> bool {
        match self {
            Self::Http(sender) => sender.is_closed(),
            Self::Grpc(sender) => sender.is_closed(),
        }
    }
}

/// An answer's body as text, as far as it is short.
async fn text(body: hyper::body::Incoming) -> String {
    use http_body_util::{BodyExt, Limited};
    match Limited::new(body, MAX_ANSWER).collect().await {
        Ok(collected) => String::from_utf8_lossy(&collected.to_bytes()).into_owned(),
        Err(e) => e.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_are_http_with_a_port() {
        assert_eq!(authority("http://127.0.0.1:4318/").unwrap(), "127.0.0.1:4318");
        for bad in ["127.0.0.1:4318", "https://host:4318", "http://host", "nonsense"] {
            assert!(authority(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn encodings_can_be_read_back() {
        let body = b"the same again and again and again and again".repeat(20);
        let zstd = Encoding::Zstd.encode(body.clone()).unwrap();
        assert_eq!(zstd::bulk::decompress(&zstd, 10_000).unwrap(), body);
        let gzip = Encoding::Gzip.encode(body.clone()).unwrap();
        let mut out = vec![0; body.len()];
        libdeflater::Decompressor::new().gzip_decompress(&gzip, &mut out).unwrap();
        assert_eq!(out, body);
        assert!(gzip.len() < body.len() / 4);
    }
}
