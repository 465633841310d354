//! Settings from a part of a document, as loosely as the Collector reads them.

use serde::de::DeserializeOwned;
use yaml::{Findings, Key, Manner, Node};

use super::Collector;

/// Reads `node`, whose settings are called as `path_of` says. Names that `T` does not have are ignored with a warning; a value that
/// cannot be meant is an error, and there is no `T`.
pub fn read<T: DeserializeOwned>(node: &Node, path_of: impl Fn(&str) -> String, findings: &mut Findings) -> Option<T> {
    match yaml::read(node, Manner::Loose) {
        Ok((settings, unknown)) => {
            for u in unknown {
                ignored(&u.key, path_of(&u.path()), u.remedy(), findings);
            }
            Some(settings)
        }
        Err(e) => {
            findings.error(&e.place, path_of(&e.path), e.message, "");
            None
        }
    }
}

/// Says that nobody knows `key`, which makes the setting `path`.
pub fn ignored(key: &Key, path: String, remedy: String, findings: &mut Findings) {
    findings.warning(&key.place, path, "is not known and is ignored", remedy, Some(Collector::Refuses.into()));
}
