//! The metrics engine as PromQL sees it.

use std::ops::ControlFlow;

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
        hints: SelectHints,
    ) -> Result<Vec<Series>, SourceError> {
        let mut all = Vec::new();
        self.select_each(matchers, start_ms, end_ms, hints, &mut |series| {
            all.push(series);
            ControlFlow::Continue(())
        })?;
        Ok(all)
    }

    fn select_each(
        &self,
        matchers: &[Matcher],
        start_ms: i64,
        end_ms: i64,
        _hints: SelectHints,
        sink: &mut dyn FnMut(Series) -> ControlFlow<()>,
    ) -> Result<(), SourceError> {
        let failed = |e: TsdbError| SourceError { kind: e.kind(), message: e.to_string() };
        let matchers = matchers::to_engine(matchers);
        let found = self.db.select(&self.ask.access, &matchers, (start_ms, end_ms), self.ask.read_limits());
        for handle in found.map_err(failed)?.series {
            let samples = handle.samples().map_err(failed)?;
            if samples.is_empty() {
                continue;
            }
            let samples = samples.into_iter().map(|s| Sample { t_ms: s.t, value: s.v }).collect();
            if sink(Series { labels: handle.into_labels(), samples }).is_break() {
                break;
            }
        }
        Ok(())
    }
}
