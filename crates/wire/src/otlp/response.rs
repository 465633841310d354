//! What a sender is answered: export responses, and statuses for refusals.
//!
//! Source: opentelemetry/proto/collector/*/v1/*_service.proto; OTLP specification, "OTLP/HTTP Response";
//! google/rpc/status.proto and google/rpc/error_details.proto.

use std::time::Duration;

use model::Signal;
use serde_json::{Value as Json, json};

use super::decoded::Decoded;
use crate::protobuf::{Malformed, Reader, Writer};

const RETRY_INFO: &str = "type.googleapis.com/google.rpc.RetryInfo";

/// How a request and its response are spelled; they are spelled alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Encoding {
    /// `application/x-protobuf`, and gRPC.
    Protobuf,
    /// `application/json`.
    Json,
}

impl Encoding {
    /// The media type of HTTP bodies.
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Protobuf => "application/x-protobuf",
            Self::Json => "application/json",
        }
    }
}

/// An `Export{Trace,Logs,Metrics}ServiceResponse`. `partial_success` is unset when nothing was refused.
pub fn export_response(signal: Signal, decoded: &Decoded, encoding: Encoding) -> Vec<u8> {
    let message = message(signal, decoded);
    let complete = decoded.rejected == 0 && message.is_empty();
    match encoding {
        Encoding::Protobuf => {
            let mut w = Writer::new();
            if !complete {
                w.message(1, |w| {
                    if decoded.rejected > 0 {
                        w.uint(1, decoded.rejected);
                    }
                    w.string(2, &message);
                });
            }
            w.into_bytes()
        }
        Encoding::Json if complete => b"{}".to_vec(),
        Encoding::Json => {
            let rejected = match signal {
                Signal::Traces => "rejectedSpans",
                Signal::Metrics => "rejectedDataPoints",
                Signal::Logs => "rejectedLogRecords",
            };
            let count = decoded.rejected.to_string();
            json!({ "partialSuccess": { rejected: count, "errorMessage": message } }).to_string().into_bytes()
        }
    }
}

/// What a server says in an `Export*ServiceResponse` of records that it did not take: how many, and why. A server that took all may
/// have something to say, too.
///
/// # Errors
/// It is no such message.
pub fn read_export_response(body: &[u8]) -> Result<(u64, String), Malformed> {
    let (mut rejected, mut message) = (0, String::new());
    let mut r = Reader::new(body);
    while let Some(key) = r.key()? {
        if key.field() != 1 {
            r.skip(key)?;
            continue;
        }
        let mut partial = Reader::new(r.delimited()?);
        while let Some(key) = partial.key()? {
            match key.field() {
                1 => rejected = partial.uint()?,
                2 => message = String::from_utf8_lossy(partial.delimited()?).into_owned(),
                _ => partial.skip(key)?,
            }
        }
    }
    Ok((rejected, message))
}

/// What `error_message` says: how many records were refused, and the first of them.
fn message(signal: Signal, decoded: &Decoded) -> String {
    match (&decoded.first_error, decoded.rejected) {
        (None, 0) => String::new(),
        (None, n) => format!("{n} {} refused", signal.records()),
        (Some(first), 0 | 1) => first.clone(),
        (Some(first), n) => format!("{n} {} refused, the first: {first}", signal.records()),
    }
}

/// A `google.rpc.Status`: the body of an HTTP error, and gRPC's `grpc-status-details-bin`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// A gRPC status code (`google.rpc.Code`).
    pub code: u8,
    /// For the developer who reads the sender's log.
    pub message: String,
    /// When a retry has a chance: a `google.rpc.RetryInfo` detail. Only with this may a sender retry `RESOURCE_EXHAUSTED`.
    pub retry_after: Option<Duration>,
}

impl Status {
    /// The message in the given encoding.
    pub fn encode(&self, encoding: Encoding) -> Vec<u8> {
        match encoding {
            Encoding::Protobuf => self.to_protobuf(),
            Encoding::Json => self.to_json().to_string().into_bytes(),
        }
    }

    /// The message of a status in protobuf.
    ///
    /// # Errors
    /// It is no such message.
    pub fn read_message(body: &[u8]) -> Result<String, Malformed> {
        let mut message = String::new();
        let mut r = Reader::new(body);
        while let Some(key) = r.key()? {
            match key.field() {
                2 => message = String::from_utf8_lossy(r.delimited()?).into_owned(),
                _ => r.skip(key)?,
            }
        }
        Ok(message)
    }

