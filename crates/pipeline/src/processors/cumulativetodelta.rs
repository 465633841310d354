//! `cumulativetodelta`: sums and histograms since a fixed start become those since the point before.
//!
//! Source of the rules: opentelemetry-collector-contrib, `cumulativetodeltaprocessor`. A point that a reset or a first sight leaves without the one before
//! is dropped or passed on as `initial_value` says.

use std::sync::Arc;

use foundation::clock::SystemClock;
use foundation::{Clock, UnixNanos};
use model::Signal;
use parking_lot::Mutex;
use regex::Regex;
use serde::{Deserialize, Serialize};
use wire::otlp::tree::{
    Buckets, Data, ExponentialPoint, HistogramPoint, Number, NumberPoint, OfResource, OfScope, Temporality,
};

use super::series::{SeriesKey, SeriesMap};
use crate::component::{Processor, ProcessorFactory, Refused, Setup, Step};
use crate::config::Interval;
use crate::points::merged_down;
use crate::refusal::Refusal;
use crate::telemetry::Telemetry;

pub(super) const FACTORY: ProcessorFactory =
    ProcessorFactory { names: &["cumulativetodelta", "cumulative_to_delta"], signals: &[Signal::Metrics], build };

#[derive(Debug, Serialize, Deserialize)]
#[serde(default)]
struct Config {
    /// After so long without a point a series is forgotten; 0: never.
    max_staleness: Interval,
    initial_value: Initial,
    include: Option<Names>,
    exclude: Option<Names>,
    /// Ours: series that are remembered.
    max_streams: usize,
}

impl Default for Config {
    fn default() -> Self {
        let max_staleness = Interval::secs(3600);
        Self { max_staleness, initial_value: Initial::Auto, include: None, exclude: None, max_streams: 1_000_000 }
    }
}

/// What becomes of the first point of a series.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Initial {
    /// Passed on when the series began after this processor, dropped otherwise.
    Auto,
    /// Passed on.
    Keep,
    /// Dropped.
    Drop,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
struct Names {
    match_type: String,
    metrics: Vec<String>,
}

impl Names {
    fn patterns(&self, setup: &mut Setup<'_>, setting: &str) -> Result<Vec<Regex>, Refused> {
        let strict = match &*self.match_type {
            "strict" => true,
            "regexp" => false,
            other => {
                let message = format!("`{other}` is not known; write `strict` or `regexp`");
                return Err(setup.error(&format!("{setting}.match_type"), message));
            }
        };
        let pattern = |n: &String| if strict { format!("^{}$", regex::escape(n)) } else { n.clone() };
        let all: Result<Vec<_>, _> = self.metrics.iter().map(|n| Regex::new(&pattern(n))).collect();
        all.map_err(|e| setup.error(&format!("{setting}.metrics"), format!("it is not a pattern: {e}")))
    }
}

fn build(setup: &mut Setup<'_>, _: Signal) -> Result<Step, Refused> {
    let c: Config = setup.read()?;
    if c.max_streams == 0 {
        return Err(setup.error("max_streams", "it must be at least 1"));
    }
    let include = c.include.as_ref().map(|n| n.patterns(setup, "include")).transpose()?;
    let exclude = c.exclude.as_ref().map(|n| n.patterns(setup, "exclude")).transpose()?;
    Ok(Step::Each(Arc::new(CumulativeToDelta::new(&c, include, exclude, Arc::new(SystemClock)))))
}

struct CumulativeToDelta {
    include: Option<Vec<Regex>>,
    exclude: Option<Vec<Regex>>,
    initial: Initial,
    clock: Arc<dyn Clock>,
    began: UnixNanos,
    /// The point before, of each series.
    last: Mutex<Last>,
}

struct Last {
    numbers: SeriesMap<NumberPoint>,
    histograms: SeriesMap<HistogramPoint>,
    exponential: SeriesMap<ExponentialPoint>,
}

