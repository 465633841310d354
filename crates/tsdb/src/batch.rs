//! A batch: samples of series on their way into the log and the head.
//!
//! Every way in fills one: OTLP through [`crate::Tsdb::decode`], all others
//! through [`Batch::series`]. It is built on the caller's thread and applied
//! to the head on the writer thread once its record is in the log. Building
//! reads nothing of the engine, so that replay of the same record builds the
//! same batch.

use model::Labels;

use crate::catalog::{Metadata, MetricInfo};
use crate::chunk::HistogramValue;
use crate::exemplar::Exemplar;
use crate::key;
use crate::outcome::{Ingested, Refusal};

/// Labels of one series take at most this many bytes: a longer label set is a mistake, and costs every index.
const KEY_BYTES_MAX: usize = 64 << 10;

/// Labels of one batch take at most this many bytes: many points under one large resource multiply its labels.
const BATCH_BYTES_MAX: usize = 512 << 20;

/// How a value meets what the series has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// The value itself.
    Set,
    /// An increase over the value before.
    Add,
    /// The value itself, made by the engine (`target_info`): not counted and not refused aloud.
    Derived,
    /// The value itself, for a sum that a rule makes.
    Input,
    /// An increase, for a sum that a rule makes.
    InputAdd,
}

impl Mode {
    /// Whether it goes into a sum that a rule makes.
    pub(crate) const fn is_input(self) -> bool {
        matches!(self, Self::Input | Self::InputAdd)
    }

    /// The number it is logged as.
    pub(crate) fn code(self) -> u8 {
        self as u8
    }

    pub(crate) fn from_code(code: i64) -> Option<Self> {
        [Self::Set, Self::Add, Self::Derived, Self::Input, Self::InputAdd]
            .into_iter()
            .find(|mode| i64::from(mode.code()) == code)
    }
}

/// The value of a sample of a batch.
#[derive(Debug, Clone, Copy)]
pub(crate) enum BatchValue {
    Float(f64),
    /// Its place in [`Buffer::histograms`].
    Histogram(u32),
}

/// A series of a batch. The same series may come several times.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BatchSeries {
    /// Where the key begins in [`Buffer::keys`].
    key: u32,
    key_len: u32,
    hash: u64,
}

/// What the head knows of a series of a batch.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Found {
    /// Its id there.
    pub(crate) id: Option<u32>,
    /// The number under which records of the log name it.
    pub(crate) log_name: Option<u32>,
    /// The record of this batch is the one that gives it that number.
    pub(crate) named_here: bool,
    /// It is added up by a rule, not stored: nothing else is known of it, and the log names it by its key.
    pub(crate) input: bool,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct BatchSample {
    /// Its place in [`Buffer::series`].
    pub(crate) series: u32,
    /// Samples of one data point share this.
    pub(crate) point: u32,
    pub(crate) mode: Mode,
    pub(crate) t: i64,
    /// Since when it counts, milliseconds; 0 when that is not known.
    pub(crate) start_t: i64,
    pub(crate) value: BatchValue,
}

/// Whether two neighbours are of one data point; what the engine makes itself stands apart.
pub(crate) fn same_point(a: &BatchSample, b: &BatchSample) -> bool {
    a.point == b.point && (a.mode == Mode::Derived) == (b.mode == Mode::Derived)
}

/// Which samples are taken, by time. Part of the log record, so that replay decides as the first time did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rules {
    /// Milliseconds since the epoch; later samples are refused: the sender's clock is wrong.
    pub(crate) newest_allowed: i64,
    /// Milliseconds since the epoch; earlier samples are refused: retention would remove them.
    pub(crate) oldest_allowed: i64,
    /// Milliseconds; out of order samples that are older than the newest by more than this are refused. 0: all are.
    pub(crate) window_ms: i64,
    /// Milliseconds; samples that are newer than all others of their series may be older than the newest by this much.
    pub(crate) in_order_ms: i64,
}

/// The samples of a batch and the label bytes they point into.
#[derive(Debug)]
pub(crate) struct Buffer {
    pub(crate) rules: Rules,
    /// Canonical label bytes, one series after another.
    pub(crate) keys: Vec<u8>,
    pub(crate) series: Vec<BatchSeries>,
    pub(crate) samples: Vec<BatchSample>,
    pub(crate) histograms: Vec<HistogramValue>,
    /// Points so far; the number of the current one.
    pub(crate) points: u32,
}

