//! Methods of `template.KV`, `template.Pairs`, `template.Alerts` and `template.Strings`.

use std::collections::BTreeMap;
use std::sync::Arc;

use gotmpl::Value;

use crate::arguments::{args, as_text};
use crate::error::{Result, fail};
use crate::value::{StructType, is_texts, list, struct_name, text, type_name};

const PAIR: StructType = StructType::new("template.Pair", &[("Name", "Name"), ("Value", "Value")]);

/// The label that stands first in sorted pairs.
const ALERT_NAME: &str = "alertname";

/// The methods; `None` when the value has no such method.
pub fn methods(receiver: &Value, name: &str, arguments: &[Value]) -> Option<Result<Value>> {
    match receiver {
        Value::Map(map) if struct_name(receiver).is_none() && is_texts(map) => of_kv(map, name, arguments),
        Value::List(items) => of_list(items, name, arguments),
        _ => None,
    }
}

fn of_kv(map: &Arc<BTreeMap<Arc<str>, Value>>, name: &str, arguments: &[Value]) -> Option<Result<Value>> {
    let none = || args::<0>(name, arguments).map(|_| ());
    Some(match name {
        "SortedPairs" => none().map(|()| list(sorted(map).map(|(n, v)| PAIR.value([text(n), v.clone()])).collect())),
        "Names" => none().map(|()| list(sorted(map).map(|(n, _)| text(n)).collect())),
        "Values" => none().map(|()| list(sorted(map).map(|(_, v)| v.clone()).collect())),
        "Remove" => remove(map, arguments),
        _ => return None,
    })
}

/// `alertname` first, then by name.
fn sorted(map: &BTreeMap<Arc<str>, Value>) -> impl Iterator<Item = (&str, &Value)> {
    let first = map.get(ALERT_NAME).map(|value| (ALERT_NAME, value));
    first.into_iter().chain(map.iter().filter(|(n, _)| &***n != ALERT_NAME).map(|(n, v)| (&**n, v)))
}

fn remove(map: &BTreeMap<Arc<str>, Value>, arguments: &[Value]) -> Result<Value> {
    let [Value::List(names)] = args::<1>("Remove", arguments)? else {
        return fail("Remove: expected a list of names");
    };
    let gone = |name: &str| names.iter().any(|n| n.as_str() == Some(name));
    Ok(Value::Map(Arc::new(map.iter().filter(|(n, _)| !gone(n)).map(|(n, v)| (n.clone(), v.clone())).collect())))
}

fn of_list(items: &[Value], name: &str, arguments: &[Value]) -> Option<Result<Value>> {
    let field = |field: &str| -> Result<Value> {
        args::<0>(name, arguments)?;
        let values: Option<Vec<Value>> = items.iter().map(|item| item.field(field).cloned()).collect();
        match values {
            Some(values) => Ok(list(values)),
            None => fail(format!("can't evaluate field {name} in type {}", type_name(&Value::List(items.into())))),
        }
    };
    Some(match name {
        "Firing" | "Resolved" => {
            let wanted = name.to_lowercase();
            args::<0>(name, arguments).map(|_| {
                let status = |item: &&Value| item.field("Status").and_then(Value::as_str) == Some(&wanted);
                list(items.iter().filter(status).cloned().collect())
            })
        }
        "Names" => field("Name"),
        "Values" => field("Value"),
        "String" => args::<0>(name, arguments).map(|_| {
            let part = |item: &Value, field| item.field(field).map(ToString::to_string).unwrap_or_default();
            let pairs: Vec<_> =
                items.iter().map(|item| format!("{}={}", part(item, "Name"), part(item, "Value"))).collect();
            text(pairs.join(", "))
        }),
        "Join" => join(arguments, items),
        _ => return None,
    })
}

fn join(arguments: &[Value], items: &[Value]) -> Result<Value> {
    let [separator] = args("Join", arguments)?;
    join_texts("Join", as_text("Join", separator)?, items)
}

/// Texts with a separator between them.
pub(super) fn join_texts(name: &str, separator: &str, items: &[Value]) -> Result<Value> {
    let texts: Vec<&str> = items.iter().map(|item| as_text(name, item)).collect::<Result<_>>()?;
    Ok(text(texts.join(separator)))
}
