//! `deltatocumulative`: sums and histograms since the point before become those since the first one.
//!
//! Source of the rules: opentelemetry-collector-contrib, `deltatocumulativeprocessor`. Points that are late are dropped. Limit: `max_streams`.

use std::sync::Arc;

use foundation::clock::SystemClock;
use foundation::{Clock, UnixNanos};
use model::Signal;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use wire::otlp::tree::{
    Buckets, Data, ExponentialPoint, HistogramPoint, Number, NumberPoint, OfResource, OfScope, Temporality,
};

use super::cumulativetodelta::merged_down;
use super::series::{SeriesKey, SeriesMap};
use crate::component::{Processor, ProcessorFactory, Refused, Setup, Step};
use crate::config::Interval;
use crate::refusal::Refusal;
use crate::telemetry::Telemetry;

pub(super) const FACTORY: ProcessorFactory =
    ProcessorFactory { names: &["deltatocumulative", "delta_to_cumulative"], signals: &[Signal::Metrics], build };

/// Buckets of an exponential histogram; beyond, the scale falls.
const BUCKETS_MAX: usize = 160;

#[derive(Debug, Serialize, Deserialize)]
#[serde(default)]
struct Config {
    max_stale: Interval,
    max_streams: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self { max_stale: Interval::secs(300), max_streams: 1_000_000 }
    }
}

fn build(setup: &mut Setup<'_>, _: Signal) -> Result<Step, Refused> {
    let c: Config = setup.read()?;
    if c.max_streams == 0 {
        return Err(setup.error("max_streams", "it must be at least 1"));
    }
    Ok(Step::Each(Arc::new(DeltaToCumulative::new(&c, Arc::new(SystemClock)))))
}

struct DeltaToCumulative {
    clock: Arc<dyn Clock>,
    totals: Mutex<Totals>,
}

struct Totals {
    numbers: SeriesMap<NumberPoint>,
    histograms: SeriesMap<HistogramPoint>,
    exponential: SeriesMap<ExponentialPoint>,
}

impl DeltaToCumulative {
    fn new(c: &Config, clock: Arc<dyn Clock>) -> Self {
        let (max, stale) = (c.max_streams, c.max_stale.0);
        let totals = Totals {
            numbers: SeriesMap::new(max, stale),
            histograms: SeriesMap::new(max, stale),
            exponential: SeriesMap::new(max, stale),
        };
        Self { clock, totals: Mutex::new(totals) }
    }
}

/// A point that can be added to.
trait Total: Clone {
    fn time(&self) -> u64;
    /// Adds what came after it; `false`: it does not fit, and begins anew.
    fn add(&mut self, delta: &Self) -> bool;
}

/// Replaces the point by the total so far; `false` when it goes nowhere.
fn step<P: Total>(series: &mut SeriesMap<P>, key: SeriesKey, now: UnixNanos, p: &mut P) -> bool {
    let Some((total, new)) = series.entry(key, now, || p.clone()) else { return false };
    if new {
        return true;
    }
    if p.time() <= total.time() {
        return false;
    }
    if total.add(p) {
        *p = total.clone();
    } else {
        *total = p.clone();
    }
    true
}

impl Total for NumberPoint {
    fn time(&self) -> u64 {
        self.time_unix_nano
    }

    fn add(&mut self, delta: &Self) -> bool {
        self.value = match (self.value, delta.value) {
            (Some(Number::Int(a)), Some(Number::Int(b))) => Some(Number::Int(a.saturating_add(b))),
            (Some(a), Some(b)) => Some(Number::Double(a.as_f64() + b.as_f64())),
            (a, b) => a.or(b),
        };
        self.time_unix_nano = delta.time_unix_nano;
        self.exemplars.clone_from(&delta.exemplars);
        true
    }
}

fn extreme(a: Option<f64>, b: Option<f64>, f: fn(f64, f64) -> f64) -> Option<f64> {
    a.zip(b).map(|(a, b)| f(a, b))
}

