//! One line of the access log.
//!
//! Names are nginx's own variables, and the short ones that formats commonly use.

use foundation::UnixNanos;
use model::{LogRecord, SpanId, TraceId, Value};
use serde_json::{Map, Value as Json};
use wire::civil;

/// Distinct parts of a path that make its route.
const SEGMENTS_MAX: usize = 6;

/// A request as nginx logged it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Access {
    pub method: String,
    pub uri: String,
    pub status: i64,
    /// When the request was answered.
    pub end: UnixNanos,
    /// Nanoseconds.
    pub duration: i64,
    pub trace_id: TraceId,
    pub span_id: SpanId,
    pub parent_span_id: SpanId,
    pub flags: u32,
    pub attempts: Vec<Attempt>,
    fields: Map<String, Json>,
    text: String,
}

/// One try to have an upstream answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Attempt {
    pub address: String,
    /// `None`: it did not answer.
    pub status: Option<i64>,
    /// Nanoseconds.
    pub duration: i64,
}

/// `1.234` seconds, `-` or nothing.
fn seconds(text: &str) -> Option<i64> {
    let seconds: f64 = text.trim().parse().ok()?;
    (0.0..1e9).contains(&seconds).then_some((seconds * 1e9).round() as i64)
}

impl Access {
    /// Fails when the line is no JSON object with a method and a status.
    pub(super) fn read(text: &str, now: UnixNanos) -> Result<Self, String> {
        let shown = || text.chars().take(120).collect::<String>();
        let json: Json = serde_json::from_str(text).map_err(|e| format!("`{}` is no JSON: {e}", shown()))?;
        let Json::Object(fields) = json else { return Err(format!("`{}` is no JSON object", shown())) };
        let get = |names: &[&str]| -> String {
            let found = names.iter().find_map(|n| fields.get(*n));
            match found {
                Some(Json::String(text)) if text != "-" => text.clone(),
                Some(Json::Number(number)) => number.to_string(),
                _ => String::new(),
            }
        };
        let status = get(&["status", "http_status", "response_code"]).parse().ok();
        let (mut method, mut uri) = (get(&["request_method", "method"]), get(&["request_uri", "uri", "path", "url"]));
        if method.is_empty() {
            // `"request": "GET /path HTTP/1.1"`
            let request = get(&["request"]);
            let mut words = request.split(' ').map(str::to_owned);
            (method, uri) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        }
        let (Some(status), false) = (status, method.is_empty()) else {
            return Err(format!(
                "`{}` has no status and method; the log_format needs `status` and `request_method`",
                shown()
            ));
        };
        let time = get(&["msec", "timestamp", "time", "time_iso8601", "ts", "@timestamp"]);
        // A double has too few digits for nanoseconds: milliseconds are what nginx has.
        let from_epoch = || time.parse::<f64>().ok().map(|s| UnixNanos::from_millis((s * 1000.0).round() as i64));
        let end = from_epoch().or_else(|| civil::rfc3339(&time)).unwrap_or(now);
        Ok(Self {
            status,
            end,
            duration: seconds(&get(&["request_time", "duration"])).unwrap_or(0),
            trace_id: get(&["trace_id", "traceId", "otel_trace_id"]).parse().unwrap_or(TraceId::ZERO),
            span_id: get(&["span_id", "spanId", "otel_span_id"]).parse().unwrap_or(SpanId::ZERO),
            parent_span_id: get(&["parent_span_id", "parentSpanId"]).parse().unwrap_or(SpanId::ZERO),
            flags: u32::from_str_radix(&get(&["trace_flags", "flags", "otel_flags"]), 16).unwrap_or(1),
            attempts: attempts(&get(&["upstream_addr"]), &get(&["upstream_status"]), &get(&["upstream_response_time"])),
            method,
            uri,
            fields,
            text: text.to_owned(),
        })
    }

    /// The path without its query.
    pub(super) fn path(&self) -> &str {
        self.uri.split(['?', '#']).next().unwrap_or_default()
    }

    pub(super) fn query(&self) -> Option<&str> {
        self.uri.split_once('?').map(|(_, query)| query).filter(|q| !q.is_empty())
    }

