//! Messages as log records, with the attribute names of the Collector's syslog receiver.

use foundation::UnixNanos;

use super::message::Message;
use crate::otlp::tree::{Attributes, LogRecord, Text, Value};

/// By severity: OpenTelemetry's number and syslog's word.
const SEVERITIES: [(i32, &str); 8] = [
    (21, "emerg"),
    (19, "alert"),
    (18, "crit"),
    (17, "err"),
    (13, "warning"),
    (10, "notice"),
    (9, "info"),
    (5, "debug"),
];

const FACILITIES: [&str; 24] = [
    "kern",
    "user",
    "mail",
    "daemon",
    "auth",
    "syslog",
    "lpr",
    "news",
    "uucp",
    "cron",
    "authpriv",
    "ftp",
    "ntp",
    "security",
    "console",
    "solaris-cron",
    "local0",
    "local1",
    "local2",
    "local3",
    "local4",
    "local5",
    "local6",
    "local7",
];

/// A record whose body is the whole `text`, and whose attributes are the parts of `message`.
pub fn log_record(text: &str, message: &Message<'_>, observed: UnixNanos) -> LogRecord {
    let mut attributes = Attributes::new();
    let mut put = |name: &str, value: Option<&str>| {
        if let Some(value) = value {
            attributes.push(name, value);
        }
    };
    put("appname", message.appname);
    put("hostname", message.hostname);
    put("proc_id", message.proc_id);
    put("msg_id", message.msg_id);
    put("message", Some(message.message).filter(|m| !m.is_empty()));
    let facility = message.priority / 8;
    put("facility_text", FACILITIES.get(usize::from(facility)).copied());
    attributes.push("facility", i64::from(facility));
    attributes.push("priority", i64::from(message.priority));
    if let Some(version) = message.version {
        attributes.push("version", i64::from(version));
    }
    if !message.structured_data.is_empty() {
        let elements = message.structured_data.iter().map(|(id, parameters)| {
            let inner: Attributes = parameters.iter().map(|(name, value)| (*name, Value::from(&**value))).collect();
            (*id, Value::Map(inner))
        });
        attributes.push("structured_data", Value::Map(elements.collect()));
    }
    let (severity_number, word) = SEVERITIES[usize::from(message.priority % 8)];
    let nanos = |t: UnixNanos| u64::try_from(t.0).unwrap_or(0);
    LogRecord {
        time_unix_nano: message.time.map_or(0, nanos),
        observed_time_unix_nano: nanos(observed),
        severity_number,
        severity_text: Text::new(word),
        body: Value::from(text),
        attributes,
        ..LogRecord::default()
    }
}
