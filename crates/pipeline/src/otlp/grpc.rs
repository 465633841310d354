//! OTLP/gRPC: unary `Export` calls, and the health check service.
//!
//! Source: "gRPC over HTTP2": a message is a flag byte (compressed or not), a
//! length (u32, big-endian) and the bytes; the status comes in the trailers.

use std::sync::Arc;
use std::time::Instant;

use base64::Engine as _;
use bytes::Bytes;
use foundation::ErrorKind;
use http::header::{self, HeaderMap, HeaderValue};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::{Request, Response};
use model::Signal;
use wire::otlp::{Decoded, Encoding as Format, export_response};

use super::compression::{self, Encoding};
use super::server::{Body, Context, Protocol};
use super::signal_of_method;
use crate::body::{self, RequestLimit};
use crate::journal::{Whence, shortened};
use crate::refusal::Refusal;
use crate::telemetry::{Origin, Telemetry};

const PREFIX_LEN: usize = 5;
/// `grpc.health.v1.HealthCheckResponse { status: SERVING }`.
const SERVING: &[u8] = &[0x08, 0x01];

pub(super) fn is_grpc(request: &Request<Incoming>) -> bool {
    let content_type = request.headers().get(header::CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
    content_type.starts_with(b"application/grpc")
}

pub(super) async fn handle(request: Request<Incoming>, context: &Context, origin: &Arc<Origin>) -> Response<Body> {
    if request.uri().path() == "/grpc.health.v1.Health/Check" {
        return success(SERVING);
    }
    let signal = signal_of_method(request.uri().path());
    let begin = Instant::now();
    let outcome = export(request, signal, context, origin).await;
    context.told(Protocol::Grpc, signal, begin, origin, &outcome);
    match outcome {
        Ok((signal, decoded)) => success(&export_response(signal, &decoded, Format::Protobuf)),
        Err(refusal) => {
            let code = format!("grpc {}", refusal.grpc());
            context.journal.request_refused_from(signal, &code, &refusal.message, Whence::from(&**origin));
            failure(&refusal)
        }
    }
}

async fn export(
    request: Request<Incoming>,
    signal: Option<Signal>,
    context: &Context,
    origin: &Arc<Origin>,
) -> Result<(Signal, Decoded), Refusal> {
    let Some(signal) = signal else {
        let message = format!("there is no method {}", request.uri().path());
        return Err(Refusal::new(ErrorKind::Unsupported, message));
    };
    let output = context.output(signal)?;
    let origin = context.origin(request.headers(), origin)?;
    let encoding = match request.headers().get("grpc-encoding").map(HeaderValue::to_str) {
        None => Encoding::Identity,
        Some(Ok(name)) => Encoding::parse(name).ok_or_else(|| {
            Refusal::new(
                ErrorKind::Unsupported,
                format!("grpc-encoding `{name}` is not supported; use gzip, zstd or identity"),
            )
        })?,
        Some(Err(_)) => return Err(Refusal::new(ErrorKind::InvalidInput, "grpc-encoding is not text")),
    };
    let mut lease = context.config.budget.lease();
    let limit = context.config.request_bytes_max;
    let framed = body::read_within(
        context.config.body_timeout,
        request.into_body(),
        RequestLimit { bytes: limit.bytes.saturating_add(PREFIX_LEN), ..limit },
        &mut lease,
    )
    .await?;
    let (compressed, message) = unframe(&framed)?;
    let encoding = if compressed { encoding } else { Encoding::Identity };
    let plain = compression::decompress(encoding, message, limit, &mut lease)?;
    let bytes = plain.len();
    let decoded = output.consume(Telemetry::new(signal, plain).from(Some(origin))).await?;
    context.count(signal, bytes, &decoded);
    Ok((signal, decoded))
}

/// The one message of a unary call, and whether it is compressed.
fn unframe(framed: &Bytes) -> Result<(bool, Bytes), Refusal> {
    let bad = |message: &'static str| Refusal::new(ErrorKind::InvalidInput, message);
    let prefix = framed.first_chunk::<PREFIX_LEN>().ok_or_else(|| bad("the call has no whole message prefix"))?;
    let len = u32::from_be_bytes([prefix[1], prefix[2], prefix[3], prefix[4]]) as usize;
    if framed.len() - PREFIX_LEN != len {
        return Err(bad("the message is not as long as its prefix says, or the call has several"));
    }
    Ok((prefix[0] == 1, framed.slice(PREFIX_LEN..)))
}

fn success(message: &[u8]) -> Response<Body> {
    let mut framed = Vec::with_capacity(PREFIX_LEN + message.len());
    framed.push(0);
    framed.extend_from_slice(&(message.len() as u32).to_be_bytes());
    framed.extend_from_slice(message);
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from_static("0"));
    let body = Full::new(Bytes::from(framed)).with_trailers(async move { Some(Ok(trailers)) });
    let mut response = Response::new(body.boxed_unsync());
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    response
}

/// A failed call has its status in the headers and no body ("Trailers-Only").
fn failure(refusal: &Refusal) -> Response<Body> {
    let mut response = Response::new(http_body_util::Empty::new().boxed_unsync());
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    headers.insert("grpc-status", HeaderValue::from(u16::from(refusal.grpc())));
    if let Ok(message) = HeaderValue::from_str(&percent_encode(shortened(&refusal.message))) {
        headers.insert("grpc-message", message);
    }
    if refusal.retry_after().is_some() {
        let details = refusal.status().encode(Format::Protobuf);
        let encoded = base64::engine::general_purpose::STANDARD_NO_PAD.encode(details);
        if let Ok(value) = HeaderValue::from_str(&encoded) {
            headers.insert("grpc-status-details-bin", value);
        }
    }
    response
}

/// `grpc-message`: printable ASCII except `%` as it is, every other byte as `%XX`.
fn percent_encode(message: &str) -> String {
    let mut out = String::with_capacity(message.len());
    for byte in message.bytes() {
        match byte {
            b' '..=b'~' if byte != b'%' => out.push(byte as char),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unframes_one_message() {
        assert_eq!(unframe(&Bytes::from_static(b"\0\0\0\0\x02hi")).unwrap(), (false, Bytes::from_static(b"hi")));
        assert_eq!(unframe(&Bytes::from_static(b"\x01\0\0\0\0")).unwrap(), (true, Bytes::new()));
        wire::mutation::run(|bytes| drop(unframe(&Bytes::copy_from_slice(bytes))), &[b"\0\0\0\0\x02hi".to_vec()], 2000);
        for bad in [&b""[..], b"\0\0\0", b"\0\0\0\0\x03hi", b"\0\0\0\0\x01hi"] {
            assert!(unframe(&Bytes::copy_from_slice(bad)).is_err());
        }
    }

    #[test]
    fn messages_are_percent_encoded() {
        assert_eq!(percent_encode("100 % of ü\n"), "100 %25 of %C3%BC%0A");
    }
}
