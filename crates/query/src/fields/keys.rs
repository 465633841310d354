//! The fields that occur: the built-in ones, then the attributes.

use eventstore::EventStore;
use eventstore::query::{AttributeOwner, Buckets, Outcome};

use crate::EventSignal;
use crate::lang::fields::builtins;
use crate::read::{ReadError, Request};

/// Whose a field is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FieldScope {
    /// A name of the filter language.
    Builtin,
    /// An attribute of the resource.
    Resource,
    /// An attribute of the record.
    Record,
}

impl FieldScope {
    /// `builtin`, `resource` or `record`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Builtin => "builtin",
            Self::Resource => "resource",
            Self::Record => "record",
        }
    }
}

/// A field that can stand in a filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldInfo {
    /// Its name.
    pub name: String,
    /// Whose it is.
    pub scope: FieldScope,
    /// `string`, `int`, `duration`, ...: the type it is sent with, or what a built-in field holds.
    pub value_type: &'static str,
    /// About how many records of the range have it; for built-in fields all of them.
    pub count: u64,
}

/// The built-in fields, then the attributes of the range, most frequent first.
///
/// # Errors
/// A wrong filter.
pub fn keys(store: &EventStore, signal: EventSignal, request: &Request) -> Result<Outcome<Vec<FieldInfo>>, ReadError> {
    let (_, select) = request.select(signal)?;
    let all = Buckets::split(request.range, 1);
    let (attributes, records) = match signal {
        EventSignal::Logs => (store.logs().field_keys(&select)?, store.logs().count_over_time(&select, all, None)?),
        EventSignal::Traces => (store.spans().field_keys(&select)?, store.spans().count_over_time(&select, all, None)?),
    };
    let total = records.value.groups.iter().flat_map(|g| &g.counts).sum();
    let partial = attributes.partial.or(records.partial);
    let mut stats = attributes.stats;
    stats.add(&records.stats);
    let builtin = builtins(signal).iter().map(|b| FieldInfo {
        name: b.name().to_owned(),
        scope: FieldScope::Builtin,
        value_type: b.values.name(),
        count: total,
    });
    let attributes = attributes.value.into_iter().map(|key| FieldInfo {
        name: key.name,
        scope: match key.scope {
            AttributeOwner::Resource => FieldScope::Resource,
            AttributeOwner::Record => FieldScope::Record,
        },
        value_type: key.value_type.name(),
        count: key.count,
    });
    Ok(Outcome { value: builtin.chain(attributes).collect(), partial, stats })
}
