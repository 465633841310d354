//! [`Node`]s -> types that derive `Deserialize`, and what did not fit.
//!
//! Structs must not use `#[serde(flatten)]`: its fields are not known here and could not be checked.

mod reader;

use std::cell::RefCell;
use std::fmt;

use serde::de::DeserializeOwned;

use self::reader::{Mistake, Path, Reader};
use crate::finding::Findings;
use crate::nearest::meant;
use crate::node::{Key, Node};
use crate::place::Place;

/// How much is understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// Names as they are, and a list where a list is wanted.
    Exact,
    /// Names whatever their underscores and capitals, and a single value for a list of one.
    Loose,
}

/// A key that no field of the struct has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unknown {
    /// As it is written, and where.
    pub key: Key,
    /// The struct, from the node that was read: `actions[0]`; empty for the node itself.
    pub of: String,
    /// What there is.
    pub known: &'static [&'static str],
}

impl Unknown {
    /// From the node that was read: `actions[0].acton`.
    pub fn path(&self) -> String {
        joined(&self.of, &self.key.text)
    }

    /// What was probably meant, else what there is.
    pub fn remedy(&self) -> String {
        match self.known {
            [] => "it has no settings".to_owned(),
            known => meant(&self.key.text, known.iter().copied()),
        }
    }
}

/// A value that cannot be meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadError {
    /// Where.
    pub place: Place,
    /// From the node that was read.
    pub path: String,
    /// What is wrong.
    pub message: String,
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.path.is_empty() {
            true => f.write_str(&self.message),
            false => write!(f, "{}: {}", self.path, self.message),
        }
    }
}

impl std::error::Error for ReadError {}

/// Reads `node` as a `T`; keys that `T` does not have are left out and listed.
///
/// # Errors
/// The first value that cannot be meant.
pub fn read<T: DeserializeOwned>(node: &Node, manner: Manner) -> Result<(T, Vec<Unknown>), ReadError> {
    let unknown = RefCell::default();
    let reader = Reader { node, path: &Path::Top, manner, unknown: &unknown };
    match T::deserialize(reader) {
        Ok(value) => Ok((value, unknown.into_inner())),
        Err(e) => {
            let Mistake { found, message } = reader.locate(e);
            let (place, path) = found.unwrap_or_default();
            Err(ReadError { place, path, message })
        }
    }
}

impl Node {
    /// Reads it exactly as a `T`; `path` is where it stands. Keys that `T` does not have and the first value that cannot be meant
    /// are errors in `findings`.
    pub fn read<T: DeserializeOwned>(&self, path: &str, findings: &mut Findings) -> Option<T> {
        match read(self, Manner::Exact) {
            Ok((value, unknown)) => {
                for u in unknown {
                    let message = format!("unknown field `{}`", u.key.text);
                    findings.error(&u.key.place, joined(path, &u.of), message, u.remedy());
                }
                Some(value)
            }
            Err(e) => {
                findings.error(&e.place, joined(path, &e.path), e.message, "");
                None
            }
        }
    }
}

/// The path `below` of what stands at `path`.
fn joined(path: &str, below: &str) -> String {
    let dot = if path.is_empty() || below.is_empty() || below.starts_with('[') { "" } else { "." };
    format!("{path}{dot}{below}")
}

#[cfg(test)]
mod tests;
