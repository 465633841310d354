//! `uri_parser`: the parts of a URI, absolute or relative, as attributes; the query as lists by name.

use foundation::UnixNanos;
use net::Url;
use serde::Deserialize;
use wire::otlp::tree::{Attributes, Value};

use super::parser::{Parser, With};
use crate::stanza::Entry;
use crate::stanza::chain::{Operator, Verdict};

#[derive(Debug, Deserialize)]
pub(super) struct Own {}

pub(super) struct UriParser(Parser);

impl UriParser {
    pub(super) fn new(settings: With<Own>) -> Result<Self, String> {
        Ok(Self(settings.checked(&[])?.0))
    }
}

/// What relative ones are relative to; it is not shown.
const NOWHERE: &str = "http://relative.invalid/";

fn read(text: &str) -> Result<Attributes, String> {
    let relative = text.starts_with(['/', '?', '#']);
    let url = match relative {
        true => Url::parse(NOWHERE).and_then(|base| base.join(text)),
        false => Url::parse(text),
    };
    let url = url.map_err(|e| format!("no URI: {e}"))?;
    let mut parts = Attributes::new();
    let mut part = |name: &str, value: &str| {
        if !value.is_empty() {
            parts.push(name, value);
        }
    };
    if !relative {
        part("scheme", url.scheme());
        part("user", url.username());
        part("host", url.host_str().unwrap_or_default());
        part("port", &url.port().map(|port| port.to_string()).unwrap_or_default());
    }
    part("path", if relative && !text.starts_with('/') { "" } else { url.path() });
    part("fragment", url.fragment().unwrap_or_default());
    let mut query = Attributes::new();
    for (name, value) in url.query_pairs() {
        let value = Value::Str(value.as_ref().into());
        match query.get_mut(&name) {
            Some(Value::Array(values)) => values.push(value),
            _ => query.push(&name, Value::Array(vec![value])),
        }
    }
    if !query.is_empty() {
        parts.push("query", Value::Map(query));
    }
    Ok(parts)
}

impl Operator for UriParser {
    fn apply(&self, entry: &mut Entry, now: UnixNanos) -> Result<Verdict, String> {
        self.0.apply(entry, now, read)
    }
}
