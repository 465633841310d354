//! Replay on several threads: floats of known series, shared out by page.
//!
//! One thread reads the log in order and decides what depends on the order of
//! all samples: which series are made, and how late a sample is. What is left
//! is an append to one series, and pages do not know each other: each page is
//! the share of one worker, which gets its samples in log order. A page's
//! samples are gathered before they are handed over, so that its series lie in
//! the cache while they grow. Nothing else writes to the head meanwhile.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{Builder, Scope, available_parallelism};

use super::apply::{Tally, append_float, bounds};
use super::pages::{Cursor, place};
use super::{ExemplarLimits, Head};
use crate::batch::{Batch, BatchSample, BatchValue, Mode, Rules, same_point};
use crate::chunk::Sample;
use crate::outcome::{Ingested, Refusal};

/// More would wait for the one that reads the log.
const WORKERS_MAX: usize = 4;
/// Page loads that wait for each worker.
const LOADS_WAITING: usize = 32;

/// How much is gathered before workers get it.
#[derive(Debug, Clone, Copy)]
struct Gathered {
    /// Samples of one page.
    page: usize,
    /// Samples of all pages, which are then all handed over. One takes 32 bytes.
    all: usize,
}

impl Default for Gathered {
    fn default() -> Self {
        Self { page: 1024, all: 1 << 20 }
    }
}

/// A float on its way to its series.
#[derive(Debug, Clone, Copy)]
struct Item {
    id: u32,
    sample: Sample,
    start_t: i64,
    /// Time of the newest sample of all before this one.
    newest: i64,
}

/// What a worker gets.
enum Load {
    Page(Rules, Vec<Item>),
    /// Answered when everything before it is done.
    Settle(SyncSender<()>),
}

/// Samples on their way to the series of one head.
pub(crate) struct Shares<'scope, 'env> {
    scope: &'scope Scope<'scope, 'env>,
    head: &'env Head,
    gathered: Gathered,
    /// By page.
    pending: Vec<Vec<Item>>,
    count: usize,
    /// Of the batches that `pending` comes from.
    rules: Option<Rules>,
    /// Started when there is enough for them to do.
    workers: Vec<SyncSender<Load>>,
}

impl<'scope, 'env> Shares<'scope, 'env> {
    pub(crate) fn new(scope: &'scope Scope<'scope, 'env>, head: &'env Head) -> Self {
        Self::gathering(Gathered::default(), scope, head)
    }

    fn gathering(gathered: Gathered, scope: &'scope Scope<'scope, 'env>, head: &'env Head) -> Self {
        Self { scope, head, gathered, pending: Vec::new(), count: 0, rules: None, workers: Vec::new() }
    }

    /// Applies a batch as [`Head::apply`] would, some time before the next [`Shares::settle`]; metadata is the caller's
    /// business. Returns whether it was taken: `false` when its samples depend on each other or on totals.
    pub(crate) fn apply(&mut self, batch: &mut Batch, exemplars: ExemplarLimits, newest: &mut i64) -> bool {
        if !is_simple(batch) {
            return false;
        }
        self.follow(batch.buf.rules);
        let mut cursor = Cursor::new(&self.head.pages);
        for s in std::mem::take(&mut batch.buf.samples) {
            let BatchValue::Float(v) = s.value else { continue };
            let known = batch.found.get(s.series as usize).and_then(|found| found.id);
            let id = known.map_or_else(|| self.make_series(&mut cursor, &s, batch, *newest), Ok);
            if let Ok(id) = id {
                self.push(Item { id, sample: Sample { t: s.t, v }, start_t: s.start_t, newest: *newest });
                // One that is newer than all is never refused.
                *newest = s.t.max(*newest);
            }
        }
        self.head.apply_exemplars(batch, exemplars, &mut Ingested::default());
        true
    }

