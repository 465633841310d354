//! The spans of a request: nginx as a server, and each attempt at an upstream as a client.
//!
//! The server's span has the id that nginx handed on in `traceparent`, so that the spans of the service behind it hang under it. Ids of
//! attempts are made of it, the same at every reading. Times have nginx's resolution of a millisecond.

use model::trace::Status;
use model::{Span, SpanId, UnixNanos, Value};

use super::line::Access;

/// None for a line without ids.
pub(super) fn of(access: &Access) -> Vec<Span> {
    if access.trace_id.is_zero() || access.span_id.is_zero() {
        return Vec::new();
    }
    let start = UnixNanos(access.end.0.saturating_sub(access.duration));
    let mut attributes = access.attributes();
    attributes.push(("nginx.upstream.attempts".to_owned(), Value::Int(access.attempts.len() as i64)));
    let server = Span {
        trace_id: access.trace_id,
        span_id: access.span_id,
        parent_span_id: access.parent_span_id,
        flags: access.flags,
        name: format!("{} {}", access.method, access.route()),
        kind: 2,
        start,
        end: access.end,
        attributes,
        status: Status { code: if access.status >= 500 { 2 } else { 0 }, message: String::new() },
        ..Span::default()
    };
    let mut spans = vec![server];
    let mut from = start;
    for (n, attempt) in access.attempts.iter().enumerate() {
        let end = UnixNanos(from.0.saturating_add(attempt.duration).min(access.end.0.max(from.0)));
        let mut attributes = vec![
            ("http.request.method".to_owned(), Value::Str(access.method.clone())),
            ("url.path".to_owned(), Value::Str(access.path().to_owned())),
        ];
        let (host, port) = match attempt.address.rsplit_once(':') {
            Some((host, port)) if !attempt.address.starts_with("unix:") => (host, port.parse().ok()),
            _ => (attempt.address.as_str(), None),
        };
        if !host.is_empty() {
            attributes.push(("server.address".to_owned(), Value::Str(host.trim_matches(['[', ']']).to_owned())));
        }
        if let Some(port) = port {
            attributes.push(("server.port".to_owned(), Value::Int(port)));
        }
        if n > 0 {
            attributes.push(("http.request.resend_count".to_owned(), Value::Int(n as i64)));
        }
        match attempt.status {
            Some(status) => attributes.push(("http.response.status_code".to_owned(), Value::Int(status))),
            None => attributes.push(("error.type".to_owned(), Value::Str("no_response".to_owned()))),
        }
        let failed = attempt.status.is_none_or(|s| s >= 400);
        spans.push(Span {
            trace_id: access.trace_id,
            span_id: derived(access.span_id, n),
            parent_span_id: access.span_id,
            flags: access.flags,
            name: access.method.clone(),
            kind: 3,
            start: from,
            end,
            attributes,
            status: Status { code: if failed { 2 } else { 0 }, message: String::new() },
            ..Span::default()
        });
        from = end;
    }
    spans
}

/// FNV-1a of the server's id and the number of the attempt; never zero.
fn derived(id: SpanId, n: usize) -> SpanId {
    let mut hash = 0xcbf2_9ce4_8422_2325u64;
    for byte in id.0.iter().chain(&(n as u64 + 1).to_be_bytes()) {
        hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    }
    SpanId(hash.max(1).to_be_bytes())
}