    fn to_protobuf(&self) -> Vec<u8> {
        let mut w = Writer::new();
        if self.code != 0 {
            w.uint(1, self.code.into());
        }
        if !self.message.is_empty() {
            w.string(2, &self.message);
        }
        if let Some(delay) = self.retry_after {
            // google.protobuf.Any around RetryInfo around google.protobuf.Duration.
            w.message(3, |w| {
                w.string(1, RETRY_INFO);
                w.message(2, |w| {
                    w.message(1, |w| {
                        if delay.as_secs() > 0 {
                            w.uint(1, delay.as_secs());
                        }
                        if delay.subsec_nanos() > 0 {
                            w.uint(2, delay.subsec_nanos().into());
                        }
                    });
                });
            });
        }
        w.into_bytes()
    }

    fn to_json(&self) -> Json {
        let mut status = json!({ "code": self.code, "message": self.message });
        if let Some(delay) = self.retry_after {
            status["details"] = json!([{ "@type": RETRY_INFO, "retryDelay": duration_text(delay) }]);
        }
        status
    }
}

/// A `google.protobuf.Duration` in the proto3 JSON mapping: seconds with 0, 3, 6 or 9 digits of fraction.
fn duration_text(d: Duration) -> String {
    let (s, n) = (d.as_secs(), d.subsec_nanos());
    match n {
        0 => format!("{s}s"),
        n if n % 1_000_000 == 0 => format!("{s}.{:03}s", n / 1_000_000),
        n if n % 1_000 == 0 => format!("{s}.{:06}s", n / 1_000),
        n => format!("{s}.{n:09}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json_of(signal: Signal, decoded: &Decoded) -> String {
        String::from_utf8(export_response(signal, decoded, Encoding::Json)).unwrap()
    }

    #[test]
    fn full_success_leaves_partial_success_unset() {
        let all = Decoded { accepted: 5, ..Decoded::default() };
        assert_eq!(export_response(Signal::Traces, &all, Encoding::Protobuf), b"");
        assert_eq!(read_export_response(b""), Ok((0, String::new())));
        // As a Collector spells it.
        assert_eq!(read_export_response(b"\x0a\x00"), Ok((0, String::new())));
        assert!(read_export_response(b"404 not found").is_err());
        assert_eq!(json_of(Signal::Traces, &all), "{}");
    }

    #[test]
    fn refused_records_are_counted_and_explained() {
        let some = Decoded { accepted: 5, rejected: 2, first_error: Some("spans[1]: bad".into()) };
        let expected = "2 spans refused, the first: spans[1]: bad";
        let mut w = Writer::new();
        w.message(1, |w| {
            w.uint(1, 2);
            w.string(2, expected);
        });
        assert_eq!(export_response(Signal::Traces, &some, Encoding::Protobuf), w.as_bytes());
        assert_eq!(read_export_response(w.as_bytes()), Ok((2, expected.to_owned())));
        assert_eq!(
            json_of(Signal::Traces, &some),
            format!(r#"{{"partialSuccess":{{"rejectedSpans":"2","errorMessage":"{expected}"}}}}"#)
        );
        assert!(json_of(Signal::Metrics, &some).contains(r#""rejectedDataPoints":"2""#));
        assert!(json_of(Signal::Logs, &some).contains(r#""rejectedLogRecords":"2""#));
    }

    #[test]
    fn a_status_says_when_to_retry() {
        let status = Status { code: 14, message: "full".into(), retry_after: Some(Duration::from_millis(1500)) };
        assert_eq!(
            status.encode(Encoding::Protobuf),
            b"\x08\x0e\x12\x04full\x1a\x36\x0a\x28type.googleapis.com/google.rpc.RetryInfo\x12\x0a\x0a\x08\x08\x01\x10\x80\xca\xb5\xee\x01"
        );
        assert_eq!(
            String::from_utf8(status.encode(Encoding::Json)).unwrap(),
            r#"{"code":14,"message":"full","details":[{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"1.500s"}]}"#
        );
        assert_eq!(Status::read_message(&status.encode(Encoding::Protobuf)), Ok("full".to_owned()));
        let plain = Status { code: 3, message: "bad".into(), retry_after: None };
        assert_eq!(plain.encode(Encoding::Protobuf), b"\x08\x03\x12\x03bad");
        assert_eq!(duration_text(Duration::new(3, 1)), "3.000000001s");
    }
}
