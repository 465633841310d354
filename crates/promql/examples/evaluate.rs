//! Measures the evaluator alone, over series that lie in memory: `evaluate [series] [threads]`.
//!
//! 64,000 counters and 22,000 histogram buckets of 2,000 machines, a sample each 15 s for an hour, as in the
//! benchmarks of the whole system. Prints user CPU time and wall time per query.

use std::sync::Arc;
use std::time::Instant;

use model::labels::Labels;
use promql::eval::{
    Engine, EngineOptions, QueryLimits, QueryRange, Sample, Samples, SelectHints, SeriesSet, SeriesSource, SourceError,
};
use promql::matcher::Matcher;

/// Every series that there is, and those that a selector found.
struct Memory {
    series: Vec<(Arc<Labels>, u64)>,
}

struct Found<'a>(Vec<&'a (Arc<Labels>, u64)>);

const STEP_MS: i64 = 15_000;
const HOUR_MS: i64 = 3_600_000;

impl Memory {
    fn new(counters: u64) -> Self {
        let mut series = Vec::new();
        for i in 0..counters {
            let (host, cpu, mode) = (format!("host-{:04}", i / 32), (i % 4).to_string(), format!("mode-{}", i / 4 % 8));
            let job = ("job", "node");
            let pairs = [("__name__", "cpu_seconds_total"), ("instance", &host), ("cpu", &cpu), ("mode", &mode), job];
            series.push((Arc::new(Labels::from_pairs(pairs)), i));
        }
        for i in 0..counters / 3 {
            let (host, le) =
                (format!("host-{:04}", i / 11), ["0.1", "0.2", "0.5", "1", "2", "4", "8", "16", "32", "64", "+Inf"]);
            let le = le[(i % 11) as usize];
            let pairs =
                [("__name__", "request_seconds_bucket"), ("instance", host.as_str()), ("le", le), ("job", "node")];
            series.push((Arc::new(Labels::from_pairs(pairs)), i % 11));
        }
        Self { series }
    }
}

impl SeriesSource for Memory {
    fn select(
        &self,
        matchers: &[Matcher],
        _: i64,
        _: i64,
        _: SelectHints,
    ) -> Result<Box<dyn SeriesSet + '_>, SourceError> {
        let found = self.series.iter().filter(|(labels, _)| matchers.iter().all(|m| m.matches_labels(labels)));
        Ok(Box::new(Found(found.collect())))
    }
}

impl SeriesSet for Found<'_> {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn labels(&self, at: usize) -> Arc<Labels> {
        self.0[at].0.clone()
    }

    fn read(&self, at: usize, into: &mut Samples) -> Result<(), SourceError> {
        let slope = 1.0 + self.0[at].1 as f64;
        into.floats.extend((0..=HOUR_MS / STEP_MS).map(|i| Sample { t_ms: i * STEP_MS + 7, value: slope * i as f64 }));
        Ok(())
    }
}

/// User CPU seconds of this process, from `/proc/self/stat`.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit(')').next().unwrap_or("");
    let ticks: f64 = after_name.split_whitespace().nth(11).and_then(|t| t.parse().ok()).unwrap_or(0.0);
    ticks / 100.0
}

#[expect(clippy::print_stdout, reason = "a measurement is printed")]
fn main() {
    let mut args = std::env::args().skip(1);
    let counters = args.next().and_then(|a| a.parse().ok()).unwrap_or(64_000);
    let threads = args.next().and_then(|a| a.parse().ok()).unwrap_or(2);
    let source = Memory::new(counters);
    let engine = Engine::new(EngineOptions { threads, ..EngineOptions::default() });
    let queries = [
        ("sum by (instance) (rate(cpu_seconds_total[5m]))", 60_000),
        ("sum by (instance) (rate(cpu_seconds_total[5m]))", STEP_MS),
        ("histogram_quantile(0.99, sum by (le) (rate(request_seconds_bucket[5m])))", 60_000),
        ("histogram_quantile(0.99, sum by (le, instance) (rate(request_seconds_bucket[5m])))", 60_000),
        ("max_over_time(cpu_seconds_total[30m])", 60_000),
        ("topk(5, rate(cpu_seconds_total[5m]))", 60_000),
        ("cpu_seconds_total / on (instance, cpu, mode) cpu_seconds_total", 60_000),
    ];
    for (query, step_ms) in queries {
        let expr = promql::parse(query).expect("a valid query");
        let range = QueryRange { start_ms: 120_000, end_ms: HOUR_MS, step_ms };
        let (cpu, wall) = (cpu_seconds(), Instant::now());
        let output = engine.range(&source, query, &expr, range, &QueryLimits::default()).expect("an answer");
        let (cpu, wall) = (cpu_seconds() - cpu, wall.elapsed().as_secs_f64());
        println!(
            "{cpu:.2} s CPU, {wall:.2} s wall, {} samples, {} MB: {query} each {} s",
            output.samples_loaded,
            output.peak_memory_bytes >> 20,
            step_ms / 1000
        );
    }
}
