//! Samples on their way into the head: resolved label sets, times and values.
//!
//! Built on the caller's thread, by the OTLP sink or from
//! plain samples; applied to the head on the writer thread once its record is
//! in the log. Building reads nothing of the engine, so that replay of the
//! same record builds the same batch.

use std::fmt;

use model::{Labels, SpanId, TraceId};

use crate::catalog::MetricInfo;
use crate::key;

/// Labels of one series take at most this many bytes: a longer label set is a mistake, and costs every index.
const KEY_BYTES_MAX: usize = 64 << 10;

/// Labels of one batch take at most this many bytes: many points under one large resource multiply its labels.
const BATCH_BYTES_MAX: usize = 512 << 20;

/// Why a point or sample was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Refusal {
    /// Older than the out-of-order window allows.
    TooOld,
    /// Before the retention, or too far in the future.
    OutOfBounds,
    /// The series has another value at this time.
    Duplicate,
    /// The series would be one more than [`Options::max_series`](crate::Options::max_series).
    SeriesLimit,
    /// A delta point that is not newer than the one before.
    DeltaOrder,
    /// A delta point, or the total with it, is NaN or infinite: the total could never come back from it.
    NotFinite,
    /// The labels are longer than 64 KiB.
    LabelsTooLong,
    /// The labels of the request take more than 512 MiB when written out.
    BatchTooLarge,
    /// The sample has no label at all.
    NoLabels,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooOld => "too old sample",
            Self::OutOfBounds => "out of bounds: the sample lies before the retention or too far in the future; check the clock of the sender",
            Self::Duplicate => "duplicate sample for timestamp",
            Self::SeriesLimit => "the limit on series in memory is reached; remove labels or raise `max_series`",
            Self::DeltaOrder => "the delta point is not newer than the one before it",
            Self::NotFinite => "the delta point or the total with it is not a finite number",
            Self::LabelsTooLong => "the labels are longer than 65536 bytes",
            Self::BatchTooLarge => "the labels of the request take more than 512 MiB; send smaller requests",
            Self::NoLabels => "the sample has no labels",
        })
    }
}

/// What became of a batch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ingested {
    /// Samples stored. A histogram point is many samples.
    pub samples: u64,
    /// Points that the head refused, each as a whole (those refused while decoding are the decoder's).
    pub refused_points: u64,
    /// Why, with the first series it happened to and how many samples; at most one entry per reason.
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

/// How a value meets what the series has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// The value itself.
    Set,
    /// An increase over the value before.
    Add,
    /// The value itself, made by the engine (`target_info`): not counted and not refused aloud.
    Derived,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct BatchSample {
    /// Where the key begins in `keys`.
    pub(crate) key: u32,
    pub(crate) key_len: u32,
    /// Samples of one data point share this.
    pub(crate) point: u32,
    pub(crate) mode: Mode,
    pub(crate) hash: u64,
    pub(crate) t: i64,
    pub(crate) v: f64,
}

/// An example of what a series measured.
#[derive(Debug, Clone, PartialEq)]
pub struct Exemplar {
    /// Milliseconds since the epoch.
    pub t: i64,
    /// The measured value.
    pub value: f64,
    /// Zero when not traced.
    pub trace_id: TraceId,
    /// Zero when not traced.
    pub span_id: SpanId,
    /// The attributes that the series does not have.
    pub attributes: Vec<(String, String)>,
}

/// Which samples are taken, by time. Part of the log record, so that replay decides as the first time did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rules {
    /// Milliseconds since the epoch; later samples are refused: the sender's clock is wrong.
    pub(crate) newest_allowed: i64,
    /// Milliseconds since the epoch; earlier samples are refused: retention would remove them.
    pub(crate) oldest_allowed: i64,
    /// Milliseconds; samples that are older than the newest by more than this are refused.
    pub(crate) window_ms: i64,
}

/// The samples of a batch and the label bytes they point into.
#[derive(Debug)]
pub(crate) struct Buffer {
    pub(crate) rules: Rules,
    /// Canonical label bytes, one series after another.
    pub(crate) keys: Vec<u8>,
    pub(crate) samples: Vec<BatchSample>,
    /// Points so far; the number of the current one.
    pub(crate) points: u32,
}

impl Buffer {
    /// Adds a sample of the current point; its key was written to `keys` from `start` on.
    pub(crate) fn push(&mut self, start: usize, t: i64, v: f64, mode: Mode) -> Result<(), Refusal> {
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
        if t > self.rules.newest_allowed || t < self.rules.oldest_allowed {
            return Err(Refusal::OutOfBounds);
        }
        if mode == Mode::Add && !v.is_finite() {
            return Err(Refusal::NotFinite);
        }
        let (hash, key_len) = (key::hash(key), key.len() as u32);
        self.samples.push(BatchSample { key: start as u32, key_len, point: self.points, mode, hash, t, v });
        Ok(())
    }

    pub(crate) fn key_of(&self, s: &BatchSample) -> &[u8] {
        let start = s.key as usize;
        self.keys.get(start..start + s.key_len as usize).unwrap_or_default()
    }

    /// Where the buffer stands, to go back to with [`Buffer::undo`].
    pub(crate) fn mark(&self) -> (usize, usize) {
        (self.keys.len(), self.samples.len())
    }

    /// Forgets what was added since `mark`.
    pub(crate) fn undo(&mut self, mark: (usize, usize)) {
        self.keys.truncate(mark.0);
        self.samples.truncate(mark.1);
    }
}

/// Decoded samples, waiting for their record to be written.
#[derive(Debug)]
pub struct SampleBatch {
    pub(crate) buf: Buffer,
    /// With the sample whose series they belong to, in order of samples.
    pub(crate) exemplars: Vec<(u32, Exemplar)>,
    pub(crate) metrics: Vec<MetricInfo>,
    /// What was refused while building, where no decoder counts it.
    pub(crate) early: Ingested,
}

impl SampleBatch {
    /// An empty batch.
    pub(crate) fn new(rules: Rules) -> Self {
        Self {
            buf: Buffer { rules, keys: Vec::new(), samples: Vec::new(), points: 0 },
            exemplars: Vec::new(),
            metrics: Vec::new(),
            early: Ingested::default(),
        }
    }

    /// Samples in the batch.
    pub fn len(&self) -> usize {
        self.buf.samples.len()
    }

    /// Whether there is no sample.
    pub fn is_empty(&self) -> bool {
        self.buf.samples.is_empty()
    }

    /// Adds a sample of the series `labels` as a point of its own.
    pub fn push(&mut self, labels: &Labels, t: i64, v: f64) {
        let mark = self.buf.mark();
        key::encode(labels, &mut self.buf.keys);
        self.buf.points += 1;
        if let Err(refusal) = self.buf.push(mark.0, t, v, Mode::Set) {
            self.early.refuse(refusal, &self.buf.keys[mark.0..]);
            self.early.refused_points += 1;
            self.buf.undo(mark);
        }
    }
}
