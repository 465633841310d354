//! Opening the log: what is in it goes into the head as it did when it arrived.
//!
//! This thread reads and decodes; samples that depend on nothing but their
//! series are appended by others ([`Shares`]). Must not decide anything anew:
//! what a record holds was admitted.

use std::sync::Arc;
use std::thread;

use foundation::disk::SharedDisk;
use wal::{RepairReport, Wal};

use crate::batch::{Batch, Mode};
use crate::catalog::Catalog;
use crate::head::{Carried, ExemplarLimits, Head, Limits, Shares};
use crate::options::Options;
use crate::outcome::Refusal;
use crate::record::{self, Names, Record};
use crate::{TsdbError, otlp};

/// What could not be replayed.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct LeftOut {
    /// Records that could not be understood.
    pub(crate) records: u64,
    /// Samples of series that nothing named.
    pub(crate) samples: u64,
}

/// What replay fills.
pub(crate) struct Restored<'a> {
    pub(crate) head: &'a Arc<Head>,
    pub(crate) carried: &'a mut Carried,
    pub(crate) catalog: &'a mut Catalog,
}

/// Opens the log and replays the generations behind `covered_through`.
///
/// # Errors
/// As [`Wal::open`].
pub(crate) fn open_log(
    disk: SharedDisk,
    options: &Options,
    covered_through: wal::Generation,
    restored: Restored<'_>,
) -> Result<(Wal, RepairReport, LeftOut), TsdbError> {
    let head = restored.head;
    thread::scope(|scope| {
        let mut replay = Replay::new(options, restored, Shares::new(scope, head));
        let mut record = |generation, bytes: &[u8]| replay.record(generation, bytes);
        let (wal, report) = Wal::open(disk, wal_options(options), covered_through, &mut record)?;
        replay.shares.settle();
        Ok((wal, report, replay.left_out))
    })
}

fn wal_options(options: &Options) -> wal::Options {
    let mut wal = wal::Options::new(options.dir.join("wal"));
    wal.max_pending_bytes = options.wal_pending_bytes;
    wal.min_free_bytes = options.min_free_bytes;
    // OTLP repeats resource and metric texts in every request.
    wal.compress = true;
    wal
}

/// Applies the records of the log as they were applied when they arrived.
struct Replay<'scope, 'env> {
    options: &'env Options,
    restored: Restored<'env>,
    shares: Shares<'scope, 'env>,
    generation: Option<wal::Generation>,
    /// For records of earlier builds, which hold what the limit refused too.
    limits: Limits,
    /// What the records of the generation named so far.
    names: Names,
    left_out: LeftOut,
}

impl<'scope, 'env> Replay<'scope, 'env> {
    fn new(options: &'env Options, restored: Restored<'env>, shares: Shares<'scope, 'env>) -> Self {
        let limits = Limits::only(options.max_series);
        let (generation, names, left_out) = Default::default();
        Self { options, restored, shares, generation, limits, names, left_out }
    }

    fn record(&mut self, generation: wal::Generation, bytes: &[u8]) {
        if self.generation.replace(generation) != Some(generation) {
            self.begin_generation();
        }
        match record::decode(bytes, &self.names) {
            Some(Record::Batch(batch)) => self.batch(batch),
            Some(Record::Samples(batch)) => self.old_batch(batch),
            Some(Record::Otlp(request, rules)) => match otlp::decode(request, rules, &self.options.otlp) {
                Ok((batch, _)) => self.old_batch(batch),
                Err(_) => self.left_out.records += 1,
            },
            None => self.left_out.records += 1,
        }
    }

    /// The head of a generation may have begun empty: what it took beside the ones before it is taken again.
    fn begin_generation(&mut self) {
        self.names.clear();
        let known = self.restored.head.series_count();
        self.limits = Limits::only(self.options.max_series.saturating_add(known));
    }

    /// What was admitted when it came is taken again, whatever the limits are now.
    fn batch(&mut self, mut batch: Batch) {
        let head = self.restored.head;
        self.left_out.samples += batch.drop_nameless();
        batch.epoch = head.epoch;
        let named = batch.take_names_given();
        if batch.buf.samples.iter().any(|s| matches!(s.mode, Mode::Add | Mode::InputAdd)) {
            // Totals are kept by key.
            head.put_keys(&mut batch);
        }
        self.apply(&mut batch);
        // A series that was known already is named although its sample was refused.
        self.names.extend(named.into_iter().filter_map(|(at, name)| Some((name, head.id_of(&batch, at)?))));
    }

    /// Shares a batch out, or applies it here behind all that came before it.
    fn apply(&mut self, batch: &mut Batch) {
        let Restored { head, carried, catalog } = &mut self.restored;
        std::mem::take(&mut batch.metrics).into_iter().for_each(|info| catalog.learn(info));
        let exemplars = ExemplarLimits::of(self.options);
        if !self.shares.apply(batch, exemplars, &mut carried.newest) {
            self.shares.settle();
            head.apply(batch, exemplars, carried);
        }
    }

    /// Records of earlier builds hold what the limit refused, too. A head that had refused one new series took no other.
    fn old_batch(&mut self, mut batch: Batch) {
        drop(self.restored.head.admit(&mut batch, &self.limits));
        if batch.early.refusals.iter().any(|(why, ..)| *why == Refusal::SeriesLimit) {
            self.limits.max_series = 0;
        }
        self.apply(&mut batch);
    }
}
