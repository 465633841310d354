//! What can be asked of the engine: series and samples, label names and values, metadata, exemplars.
//!
//! Times are milliseconds, ranges inclusive at both ends, as in Prometheus'
//! storage interface.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use model::labels::LabelsBuilder;
use model::{AccessScope, Labels};

use crate::block::{Block, ChunkRef};
use crate::catalog::Metadata;
use crate::db::{SeriesExemplars, Stats, Tsdb};
use crate::head::Head;
use crate::matcher::{Compiled, Matcher};
use crate::options::ReadLimits;
use crate::part::{Needed, Part};
use crate::partial::{Partial, forgive};
use crate::postings::{self, LabelIndex};
use crate::select::{self, Meter, SeriesHandle, SeriesSet};
use crate::{Exemplar, TsdbError, key};

/// Series and their stretches, those stored first first.
type Found = Vec<(Labels, Vec<Part>)>;

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
        self.select_needed(scope, matchers, range, limits, Needed::All)
    }

    /// As [`Tsdb::select`], for those who want the newest sample of each series in the range, a marker of its end too: older ones
    /// may be missing.
    ///
    /// # Errors
    /// As [`Tsdb::select`].
    pub fn select_newest(
        &self,
        scope: &AccessScope,
        matchers: &[Matcher],
        range: (i64, i64),
        limits: ReadLimits,
    ) -> Result<SeriesSet, TsdbError> {
        self.select_needed(scope, matchers, range, limits, Needed::Newest)
    }

    fn select_needed(
        &self,
        scope: &AccessScope,
        matchers: &[Matcher],
        range: (i64, i64),
        limits: ReadLimits,
        needed: Needed,
    ) -> Result<SeriesSet, TsdbError> {
        let meter = Arc::new(Meter::new(limits));
        let mut found: Found = Vec::new();
        self.each_source(scope, matchers, range, meter.partial(), &mut |source, matchers| {
            let mut of_source: Found = Vec::new();
            let visited = match source {
                Source::Head(head) => of_head(head, matchers, range, needed, &meter).map(|found| of_source = found),
                Source::Block(block) => {
                    visit_block(block, matchers, range, &meter, &mut |labels, parts| of_source.push((labels, parts)))
                }
            };
            found = union(std::mem::take(&mut found), of_source);
            meter.series(found.len())?;
            visited
        })?;
        let handle = |(labels, parts)| SeriesHandle { labels, parts, range, meter: meter.clone() };
        let series = found.into_iter().map(handle).collect();
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
            self.each_index(range, limits.partial.as_ref(), &mut |index| {
                index.names(&mut add);
                Ok(())
            })?;
        } else {
            let meter = Meter::new(limits);
            self.each_series(scope, matchers, range, &meter, &mut |l| l.iter().for_each(|(name, _)| add(name)))?;
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
            self.each_index(range, limits.partial.as_ref(), &mut |index| index.values(name, &mut add))?;
        } else {
            let meter = Meter::new(limits);
            self.each_series(scope, matchers, range, &meter, &mut |labels| add(labels.get(name)))?;
        }
        Ok(values.into_iter().collect())
    }

    /// What is known about metrics by stored name (histograms and summaries without their suffixes).
    pub fn metadata(&self) -> BTreeMap<String, Metadata> {
        self.inner.catalog.read().metadata().clone()
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
        limits: ReadLimits,
    ) -> Result<Vec<SeriesExemplars>, TsdbError> {
        let mut found: BTreeMap<Labels, Vec<Exemplar>> = BTreeMap::new();
        let mut add = |labels: &dyn Fn() -> Labels, exemplars: &mut dyn Iterator<Item = &Exemplar>| {
            let inside: Vec<_> = exemplars.filter(|e| (range.0..=range.1).contains(&e.t)).cloned().collect();
            if !inside.is_empty() {
                found.entry(labels()).or_default().extend(inside);
            }
        };
        let meter = Meter::new(limits);
        // An exemplar may be older than the samples of its block, so that blocks are not chosen by their times.
        self.each_source(
            scope,
            matchers,
            (i64::MIN, i64::MAX),
            meter.partial(),
            &mut |source, matchers| match source {
                Source::Head(head) => {
                    let ids = head.select(matchers)?;
                    head.visit_exemplars(ids.iter(), &mut || meter.check(), &mut |_, key, exemplars| {
                        add(&|| key::decode(key), &mut exemplars.iter());
                        Ok(())
                    })
                }
                Source::Block(block) => {
                    let ids = postings::select(&**block, matchers)?;
                    block.entries(&ids, &mut |s| {
                        add(&|| s.labels.clone(), &mut s.exemplars.iter());
                        meter.check()
                    })
                }
            },
        )?;
        let merged = found.into_iter().map(|(labels, mut exemplars)| {
            exemplars.sort_by_key(|e| e.t);
            exemplars.dedup();
            SeriesExemplars { labels, exemplars }
        });
        Ok(merged.collect())
    }

    /// Whether the series comes as increases (delta temporality), which are added up here.
    pub fn adds_up(&self, labels: &Labels) -> bool {
        let mut bytes = Vec::new();
        key::encode(labels, &mut bytes);
        self.inner.carried.lock().deltas.contains(&bytes)
    }

    /// The state of the engine in numbers.
    pub fn stats(&self) -> Stats {
        let delta_streams = self.inner.carried.lock().deltas.len() as u64;
        let wal = self.wal.stats();
        let state = self.inner.state.read();
        let heads = || state.frozen.iter().map(|f| &f.head).chain([&state.head]);
        let blocks = || state.blocks.iter();
        let bounds = || heads().filter_map(|h| h.bounds()).chain(blocks().map(|b| b.bounds()));
        Stats {
            head_series: heads().map(|h| h.series_count() as u64).sum(),
            head_samples: heads().map(|h| h.samples()).sum(),
            head_bytes: heads().map(|h| h.bytes() as u64).sum(),
            blocks: state.blocks.len() as u64,
            damaged_blocks: state.unreadable.len() as u64 + blocks().filter(|b| !b.is_mergeable()).count() as u64,
            block_series: blocks().map(|b| u64::from(b.series_count())).sum(),
            block_samples: blocks().map(|b| b.samples()).sum(),
            block_bytes: blocks().map(|b| b.bytes()).sum(),
            block_index_bytes: blocks().map(|b| b.index_bytes()).sum(),
            delta_streams,
            oldest_ms: bounds().map(|b| b.0).min(),
            newest_ms: bounds().map(|b| b.1).max(),
            wal,
        }
    }

    /// Calls `each` with every source that touches the range and the matchers, in the order in which their samples were
    /// stored. No lock of the engine is held meanwhile.
    fn each_source(
        &self,
        scope: &AccessScope,
        matchers_asked: &[Matcher],
        (min, max): (i64, i64),
        partial: Option<&Partial>,
        each: &mut dyn FnMut(Source<'_>, &[Compiled]) -> Result<(), TsdbError>,
    ) -> Result<(), TsdbError> {
        let matchers = select::compile(scope, matchers_asked, &self.inner.catalog.read())?;
        let (blocks, frozen, head) = {
            let state = self.inner.state.read();
            if let Some(partial) = partial {
                state.unreadable.iter().for_each(|reason| partial.note(reason));
            }
            (state.blocks.clone(), state.frozen.clone(), state.head.clone())
        };
        for block in blocks.iter().filter(|b| b.touches(min, max)) {
            let visited = each(Source::Block(block), &matchers);
            forgive(partial, visited)?;
        }
        for head in frozen.iter().map(|f| &f.head).chain([&head]).filter(|h| h.touches(min, max)) {
            each(Source::Head(head), &matchers)?;
        }
        Ok(())
    }

    /// Calls `each` with the labels of every series found; those of one that lies in several sources come several times.
    fn each_series(
        &self,
        scope: &AccessScope,
        matchers: &[Matcher],
        range: (i64, i64),
        meter: &Meter,
        each: &mut dyn FnMut(Labels),
    ) -> Result<(), TsdbError> {
        self.each_source(scope, matchers, range, meter.partial(), &mut |source, matchers| {
            visit(source, matchers, range, meter, &mut |labels, _| each(labels))
        })
    }

    /// Calls `each` with the index of every source that touches the range.
    fn each_index(
        &self,
        range: (i64, i64),
        partial: Option<&Partial>,
        each: &mut dyn FnMut(&dyn LabelIndex) -> Result<(), TsdbError>,
    ) -> Result<(), TsdbError> {
        self.each_source(&AccessScope::ALL, &[], range, partial, &mut |source, _| match source {
            Source::Head(head) => head.with_index(|index| each(index)),
            Source::Block(block) => each(&**block),
        })
    }
}