    fn make_series(
        &self,
        cursor: &mut Cursor<'_>,
        s: &BatchSample,
        batch: &mut Batch,
        newest: i64,
    ) -> Result<u32, Refusal> {
        bounds(&batch.buf.rules, newest).check_first(s.t)?;
        let series = batch.buf.series.get(s.series as usize).ok_or(Refusal::NoLabels)?;
        let id = self.head.make_series(cursor, batch.buf.hash_of(series), batch.buf.key_of(series))?;
        cursor.release();
        if let Some(found) = batch.found.get_mut(s.series as usize) {
            found.id = Some(id);
        }
        Ok(id)
    }

    /// Hands over what came under other rules.
    fn follow(&mut self, rules: Rules) {
        let decides = |r: Rules| (r.window_ms, r.in_order_ms);
        if self.rules.is_some_and(|before| decides(before) != decides(rules)) {
            self.hand_over_all();
        }
        self.rules = Some(rules);
    }

    fn push(&mut self, item: Item) {
        let page = place(item.id).0 as usize;
        if self.pending.len() <= page {
            self.pending.resize_with(page + 1, Vec::new);
        }
        if let Some(items) = self.pending.get_mut(page) {
            items.push(item);
            self.count += 1;
            if items.len() >= self.gathered.page {
                let items = std::mem::take(items);
                self.hand_over(page, items);
            } else if self.count >= self.gathered.all {
                self.hand_over_all();
            }
        }
    }

    fn hand_over(&mut self, page: usize, items: Vec<Item>) {
        self.count -= items.len();
        if self.workers.is_empty() {
            let workers = available_parallelism().map_or(1, usize::from).min(WORKERS_MAX);
            self.workers = (0..workers).map_while(|_| self.start()).collect();
        }
        let Some(rules) = self.rules else { return };
        match page.checked_rem(self.workers.len()).and_then(|at| self.workers.get(at)) {
            // A worker goes only with this sender; one that panicked makes the scope panic.
            Some(worker) => drop(worker.send(Load::Page(rules, items))),
            None => append_all(self.head, &rules, &items, &mut Vec::new()),
        }
    }

    fn hand_over_all(&mut self) {
        for page in 0..self.pending.len() {
            let items = self.pending.get_mut(page).map(std::mem::take).unwrap_or_default();
            if !items.is_empty() {
                self.hand_over(page, items);
            }
        }
    }

    /// Waits until all samples are in their series.
    pub(crate) fn settle(&mut self) {
        if self.workers.is_empty() {
            // Too few for threads.
            let mut scratch = Vec::new();
            if let Some(rules) = self.rules {
                self.pending.drain(..).for_each(|items| append_all(self.head, &rules, &items, &mut scratch));
            }
            self.count = 0;
            return;
        }
        self.hand_over_all();
        let (tx, rx) = sync_channel(self.workers.len());
        for worker in &self.workers {
            let _ = worker.send(Load::Settle(tx.clone()));
        }
        drop(tx);
        while rx.recv().is_ok() {}
    }

    /// `None` when the system has no thread to give.
    fn start(&self) -> Option<SyncSender<Load>> {
        let (tx, rx) = sync_channel(LOADS_WAITING);
        let head = self.head;
        let name = Builder::new().name("metrics-replay".to_owned());
        name.spawn_scoped(self.scope, move || work(head, &rx)).ok().map(|_| tx)
    }
}

fn work(head: &Head, loads: &Receiver<Load>) {
    let mut scratch = Vec::new();
    while let Ok(load) = loads.recv() {
        match load {
            Load::Page(rules, items) => append_all(head, &rules, &items, &mut scratch),
            Load::Settle(done) => {
                let _ = done.send(());
            }
        }
    }
}

/// Appends samples in their order. What is refused was refused, and counted, when it came.
fn append_all(head: &Head, rules: &Rules, items: &[Item], scratch: &mut Vec<Sample>) {
    let mut cursor = Cursor::new(&head.pages);
    let mut tally = Tally::default();
    for item in items {
        if let Some(series) = cursor.series(item.id)
            && let Ok(appended) = append_float(series, item.sample, item.start_t, bounds(rules, item.newest), scratch)
        {
            tally.count(item.sample.t, appended);
        }
    }
    tally.add_to(head);
}

