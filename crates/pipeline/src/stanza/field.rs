//! Fields of an entry: `body`, `body.user.id`, `attributes["http.method"]`, `resource.host`.

use std::str::FromStr;

use wire::otlp::tree::{Attributes, Text, Value};

use super::Entry;

/// The part of an entry that a field begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Root {
    Body,
    Attributes,
    Resource,
}

/// A place in an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Field {
    root: Root,
    keys: Vec<Text>,
}

impl Field {
    pub(crate) const fn body() -> Self {
        Self { root: Root::Body, keys: Vec::new() }
    }

    pub(crate) const fn attributes() -> Self {
        Self { root: Root::Attributes, keys: Vec::new() }
    }

    pub(crate) const fn is_body(&self) -> bool {
        matches!(self.root, Root::Body) && self.keys.is_empty()
    }

    /// The key, for a field directly in the attributes.
    pub(crate) fn attribute(&self) -> Option<&str> {
        match (self.root, self.keys.as_slice()) {
            (Root::Attributes, [key]) => Some(key),
            _ => None,
        }
    }

    /// `body`, `attributes` or `resource`.
    pub(crate) const fn root_name(&self) -> &'static str {
        match self.root {
            Root::Body => "body",
            Root::Attributes => "attributes",
            Root::Resource => "resource",
        }
    }

    /// The field that this one is in.
    pub(crate) fn above(&self) -> Option<Self> {
        let (_, path) = self.keys.split_last()?;
        Some(Self { root: self.root, keys: path.to_vec() })
    }

    /// A field in this one.
    pub(crate) fn below(&self, key: &str) -> Self {
        let keys = self.keys.iter().cloned().chain([Text::new(key)]).collect();
        Self { root: self.root, keys }
    }

    /// What is there. The attributes as a whole are no value.
    pub(crate) fn get<'e>(&self, entry: &'e Entry) -> Option<&'e Value> {
        let (mut at, keys) = match (self.root, self.keys.split_first()) {
            (Root::Body, _) => (Some(&entry.record.body), self.keys.as_slice()),
            (Root::Attributes, Some((first, rest))) => (entry.record.attributes.get(first), rest),
            (Root::Resource, Some((first, rest))) => (entry.resource.get(first), rest),
            (_, None) => return None,
        };
        for key in keys {
            at = match at? {
                Value::Map(map) => map.get(key),
                _ => return None,
            };
        }
        at
    }

    /// The whole map, for a field that is one.
    pub(crate) fn map<'e>(&self, entry: &'e Entry) -> Option<&'e Attributes> {
        match (self.root, self.keys.is_empty()) {
            (Root::Attributes, true) => Some(&entry.record.attributes),
            (Root::Resource, true) => Some(&entry.resource),
            _ => match self.get(entry) {
                Some(Value::Map(map)) => Some(map),
                _ => None,
            },
        }
    }

    /// Puts a value there; what is in the way becomes a map.
    pub(crate) fn set(&self, entry: &mut Entry, value: Value) {
        let Some((last, path)) = self.keys.split_last() else {
            match (self.root, value) {
                (Root::Body, value) => entry.record.body = value,
                (Root::Attributes, Value::Map(map)) => merge(&mut entry.record.attributes, map),
                (Root::Resource, Value::Map(map)) => merge(&mut entry.resource, map),
                _ => {}
            }
            return;
        };
        let mut map = match self.root {
            Root::Body => as_map(&mut entry.record.body),
            Root::Attributes => &mut entry.record.attributes,
            Root::Resource => &mut entry.resource,
        };
        for key in path {
            if !map.contains(key) {
                map.push(key, Value::Empty);
            }
            let Some(inner) = map.get_mut(key) else { return };
            map = as_map(inner);
        }
        map.set(last, value);
    }

    /// Adds the members of a map.
    pub(crate) fn merge(&self, entry: &mut Entry, members: Attributes) {
        match (self.root, self.keys.is_empty()) {
            (Root::Attributes, true) => merge(&mut entry.record.attributes, members),
            (Root::Resource, true) => merge(&mut entry.resource, members),
            _ => self.set(entry, Value::Map(members)),
        }
    }

    /// Takes out what is there.
    pub(crate) fn remove(&self, entry: &mut Entry) -> Option<Value> {
        let Some((last, path)) = self.keys.split_last() else {
            return match self.root {
                Root::Body => Some(std::mem::take(&mut entry.record.body)),
                Root::Attributes => Some(Value::Map(std::mem::take(&mut entry.record.attributes))),
                Root::Resource => Some(Value::Map(std::mem::take(&mut entry.resource))),
            };
        };
        let mut map = match self.root {
            Root::Body => match &mut entry.record.body {
                Value::Map(map) => map,
                _ => return None,
            },
            Root::Attributes => &mut entry.record.attributes,
            Root::Resource => &mut entry.resource,
        };
        for key in path {
            map = match map.get_mut(key)? {
                Value::Map(inner) => inner,
                _ => return None,
            };
        }
        map.remove(last)
    }
}

