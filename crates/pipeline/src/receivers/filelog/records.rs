//! Lines as requests: straight into protobuf where no operator needs an entry, through a chain of operators otherwise.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use foundation::UnixNanos;
use model::Signal;
use model::trace::{Resource, Scope};
use wire::otlp::Assembly;
use wire::otlp::tree::{Attributes, LogRecord, Value};
use wire::protobuf::Writer;

use super::Settings;
use crate::journal::Journal;
use crate::receivers::entries;
use crate::receivers::syslog::tell;
use crate::stanza::{Blueprint, Chain, Entry, JsonLines};
use crate::telemetry::Telemetry;

/// Makes what takes the lines of a file.
pub(crate) trait Source: Send + Sync {
    fn lines_of(&self, path: &Path) -> Box<dyn Lines>;

    /// What is to be sent beside lines, now.
    fn periodic(&self, _now: UnixNanos) -> Vec<Telemetry> {
        Vec::new()
    }
}

/// Takes the lines of one file.
pub(crate) trait Lines: Send {
    /// Takes a line, which begins at a byte of the file and is the `number`th.
    fn line(&mut self, text: &str, begins_at: u64, number: u64, now: UnixNanos);

    /// About how many bytes wait to be taken.
    fn bytes(&self) -> usize;

    /// What was made of the lines. With `everything`, nothing is held back for what may follow.
    fn take(&mut self, everything: bool, now: UnixNanos) -> Vec<Telemetry>;

    /// Where the first line begins that is held back.
    fn held_from(&self) -> Option<u64> {
        None
    }
}

/// How lines become records.
pub(super) struct Recording {
    attributes: Vec<(String, Value)>,
    resource: Vec<(String, Value)>,
    file_name: bool,
    file_path: bool,
    number: bool,
    offset: bool,
    blueprint: Blueprint,
    journal: Option<Journal>,
}

impl Recording {
    pub(super) fn new(settings: &Settings, blueprint: Blueprint) -> Self {
        let values = |map: &serde_json::Map<String, serde_json::Value>| {
            map.iter().map(|(k, v)| (k.clone(), Value::from_json(v))).collect::<Vec<_>>()
        };
        Self {
            attributes: values(&settings.attributes),
            resource: values(&settings.resource),
            file_name: settings.include_file_name,
            file_path: settings.include_file_path,
            number: settings.include_file_record_number,
            offset: settings.include_file_record_offset,
            blueprint,
            journal: None,
        }
    }

    pub(super) fn with_journal(self, journal: Journal) -> Self {
        Self { journal: Some(journal), ..self }
    }
}

impl Source for Recording {
    fn lines_of(&self, path: &Path) -> Box<dyn Lines> {
        let mut attributes: Attributes = self.attributes.iter().cloned().collect();
        if self.file_name {
            attributes.set("log.file.name", path.file_name().unwrap_or_default().to_string_lossy().into_owned());
        }
        if self.file_path {
            attributes.set("log.file.path", path.to_string_lossy().into_owned());
        }
        let resource: Attributes = self.resource.iter().cloned().collect();
        let json = self.blueprint.json_lines();
        let plain = self.blueprint.is_empty() || json.is_some();
        if plain && !self.number && !self.offset {
            return Box::new(Straight::new(&attributes, resource, json, self.journal.clone()));
        }
        Box::new(Through {
            attributes,
            resource,
            number: self.number,
            offset: self.offset,
            chain: self.blueprint.chain(),
            done: Vec::new(),
            bytes: 0,
            journal: self.journal.clone(),
        })
    }
}

/// Lines that are written as they are read.
struct Straight {
    /// The attributes of every record, encoded.
    attributes: Vec<u8>,
    resource: Attributes,
    json: Option<Arc<JsonLines>>,
    records: Writer,
    one: Writer,
    count: u64,
    failed: (u64, String),
    journal: Option<Journal>,
}

impl Straight {
    fn new(
        attributes: &Attributes,
        resource: Attributes,
        json: Option<Arc<JsonLines>>,
        journal: Option<Journal>,
    ) -> Self {
        let record = LogRecord { attributes: attributes.clone(), ..LogRecord::default() };
        let encoded = encoded(&record);
        let failed = (0, String::new());
        Self {
            attributes: encoded,
            resource,
            json,
            records: Writer::new(),
            one: Writer::new(),
            count: 0,
            failed,
            journal,
        }
    }
}

