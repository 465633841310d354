//! What records have, by kind of record: names as OTTL spells them, reading and writing.

mod exemplar;
mod link;
mod lists;
mod log;
mod metric;
mod point;
mod span;

use wire::otlp::tree::Id;

use super::context::Context;
use super::eval::EvalError;
use super::path::{mismatch, text};
use super::value::Val;
use wire::otlp::tree::Value;

pub(super) use exemplar::ExemplarField;
pub(super) use link::LinkField;
pub(super) use log::LogField;
pub(super) use metric::MetricField;
pub(super) use point::PointField;
pub(super) use span::{EventField, SpanField};

/// An enum of fields with their names.
macro_rules! fields {
    ($(#[$doc:meta])* $name:ident { $($field:ident = $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(in crate::ottl) enum $name { $($field,)* }

        impl $name {
            pub(in crate::ottl) const NAMES: &'static [&'static str] = &[$($text,)*];

            pub(in crate::ottl) fn of_name(name: &str) -> Option<Self> {
                Some(match name {
                    $($text => Self::$field,)*
                    _ => return None,
                })
            }
        }
    };
}
use fields;

/// The paths of a context, for messages.
pub(super) fn names_of(context: Context) -> Vec<&'static str> {
    let mut names = match context {
        Context::Resource => vec!["attributes", "dropped_attributes_count", "schema_url"],
        Context::Scope => vec!["name", "version", "attributes", "dropped_attributes_count", "schema_url"],
        Context::Span => SpanField::NAMES.to_vec(),
        Context::SpanEvent => EventField::NAMES.to_vec(),
        Context::SpanLink => LinkField::NAMES.to_vec(),
        Context::Exemplar => ExemplarField::NAMES.to_vec(),
        Context::Metric => MetricField::NAMES.to_vec(),
        Context::DataPoint => PointField::NAMES.to_vec(),
        Context::Log => LogField::NAMES.to_vec(),
    };
    names.push("cache");
    names
}

/// A missing id is all zeroes, as it is in the Collector.
fn id_value<const N: usize>(id: &Id<N>) -> Val {
    match id {
        Id::Missing => Val::bytes([0; N]),
        id => Val::bytes(id.as_bytes()),
    }
}

fn id_text<const N: usize>(id: &Id<N>) -> Val {
    match id {
        Id::Missing => "0".repeat(2 * N).into(),
        id => id.to_hex().into(),
    }
}

fn id_of<const N: usize>(v: &Val) -> Result<Id<N>, EvalError> {
    match v {
        Val::Plain(Value::Bytes(b)) if b.len() == N => Ok(unless_zero(Id::from(&b[..]))),
        _ => Err(mismatch(&format!("{N} bytes"), v)),
    }
}

fn id_of_hex<const N: usize>(v: &Val) -> Result<Id<N>, EvalError> {
    let hex = text(v)?;
    let id = Id::from_hex(hex).map(unless_zero);
    id.ok_or_else(|| EvalError::new(format!("`{hex}` is not {} hex digits", 2 * N)))
}

fn unless_zero<const N: usize>(id: Id<N>) -> Id<N> {
    if id.valid().is_none() { Id::Missing } else { id }
}

fn time(nanos: u64) -> Val {
    Val::Time(i64::try_from(nanos).unwrap_or(i64::MAX))
}

fn read_only(what: &str) -> EvalError {
    EvalError::new(format!("`{what}` can be read only"))
}
