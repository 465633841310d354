//! Attributes: keys and values in the order in which they were sent.

use super::read::{LEN, of_bytes, text};
use super::value::{MAX_DEPTH, Value};
use super::{Shape, Text};
use crate::protobuf::{Backward, Malformed, Reader};

/// Keys and values. A key should be there once; one that was sent twice is kept twice, and the first counts.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Attributes(Vec<(Text, Value)>);

impl Attributes {
    /// No attributes.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// No attributes, and room for as many as the last record had.
    pub(super) fn like(shape: &Shape) -> Self {
        Self(Vec::with_capacity(shape.attributes))
    }

    pub(super) fn seen(&self, shape: &mut Shape) {
        shape.attributes = self.0.len().min(64);
    }

    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.0.iter().find(|(k, _)| k == key).map(|(_, v)| v)
    }

    /// The value of a key.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Value> {
        self.0.iter_mut().find(|(k, _)| k == key).map(|(_, v)| v)
    }

    /// The text of a key, if its value is one.
    pub fn text(&self, key: &str) -> Option<&str> {
        self.get(key).and_then(Value::as_str)
    }

    /// Whether the key is there.
    pub fn contains(&self, key: &str) -> bool {
        self.get(key).is_some()
    }

    /// Gives the key this value, whether it is there or not.
    pub fn set(&mut self, key: &str, value: impl Into<Value>) {
        match self.get_mut(key) {
            Some(old) => *old = value.into(),
            None => self.push(key, value),
        }
    }

    /// Adds a key that is not there.
    pub fn push(&mut self, key: impl AsRef<str>, value: impl Into<Value>) {
        self.0.push((Text::new(key), value.into()));
    }

    /// Takes a key away.
    pub fn remove(&mut self, key: &str) -> Option<Value> {
        let first = self.0.iter().position(|(k, _)| k == key)?;
        let (_, value) = self.0.remove(first);
        self.0.retain(|(k, _)| k != key);
        Some(value)
    }

    /// Keeps what `keep` says.
    pub fn retain(&mut self, mut keep: impl FnMut(&str, &mut Value) -> bool) {
        self.0.retain_mut(|(k, v)| keep(k, v));
    }

    /// Keys and values.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&str, &Value)> + ExactSizeIterator {
        self.0.iter().map(|(k, v)| (&**k, v))
    }

    /// Keys and values; keys may be changed too.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (&mut Text, &mut Value)> {
        self.0.iter_mut().map(|(k, v)| (k, v))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Takes all away.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// Keeps the first `n`.
    pub fn truncate(&mut self, n: usize) {
        self.0.truncate(n);
    }

    /// About how many bytes they take in memory.
    pub fn heap_bytes(&self) -> usize {
        let of = |(k, v): &(Text, Value)| text_bytes(k) + v.heap_bytes();
        self.0.capacity() * size_of::<(Text, Value)>() + self.0.iter().map(of).sum::<usize>()
    }

    /// Reads one `KeyValue` that lies in `depth` arrays and maps.
    ///
    /// Nearly every encoder writes the key, then the value, and both are short:
    /// that shape is taken apart without a loop.
    #[inline]
    pub(super) fn read(&mut self, kv: Reader<'_>, depth: usize) -> Result<(), Malformed> {
        if let [0x0a, key_len @ 0..0x80, rest @ ..] = kv.rest()
            && let Some((key, [0x12, value_len @ 0..0x80, value @ ..])) = rest.split_at_checked(usize::from(*key_len))
            && value.len() == usize::from(*value_len)
        {
            let at = kv.offset() + kv.rest().len() - value.len();
            let value = Value::read_short(value, at, depth)?;
            self.0.push((of_bytes(key), value));
            return Ok(());
        }
        self.read_any(kv, depth)
    }

    fn read_any(&mut self, mut r: Reader<'_>, depth: usize) -> Result<(), Malformed> {
        let (mut k, mut v) = (Text::default(), Value::Empty);
        while let Some(key) = r.key()? {
            match (key.field(), key.wire_type()) {
                (1, LEN) => k = text(&mut r)?,
                (2, LEN) => v = Value::read(r.message()?, depth)?,
                _ => r.skip_unknown(key, 0b110)?,
            }
        }
        self.0.push((k, v));
        Ok(())
    }

    /// Reads a `KeyValueList` that lies in `depth` arrays and maps, at most [`MAX_DEPTH`].
    pub(super) fn read_list(mut r: Reader<'_>, depth: usize) -> Result<Self, Malformed> {
        debug_assert!(depth <= MAX_DEPTH);
        let mut out = Self::new();
        while let Some(key) = r.key()? {
            match (key.field(), key.wire_type()) {
                (1, LEN) => out.read(r.message()?, depth)?,
                _ => r.skip_unknown(key, 0b10)?,
            }
        }
        Ok(out)
    }

    /// Writes each as a message of `field`.
    #[inline]
    pub(super) fn encode(&self, w: &mut Backward, field: u32) {
        for (key, value) in self.0.iter().rev() {
            let end = w.mark();
            let at = w.mark();
            value.encode(w);
            w.message(2, at);
            if !key.is_empty() {
                w.bytes(1, key.as_bytes());
            }
            w.message(field, end);
        }
    }
}

/// What a text takes beside its place.
pub(super) fn text_bytes(text: &Text) -> usize {
    if text.is_heap_allocated() { text.capacity() } else { 0 }
}

impl<K: AsRef<str>, V: Into<Value>> FromIterator<(K, V)> for Attributes {
    fn from_iter<T: IntoIterator<Item = (K, V)>>(iter: T) -> Self {
        Self(iter.into_iter().map(|(k, v)| (Text::new(k), v.into())).collect())
    }
}

impl IntoIterator for Attributes {
    type Item = (Text, Value);
    type IntoIter = std::vec::IntoIter<(Text, Value)>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_set_found_and_taken_away() {
        let mut a: Attributes = [("a", 1), ("b", 2), ("a", 3)].into_iter().collect();
        assert_eq!(a.get("a"), Some(&Value::Int(1)));
        a.set("b", "two");
        a.set("c", true);
        assert_eq!(a.text("b"), Some("two"));
        assert_eq!(a.remove("a"), Some(Value::Int(1)));
        assert_eq!(a.iter().map(|(k, _)| k.to_owned()).collect::<Vec<_>>(), ["b", "c"]);
        assert!(a.remove("a").is_none() && !a.contains("a"));
    }
}
