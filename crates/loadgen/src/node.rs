//! Machines as a node exporter shows them: what remote write and scraping are measured with.
//!
//! A host has [`SERIES_OF_TEMPLATE`] series (counters of CPU time by mode, of network and disk; gauges of memory and load; one
//! latency histogram; constants), repeated with a label `shard` when more are asked for. Deterministic in the seed.
//! Values look as the real ones do: whole numbers, pages, hundredths of seconds, a few floats without pattern.

mod templates;

use crate::random::Rng;
use templates::{Kind, TEMPLATES, Template};

pub use templates::COUNT as SERIES_OF_TEMPLATE;

/// A series of a host.
#[derive(Debug, Clone)]
pub struct Series {
    template: &'static Template,
    /// All labels, sorted by name.
    pub labels: Vec<(String, String)>,
    value: f64,
}

impl Series {
    /// The metric name.
    pub fn name(&self) -> &'static str {
        self.template.name
    }

    /// `counter`, `gauge` or `histogram`, and the family it is declared under.
    pub fn family(&self) -> (&'static str, &'static str) {
        self.template.family()
    }

    /// The value at the last step.
    pub fn value(&self) -> f64 {
        self.value
    }
}

/// A machine and what it counted so far.
#[derive(Debug, Clone)]
pub struct Host {
    rng: Rng,
    /// Its series, those of one family side by side within a shard.
    pub series: Vec<Series>,
    /// How long after the others this one is scraped, in thousandths of the interval.
    pub phase: u64,
}

impl Host {
    /// The host number `n`. `generation` is a label when it is set: a new one makes all series new ones.
    pub fn new(seed: u64, n: usize, series: usize, generation: Option<u64>) -> Self {
        let mut rng = Rng::new(seed).fork(n as u64);
        let phase = rng.below(1000);
        let series = (0..series).map(|at| Self::series_at(n, at, generation, &mut rng)).collect();
        Self { rng, series, phase }
    }

    fn series_at(n: usize, at: usize, generation: Option<u64>, rng: &mut Rng) -> Series {
        let template = &TEMPLATES[at % TEMPLATES.len()];
        let text = str::to_owned;
        let mut labels = vec![
            (text("__name__"), text(template.name)),
            (text("cluster"), format!("eu-central-{}", n % 3 + 1)),
            (text("instance"), format!("node-{n:04}.internal:9100")),
            (text("job"), text("node")),
        ];
        labels.extend(template.labels.iter().map(|(name, value)| (text(name), text(value))));
        if let shard @ 1.. = at / TEMPLATES.len() {
            labels.push((text("shard"), shard.to_string()));
        }
        labels.extend(generation.map(|g| (text("generation"), g.to_string())));
        labels.sort_unstable();
        Series { template, labels, value: template.kind.first(rng) }
    }

    /// Lets time pass until the next scrape.
    pub fn step(&mut self) {
        let mut below = 0.0;
        for series in &mut self.series {
            if !matches!(series.template.kind, Kind::Bucket(_) | Kind::Sum(_)) {
                below = 0.0;
            }
            series.value = series.template.kind.next(series.value, &mut below, &mut self.rng);
        }
    }

    /// Marks all series with another generation; the values go on.
    pub fn regenerate(&mut self, generation: u64) {
        for (name, value) in self.series.iter_mut().flat_map(|s| &mut s.labels) {
            if name == "generation" {
                *value = generation.to_string();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_grow_and_buckets_are_cumulative() {
        let mut host = Host::new(1, 7, 250, None);
        assert_eq!((host.series.len(), TEMPLATES.len()), (250, SERIES_OF_TEMPLATE));
        let before: Vec<f64> = host.series.iter().map(Series::value).collect();
        (0..20).for_each(|_| host.step());
        for (series, before) in host.series.iter().zip(before) {
            assert!(series.labels.is_sorted());
            match series.template.kind {
                Kind::Gauge { .. } | Kind::Constant(_) => {}
                _ => assert!(series.value >= before, "{series:?}"),
            }
        }
        let buckets: Vec<f64> =
            host.series[..100].iter().filter(|s| s.name().ends_with("_bucket")).map(Series::value).collect();
        assert_eq!(buckets.len(), 11);
        assert!(buckets.is_sorted() && buckets[10] > buckets[0]);
    }

    #[test]
    fn hosts_repeat_and_differ() {
        let value = |seed, n| {
            let mut host = Host::new(seed, n, 100, Some(3));
            host.step();
            host.series.iter().map(Series::value).collect::<Vec<_>>()
        };
        assert_eq!(value(1, 2), value(1, 2));
        assert_ne!(value(1, 2), value(1, 3));
    }
}
