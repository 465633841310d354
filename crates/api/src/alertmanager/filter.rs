//! Parameters that choose among alerts and silences.

use std::collections::BTreeMap;

use alerting::manager::matchers::{self, Matcher, Op};
use axum::http::Uri;
use regex::Regex;

use super::wire::Failure;

/// All parameters of a request; some occur more than once.
pub(super) struct Params(Vec<(String, String)>);

impl Params {
    pub(super) fn of(uri: &Uri) -> Result<Self, Failure> {
        let parsed = axum::extract::Query::<Vec<(String, String)>>::try_from_uri(uri);
        parsed.map(|q| Self(q.0)).map_err(|e| Failure::bad(e.body_text()))
    }

    fn last(&self, name: &str) -> Option<&str> {
        self.0.iter().rev().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }

    /// A switch that is on unless it is said to be off.
    pub(super) fn on(&self, name: &str) -> Result<bool, Failure> {
        match self.last(name) {
            None | Some("true" | "1" | "t" | "T" | "TRUE" | "True") => Ok(true),
            Some("false" | "0" | "f" | "F" | "FALSE" | "False") => Ok(false),
            Some(other) => Err(Failure::bad(format!("{name} in query must be of type boolean: \"{other}\""))),
        }
    }

    /// `filter`: conditions of which one may be in several parameters, or several in one.
    pub(super) fn filter(&self) -> Result<Vec<Matcher>, Failure> {
        let mut all = Vec::new();
        for (_, text) in self.0.iter().filter(|(n, _)| n == "filter" || n == "filter[]") {
            all.extend(matchers::parse(text).map_err(|e| Failure::bad(e.to_string()))?.matchers.0);
        }
        Ok(all)
    }

    /// `receiver`: an expression for the whole name.
    pub(super) fn receiver(&self) -> Result<Option<Regex>, Failure> {
        let compile = |text| {
            re2::compile_anchored(text).map_err(|e| Failure::bad(format!("failed to parse receiver param: {e}")))
        };
        self.last("receiver").map(compile).transpose()
    }
}

/// Whether conditions fit names and values; a condition on a missing name must allow that it is missing.
pub(super) fn fits(filter: &[Matcher], of: &BTreeMap<&str, &str>) -> bool {
    filter.iter().all(|m| {
        let value = of.get(m.name.as_str());
        match m.op {
            // `x!=""` asks whether there is one, whatever it is.
            Op::NotEqual | Op::NotRegexp if m.value.is_empty() && value.is_some() => true,
            Op::Equal | Op::Regexp if m.value.is_empty() && value.is_none() => true,
            _ => m.matches_value(value.copied().unwrap_or_default()),
        }
    })
}
