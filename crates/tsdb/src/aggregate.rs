//! Rules that aggregate on the way in: of the series that match, only their sum over the labels that are kept is stored.
//!
//! The samples that come in are logged as they are, and summed when they are applied, in the order of the log
//! ([`state`]): what was acknowledged is safe, and replay makes the same sums. Knows no head and no files.

mod state;

use std::time::Duration;

use crate::TsdbError;
use crate::key;
use crate::matcher::{Compiled, Matcher};

pub(crate) use state::{Aggregates, Output};

/// Series to add up, and by what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AggregateRule {
    /// What a series must satisfy; native histograms and the quantiles of summaries are never added up.
    pub matchers: Vec<Matcher>,
    /// What the sums are told apart by, besides the name of the metric and `le`.
    pub keep: KeepLabels,
    /// The distance of two samples of a sum.
    pub interval: Duration,
    /// Whether the series are counters; `None`: as the end of the name says.
    pub counters: Option<bool>,
}

/// Which labels of a series stay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeepLabels {
    /// These.
    By(Vec<String>),
    /// All but these.
    Without(Vec<String>),
}

/// Ends of names of counters.
const COUNTER_ENDS: [&str; 4] = ["_total", "_count", "_sum", "_bucket"];
/// The label of a classic histogram's bucket: a sum over it means nothing.
const BUCKET: &str = "le";
/// The label of a summary's quantile: those cannot be added up.
const QUANTILE: &str = "quantile";

/// The rules, ready to be asked.
#[derive(Debug, Default)]
pub(crate) struct Rules(Vec<Rule>);

#[derive(Debug)]
pub(crate) struct Rule {
    matchers: Vec<Compiled>,
    keep: KeepLabels,
    interval_ms: i64,
    counters: Option<bool>,
}

impl Rules {
    /// # Errors
    /// A bad regular expression.
    pub(crate) fn new(rules: &[AggregateRule]) -> Result<Self, TsdbError> {
        let rule = |r: &AggregateRule| {
            let matchers = r.matchers.iter().map(Compiled::new).collect::<Result<_, _>>()?;
            Ok(Rule {
                matchers,
                keep: r.keep.clone(),
                interval_ms: i64::try_from(r.interval.as_millis()).unwrap_or(i64::MAX).max(1),
                counters: r.counters,
            })
        };
        rules.iter().map(rule).collect::<Result<_, _>>().map(Self)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The first rule that the series with this key satisfies.
    pub(crate) fn of(&self, key: &[u8]) -> Option<&Rule> {
        let rule = self.0.iter().find(|r| r.matchers.iter().all(|m| m.matches(key::get(key, &m.name))))?;
        key::get(key, QUANTILE).is_empty().then_some(rule)
    }
}

impl Rule {
    /// Appends the key of the sum that a series goes into.
    fn output(&self, key: &[u8], out: &mut Vec<u8>) {
        let stays = |name: &str| match &self.keep {
            KeepLabels::By(names) => names.iter().any(|n| n == name),
            KeepLabels::Without(names) => names.iter().all(|n| n != name),
        };
        let always = |name: &str| name == model::labels::NAME || name == BUCKET;
        // Labels that stay are sorted as they were.
        key::write(key::iter(key).filter(|(name, _)| always(name) || stays(name)), out);
    }

    fn is_counter(&self, key: &[u8]) -> bool {
        let name = key::get(key, model::labels::NAME);
        self.counters.unwrap_or_else(|| COUNTER_ENDS.iter().any(|end| name.ends_with(end)))
    }
}
