//! OTLP/HTTP: `POST /v1/{traces,metrics,logs}` with protobuf or JSON.
//!
//! Source: OTLP specification, "OTLP/HTTP". The answer has the content type of
//! the request; failures carry a `google.rpc.Status`.

use std::sync::Arc;
use std::time::Instant;

use http::header::{self, HeaderMap, HeaderValue};
use http::request::Parts;
use http::{Method, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::{Request, Response};
use model::Signal;
use wire::otlp::{Decoded, Encoding as Format, export_response};

use super::compression::{self, ACCEPTED, Encoding};
use super::server::{Body, Context, Protocol};
use crate::body;
use crate::journal::Whence;
use crate::refusal::Refusal;
use crate::telemetry::{Origin, Telemetry};

/// How the request is written, and therefore the answer.
fn format_of(headers: &HeaderMap) -> Option<Format> {
    let value = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    let media_type = value.split(';').next().unwrap_or_default().trim();
    let is = |name: &str| media_type.eq_ignore_ascii_case(name);
    if is("application/x-protobuf") || is("application/protobuf") {
        return Some(Format::Protobuf);
    }
    is("application/json").then_some(Format::Json)
}

pub(super) async fn handle(request: Request<Incoming>, context: &Context, origin: &Arc<Origin>) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let headers = &parts.headers;
    let mut response = match (&parts.method, context.signal_of_path(parts.uri.path())) {
        (&Method::OPTIONS, Some(_)) => preflight(headers, context, origin),
        (_, signal) => {
            let format = format_of(headers).unwrap_or(Format::Json);
            let begin = Instant::now();
            let outcome = check_and_export(&parts, body, signal, context, origin).await;
            context.told(Protocol::Http, signal, begin, origin, &outcome);
            match outcome {
                Ok((signal, decoded)) => respond(StatusCode::OK, format, export_response(signal, &decoded, format)),
                Err(refusal) => {
                    let code = refusal.http().to_string();
                    let whence = Whence::from(&**origin).of_page(headers);
                    context.journal.request_refused_from(signal, &code, &refusal.message, whence);
                    failure(format, &refusal)
                }
            }
        }
    };
    if !response.headers().contains_key(header::VARY) {
        context.config.cors.answer(headers, response.headers_mut());
    }
    response
}

async fn check_and_export(
    parts: &Parts,
    body: Incoming,
    signal: Option<Signal>,
    context: &Context,
    origin: &Arc<Origin>,
) -> Result<(Signal, Decoded), Refusal> {
    let (method, path, headers) = (&parts.method, parts.uri.path(), &parts.headers);
    let Some(signal) = signal else {
        return Err(Refusal::with_status(
            404,
            format!("there is nothing at {path}; send to {}", context.config.paths.join(", ")),
        ));
    };
    if *method != Method::POST {
        return Err(Refusal::with_status(405, format!("{method} is not allowed on {path}; use POST")));
    }
    let output = context.output(signal)?;
    let origin = context.origin(headers, origin)?;
    let Some(format) = format_of(headers) else {
        let message = "the content type must be application/x-protobuf or application/json";
        return Err(Refusal::with_status(415, message));
    };
    let encoding = match headers.get(header::CONTENT_ENCODING).map(HeaderValue::to_str) {
        None => Encoding::Identity,
        Some(Ok(name)) => Encoding::parse(name).ok_or_else(|| {
            Refusal::with_status(415, format!("content-encoding `{name}` is not supported; use one of {ACCEPTED}"))
        })?,
        Some(Err(_)) => return Err(Refusal::with_status(415, "content-encoding is not text")),
    };
    let mut lease = context.config.budget.lease();
    let limit = context.config.request_bytes_max;
    let compressed = body::read_within(context.config.body_timeout, body, limit, &mut lease).await?;
    let plain = compression::decompress(encoding, compressed, limit, &mut lease)?;
    let protobuf = match format {
        Format::Protobuf => plain,
        Format::Json => {
            let read = || wire::otlp::json::to_protobuf(signal, &plain);
            let protobuf = tokio::task::block_in_place(read)
                .map_err(|e| Refusal::new(foundation::ErrorKind::InvalidInput, e.to_string()))?;
            lease.grow(protobuf.len())?;
            protobuf.into()
        }
    };
    let bytes = protobuf.len();
    let decoded = output.consume(Telemetry::new(signal, protobuf).from(Some(origin))).await?;
    context.count(signal, bytes, &decoded);
    Ok((signal, decoded))
}

fn preflight(headers: &HeaderMap, context: &Context, sender: &Origin) -> Response<Body> {
    let mut response = Response::new(empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    if !context.config.cors.preflight(headers, response.headers_mut()) {
        *response.status_mut() = StatusCode::FORBIDDEN;
        let origin = headers.get(header::ORIGIN).and_then(|o| o.to_str().ok()).unwrap_or("without an origin");
        let message = format!(
            "a browser page of {origin} may not send: add it to `receivers.otlp.protocols.http.cors.allowed_origins`"
        );
        context.journal.note_from(None, "cors", &message, 1, Whence::from(sender).of_page(headers));
    }
    response
}

fn failure(format: Format, refusal: &Refusal) -> Response<Body> {
    let status = StatusCode::from_u16(refusal.http()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = respond(status, format, refusal.status().encode(format));
    let headers = response.headers_mut();
    if let Some(after) = refusal.retry_after() {
        // Whole seconds (RFC 9110, 10.2.3), never zero.
        headers.insert(header::RETRY_AFTER, HeaderValue::from(after.as_secs().max(1)));
    }
    match status {
        StatusCode::METHOD_NOT_ALLOWED => {
            drop(headers.insert(header::ALLOW, HeaderValue::from_static("POST, OPTIONS")))
        }
        StatusCode::UNAUTHORIZED => {
            drop(headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Basic, Bearer")));
        }
        StatusCode::UNSUPPORTED_MEDIA_TYPE => {
            headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static(ACCEPTED));
        }
        // The rest of a refused body is not read, so the connection cannot be used again.
        StatusCode::PAYLOAD_TOO_LARGE => drop(headers.insert(header::CONNECTION, HeaderValue::from_static("close"))),
        _ => {}
    }
    response
}

fn respond(status: StatusCode, format: Format, bytes: Vec<u8>) -> Response<Body> {
    let mut response = Response::new(Full::new(bytes.into()).boxed_unsync());
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(format.content_type()));
    response
}

fn empty() -> Body {
    http_body_util::Empty::new().boxed_unsync()
}
