//! The canonical bytes of a label set: what series are looked up by and written as.
//!
//! Per label, sorted by name: varint length and bytes of the name, varint
//! length and bytes of the value. Equal label sets have equal bytes.

use std::hash::Hasher as _;

use model::Labels;

use crate::chunk::bits::{ByteReader, put_prefixed};

/// The canonical bytes of `labels`.
pub(crate) fn encode(labels: &Labels, out: &mut Vec<u8>) {
    for (name, value) in labels.iter() {
        put_prefixed(out, name.as_bytes());
        put_prefixed(out, value.as_bytes());
    }
}

/// The hash that series are found by. Not stored.
pub(crate) fn hash(key: &[u8]) -> u64 {
    let mut h = rustc_hash::FxHasher::default();
    h.write(key);
    h.finish()
}

/// The labels of a key, in order; ends early when the bytes are not a key.
pub(crate) fn iter(key: &[u8]) -> impl Iterator<Item = (&str, &str)> {
    let mut r = ByteReader(key);
    std::iter::from_fn(move || if r.0.is_empty() { None } else { Some((r.text()?, r.text()?)) })
}

/// The value of one label, or the empty text.
pub(crate) fn get<'a>(key: &'a [u8], name: &str) -> &'a str {
    iter(key).find(|(n, _)| *n == name).map_or("", |(_, v)| v)
}

/// The labels of a key.
pub(crate) fn decode(key: &[u8]) -> Labels {
    iter(key).map(|(n, v)| (n.to_owned(), v.to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_come_back() {
        let labels = Labels::from_pairs([("__name__", "up"), ("job", "shop/api"), ("ü", "日本")]);
        let mut key = Vec::new();
        encode(&labels, &mut key);
        assert_eq!(decode(&key), labels);
        assert_eq!(get(&key, "job"), "shop/api");
        assert_eq!(get(&key, "absent"), "");
    }
}
