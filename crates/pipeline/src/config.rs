//! Configuration files: YAML text -> [`yaml::Node`]s that know their place -> the settings of components, and what is to be said.
//!
//! The language is the OpenTelemetry Collector's. A name that nobody knows is a warning with the nearest one, a value that cannot
//! be meant is an error; both carry file, line and column ([`yaml::Finding`]). Settings are plain structs that derive
//! `Deserialize` and `Serialize`: reading fills in the defaults, writing shows them.
//! *Invariant:* opens no port; knows no component.

mod collector;
mod document;
mod expand;
mod read;
mod values;

pub use collector::Collector;
pub use document::{COLLECTOR_SECTIONS, load};
pub use expand::{Extent, Lookup, expand};
pub use read::{ignored, read};
pub use values::{Interval, Secret, Size};
