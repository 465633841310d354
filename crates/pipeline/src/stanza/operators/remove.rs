//! `remove`: takes a value out.

use foundation::UnixNanos;
use serde::Deserialize;

use crate::stanza::Entry;
use crate::stanza::chain::{Operator, Verdict};
use crate::stanza::field::Field;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Remove {
    field: Field,
}

impl Operator for Remove {
    fn apply(&self, entry: &mut Entry, _: UnixNanos) -> Result<Verdict, String> {
        self.field
            .remove(entry)
            .map(|_| Verdict::Next)
            .ok_or_else(|| "the field that is to be removed is not there".to_owned())
    }
}
