//! A request as it lies: counted, checked, and changed in its resources, without being taken apart.
//!
//! What stands between a receiver and an exporter, and looks at no record, has no need of a tree: records are stepped over and
//! copied as they are, unknown fields with them.
//! Source: opentelemetry/proto/{trace,logs,metrics}/v1/*.proto, whose two upper levels number their fields alike.

use bytes::Bytes;
use model::Signal;

use super::fault::{DecodeError, Fault};
use super::schema::{self, Message};
use super::structure;
use super::tree::{LogRecord, Metric, Record, Resource, Span};
use crate::protobuf::{Backward, Key, Malformed, Reader, Writer};

/// `resource_*` of a request; `resource` of a `Resource*`; `scope` of a `Scope*`.
const FIRST: Key = Key::delimited(1);
/// `scope_*` of a `Resource*`; the records of a `Scope*`.
const SECOND: Key = Key::delimited(2);
/// The numbers of the fields of the two levels.
const LEVEL_FIELDS: u32 = 0b1110;
const SCHEMA_URL: Key = Key::delimited(3);
/// What a resource may grow by before a buffer has to.
const GROWTH_BYTES: usize = 1024;

/// How many items a request has: spans, log records, data points. The structure of every message in it is checked on the way.
///
/// # Errors
/// The bytes are not a request of `signal`.
pub fn count(signal: Signal, request: &[u8]) -> Result<usize, DecodeError> {
    let counted = match signal {
        Signal::Traces => Levels { path: Span::PATH, record: &schema::SPAN, items: |_| Ok(1) }.count(request),
        Signal::Logs => Levels { path: LogRecord::PATH, record: &schema::LOG_RECORD, items: |_| Ok(1) }.count(request),
        Signal::Metrics => Levels { path: Metric::PATH, record: &schema::METRIC, items: points }.count(request),
    };
    counted.map_err(broken)
}

/// The request with every resource changed by `change`; the rest is copied as it is.
///
/// # Errors
/// The bytes are not a request of `signal`; looked at are only the two upper levels and the resources.
pub fn edit_resources(
    signal: Signal,
    request: &[u8],
    mut change: impl FnMut(&mut Resource),
) -> Result<Bytes, DecodeError> {
    let path = match signal {
        Signal::Traces => Span::PATH[0],
        Signal::Logs => LogRecord::PATH[0],
        Signal::Metrics => Metric::PATH[0],
    };
    edit(request, path, &mut change).map_err(broken)
}

fn broken(fault: Fault) -> DecodeError {
    match fault.into_decode_error() {
        Ok(e) => e,
        Err(_) => unreachable!("nothing but the structure is judged here"),
    }
}

