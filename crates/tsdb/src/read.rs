//! What can be asked of the engine: series and samples, label names and values, metadata, exemplars.
//!
//! Times are milliseconds, ranges inclusive at both ends, as in Prometheus'
//! storage interface.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use hashbrown::HashMap;
use hashbrown::hash_map::Entry;
use model::{AccessScope, Labels};
use rustc_hash::FxBuildHasher;

use crate::catalog::Metadata;
use crate::db::{SeriesExemplars, State, Stats, Tsdb};
use crate::head::{Head, Part};
use crate::matcher::{Compiled, Matcher};
use crate::options::ReadLimits;
use crate::select::{self, Meter, SeriesHandle, SeriesSet};
use crate::{Exemplar, TsdbError, key};

/// Stretches of samples by series, oldest source first.
type Found = HashMap<Box<[u8]>, Vec<Part>, FxBuildHasher>;

impl Tsdb {
    /// The series that satisfy all matchers and may have samples in `[range.0, range.1]`, sorted by labels.
    ///
    /// A metric name that is asked for with `=` also finds the series that were sent to OTLP under this name.
    ///
    /// # Errors
    /// A bad regular expression, a limit, the deadline, a damaged block.
    pub fn select(
        &self,
        scope: &AccessScope,
        matchers: &[Matcher],
        range: (i64, i64),
        limits: ReadLimits,
    ) -> Result<SeriesSet, TsdbError> {
        let meter = Arc::new(Meter::new(limits));
        let mut found = Found::default();
        self.visit(scope, matchers, range, &meter, &mut |key, parts| {
            // Only the series of the open head are not listed by their samples' times.
            if parts.is_empty() {
                return;
            }
            match found.entry(key.into()) {
                Entry::Occupied(mut e) => e.get_mut().extend(parts),
                Entry::Vacant(e) => drop(e.insert(parts)),
            }
        })?;
        meter.series(found.len())?;
        let mut series: Vec<SeriesHandle> = found
            .into_iter()
            .map(|(k, parts)| SeriesHandle { labels: key::decode(&k), parts, range, meter: meter.clone() })
            .collect();
        series.sort_unstable_by(|a, b| a.labels.cmp(&b.labels));
        Ok(SeriesSet { series, meter })
    }

    /// The labels of the series that satisfy all matchers and may have samples in the range, sorted.
    ///
    /// # Errors
    /// As [`Tsdb::select`].
    pub fn series(
        &self,
        scope: &AccessScope,
        matchers: &[Matcher],
        range: (i64, i64),
        limits: ReadLimits,
    ) -> Result<Vec<Labels>, TsdbError> {
        let set = self.select(scope, matchers, range, limits)?;
        Ok(set.series.into_iter().map(|s| s.labels).collect())
    }

    /// The names of the labels of the series that satisfy all matchers, sorted.
    ///
    /// # Errors
    /// As [`Tsdb::select`].
    pub fn label_names(
        &self,
        scope: &AccessScope,
        matchers: &[Matcher],
        range: (i64, i64),
        limits: ReadLimits,
    ) -> Result<Vec<String>, TsdbError> {
        let mut names = BTreeSet::new();
        let mut add = |name: &str| {
            if !names.contains(name) {
                names.insert(name.to_owned());
            }
        };
        if matchers.is_empty() && scope.services.is_none() {
            self.each_index(range, &mut |index| index.names(&mut add))?;
        } else {
            let meter = Meter::new(limits);
            self.visit(scope, matchers, range, &meter, &mut |k, _| key::iter(k).for_each(|(name, _)| add(name)))?;
        }
        Ok(names.into_iter().collect())
    }

