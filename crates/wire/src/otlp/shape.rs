//! Messages that are passed on as bytes: resources, scopes, events, links.
//!
//! They are checked to the last byte here, so that reading them later cannot fail.

use super::any_value::attribute;
use super::fault::{Fault, Refusal};
use super::limits::Limits;
use super::text;
use crate::protobuf::{Key, Reader};

/// A message that holds attributes and nothing else that needs a check: all other fields are numbers or texts.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    /// The field of the attributes.
    pub(super) attributes: Key,
    /// The fields of texts, with their names.
    pub(super) texts: &'static [(Key, &'static str)],
    /// The fields of ids, with their lengths and names; empty ids are none.
    pub(super) ids: &'static [(Key, usize, &'static str)],
    /// The fields of numbers.
    pub(super) numbers: &'static [Key],
    /// Bit `n` is set when the schema has field `n`.
    pub(super) known: u32,
}

impl Shape {
    /// Checks a message throughout, so that it can be read later without errors.
    pub(super) fn check(&self, mut r: Reader<'_>, limits: &Limits) -> Result<(), Fault> {
        let mut n = 0;
        while let Some(key) = r.key()? {
            if key == self.attributes {
                attribute(&mut r, &mut n, limits)?;
            } else if let Some((_, name)) = self.texts.iter().find(|(k, _)| *k == key) {
                text::field(r.delimited()?, limits, name)?;
            } else if let Some((_, expected, name)) = self.ids.iter().find(|(k, ..)| *k == key) {
                let found = r.delimited()?.len();
                if found != 0 && found != *expected {
                    return Err(Refusal::IdLength { found, expected: *expected }.in_field(name));
                }
            } else if self.numbers.contains(&key) {
                r.skip(key)?;
            } else {
                r.skip_unknown(key, self.known)?;
            }
        }
        Ok(())
    }
}
