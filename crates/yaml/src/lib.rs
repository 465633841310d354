//! YAML text -> [`Node`]s that know their place -> types that derive `Deserialize`.
//!
//! A file that a person wrote is looked at as a whole: a name that nobody knows does not end the reading, and what is said of it
//! has file, line and column.
//! *Invariant:* knows no configuration, whoever's it is.

mod nearest;
mod node;
mod parse;
mod read;

pub use nearest::nearest;
pub use node::{Key, Node, Place, Value};
pub use parse::parse;
pub use read::{ReadError, Unknown, read};
