//! Relabelling: rules that rewrite or drop a set of labels.
//!
//! Source: prometheus.io, "relabel_config", and the order of Prometheus' `relabel.Process`. Regular expressions are Go's,
//! anchored. Empty values do not exist: a rule that sets one removes the label.

use md5::{Digest as _, Md5};
use regex::Regex;

/// What a rule does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Sets the target label to the replacement when the source matches.
    Replace,
    /// Drops what does not match.
    Keep,
    /// Drops what matches.
    Drop,
    /// Drops what differs from the target label.
    KeepEqual,
    /// Drops what equals the target label.
    DropEqual,
    /// Sets the target label to a hash of the source, modulo.
    HashMod,
    /// Copies labels whose name matches to the name that the replacement makes.
    LabelMap,
    /// Removes labels whose name matches.
    LabelDrop,
    /// Removes labels whose name does not match.
    LabelKeep,
    /// Sets the target label to the source in small letters.
    Lowercase,
    /// In capital letters.
    Uppercase,
}

impl Action {
    /// All of them, with their names in the configuration.
    pub const NAMES: [(&'static str, Self); 11] = [
        ("replace", Self::Replace),
        ("keep", Self::Keep),
        ("drop", Self::Drop),
        ("keepequal", Self::KeepEqual),
        ("dropequal", Self::DropEqual),
        ("hashmod", Self::HashMod),
        ("labelmap", Self::LabelMap),
        ("labeldrop", Self::LabelDrop),
        ("labelkeep", Self::LabelKeep),
        ("lowercase", Self::Lowercase),
        ("uppercase", Self::Uppercase),
    ];
}

/// One rule.
#[derive(Debug, Clone)]
pub struct Rule {
    /// Whose values, joined, are the source.
    pub source_labels: Vec<String>,
    /// Between them.
    pub separator: String,
    /// What the source (or a name) must match as a whole.
    pub regex: Regex,
    /// The expression as it was written.
    pub pattern: String,
    /// For `hashmod`.
    pub modulus: u64,
    /// What is set. May hold `$1` and `${name}`.
    pub target_label: String,
    /// What it is set to.
    pub replacement: String,
    /// What to do.
    pub action: Action,
}

/// A set of labels on its way through the rules, in no order.
pub type LabelSet = Vec<(String, String)>;

fn get<'a>(labels: &'a LabelSet, name: &str) -> &'a str {
    labels.iter().find(|(n, _)| n == name).map_or("", |(_, v)| v)
}

/// Sets a label, or removes it when the value is empty.
pub(super) fn set(labels: &mut LabelSet, name: &str, value: String) {
    match labels.iter_mut().position(|(n, _)| n == name) {
        Some(at) if value.is_empty() => drop(labels.swap_remove(at)),
        Some(at) => {
            if let Some(label) = labels.get_mut(at) {
                label.1 = value;
            }
        }
        None if value.is_empty() => {}
        None => labels.push((name.to_owned(), value)),
    }
}

/// Applies the rules in order; `false` when the set is dropped.
pub fn apply(rules: &[Rule], labels: &mut LabelSet) -> bool {
    rules.iter().all(|rule| rule.apply(labels))
}

impl Rule {
    fn source(&self, labels: &LabelSet) -> String {
        let values: Vec<&str> = self.source_labels.iter().map(|name| get(labels, name)).collect();
        values.join(&self.separator)
    }

    fn apply(&self, labels: &mut LabelSet) -> bool {
        let source = self.source(labels);
        match self.action {
            Action::Keep => return self.regex.is_match(&source),
            Action::Drop => return !self.regex.is_match(&source),
            Action::KeepEqual => return source == get(labels, &self.target_label),
            Action::DropEqual => return source != get(labels, &self.target_label),
            Action::Replace => self.replace(&source, labels),
            Action::Lowercase => set(labels, &self.target_label, source.to_lowercase()),
            Action::Uppercase => set(labels, &self.target_label, source.to_uppercase()),
            Action::HashMod => set(labels, &self.target_label, hash_mod(&source, self.modulus).to_string()),
            Action::LabelMap => {
                let mapped: LabelSet = labels
                    .iter()
                    .filter(|(name, _)| self.regex.is_match(name))
                    .map(|(name, value)| {
                        (self.regex.replace(name, self.replacement.as_str()).into_owned(), value.clone())
                    })
                    .collect();
                mapped.into_iter().for_each(|(name, value)| set(labels, &name, value));
            }
            Action::LabelDrop => labels.retain(|(name, _)| !self.regex.is_match(name)),
            Action::LabelKeep => labels.retain(|(name, _)| self.regex.is_match(name)),
        }
        true
    }

