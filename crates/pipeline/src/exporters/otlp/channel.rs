//! A connection to a gRPC server, made when it is needed and made again when it breaks.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use bytes::{BufMut as _, Bytes, BytesMut};
use http::header::{self, HeaderMap, HeaderValue};
use http::{Method, Request, Response, Uri};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http2::{Builder, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use net::tls::ClientTls;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::Mutex;
use wire::protobuf::Reader;

use crate::exporters::sending::Failure;

/// Answers are a few bytes.
const ANSWER_BYTES_MAX: usize = 64 << 10;
/// TCP and TLS together.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const STREAM_WINDOW_BYTES: u32 = 1 << 20;

/// Where to connect to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::exporters) struct Target {
    host: String,
    port: u16,
    /// Whether the scheme says that there is no TLS.
    pub(super) plain: Option<bool>,
}

impl Target {
    /// `host:4317`, `http://host:4317`, `https://host:4317`, `dns:///host:4317`.
    pub(in crate::exporters) fn parse(text: &str) -> Result<Self, String> {
        let bad = || format!("`{text}` is not an address; write `host:4317` or `http://host:4317`");
        let (plain, rest) = match text.split_once("://") {
            None => (None, text),
            Some(("http", rest)) => (Some(true), rest),
            Some(("https", rest)) => (Some(false), rest),
            Some(("dns", rest)) => (None, rest.trim_start_matches('/')),
            Some((scheme, _)) => return Err(format!("the scheme `{scheme}` is not spoken; write `host:4317`")),
        };
        let rest = rest.trim_end_matches('/');
        let uri: Uri = format!("http://{rest}").parse().map_err(|_| bad())?;
        let host = uri.host().filter(|host| !host.is_empty()).ok_or_else(bad)?;
        let port = uri.port_u16().or(plain.map(|plain| if plain { 80 } else { 443 })).ok_or_else(bad)?;
        if uri.path() != "/" {
            return Err(format!("`{text}` has a path, which gRPC has no use for; write `host:4317`"));
        }
        Ok(Self { host: host.to_owned(), port, plain })
    }

    fn authority(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }
}

/// Calls one server.
pub(super) struct Channel {
    target: Target,
    tls: Option<Arc<ClientTls>>,
    timeout: Duration,
    /// A connection is pinged after the first without a word, and given up after the second.
    keep_alive: (Duration, Duration),
    connection: Mutex<Option<SendRequest<Full<Bytes>>>>,
}

impl Channel {
    pub(super) fn new(
        target: Target,
        tls: Option<Arc<ClientTls>>,
        timeout: Duration,
        keep_alive: (Duration, Duration),
    ) -> Self {
        Self { target, tls, timeout, keep_alive, connection: Mutex::new(None) }
    }

    /// A unary call; completes when the server has said that it succeeded.
    pub(super) async fn call(
        &self,
        method: &'static str,
        headers: HeaderMap,
        encoding: Option<&'static str>,
        message: Bytes,
    ) -> Result<(), Failure> {
        let request = self.request(method, headers, encoding, &message)?;
        let mut sender = self.connection().await?;
        let answered = async {
            sender.ready().await?;
            let response = sender.send_request(request).await?;
            Ok::<_, hyper::Error>(response)
        };
        let whole = async { status(answered.await.map_err(|e| self.broken(&e))?).await };
        match tokio::time::timeout(self.timeout, whole).await {
            Ok(Err((failure, true))) => {
                self.forget().await;
                Err(failure)
            }
            Ok(Err((failure, false))) => Err(failure),
            Ok(Ok(())) => Ok(()),
            Err(_) => {
                // A connection whose other end is gone looks like this.
                self.forget().await;
                let message = format!("{} did not answer within {:?}", self.target.authority(), self.timeout);
                Err(Failure::passing(message))
            }
        }
    }

    fn broken(&self, e: &hyper::Error) -> (Failure, bool) {
        let message = format!("the connection to {} broke: {e}", self.target.authority());
        (Failure::passing(message), true)
    }