/// Where series lie.
enum Source<'a> {
    Head(&'a Head),
    Block(&'a Arc<Block>),
}

/// The series of a head, sorted by labels.
fn of_head(
    head: &Head,
    matchers: &[Compiled],
    range: (i64, i64),
    needed: Needed,
    meter: &Meter,
) -> Result<Found, TsdbError> {
    let ids = head.select(matchers)?;
    meter.series(ids.len() as usize)?;
    let (mut found, mut found_ids, mut builder) = (Found::new(), Vec::new(), LabelsBuilder::default());
    let mut each = |id, key: &[u8], parts| {
        found_ids.push(id);
        found.push((key::decode_with(key, &mut builder), parts));
        Ok(())
    };
    head.visit_parts(ids.iter(), range, needed, &mut || meter.check(), &mut each)?;
    let Some(places) = head.label_places(&found_ids) else {
        found.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        return Ok(found);
    };
    let mut order: Vec<(u32, u32)> = places.into_iter().zip(0..).collect();
    if order.is_sorted() {
        return Ok(found);
    }
    order.sort_unstable();
    let mut found: Vec<Option<(Labels, Vec<Part>)>> = found.into_iter().map(Some).collect();
    Ok(order.into_iter().filter_map(|(_, at)| found.get_mut(at as usize)?.take()).collect())
}

/// Merges what was found in another source into what was found so far, both sorted by labels.
fn union(found: Found, other: Found) -> Found {
    debug_assert!(other.is_sorted_by(|a, b| a.0 < b.0));
    if found.is_empty() {
        return other;
    }
    let mut out = Vec::with_capacity(found.len() + other.len() / 2);
    let (mut found, mut other) = (found.into_iter().peekable(), other.into_iter().peekable());
    loop {
        let order = match (found.peek(), other.peek()) {
            (Some(a), Some(b)) => a.0.cmp(&b.0),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => return out,
        };
        let mut next = if order.is_gt() { None } else { found.next() };
        let new = if order.is_lt() { None } else { other.next() };
        match (&mut next, new) {
            (Some((_, parts)), Some((_, more))) => parts.extend(more),
            (None, new) => next = new,
            (Some(_), None) => {}
        }
        out.extend(next);
    }
}

/// Calls `each` with the labels and the stretches of every series of a source that satisfies the matchers.
fn visit(
    source: Source<'_>,
    matchers: &[Compiled],
    range: (i64, i64),
    meter: &Meter,
    each: &mut dyn FnMut(Labels, Vec<Part>),
) -> Result<(), TsdbError> {
    match source {
        Source::Head(head) => visit_head(head, matchers, range, meter, &mut |key, parts| each(key::decode(key), parts)),
        Source::Block(block) => visit_block(block, matchers, range, meter, each),
    }
}

fn visit_head(
    head: &Head,
    matchers: &[Compiled],
    range: (i64, i64),
    meter: &Meter,
    each: &mut dyn FnMut(&[u8], Vec<Part>),
) -> Result<(), TsdbError> {
    let ids = head.select(matchers)?;
    meter.series(ids.len() as usize)?;
    head.visit_parts(ids.iter(), range, Needed::All, &mut || meter.check(), &mut |_, key, parts| {
        each(key, parts);
        Ok(())
    })
}

fn visit_block(
    block: &Arc<Block>,
    matchers: &[Compiled],
    (min, max): (i64, i64),
    meter: &Meter,
    each: &mut dyn FnMut(Labels, Vec<Part>),
) -> Result<(), TsdbError> {
    let ids = postings::select(&**block, matchers)?;
    meter.series(ids.len() as usize)?;
    block.entries(&ids, &mut |series| {
        let touches = |c: &&ChunkRef| c.min <= max && c.max >= min;
        let stored = |c: &ChunkRef| Part::Stored { chunk: *c, block: block.clone() };
        let parts: Vec<Part> = series.chunks.iter().filter(touches).map(stored).collect();
        if !parts.is_empty() {
            each(series.labels, parts);
        }
        meter.check()
    })
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;
    use crate::batch::{Batch, Rules};
    use crate::head::{Carried, ExemplarLimits};

    #[test]
    fn a_walk_through_the_head_is_stopped_on_the_way() {
        let rules = Rules { newest_allowed: i64::MAX, oldest_allowed: i64::MIN, window_ms: 0, in_order_ms: 0 };
        let mut batch = Batch::new(rules);
        for i in 0..5000 {
            batch.series([("__name__", &*format!("m{i}"))]).sample(1, 1.0);
        }
        let head = Head::new(1, i64::MIN);
        let exemplars = ExemplarLimits::of(&crate::Options::new("/data"));
        head.apply(&mut batch, exemplars, &mut Carried::default());
        let cancel = Arc::new(AtomicBool::new(false));
        let meter = Meter::new(ReadLimits { cancel: Some(cancel.clone()), ..ReadLimits::default() });
        let mut seen = 0;
        let result = visit_head(&head, &[], (i64::MIN, i64::MAX), &meter, &mut |_, _| {
            seen += 1;
            cancel.store(true, Ordering::Relaxed);
        });
        assert!(matches!(result, Err(TsdbError::Cancelled)));
        assert_eq!(seen, 1024);
    }
}