/// Whether every sample of a batch is a float that is taken or refused by itself.
fn is_simple(batch: &Batch) -> bool {
    let alone =
        |s: &BatchSample| matches!(s.value, BatchValue::Float(_)) && matches!(s.mode, Mode::Set | Mode::Derived);
    let samples = &batch.buf.samples;
    // Under such rules only one that is newer than all is sure to be taken.
    batch.buf.rules.in_order_ms >= 0
        && samples.iter().all(alone)
        && !samples.windows(2).any(|pair| matches!(pair, [a, b] if same_point(a, b)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::chunk::{HistogramValue, STALE_NAN, SeriesSamples};
    use crate::head::Carried;

    const LIMITS: ExemplarLimits = ExemplarLimits { per_series: 2, max: 10 };

    /// Series, step of time and value of each sample; the width of the window; whether there are histograms.
    type Sent = (Vec<(u16, i64, u8)>, i64, bool);

    fn batch(head: &Head, (samples, window_ms, histograms): &Sent, now: i64) -> Batch {
        let rules =
            Rules { newest_allowed: i64::MAX, oldest_allowed: i64::MIN, window_ms: *window_ms, in_order_ms: 500 };
        let mut batch = Batch::new(rules);
        for (series, step, v) in samples {
            let name = series.to_string();
            let mut series = batch.series([("__name__", "m"), ("series", &name)]);
            match v {
                0 if *histograms => series.histogram(now + step, HistogramValue::stale()),
                1 => series.sample(now + step, f64::from_bits(STALE_NAN)),
                v => series.since(i64::from(v / 100)).sample(now + step, f64::from(*v)),
            };
        }
        head.find_all(&mut batch);
        batch
    }

    fn content(head: &Head) -> Vec<(u32, Vec<u8>, Vec<SeriesSamples>)> {
        let mut out = Vec::new();
        let mut each = |id, key: &[u8], parts: Vec<crate::part::Part>| {
            let decode = |part: &crate::part::Part| {
                let mut samples = SeriesSamples::default();
                part.decode(&mut samples).map(|()| samples)
            };
            out.push((id, key.to_vec(), parts.iter().map(decode).collect::<Result<_, _>>()?));
            Ok(())
        };
        head.visit_parts(
            0..head.series_count() as u32,
            (i64::MIN, i64::MAX),
            crate::part::Needed::All,
            &mut || Ok(()),
            &mut each,
        )
        .unwrap();
        out
    }

    fn sent() -> impl Strategy<Value = Sent> {
        let value = prop_oneof![1 => Just(0u8), 1 => Just(1), 20 => any::<u8>()];
        let step = prop_oneof![6 => Just(0i64), 1 => -900i64..900];
        let samples = prop::collection::vec((0u16..700, step, value), 1..300);
        (samples, prop_oneof![3 => Just(600i64), 1 => Just(0)], prop::bool::weighted(0.1))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn a_head_that_was_shared_out_is_the_head_of_one_writer(all in prop::collection::vec(sent(), 1..40), page in 1usize..60) {
            let carried = || Carried::default();
            let (one, many) = (Head::new(1, i64::MIN), Head::new(1, i64::MIN));
            let (mut of_one, mut of_many) = (carried(), carried());
            for (now, sent) in (0..).step_by(100).zip(&all) {
                one.apply(&mut batch(&one, sent, now), LIMITS, &mut of_one);
            }
            std::thread::scope(|scope| {
                let mut shares = Shares::gathering(Gathered { page, all: 400 }, scope, &many);
                for (now, sent) in (0..).step_by(100).zip(&all) {
                    let mut batch = batch(&many, sent, now);
                    if !shares.apply(&mut batch, LIMITS, &mut of_many.newest) {
                        shares.settle();
                        many.apply(&mut batch, LIMITS, &mut of_many);
                    }
                }
                shares.settle();
                assert_eq!(shares.count, 0);
            });
            prop_assert_eq!(content(&many), content(&one));
            prop_assert_eq!(of_many.newest, of_one.newest);
            prop_assert_eq!((many.samples(), many.bounds()), (one.samples(), one.bounds()));
            prop_assert_eq!(many.bytes(), one.bytes());
        }
    }
}
