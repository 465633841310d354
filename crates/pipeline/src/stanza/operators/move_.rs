//! `move`: a value to another place.

use foundation::UnixNanos;
use serde::Deserialize;

use crate::stanza::Entry;
use crate::stanza::chain::{Operator, Verdict};
use crate::stanza::field::Field;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Move {
    from: Field,
    to: Field,
}

impl Operator for Move {
    fn apply(&self, entry: &mut Entry, _: UnixNanos) -> Result<Verdict, String> {
        let value = self.from.remove(entry).ok_or("the field that is to be moved is not there")?;
        self.to.set(entry, value);
        Ok(Verdict::Next)
    }
}