impl Total for HistogramPoint {
    fn time(&self) -> u64 {
        self.time_unix_nano
    }

    fn add(&mut self, delta: &Self) -> bool {
        if self.explicit_bounds != delta.explicit_bounds || self.bucket_counts.len() != delta.bucket_counts.len() {
            return false;
        }
        self.count = self.count.saturating_add(delta.count);
        self.sum = extreme(self.sum, delta.sum, |a, b| a + b);
        (self.min, self.max) = (extreme(self.min, delta.min, f64::min), extreme(self.max, delta.max, f64::max));
        self.bucket_counts.iter_mut().zip(&delta.bucket_counts).for_each(|(a, b)| *a = a.saturating_add(*b));
        self.time_unix_nano = delta.time_unix_nano;
        self.exemplars.clone_from(&delta.exemplars);
        true
    }
}

impl Total for ExponentialPoint {
    fn time(&self) -> u64 {
        self.time_unix_nano
    }

    fn add(&mut self, delta: &Self) -> bool {
        let scale = self.scale.min(delta.scale);
        let at = |b: &Option<Buckets>, from: i32| b.as_ref().map(|b| merged_down(b, from.abs_diff(scale)));
        let mut positive = sum(at(&self.positive, self.scale), at(&delta.positive, delta.scale));
        let mut negative = sum(at(&self.negative, self.scale), at(&delta.negative, delta.scale));
        let mut fits = scale;
        let widest = |p: &Option<Buckets>, n: &Option<Buckets>| {
            let len = |b: &Option<Buckets>| b.as_ref().map_or(0, |b| b.bucket_counts.len());
            len(p).max(len(n))
        };
        while widest(&positive, &negative) > BUCKETS_MAX {
            fits -= 1;
            positive = positive.map(|b| merged_down(&b, 1));
            negative = negative.map(|b| merged_down(&b, 1));
        }
        (self.scale, self.positive, self.negative) = (fits, positive, negative);
        self.count = self.count.saturating_add(delta.count);
        self.zero_count = self.zero_count.saturating_add(delta.zero_count);
        self.zero_threshold = self.zero_threshold.max(delta.zero_threshold);
        self.sum = extreme(self.sum, delta.sum, |a, b| a + b);
        (self.min, self.max) = (extreme(self.min, delta.min, f64::min), extreme(self.max, delta.max, f64::max));
        self.time_unix_nano = delta.time_unix_nano;
        self.exemplars.clone_from(&delta.exemplars);
        true
    }
}

/// The widest range that is added up at once: buckets beyond mean that the scale is wrong, and joining makes them fit.
const SPAN_MAX: i64 = 1 << 16;

fn sum(a: Option<Buckets>, b: Option<Buckets>) -> Option<Buckets> {
    let (Some(mut a), Some(mut b)) = (a.clone(), b.clone()) else { return a.or(b) };
    let range = |a: &Buckets, b: &Buckets| {
        let end = |b: &Buckets| i64::from(b.offset) + b.bucket_counts.len() as i64;
        (i64::from(a.offset.min(b.offset)), end(a).max(end(b)))
    };
    if a.bucket_counts.is_empty() || b.bucket_counts.is_empty() {
        return Some(if a.bucket_counts.is_empty() { b } else { a });
    }
    let (mut low, mut high) = range(&a, &b);
    while high - low > SPAN_MAX {
        (a, b) = (merged_down(&a, 1), merged_down(&b, 1));
        (low, high) = range(&a, &b);
    }
    let mut out = Buckets { offset: low as i32, bucket_counts: vec![0; (high - low) as usize] };
    for part in [&a, &b] {
        let at = (i64::from(part.offset) - low) as usize;
        for (slot, n) in out.bucket_counts[at..].iter_mut().zip(&part.bucket_counts) {
            *slot = slot.saturating_add(*n);
        }
    }
    Some(out)
}

