//! A request as it lies: counted, checked, and changed in its resources, without being taken apart.
//!
//! What stands between a receiver and an exporter, and looks at no record, has no need of a tree: records are stepped over and
//! copied as they are, unknown fields with them.
//! Source: opentelemetry/proto/{trace,logs,metrics}/v1/*.proto, whose two upper levels number their fields alike.

use bytes::Bytes;
use model::Signal;
use rustc_hash::FxHashMap;

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

/// What resources became: senders say the same of themselves with every request.
///
/// Only for changes that depend on nothing but the resource. At most [`KNOWN_MAX`] are kept, of [`KNOWN_BYTES_MAX`] each; beyond, all are
/// forgotten.
#[derive(Debug, Default)]
pub struct EditedResources(FxHashMap<Box<[u8]>, Box<[u8]>>);

/// Resources that are kept.
const KNOWN_MAX: usize = 256;
/// Larger ones are changed anew each time.
const KNOWN_BYTES_MAX: usize = 2048;

/// The request with every resource changed by `change`, or as `known` says; the rest is copied as it is.
///
/// # Errors
/// The bytes are not a request of `signal`; looked at are only the two upper levels and the resources.
pub fn edit_resources(
    signal: Signal,
    request: &[u8],
    mut change: impl FnMut(&mut Resource),
    known: Option<&mut EditedResources>,
) -> Result<Bytes, DecodeError> {
    let path = match signal {
        Signal::Traces => Span::PATH[0],
        Signal::Logs => LogRecord::PATH[0],
        Signal::Metrics => Metric::PATH[0],
    };
    edit(request, path, &mut change, known).map_err(broken)
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

fn edit(
    request: &[u8],
    path: &str,
    change: &mut impl FnMut(&mut Resource),
    mut known: Option<&mut EditedResources>,
) -> Result<Bytes, Fault> {
    let mut w = Writer::with_capacity(request.len() + GROWTH_BYTES);
    let mut changed = Backward::with_capacity(GROWTH_BYTES);
    let mut level = Level::default();
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
        level.read(message).map_err(|f| f.at(path, at))?;
        let message = message.rest();
        // What stands in several places is merged, and that is rare.
        let whole = match level.resource_at[..] {
            [(from, to)] => message.get(from..to).filter(|whole| whole.len() <= KNOWN_BYTES_MAX),
            _ => None,
        };
        match whole.and_then(|whole| known.as_deref()?.0.get(whole)) {
            Some(resource) => level.write(resource, message, &mut w),
            None => {
                level.change(message, change, &mut changed).map_err(|f| f.at(path, at))?;
                level.write(changed.as_bytes(), message, &mut w);
                if let (Some(known), Some(whole)) = (known.as_deref_mut(), whole) {
                    known.keep(whole, changed.as_bytes());
                }
            }
        }
        at += 1;
    }
    Ok(w.into_bytes().into())
}

impl EditedResources {
    fn keep(&mut self, from: &[u8], to: &[u8]) {
        if self.0.len() >= KNOWN_MAX {
            self.0.clear();
        }
        if to.len() <= KNOWN_BYTES_MAX {
            self.0.insert(from.into(), to.into());
        }
    }
}

/// What one resource sent.
#[derive(Default)]
struct Level {
    /// Where the resource lies, with its key; several are merged, as everywhere.
    resource_at: Vec<(usize, usize)>,
}

impl Level {
    fn read(&mut self, mut r: Reader<'_>) -> Result<(), Fault> {
        let len = r.rest().len();
        self.resource_at.clear();
        loop {
            let from = len - r.rest().len();
            match r.key()? {
                None => return Ok(()),
                Some(FIRST) => {
                    r.delimited()?;
                    self.resource_at.push((from, len - r.rest().len()));
                }
                Some(SECOND | SCHEMA_URL) => drop(r.delimited()?),
                Some(other) => r.skip_unknown(other, LEVEL_FIELDS)?,
            }
        }
    }

