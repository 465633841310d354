//! Results of rules become series of the metrics engine.

use std::sync::Arc;

use alerting::rules::RuleAppender;
use alerting::rules::doors::Written;
use promql::eval::Point;
use tsdb::{HistogramValue, Ingested, Tsdb, TsdbError};

pub(in crate::serve) struct EngineAppender(Arc<Tsdb>);

impl EngineAppender {
    pub(in crate::serve) fn new(metrics: Arc<Tsdb>) -> Self {
        Self(metrics)
    }
}

impl RuleAppender for EngineAppender {
    fn append(&self, samples: Vec<Written>, wait: bool) -> Result<(), String> {
        let mut batch = self.0.batch();
        for s in &samples {
            let mut series = batch.series_of(&s.labels);
            match &s.value {
                Point::Float(v) => series.sample(s.at.as_millis(), *v),
                Point::Histogram(h) => series.histogram(s.at.as_millis(), HistogramValue::Float(h.clone())),
            };
        }
        if wait {
            return outcome(&self.0.append_batch_wait(batch));
        }
        let done = |stored: Result<Ingested, TsdbError>| {
            if let Err(e) = outcome(&stored) {
                tracing::warn!(error = e, "results of rules could not be stored");
            }
        };
        self.0.append_batch(batch, Box::new(done));
        Ok(())
    }
}

fn outcome(stored: &Result<Ingested, TsdbError>) -> Result<(), String> {
    match stored {
        Ok(stored) if stored.refusals.is_empty() => Ok(()),
        Ok(stored) => Err(stored.message()),
        Err(e) => Err(e.to_string()),
    }
}