fn merge(into: &mut Attributes, from: Attributes) {
    if into.is_empty() {
        *into = from;
        return;
    }
    for (key, value) in from {
        into.set(&key, value);
    }
}

fn as_map(value: &mut Value) -> &mut Attributes {
    if !matches!(value, Value::Map(_)) {
        *value = Value::Map(Attributes::new());
    }
    match value {
        Value::Map(map) => map,
        _ => unreachable!("made a map above"),
    }
}

impl FromStr for Field {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let bad = || format!("`{text}` is not a field; write body, attributes.name or resource[\"a.b\"]");
        let mut rest = text.strip_prefix('$').unwrap_or(text);
        let end = rest.find(['.', '[']).unwrap_or(rest.len());
        let root = match &rest[..end] {
            "body" => Root::Body,
            "attributes" => Root::Attributes,
            "resource" => Root::Resource,
            _ => return Err(bad()),
        };
        rest = &rest[end..];
        let mut keys = Vec::new();
        while !rest.is_empty() {
            if let Some(inner) = rest.strip_prefix('[') {
                let quote = inner.chars().next().filter(|c| matches!(c, '"' | '\'')).ok_or_else(bad)?;
                let (key, behind) = inner[1..].split_once(quote).ok_or_else(bad)?;
                keys.push(Text::new(key));
                rest = behind.strip_prefix(']').ok_or_else(bad)?;
            } else {
                let inner = rest.strip_prefix('.').ok_or_else(bad)?;
                let end = inner.find(['.', '[']).unwrap_or(inner.len());
                if end == 0 {
                    return Err(bad());
                }
                keys.push(Text::new(&inner[..end]));
                rest = &inner[end..];
            }
        }
        Ok(Self { root, keys })
    }
}

impl<'de> serde::Deserialize<'de> for Field {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        String::deserialize(d)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_set_found_and_taken_out() {
        let mut entry = Entry::default();
        let field: Field = "attributes[\"http.method\"].x.y".parse().unwrap();
        field.set(&mut entry, "GET".into());
        assert_eq!(field.get(&entry), Some(&"GET".into()));
        assert_eq!(entry.record.attributes.iter().next().unwrap().0, "http.method");
        assert_eq!(field.remove(&mut entry), Some("GET".into()));
        assert_eq!(field.get(&entry), None);
        let body: Field = "body.a".parse().unwrap();
        entry.record.body = "text".into();
        body.set(&mut entry, 1.into());
        assert_eq!(body.get(&entry), Some(&Value::Int(1)));
        for bad in ["", "bdoy", "body..a", "attributes[x]", "attributes[\"x", "body."] {
            assert!(bad.parse::<Field>().is_err(), "{bad}");
        }
    }
}