/// Where a buffer stands, to go back to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mark {
    keys: usize,
    series: usize,
    samples: usize,
    histograms: usize,
}

impl Buffer {
    fn new(rules: Rules) -> Self {
        let (keys, series, samples, histograms) = Default::default();
        Self { rules, keys, series, samples, histograms, points: 0 }
    }

    /// Makes a series of the key that was written to `keys` from `start` on; its place among the series.
    pub(crate) fn push_series(&mut self, start: usize) -> Result<u32, Refusal> {
        let key = self.keys.get(start..).unwrap_or_default();
        if key.is_empty() {
            return Err(Refusal::NoLabels);
        }
        if key.len() > KEY_BYTES_MAX {
            return Err(Refusal::LabelsTooLong);
        }
        if self.keys.len() > BATCH_BYTES_MAX {
            return Err(Refusal::BatchTooLarge);
        }
        let series = self.series.len() as u32;
        self.series.push(BatchSeries { key: start as u32, key_len: key.len() as u32, hash: key::hash(key) });
        Ok(series)
    }

    /// Makes a series that the log names by its number only.
    pub(crate) fn push_nameless(&mut self) {
        self.series.push(BatchSeries { key: 0, key_len: 0, hash: 0 });
    }

    /// Gives a key to a series that has none.
    pub(crate) fn set_key(&mut self, series: u32, key: &[u8]) {
        if let Some(series) = self.series.get_mut(series as usize).filter(|s| s.key_len == 0) {
            let start = self.keys.len();
            self.keys.extend_from_slice(key);
            (series.key, series.key_len, series.hash) = (start as u32, key.len() as u32, key::hash(key));
        }
    }

    /// Adds a sample of the current point.
    pub(crate) fn push_sample(
        &mut self,
        series: u32,
        t: i64,
        start_t: i64,
        value: BatchValue,
        mode: Mode,
    ) -> Result<(), Refusal> {
        if t > self.rules.newest_allowed || t < self.rules.oldest_allowed {
            return Err(Refusal::OutOfBounds);
        }
        if mode == Mode::Add && matches!(value, BatchValue::Float(v) if !v.is_finite()) {
            return Err(Refusal::NotFinite);
        }
        self.samples.push(BatchSample { series, point: self.points, mode, t, start_t, value });
        Ok(())
    }

    /// Adds a histogram of the current point.
    pub(crate) fn push_histogram(
        &mut self,
        series: u32,
        t: i64,
        start_t: i64,
        value: HistogramValue,
        mode: Mode,
    ) -> Result<(), Refusal> {
        if !value.is_well_formed() {
            return Err(Refusal::BadHistogram);
        }
        self.push_sample(series, t, start_t, BatchValue::Histogram(self.histograms.len() as u32), mode)?;
        self.histograms.push(value);
        Ok(())
    }

    pub(crate) fn key_of(&self, series: &BatchSeries) -> &[u8] {
        let start = series.key as usize;
        self.keys.get(start..start + series.key_len as usize).unwrap_or_default()
    }

    pub(crate) fn hash_of(&self, series: &BatchSeries) -> u64 {
        series.hash
    }

    /// The key of the series of a sample.
    pub(crate) fn key_at(&self, series: u32) -> &[u8] {
        self.series.get(series as usize).map_or(&[], |s| self.key_of(s))
    }

    pub(crate) fn mark(&self) -> Mark {
        Mark {
            keys: self.keys.len(),
            series: self.series.len(),
            samples: self.samples.len(),
            histograms: self.histograms.len(),
        }
    }

    /// Forgets what was added since `mark`.
    pub(crate) fn undo(&mut self, mark: Mark) {
        self.keys.truncate(mark.keys);
        self.series.truncate(mark.series);
        self.samples.truncate(mark.samples);
        self.histograms.truncate(mark.histograms);
    }
}

