//! Hosts that share their requests, with what does not change between two requests written beforehand.

use model::labels::NAME;
use wire::prometheus::remote_write::Version;
use wire::protobuf::Writer;

use super::Config;
use crate::node::Host;
use crate::random::Rng;

/// Some hosts.
pub(super) struct Block {
    hosts: Vec<Host>,
    /// Of how late scrapes are.
    rng: Rng,
    generation: Option<u64>,
    /// The symbol table of 2.0.
    table: Vec<u8>,
    /// Per series the encoded labels field(s).
    labels: Vec<Vec<u8>>,
}

impl Block {
    pub(super) fn new(hosts: Vec<Host>, config: &Config) -> Self {
        let rng = Rng::new(config.seed).fork(hosts.first().map_or(0, |h| h.phase) + 1_000_000);
        let mut new = Self { hosts, rng, generation: config.churn.map(|_| 0), table: Vec::new(), labels: Vec::new() };
        new.write_labels(config.version);
        new
    }

    fn write_labels(&mut self, version: Version) {
        let series = self.hosts.iter().flat_map(|h| &h.series);
        match version {
            Version::V1 => self.labels = series.map(|s| texts(&s.labels)).collect(),
            Version::V2 => {
                let mut symbols = Symbols::default();
                symbols.get("");
                self.labels = series.map(|s| references(&s.labels, &mut symbols)).collect();
                self.table = symbols.table.into_bytes();
            }
        }
    }

    /// The next request: `steps` samples of every series from step `from` on, and how many that are.
    pub(super) fn request(&mut self, from: u64, steps: u64, config: &Config) -> (Vec<u8>, u64) {
        let interval = config.interval.as_millis() as u64;
        let first = (config.end.as_millis() as u64).saturating_sub((config.steps - 1 - from) * interval);
        if let Some(churn) = config.churn {
            let generation = first / (churn.as_millis() as u64).max(1);
            if self.generation.replace(generation) != Some(generation) {
                self.hosts.iter_mut().for_each(|h| h.regenerate(generation));
                self.write_labels(config.version);
            }
        }
        let jitter = config.jitter.as_millis() as u64;
        let late: Vec<u64> = (0..steps * self.hosts.len() as u64).map(|_| self.rng.below(jitter + 1)).collect();
        let rows: Vec<Vec<f64>> = (0..steps).map(|_| self.step()).collect();
        let mut w = Writer::new();
        w.raw(&self.table);
        let field = match config.version {
            Version::V1 => 1,
            Version::V2 => 5,
        };
        let hosts = (0..).zip(&self.hosts);
        let phases = hosts.flat_map(|(at, h)| std::iter::repeat_n((at, h.phase * interval / 1000), h.series.len()));
        for (n, (labels, (host, phase))) in self.labels.iter().zip(phases).enumerate() {
            w.message(field, |w| {
                w.raw(labels);
                for (step, row) in (0..).zip(&rows) {
                    w.message(2, |w| {
                        w.double(1, row.get(n).copied().unwrap_or_default());
                        let at = (host * steps + step) as usize;
                        w.uint(2, first + step * interval - phase + late.get(at).copied().unwrap_or_default());
                    });
                }
            });
        }
        (w.into_bytes(), self.labels.len() as u64 * steps)
    }

    fn step(&mut self) -> Vec<f64> {
        self.hosts.iter_mut().for_each(Host::step);
        self.hosts.iter().flat_map(|h| &h.series).map(crate::node::Series::value).collect()
    }
}

fn texts(labels: &[(String, String)]) -> Vec<u8> {
    debug_assert!(labels.iter().any(|(name, _)| name == NAME));
    let mut w = Writer::new();
    for (name, value) in labels {
        w.message(1, |w| {
            w.string(1, name);
            w.string(2, value);
        });
    }
    w.into_bytes()
}

fn references(labels: &[(String, String)], symbols: &mut Symbols) -> Vec<u8> {
    let mut w = Writer::new();
    let mut packed = Vec::new();
    for text in labels.iter().flat_map(|(name, value)| [name, value]) {
        let mut reference = symbols.get(text);
        while reference >= 0x80 {
            packed.push(reference as u8 | 0x80);
            reference >>= 7;
        }
        packed.push(reference as u8);
    }
    w.bytes(1, &packed);
    w.into_bytes()
}

#[derive(Default)]
struct Symbols {
    known: std::collections::HashMap<String, u64>,
    table: Writer,
}

impl Symbols {
    fn get(&mut self, text: &str) -> u64 {
        if let Some(n) = self.known.get(text) {
            return *n;
        }
        let n = self.known.len() as u64;
        self.known.insert(text.to_owned(), n);
        self.table.string(4, text);
        n
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use foundation::UnixNanos;
    use wire::prometheus::{ExemplarRef, Limits, MetadataRef, SampleSink, SeriesSink, Stamp, remote_write};

    use super::*;

    #[derive(Default)]
    struct Seen {
        keys: Vec<Vec<u8>>,
        samples: Vec<(usize, i64, f64)>,
    }

    impl SeriesSink for Seen {
        type Series<'s> = &'s mut Self;
        fn series(&mut self, key: &[u8]) -> &mut Self {
            self.keys.push(key.to_vec());
            self
        }
        fn metadata(&mut self, _: &MetadataRef<'_>) {}
    }

    impl SampleSink for &mut Seen {
        fn sample(&mut self, at: Stamp, value: f64) {
            self.samples.push((self.keys.len() - 1, at.t, value));
        }
        fn histogram(&mut self, _: Stamp, _: &model::Histogram<u64>) {}
        fn float_histogram(&mut self, _: Stamp, _: &model::Histogram<f64>) {}
        fn exemplar(&mut self, _: &ExemplarRef<'_>) {}
    }

    fn config(version: Version) -> Config {
        Config {
            url: String::new(),
            version,
            hosts: 2,
            series_per_host: 130,
            interval: Duration::from_secs(15),
            steps: 4,
            samples_per_series: 2,
            samples_per_request: 520,
            connections: 1,
            seed: 1,
            end: UnixNanos::from_secs(1_700_000_000),
            jitter: Duration::ZERO,
            churn: Some(Duration::from_secs(30)),
        }
    }

    fn seen(version: Version) -> Seen {
        let config = config(version);
        let hosts = (0..2).map(|n| Host::new(1, n, 130, Some(0))).collect();
        let mut block = Block::new(hosts, &config);
        let mut seen = Seen::default();
        for from in [0, 2] {
            let (request, samples) = block.request(from, 2, &config);
            let decoded = remote_write::decode(version, &request, &Limits::default(), &mut seen).unwrap();
            assert_eq!((decoded.samples, decoded.first_error), (samples, None));
        }
        seen
    }

    #[test]
    fn both_versions_carry_the_same_and_churn_makes_new_series() {
        let (a, b) = (seen(Version::V1), seen(Version::V2));
        assert_eq!((&a.keys, &a.samples), (&b.keys, &b.samples));
        assert_eq!(a.samples.len(), 4 * 2 * 130);
        let mut keys = a.keys.clone();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), 2 * 2 * 130, "two generations of every series");
        let newest = a.samples.iter().map(|s| s.1).max();
        assert!(newest.is_some_and(|t| (1_699_999_985_000..=1_700_000_000_000).contains(&t)));
    }
}
