//! Which attributes are compared: the built-in fields that say something, then those of the records, most frequent first.

use eventstore::EventStore;
use eventstore::query::{AttributeOwner, AttributeScope, Field, FieldKey, Filter, GroupBy, ValueType};

use super::ATTRIBUTES_MAX;
use super::sides::{Cost, Side};
use crate::EventSignal;
use crate::fields::FieldScope;
use crate::lang::fields::{Values, builtins};
use crate::lang::print_key;
use crate::read::{ReadError, Request};

/// An attribute that is compared.
#[derive(Debug, Clone)]
pub(super) struct Candidate {
    /// As a filter names it.
    pub key: String,
    pub scope: FieldScope,
    pub field: Field,
    pub values: Values,
    /// Whether senders send numbers.
    pub number: bool,
}

impl Candidate {
    /// What its values are counted by.
    pub(super) fn by(&self) -> GroupBy {
        match self.values {
            Values::Level => GroupBy::SeverityRange,
            _ => GroupBy::Field(self.field.clone()),
        }
    }
}

/// The attributes of both sides without those in `selected_by`, and how many were too many.
pub(super) fn candidates(
    store: &EventStore,
    signal: EventSignal,
    request: &Request,
    sides: [&Side<'_>; 2],
    selected_by: &[Field],
    cost: &mut Cost,
) -> Result<(Vec<Candidate>, usize), ReadError> {
    let is_taken = |field: &Field| selected_by.iter().any(|t| same(t, field));
    let builtin = builtins(signal).iter().filter(|b| compared(b.values)).map(|b| Candidate {
        key: b.name().to_owned(),
        scope: FieldScope::Builtin,
        field: b.field(),
        values: b.values,
        number: b.values == Values::Duration,
    });
    let mut select = request.with(Filter::All);
    select.range = sides.iter().fold(request.range, |range, side| side.hull(range));
    let keys = match signal {
        EventSignal::Logs => store.logs().field_keys(&select)?,
        EventSignal::Traces => store.spans().field_keys(&select)?,
    };
    cost.add(keys.partial, &keys.stats);
    let attributes = merged(keys.value);
    let twice = |name: &str| attributes.iter().filter(|a| a.name == name).count() > 1;
    let attributes = attributes.iter().filter(|a| a.name != "service.name").map(|a| {
        let (scope, of, prefix) = match a.owner {
            AttributeOwner::Resource => (FieldScope::Resource, AttributeScope::Resource, "resource."),
            AttributeOwner::Record => (FieldScope::Record, AttributeScope::Record, "attr."),
        };
        let bare = print_key(&a.name);
        let shadowed = builtins(signal).iter().any(|b| b.names.contains(&a.name.as_str()));
        Candidate {
            key: if twice(&a.name) || shadowed { format!("{prefix}{bare}") } else { bare },
            scope,
            field: Field::Attribute { scope: of, key: a.name.clone() },
            values: Values::Attribute,
            number: a.number,
        }
    });
    let mut all: Vec<Candidate> = builtin.chain(attributes).filter(|c| !is_taken(&c.field)).collect();
    let left_out = all.len().saturating_sub(ATTRIBUTES_MAX);
    all.truncate(ATTRIBUTES_MAX);
    Ok((all, left_out))
}

/// Ids differ by nature, and so do texts that nobody groups by.
const fn compared(values: Values) -> bool {
    !matches!(values, Values::Id(_) | Values::FullText)
}

/// Whether a filter by one is a filter by the other.
fn same(a: &Field, b: &Field) -> bool {
    match (a, b) {
        (Field::Attribute { scope: of, key }, Field::Attribute { scope, key: other }) => {
            key == other && (of == scope || *of == AttributeScope::Any || *scope == AttributeScope::Any)
        }
        _ => a == b,
    }
}

struct Attribute {
    name: String,
    owner: AttributeOwner,
    number: bool,
    count: u64,
}

/// A key that is sent with several types is one attribute.
fn merged(keys: Vec<FieldKey>) -> Vec<Attribute> {
    let mut out: Vec<Attribute> = Vec::new();
    for key in keys {
        let number = matches!(key.value_type, ValueType::Int | ValueType::Double);
        match out.iter_mut().find(|a| a.name == key.name && a.owner == key.scope) {
            Some(same) => {
                same.number &= number;
                same.count += key.count;
            }
            None => out.push(Attribute { name: key.name, owner: key.scope, number, count: key.count }),
        }
    }
    out.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.name.cmp(&b.name)));
    out
}
