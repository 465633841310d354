//! Reading: from matchers and a time range to series whose samples are decoded on demand.
//!
//! Matching happens once, under the lock; what is found is a [`SeriesSet`] of
//! handles that hold compressed chunks (of the head) or places in block files.
//! Samples are decoded when they are asked for, one series at a time, and
//! counted against the limit of the query. Where parts overlap in time they
//! are merged; of two samples with one time the one stored first counts.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use model::{AccessScope, Labels};

use crate::chunk::{Sample, SeriesSamples};
use crate::matcher::{Compiled, MatchOp, Matcher, Test};
use crate::options::ReadLimits;
use crate::part::{Gather, Part, merge};
use crate::partial::{Partial, forgive};
use crate::stretch::{self, Stretch};
use crate::{TsdbError, catalog::Catalog, otlp};

/// The label that access is decided by.
const SERVICE_LABEL: &str = "service";

/// The matchers of a query, with the reader's scope and the names as sent worked in: those of metrics, and the keys of
/// attributes, which OTLP stores under the name of a label.
pub(crate) fn compile(
    scope: &AccessScope,
    matchers: &[Matcher],
    catalog: &Catalog,
) -> Result<Vec<Compiled>, TsdbError> {
    let mut out = matchers.iter().map(Compiled::new).collect::<Result<Vec<_>, _>>()?;
    for (m, asked) in out.iter_mut().zip(matchers) {
        let stored = otlp::label_name(&m.name);
        m.or_name = (*stored != m.name).then(|| stored.into_owned());
        if m.name == model::labels::NAME
            && asked.op == MatchOp::Eq
            && let Test::OneOf(names) = &mut m.test
        {
            names.extend(catalog.stored_names(&asked.value));
        }
    }
    if let Some(services) = &scope.services {
        let test = Test::OneOf(services.iter().cloned().collect());
        out.push(Compiled { name: SERVICE_LABEL.to_owned(), or_name: None, negated: false, test });
    }
    Ok(out)
}

/// What a query has used, shared by the handles of its selections.
#[derive(Debug)]
pub(crate) struct Meter {
    limits: ReadLimits,
    samples: AtomicU64,
}

impl Meter {
    pub(crate) fn new(limits: ReadLimits) -> Self {
        Self { limits, samples: AtomicU64::new(0) }
    }

    /// Fails when the query must stop.
    pub(crate) fn check(&self) -> Result<(), TsdbError> {
        if self.limits.cancel.as_ref().is_some_and(|c| c.load(Ordering::Relaxed)) {
            return Err(TsdbError::Cancelled);
        }
        if self.limits.deadline.is_some_and(|d| std::time::Instant::now() >= d) {
            return Err(TsdbError::Timeout);
        }
        Ok(())
    }

    pub(crate) fn series(&self, n: usize) -> Result<(), TsdbError> {
        let limit = self.limits.max_series;
        if n as u64 > limit {
            return Err(TsdbError::LimitExceeded { what: "series", limit, setting: None });
        }
        Ok(())
    }

    /// Where to tell what is damaged.
    pub(crate) fn partial(&self) -> Option<&Partial> {
        self.limits.partial.as_ref()
    }

    pub(crate) fn samples(&self, n: usize) -> Result<(), TsdbError> {
        let limit = self.limits.max_samples;
        if self.samples.fetch_add(n as u64, Ordering::Relaxed) + n as u64 > limit {
            return Err(TsdbError::LimitExceeded { what: "samples", limit, setting: Some("query.memory") });
        }
        Ok(())
    }
}

/// The samples of a series, and all its labels.
#[derive(Debug, Clone, PartialEq)]
pub struct SeriesData {
    /// With the metric name.
    pub labels: Labels,
    /// By time, strictly rising.
    pub samples: Vec<Sample>,
}

/// Series that a query found, sorted by labels.
#[derive(Debug)]
pub struct SeriesSet {
    /// The series; each has at least one stretch of samples that touches the range.
    pub series: Vec<SeriesHandle>,
    pub(crate) meter: Arc<Meter>,
}

impl SeriesSet {
    /// Decodes every series that has a sample in the range.
    ///
    /// # Errors
    /// As [`SeriesHandle::samples`].
    pub fn collect(self) -> Result<Vec<SeriesData>, TsdbError> {
        let mut out = Vec::with_capacity(self.series.len());
        for s in self.series {
            let samples = s.samples()?;
            if !samples.is_empty() {
                out.push(SeriesData { labels: s.labels, samples });
            }
        }
        Ok(out)
    }

    /// Samples decoded so far by all handles.
    pub fn samples_decoded(&self) -> u64 {
        self.meter.samples.load(Ordering::Relaxed)
    }
}