impl Processor for DeltaToCumulative {
    fn process(&self, mut telemetry: Telemetry) -> Result<Option<Telemetry>, Refusal> {
        let now = self.clock.now();
        let Some(metrics) = telemetry.metrics_mut()? else { return Ok(Some(telemetry)) };
        let mut totals = self.totals.lock();
        let Totals { numbers, histograms, exponential } = &mut *totals;
        for OfResource { resource, scopes, .. } in &mut metrics.resources {
            for OfScope { scope, records, .. } in scopes {
                records.retain_mut(|metric| match &mut metric.data {
                    Data::Sum { points, temporality, .. } if *temporality == Temporality::DELTA => {
                        let key = |a: &_| SeriesKey::of(resource, scope, &metric.name, 0, a);
                        points.retain_mut(|p| step(numbers, key(&p.attributes), now, p));
                        *temporality = Temporality::CUMULATIVE;
                        !points.is_empty()
                    }
                    Data::Histogram { points, temporality } if *temporality == Temporality::DELTA => {
                        let key = |a: &_| SeriesKey::of(resource, scope, &metric.name, 1, a);
                        points.retain_mut(|p| step(histograms, key(&p.attributes), now, p));
                        *temporality = Temporality::CUMULATIVE;
                        !points.is_empty()
                    }
                    Data::Exponential { points, temporality } if *temporality == Temporality::DELTA => {
                        let key = |a: &_| SeriesKey::of(resource, scope, &metric.name, 2, a);
                        points.retain_mut(|p| step(exponential, key(&p.attributes), now, p));
                        *temporality = Temporality::CUMULATIVE;
                        !points.is_empty()
                    }
                    _ => true,
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

    use super::super::testing::{of_service, process, sum as metric};
    use super::*;
    use crate::telemetry::Tree;

    #[test]
    fn deltas_are_added_up_and_late_ones_dropped() {
        let clock = Arc::new(ManualClock::new(UnixNanos(1)));
        let p = DeltaToCumulative::new(&Config { max_streams: 2, ..Config::default() }, clock);
        let send = |name: &str, v: i64, time: u64| {
            let mut m: Metric = metric(name, v, Temporality::DELTA);
            if let Data::Sum { points, .. } = &mut m.data {
                (points[0].start_time_unix_nano, points[0].time_unix_nano) = (time - 1, time);
            }
            let Some(Tree::Metrics(t)) = process(&p, of_service("s", vec![m])) else { return None };
            let Data::Sum { points, temporality: Temporality::CUMULATIVE, .. } = &t.records().next()?.data else {
                panic!()
            };
            Some((points[0].value?, points[0].start_time_unix_nano))
        };
        assert_eq!(send("a", 5, 10), Some((Number::Int(5), 9)));
        assert_eq!(send("a", 3, 20), Some((Number::Int(8), 9)));
        assert_eq!(send("a", 3, 15), None);
        assert_eq!(send("b", 1, 15), Some((Number::Int(1), 14)));
        assert_eq!(send("c", 1, 15), None, "no more than max_streams");
    }

    #[test]
    fn exponential_histograms_meet_at_the_smaller_scale_and_stay_small() {
        let e = |scale, offset, counts: Vec<u64>| ExponentialPoint {
            scale,
            count: counts.iter().sum(),
            positive: Some(Buckets { offset, bucket_counts: counts }),
            ..ExponentialPoint::default()
        };
        let mut a = e(1, 2, vec![1, 2, 1]);
        assert!(a.add(&e(0, 1, vec![10, 10])));
        assert_eq!(
            (a.scale, a.count, a.positive.clone().unwrap()),
            (0, 24, Buckets { offset: 1, bucket_counts: vec![13, 11] })
        );
        let mut wide = e(5, -1000, vec![1]);
        assert!(wide.add(&e(5, 1_000_000_000, vec![1])));
        let p = wide.positive.unwrap();
        assert!(p.bucket_counts.len() <= BUCKETS_MAX && p.bucket_counts.iter().sum::<u64>() == 2, "{p:?}");
    }
}
