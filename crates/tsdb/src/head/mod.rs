//! The head: the samples of the current log generation, in memory.
//!
//! What series there are is in one index, their samples lie in pages by id.
//! Whoever brings a batch finds its series under the index' read lock, on a
//! thread of its own ([`Head::admit`]); the one writer (the log's writer
//! thread) applies batches in log order ([`Head::apply`]) and holds the lock
//! of one page at a time; readers take ids under the read lock and copy what
//! they need page by page. A head is frozen as a whole when the log rotates
//! and becomes one block. Knows no files. Replay, before there are readers, has
//! a writer for each page ([`Shares`]).
//!
//! Locks, in the order in which they are taken: index, page, exemplars. The
//! writer gives back its page before it takes the index.

mod admit;
mod apply;
mod exemplars;
mod ids;
mod index;
mod limits;
mod order;
mod pages;
mod series;
mod shares;
mod symbols;

use std::sync::atomic::{AtomicI64, AtomicU64, AtomicUsize, Ordering};

use parking_lot::{Mutex, RwLock};
use roaring::RoaringBitmap;

use crate::exemplar::Exemplar;
use crate::matcher::Compiled;
use crate::part::{Needed, Part};
use crate::{Options, TsdbError};

pub(crate) use apply::Carried;
use exemplars::Exemplars;
use index::HeadIndex;
pub(crate) use limits::Limits;
use order::LabelOrder;
use pages::Pages;
use series::MemSeries;
pub(crate) use shares::Shares;

/// Series between two looks at whether a reader is still wanted, and for how long the index is held at a time.
const SERIES_PER_CHECK: usize = 1024;

/// How exemplars are kept.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ExemplarLimits {
    per_series: usize,
    max: usize,
}

impl ExemplarLimits {
    pub(crate) fn of(options: &Options) -> Self {
        Self { per_series: options.exemplars_per_series, max: options.max_exemplars }
    }
}

#[derive(Debug)]
pub(crate) struct Head {
    /// The log generation whose records may name series of this head by number.
    pub(crate) epoch: u64,
    index: RwLock<HeadIndex>,
    /// Taken before the index.
    order: LabelOrder,
    pages: Pages,
    exemplars: Mutex<Exemplars>,
    /// Series that are sums of rules.
    sums: RwLock<RoaringBitmap>,
    /// Numbers for series in the log that were given so far.
    log_names: AtomicU64,
    /// New series of batches that are on their way; see [`Head::admit`].
    reserved: AtomicUsize,
    /// Time of the newest sample of the heads before.
    begun: i64,
    /// Times of the oldest and newest sample; the wrong way round while there is none.
    oldest: AtomicI64,
    newest: AtomicI64,
    samples: AtomicU64,
    /// Memory of samples, estimated.
    samples_bytes: AtomicUsize,
    /// Memory of the index as it was when a series was made last.
    index_bytes: AtomicUsize,
}

impl Head {
    /// An empty head, for the log generation `epoch`; those before it had samples up to `newest`.
    pub(crate) fn new(epoch: u64, newest: i64) -> Self {
        Self {
            epoch,
            begun: newest,
            index: RwLock::default(),
            order: LabelOrder::default(),
            pages: Pages::default(),
            exemplars: Mutex::default(),
            sums: RwLock::default(),
            log_names: AtomicU64::new(0),
            reserved: AtomicUsize::new(0),
            oldest: AtomicI64::new(i64::MAX),
            newest: AtomicI64::new(i64::MIN),
            samples: AtomicU64::new(0),
            samples_bytes: AtomicUsize::new(0),
            index_bytes: AtomicUsize::new(0),
        }
    }

    /// How many series there are.
    pub(crate) fn series_count(&self) -> usize {
        self.index.read().len() as usize
    }

    /// How many samples there are.
    pub(crate) fn samples(&self) -> u64 {
        self.samples.load(Ordering::Relaxed)
    }

    /// Memory of the head, estimated.
    pub(crate) fn bytes(&self) -> usize {
        let series = self.series_count() * size_of::<MemSeries>();
        let [index, samples] = [&self.index_bytes, &self.samples_bytes].map(|b| b.load(Ordering::Relaxed));
        series + index + samples + self.order.bytes() + self.exemplars.lock().bytes
    }

    /// Whether nothing was stored.
    pub(crate) fn is_empty(&self) -> bool {
        self.series_count() == 0
    }

    /// Times of the oldest and newest sample; `None` when there is none.
    pub(crate) fn bounds(&self) -> Option<(i64, i64)> {
        let (min, max) = (self.oldest.load(Ordering::Relaxed), self.newest.load(Ordering::Relaxed));
        (min <= max).then_some((min, max))
    }

