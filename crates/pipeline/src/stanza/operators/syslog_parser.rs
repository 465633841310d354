//! `syslog_parser`: a syslog message as attributes, time and severity.

use foundation::UnixNanos;
use serde::Deserialize;
use wire::otlp::tree::{Text, Value};
use wire::syslog;

use crate::stanza::Entry;
use crate::stanza::chain::{Operator, Verdict};
use crate::stanza::field::Field;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Settings {
    protocol: String,
    #[serde(default)]
    location: Option<String>,
    #[serde(default)]
    allow_skip_pri_header: bool,
    #[serde(default = "Field::body")]
    parse_from: Field,
    #[serde(default = "Field::attributes")]
    parse_to: Field,
}

pub(super) struct SyslogParser {
    protocol: syslog::Protocol,
    zone: jiff::tz::TimeZone,
    settings: Settings,
}

impl SyslogParser {
    pub(super) fn new(settings: Settings) -> Result<Self, String> {
        let protocol = match settings.protocol.as_str() {
            "rfc3164" => syslog::Protocol::Rfc3164,
            "rfc5424" => syslog::Protocol::Rfc5424,
            other => return Err(format!("protocol: `{other}` is not known; write rfc3164 or rfc5424")),
        };
        let zone = super::time_parser::zone(settings.location.as_deref())?;
        Ok(Self { protocol, zone, settings })
    }
}

impl Operator for SyslogParser {
    fn apply(&self, entry: &mut Entry, now: UnixNanos) -> Result<Verdict, String> {
        let text = match self.settings.parse_from.get(entry) {
            Some(Value::Str(text)) => text.clone(),
            _ => return Err("what is to be parsed is no text".to_owned()),
        };
        let options = syslog::Options {
            protocol: self.protocol,
            now,
            offset_seconds: super::time_parser::offset(&self.zone, now),
            allow_skip_pri: self.settings.allow_skip_pri_header,
        };
        let message = syslog::parse(&text, &options).map_err(|e| e.to_string())?;
        let record = syslog::log_record(&text, &message, now);
        self.settings.parse_to.merge(entry, record.attributes);
        entry.record.severity_number = record.severity_number;
        entry.record.severity_text = Text::new(&record.severity_text);
        if record.time_unix_nano != 0 {
            entry.record.time_unix_nano = record.time_unix_nano;
        }
        Ok(Verdict::Next)
    }
}