/// Samples of many series, to be stored together: what every way in but OTLP hands to
/// [`Tsdb::append_batch`](crate::Tsdb::append_batch). Remote write, scraping, text import, recording rules and metrics
/// that the events engine derives all fill one.
///
/// [`Tsdb::batch`](crate::Tsdb::batch) begins one. A series is named by its labels or its canonical key, then its samples follow:
///
/// ```
/// # fn demo(db: &tsdb::Tsdb) {
/// use tsdb::{Exemplar, Metadata, MetricType};
///
/// let mut batch = db.batch();
/// let mut series = batch.series([("__name__", "http_requests_total"), ("job", "api")]);
/// series.since(1_700_000_000_000).sample(1_700_000_015_000, 17.0).sample(1_700_000_030_000, 18.0);
/// series.exemplar(Exemplar::from_labels(1_700_000_029_000, 1.0, [("trace_id", "0af7651916cd43dd8448eb211c80319c")]));
/// let about = Metadata { kind: MetricType::Counter, unit: String::new(), help: "Requests answered.".into() };
/// batch.metadata("http_requests_total", about);
/// db.append_batch(batch, Box::new(|stored| match stored {
///     Ok(outcome) => println!("{} samples, refused: {}", outcome.samples, outcome.message()),
///     Err(e) => println!("nothing was stored: {e}"),
/// }));
/// # }
/// ```
///
/// Nothing here fails: what is wrong is left out, counted, and named in the [`Ingested`] that the
/// completion gets, like what the head refuses later. One bad series costs the others nothing.
/// Samples are taken in the order in which they stand; each is a point of its own.
#[derive(Debug)]
pub struct Batch {
    pub(crate) buf: Buffer,
    /// With the series they belong to.
    pub(crate) exemplars: Vec<(u32, Exemplar)>,
    pub(crate) metrics: Vec<MetricInfo>,
    /// What was refused while building, where no decoder counts it.
    pub(crate) early: Ingested,
    /// What the head of `epoch` knows of each series; filled when the batch is admitted.
    pub(crate) found: Vec<Found>,
    /// Of which head; 0: of none.
    pub(crate) epoch: u64,
}

impl Batch {
    /// An empty batch.
    pub(crate) fn new(rules: Rules) -> Self {
        let (exemplars, metrics, early, found) = Default::default();
        Self { buf: Buffer::new(rules), exemplars, metrics, early, found, epoch: 0 }
    }

    /// Samples and histograms in the batch.
    pub fn len(&self) -> usize {
        self.buf.samples.len()
    }

    /// Whether there is nothing to store: no sample, no exemplar, no metadata.
    pub fn is_empty(&self) -> bool {
        self.buf.samples.is_empty() && self.exemplars.is_empty() && self.metrics.is_empty()
    }

    /// The series with these labels, in any order; empty values count as absent. The metric name is `__name__`.
    ///
    /// Costs no allocation when the labels come sorted by name (bytewise), as remote write demands.
    pub fn series<'l>(&mut self, labels: impl IntoIterator<Item = (&'l str, &'l str)>) -> SeriesWriter<'_> {
        let mark = self.buf.mark();
        let series = key::write(labels, &mut self.buf.keys).then_some(()).ok_or(Refusal::BadLabels);
        self.begin(mark, series)
    }

