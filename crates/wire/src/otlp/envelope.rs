//! The two levels that all signals share: resources, and scopes within them.
//!
//! A resource is found even when it comes after its records: one pass over
//! the keys of the level finds resource, scope and schema URL (records are
//! stepped over by their length), a second pass reads the records.
//! Source: opentelemetry/proto/{trace,logs,metrics}/v1/*.proto, `Resource*` and `Scope*`,
//! which number their fields alike; opentelemetry/proto/{resource,common}/v1.

use super::decoded::{Decoded, Tally};
use super::fault::{DecodeError, Fault};
use super::limits::Limits;
use super::schema::{self, Message};
use super::shape::Shape;
use super::{structure, text};
use crate::protobuf::{Key, Malformed, Reader};
use crate::sink::{ResourceRef, ScopeRef};

/// `resource_*` of a request.
const RESOURCES: Key = Key::delimited(1);
/// `resource` of a `Resource*`, `scope` of a `Scope*`.
const OWNER: Key = Key::delimited(1);
/// `scope_*` of a `Resource*`, the records of a `Scope*`.
const ITEMS: Key = Key::delimited(2);
const SCHEMA_URL: Key = Key::delimited(3);
const LEVEL_FIELDS: u32 = 0b1110;

const RESOURCE: Shape =
    Shape { attributes: Key::delimited(1), texts: &[], ids: &[], numbers: &[Key::varint(2)], known: 0b110 };

const SCOPE: Shape = Shape {
    attributes: Key::delimited(3),
    texts: &[(Key::delimited(1), "name"), (Key::delimited(2), "version")],
    ids: &[],
    numbers: &[Key::varint(4)],
    known: 0b1_1110,
};

