//! Entries of the slow log as log records, each once.

use foundation::UnixNanos;
use model::Signal;
use model::trace::{Resource, Scope};
use model::{LogRecord, Value};
use wire::otlp::{Assembly, encode};

use super::resp::Reply;
use crate::telemetry::Telemetry;

/// Bytes of a command that are kept.
const COMMAND_CHARS_MAX: usize = 4096;

/// The entries that are newer than `last`, which is moved on. Ids begin anew when the server does.
pub(super) fn records(
    reply: &Reply,
    run_id: &str,
    host: &str,
    now: UnixNanos,
    last: &mut Option<(String, i64)>,
) -> Option<Telemetry> {
    let Reply::Array(entries) = reply else { return None };
    let known = last.as_ref().filter(|(run, _)| run == run_id).map(|(_, id)| *id);
    let first_time = last.is_none();
    let mut assembly = Assembly::new();
    let attribute = |k: &str, v: &str| (k.to_owned(), Value::Str(v.to_owned()));
    let attributes = vec![attribute("service.name", "redis"), attribute("server.address", host)];
    let group = assembly.group(&Resource { attributes, ..Resource::default() }, &Scope::default());
    let mut newest = known.unwrap_or(-1);
    for entry in entries.iter().rev() {
        let Reply::Array(fields) = entry else { continue };
        let [Reply::Int(id), Reply::Int(time), Reply::Int(us), Reply::Array(words), rest @ ..] = fields.as_slice()
        else {
            continue;
        };
        newest = newest.max(*id);
        // What is in the log at the first look was there before we were.
        if first_time || known.is_some_and(|k| *id <= k) {
            continue;
        }
        let word = |r: &Reply| match r {
            Reply::Bulk(text) => text.clone(),
            other => format!("{other:?}"),
        };
        let command: String =
            words.iter().map(word).collect::<Vec<_>>().join(" ").chars().take(COMMAND_CHARS_MAX).collect();
        let name = words.first().map(word).unwrap_or_default();
        let mut attributes = vec![
            attribute("db.system.name", "redis"),
            attribute("db.operation.name", &name.to_uppercase()),
            ("redis.slowlog.id".to_owned(), Value::Int(*id)),
            ("redis.slowlog.duration_us".to_owned(), Value::Int(*us)),
        ];
        if let Some(Reply::Bulk(client)) = rest.first() {
            attributes.push(attribute("client.address", client));
        }
        let record = LogRecord {
            time: UnixNanos::from_secs(*time),
            observed_time: now,
            severity_number: 13,
            severity_text: "WARN".to_owned(),
            body: Value::Str(format!("slow command ({us} us): {command}")),
            event_name: "redis.slowlog".to_owned(),
            attributes,
            ..LogRecord::default()
        };
        assembly.record(group, |w| encode::log_record(w, &record));
    }
    *last = Some((run_id.to_owned(), newest));
    (assembly.records() > 0).then(|| Telemetry::new(Signal::Logs, assembly.into_request().into()))
}
