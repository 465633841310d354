//! What became of a batch: what was stored, and what was refused and why, in Prometheus' words.

use std::fmt;

use crate::key;

/// Why a sample, histogram or exemplar was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Refusal {
    /// Older than the out-of-order window allows.
    TooOld,
    /// Older than the newest sample of its series, and there is no out-of-order window.
    OutOfOrder,
    /// Before the retention, before what the head still takes, or too far in the future.
    OutOfBounds,
    /// The series has another value at this time.
    Duplicate,
    /// The series would be one more than [`Options::max_series`](crate::Options::max_series).
    SeriesLimit,
    /// The series would be one more of its metric than [`SeriesLimits::series_per_metric`](crate::SeriesLimits::series_per_metric).
    MetricLimit,
    /// The series would be one more of its job than [`SeriesLimits::series_per_job`](crate::SeriesLimits::series_per_job).
    JobLimit,
    /// The series has more labels than [`SeriesLimits::labels`](crate::SeriesLimits::labels).
    TooManyLabels,
    /// A label name is longer than [`SeriesLimits::label_name_bytes`](crate::SeriesLimits::label_name_bytes).
    LabelNameTooLong,
    /// A label value is longer than [`SeriesLimits::label_value_bytes`](crate::SeriesLimits::label_value_bytes).
    LabelValueTooLong,
    /// A delta point that is not newer than the one before, or that began before its stream did.
    DeltaOrder,
    /// A delta point, or the total with it, is NaN or infinite: the total could never come back from it.
    NotFinite,
    /// The labels are longer than 64 KiB.
    LabelsTooLong,
    /// The labels of the request take more than 512 MiB when written out.
    BatchTooLarge,
    /// The sample has no label at all.
    NoLabels,
    /// A label name comes twice or is empty, or the bytes of a key are not a key.
    BadLabels,
    /// A histogram whose spans and counts do not fit each other.
    BadHistogram,
    /// An exemplar whose labels take more than 1,024 bytes.
    ExemplarTooLong,
    /// An exemplar of a series that the head does not have.
    ExemplarWithoutSeries,
}

impl Refusal {
    /// One word for counters: `too_old`, `duplicate`, ...
    pub const fn name(self) -> &'static str {
        match self {
            Self::TooOld => "too_old",
            Self::OutOfOrder => "out_of_order",
            Self::OutOfBounds => "out_of_bounds",
            Self::Duplicate => "duplicate",
            Self::SeriesLimit => "series_limit",
            Self::MetricLimit => "metric_series_limit",
            Self::JobLimit => "job_series_limit",
            Self::TooManyLabels => "label_limit",
            Self::LabelNameTooLong => "label_name_length_limit",
            Self::LabelValueTooLong => "label_value_length_limit",
            Self::DeltaOrder => "delta_order",
            Self::NotFinite => "not_finite",
            Self::LabelsTooLong => "labels_too_long",
            Self::BatchTooLarge => "batch_too_large",
            Self::NoLabels => "no_labels",
            Self::BadLabels => "bad_labels",
            Self::BadHistogram => "bad_histogram",
            Self::ExemplarTooLong => "exemplar_too_long",
            Self::ExemplarWithoutSeries => "exemplar_without_series",
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooOld => "too old sample",
            Self::OutOfOrder => "out of order sample",
            Self::OutOfBounds => "out of bounds: the sample lies before the retention or too far in the future; check the clock of the sender",
            Self::Duplicate => "duplicate sample for timestamp",
            Self::SeriesLimit => "the limit on series in memory is reached; remove labels or raise `max_series`",
            Self::MetricLimit => "the limit on series of this metric is reached; remove labels or raise `series_per_metric`",
            Self::JobLimit => "the limit on series of this job is reached; remove labels or raise `series_per_job`",
            Self::TooManyLabels => "label_limit exceeded: the series has more labels than `labels` allows",
            Self::LabelNameTooLong => "label_name_length_limit exceeded: a label name is longer than `label_name_bytes`",
            Self::LabelValueTooLong => "label_value_length_limit exceeded: a label value is longer than `label_value_bytes`",
            Self::DeltaOrder => "the delta point is not newer than the one before it, or began before its stream did",
            Self::NotFinite => "the delta point or the total with it is not a finite number",
            Self::LabelsTooLong => "the labels are longer than 65536 bytes",
            Self::BatchTooLarge => "the labels of the request take more than 512 MiB; send smaller requests",
            Self::NoLabels => "the sample has no labels",
            Self::BadLabels => "a label name is empty or comes twice",
            Self::BadHistogram => "the spans and counts of the histogram do not fit each other",
            Self::ExemplarTooLong => "the labels of the exemplar are longer than 1024 bytes",
            Self::ExemplarWithoutSeries => "unknown series ref when trying to add exemplar",
        })
    }
}

/// What became of a batch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ingested {
    /// Floats stored, those that were there already included. A classic histogram point is many samples.
    pub samples: u64,
    /// Native histograms stored, those that were there already included.
    pub histograms: u64,
    /// Exemplars stored, those that were there already included.
    pub exemplars: u64,
    /// Samples that rules of the engine drop: neither stored nor refused.
    pub dropped: u64,
    /// Samples that went into sums of rules and are not stored themselves; counted among `samples` too.
    pub aggregated: u64,
    /// Points that the head refused, each as a whole (those refused while decoding are the decoder's). A sample or
    /// histogram of a [`Batch`](crate::Batch) is a point of its own; exemplars are not counted here.
    pub refused_points: u64,
    /// Why, with the first series it happened to and how many samples, histograms or exemplars; at most one entry per
    /// reason.
    pub refusals: Vec<(Refusal, String, u64)>,
}

impl Ingested {
    pub(crate) fn refuse(&mut self, refusal: Refusal, key: &[u8]) {
        match self.refusals.iter_mut().find(|r| r.0 == refusal) {
            Some((_, _, n)) => *n += 1,
            None => self.refusals.push((refusal, key::decode(key).to_string(), 1)),
        }
    }

    /// The reasons in one sentence, for `partial_success`; empty when nothing was refused.
    pub fn message(&self) -> String {
        let parts = self.refusals.iter().map(|(why, series, n)| format!("{why} ({n} samples, first {series})"));
        parts.collect::<Vec<_>>().join("; ")
    }
}