    /// The series with these labels.
    pub fn series_of(&mut self, labels: &Labels) -> SeriesWriter<'_> {
        let mark = self.buf.mark();
        key::encode(labels, &mut self.buf.keys);
        self.begin(mark, Ok(()))
    }

    /// The series with this canonical key, as [`key::write`](crate::key::write) writes it.
    pub fn series_by_key(&mut self, key: &[u8]) -> SeriesWriter<'_> {
        let mark = self.buf.mark();
        self.buf.keys.extend_from_slice(key);
        self.begin(mark, key::is_canonical(key).then_some(()).ok_or(Refusal::BadLabels))
    }

    /// Takes away the series that no sample is left of, and exemplars of those that are new: the log need not hold them.
    pub(crate) fn forget_unused(&mut self) {
        let mut used: Vec<bool> = self.found.iter().map(|found| found.id.is_some()).collect();
        self.buf.samples.iter().for_each(|s| used[s.series as usize] = true);
        let mut next = 0;
        let place = |used: &bool| {
            next += u32::from(*used);
            used.then(|| next - 1)
        };
        let places: Vec<Option<u32>> = used.iter().map(place).collect();
        let new_place = |series: u32| places.get(series as usize).copied().flatten();
        self.buf.samples.iter_mut().for_each(|s| s.series = new_place(s.series).unwrap_or_default());
        self.exemplars.retain_mut(|(series, _)| new_place(*series).map(|new| *series = new).is_some());
        let mut keep = used.iter();
        self.buf.series.retain(|_| keep.next() == Some(&true));
        let mut keep = used.iter();
        self.found.retain(|_| keep.next() == Some(&true));
    }

    /// For a record that may not name series by number.
    pub(crate) fn forget_log_names(&mut self) {
        self.found.iter_mut().for_each(|found| found.log_name = None);
    }

    /// The numbers that the record of this batch gave to series, with the places of those. They are of the generation
    /// of the record, and nothing to the head that it is replayed into.
    pub(crate) fn take_names_given(&mut self) -> Vec<(u32, u32)> {
        let given = |(at, found): (u32, &mut Found)| {
            let name = found.log_name.take().filter(|_| found.named_here)?;
            found.named_here = false;
            Some((at, name))
        };
        (0..).zip(&mut self.found).filter_map(given).collect()
    }

    /// Takes away the samples of series without a key and an id; returns how many.
    pub(crate) fn drop_nameless(&mut self) -> u64 {
        let nameless = |f: &Found| f.id.is_none() && f.log_name.is_some() && !f.named_here;
        if !self.found.iter().any(nameless) {
            return 0;
        }
        let before = self.buf.samples.len();
        self.buf.samples.retain(|s| self.found.get(s.series as usize).is_some_and(|f| !nameless(f)));
        (before - self.buf.samples.len()) as u64
    }

    fn begin(&mut self, mark: Mark, written: Result<(), Refusal>) -> SeriesWriter<'_> {
        let series = written.and_then(|()| self.buf.push_series(mark.keys));
        if series.is_err() {
            self.buf.undo(mark);
        }
        SeriesWriter { batch: self, series, start_t: 0 }
    }

    /// Says what a metric family measures (without `_bucket`, `_sum`, `_count`). The newest word wins.
    pub fn metadata(&mut self, family: &str, metadata: Metadata) {
        self.metrics.push(MetricInfo { name: family.to_owned(), original: None, metadata });
    }
}

/// Takes the samples of one series of a [`Batch`].
#[derive(Debug)]
pub struct SeriesWriter<'a> {
    batch: &'a mut Batch,
    /// Or why the series cannot be: then each of its samples is refused.
    series: Result<u32, Refusal>,
    start_t: i64,
}

impl SeriesWriter<'_> {
    /// Why nothing of this series will be taken, if its labels are wrong.
    pub fn refusal(&self) -> Option<Refusal> {
        self.series.err()
    }

    /// The samples that follow count since `start_t` (milliseconds; OpenMetrics: created timestamp); 0: not known.
    pub fn since(&mut self, start_t: i64) -> &mut Self {
        self.start_t = start_t;
        self
    }

    /// Adds a float at `t` (milliseconds). [`STALE_NAN`](crate::STALE_NAN) says that the series ended, one of histograms too.
    pub fn sample(&mut self, t: i64, v: f64) -> &mut Self {
        let start_t = self.start_t;
        self.push(|buf, series| buf.push_sample(series, t, start_t, BatchValue::Float(v), Mode::Set))
    }

    /// Adds a native histogram at `t` (milliseconds).
    pub fn histogram(&mut self, t: i64, h: HistogramValue) -> &mut Self {
        let start_t = self.start_t;
        self.push(|buf, series| buf.push_histogram(series, t, start_t, h, Mode::Set))
    }

    /// Adds an exemplar of the series.
    pub fn exemplar(&mut self, exemplar: Exemplar) -> &mut Self {
        match self.series {
            Ok(series) if !exemplar.is_too_long() => self.batch.exemplars.push((series, exemplar)),
            Ok(series) => self.batch.early.refuse(Refusal::ExemplarTooLong, self.batch.buf.key_at(series)),
            Err(refusal) => self.batch.early.refuse(refusal, &[]),
        }
        self
    }

    fn push(&mut self, push: impl FnOnce(&mut Buffer, u32) -> Result<(), Refusal>) -> &mut Self {
        let Batch { buf, early, .. } = &mut *self.batch;
        buf.points += 1;
        if let Err(refusal) = self.series.and_then(|series| push(buf, series)) {
            early.refuse(refusal, self.series.map_or(&[], |series| buf.key_at(series)));
            early.refused_points += 1;
        }
        self
    }
}
