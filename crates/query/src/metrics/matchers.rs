//! Matchers of PromQL become matchers of the engine.

use promql::matcher::MatchOp;
use promql::re2::{self, Re2Error};

use super::MetricsError;

/// The same conditions in the engine's words.
///
/// PromQL has Go's regex syntax, the engine that of the `regex` crate: where the two may differ,
/// the engine gets the translation.
pub(super) fn to_engine(matchers: &[promql::matcher::Matcher]) -> Result<Vec<tsdb::Matcher>, Re2Error> {
    matchers
        .iter()
        .map(|m| {
            let (op, regex) = match m.op() {
                MatchOp::Equal => (tsdb::MatchOp::Eq, false),
                MatchOp::NotEqual => (tsdb::MatchOp::Ne, false),
                MatchOp::Regex => (tsdb::MatchOp::Re, true),
                MatchOp::NotRegex => (tsdb::MatchOp::Nre, true),
            };
            let value = if regex && is_dialect(m.value()) {
                re2::compile_anchored(m.value())?.as_str().to_owned()
            } else {
                // As written: the engine looks plain alternations up in its index.
                m.value().to_owned()
            };
            Ok(tsdb::Matcher::new(m.name(), op, value))
        })
        .collect()
}

/// Whether the pattern has escapes, classes, flags or braces, which the two dialects read differently.
fn is_dialect(pattern: &str) -> bool {
    pattern.contains(['\\', '[', '{']) || pattern.contains("(?")
}

/// The selectors of `match[]` parameters.
pub(super) fn selectors(texts: &[&str]) -> Result<Vec<Vec<tsdb::Matcher>>, MetricsError> {
    texts.iter().map(|text| Ok(to_engine(&promql::parse_selector(text)?)?)).collect()
}