    /// The path with what looks like an id taken out, so that there are few of them: `/api/users/{id}`.
    pub(super) fn route(&self) -> String {
        let mut route = String::new();
        for segment in self.path().split('/').filter(|s| !s.is_empty()).take(SEGMENTS_MAX) {
            let digits = segment.bytes().filter(u8::is_ascii_digit).count();
            let is_id =
                segment.len() > 40 || digits == segment.len() || digits >= 4 || segment.len() >= 16 && digits > 0;
            route.push('/');
            route.push_str(if is_id { "{id}" } else { segment });
        }
        if route.is_empty() { "/".to_owned() } else { route }
    }

    /// A field of the line, under one of its names, if it is a text with something in it.
    pub(super) fn text(&self, names: &[&str]) -> Option<&str> {
        names.iter().find_map(|n| self.fields.get(*n)?.as_str()).filter(|t| !t.is_empty() && *t != "-")
    }

    pub(super) fn int(&self, names: &[&str]) -> Option<i64> {
        let value = names.iter().find_map(|n| self.fields.get(*n))?;
        value.as_i64().or_else(|| value.as_str()?.parse().ok())
    }

    /// Semantic conventions of HTTP for what the line says.
    pub(super) fn attributes(&self) -> Vec<(String, Value)> {
        let mut out: Vec<(String, Value)> = Vec::with_capacity(12);
        let mut text = |key: &str, value: Option<&str>| {
            if let Some(value) = value {
                out.push((key.to_owned(), Value::Str(value.to_owned())));
            }
        };
        text("http.request.method", Some(&self.method));
        text("url.path", Some(self.path()));
        text("url.query", self.query());
        text("url.scheme", self.text(&["scheme"]));
        text("http.route", Some(&self.route()));
        text("server.address", self.text(&["host", "http_host", "server_name"]));
        text("client.address", self.text(&["remote_addr", "client"]));
        text("user_agent.original", self.text(&["http_user_agent", "user_agent"]));
        text("http.request.header.referer", self.text(&["http_referer", "referer"]));
        text("network.protocol.version", self.text(&["server_protocol"]).and_then(|p| p.strip_prefix("HTTP/")));
        out.push(("http.response.status_code".to_owned(), Value::Int(self.status)));
        if let Some(bytes) = self.int(&["body_bytes_sent", "bytes_sent"]) {
            out.push(("http.response.body.size".to_owned(), Value::Int(bytes)));
        }
        out
    }

    /// The line as a record: what happened in a few words, and everything that is known as attributes.
    pub(super) fn log_record(&self, now: UnixNanos) -> LogRecord {
        let (severity_number, severity_text) = match self.status {
            500.. => (17, "ERROR"),
            400..=499 => (13, "WARN"),
            _ => (9, "INFO"),
        };
        let mut attributes = self.attributes();
        attributes.push(("log.record.original".to_owned(), Value::Str(self.text.clone())));
        attributes.push(("http.server.request.duration".to_owned(), Value::Double(self.duration as f64 / 1e9)));
        LogRecord {
            time: self.end,
            observed_time: now,
            severity_number,
            severity_text: severity_text.to_owned(),
            body: Value::Str(format!("{} {} {} {} ms", self.method, self.uri, self.status, self.duration / 1_000_000)),
            attributes,
            trace_id: self.trace_id,
            span_id: self.span_id,
            flags: self.flags,
            ..LogRecord::default()
        }
    }
}

/// nginx writes several attempts with commas between them, and with colons between groups of servers.
fn attempts(addresses: &str, statuses: &str, times: &str) -> Vec<Attempt> {
    fn list(text: &str) -> Vec<String> {
        text.split(", ").flat_map(|part| part.split(" : ")).map(|p| p.trim().to_owned()).collect()
    }
    if addresses.is_empty() && times.is_empty() {
        return Vec::new();
    }
    let (addresses, statuses, times) = (list(addresses), list(statuses), list(times));
    let count = addresses.len().max(times.len()).min(32);
    let at = |list: &[String], n: usize| list.get(n).cloned().unwrap_or_default();
    let attempt = |n| Attempt {
        address: at(&addresses, n),
        status: at(&statuses, n).parse().ok().filter(|s| *s > 0),
        duration: seconds(&at(&times, n)).unwrap_or(0),
    };
    (0..count).map(attempt).collect()
}
