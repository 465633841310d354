//! What PromQL over the metrics engine costs: CPU time per query, with blocks on disk.
//!
//! `cargo run --release -p query --example promql_speed -- FOLDER [hosts] [threads]` writes an hour of hosts x 43 series
//! of the shape of node_exporter into FOLDER unless it is there, then asks the queries of the benchmarks.

#![allow(clippy::print_stdout, missing_docs)]

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use foundation::clock::{ManualClock, UnixNanos};
use foundation::disk::RealDisk;
use model::{AccessScope, Labels};
use promql::eval::{Engine, EngineOptions, QueryRange};
use query::metrics::{Ask, range};
use tsdb::{Options, Tsdb};

const START_MS: i64 = 1_700_006_400_000;
const STEP_MS: i64 = 15_000;
const HOUR_MS: i64 = 3_600_000;
const BOUNDS: [&str; 11] = ["0.1", "0.2", "0.5", "1", "2", "4", "8", "16", "32", "64", "+Inf"];

fn open(dir: &Path) -> Tsdb {
    let clock = Arc::new(ManualClock::new(UnixNanos::from_millis(START_MS + HOUR_MS)));
    let mut options = Options::new(dir);
    options.min_free_bytes = 0;
    options.head_bytes_max = 8 << 30;
    options.log_bytes_max = u64::MAX;
    options.retention = None;
    Tsdb::open(Arc::new(RealDisk), clock, options).expect("open")
}

/// 32 counters of CPU time and 11 buckets of a histogram.
fn labels(host: usize, i: usize) -> Labels {
    let instance = format!("host-{host:04}.example.com:9100");
    let common = [("instance", instance.as_str()), ("job", "node"), ("env", "production")];
    if let Some(bucket) = i.checked_sub(32) {
        let own = [("__name__", "request_seconds_bucket"), ("le", BOUNDS[bucket])];
        return Labels::from_pairs(common.into_iter().chain(own));
    }
    let (cpu, mode) = (format!("{}", i % 4), format!("mode-{}", i / 4));
    let own = [("__name__", "node_cpu_seconds_total"), ("cpu", cpu.as_str()), ("mode", mode.as_str())];
    Labels::from_pairs(common.into_iter().chain(own))
}

fn write(dir: &Path, hosts: usize) {
    let db = open(dir);
    let all: Vec<Labels> = (0..hosts).flat_map(|h| (0..43).map(move |i| labels(h, i))).collect();
    for step in 0..=HOUR_MS / STEP_MS {
        let sample = |(n, labels): (usize, &Labels)| {
            let noise = (n as i64 * 31 + step * 17) % 7;
            let value = match n % 43 {
                0..32 => (step * 1500 + noise) as f64 / 100.0,
                bucket => (step * (bucket as i64 - 31) * 10 + noise) as f64,
            };
            (labels.clone(), START_MS + step * STEP_MS + 7, value)
        };
        db.append_wait(all.iter().enumerate().map(sample).collect()).expect("append");
    }
    db.flush().expect("flush");
}

/// User time of this process in seconds.
fn cpu() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let ticks = stat.rsplit(')').next().and_then(|s| s.split_whitespace().nth(11)?.parse::<f64>().ok());
    ticks.unwrap_or(0.0) / 100.0
}

fn main() {
    let mut args = std::env::args().skip(1);
    let dir = args.next().expect("a folder");
    let hosts = args.next().and_then(|a| a.parse().ok()).unwrap_or(2_000);
    let threads = args.next().and_then(|a| a.parse().ok()).unwrap_or(2);
    if !Path::new(&dir).exists() {
        write(Path::new(&dir), hosts);
    }
    let db = open(Path::new(&dir));
    let engine = Engine::new(EngineOptions { threads, ..EngineOptions::default() });
    let queries = [
        ("sum by (instance) (rate(node_cpu_seconds_total[5m]))", 60_000),
        ("sum by (instance) (rate(node_cpu_seconds_total[5m]))", STEP_MS),
        ("histogram_quantile(0.99, sum by (le) (rate(request_seconds_bucket[5m])))", 60_000),
        ("histogram_quantile(0.99, sum by (le, instance) (rate(request_seconds_bucket[5m])))", 60_000),
        ("max_over_time(node_cpu_seconds_total[30m])", 60_000),
        ("count({__name__=~\".+\"})", HOUR_MS),
    ];
    for round in 0..2 {
        for (query, step_ms) in queries {
            let ask =
                Ask::new(AccessScope::ALL, Instant::now() + Duration::from_secs(600), Arc::new(AtomicBool::new(false)));
            let steps = QueryRange { start_ms: START_MS + 120_000, end_ms: START_MS + HOUR_MS, step_ms };
            let (cpu_before, wall) = (cpu(), Instant::now());
            let evaluated = range(&engine, &db, &ask, query, steps).expect("an answer");
            if round == 1 {
                let (cpu, wall) = (cpu() - cpu_before, wall.elapsed().as_secs_f64());
                let samples = evaluated.output.samples_loaded;
                println!("{cpu:.2} s CPU, {wall:.2} s wall, {samples} samples: {query} each {} s", step_ms / 1000);
            }
        }
    }
}