impl CumulativeToDelta {
    fn new(c: &Config, include: Option<Vec<Regex>>, exclude: Option<Vec<Regex>>, clock: Arc<dyn Clock>) -> Self {
        let (max, stale) = (c.max_streams, c.max_staleness.0);
        let last = Last {
            numbers: SeriesMap::new(max, stale),
            histograms: SeriesMap::new(max, stale),
            exponential: SeriesMap::new(max, stale),
        };
        let began = clock.now();
        Self { include, exclude, initial: c.initial_value, clock, began, last: Mutex::new(last) }
    }

    fn takes(&self, name: &str) -> bool {
        let any = |patterns: &Vec<Regex>| patterns.iter().any(|p| p.is_match(name));
        self.include.as_ref().is_none_or(any) && !self.exclude.as_ref().is_some_and(any)
    }

    /// Whether the first point of a series is passed on as it is.
    fn passes_first(&self, start: u64) -> bool {
        match self.initial {
            Initial::Keep => true,
            Initial::Drop => false,
            Initial::Auto => start != 0 && UnixNanos::from_u64(start) >= self.began,
        }
    }

    /// Turns a point into its difference to the one before; `false` when it goes nowhere. Points that are late, or repeat one, go nowhere.
    fn step<P: Cumulative + Clone>(
        &self,
        series: &mut SeriesMap<P>,
        key: SeriesKey,
        now: UnixNanos,
        p: &mut P,
    ) -> bool {
        let Some((last, new)) = series.entry(key, now, || p.clone()) else { return false };
        if new {
            return self.passes_first(p.times().0);
        }
        if p.times().1 <= last.times().1 {
            return false;
        }
        let this = p.clone();
        let before = std::mem::replace(last, this);
        // After a reset all that the point counts is new since then.
        if p.subtract(&before) {
            p.begin_at(before.times().1);
        }
        true
    }
}

/// A point that counts since its start.
trait Cumulative {
    /// Start and time.
    fn times(&self) -> (u64, u64);
    fn begin_at(&mut self, start: u64);
    /// Takes the point before away; `false`, and nothing is changed, when the series was reset between them.
    fn subtract(&mut self, before: &Self) -> bool;
}

fn restarted(this: u64, before: u64) -> bool {
    this != 0 && before != 0 && this > before
}

impl Cumulative for NumberPoint {
    fn times(&self) -> (u64, u64) {
        (self.start_time_unix_nano, self.time_unix_nano)
    }

    fn begin_at(&mut self, start: u64) {
        self.start_time_unix_nano = start;
    }

    fn subtract(&mut self, before: &Self) -> bool {
        let difference = match (self.value, before.value) {
            (Some(Number::Int(a)), Some(Number::Int(b))) if a >= b => a.checked_sub(b).map(Number::Int),
            (Some(a), Some(b)) if a.as_f64() >= b.as_f64() => Some(Number::Double(a.as_f64() - b.as_f64())),
            _ => None,
        };
        if difference.is_none() || restarted(self.start_time_unix_nano, before.start_time_unix_nano) {
            return false;
        }
        self.value = difference;
        true
    }
}

/// `a - b` of each, when none is below zero.
fn differences(a: &[u64], b: &[u64]) -> Option<Vec<u64>> {
    (a.len() == b.len()).then(|| a.iter().zip(b).map(|(a, b)| a.checked_sub(*b)).collect::<Option<_>>())?
}

impl Cumulative for HistogramPoint {
    fn times(&self) -> (u64, u64) {
        (self.start_time_unix_nano, self.time_unix_nano)
    }

    fn begin_at(&mut self, start: u64) {
        self.start_time_unix_nano = start;
    }

