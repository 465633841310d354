//! The labels of a series, as Prometheus defines them.

use std::fmt;

/// The label that holds the metric name.
pub const NAME: &str = "__name__";

/// One label.
pub type Label = (String, String);

/// Labels sorted by name (bytewise), without empty values and without repeats.
///
/// In Prometheus an empty value and an absent label are the same thing, so
/// empty values are never held.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Labels(Vec<Label>);

impl Labels {
    /// Sorts, drops empty values, and of a repeated name keeps the last.
    pub fn new(mut labels: Vec<Label>) -> Self {
        labels.sort_by(|a, b| a.0.cmp(&b.0));
        let mut out: Vec<Label> = Vec::with_capacity(labels.len());
        for l in labels {
            match out.last_mut() {
                Some(last) if last.0 == l.0 => *last = l,
                _ => out.push(l),
            }
        }
        out.retain(|l| !l.1.is_empty());
        Self(out)
    }

    /// From pairs of texts; see [`Labels::new`].
    pub fn from_pairs<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        Self::new(pairs.into_iter().map(|(k, v)| (k.to_owned(), v.to_owned())).collect())
    }

    /// The value of `name`, or the empty text when there is none.
    pub fn get(&self, name: &str) -> &str {
        match self.0.binary_search_by(|l| l.0.as_str().cmp(name)) {
            Ok(at) => &self.0[at].1,
            Err(_) => "",
        }
    }

    /// The metric name, or the empty text.
    pub fn metric_name(&self) -> &str {
        self.get(NAME)
    }

    /// All labels in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &str)> + Clone {
        self.0.iter().map(|(k, v)| (k.as_str(), v.as_str()))
    }

    /// How many labels there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Sets a label; an empty value removes it.
    pub fn set(&mut self, name: &str, value: &str) {
        match self.0.binary_search_by(|l| l.0.as_str().cmp(name)) {
            Ok(at) if value.is_empty() => drop(self.0.remove(at)),
            Ok(at) => value.clone_into(&mut self.0[at].1),
            Err(_) if value.is_empty() => {}
            Err(at) => self.0.insert(at, (name.to_owned(), value.to_owned())),
        }
    }

    /// Keeps the labels for which `keep` says so.
    pub fn retain(&mut self, mut keep: impl FnMut(&str, &str) -> bool) {
        self.0.retain(|(k, v)| keep(k, v));
    }
}

impl FromIterator<Label> for Labels {
    fn from_iter<I: IntoIterator<Item = Label>>(iter: I) -> Self {
        Self::new(iter.into_iter().collect())
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
    fn set_inserts_replaces_and_removes() {
        let mut l = Labels::from_pairs([("__name__", "up"), ("job", "api")]);
        l.set("instance", "a:1");
        assert_eq!(l.to_string(), r#"up{instance="a:1", job="api"}"#);
        l.set("instance", "");
        l.set("job", "");
        assert_eq!(l.to_string(), "up");
    }
}
