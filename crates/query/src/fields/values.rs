//! The values of a field in matching records, with counts.

use eventstore::EventStore;
use eventstore::query::{FieldValue, Outcome};
use model::log::severity_range;

use crate::EventSignal;
use crate::lang::fields::{Values, named};
use crate::read::{ReadError, Request, bounded};

/// Most values that are listed.
pub const LIMIT_MAX: usize = 1_000;

/// The values of the field `name`, most frequent first, spelled as a filter spells them.
///
/// `name` is what a filter would write: `level`, `http.route`, `resource.host.name`, `attr.k`.
///
/// # Errors
/// A wrong filter, or a `limit` above [`LIMIT_MAX`].
pub fn values(
    store: &EventStore,
    signal: EventSignal,
    request: &Request,
    name: &str,
    limit: usize,
) -> Result<Outcome<Vec<FieldValue>>, ReadError> {
    let limit = bounded("limit", limit, LIMIT_MAX)?;
    let (_, select) = request.select(signal)?;
    let (field, kind) = named(signal, name);
    // Severity numbers are merged into levels below: 25 numbers are all there are.
    let fetch = if kind == Values::Level { limit.max(25) } else { limit };
    let mut found = match signal {
        EventSignal::Logs => store.logs().field_values(&select, &field, fetch)?,
        EventSignal::Traces => store.spans().field_values(&select, &field, fetch)?,
    };
    found.value = spelled(found.value, kind);
    found.value.truncate(limit);
    Ok(found)
}

/// Numbers become the names that filters take.
fn spelled(values: Vec<FieldValue>, kind: Values) -> Vec<FieldValue> {
    let names: &[&str] = match kind {
        Values::SpanKind => &["unspecified", "internal", "server", "client", "producer", "consumer"],
        Values::StatusCode => &["unset", "ok", "error"],
        Values::Level => &[],
        _ => return values,
    };
    let mut out: Vec<FieldValue> = Vec::new();
    for FieldValue { value, count } in values {
        let number = value.parse::<usize>().ok();
        let name = match kind {
            Values::Level => number.map(|n| severity_range(n.min(255) as u8).to_lowercase()),
            _ => number.and_then(|n| names.get(n)).map(|n| (*n).to_owned()),
        };
        let value = name.unwrap_or(value);
        match out.iter_mut().find(|v| v.value == value) {
            Some(same) => same.count += count,
            None => out.push(FieldValue { value, count }),
        }
    }
    out.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.value.cmp(&b.value)));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn severity_numbers_become_levels() {
        let value = |value: &str, count| FieldValue { value: value.to_owned(), count };
        let values = spelled(vec![value("9", 5), value("17", 4), value("18", 2), value("0", 1)], Values::Level);
        assert_eq!(values, [value("error", 6), value("info", 5), value("unspecified", 1)]);
        assert_eq!(spelled(vec![value("2", 1)], Values::SpanKind), [value("server", 1)]);
        assert_eq!(spelled(vec![value("2", 1)], Values::StatusCode), [value("error", 1)]);
        assert_eq!(spelled(vec![value("2", 1)], Values::Attribute), [value("2", 1)]);
    }
}