    /// The values of the label `name` on the series that satisfy all matchers, sorted.
    ///
    /// # Errors
    /// As [`Tsdb::select`].
    pub fn label_values(
        &self,
        scope: &AccessScope,
        name: &str,
        matchers: &[Matcher],
        range: (i64, i64),
        limits: ReadLimits,
    ) -> Result<Vec<String>, TsdbError> {
        let mut values = BTreeSet::new();
        let mut add = |value: &str| {
            if !value.is_empty() && !values.contains(value) {
                values.insert(value.to_owned());
            }
        };
        if matchers.is_empty() && scope.services.is_none() {
            self.each_index(range, &mut |index| index.values(name, &mut add))?;
        } else {
            let meter = Meter::new(limits);
            self.visit(scope, matchers, range, &meter, &mut |k, _| add(key::get(k, name)))?;
        }
        Ok(values.into_iter().collect())
    }

    /// What is known about metrics by stored name (histograms and summaries without their suffixes).
    pub fn metadata(&self) -> BTreeMap<String, Metadata> {
        self.inner.state.read().catalog.metadata().clone()
    }

    /// The exemplars within the range of the series that satisfy all matchers, sorted by labels.
    ///
    /// # Errors
    /// As [`Tsdb::select`].
    pub fn exemplars(
        &self,
        scope: &AccessScope,
        matchers: &[Matcher],
        range: (i64, i64),
    ) -> Result<Vec<SeriesExemplars>, TsdbError> {
        let mut found: BTreeMap<Labels, Vec<Exemplar>> = BTreeMap::new();
        let mut add = |key: &[u8], exemplars: Vec<Exemplar>| {
            let inside = exemplars.into_iter().filter(|e| (range.0..=range.1).contains(&e.t)).collect::<Vec<_>>();
            if !inside.is_empty() {
                found.entry(key::decode(key)).or_default().extend(inside);
            }
        };
        {
            let state = self.inner.state.read();
            let matchers = select::compile(scope, matchers, &state.catalog)?;
            exemplars_of_head(&state.head, &matchers, &mut add)?;
        }
        Ok(found
            .into_iter()
            .map(|(labels, mut exemplars)| {
                exemplars.sort_by_key(|e| e.t);
                exemplars.dedup();
                SeriesExemplars { labels, exemplars }
            })
            .collect())
    }

    /// The state of the engine in numbers.
    pub fn stats(&self) -> Stats {
        let delta_streams = self.inner.deltas.lock().len() as u64;
        let wal = self.wal.stats();
        let state = self.inner.state.read();
        let bounds = state.head.bounds;
        Stats {
            head_series: state.head.series_count() as u64,
            head_samples: state.head.samples,
            head_bytes: state.head.bytes as u64,
            delta_streams,
            oldest_ms: bounds.map(|b| b.0),
            newest_ms: bounds.map(|b| b.1),
            wal,
            ..Stats::default()
        }
    }

    /// Calls `each` with the key and the stretches of every series found, oldest source first; a series
    /// that lies in several sources comes several times.
    fn visit(
        &self,
        scope: &AccessScope,
        matchers: &[Matcher],
        range: (i64, i64),
        meter: &Meter,
        each: &mut dyn FnMut(&[u8], Vec<Part>),
    ) -> Result<(), TsdbError> {
        let state = self.inner.state.read();
        let matchers = select::compile(scope, matchers, &state.catalog)?;
        visit_head(&state.head, &matchers, range, meter, each)
    }
}

fn visit_head(
    head: &Head,
    matchers: &[Compiled],
    range: (i64, i64),
    meter: &Meter,
    each: &mut dyn FnMut(&[u8], Vec<Part>),
) -> Result<(), TsdbError> {
    if !head.touches(range.0, range.1) {
        return Ok(());
    }
    let ids = head.select(matchers)?;
    meter.series(ids.len() as usize)?;
    for (_, series) in head.series_of(&ids) {
        let parts = series.parts(range.0, range.1);
        if !parts.is_empty() {
            each(&series.key, parts);
        }
    }
    meter.check()
}

fn exemplars_of_head(
    head: &Head,
    matchers: &[Compiled],
    add: &mut dyn FnMut(&[u8], Vec<Exemplar>),
) -> Result<(), TsdbError> {
    let ids = head.select(matchers)?;
    for (id, series) in head.series_of(&ids) {
        add(&series.key, head.exemplars.of(id).cloned().collect());
    }
    Ok(())
}
