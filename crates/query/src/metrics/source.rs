//! The metrics engine as PromQL sees it.

use std::sync::Arc;

use model::Labels;
use model::histogram::Histogram;
use promql::eval::{
    FloatColumns, HistogramSample, Reduce, Sample, Samples, SelectHints, SeriesReader, SeriesSet, SeriesSource,
    SourceError, StartTimes,
};
use promql::matcher::Matcher;
use tsdb::{HistogramValue, Scan, SeriesHandle, Tsdb, TsdbError};

use super::{Ask, matchers};

/// Reads series for one query of one reader.
pub(super) struct TsdbSource<'a> {
    pub(super) db: &'a Tsdb,
    pub(super) ask: &'a Ask,
}

/// The series that a selector found; decoded when they are asked for.
struct Found {
    series: Vec<(Arc<Labels>, SeriesHandle)>,
    start_ms: i64,
    start_times: StartTimes,
}

fn failed(e: TsdbError) -> SourceError {
    SourceError { kind: e.kind(), message: e.to_string() }
}

impl SeriesSource for TsdbSource<'_> {
    fn select(
        &self,
        matchers: &[Matcher],
        start_ms: i64,
        end_ms: i64,
        hints: SelectHints,
    ) -> Result<Box<dyn SeriesSet + '_>, SourceError> {
        let matchers = matchers::to_engine(matchers);
        let (scope, range, limits) = (&self.ask.access, (start_ms, end_ms), self.ask.read_limits());
        let found = if hints.newest_only {
            self.db.select_newest(scope, &matchers, range, limits)
        } else {
            self.db.select(scope, &matchers, range, limits)
        };
        let series =
            found.map_err(failed)?.series.into_iter().map(|mut handle| (Arc::new(handle.take_labels()), handle));
        Ok(Box::new(Found { series: series.collect(), start_ms, start_times: hints.start_times }))
    }
}

impl SeriesSet for Found {
    fn len(&self) -> usize {
        self.series.len()
    }

    fn labels(&self, at: usize) -> Arc<Labels> {
        self.series.get(at).map(|(labels, _)| labels.clone()).unwrap_or_default()
    }

    fn read(&self, at: usize, into: &mut Samples) -> Result<(), SourceError> {
        InOrder { found: self, scan: Scan::default() }.read(at, None, into)
    }

    fn reader(&self) -> Option<Box<dyn SeriesReader + '_>> {
        Some(Box::new(InOrder { found: self, scan: Scan::default() }))
    }
}

/// Reads series in the order in which they were found.
struct InOrder<'a> {
    found: &'a Found,
    scan: Scan,
}

impl InOrder<'_> {
    /// Hands on the start times of what was read, if anybody looks at them.
    fn start_times(&self, into: &mut Samples) {
        let (samples, began) = (self.scan.samples(), self.found.start_ms);
        let wanted = match self.found.start_times {
            StartTimes::None => false,
            StartTimes::Recent => samples.starts.of_all(samples.floats.len()).is_none_or(|start| start >= began),
            StartTimes::All => true,
        };
        if wanted && !samples.starts.is_empty() {
            into.start_times.extend(samples.starts.iter().take(samples.floats.len()));
        }
    }
}

impl SeriesReader for InOrder<'_> {
    fn columns(&mut self, at: usize) -> Result<Option<FloatColumns<'_>>, SourceError> {
        let Some((_, handle)) = self.found.series.get(at) else { return Ok(None) };
        let began = match self.found.start_times {
            StartTimes::None => None,
            StartTimes::Recent => Some(self.found.start_ms),
            StartTimes::All => Some(i64::MIN),
        };
        if !handle.scan_columns(began, &mut self.scan).map_err(failed)? {
            return Ok(None);
        }
        let (times_ms, values) = self.scan.columns();
        Ok(Some(FloatColumns { times_ms, values }))
    }

    fn read(&mut self, at: usize, reduce: Option<Reduce>, into: &mut Samples) -> Result<(), SourceError> {
        let Some((_, handle)) = self.found.series.get(at) else { return Ok(()) };
        let reduce = reduce.map(|reduce| match reduce {
            Reduce::Newest => tsdb::Reduce::Newest,
            Reduce::Rises => tsdb::Reduce::Rises,
            Reduce::Largest => tsdb::Reduce::Largest,
            Reduce::Smallest => tsdb::Reduce::Smallest,
            Reduce::Number => tsdb::Reduce::Number,
        });
        handle.scan(reduce, &mut self.scan).map_err(failed)?;
        into.left_out = self.scan.left_out();
        self.start_times(into);
        into.floats.extend(self.scan.samples().floats.iter().map(|s| Sample { t_ms: s.t, value: s.v }));
        into.histograms.extend(self.scan.take_histograms().into_iter().map(|s| HistogramSample {
            t_ms: s.t,
            start_ms: s.start_t,
            histogram: match s.value {
                HistogramValue::Int(h) => Arc::new(Histogram::from(&*h)),
                HistogramValue::Float(h) => h,
            },
        }));
        Ok(())
    }
}