    fn request(
        &self,
        method: &'static str,
        mut headers: HeaderMap,
        encoding: Option<&'static str>,
        message: &Bytes,
    ) -> Result<Request<Full<Bytes>>, Failure> {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        let mut framed = BytesMut::with_capacity(message.len() + 5);
        framed.put_u8(u8::from(encoding.is_some()));
        framed.put_u32(message.len() as u32);
        framed.put_slice(message);
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
        headers.insert(header::TE, HeaderValue::from_static("trailers"));
        headers.insert(header::USER_AGENT, HeaderValue::from_static(concat!("bellrock/", env!("CARGO_PKG_VERSION"))));
        if let Some(encoding) = encoding {
            headers.insert("grpc-encoding", HeaderValue::from_static(encoding));
        }
        if let Ok(timeout) = HeaderValue::from_str(&format!("{}m", self.timeout.as_millis().min(99_999_999))) {
            headers.insert("grpc-timeout", timeout);
        }
        let uri = format!("{scheme}://{}{method}", self.target.authority());
        let mut request = Request::new(Full::new(framed.freeze()));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = uri.parse().map_err(|e| Failure::lasting(format!("{uri}: {e}")))?;
        *request.headers_mut() = headers;
        Ok(request)
    }

    async fn connection(&self) -> Result<SendRequest<Full<Bytes>>, Failure> {
        let mut slot = self.connection.lock().await;
        if let Some(open) = slot.as_ref().filter(|open| !open.is_closed()) {
            return Ok(open.clone());
        }
        let open = match tokio::time::timeout(CONNECT_TIMEOUT, self.connect()).await {
            Ok(opened) => opened.map_err(Failure::away)?,
            Err(_) => {
                let message = format!("cannot connect to {} within {CONNECT_TIMEOUT:?}", self.target.authority());
                return Err(Failure::away(message));
            }
        };
        *slot = Some(open.clone());
        Ok(open)
    }

    async fn forget(&self) {
        *self.connection.lock().await = None;
    }

    async fn connect(&self) -> Result<SendRequest<Full<Bytes>>, String> {
        let Target { host, port, .. } = &self.target;
        let stream = TcpStream::connect((host.trim_matches(['[', ']']), *port)).await;
        let stream = stream.map_err(|e| format!("cannot connect to {}: {e}", self.target.authority()))?;
        let _ = stream.set_nodelay(true);
        match &self.tls {
            None => self.handshake(stream).await,
            Some(tls) => {
                let stream = tls.connect(stream, host, CONNECT_TIMEOUT).await.map_err(|e| e.to_string())?;
                self.handshake(stream).await
            }
        }
    }

    async fn handshake<S>(&self, stream: S) -> Result<SendRequest<Full<Bytes>>, String>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let mut builder = Builder::new(TokioExecutor::new());
        builder
            .timer(TokioTimer::new())
            .initial_stream_window_size(STREAM_WINDOW_BYTES)
            .keep_alive_interval(Some(self.keep_alive.0))
            .keep_alive_timeout(self.keep_alive.1)
            .keep_alive_while_idle(true);
        let made = builder.handshake(TokioIo::new(stream)).await;
        let (sender, connection) = made.map_err(|e| format!("{} does not speak gRPC: {e}", self.target.authority()))?;
        // Ends when the last sender is dropped, or the other side goes away; whoever sends then hears it.
        tokio::spawn(async move {
            if let Err(e) = connection.await {
                tracing::debug!(error = %e, "a connection to a back end ended");
            }
        });
        Ok(sender)
    }
}

/// What a call came to; the flag says that the connection is of no use any more.
async fn status(response: Response<Incoming>) -> Result<(), (Failure, bool)> {
    let permanent = |message: String| (Failure::lasting(message), false);
    let http = response.status();
    if !http.is_success() {
        let message = format!("the back end answered HTTP {http}, which is not gRPC");
        let retry = super::super::otlphttp::may_be_tried_again(http);
        return Err((Failure { retry, ..Failure::lasting(message) }, false));
    }
    let (parts, body) = response.into_parts();
    // A failed call may have its status in the headers and no body.
    if parts.headers.contains_key("grpc-status") {
        return verdict(&parts.headers);
    }
    let body = Limited::new(body, ANSWER_BYTES_MAX).collect().await;
    let body = body.map_err(|e| {
        let message = format!("the answer broke off: {e}");
        (Failure::passing(message), true)
    })?;
    match body.trailers() {
        Some(trailers) => verdict(trailers),
        None => Err(permanent("the back end's answer has no gRPC status".to_owned())),
    }
}

fn verdict(headers: &HeaderMap) -> Result<(), (Failure, bool)> {
    let code = headers.get("grpc-status").and_then(|v| v.to_str().ok()).and_then(|v| v.parse::<u8>().ok()).unwrap_or(2);
    if code == 0 {
        return Ok(());
    }
    let after = headers.get("grpc-status-details-bin").and_then(|v| retry_info(v.as_bytes()));
    let message = headers.get("grpc-message").map(|v| percent_decode(v.as_bytes())).unwrap_or_default();
    let retry = match code {
        // RESOURCE_EXHAUSTED only when the server says when.
        8 => after.is_some(),
        1 | 4 | 10 | 11 | 14 | 15 => true,
        _ => false,
    };
    let message = format!("the back end answered gRPC status {code}: {message}");
    Err((Failure { retry, after, ..Failure::lasting(message) }, false))
}

