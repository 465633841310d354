//! The labels of a series, as Prometheus defines them.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// The label that holds the metric name.
pub const NAME: &str = "__name__";

/// One label.
pub type Label = (String, String);

/// Labels sorted by name (bytewise), without empty values and without repeats.
///
/// In Prometheus an empty value and an absent label are the same thing, so
/// empty values are never held. A query makes and clones those of every series
/// it finds: all texts are in one piece of memory, which clones share.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Labels {
    /// Names and values, one after another.
    text: Arc<str>,
    /// Where in `text` each ends: name, value, name, value, ...
    ends: Arc<[u32]>,
}

/// Makes labels out of texts that come in order, many times with the same memory.
#[derive(Debug, Default)]
pub struct LabelsBuilder {
    text: String,
    ends: Vec<u32>,
}

impl LabelsBuilder {
    /// Adds a label. Names must rise, and no value be empty.
    pub fn push(&mut self, name: &str, value: &str) {
        self.text.push_str(name);
        self.ends.push(self.text.len() as u32);
        self.text.push_str(value);
        self.ends.push(self.text.len() as u32);
    }

    /// The labels that were pushed; the builder is empty again.
    pub fn finish(&mut self) -> Labels {
        let labels = Labels { text: Arc::from(&*self.text), ends: Arc::from(&*self.ends) };
        debug_assert!(labels.iter().is_sorted_by(|a, b| a.0 < b.0) && labels.iter().all(|(_, v)| !v.is_empty()));
        self.text.clear();
        self.ends.clear();
        labels
    }
}

impl Labels {
    /// Sorts, drops empty values, and of a repeated name keeps the last.
    pub fn new(labels: Vec<Label>) -> Self {
        Self::from_pairs(labels.iter().map(|(name, value)| (&**name, &**value)))
    }

    /// From pairs of texts; see [`Labels::new`].
    pub fn from_pairs<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut pairs: Vec<(&str, &str)> = pairs.into_iter().collect();
        // Stable: of a repeated name the last one stays last.
        pairs.sort_by_key(|(name, _)| *name);
        let mut builder = LabelsBuilder::default();
        for of_name in pairs.chunk_by(|a, b| a.0 == b.0) {
            if let Some((name, value)) = of_name.last().filter(|(_, value)| !value.is_empty()) {
                builder.push(name, value);
            }
        }
        builder.finish()
    }

    /// The value of `name`, or the empty text when there is none.
    pub fn get(&self, name: &str) -> &str {
        // Few enough that a search would cost more.
        self.iter().find(|(n, _)| *n == name).map_or("", |(_, value)| value)
    }

    /// The metric name, or the empty text.
    pub fn metric_name(&self) -> &str {
        self.get(NAME)
    }

    /// All labels in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &str)> + Clone {
        let mut start = 0;
        let mut next = move |end: &u32| {
            let end = *end as usize;
            self.text.get(std::mem::replace(&mut start, end)..end).unwrap_or_default()
        };
        self.ends.as_chunks::<2>().0.iter().map(move |[name, value]| (next(name), next(value)))
    }

    /// How many labels there are.
    pub fn len(&self) -> usize {
        self.ends.len() / 2
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Sets a label; an empty value removes it.
    pub fn set(&mut self, name: &str, value: &str) {
        *self = Self::from_pairs(self.iter().chain([(name, value)]));
    }

    /// Keeps the labels for which `keep` says so.
    pub fn retain(&mut self, mut keep: impl FnMut(&str, &str) -> bool) {
        let mut builder = LabelsBuilder::default();
        for (name, value) in self.iter().filter(|(name, value)| keep(name, value)) {
            builder.push(name, value);
        }
        if builder.ends.len() < self.ends.len() {
            *self = builder.finish();
        }
    }
}

impl Ord for Labels {
    /// Label by label, by name and then value.
    fn cmp(&self, other: &Self) -> Ordering {
        self.iter().cmp(other.iter())
    }
}

impl PartialOrd for Labels {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Hash for Labels {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.text.hash(state);
        self.ends.hash(state);
    }
}

impl FromIterator<Label> for Labels {
    fn from_iter<I: IntoIterator<Item = Label>>(iter: I) -> Self {
        Self::new(iter.into_iter().collect())
    }
}

impl fmt::Debug for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl fmt::Display for Labels {
    /// As Prometheus prints a series: `up{job="api"}`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.metric_name())?;
        let rest: Vec<_> = self.iter().filter(|(k, _)| *k != NAME).collect();
        if rest.is_empty() && !self.metric_name().is_empty() {
            return Ok(());
        }
        f.write_str("{")?;
        for (i, (k, v)) in rest.iter().enumerate() {
            let sep = if i == 0 { "" } else { ", " };
            write!(f, "{sep}{k}={v:?}")?;
        }
        f.write_str("}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sorted_without_empties_last_wins() {
        let l = Labels::from_pairs([("b", "1"), ("a", "2"), ("b", "3"), ("c", "")]);
        assert_eq!(l.iter().collect::<Vec<_>>(), [("a", "2"), ("b", "3")]);
        assert_eq!(l.get("c"), "");
    }

    #[test]
    fn order_is_by_labels_not_by_bytes() {
        let [a, b, c] = [[("a", "1")], [("a", "12")], [("ab", "1")]].map(Labels::from_pairs);
        assert!(a < b && b < c && a.cmp(&a.clone()).is_eq());
        assert_ne!(b, Labels::from_pairs([("a1", "2")]), "the same text, cut elsewhere");
        let longer = Labels::from_pairs([("a", "1"), ("b", "")]);
        assert_eq!(a, longer);
        assert!(a < Labels::from_pairs([("a", "1"), ("b", "1")]));
    }

    #[test]
    fn set_inserts_replaces_and_removes() {
        let mut l = Labels::from_pairs([("__name__", "up"), ("job", "api")]);
        l.set("instance", "a:1");
        assert_eq!(l.to_string(), r#"up{instance="a:1", job="api"}"#);
        l.set("instance", "");
        l.set("job", "");
        assert_eq!(l.to_string(), "up");
    }
}