    fn subtract(&mut self, before: &Self) -> bool {
        let count = self.count.checked_sub(before.count);
        let buckets = differences(&self.bucket_counts, &before.bucket_counts);
        let (Some(count), Some(buckets)) = (count, buckets) else { return false };
        if self.explicit_bounds != before.explicit_bounds
            || restarted(self.start_time_unix_nano, before.start_time_unix_nano)
        {
            return false;
        }
        self.count = count;
        self.bucket_counts = buckets;
        self.sum = self.sum.zip(before.sum).map(|(a, b)| a - b);
        // Of what was between the points the least and the greatest are not known.
        (self.min, self.max) = (None, None);
        true
    }
}

impl Cumulative for ExponentialPoint {
    fn times(&self) -> (u64, u64) {
        (self.start_time_unix_nano, self.time_unix_nano)
    }

    fn begin_at(&mut self, start: u64) {
        self.start_time_unix_nano = start;
    }

    fn subtract(&mut self, before: &Self) -> bool {
        if self.scale > before.scale || restarted(self.start_time_unix_nano, before.start_time_unix_nano) {
            return false;
        }
        let steps = before.scale.abs_diff(self.scale);
        let signed = |a: &Option<Buckets>, b: &Option<Buckets>| match (a, b) {
            (a, None) => Some(a.clone()),
            (None, Some(b)) => b.bucket_counts.iter().all(|n| *n == 0).then_some(None),
            (Some(a), Some(b)) => less(a, &merged_down(b, steps)).map(Some),
        };
        let positive = signed(&self.positive, &before.positive);
        let negative = signed(&self.negative, &before.negative);
        let counts = self.count.checked_sub(before.count).zip(self.zero_count.checked_sub(before.zero_count));
        let (Some(positive), Some(negative), Some((count, zero))) = (positive, negative, counts) else { return false };
        (self.positive, self.negative, self.count, self.zero_count) = (positive, negative, count, zero);
        self.sum = self.sum.zip(before.sum).map(|(a, b)| a - b);
        (self.min, self.max) = (None, None);
        true
    }
}

fn less(a: &Buckets, b: &Buckets) -> Option<Buckets> {
    let mut out = a.clone();
    for (n, count) in b.bucket_counts.iter().enumerate().filter(|(_, c)| **c > 0) {
        let at = usize::try_from(i64::from(b.offset) + n as i64 - i64::from(a.offset)).ok()?;
        let slot = out.bucket_counts.get_mut(at)?;
        *slot = slot.checked_sub(*count)?;
    }
    Some(out)
}

impl Processor for CumulativeToDelta {
    fn process(&self, mut telemetry: Telemetry) -> Result<Option<Telemetry>, Refusal> {
        let now = self.clock.now();
        let Some(metrics) = telemetry.metrics_mut()? else { return Ok(Some(telemetry)) };
        let mut last = self.last.lock();
        let Last { numbers, histograms, exponential } = &mut *last;
        for OfResource { resource, scopes, .. } in &mut metrics.resources {
            for OfScope { scope, records, .. } in scopes {
                records.retain_mut(|metric| {
                    if !self.takes(&metric.name) {
                        return true;
                    }
                    match &mut metric.data {
                        Data::Sum { points, temporality, monotonic: true }
                            if *temporality == Temporality::CUMULATIVE =>
                        {
                            let key = |a: &_| SeriesKey::of(resource, scope, &metric.name, 0, a);
                            points.retain_mut(|p| self.step(numbers, key(&p.attributes), now, p));
                            *temporality = Temporality::DELTA;
                            !points.is_empty()
                        }
                        Data::Histogram { points, temporality } if *temporality == Temporality::CUMULATIVE => {
                            let key = |a: &_| SeriesKey::of(resource, scope, &metric.name, 1, a);
                            points.retain_mut(|p| self.step(histograms, key(&p.attributes), now, p));
                            *temporality = Temporality::DELTA;
                            !points.is_empty()
                        }
                        Data::Exponential { points, temporality } if *temporality == Temporality::CUMULATIVE => {
                            let key = |a: &_| SeriesKey::of(resource, scope, &metric.name, 2, a);
                            points.retain_mut(|p| self.step(exponential, key(&p.attributes), now, p));
                            *temporality = Temporality::DELTA;
                            !points.is_empty()
                        }
                        _ => true,
                    }
                });
            }
        }
        metrics.retain(|_, _, _| true);
        let empty = metrics.is_empty();
        Ok((!empty).then_some(telemetry))
    }
}

