//! A request as a tree that may be changed: resources, their scopes, their records.
//!
//! The engines decode into columns (see [`crate::sink`]); what stands between
//! a receiver and an exporter, and may change anything, works on this form.
//! Everything that the schema knows is kept: unknown enum numbers, ids of
//! a wrong length, repeated keys, so that the records that an engine or a back
//! end would refuse are refused there, and by it. A text that is not UTF-8 is
//! the one exception: what is not text in it is replaced with U+FFFD.
//!
//! *Canonical* bytes, which [`Tree::encode`] writes, have their fields in the
//! order of their numbers, no field that has its default, and a value in every
//! attribute; canonical bytes decode and encode to themselves.
//! Source: opentelemetry/proto/{common,resource,trace,logs,metrics}/v1/*.proto.

mod attributes;
mod id;
mod log;
mod metric;
mod owner;
mod point;
mod read;
mod span;
mod value;

use bytes::Bytes;

use super::fault::{DecodeError, Fault};
use crate::protobuf::{Backward, Malformed, Reader};
use read::{LEN, text};

pub use attributes::Attributes;
pub use id::{Id, SpanId, TraceId};
pub use log::LogRecord;
pub use metric::{Data, Metric, Temporality};
pub use owner::{Resource, Scope};
pub use point::{Buckets, Exemplar, ExponentialPoint, HistogramPoint, Number, NumberPoint, Quantile, SummaryPoint};
pub use span::{Event, Link, Span, Status};
pub use value::Value;

/// A text; up to 24 bytes lie in place.
pub type Text = compact_str::CompactString;

/// A trace request.
pub type Traces = Tree<Span>;
/// A log request.
pub type Logs = Tree<LogRecord>;
/// A metric request.
pub type Metrics = Tree<Metric>;

/// A request.
#[derive(Debug, Clone, PartialEq)]
pub struct Tree<R> {
    /// What sent it.
    pub resources: Vec<OfResource<R>>,
}

/// What one resource sent: `ResourceSpans`, `ResourceLogs`, `ResourceMetrics`.
#[derive(Debug, Clone, PartialEq)]
pub struct OfResource<R> {
    /// The sender.
    pub resource: Resource,
    /// By the part of it that made them.
    pub scopes: Vec<OfScope<R>>,
    /// Of the resource's attributes.
    pub schema_url: Text,
}

/// What one scope sent: `ScopeSpans`, `ScopeLogs`, `ScopeMetrics`.
#[derive(Debug, Clone, PartialEq)]
pub struct OfScope<R> {
    /// The part of the sender.
    pub scope: Scope,
    /// Spans, log records or metrics.
    pub records: Vec<R>,
    /// Of the records' attributes.
    pub schema_url: Text,
}

impl<R> Default for Tree<R> {
    fn default() -> Self {
        Self { resources: Vec::new() }
    }
}

impl<R> Default for OfResource<R> {
    fn default() -> Self {
        Self { resource: Resource::default(), scopes: Vec::new(), schema_url: Text::default() }
    }
}

impl<R> Default for OfScope<R> {
    fn default() -> Self {
        Self { scope: Scope::default(), records: Vec::new(), schema_url: Text::default() }
    }
}

/// How many attributes the last record had: what the next one gets room for.
#[derive(Debug, Default)]
pub struct Shape {
    attributes: usize,
}

