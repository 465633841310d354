//! The metrics engine as PromQL sees it.

use std::sync::Arc;

use model::Labels;
use model::histogram::Histogram;
use promql::eval::{HistogramSample, Sample, Samples, SelectHints, SeriesSet, SeriesSource, SourceError};
use promql::matcher::Matcher;
use tsdb::{HistogramValue, SeriesHandle, Tsdb, TsdbError};

use super::{Ask, matchers};

/// Reads series for one query of one reader.
pub(super) struct TsdbSource<'a> {
    pub(super) db: &'a Tsdb,
    pub(super) ask: &'a Ask,
}

/// The series that a selector found; decoded when they are asked for.
struct Found {
    series: Vec<(Arc<Labels>, SeriesHandle)>,
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
        _hints: SelectHints,
    ) -> Result<Box<dyn SeriesSet + '_>, SourceError> {
        let matchers = matchers::to_engine(matchers);
        let found = self.db.select(&self.ask.access, &matchers, (start_ms, end_ms), self.ask.read_limits());
        let series =
            found.map_err(failed)?.series.into_iter().map(|mut handle| (Arc::new(handle.take_labels()), handle));
        Ok(Box::new(Found { series: series.collect() }))
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
        let Some((_, handle)) = self.series.get(at) else { return Ok(()) };
        let read = handle.read().map_err(failed)?;
        into.floats.extend(read.floats.into_iter().map(|s| Sample { t_ms: s.t, value: s.v }));
        into.histograms.extend(read.histograms.into_iter().map(|s| HistogramSample {
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
