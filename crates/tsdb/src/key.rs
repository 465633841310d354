//! The canonical bytes of a label set: what series are looked up by and written as.
//!
//! Per label, sorted by name (bytewise): varint length and bytes of the name,
//! varint length and bytes of the value. No label is empty or comes twice, so
//! that equal label sets have equal bytes. Public for those who keep keys
//! themselves, as derived metrics do.

use std::cmp::Ordering;
use std::hash::Hasher as _;

use model::Labels;
use model::labels::LabelsBuilder;

use crate::chunk::bits::{ByteReader, put_prefixed};

/// Appends the canonical bytes of `labels`.
pub fn encode(labels: &Labels, out: &mut Vec<u8>) {
    labels.iter().for_each(|(name, value)| put_label(out, name, value));
}

fn put_label(out: &mut Vec<u8>, name: &str, value: &str) {
    put_prefixed(out, name.as_bytes());
    put_prefixed(out, value.as_bytes());
}

/// Appends the canonical bytes of labels in any order, leaving out those without a value; `false` when a name is empty
/// or comes twice, and then what was appended is no key.
///
/// Costs no allocation when they come sorted.
pub fn write<'l>(labels: impl IntoIterator<Item = (&'l str, &'l str)>, out: &mut Vec<u8>) -> bool {
    let mut labels = labels.into_iter().filter(|(_, value)| !value.is_empty());
    let start = out.len();
    let mut last = "";
    while let Some((name, value)) = labels.next() {
        if name <= last {
            return !name.is_empty() && name != last && sort(out, start, std::iter::once((name, value)).chain(labels));
        }
        put_label(out, name, value);
        last = name;
    }
    true
}

/// Writes the sorted labels from `start` on anew, together with `rest`.
fn sort<'l>(out: &mut Vec<u8>, start: usize, rest: impl Iterator<Item = (&'l str, &'l str)>) -> bool {
    let sorted = out.split_off(start);
    let rest: Vec<(&str, &str)> = rest.collect();
    let mut all: Vec<(&str, &str)> = iter(&sorted).chain(rest.iter().copied()).collect();
    all.sort_unstable();
    all.iter().for_each(|(name, value)| put_label(out, name, value));
    all.first().is_some_and(|(name, _)| !name.is_empty()) && all.windows(2).all(|pair| pair[0].0 != pair[1].0)
}

/// Whether the bytes are a key: whole, sorted, without repeats and empty labels.
pub fn is_canonical(key: &[u8]) -> bool {
    let mut r = ByteReader(key);
    let mut last = "";
    while !r.0.is_empty() {
        match (r.text(), r.text()) {
            (Some(name), Some(value)) if name > last && !value.is_empty() => last = name,
            _ => return false,
        }
    }
    true
}

/// How the labels of two keys compare: label by label, by name and then value.
pub(crate) fn cmp(a: &[u8], b: &[u8]) -> Ordering {
    // Most keys begin alike, and what is the same needs no look at its texts.
    let words = a.as_chunks::<8>().0.iter().zip(b.as_chunks::<8>().0).take_while(|(a, b)| a == b).count() * 8;
    let rest = a.iter().skip(words).zip(b.iter().skip(words));
    let same = words + rest.take_while(|(a, b)| a == b).count();
    let (mut texts, mut begin) = (ByteReader(a), 0);
    while texts.prefixed().is_some() && a.len() - texts.0.len() <= same {
        begin = a.len() - texts.0.len();
    }
    text_at(a, begin).cmp(&text_at(b, begin))
}

/// The name or value that begins there; `None` at the end.
fn text_at(key: &[u8], begin: usize) -> Option<&[u8]> {
    ByteReader(key.get(begin..).unwrap_or_default()).prefixed()
}

/// The hash that series are found by. Not stored.
pub(crate) fn hash(key: &[u8]) -> u64 {
    let mut h = rustc_hash::FxHasher::default();
    h.write(key);
    h.finish()
}

/// The labels of a key, in order; ends early when the bytes are not a key.
pub fn iter(key: &[u8]) -> impl Iterator<Item = (&str, &str)> {
    let mut r = ByteReader(key);
    std::iter::from_fn(move || if r.0.is_empty() { None } else { Some((r.text()?, r.text()?)) })
}

/// The value of one label, or the empty text.
pub fn get<'a>(key: &'a [u8], name: &str) -> &'a str {
    iter(key).find(|(n, _)| *n == name).map_or("", |(_, v)| v)
}

/// The labels of a key.
pub fn decode(key: &[u8]) -> Labels {
    decode_with(key, &mut LabelsBuilder::default())
}

/// As [`decode`], with memory that is used again.
pub(crate) fn decode_with(key: &[u8], builder: &mut LabelsBuilder) -> Labels {
    iter(key).for_each(|(name, value)| builder.push(name, value));
    builder.finish()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

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

    proptest! {
        #[test]
        fn keys_compare_as_their_labels(pairs in prop::collection::vec(prop::collection::btree_map("[ab]{1,2}|a{126,130}", "[ab]{1,2}|b{200}", 0..4), 2)) {
            let of = |pairs: &std::collections::BTreeMap<String, String>| {
                let labels = Labels::from_pairs(pairs.iter().map(|(n, v)| (&**n, &**v)));
                let mut key = Vec::new();
                encode(&labels, &mut key);
                (labels, key)
            };
            let ((a, a_key), (b, b_key)) = (of(&pairs[0]), of(&pairs[1]));
            prop_assert_eq!(cmp(&a_key, &b_key), a.cmp(&b));
        }
    }

    #[test]
    fn labels_in_any_order_become_one_key() {
        let mut key = Vec::new();
        encode(&Labels::from_pairs([("__name__", "up"), ("a", "1"), ("b", "2")]), &mut key);
        for order in [["__name__", "a", "b"], ["b", "a", "__name__"], ["a", "__name__", "b"]] {
            let value = |name| {
                if name == "a" {
                    "1"
                } else if name == "b" {
                    "2"
                } else {
                    "up"
                }
            };
            let mut out = b"before".to_vec();
            assert!(write(order.map(|name| (name, value(name))).into_iter().chain([("empty", "")]), &mut out));
            assert_eq!(out, [&b"before"[..], &key].concat());
        }
        assert!(is_canonical(&key) && !is_canonical(&key[1..]) && !is_canonical(&key[..key.len() - 1]));
        for wrong in [
            &[("a", "1"), ("a", "2")][..],
            &[("b", "1"), ("a", "2"), ("b", "3")],
            &[("", "1")],
            &[("a", "1"), ("", "2")],
        ] {
            assert!(!write(wrong.iter().copied(), &mut Vec::new()), "{wrong:?}");
        }
    }
}
