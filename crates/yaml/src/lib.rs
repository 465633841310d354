//! YAML text -> [`Node`]s that know their place -> types that derive `Deserialize`, and [`Findings`] on the way.
//!
//! A file that a person wrote is looked at as a whole: a name that nobody knows or a value that cannot be meant does not end the
//! reading of the rest, and what is said of it has file, line, column, the setting, and what to write instead.
//! *Invariant:* knows no configuration, whoever's it is.

mod finding;
mod nearest;
mod node;
mod parse;
mod place;
mod read;

pub use finding::{Elsewhere, Finding, Findings, Severity, Verdict};
pub use nearest::{meant, nearest};
pub use node::{Key, Node, Value};
pub use parse::{ParseError, parse, parse_all};
pub use place::Place;
pub use read::{Manner, ReadError, Unknown, read};
