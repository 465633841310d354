//! `deltatocumulative`: sums and histograms since the point before become those since the first one.
//!
//! Source of the rules: opentelemetry-collector-contrib, `deltatocumulativeprocessor`. Points that are late are dropped. Limit: `max_streams`.

use std::sync::Arc;

use foundation::clock::SystemClock;
use foundation::{Clock, UnixNanos};
use model::Signal;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use wire::otlp::tree::{Data, ExponentialPoint, HistogramPoint, NumberPoint, OfResource, OfScope, Temporality};

use super::series::{SeriesKey, SeriesMap};
use crate::component::{Processor, ProcessorFactory, Refused, Setup, Step};
use crate::config::Interval;
use crate::points::Total;
use crate::refusal::Refusal;
use crate::telemetry::Telemetry;

pub(super) const FACTORY: ProcessorFactory =
    ProcessorFactory { names: &["deltatocumulative", "delta_to_cumulative"], signals: &[Signal::Metrics], build };

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
    use wire::otlp::tree::{Metric, Number};

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
}
