//! Where series come from: the interface that the evaluator needs, and its data.

use std::sync::Arc;

use foundation::ErrorKind;
use model::labels::Labels;

use crate::histogram::FloatHistogram;
use crate::matcher::Matcher;

/// One float sample of a series.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample {
    /// Unix milliseconds.
    pub t_ms: i64,
    /// The value; the stale marker has the bits [`crate::series::STALE_NAN_BITS`].
    pub value: f64,
}

/// One histogram sample of a series; stale when its sum is the stale marker.
#[derive(Debug, Clone, PartialEq)]
pub struct HistogramSample {
    /// Unix milliseconds.
    pub t_ms: i64,
    /// When its counter began, unix milliseconds; 0 when that is not known.
    pub start_ms: i64,
    /// The value.
    pub histogram: Arc<FloatHistogram>,
}

/// The samples of one series, in ascending time; no two at the same time, whatever their kind.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Samples {
    /// Float samples.
    pub floats: Vec<Sample>,
    /// When the counter of each float sample began, as in [`HistogramSample`]. Empty when nothing is known of any.
    pub start_times: Vec<i64>,
    /// Histogram samples.
    pub histograms: Vec<HistogramSample>,
    /// Float samples that were left out because a [`Reduce`] allowed it.
    pub left_out: usize,
}

impl Samples {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.floats.is_empty() && self.histograms.is_empty()
    }

    /// Takes all out and keeps the memory.
    pub fn clear(&mut self) {
        self.floats.clear();
        self.start_times.clear();
        self.histograms.clear();
        self.left_out = 0;
    }

    /// Only float samples, and no start times.
    pub(crate) fn is_plain(&self) -> bool {
        self.histograms.is_empty() && self.start_times.is_empty()
    }

    /// Their weight against the limit of samples.
    pub(crate) fn weight(&self) -> usize {
        self.floats.len() + self.histograms.iter().map(|h| crate::histogram::weight(&h.histogram)).sum::<usize>()
    }
}

/// Float samples of one series as columns, in ascending time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FloatColumns<'a> {
    /// Unix milliseconds.
    pub times_ms: &'a [i64],
    /// As [`Sample::value`], one for each time.
    pub values: &'a [f64],
}

/// What a source may use to read less.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SelectHints {
    /// Step of the query, 0 for an instant query.
    pub step_ms: i64,
    /// Width of the range selector, 0 for an instant selector.
    pub range_ms: i64,
    /// The function around the selector, when there is one.
    pub function: Option<&'static str>,
    /// Only the newest sample of each series is looked at, and a marker of the end is one; older ones may be left out.
    pub newest_only: bool,
    /// Which start times of floats are looked at; a source may leave out the others.
    pub start_times: StartTimes,
}

/// When counters began, as far as a query depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum StartTimes {
    /// Nobody asks.
    #[default]
    None,
    /// Those of series that began, or began anew, within the selection.
    Recent,
    /// All.
    All,
}

/// What of the samples in a selection is enough, when all of them lie in one window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reduce {
    /// The newest one.
    Newest,
    /// First and last, and those around each fall of the values; how many there are.
    Rises,
    /// One with the largest value.
    Largest,
    /// One with the smallest value.
    Smallest,
    /// How many there are.
    Number,
}

/// Why a source could not answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct SourceError {
    /// What a caller can do about it.
    pub kind: ErrorKind,
    /// What happened.
    pub message: String,
}

/// Where series come from. Lives here because the evaluator is its consumer.
pub trait SeriesSource: Sync {
    /// All series that pass all matchers and may have samples in `start_ms..=end_ms`.
    ///
    /// The order of series is the order of equal elements in results; sorted by labels is best.
    ///
    /// # Errors
    /// Whatever kept the source from finding them.
    fn select(
        &self,
        matchers: &[Matcher],
        start_ms: i64,
        end_ms: i64,
        hints: SelectHints,
    ) -> Result<Box<dyn SeriesSet + '_>, SourceError>;
}

/// The series that one selector found. Several threads read different series of it at the same time.
pub trait SeriesSet: Sync {
    /// How many there are.
    fn len(&self) -> usize;

    /// Whether there is none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The labels of one, the metric name included.
    fn labels(&self, at: usize) -> Arc<Labels>;

    /// Appends its samples in the range of the selection to `into`, which is empty.
    ///
    /// More samples and start times than asked for do no harm.
    ///
    /// # Errors
    /// Whatever kept the source from reading.
    fn read(&self, at: usize, into: &mut Samples) -> Result<(), SourceError>;

    /// What reads series one after another on one thread, when the source gains by that.
    fn reader(&self) -> Option<Box<dyn SeriesReader + '_>> {
        None
    }
}

/// Reads series one after another; keeps what the next one can use.
pub trait SeriesReader {
    /// As [`SeriesSet::read`]. With `reduce` samples that it does not need may be left out; those that are there are in order
    /// and have their own times, except that one of the largest or smallest value may have the time of a neighbour.
    ///
    /// # Errors
    /// Whatever kept the source from reading.
    fn read(&mut self, at: usize, reduce: Option<Reduce>, into: &mut Samples) -> Result<(), SourceError>;

    /// Its samples in the range of the selection, and no others, when they are floats without start times that the selection asks
    /// for. `None`: it is to be read by [`SeriesReader::read`].
    ///
    /// # Errors
    /// Whatever kept the source from reading.
    fn columns(&mut self, at: usize) -> Result<Option<FloatColumns<'_>>, SourceError> {
        let _ = at;
        Ok(None)
    }
}