    fn replace(&self, source: &str, labels: &mut LabelSet) {
        let Some(captures) = self.regex.captures(source) else { return };
        let mut target = String::new();
        captures.expand(&self.target_label, &mut target);
        if target.is_empty() {
            return;
        }
        let mut value = String::new();
        captures.expand(&self.replacement, &mut value);
        set(labels, &target, value);
    }
}

/// The last eight bytes of the MD5 sum, big-endian: what Prometheus shards by, so that shards agree with its.
fn hash_mod(text: &str, modulus: u64) -> u64 {
    let digest = Md5::digest(text.as_bytes());
    let tail = digest.last_chunk::<8>().copied().unwrap_or_default();
    u64::from_be_bytes(tail).checked_rem(modulus).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(action: Action) -> Rule {
        Rule {
            source_labels: Vec::new(),
            separator: ";".into(),
            regex: re2::compile_anchored("(.*)").unwrap(),
            pattern: String::new(),
            modulus: 0,
            target_label: String::new(),
            replacement: "$1".into(),
            action,
        }
    }

    fn run(rule: Rule) -> Option<String> {
        let mut labels: LabelSet =
            [("a", "foo"), ("b", "Bar"), ("c", "baz")].map(|(n, v)| (n.to_owned(), v.to_owned())).into();
        rule.apply(&mut labels).then(|| {
            labels.sort();
            labels.iter().map(|(n, v)| format!("{n}={v}")).collect::<Vec<_>>().join(",")
        })
    }

    fn with(action: Action, change: impl FnOnce(&mut Rule)) -> Option<String> {
        let mut rule = rule(action);
        change(&mut rule);
        run(rule)
    }

    fn regex(text: &str) -> Regex {
        re2::compile_anchored(text).unwrap()
    }

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|n| (*n).to_owned()).collect()
    }

    #[test]
    fn values_are_replaced() {
        let replaced = |pattern: &str, target: &str, replacement: &str| {
            with(Action::Replace, |r| {
                r.source_labels = names(&["a", "b"]);
                r.regex = regex(pattern);
                r.target_label = target.into();
                r.replacement = replacement.into();
            })
            .unwrap()
        };
        assert_eq!(replaced("f(.*);(.*)r", "d", "ch${1}-${2}"), "a=foo,b=Bar,c=baz,d=choo-Ba");
        assert_eq!(replaced("o.*", "d", "x"), "a=foo,b=Bar,c=baz");
        assert_eq!(replaced(".*", "c", ""), "a=foo,b=Bar");
        assert_eq!(replaced("(f).*", "${1}_new", "y"), "a=foo,b=Bar,c=baz,f_new=y");
        assert_eq!(replaced("(f).*", "$2", "y"), "a=foo,b=Bar,c=baz");
    }

    #[test]
    fn sets_are_kept_and_dropped() {
        let source = |r: &mut Rule, pattern: &str| {
            r.source_labels = names(&["a"]);
            r.regex = regex(pattern);
        };
        assert!(with(Action::Keep, |r| source(r, "fo+")).is_some());
        assert!(with(Action::Keep, |r| source(r, "fo")).is_none());
        assert!(with(Action::Drop, |r| source(r, "fo+")).is_none());
        assert!(with(Action::Drop, |r| source(r, "o+")).is_some());
        let equal = |r: &mut Rule, target: &str| {
            r.source_labels = names(&["a"]);
            r.target_label = target.into();
        };
        assert!(with(Action::KeepEqual, |r| equal(r, "a")).is_some());
        assert!(with(Action::KeepEqual, |r| equal(r, "b")).is_none());
        assert!(with(Action::DropEqual, |r| equal(r, "a")).is_none());
        assert!(with(Action::DropEqual, |r| equal(r, "b")).is_some());
    }

    #[test]
    fn names_are_mapped_dropped_and_kept() {
        let map = with(Action::LabelMap, |r| {
            r.regex = regex("(b|c)");
            r.replacement = "x_$1".into();
        });
        assert_eq!(map.unwrap(), "a=foo,b=Bar,c=baz,x_b=Bar,x_c=baz");
        assert_eq!(with(Action::LabelDrop, |r| r.regex = regex("b.*")).unwrap(), "a=foo,c=baz");
        assert_eq!(with(Action::LabelKeep, |r| r.regex = regex("b.*")).unwrap(), "b=Bar");
    }

    #[test]
    fn values_change_case_and_hash() {
        let to = |action| {
            with(action, |r| {
                r.source_labels = names(&["b"]);
                r.target_label = "d".into();
                r.modulus = 1000;
            })
            .unwrap()
        };
        assert!(to(Action::Lowercase).ends_with("d=bar"));
        assert!(to(Action::Uppercase).ends_with("d=BAR"));
        assert!(to(Action::HashMod).contains("d="));
        // As Prometheus hashes it.
        assert_eq!(hash_mod("baz", 1000), 976);
    }
}
