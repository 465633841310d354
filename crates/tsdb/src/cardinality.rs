//! Where series come from: top lists by metric, label, value and job, from the lengths of posting lists.
//!
//! "Now" is what the open head and those on their way to blocks hold, together
//! with the newest block while that ends less than [`FRESH_MS`] before the newest
//! sample: a head that was just frozen is still nearly empty. A series that lies in
//! several of them is counted where most of its list are, so that nothing is counted twice.
//! Growth compares with the blocks that reach over an earlier moment.

use std::cmp::Reverse;
use std::sync::Arc;
use std::time::Duration;

use hashbrown::HashMap;
use model::labels::NAME;
use rustc_hash::FxBuildHasher;

use crate::TsdbError;
use crate::block::Block;
use crate::db::{Tsdb, millis};
use crate::postings::LabelIndex;

/// How long before the newest sample a block may end and still count as now.
const FRESH_MS: i64 = 600_000;

/// The label of the job that a series was scraped or sent by.
const JOB: &str = "job";

/// Between name and value of a pair.
const EQUALS: &str = "=";

/// One line of a top list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cardinal {
    /// A metric, a label, `label=value`, or a job.
    pub name: String,
    /// Series, or what the list says it counts.
    pub now: u64,
    /// The same at the earlier moment; `None` when no block reaches over it.
    pub before: Option<u64>,
}

/// Top lists, each with the largest first and as long as was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Cardinality {
    /// Series now.
    pub series: u64,
    /// Series at the earlier moment; `None` when no block reaches over it.
    pub series_before: Option<u64>,
    /// Labels that any series has.
    pub label_names: u64,
    /// Pairs of label and value that any series has.
    pub label_pairs: u64,
    /// Series by metric.
    pub metrics: Vec<Cardinal>,
    /// Series by `label=value`.
    pub pairs: Vec<Cardinal>,
    /// Series by job.
    pub jobs: Vec<Cardinal>,
    /// Values by label.
    pub values: Vec<Cardinal>,
    /// Bytes of values by label: each value as often as it has series.
    pub bytes: Vec<Cardinal>,
}

type Counts = HashMap<String, u64, FxBuildHasher>;

/// Series by value, by label.
#[derive(Default)]
struct Tally {
    labels: HashMap<String, Counts, FxBuildHasher>,
    series: u64,
}

impl Tally {
    fn add(&mut self, index: &dyn LabelIndex) -> Result<(), TsdbError> {
        self.series = self.series.max(index.series());
        let mut names = Vec::new();
        index.names(&mut |name| names.push(name.to_owned()));
        for name in names {
            let of_name = self.labels.entry_ref(name.as_str()).or_default();
            index.counts(&name, &mut |value, series| {
                let known = of_name.entry_ref(value).or_default();
                *known = series.max(*known);
            })?;
        }
        Ok(())
    }
}

/// The `limit` largest, equal ones by name.
fn top(all: impl Iterator<Item = (String, u64)>, limit: usize) -> Vec<(String, u64)> {
    let mut all: Vec<(String, u64)> = all.collect();
    let order = |(name, n): &(String, u64)| (Reverse(*n), name.clone());
    if all.len() > limit && limit > 0 {
        all.select_nth_unstable_by_key(limit - 1, order);
    }
    all.truncate(limit);
    all.sort_by_key(order);
    all
}

impl Tsdb {
    /// What the series that are kept now consist of, and how that was `ago`.
    ///
    /// Costs a walk over all values of labels, not over series.
    ///
    /// # Errors
    /// A list of a block is damaged, or the disk refused.
    pub fn cardinality(&self, ago: Duration, limit: usize) -> Result<Cardinality, TsdbError> {
        let (blocks, frozen, head) = {
            let state = self.inner.state.read();
            (state.blocks.clone(), state.frozen.clone(), state.head.clone())
        };
        let heads = || frozen.iter().map(|f| &f.head).chain([&head]);
        let ends = heads().filter_map(|h| h.bounds()).chain(blocks.iter().map(|b| b.bounds()));
        let newest = ends.map(|b| b.1).max().unwrap_or(i64::MIN);
        let mut tally = Tally::default();
        for head in heads() {
            head.with_index(|index| tally.add(index))?;
        }
        for block in blocks.iter().filter(|b| b.bounds().1 >= newest.saturating_sub(FRESH_MS)) {
            tally.add(&**block)?;
        }
        let then = newest.saturating_sub(millis(ago));
        let earlier: Vec<Arc<Block>> = blocks.into_iter().filter(|b| b.touches(then, then)).collect();
        tally.report(&earlier, limit)
    }
}

/// The longest list of a value among some blocks; `None` without blocks.
fn longest(blocks: &[Arc<Block>], name: &str, value: &str) -> Result<Option<u64>, TsdbError> {
    let mut found = None;
    for block in blocks {
        found = found.max(Some(block.with_value(name, value)?.len()));
    }
    Ok(found)
}

impl Tally {
    fn report(&self, earlier: &[Arc<Block>], limit: usize) -> Result<Cardinality, TsdbError> {
        let of_label = |label: &str| {
            let counts = self.labels.get(label).into_iter().flatten();
            let top = top(counts.map(|(value, n)| (value.clone(), *n)), limit);
            let line = |(name, now): (String, u64)| Ok(Cardinal { before: longest(earlier, label, &name)?, name, now });
            top.into_iter().map(line).collect::<Result<Vec<_>, TsdbError>>()
        };
        let pairs = self
            .labels
            .iter()
            .flat_map(|(name, counts)| counts.iter().map(move |(value, n)| ([name, EQUALS, value].concat(), *n)));
        let pair = |(name, now): (String, u64)| {
            // Names have no `=` in practice; where one has, the first that is a label counts.
            let cuts = name.match_indices(EQUALS).map(|(at, _)| (&name[..at], &name[at + EQUALS.len()..]));
            let before = match cuts.into_iter().find(|(label, _)| self.labels.contains_key(*label)) {
                Some((label, value)) => longest(earlier, label, value)?,
                None => None,
            };
            Ok(Cardinal { name, now, before })
        };
        let by_label = |measure: &dyn Fn(&Counts) -> u64, before: &dyn Fn(&str) -> Option<u64>| {
            let top = top(self.labels.iter().map(|(name, counts)| (name.clone(), measure(counts))), limit);
            top.into_iter().map(|(name, now)| Cardinal { before: before(&name), name, now }).collect::<Vec<_>>()
        };
        let values_before = |label: &str| earlier.iter().map(|b| b.value_count(label)).max();
        let bytes = |counts: &Counts| counts.iter().map(|(value, n)| value.len() as u64 * n).sum();
        Ok(Cardinality {
            series: self.series,
            series_before: earlier.iter().map(|b| u64::from(b.series_count())).max(),
            label_names: self.labels.len() as u64,
            label_pairs: self.labels.values().map(|counts| counts.len() as u64).sum(),
            metrics: of_label(NAME)?,
            jobs: of_label(JOB)?,
            pairs: top(pairs, limit).into_iter().map(pair).collect::<Result<_, TsdbError>>()?,
            values: by_label(&|counts| counts.len() as u64, &values_before),
            bytes: by_label(&bytes, &|_| None),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_come_first_and_equal_ones_by_name() {
        let all = || [("b", 1), ("a", 1), ("c", 7), ("d", 3)].into_iter().map(|(n, c)| (n.to_owned(), c));
        let names = |limit| top(all(), limit).into_iter().map(|(n, _)| n).collect::<String>();
        assert_eq!([names(0), names(1), names(3), names(9)], ["", "c", "cda", "cdab"]);
    }
}
