//! Lists of a record that is being read, as long as they may be.
//!
//! What is beyond a limit is counted as dropped, as an SDK would count it; so no sender
//! decides how much memory one record takes.

use model::{Attributes, Value};

/// Attributes of one span, process, event or record.
const ATTRIBUTES_MAX: usize = 1024;
/// Events, and links, of one span.
const ITEMS_MAX: usize = 4096;

/// Attributes, as many as are kept.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Tags {
    pub kept: Attributes,
    pub dropped: u32,
}

impl Tags {
    pub(crate) fn push(&mut self, key: String, value: Value) {
        if self.kept.len() < ATTRIBUTES_MAX && !key.is_empty() {
            self.kept.push((key, value));
        } else {
            self.dropped = self.dropped.saturating_add(1);
        }
    }

    /// Takes out the first attribute of this name.
    pub(crate) fn remove(&mut self, key: &str) -> Option<Value> {
        let at = self.kept.iter().position(|(k, _)| k == key)?;
        Some(self.kept.remove(at).1)
    }

    pub(crate) fn get(&self, key: &str) -> Option<&Value> {
        model::attributes::get(&self.kept, key)
    }

    /// Takes out the text of this name; empty if there is none or it is no text.
    pub(crate) fn take_text(&mut self, key: &str) -> String {
        match self.remove(key) {
            Some(Value::Str(text)) => text,
            _ => String::new(),
        }
    }
}

/// A list that counts what it left out.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Bounded<T> {
    pub kept: Vec<T>,
    pub dropped: u32,
}

impl<T> Default for Bounded<T> {
    fn default() -> Self {
        Self { kept: Vec::new(), dropped: 0 }
    }
}

impl<T> Bounded<T> {
    pub(crate) fn push(&mut self, item: T) {
        if self.kept.len() < ITEMS_MAX {
            self.kept.push(item);
        } else {
            self.dropped = self.dropped.saturating_add(1);
        }
    }
}

/// Text from a stranger; what is not UTF-8 is replaced, as Go's JSON does.
pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// `otel.scope.*`, or as older exporters spell it, `otel.library.*`, taken out of the tags.
pub(crate) fn take_scope(tags: &mut Tags) -> model::trace::Scope {
    let mut take = |new: &str, old: &str| {
        let (new, old) = (tags.take_text(new), tags.take_text(old));
        if new.is_empty() { old } else { new }
    };
    let name = take("otel.scope.name", "otel.library.name");
    let version = take("otel.scope.version", "otel.library.version");
    model::trace::Scope { name, version, ..Default::default() }
}

/// The last bytes of an id, as ids that are shorter than they should be are read.
pub(crate) fn id<const N: usize>(bytes: &[u8]) -> [u8; N] {
    let mut out = [0; N];
    for (to, from) in out.iter_mut().rev().zip(bytes.iter().rev()) {
        *to = *from;
    }
    out
}
