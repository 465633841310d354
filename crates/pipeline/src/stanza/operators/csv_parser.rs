//! `csv_parser`: a line of values with a separator as attributes, by the names of a header.

use foundation::UnixNanos;
use serde::Deserialize;
use wire::otlp::tree::Attributes;

use super::parser::{Parser, With};
use crate::stanza::Entry;
use crate::stanza::chain::{Operator, Verdict};

#[derive(Debug, Deserialize)]
pub(super) struct Own {
    #[serde(default)]
    header: String,
    #[serde(default)]
    header_attribute: String,
    #[serde(default)]
    header_delimiter: Option<char>,
    #[serde(default = "comma")]
    delimiter: char,
    #[serde(default)]
    lazy_quotes: bool,
    #[serde(default)]
    ignore_quotes: bool,
}

const fn comma() -> char {
    ','
}

pub(super) struct CsvParser {
    parser: Parser,
    own: Own,
    names: Vec<String>,
}

impl CsvParser {
    pub(super) fn new(settings: With<Own>) -> Result<Self, String> {
        let names = ["header", "header_attribute", "header_delimiter", "delimiter", "lazy_quotes", "ignore_quotes"];
        let (parser, own) = settings.checked(&names)?;
        if own.header.is_empty() == own.header_attribute.is_empty() {
            return Err("header: write exactly one of `header` and `header_attribute`".to_owned());
        }
        if own.lazy_quotes && own.ignore_quotes {
            return Err("lazy_quotes: cannot be used together with ignore_quotes".to_owned());
        }
        let names = names_of(&own.header, own.header_delimiter.unwrap_or(own.delimiter));
        Ok(Self { parser, own, names })
    }

    fn read(&self, line: &str, names: &[String]) -> Result<Attributes, String> {
        let values = match self.own.ignore_quotes {
            true => line.split(self.own.delimiter).map(str::to_owned).collect(),
            false => self.values(line)?,
        };
        if values.len() != names.len() {
            return Err(format!("the line has {} values, the header {}", values.len(), names.len()));
        }
        Ok(names.iter().zip(values).collect())
    }

    /// The values of a line; one in quotes may hold separators, and quotes written twice.
    fn values(&self, line: &str) -> Result<Vec<String>, String> {
        let mut values = Vec::new();
        let mut rest = line.trim_end_matches(['\r', '\n']);
        loop {
            let Some(mut inner) = rest.strip_prefix('"') else {
                let (value, behind) = match rest.split_once(self.own.delimiter) {
                    Some((value, behind)) => (value, Some(behind)),
                    None => (rest, None),
                };
                if value.contains('"') && !self.own.lazy_quotes {
                    return Err("a quote stands in a value that does not begin with one".to_owned());
                }
                values.push(value.to_owned());
                match behind {
                    Some(behind) => rest = behind,
                    None => return Ok(values),
                }
                continue;
            };
            let mut value = String::new();
            let behind = loop {
                let Some((before, after)) = inner.split_once('"') else {
                    return Err("a quote is not closed".to_owned());
                };
                value.push_str(before);
                match after.chars().next() {
                    None => break None,
                    Some('"') => {
                        value.push('"');
                        inner = &after[1..];
                    }
                    Some(c) if c == self.own.delimiter => break Some(&after[c.len_utf8()..]),
                    Some(_) if self.own.lazy_quotes => {
                        value.push('"');
                        inner = after;
                    }
                    Some(_) => return Err("a quote is followed by something else than the delimiter".to_owned()),
                }
            };
            values.push(value);
            match behind {
                Some(behind) => rest = behind,
                None => return Ok(values),
            }
        }
    }
}

fn names_of(header: &str, delimiter: char) -> Vec<String> {
    header.split(delimiter).map(|name| name.trim().to_owned()).collect()
}

impl Operator for CsvParser {
    fn apply(&self, entry: &mut Entry, now: UnixNanos) -> Result<Verdict, String> {
        if self.own.header_attribute.is_empty() {
            return self.parser.apply(entry, now, |line| self.read(line, &self.names));
        }
        let header = entry.record.attributes.get(&self.own.header_attribute).map(|v| v.to_text());
        let header = header.ok_or_else(|| format!("there is no attribute `{}`", self.own.header_attribute))?;
        let names = names_of(&header, self.own.header_delimiter.unwrap_or(self.own.delimiter));
        self.parser.apply(entry, now, |line| self.read(line, &names))
    }
}
