//! How many rows match, per bucket of time and group: an aggregation, written as one row of counts per group.

use hashbrown::HashMap;
use rustc_hash::FxBuildHasher;

use super::aggregate::{Aggregation, GROUPS_MAX, aggregate};
use super::measure::{Cell, Measure};
use super::request::{Buckets, CountGroup, Counts, GroupBy, Outcome, Partial, Select};
use crate::engine::Engine;
use crate::error::QueryError;

/// Groups of one query; more make the outcome partial.
const LISTED_MAX: usize = 1000;
/// Buckets of one query; more are cut off.
const BUCKETS_MAX: usize = 100_000;

/// See [`crate::LogStore::count_over_time`].
pub(crate) fn count_over_time(
    engine: &Engine,
    select: &Select,
    buckets: Buckets,
    group: Option<&GroupBy>,
) -> Result<Outcome<Counts>, QueryError> {
    let buckets = Buckets { count: buckets.count.min(BUCKETS_MAX), step_nanos: buckets.step_nanos.max(1), ..buckets };
    let aggregation = Aggregation {
        by: group.cloned().into_iter().collect(),
        buckets: Some(buckets),
        measures: vec![Measure::Rows],
        having: Vec::new(),
        order: Vec::new(),
        limit: GROUPS_MAX,
        groups_max: GROUPS_MAX,
        sample: None,
    };
    let mut outcome = aggregate(engine, select, &aggregation)?;
    let mut counts: HashMap<String, Vec<u64>, FxBuildHasher> = HashMap::default();
    if group.is_none() {
        counts.insert(String::new(), vec![0; buckets.count]);
    }
    for row in std::mem::take(&mut outcome.value.rows) {
        let name = row.key.into_iter().next().flatten().unwrap_or_default();
        if counts.len() >= LISTED_MAX && !counts.contains_key(&name) {
            outcome.partial = outcome.partial.or(Some(Partial::Groups { max: LISTED_MAX }));
            continue;
        }
        let of_group = counts.entry(name).or_insert_with(|| vec![0; buckets.count]);
        if let (Some(bucket), Some(Cell::Count(n))) = (row.bucket, row.cells.first())
            && let Some(count) = of_group.get_mut(bucket)
        {
            *count += n;
        }
    }
    let mut groups: Vec<CountGroup> = counts.into_iter().map(|(value, counts)| CountGroup { value, counts }).collect();
    groups.sort_by_cached_key(|g| (std::cmp::Reverse(g.counts.iter().sum::<u64>()), g.value.clone()));
    Ok(outcome.map(|_| Counts { buckets, groups }))
}