/// What a signal does with the parts of its requests.
pub(super) trait Visitor<'a> {
    /// The request's field, for example `resource_spans`.
    const RESOURCES: &'static str;
    /// The resource level's field, for example `scope_spans`.
    const SCOPES: &'static str;
    /// The scope level's field, for example `spans`.
    const RECORDS: &'static str;
    /// The resource level's type.
    const RESOURCES_TYPE: &'static Message;
    /// The scope level's type.
    const SCOPES_TYPE: &'static Message;
    /// The records' type.
    const RECORDS_TYPE: &'static Message;

    /// How many records follow in all.
    fn expect(&mut self, _records: usize) {}
    fn resource(&mut self, resource: ResourceRef<'a>);
    fn scope(&mut self, scope: ScopeRef<'a>);
    /// Reads and counts one record. A fault of the record itself is counted by the envelope, with [`Visitor::count`].
    fn record(&mut self, record: Reader<'a>, tally: &mut Tally) -> Result<(), Fault>;
    /// How many records are lost when this one, or its resource or scope, is refused.
    fn count(record: Reader<'a>) -> Result<u64, Malformed>;
}

/// Walks a request.
pub(super) fn walk<'a, V: Visitor<'a>>(
    request: &'a [u8],
    limits: &Limits,
    visitor: &mut V,
) -> Result<Decoded, DecodeError> {
    visitor.expect(records(request));
    let mut walk = Walk { limits, visitor, tally: Tally::default() };
    match walk.request(Reader::new(request)) {
        Ok(()) => Ok(walk.tally.finish()),
        Err(fault) => match fault.into_decode_error() {
            Ok(error) => Err(error),
            Err(fault) => {
                // Faults of records are counted where they arise; one that came this far concerns no record.
                walk.tally.reject(0, fault);
                walk.tally.locate(|f| f);
                Ok(walk.tally.finish())
            }
        },
    }
}

/// How many records a request has; of a damaged one, those that are found.
fn records(request: &[u8]) -> usize {
    let mut found = 0;
    // Whatever is wrong is reported by the walk.
    let _ = items(Reader::new(request), RESOURCES, |resource, _| {
        items(resource, ITEMS, |scope, _| {
            items(scope, ITEMS, |_, _| {
                found += 1;
                Ok::<(), Malformed>(())
            })
        })
    });
    found
}

/// What a first pass over a resource or scope level finds.
struct Level<'a> {
    owner: Reader<'a>,
    schema_url: &'a [u8],
}

impl<'a> Level<'a> {
    /// `owner` is the type of the resource or scope. Of several the last one counts; the others must be well-formed.
    fn scan(mut r: Reader<'a>, owner: &Message) -> Result<Self, Malformed> {
        let mut level = Self { owner: Reader::within(&[], r.offset()), schema_url: &[] };
        while let Some(key) = r.key()? {
            match key {
                ITEMS => drop(r.delimited()?),
                OWNER => {
                    structure::check(owner, level.owner)?;
                    level.owner = r.message()?;
                }
                SCHEMA_URL => level.schema_url = r.delimited()?,
                _ => r.skip_unknown(key, LEVEL_FIELDS)?,
            }
        }
        Ok(level)
    }

    /// Checks what was found; the bytes of the owner, and the schema URL.
    fn check(&self, shape: &Shape, name: &'static str, limits: &Limits) -> Result<(&'a [u8], &'a str), Fault> {
        shape.check(self.owner, limits).map_err(|f| f.inside(name))?;
        Ok((self.owner.rest(), text::field(self.schema_url, limits, "schema_url")?))
    }
}

/// Calls `visit` with each item of a level and its index.
fn items<'a, E: From<Malformed>>(
    mut level: Reader<'a>,
    field: Key,
    mut visit: impl FnMut(Reader<'a>, usize) -> Result<(), E>,
) -> Result<(), E> {
    let mut index = 0;
    while let Some(key) = level.key()? {
        if key == field {
            visit(level.message()?, index)?;
            index += 1;
        } else {
            level.skip(key)?;
        }
    }
    Ok(())
}

struct Walk<'w, V> {
    limits: &'w Limits,
    visitor: &'w mut V,
    tally: Tally,
}

impl<V> Walk<'_, V> {
    fn request<'a>(&mut self, mut r: Reader<'a>) -> Result<(), Fault>
    where
        V: Visitor<'a>,
    {
        let mut index = 0;
        while let Some(key) = r.key()? {
            if key == RESOURCES {
                let level = r.message()?;
                self.resource(level, index).map_err(|f| f.at(V::RESOURCES, index))?;
                index += 1;
            } else {
                r.skip_unknown(key, 0b10)?;
            }
        }
        Ok(())
    }

    fn resource<'a>(&mut self, r: Reader<'a>, index: usize) -> Result<(), Fault>
    where
        V: Visitor<'a>,
    {
        let level = Level::scan(r, &schema::RESOURCE)?;
        match level.check(&RESOURCE, "resource", self.limits) {
            Ok((raw, schema_url)) => self.visitor.resource(ResourceRef { raw, schema_url }),
            Err(fault) if fault.is_structural() => return Err(fault),
            Err(fault) => {
                structure::check(V::RESOURCES_TYPE, r)?;
                let mut lost = 0;
                items(r, ITEMS, |scope, _| items(scope, ITEMS, |record, _| V::count(record).map(|n| lost += n)))?;
                self.tally.reject(lost, fault);
                self.tally.locate(|f| f.at(V::RESOURCES, index));
                return Ok(());
            }
        }
        items(r, ITEMS, |scope, i| self.scope(scope, index, i).map_err(|f| f.at(V::SCOPES, i)))
    }

    fn scope<'a>(&mut self, r: Reader<'a>, resource: usize, index: usize) -> Result<(), Fault>
    where
        V: Visitor<'a>,
    {
        let level = Level::scan(r, &schema::SCOPE)?;
        match level.check(&SCOPE, "scope", self.limits) {
            Ok((raw, schema_url)) => self.visitor.scope(ScopeRef { raw, schema_url }),
            Err(fault) if fault.is_structural() => return Err(fault),
            Err(fault) => {
                structure::check(V::SCOPES_TYPE, r)?;
                let mut lost = 0;
                items(r, ITEMS, |record, _| V::count(record).map(|n| lost += n))?;
                self.tally.reject(lost, fault);
                self.tally.locate(|f| f.at(V::SCOPES, index).at(V::RESOURCES, resource));
                return Ok(());
            }
        }
        items(r, ITEMS, |record, i| {
            if let Err(fault) = self.visitor.record(record, &mut self.tally) {
                if fault.is_structural() {
                    return Err(fault.at(V::RECORDS, i));
                }
                structure::check(V::RECORDS_TYPE, record).map_err(|e| Fault::from(e).at(V::RECORDS, i))?;
                self.tally.reject(V::count(record)?, fault);
            }
            self.tally.locate(|f| f.at(V::RECORDS, i).at(V::SCOPES, index).at(V::RESOURCES, resource));
            Ok(())
        })
    }
}
