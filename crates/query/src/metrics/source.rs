//! The metrics engine as PromQL sees it.

use foundation::ErrorKind;
use promql::eval::{Sample, SelectHints, Series, SeriesSource, SourceError};
use promql::matcher::Matcher;
use tsdb::{Tsdb, TsdbError};

use super::{Ask, matchers};

/// Reads series for one query of one reader.
pub(super) struct TsdbSource<'a> {
    pub(super) db: &'a Tsdb,
    pub(super) ask: &'a Ask,
}

impl SeriesSource for TsdbSource<'_> {
    fn select(
        &self,
        matchers: &[Matcher],
        start_ms: i64,
        end_ms: i64,
        _hints: SelectHints,
    ) -> Result<Vec<Series>, SourceError> {
        let failed = |e: TsdbError| SourceError { kind: e.kind(), message: e.to_string() };
        let matchers = matchers::to_engine(matchers)
            .map_err(|e| SourceError { kind: ErrorKind::InvalidInput, message: e.to_string() })?;
        let found = self.db.select(&self.ask.access, &matchers, (start_ms, end_ms), self.ask.read_limits());
        let series = found.and_then(tsdb::SeriesSet::collect).map_err(failed)?;
        let sample = |s: tsdb::Sample| Sample { t_ms: s.t, value: s.v };
        Ok(series
            .into_iter()
            .map(|s| Series { labels: s.labels, samples: s.samples.into_iter().map(sample).collect() })
            .collect())
    }
}