/// The fields of a record.
fn encoded(record: &LogRecord) -> Vec<u8> {
    use wire::otlp::tree::Record as _;
    let mut w = wire::protobuf::Backward::with_capacity(256);
    record.encode(&mut w);
    w.into_bytes().to_vec()
}

impl Lines for Straight {
    fn line(&mut self, text: &str, _: u64, _: u64, now: UnixNanos) {
        self.count += 1;
        let Self { json, records, one, attributes, failed, .. } = self;
        let body = |w: &mut Writer| {
            w.fixed64(11, now.0 as u64);
            w.message(5, |w| w.string(1, text));
            w.raw(attributes);
        };
        let Some(json) = json else {
            records.message(2, body);
            return;
        };
        one.clear();
        if let Err(message) = json.write(text, now, one) {
            one.clear();
            failed.0 += 1;
            failed.1 = message;
        }
        records.message(2, |w| {
            body(w);
            w.raw(one.as_bytes());
        });
    }

    fn bytes(&self) -> usize {
        self.records.as_bytes().len()
    }

    fn take(&mut self, _: bool, _: UnixNanos) -> Vec<Telemetry> {
        if let (Some(journal), (1.., message)) = (&self.journal, &self.failed) {
            journal.note(Some(Signal::Logs), "operator", &format!("operator `json_parser`: {message}"), self.failed.0);
        }
        self.failed = (0, String::new());
        if self.count == 0 {
            return Vec::new();
        }
        let mut assembly = Assembly::new();
        let resource = Resource { attributes: model_attributes(&self.resource), ..Resource::default() };
        let group = assembly.group(&resource, &Scope::default());
        assembly.encoded(group, self.records.as_bytes(), self.count);
        self.records.clear();
        self.count = 0;
        vec![Telemetry::new(Signal::Logs, assembly.into_request().into())]
    }
}

/// Of settings, so that texts and numbers are all there is.
fn model_attributes(attributes: &Attributes) -> model::Attributes {
    let value = |v: &Value| match v {
        Value::Bool(b) => model::Value::Bool(*b),
        Value::Int(n) => model::Value::Int(*n),
        Value::Double(n) => model::Value::Double(*n),
        other => model::Value::Str(other.to_text().to_string()),
    };
    attributes.iter().map(|(k, v)| (k.to_owned(), value(v))).collect()
}

/// Lines that go through operators.
struct Through {
    attributes: Attributes,
    resource: Attributes,
    number: bool,
    offset: bool,
    chain: Chain,
    done: Vec<Entry>,
    bytes: usize,
    journal: Option<Journal>,
}

impl Lines for Through {
    fn line(&mut self, text: &str, begins_at: u64, number: u64, now: UnixNanos) {
        let mut attributes = self.attributes.clone();
        if self.number {
            attributes.set("log.file.record_number", number as i64);
        }
        if self.offset {
            attributes.set("log.file.record_offset", begins_at as i64);
        }
        let record = LogRecord {
            observed_time_unix_nano: u64::try_from(now.0).unwrap_or(0),
            body: Value::from(text),
            attributes,
            ..LogRecord::default()
        };
        self.bytes += text.len() + 200;
        let entry = Entry { record, resource: self.resource.clone(), begins_at, ..Entry::default() };
        self.chain.process(entry, now, &mut self.done);
    }

    fn bytes(&self) -> usize {
        self.bytes
    }

    fn take(&mut self, everything: bool, now: UnixNanos) -> Vec<Telemetry> {
        self.chain.flush(everything, Instant::now(), now, &mut self.done);
        if let Some(journal) = &self.journal {
            tell(journal, &mut self.chain);
        }
        self.bytes = 0;
        let (request, records) = entries::request(std::mem::take(&mut self.done));
        if records == 0 { Vec::new() } else { vec![Telemetry::new(Signal::Logs, request.into())] }
    }

    fn held_from(&self) -> Option<u64> {
        self.chain.held_from()
    }
}
