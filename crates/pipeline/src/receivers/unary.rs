//! Unary gRPC calls, for receivers with one method.
//!
//! Source: "gRPC over HTTP2": a message is a flag byte (compressed or not), a length (u32, big-endian) and the bytes; the
//! status comes in the trailers.

use bytes::Bytes;
use foundation::ErrorKind;
use http::header::{self, HeaderMap, HeaderValue};
use http::{Request, Response};
use http_body_util::{BodyExt as _, Empty, Full};
use hyper::body::Incoming;

use super::web::{Body, Intake};
use crate::body::{self, RequestLimit};
use crate::budget::Lease;
use crate::journal::shortened;
use crate::otlp::compression::{self, Encoding};
use crate::refusal::Refusal;
use crate::telemetry::Origin;

const PREFIX_LEN: usize = 5;

/// Reads the one message of a call of one who may send, and decompresses it.
pub(super) async fn message(
    request: Request<Incoming>,
    intake: &Intake,
    origin: &Origin,
) -> Result<(Bytes, Lease, Origin), Refusal> {
    let origin = intake.authenticated(request.headers(), origin)?;
    let bad = |message: &'static str| Refusal::new(ErrorKind::InvalidInput, message);
    let name = request.headers().get("grpc-encoding").map_or("", |v| v.to_str().unwrap_or("?"));
    let encoding = Encoding::parse(name).ok_or_else(|| {
        let message = format!("grpc-encoding `{name}` is not supported; use gzip, zstd or identity");
        Refusal::new(ErrorKind::Unsupported, message)
    })?;
    let mut lease = intake.budget.lease();
    let limit = RequestLimit { bytes: intake.limit.bytes.saturating_add(PREFIX_LEN), ..intake.limit };
    let framed = body::read(request.into_body(), limit, &mut lease).await?;
    let Some([flag, length @ ..]) = framed.first_chunk::<PREFIX_LEN>() else {
        return Err(bad("the call has no whole message prefix"));
    };
    if framed.len() - PREFIX_LEN != u32::from_be_bytes(*length) as usize {
        return Err(bad("the message is not as long as its prefix says, or the call has several"));
    }
    let encoding = if *flag == 1 { encoding } else { Encoding::Identity };
    let plain = compression::decompress(encoding, framed.slice(PREFIX_LEN..), intake.limit, &mut lease)?;
    Ok((plain, lease, origin))
}

/// The answer to a call that was taken: an empty message.
pub(super) fn success() -> Response<Body> {
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from_static("0"));
    let body = Full::new(Bytes::from_static(&[0; PREFIX_LEN])).with_trailers(async move { Some(Ok(trailers)) });
    grpc(Response::new(body.boxed_unsync()))
}

/// The answer to a call that was refused: the status is in the headers ("Trailers-Only").
pub(super) fn failure(refusal: &Refusal) -> Response<Body> {
    let mut response = grpc(Response::new(Empty::new().boxed_unsync()));
    let headers = response.headers_mut();
    headers.insert("grpc-status", HeaderValue::from(u16::from(refusal.grpc())));
    let mut message = String::new();
    for byte in shortened(&refusal.message).bytes() {
        match byte {
            b' '..=b'~' if byte != b'%' => message.push(byte as char),
            _ => message.push_str(&format!("%{byte:02X}")),
        }
    }
    if let Ok(message) = HeaderValue::from_str(&message) {
        headers.insert("grpc-message", message);
    }
    response
}

fn grpc(mut response: Response<Body>) -> Response<Body> {
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    response
}
