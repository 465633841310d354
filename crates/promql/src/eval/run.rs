//! What all parts of one query share: settings, limits, notes.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::counted::Counted;
use super::notes::Notes;
use super::{EvalError, Output, SeriesSource, Steps, Value};
use crate::ast::Span;
use crate::duration::DurationContext;

/// Samples between two looks at the clock.
const SAMPLES_PER_CHECK: usize = 4096;

/// Settings of an engine; the defaults are Prometheus's where it has them.
#[derive(Debug, Clone)]
pub struct EngineOptions {
    /// How old a sample may be to count at a step (exclusive).
    pub lookback: Duration,
    /// The step of subqueries that name none.
    pub default_subquery_step: Duration,
    /// Samples that one query may load and produce; a histogram counts by its size in units of 16 bytes.
    pub max_samples: usize,
    /// Steps of one range query; 11,000 times the step is the longest range that Prometheus takes.
    pub max_points: usize,
    /// Memory that the intermediate and final values of one query may take.
    pub max_memory_bytes: usize,
    /// Threads that one query may use.
    pub threads: usize,
}

impl Default for EngineOptions {
    fn default() -> Self {
        Self {
            lookback: Duration::from_secs(300),
            default_subquery_step: Duration::from_secs(60),
            max_samples: 50_000_000,
            max_points: 11_001,
            max_memory_bytes: 1 << 30,
            threads: std::thread::available_parallelism().map_or(1, |n| n.get().min(4)),
        }
    }
}

/// When one query has to give up, and how many threads it gets.
#[derive(Debug, Clone, Default)]
pub struct QueryLimits {
    /// Not later than this.
    pub deadline: Option<Instant>,
    /// As soon as this is set.
    pub cancel: Option<Arc<AtomicBool>>,
    /// Fewer threads than the engine allows.
    pub threads: Option<usize>,
    /// Whether the samples that each step looks at are counted, which takes a second look at them.
    pub count_samples: bool,
}

/// What all parts of one query share.
pub(crate) struct Run<'a> {
    pub(super) source: &'a dyn SeriesSource,
    query: &'a str,
    pub(super) options: &'a EngineOptions,
    limits: &'a QueryLimits,
    pub(super) context: DurationContext,
    /// Start and end of the whole query, for `@ start()` and `@ end()`.
    pub(super) start_ms: i64,
    pub(super) end_ms: i64,
    notes: Mutex<Notes>,
    /// Samples loaded from the source so far.
    loaded: AtomicUsize,
    /// The most of one series.
    largest: AtomicUsize,
    pub(super) counted: Option<Counted>,
    /// Samples loaded or produced so far, which the limit is about.
    charged: AtomicUsize,
    /// Bytes of values held now, and the most so far.
    held: AtomicUsize,
    peak: AtomicUsize,
}

impl<'a> Run<'a> {
    pub(super) fn new(
        options: &'a EngineOptions,
        source: &'a dyn SeriesSource,
        query: &'a str,
        limits: &'a QueryLimits,
        (start_ms, end_ms, step_ms): (i64, i64, i64),
        steps: Steps,
    ) -> Self {
        let zero = || AtomicUsize::new(0);
        Self {
            source,
            options,
            limits,
            context: DurationContext { step_ms, range_ms: end_ms.saturating_sub(start_ms) },
            start_ms,
            end_ms,
            query,
            notes: Mutex::default(),
            loaded: zero(),
            largest: zero(),
            counted: limits.count_samples.then(|| Counted::new(steps)),
            charged: zero(),
            held: zero(),
            peak: zero(),
        }
    }

    pub(super) fn output(&self, value: Value) -> Output {
        let (warnings, infos) = self.notes().take();
        Output {
            value,
            warnings,
            infos,
            samples_loaded: self.loaded.load(Ordering::Relaxed),
            samples_per_step: self.counted.as_ref().map(Counted::get),
            samples_largest_series: self.largest.load(Ordering::Relaxed),
            peak_memory_bytes: self.peak.load(Ordering::Relaxed),
        }
    }

    fn notes(&self) -> MutexGuard<'_, Notes> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds an info.
    pub(super) fn info(&self, message: &str, span: Span) {
        self.notes().info(self.query, message, span);
    }

    /// Adds a warning.
    pub(super) fn warn(&self, message: &str, span: Span) {
        self.notes().warn(self.query, message, span);
    }

    /// The text of a part of the query.
    pub(super) fn text_of(&self, span: Span) -> Option<&'a str> {
        self.query.get(span.start..span.end)
    }

    pub(super) fn lookback_ms(&self) -> i64 {
        i64::try_from(self.options.lookback.as_millis()).unwrap_or(i64::MAX)
    }

    pub(super) fn threads(&self) -> usize {
        self.limits.threads.unwrap_or(usize::MAX).min(self.options.threads).max(1)
    }

    /// Counts samples from the source.
    pub(crate) fn charge_loaded(&self, samples: usize) -> Result<(), EvalError> {
        self.loaded.fetch_add(samples, Ordering::Relaxed);
        self.largest.fetch_max(samples, Ordering::Relaxed);
        self.charge(samples)
    }

    /// Counts samples against the limit, and looks at the clock.
    pub(crate) fn charge(&self, samples: usize) -> Result<(), EvalError> {
        let before = self.charged.fetch_add(samples, Ordering::Relaxed);
        if before.saturating_add(samples) > self.options.max_samples {
            return Err(EvalError::TooManySamples { limit: self.options.max_samples });
        }
        // The clock costs as much as a hundred samples.
        if before / SAMPLES_PER_CHECK == before.saturating_add(samples) / SAMPLES_PER_CHECK {
            return Ok(());
        }
        self.check_deadline()
    }

    /// Fails when the query was cancelled or is out of time.
    pub(crate) fn check_deadline(&self) -> Result<(), EvalError> {
        if self.limits.cancel.as_ref().is_some_and(|c| c.load(Ordering::Relaxed)) {
            return Err(EvalError::Cancelled);
        }
        if self.limits.deadline.is_some_and(|d| Instant::now() >= d) {
            return Err(EvalError::TimedOut);
        }
        Ok(())
    }
}

/// Memory of values, counted as long as this lives.
pub(crate) struct Held<'a> {
    run: &'a Run<'a>,
    bytes: usize,
}

impl<'a> Held<'a> {
    pub(super) fn new(run: &'a Run<'a>) -> Self {
        Self { run, bytes: 0 }
    }

    /// Counts more bytes.
    pub(super) fn add(&mut self, bytes: usize) -> Result<(), EvalError> {
        self.bytes += bytes;
        let total = self.run.held.fetch_add(bytes, Ordering::Relaxed) + bytes;
        self.run.peak.fetch_max(total, Ordering::Relaxed);
        let limit = self.run.options.max_memory_bytes;
        if total > limit {
            return Err(EvalError::TooMuchMemory { limit_bytes: limit });
        }
        Ok(())
    }
}

impl Held<'_> {
    /// Takes over what another one counts.
    pub(super) fn take(&mut self, other: &mut Held<'_>) {
        self.bytes += std::mem::take(&mut other.bytes);
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.run.held.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}
