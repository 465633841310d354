//! `regex_replace`: what a regular expression matches in a text is replaced.

use foundation::UnixNanos;
use regex::Regex;
use serde::Deserialize;
use wire::otlp::tree::Value;

use crate::stanza::Entry;
use crate::stanza::chain::{Operator, Verdict};
use crate::stanza::field::Field;

/// Colours and movements of terminals: control sequences (ECMA-48, 5.4), and titles.
const ANSI: &str = r"\x1B\[[0-?]*[ -/]*[@-~]|\x1B\][^\x07\x1B]*(?:\x07|\x1B\\)|\x1B[@-Z\\^_]";

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Settings {
    field: Field,
    #[serde(default)]
    regex: String,
    #[serde(default)]
    regex_name: String,
    #[serde(default)]
    replace_with: String,
}

pub(super) struct RegexReplace {
    field: Field,
    regex: Regex,
    with: String,
}

impl RegexReplace {
    pub(super) fn new(settings: Settings) -> Result<Self, String> {
        let pattern = match (settings.regex.as_str(), settings.regex_name.as_str()) {
            ("", "ansi_control_sequences") => ANSI,
            ("", "") => {
                return Err("regex: is missing; write `regex`, or `regex_name: ansi_control_sequences`".to_owned());
            }
            ("", other) => return Err(format!("regex_name: `{other}` is not known; there is ansi_control_sequences")),
            (pattern, "") => pattern,
            _ => return Err("regex_name: stands beside `regex`; keep one".to_owned()),
        };
        let regex = Regex::new(pattern).map_err(|e| format!("regex: {e}"))?;
        Ok(Self { field: settings.field, regex, with: settings.replace_with })
    }
}

impl Operator for RegexReplace {
    fn apply(&self, entry: &mut Entry, _: UnixNanos) -> Result<Verdict, String> {
        let replaced = match self.field.get(entry) {
            Some(Value::Str(text)) => self.regex.replace_all(text, self.with.as_str()).into_owned(),
            _ => return Err("what is to be changed is no text".to_owned()),
        };
        self.field.set(entry, Value::Str(replaced.into()));
        Ok(Verdict::Next)
    }
}