/// A span, a log record or a metric.
pub trait Record: Sized {
    /// The names of the levels, for places in errors.
    const PATH: [&'static str; 3];

    /// Reads the message.
    ///
    /// # Errors
    /// It is not one.
    fn decode(r: Reader<'_>, shape: &mut Shape) -> Result<Self, Malformed>;

    /// Writes the message's fields.
    fn encode(&self, w: &mut Backward);

    /// How many items it is: the data points of a metric, otherwise 1.
    fn items(&self) -> usize {
        1
    }

    /// About how many bytes it takes in memory.
    fn heap_bytes(&self) -> usize;
}

impl<R: Record> Tree<R> {
    /// Reads an `Export*ServiceRequest`.
    ///
    /// # Errors
    /// The bytes are not one.
    pub fn decode(request: &[u8]) -> Result<Self, DecodeError> {
        Self::read(Reader::new(request)).map_err(|fault| match fault.into_decode_error() {
            Ok(e) => e,
            Err(_) => unreachable!("nothing but the structure is judged here"),
        })
    }

    fn read(mut r: Reader<'_>) -> Result<Self, Fault> {
        let (mut tree, mut shape) = (Self::default(), Shape::default());
        while let Some(key) = r.key()? {
            match (key.field(), key.wire_type()) {
                (1, LEN) => {
                    let at = tree.resources.len();
                    let resource = OfResource::read(r.message()?, &mut shape).map_err(|f| f.at(R::PATH[0], at))?;
                    tree.resources.push(resource);
                }
                _ => r.skip_unknown(key, 0b10)?,
            }
        }
        Ok(tree)
    }

    /// Writes an `Export*ServiceRequest`.
    pub fn encode(&self) -> Bytes {
        let records: usize = self.scopes().map(|s| s.records.len()).sum();
        let mut w = Backward::with_capacity(records * 640 + self.resources.len() * 512);
        for resource in self.resources.iter().rev() {
            let end = w.mark();
            w_text(&mut w, 3, &resource.schema_url);
            for scope in resource.scopes.iter().rev() {
                let end = w.mark();
                w_text(&mut w, 3, &scope.schema_url);
                for record in scope.records.iter().rev() {
                    let end = w.mark();
                    record.encode(&mut w);
                    w.message(2, end);
                }
                let at = w.mark();
                scope.scope.encode(&mut w);
                w.message_unless_empty(1, at);
                w.message(2, end);
            }
            let at = w.mark();
            resource.resource.encode(&mut w);
            w.message_unless_empty(1, at);
            w.message(1, end);
        }
        w.into_bytes()
    }

    /// How many items there are: spans, log records, data points.
    pub fn items(&self) -> usize {
        self.records().map(R::items).sum()
    }

    /// About how many bytes it takes in memory.
    pub fn heap_bytes(&self) -> usize {
        let of_scope = |s: &OfScope<R>| {
            size_of::<OfScope<R>>()
                + s.scope.attributes.heap_bytes()
                + s.records.iter().map(R::heap_bytes).sum::<usize>()
        };
        self.resources
            .iter()
            .map(|r| {
                size_of::<OfResource<R>>()
                    + r.resource.attributes.heap_bytes()
                    + r.scopes.iter().map(of_scope).sum::<usize>()
            })
            .sum()
    }
}

impl<R> Tree<R> {
    /// Whether there is no record in it.
    pub fn is_empty(&self) -> bool {
        self.scopes().all(|s| s.records.is_empty())
    }

    /// The scopes of all resources.
    pub fn scopes(&self) -> impl Iterator<Item = &OfScope<R>> {
        self.resources.iter().flat_map(|r| &r.scopes)
    }

    /// All records.
    pub fn records(&self) -> impl Iterator<Item = &R> {
        self.scopes().flat_map(|s| &s.records)
    }

    /// All records.
    pub fn records_mut(&mut self) -> impl Iterator<Item = &mut R> {
        self.resources.iter_mut().flat_map(|r| &mut r.scopes).flat_map(|s| &mut s.records)
    }

    /// Keeps the records of which `keep` says so, and the resources and scopes that have any.
    pub fn retain(&mut self, mut keep: impl FnMut(&Resource, &Scope, &mut R) -> bool) {
        self.resources.retain_mut(|OfResource { resource, scopes, .. }| {
            scopes.retain_mut(|OfScope { scope, records, .. }| {
                records.retain_mut(|record| keep(resource, scope, record));
                !records.is_empty()
            });
            !scopes.is_empty()
        });
    }

    /// Adds what another request holds.
    pub fn append(&mut self, mut other: Self) {
        self.resources.append(&mut other.resources);
    }
}

impl<R: Record> OfResource<R> {
    fn read(mut r: Reader<'_>, shape: &mut Shape) -> Result<Self, Fault> {
        let mut out = Self::default();
        while let Some(key) = r.key()? {
            match (key.field(), key.wire_type()) {
                (1, LEN) => out.resource.merge(r.message()?)?,
                (2, LEN) => {
                    let at = out.scopes.len();
                    out.scopes.push(OfScope::read(r.message()?, shape).map_err(|f| f.at(R::PATH[1], at))?);
                }
                (3, LEN) => out.schema_url = text(&mut r)?,
                _ => r.skip_unknown(key, 0b1110)?,
            }
        }
        Ok(out)
    }
}

impl<R: Record> OfScope<R> {
    fn read(mut r: Reader<'_>, shape: &mut Shape) -> Result<Self, Fault> {
        let mut out = Self::default();
        while let Some(key) = r.key()? {
            match (key.field(), key.wire_type()) {
                (1, LEN) => out.scope.merge(r.message()?)?,
                (2, LEN) => {
                    let at = out.records.len();
                    let record = R::decode(r.message()?, shape).map_err(|e| Fault::from(e).at(R::PATH[2], at))?;
                    out.records.push(record);
                }
                (3, LEN) => out.schema_url = text(&mut r)?,
                _ => r.skip_unknown(key, 0b1110)?,
            }
        }
        Ok(out)
    }
}

/// A text field; the empty text is no field.
fn w_text(w: &mut Backward, field: u32, text: &str) {
    if !text.is_empty() {
        w.bytes(field, text.as_bytes());
    }
}

/// A count or flags field; zero is no field.
fn w_uint(w: &mut Backward, field: u32, v: u32) {
    if v != 0 {
        w.uint(field, v.into());
    }
}

/// An enum field; zero is no field.
fn w_enum(w: &mut Backward, field: u32, v: i32) {
    if v != 0 {
        w.uint(field, i64::from(v) as u64);
    }
}

/// A `fixed64` field; zero is no field.
fn w_fixed64(w: &mut Backward, field: u32, v: u64) {
    if v != 0 {
        w.fixed64(field, v);
    }
}

/// A `fixed32` field; zero is no field.
fn w_fixed32(w: &mut Backward, field: u32, v: u32) {
    if v != 0 {
        w.fixed32(field, v);
    }
}

/// A `double` field; positive zero is no field.
fn w_double(w: &mut Backward, field: u32, v: f64) {
    if v.to_bits() != 0 {
        w.double(field, v);
    }
}