/// One series that a query found.
#[derive(Debug)]
pub struct SeriesHandle {
    pub(crate) labels: Labels,
    /// In order of storing: of equal times the first one counts. Each has samples.
    pub(crate) parts: Vec<Part>,
    /// Inclusive, milliseconds.
    pub(crate) range: (i64, i64),
    pub(crate) meter: Arc<Meter>,
}

impl SeriesHandle {
    /// The labels, with the metric name.
    pub fn labels(&self) -> &Labels {
        &self.labels
    }

    /// The labels, for a caller that keeps them elsewhere; the handle has none afterwards.
    pub fn take_labels(&mut self) -> Labels {
        std::mem::take(&mut self.labels)
    }

    /// The labels, when the samples have been read.
    pub fn into_labels(self) -> Labels {
        self.labels
    }

    /// First and last time of the stretches that touch the range of the selection; they may reach beyond it. Nothing is decoded.
    pub fn bounds(&self) -> (i64, i64) {
        let ends = |(first, last): (i64, i64), (min, max): (i64, i64)| (first.min(min), last.max(max));
        self.parts.iter().map(Part::bounds).fold((i64::MAX, i64::MIN), ends)
    }

    /// The floats within the range of the selection (both ends inclusive), strictly rising in time. For callers that
    /// do not know histograms; [`SeriesHandle::read`] gives both.
    ///
    /// # Errors
    /// A limit, the deadline, or a damaged block.
    pub fn samples(&self) -> Result<Vec<Sample>, TsdbError> {
        self.samples_within(self.range.0, self.range.1)
    }

    /// The floats within a part of that range (both ends inclusive).
    ///
    /// # Errors
    /// As [`SeriesHandle::samples`].
    pub fn samples_within(&self, min: i64, max: i64) -> Result<Vec<Sample>, TsdbError> {
        let (min, max) = self.clamp(min, max)?;
        let mut out = Vec::new();
        let (mut end, mut in_order) = (i64::MIN, true);
        for part in self.touching(min, max) {
            let bounds = part.bounds();
            in_order &= out.is_empty() || bounds.0 > end;
            end = end.max(bounds.1);
            let before = out.len();
            let decoded = part.decode_floats(&mut out);
            if forgive(self.meter.partial(), decoded)?.is_none() {
                out.truncate(before);
            }
            self.meter.samples(out.len() - before)?;
        }
        if !in_order {
            merge(&mut out, |s| s.t);
        }
        let mut samples = SeriesSamples { floats: out, ..SeriesSamples::default() };
        samples.clip(min, max);
        Ok(samples.floats)
    }

    /// The floats and histograms within the range of the selection (both ends inclusive).
    ///
    /// # Errors
    /// As [`SeriesHandle::samples`].
    pub fn read(&self) -> Result<SeriesSamples, TsdbError> {
        self.read_within(self.range.0, self.range.1)
    }

    /// The floats and histograms within a part of that range (both ends inclusive).
    ///
    /// # Errors
    /// As [`SeriesHandle::samples`].
    pub fn read_within(&self, min: i64, max: i64) -> Result<SeriesSamples, TsdbError> {
        let (min, max) = self.clamp(min, max)?;
        let mut gather = Gather::default();
        for part in self.touching(min, max) {
            if let Some(cost) = forgive(self.meter.partial(), gather.add(|out| part.decode(out)))? {
                self.meter.samples(cost)?;
            }
        }
        let mut samples = gather.finish();
        samples.clip(min, max);
        Ok(samples)
    }

    /// The series within a part of that range (both ends inclusive) as stretches in order of time: statistics of the
    /// chunks that need not be decoded, and samples.
    ///
    /// # Errors
    /// As [`SeriesHandle::samples`].
    pub fn stretches(&self, min: i64, max: i64) -> Result<Vec<Stretch>, TsdbError> {
        let range = self.clamp(min, max)?;
        let parts: Vec<&Part> = self.touching(range.0, range.1).collect();
        let mut out = Vec::new();
        let gather =
            |gather: &mut Gather, part: &Part| match forgive(self.meter.partial(), gather.add(|out| part.decode(out)))?
            {
                Some(cost) => self.meter.samples(cost),
                None => Ok(()),
            };
        stretch::walk(&parts, range, &gather, &mut |s| out.push(s))?;
        Ok(out)
    }

    /// The asked range within that of the selection, unless the query must stop.
    fn clamp(&self, min: i64, max: i64) -> Result<(i64, i64), TsdbError> {
        self.meter.check()?;
        Ok((min.max(self.range.0), max.min(self.range.1)))
    }

    /// The parts that reach into that range.
    pub(crate) fn touching(&self, min: i64, max: i64) -> impl Iterator<Item = &Part> {
        self.parts.iter().filter(move |part| {
            let (first, last) = part.bounds();
            first <= max && last >= min
        })
    }
}
