//! `regex_parser`: the named groups of a regular expression as attributes.

use foundation::UnixNanos;
use regex::Regex;
use serde::Deserialize;
use wire::otlp::tree::Attributes;

use super::parser::{Parser, With};
use crate::stanza::Entry;
use crate::stanza::chain::{Operator, Verdict};

#[derive(Debug, Deserialize)]
pub(super) struct Own {
    regex: String,
}

pub(super) struct RegexParser {
    parser: Parser,
    regex: Regex,
}

impl RegexParser {
    pub(super) fn new(settings: With<Own>) -> Result<Self, String> {
        let (parser, own) = settings.checked(&["regex", "cache"])?;
        let regex = Regex::new(&own.regex).map_err(|e| format!("regex: {e}"))?;
        if regex.capture_names().flatten().next().is_none() {
            return Err("regex: it has no named group; write `(?P<name>...)` around what is wanted".to_owned());
        }
        Ok(Self { parser, regex })
    }
}

impl Operator for RegexParser {
    fn apply(&self, entry: &mut Entry, now: UnixNanos) -> Result<Verdict, String> {
        self.parser.apply(entry, now, |text| {
            let groups = self.regex.captures(text).ok_or("the regular expression does not match")?;
            let mut members = Attributes::new();
            for name in self.regex.capture_names().flatten() {
                members.push(name, groups.name(name).map_or("", |m| m.as_str()));
            }
            Ok(members)
        })
    }
}
