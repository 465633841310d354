//! OTLP/gRPC: one unary call per export, framed by hand.
//!
//! Source: "gRPC over HTTP2". A message is one byte that says whether it is
//! compressed, four bytes of length, and the bytes; the status comes in the
//! trailers, or in the headers when there is no message. `RetryInfo` is not
//! read: a retry waits the usual second.

use bytes::{BufMut, Bytes, BytesMut};
use http::{HeaderMap, Request};
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http2::{SendRequest, handshake};
use hyper_util::rt::{TokioExecutor, TokioIo};
use model::Signal;
use tokio::net::TcpStream;

use super::{Encoding, MAX_ANSWER, RETRY_AFTER, SendError};

/// One HTTP/2 connection.
pub(super) struct Sender {
    authority: String,
    requests: SendRequest<Full<Bytes>>,
}

const fn service(signal: Signal) -> &'static str {
    match signal {
        Signal::Traces => "trace.v1.TraceService",
        Signal::Metrics => "metrics.v1.MetricsService",
        Signal::Logs => "logs.v1.LogsService",
    }
}

impl Sender {
    pub(super) async fn connect(authority: &str) -> Result<Self, SendError> {
        let failed = |source| SendError::Connect { authority: authority.to_owned(), source };
        let stream = TcpStream::connect(authority).await.map_err(failed)?;
        stream.set_nodelay(true).map_err(failed)?;
        let (requests, connection) = handshake(TokioExecutor::new(), TokioIo::new(stream))
            .await
            .map_err(|source| SendError::Transport { authority: authority.to_owned(), source })?;
        // Ends when `requests` is dropped or the peer closes; a failure also reaches the waiting call.
        tokio::spawn(async move {
            if let Err(e) = connection.await {
                tracing::debug!("OTLP/gRPC connection ended: {e}");
            }
        });
        Ok(Self { authority: authority.to_owned(), requests })
    }

    pub(super) fn is_closed(&self) -> bool {
        self.requests.is_closed()
    }

    pub(super) async fn send(&mut self, signal: Signal, body: Bytes, encoding: Encoding) -> Result<(), SendError> {
        let broken = |source| SendError::Transport { authority: self.authority.clone(), source };
        let path = format!("opentelemetry.proto.collector.{}/Export", service(signal));
        let mut request = Request::post(format!("http://{}/{path}", self.authority))
            .header("content-type", "application/grpc")
            .header("te", "trailers")
            .header("user-agent", concat!("loadgen/", env!("CARGO_PKG_VERSION")));
        if encoding != Encoding::Identity {
            request = request.header("grpc-encoding", encoding.name());
        }
        let request =
            request.body(Full::new(frame(&body, encoding))).map_err(|_| SendError::Endpoint(self.authority.clone()))?;
        self.requests.ready().await.map_err(broken)?;
        let response = self.requests.send_request(request).await.map_err(broken)?;
        let http_status = response.status();
        let head = response.headers().clone();
        let answer = match Limited::new(response.into_body(), MAX_ANSWER).collect().await {
            Ok(answer) => answer,
            Err(e) => return Err(SendError::Refused { status: http_status.to_string(), message: e.to_string() }),
        };
        outcome(answer.trailers().filter(|t| t.contains_key("grpc-status")).unwrap_or(&head))
    }
}

fn frame(body: &[u8], encoding: Encoding) -> Bytes {
    let mut out = BytesMut::with_capacity(body.len() + 5);
    out.put_u8(u8::from(encoding != Encoding::Identity));
    out.put_u32(body.len() as u32);
    out.put_slice(body);
    out.freeze()
}

fn outcome(status: &HeaderMap) -> Result<(), SendError> {
    let get = |key| status.get(key).and_then(|v| v.to_str().ok()).unwrap_or_default();
    match get("grpc-status") {
        "0" => Ok(()),
        // The codes that the OTLP specification calls retryable, RESOURCE_EXHAUSTED (8) aside: without
        // RetryInfo it means that the request is too large.
        code @ ("1" | "4" | "10" | "11" | "14" | "15") => {
            Err(SendError::Unavailable { status: format!("grpc-status {code}"), retry_after: RETRY_AFTER })
        }
        code => {
            Err(SendError::Refused { status: format!("grpc-status {code}"), message: get("grpc-message").to_owned() })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_carry_flag_and_length() {
        assert_eq!(&frame(b"abc", Encoding::Identity)[..], b"\0\0\0\0\x03abc");
        assert_eq!(frame(b"abc", Encoding::Gzip)[0], 1);
    }

    #[test]
    fn statuses_are_told_apart() {
        let with = |code: &'static str| {
            let mut h = HeaderMap::new();
            h.insert("grpc-status", http::HeaderValue::from_static(code));
            outcome(&h)
        };
        assert!(with("0").is_ok());
        assert!(with("14").unwrap_err().retry_after().is_some());
        assert!(with("3").unwrap_err().retry_after().is_none());
        assert!(outcome(&HeaderMap::new()).unwrap_err().retry_after().is_none());
    }
}
