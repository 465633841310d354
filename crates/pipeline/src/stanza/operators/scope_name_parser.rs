//! `scope_name_parser`: the logger's name as the scope.

use foundation::UnixNanos;
use serde::Deserialize;

use crate::stanza::Entry;
use crate::stanza::chain::{Operator, Verdict};
use crate::stanza::field::Field;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ScopeNameParser {
    parse_from: Field,
}

impl Operator for ScopeNameParser {
    fn apply(&self, entry: &mut Entry, _: UnixNanos) -> Result<Verdict, String> {
        let name = self.parse_from.get(entry).ok_or("the field of the scope's name is not there")?.to_text();
        entry.scope_name = name;
        Ok(Verdict::Next)
    }
}