/// What differs between the signals.
struct Levels {
    path: [&'static str; 3],
    record: &'static Message,
    items: fn(Reader<'_>) -> Result<usize, Malformed>,
}

impl Levels {
    fn count(&self, request: &[u8]) -> Result<usize, Fault> {
        let (mut r, mut items, mut at) = (Reader::new(request), 0, 0);
        while let Some(key) = r.key()? {
            if key == FIRST {
                items += self.of_resource(r.message()?).map_err(|f| f.at(self.path[0], at))?;
                at += 1;
            } else {
                r.skip_unknown(key, 0b10)?;
            }
        }
        Ok(items)
    }

    fn of_resource(&self, mut r: Reader<'_>) -> Result<usize, Fault> {
        let (mut items, mut at) = (0, 0);
        while let Some(key) = r.key()? {
            match key {
                SECOND => {
                    items += self.of_scope(r.message()?).map_err(|f| f.at(self.path[1], at))?;
                    at += 1;
                }
                FIRST => {
                    structure::check(&schema::RESOURCE, r.message()?).map_err(|e| Fault::from(e).inside("resource"))?
                }
                SCHEMA_URL => drop(r.delimited()?),
                _ => r.skip_unknown(key, LEVEL_FIELDS)?,
            }
        }
        Ok(items)
    }

    fn of_scope(&self, mut r: Reader<'_>) -> Result<usize, Fault> {
        let (mut items, mut at) = (0, 0);
        while let Some(key) = r.key()? {
            match key {
                SECOND => {
                    let record = r.message()?;
                    let counted = structure::check(self.record, record).and_then(|()| (self.items)(record));
                    items += counted.map_err(|e| Fault::from(e).at(self.path[2], at))?;
                    at += 1;
                }
                FIRST => structure::check(&schema::SCOPE, r.message()?).map_err(|e| Fault::from(e).inside("scope"))?,
                SCHEMA_URL => drop(r.delimited()?),
                _ => r.skip_unknown(key, LEVEL_FIELDS)?,
            }
        }
        Ok(items)
    }
}

/// Of a metric that was checked: of several kinds of data the last one counts.
fn points(mut r: Reader<'_>) -> Result<usize, Malformed> {
    let mut points = 0;
    while let Some(key) = r.key()? {
        if !matches!(key.field(), 5 | 7 | 9 | 10 | 11) {
            r.skip(key)?;
            continue;
        }
        points = 0;
        let mut data = r.message()?;
        while let Some(key) = data.key()? {
            points += usize::from(key == FIRST);
            data.skip(key)?;
        }
    }
    Ok(points)
}

fn edit(request: &[u8], path: &str, change: &mut impl FnMut(&mut Resource)) -> Result<Bytes, Fault> {
    let mut w = Writer::with_capacity(request.len() + GROWTH_BYTES);
    let mut resource = Backward::with_capacity(GROWTH_BYTES);
    let (mut r, mut at) = (Reader::new(request), 0);
    while let Some(key) = {
        let before = r.rest();
        r.key()?.map(|key| (key, before))
    } {
        let (key, before) = key;
        if key != FIRST {
            r.skip_unknown(key, 0b10)?;
            w.raw(&before[..before.len() - r.rest().len()]);
            continue;
        }
        let message = r.message()?;
        let mut level = level(message).map_err(|f| f.at(path, at))?;
        at += 1;
        change(&mut level.resource);
        resource.clear();
        let end = resource.mark();
        level.resource.encode(&mut resource);
        resource.message_unless_empty(1, end);
        let (message, cut) = (message.rest(), level.resource_at.iter().map(|(from, to)| to - from).sum::<usize>());
        w.message_of(1, resource.as_bytes().len() + message.len() - cut);
        w.raw(resource.as_bytes());
        let mut rest = 0;
        for (from, to) in level.resource_at {
            w.raw(&message[rest..from]);
            rest = to;
        }
        w.raw(&message[rest..]);
    }
    Ok(w.into_bytes().into())
}

/// What one resource sent.
struct Level {
    resource: Resource,
    /// Where it lies, with its key; several are merged, as everywhere.
    resource_at: Vec<(usize, usize)>,
}

fn level(mut r: Reader<'_>) -> Result<Level, Fault> {
    let len = r.rest().len();
    let mut level = Level { resource: Resource::default(), resource_at: Vec::new() };
    loop {
        let from = len - r.rest().len();
        match r.key()? {
            None => return Ok(level),
            Some(FIRST) => {
                level.resource.merge(r.message()?).map_err(|e| Fault::from(e).inside("resource"))?;
                level.resource_at.push((from, len - r.rest().len()));
            }
            Some(SECOND | SCHEMA_URL) => drop(r.delimited()?),
            Some(other) => r.skip_unknown(other, LEVEL_FIELDS)?,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tree::{Logs, OfResource, OfScope, Tree, Value};
    use super::*;

    fn logs() -> Logs {
        let resource = |n: i64| {
            let mut of = OfResource::<LogRecord>::default();
            of.resource.attributes.set("service.name", Value::from("shop"));
            of.resource.attributes.set("n", Value::Int(n));
            of.schema_url = "http://schema".into();
            of.scopes = vec![OfScope { records: vec![LogRecord::default(); 2], ..OfScope::default() }];
            of
        };
        Tree { resources: vec![resource(1), resource(2)] }
    }

    #[test]
    fn a_resource_is_changed_where_it_lies() {
        let request = logs().encode();
        assert_eq!(count(Signal::Logs, &request), Ok(4));
        let same = edit_resources(Signal::Logs, &request, |_| {}).unwrap();
        assert_eq!(same, request, "canonical bytes stay as they are");
        let edited =
            edit_resources(Signal::Logs, &request, |r| r.attributes.set("env", Value::from("x".repeat(300)))).unwrap();
        let mut expected = logs();
        for of in &mut expected.resources {
            of.resource.attributes.set("env", Value::from("x".repeat(300)));
        }
        assert_eq!(Logs::decode(&edited).unwrap(), expected);
        assert_eq!(count(Signal::Logs, &edited), Ok(4));
    }

    #[test]
    fn a_resource_in_several_places_and_fields_of_tomorrow() {
        let mut w = Writer::new();
        w.message(1, |w| {
            w.message(2, |w| w.message(2, |w| w.string(3, "WARN")));
            w.message(1, |w| w.uint(2, 3));
            w.string(9, "tomorrow");
            w.message(1, |w| w.message(1, |w| w.string(1, "k")));
        });
        w.string(7, "tomorrow too");
        let edited = edit_resources(Signal::Logs, w.as_bytes(), |r| {
            assert_eq!((r.dropped_attributes_count, r.attributes.len()), (3, 1));
            r.dropped_attributes_count = 4;
        });
        let mut expected = Writer::new();
        expected.message(1, |w| {
            w.message(1, |w| {
                w.message(1, |w| {
                    w.string(1, "k");
                    w.message(2, |_| {});
                });
                w.uint(2, 4);
            });
            w.message(2, |w| w.message(2, |w| w.string(3, "WARN")));
            w.string(9, "tomorrow");
        });
        expected.string(7, "tomorrow too");
        assert_eq!(edited.unwrap(), expected.as_bytes());
    }

    #[test]
    fn what_is_broken_has_its_place() {
        let mut w = Writer::new();
        w.message(1, |w| w.message(2, |w| w.message(2, |w| w.bytes(6, b"\x0a\x09"))));
        let e = count(Signal::Logs, w.as_bytes()).unwrap_err();
        assert_eq!(e.path, "resource_logs[0].scope_logs[0].log_records[0]");
        assert!(edit_resources(Signal::Logs, b"\x0a\x05\x0a", |_| {}).is_err());
        assert!(count(Signal::Logs, b"\x09").is_err());
    }
}
