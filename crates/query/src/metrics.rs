//! Reads of metrics: PromQL over the metrics engine, and what Prometheus' API lists.
//!
//! PromQL knows no storage and the engine knows no PromQL; they meet here.
//! Times are unix milliseconds and ranges include both ends, as in Prometheus.
//! One operation per file.

mod error;
mod evaluated;
mod exemplars;
mod instant;
mod keys;
mod labels;
mod latest;
mod matchers;
mod metadata;
mod newest;
pub mod params;
mod range;
mod raw;
mod series;
mod source;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use model::AccessScope;
use promql::eval::QueryLimits;
use tsdb::{Partial, ReadLimits};

pub use error::MetricsError;
pub use evaluated::{Evaluated, Timings};
pub use exemplars::exemplars;
pub use instant::{instant, instant_parsed};
pub use labels::{label_names, label_values};
pub use latest::{Newest, NewestValue, latest};
pub use metadata::metadata;
pub use newest::{extent, intervals, newest, sample_counts, stretches};
pub use range::range;
pub use raw::raw;
pub use series::series;

/// Who asks, and what the answer may cost.
#[derive(Debug, Clone)]
pub struct Ask {
    /// What the reader may see: series whose label `service` is allowed.
    pub access: AccessScope,
    /// When the read gives up.
    pub deadline: Instant,
    /// Set from outside when nobody waits for the answer any more.
    pub cancel: Arc<AtomicBool>,
    /// Series that one selector may match.
    pub series_max: u64,
    /// Samples that one selector may read.
    pub samples_max: u64,
    /// Whether PromQL counts the samples that each step looks at.
    pub count_samples: bool,
    /// Told what is left out of the answer because it is damaged.
    pub partial: Partial,
}

impl Ask {
    /// With the engine's usual limits.
    pub fn new(access: AccessScope, deadline: Instant, cancel: Arc<AtomicBool>) -> Self {
        let usual = ReadLimits::default();
        Self {
            access,
            deadline,
            cancel,
            series_max: usual.max_series,
            samples_max: usual.max_samples,
            count_samples: false,
            partial: Partial::default(),
        }
    }

    fn read_limits(&self) -> ReadLimits {
        ReadLimits {
            max_series: self.series_max,
            max_samples: self.samples_max,
            deadline: Some(self.deadline),
            cancel: Some(self.cancel.clone()),
            partial: Some(self.partial.clone()),
        }
    }

    fn query_limits(&self) -> QueryLimits {
        QueryLimits {
            deadline: Some(self.deadline),
            cancel: Some(self.cancel.clone()),
            threads: None,
            count_samples: self.count_samples,
        }
    }
}

#[cfg(test)]
mod tests;
