//! Lines of JSON as a log request: one object per line, one record per object.
//!
//! The keys that mean the message, the time and so on are those that loggers use ([`json_line::COMMON`]), or those that the sender
//! names. A line that is no object is a record all the same: its text is the body, and it is counted.

use foundation::UnixNanos;
use model::trace::{Resource, Scope};
use model::{SpanId, TraceId, Value, semconv};

use crate::json_line::{self, Found, Interest, Scalar};
use crate::otlp::Assembly;
use crate::protobuf::Writer;
use crate::{civil, severity};

/// How lines are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options<'o> {
    /// When they arrived.
    pub now: UnixNanos,
    /// Keys that mean something.
    pub interest: Interest<'o>,
    /// The service of lines that name none.
    pub service: Option<&'o str>,
}

impl Options<'_> {
    /// The keys that loggers use.
    pub const fn new(now: UnixNanos) -> Self {
        Self { now, interest: json_line::COMMON, service: None }
    }
}

/// Lines as a request to store.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Converted {
    /// An `ExportLogsServiceRequest`.
    pub request: Vec<u8>,
    /// How many records are in it.
    pub records: u64,
    /// How many of them are lines that are no JSON object.
    pub plain: u64,
    /// The first of these: its number from 1, and why.
    pub first_plain: Option<(u64, String)>,
}

/// Reads all lines; empty ones are left out.
pub fn read(body: &[u8], options: &Options<'_>) -> Converted {
    let (mut assembly, mut out) = (Assembly::new(), Converted::default());
    let (mut record, mut group) = (Writer::new(), None);
    for (n, line) in body.split(|b| *b == b'\n').enumerate() {
        let line = String::from_utf8_lossy(line);
        let line = line.trim();
        if line.is_empty() {
            continue;
        }
        record.clear();
        let service = match json_line::read(line, &options.interest, 6, &mut record) {
            Ok(found) => {
                head(&mut record, &found, options.now);
                found.service.map(|s| s.to_text().into_owned())
            }
            Err(e) => {
                out.plain += 1;
                out.first_plain.get_or_insert_with(|| (n as u64 + 1, e.to_string()));
                record.clear();
                record.message(5, |w| w.string(1, line));
                time(&mut record, None, options.now);
                None
            }
        };
        let service = service.or_else(|| options.service.map(str::to_owned));
        let group = match &group {
            Some((name, group)) if *name == service => *group,
            _ => {
                let attributes = service.iter().map(|s| (semconv::SERVICE_NAME.to_owned(), Value::Str(s.clone())));
                let resource = Resource { attributes: attributes.collect(), ..Resource::default() };
                let made = assembly.group(&resource, &Scope::default());
                group = Some((service, made));
                made
            }
        };
        assembly.record(group, |w| w.raw(record.as_bytes()));
    }
    out.records = assembly.records();
    out.request = assembly.into_request();
    out
}

/// Writes what was found as the fields of a `LogRecord`.
fn head(w: &mut Writer, found: &Found<'_>, now: UnixNanos) {
    if let Some(message) = &found.message {
        w.message(5, |w| w.string(1, &message.to_text()));
    }
    time(w, found.time.as_ref().and_then(time_of), now);
    if let Some(level) = &found.severity {
        let number = match level {
            Scalar::Int(n) => severity::of_number(*n),
            other => severity::of_text(&other.to_text()),
        };
        w.uint(2, u64::from(number));
        w.string(3, &level.to_text());
    }
    if let Some(id) = found.trace_id.as_ref().and_then(|t| t.to_text().parse::<TraceId>().ok()) {
        w.bytes(9, &id.0);
    }
    if let Some(id) = found.span_id.as_ref().and_then(|t| t.to_text().parse::<SpanId>().ok()) {
        w.bytes(10, &id.0);
    }
}

fn time(w: &mut Writer, time: Option<UnixNanos>, now: UnixNanos) {
    for (field, t) in [(1, time.unwrap_or(now)), (11, now)] {
        w.fixed64(field, u64::try_from(t.0).unwrap_or(0));
    }
}

/// RFC 3339, or a number since the epoch in any unit.
fn time_of(scalar: &Scalar<'_>) -> Option<UnixNanos> {
    match scalar {
        Scalar::Int(n) => civil::epoch_int(*n),
        Scalar::Double(n) => civil::epoch(*n),
        Scalar::Str(text) => civil::rfc3339(text).or_else(|| match text.parse() {
            Ok(n) => civil::epoch_int(n),
            Err(_) => civil::epoch(text.parse().ok()?),
        }),
        Scalar::Bool(_) | Scalar::Null => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::otlp::{Limits, decode_logs};
    use crate::rows::RowLogSink;

    #[test]
    fn lines_become_records() {
        let body = b"{\"ts\":\"2023-11-14T22:13:20Z\",\"level\":\"error\",\"msg\":\"boom\",\"service\":\"shop\",\"trace_id\":\"4bf92f3577b34da6a3ce929d0e0e4736\",\"n\":1}\n\nplain text\n{\"msg\":\"x\",\"level\":30}";
        let options = Options { service: Some("other"), ..Options::new(UnixNanos(1_700_000_001_000_000_000)) };
        let converted = read(body, &options);
        assert_eq!((converted.records, converted.plain), (3, 1));
        assert_eq!(converted.first_plain.unwrap().0, 3);
        let mut sink = RowLogSink::default();
        decode_logs(&converted.request, &Limits::new(UnixNanos(1)), &mut sink).unwrap();
        let got: Vec<_> = sink
            .records
            .iter()
            .map(|r| (r.resource.service(), r.body.as_str().unwrap(), r.severity_number, r.time.as_millis() / 1000))
            .collect();
        assert_eq!(
            got,
            [
                ("shop", "boom", 17, 1_700_000_000),
                ("other", "plain text", 0, 1_700_000_001),
                ("other", "x", 9, 1_700_000_001)
            ]
        );
        assert_eq!(sink.records[0].trace_id.to_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_eq!(sink.records[0].attributes, [("n".to_owned(), Value::Int(1))]);
    }
}