    /// Changes the resource and writes it, with its key, into `changed`.
    fn change(
        &self,
        message: &[u8],
        change: &mut impl FnMut(&mut Resource),
        changed: &mut Backward,
    ) -> Result<(), Fault> {
        let mut resource = Resource::default();
        for &(from, to) in &self.resource_at {
            let mut r = Reader::new(message.get(from..to).unwrap_or_default());
            r.key()?;
            resource.merge(r.message()?).map_err(|e| Fault::from(e).inside("resource"))?;
        }
        change(&mut resource);
        changed.clear();
        let end = changed.mark();
        resource.encode(changed);
        changed.message_unless_empty(1, end);
        Ok(())
    }

    /// Writes the whole with `resource` for what was there.
    fn write(&self, resource: &[u8], message: &[u8], w: &mut Writer) {
        let cut = self.resource_at.iter().map(|(from, to)| to - from).sum::<usize>();
        w.message_of(1, resource.len() + message.len() - cut);
        w.raw(resource);
        let mut rest = 0;
        for &(from, to) in &self.resource_at {
            w.raw(&message[rest..from]);
            rest = to;
        }
        w.raw(&message[rest..]);
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
        let same = edit_resources(Signal::Logs, &request, |_| {}, None).unwrap();
        assert_eq!(same, request, "canonical bytes stay as they are");
        let edited =
            edit_resources(Signal::Logs, &request, |r| r.attributes.set("env", Value::from("x".repeat(300))), None)
                .unwrap();
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
        let mut known = EditedResources::default();
        let edited = edit_resources(
            Signal::Logs,
            w.as_bytes(),
            |r| {
                assert_eq!((r.dropped_attributes_count, r.attributes.len()), (3, 1));
                r.dropped_attributes_count = 4;
            },
            Some(&mut known),
        );
        assert!(known.0.is_empty(), "what stands in several places is not kept");
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
    fn what_resources_became_is_known_the_second_time() {
        let request = logs().encode();
        let (mut known, mut changes) = (EditedResources::default(), 0);
        let mut edit = |request: &[u8], known: &mut EditedResources| {
            let change = |r: &mut Resource| {
                changes += 1;
                r.attributes.set("env", Value::from("x"));
            };
            (edit_resources(Signal::Logs, request, change, Some(known)).unwrap(), changes)
        };
        let (first, _) = edit(&request, &mut known);
        assert_eq!(edit(&request, &mut known), (first.clone(), 2));
        assert_ne!(first, request);
        for n in 0..KNOWN_MAX as i64 {
            let mut other = logs();
            other.resources[0].resource.attributes.set("n", Value::Int(n + 10));
            edit(&other.encode(), &mut known);
        }
        assert!(known.0.len() <= KNOWN_MAX);
        let mut long = logs();
        long.resources[0].resource.attributes.set("n", Value::from("x".repeat(KNOWN_BYTES_MAX)));
        edit(&long.encode(), &mut known);
        assert!(known.0.keys().chain(known.0.values()).all(|bytes| bytes.len() <= KNOWN_BYTES_MAX));
    }

    #[test]
    fn what_is_broken_has_its_place() {
        let mut w = Writer::new();
        w.message(1, |w| w.message(2, |w| w.message(2, |w| w.bytes(6, b"\x0a\x09"))));
        let e = count(Signal::Logs, w.as_bytes()).unwrap_err();
        assert_eq!(e.path, "resource_logs[0].scope_logs[0].log_records[0]");
        let mut broken = Writer::new();
        broken.message(1, |w| w.bytes(1, b"\x0a\x09"));
        let e = edit_resources(Signal::Logs, broken.as_bytes(), |_| {}, None).unwrap_err();
        assert_eq!(e.path, "resource_logs[0].resource");
        assert!(edit_resources(Signal::Logs, b"\x0a\x05\x0a", |_| {}, None).is_err());
        assert!(count(Signal::Logs, b"\x09").is_err());
    }
}