    /// Whether samples passed a multiple of `span_ms` since the head began, and half as much time, or reach over twice as much.
    ///
    /// Late samples are in the head of their time, so that they alone do not fill it; a head that began shortly before a
    /// multiple goes on to the next one.
    pub(crate) fn reaches_over(&self, span_ms: i64) -> bool {
        let Some((oldest, newest)) = self.bounds() else { return false };
        let start = oldest.max(self.begun);
        let passed = newest.div_euclid(span_ms) > start.div_euclid(span_ms);
        passed && newest.saturating_sub(start) >= span_ms / 2
            || newest.saturating_sub(oldest) >= span_ms.saturating_mul(2)
    }

    /// Whether any sample lies in `[min, max]` (inclusive).
    pub(crate) fn touches(&self, min: i64, max: i64) -> bool {
        self.bounds().is_some_and(|(first, last)| first <= max && last >= min)
    }

    /// The series that satisfy the matchers.
    pub(crate) fn select(&self, matchers: &[Compiled]) -> Result<RoaringBitmap, TsdbError> {
        crate::postings::select(&*self.index.read(), matchers)
    }

    /// Calls `each` with the index, which nobody can add to meanwhile.
    pub(crate) fn with_index<T>(&self, each: impl FnOnce(&HeadIndex) -> T) -> T {
        each(&self.index.read())
    }

    /// All series in the order of their labels.
    pub(crate) fn in_label_order(&self) -> Vec<u32> {
        self.index.read().in_label_order()
    }

    /// Numbers by which these series are sorted as by their labels; `None` when it is cheaper to look at those.
    pub(crate) fn label_places(&self, ids: &[u32]) -> Option<Vec<u32>> {
        self.order.places(ids, self.series_count() as u32, &|each| each(&self.index.read()))
    }

    /// Calls `each` with id and key of every series of `ids` and what `read` makes of it. No lock is held meanwhile, so
    /// that `each` may take its time; `check` is asked now and then whether to go on.
    fn visit<T>(
        &self,
        ids: impl Iterator<Item = u32>,
        check: &mut dyn FnMut() -> Result<(), TsdbError>,
        read: &mut dyn FnMut(u32) -> Option<T>,
        each: &mut dyn FnMut(u32, &[u8], T) -> Result<(), TsdbError>,
    ) -> Result<(), TsdbError> {
        let mut ids = ids.peekable();
        let (mut keys, mut found) = (Vec::new(), Vec::new());
        while ids.peek().is_some() {
            check()?;
            found.extend(ids.by_ref().take(SERIES_PER_CHECK).filter_map(|id| read(id).map(|t| (id, t))));
            keys.clear();
            let ends: Vec<usize> = {
                let index = self.index.read();
                let put = |(id, _): &(u32, T)| {
                    keys.extend_from_slice(index.key(*id));
                    keys.len()
                };
                found.iter().map(put).collect()
            };
            let mut start = 0;
            for ((id, t), end) in found.drain(..).zip(ends) {
                each(id, keys.get(start..end).unwrap_or_default(), t)?;
                start = end;
            }
        }
        check()
    }

    /// Calls `each` with id, key and what is `needed` of the stretches within `[min, max]` of every series of `ids` that has some,
    /// in order.
    pub(crate) fn visit_parts(
        &self,
        ids: impl Iterator<Item = u32>,
        (min, max): (i64, i64),
        needed: Needed,
        check: &mut dyn FnMut() -> Result<(), TsdbError>,
        each: &mut dyn FnMut(u32, &[u8], Vec<Part>) -> Result<(), TsdbError>,
    ) -> Result<(), TsdbError> {
        let mut read = |id| {
            let (page, at) = pages::place(id);
            let page = self.pages.get(page)?.lock();
            let series = page.get(at)?;
            let parts = match needed {
                Needed::All => series.parts(min, max),
                Needed::Newest => series.newest(min, max),
            };
            Some(parts).filter(|parts| !parts.is_empty())
        };
        self.visit(ids, check, &mut read, each)
    }

    /// Calls `each` with id, key and the exemplars of every series of `ids` that has some, in order.
    pub(crate) fn visit_exemplars(
        &self,
        ids: impl Iterator<Item = u32>,
        check: &mut dyn FnMut() -> Result<(), TsdbError>,
        each: &mut dyn FnMut(u32, &[u8], Vec<Exemplar>) -> Result<(), TsdbError>,
    ) -> Result<(), TsdbError> {
        let mut read = |id| {
            let exemplars = self.exemplars.lock();
            Some(exemplars.of(id).cloned().collect::<Vec<_>>()).filter(|found| !found.is_empty())
        };
        self.visit(ids, check, &mut read, each)
    }

    /// The exemplars of one series, in the order they came.
    pub(crate) fn exemplars_of(&self, id: u32) -> Vec<Exemplar> {
        self.exemplars.lock().of(id).cloned().collect()
    }
}
