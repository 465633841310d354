//! `copy`: a value to another place as well.

use foundation::UnixNanos;
use serde::Deserialize;

use crate::stanza::Entry;
use crate::stanza::chain::{Operator, Verdict};
use crate::stanza::field::Field;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Copy {
    from: Field,
    to: Field,
}

impl Operator for Copy {
    fn apply(&self, entry: &mut Entry, _: UnixNanos) -> Result<Verdict, String> {
        let value = self.from.get(entry).ok_or("the field that is to be copied is not there")?.clone();
        self.to.set(entry, value);
        Ok(Verdict::Next)
    }
}
