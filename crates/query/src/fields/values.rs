//! The values of a field in matching records, with counts.

use eventstore::EventStore;
use eventstore::query::{FieldValue, FieldValues, Filter, Outcome, Predicate};
use model::log::severity_range;

use crate::EventSignal;
use crate::lang::fields::{Values, named};
use crate::read::{ReadError, Request, bounded};

/// Most values that are listed.
pub const LIMIT_MAX: usize = 1_000;

/// The values of the field `name`, most frequent first, spelled as a filter spells them, and how many there are.
///
/// With a `prefix`, only values that begin with it.
/// `name` is what a filter would write: `level`, `http.route`, `resource.host.name`, `attr.k`.
///
/// # Errors
/// A wrong filter, or a `limit` above [`LIMIT_MAX`].
pub fn values(
    store: &EventStore,
    signal: EventSignal,
    request: &Request,
    name: &str,
    prefix: Option<&str>,
    limit: usize,
) -> Result<Outcome<FieldValues>, ReadError> {
    let limit = bounded("limit", limit, LIMIT_MAX)?;
    let (_, mut select) = request.select(signal)?;
    let (field, kind) = named(signal, name);
    // Values that are names of numbers are few; they are looked at below.
    let open = !matches!(kind, Values::SpanKind | Values::StatusCode | Values::Level);
    if let (Some(text), true) = (prefix, open) {
        let begins = Filter::Is(Predicate::Prefix { field: field.clone(), text: text.to_owned() });
        select.filter = Filter::And(vec![begins, select.filter]);
    }
    // Severity numbers are merged into levels below: 25 numbers are all there are.
    let fetch = if kind == Values::Level { limit.max(25) } else { limit };
    let mut found = match signal {
        EventSignal::Logs => store.logs().field_values(&select, &field, fetch)?,
        EventSignal::Traces => store.spans().field_values(&select, &field, fetch)?,
    };
    let FieldValues { values, distinct } = &mut found.value;
    let fetched = values.len();
    *values = spelled(std::mem::take(values), kind);
    if let Some(prefix) = prefix {
        // A record may have the field twice, and the other value begins otherwise.
        values.retain(|v| v.value.starts_with(prefix));
    }
    // Several numbers may have become one name.
    *distinct -= (fetched - values.len()) as u64;
    values.truncate(limit);
    Ok(found)
}

/// A value of the engine as filters write it: numbers become the names of what they stand for.
pub fn spelled_value(value: String, kind: Values) -> String {
    let names: &[&str] = match kind {
        Values::SpanKind => &["unspecified", "internal", "server", "client", "producer", "consumer"],
        Values::StatusCode => &["unset", "ok", "error"],
        // A range of the severity that has its name already.
        Values::Level if value.parse::<u8>().is_err() => return value.to_lowercase(),
        Values::Level => &[],
        _ => return value,
    };
    let Ok(number) = value.parse::<usize>() else { return value };
    match kind {
        Values::Level => severity_range(number.min(255) as u8).to_lowercase(),
        _ => names.get(number).map_or(value, |n| (*n).to_owned()),
    }
}

/// The same for a list, in which several numbers may become one name.
fn spelled(values: Vec<FieldValue>, kind: Values) -> Vec<FieldValue> {
    if !matches!(kind, Values::SpanKind | Values::StatusCode | Values::Level) {
        return values;
    }
    let mut out: Vec<FieldValue> = Vec::new();
    for FieldValue { value, count } in values {
        let value = spelled_value(value, kind);
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