fn percent_decode(text: &[u8]) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&first, more)) = rest.split_first() {
        let hex =
            more.get(..2).and_then(|hex| std::str::from_utf8(hex).ok()).and_then(|h| u8::from_str_radix(h, 16).ok());
        match (first, hex) {
            (b'%', Some(byte)) => {
                out.push(byte);
                rest = &more[2..];
            }
            _ => {
                out.push(first);
                rest = more;
            }
        }
    }
    String::from_utf8_lossy(&out).chars().filter(|c| !c.is_control()).take(300).collect()
}

/// The delay of the `google.rpc.RetryInfo` in a `google.rpc.Status`.
fn retry_info(encoded: &[u8]) -> Option<Duration> {
    let engine = base64::engine::general_purpose::STANDARD_NO_PAD;
    let trimmed: Vec<u8> = encoded.iter().copied().filter(|b| *b != b'=').collect();
    let status = engine.decode(trimmed).ok()?;
    for any in fields(&status, 3) {
        let is_retry_info = fields(any, 1).any(|url| url.ends_with(b"google.rpc.RetryInfo"));
        if let (true, Some(info)) = (is_retry_info, fields(any, 2).next()) {
            let delay = fields(info, 1).next()?;
            return Some(Duration::new(number(delay, 1), u32::try_from(number(delay, 2)).unwrap_or(0)));
        }
    }
    None
}

/// The values of a field with a length.
fn fields(message: &[u8], field: u32) -> impl Iterator<Item = &[u8]> {
    let mut found = Vec::new();
    let mut reader = Reader::new(message);
    while let Ok(Some(key)) = reader.key() {
        let read = match (key.field() == field, key.wire_type()) {
            (true, 2) => reader.delimited().map(|value| found.push(value)),
            _ => reader.skip(key),
        };
        if read.is_err() {
            break;
        }
    }
    found.into_iter()
}

/// The last value of a varint field; 0 when there is none.
fn number(message: &[u8], field: u32) -> u64 {
    let mut value = 0;
    let mut reader = Reader::new(message);
    while let Ok(Some(key)) = reader.key() {
        let read = match (key.field() == field, key.wire_type()) {
            (true, 0) => reader.uint().map(|n| value = n),
            _ => reader.skip(key),
        };
        if read.is_err() {
            break;
        }
    }
    value
}

#[cfg(test)]
mod tests {
    use wire::otlp::{Encoding, Status};

    use super::*;

    #[test]
    fn targets() {
        let target = |text: &str| Target::parse(text).map(|t| (t.authority(), t.plain));
        assert_eq!(target("otel:4317"), Ok(("otel:4317".into(), None)));
        assert_eq!(target("http://otel:4317/"), Ok(("otel:4317".into(), Some(true))));
        assert_eq!(target("https://otel"), Ok(("otel:443".into(), Some(false))));
        assert_eq!(target("dns:///otel:1"), Ok(("otel:1".into(), None)));
        assert_eq!(target("[::1]:4317"), Ok(("[::1]:4317".into(), None)));
        for bad in ["otel", "", "ftp://x:1", "http://otel:4317/v1/traces", "a b:1"] {
            assert!(target(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_may_be_tried_again_is_what_otlp_says() {
        let answer = |code: u8, after: Option<Duration>| {
            let mut headers = HeaderMap::new();
            headers.insert("grpc-status", HeaderValue::from(u16::from(code)));
            headers.insert("grpc-message", HeaderValue::from_static("no%20room"));
            let status = Status { code, message: String::new(), retry_after: after };
            let encoded = base64::engine::general_purpose::STANDARD_NO_PAD.encode(status.encode(Encoding::Protobuf));
            headers.insert("grpc-status-details-bin", encoded.parse().unwrap());
            verdict(&headers).map_err(|(failure, _)| (failure.retry, failure.after, failure.message))
        };
        assert_eq!(answer(0, None), Ok(()));
        let after = Some(Duration::from_millis(2500));
        assert_eq!(answer(14, after), Err((true, after, "the back end answered gRPC status 14: no room".into())));
        assert!(answer(8, after).unwrap_err().0 && !answer(8, None).unwrap_err().0);
        assert!(!answer(3, None).unwrap_err().0);
    }
}