#[cfg(test)]
mod tests {
    use foundation::clock::ManualClock;
    use wire::otlp::tree::Metric;

    use super::super::testing::{of_service, process, sum};
    use super::*;
    use crate::telemetry::Tree;

    fn at(mut m: Metric, time: u64) -> Metric {
        if let Data::Sum { points, .. } = &mut m.data {
            points[0].time_unix_nano = time;
        }
        m
    }

    fn processor(initial_value: Initial) -> CumulativeToDelta {
        let c = Config { initial_value, ..Config::default() };
        CumulativeToDelta::new(&c, None, None, Arc::new(ManualClock::new(UnixNanos(1))))
    }

    fn values(p: &CumulativeToDelta, m: Metric) -> Vec<(Option<Number>, u64)> {
        match process(p, of_service("s", vec![m])) {
            Some(Tree::Metrics(t)) => t
                .records()
                .flat_map(|m| match &m.data {
                    Data::Sum { points, temporality: Temporality::DELTA, .. } => points.clone(),
                    other => panic!("{other:?}"),
                })
                .map(|p| (p.value, p.start_time_unix_nano))
                .collect(),
            _ => vec![],
        }
    }

    #[test]
    fn sums_become_differences_also_over_resets() {
        let p = processor(Initial::Drop);
        let send = |v, t| values(&p, at(sum("a", v, Temporality::CUMULATIVE), t));
        assert_eq!(send(10, 100), []);
        assert_eq!(send(15, 200), [(Some(Number::Int(5)), 100)]);
        assert_eq!(send(14, 150), [], "late");
        assert_eq!(send(3, 300), [(Some(Number::Int(3)), 0)], "after a reset");
        assert_eq!(send(4, 400), [(Some(Number::Int(1)), 300)]);
        assert_eq!(
            values(&processor(Initial::Keep), at(sum("a", 7, Temporality::CUMULATIVE), 1)),
            [(Some(Number::Int(7)), 0)]
        );
        assert_eq!(
            values(&p, at(sum("d", 7, Temporality::DELTA), 1)),
            [(Some(Number::Int(7)), 0)],
            "deltas are left alone"
        );
    }

    #[test]
    fn histograms_of_both_kinds_are_subtracted() {
        let h = |counts: [u64; 2], sum: f64, time_unix_nano: u64| HistogramPoint {
            count: counts.iter().sum(),
            bucket_counts: counts.to_vec(),
            explicit_bounds: vec![1.0],
            sum: Some(sum),
            min: Some(0.0),
            time_unix_nano,
            ..HistogramPoint::default()
        };
        let mut b = h([3, 5], 10.0, 2);
        assert!(b.subtract(&h([1, 2], 4.0, 1)));
        assert_eq!((b.count, &*b.bucket_counts, b.sum, b.min), (5, &[2, 3][..], Some(6.0), None));
        assert!(!h([0, 9], 1.0, 3).subtract(&h([1, 2], 4.0, 1)));

        let e = |scale, offset, counts: &[u64]| ExponentialPoint {
            scale,
            count: counts.iter().sum(),
            positive: Some(Buckets { offset, bucket_counts: counts.to_vec() }),
            ..ExponentialPoint::default()
        };
        // The scale fell by one: buckets 2 and 3 became bucket 1, 4 and 5 bucket 2.
        let mut b = e(0, 1, &[5, 4]);
        assert!(b.subtract(&e(1, 2, &[1, 2, 1])));
        assert_eq!((b.count, b.positive.clone().unwrap().bucket_counts), (5, vec![2, 3]));
        assert!(!e(0, 1, &[2, 4]).subtract(&e(1, 2, &[1, 2, 1])));
    }
}
