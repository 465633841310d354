//! Matchers of PromQL become matchers of the engine. Both read regular expressions by the crate `re2`.

use promql::matcher::MatchOp;

use super::MetricsError;

/// The same conditions in the engine's words.
pub(super) fn to_engine(matchers: &[promql::matcher::Matcher]) -> Vec<tsdb::Matcher> {
    let op = |op| match op {
        MatchOp::Equal => tsdb::MatchOp::Eq,
        MatchOp::NotEqual => tsdb::MatchOp::Ne,
        MatchOp::Regex => tsdb::MatchOp::Re,
        MatchOp::NotRegex => tsdb::MatchOp::Nre,
    };
    matchers.iter().map(|m| tsdb::Matcher::new(m.name(), op(m.op()), m.value())).collect()
}

/// The selectors of `match[]` parameters.
pub(super) fn selectors(texts: &[&str]) -> Result<Vec<Vec<tsdb::Matcher>>, MetricsError> {
    texts.iter().map(|text| Ok(to_engine(&promql::parse_selector(text)?))).collect()
}
