//! Configuration files: YAML text -> [`Node`]s that know their place -> the settings of components, and what is to be said.
//!
//! The language is the OpenTelemetry Collector's. A name that nobody knows is a warning with the nearest one, a value that cannot
//! be meant is an error; both carry file, line and column ([`Finding`]). Settings are plain structs that derive
//! `Deserialize` and `Serialize`: reading fills in the defaults, writing shows them.
//! *Invariant:* opens no port; knows no component.

mod document;
mod expand;
mod finding;
mod node;
mod read;
mod values;
mod yaml;

pub use document::{COLLECTOR_SECTIONS, load};
pub use expand::{Extent, Lookup, expand};
pub use finding::{Collector, Finding, Findings, Severity};
pub use node::{Key, Node, Place, Value};
pub use read::{ReadError, Unknown, read};
pub use values::{Interval, Secret, Size};
pub use yaml::parse;

/// The one of `names` that `word` was probably meant to be.
pub fn nearest<'a>(word: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let (distance, name) = names.into_iter().map(|name| (strsim::levenshtein(word, name), name)).min()?;
    (distance * 2 <= name.len().max(word.len())).then_some(name)
}
