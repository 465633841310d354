//! One HTTP/1.1 connection; OTLP/HTTP on it is `POST /v1/<signal>` with a protobuf body.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, header};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use model::Signal;
use tokio::net::TcpStream;

use super::{Encoding, RETRY_AFTER, SendError};

/// One keep-alive connection.
pub(crate) struct Sender {
    authority: String,
    requests: SendRequest<Full<Bytes>>,
}

impl Sender {
    pub(crate) async fn connect(authority: &str) -> Result<Self, SendError> {
        let failed = |source| SendError::Connect { authority: authority.to_owned(), source };
        let stream = TcpStream::connect(authority).await.map_err(failed)?;
        stream.set_nodelay(true).map_err(failed)?;
        let (requests, connection) = handshake(TokioIo::new(stream))
            .await
            .map_err(|source| SendError::Transport { authority: authority.to_owned(), source })?;
        // Ends when `requests` is dropped or the peer closes; a failure also reaches the waiting request.
        tokio::spawn(async move {
            if let Err(e) = connection.await {
                tracing::debug!("OTLP/HTTP connection ended: {e}");
            }
        });
        Ok(Self { authority: authority.to_owned(), requests })
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.requests.is_closed()
    }

    pub(super) async fn send(&mut self, signal: Signal, body: Bytes, encoding: Encoding) -> Result<(), SendError> {
        let mut headers = vec![("content-type", "application/x-protobuf")];
        if encoding != Encoding::Identity {
            headers.push(("content-encoding", encoding.name()));
        }
        self.post(&format!("/v1/{}", signal.name()), &headers, body).await
    }

    /// Posts `body`; anything but 2xx is an error.
    pub(crate) async fn post(&mut self, path: &str, headers: &[(&str, &str)], body: Bytes) -> Result<(), SendError> {
        let broken = |source| SendError::Transport { authority: self.authority.clone(), source };
        let mut request = Request::post(path)
            .header(header::HOST, &self.authority)
            .header(header::USER_AGENT, concat!("loadgen/", env!("CARGO_PKG_VERSION")));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::new(body)).map_err(|_| SendError::Endpoint(self.authority.clone()))?;
        self.requests.ready().await.map_err(broken)?;
        let response = self.requests.send_request(request).await.map_err(broken)?;
        let status = response.status();
        if status.is_success() {
            // Read to the end, so that the connection can be used again.
            response.into_body().collect().await.map_err(broken)?;
            return Ok(());
        }
        let retry_after = response.headers().get(header::RETRY_AFTER).and_then(|v| v.to_str().ok());
        let retry_after = retry_after.and_then(|v| v.trim().parse().ok()).map_or(RETRY_AFTER, Duration::from_secs);
        let message = super::text(response.into_body()).await;
        // The statuses that the OTLP specification calls retryable.
        if matches!(status.as_u16(), 429 | 502 | 503 | 504) {
            return Err(SendError::Unavailable { status: status.to_string(), retry_after });
        }
        Err(SendError::Refused { status: status.to_string(), message })
    }
}
