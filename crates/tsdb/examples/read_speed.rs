//! What it costs to find series in blocks and to decode them: CPU time per series and per sample.
//!
//! `cargo run --release -p tsdb --example read_speed -- FOLDER [hosts] [hours]` writes hosts x 100 series of the shape of
//! node_exporter into FOLDER unless it is there, then reads them; under `valgrind --tool=callgrind` the second run
//! shows where instructions go.

#![allow(clippy::print_stdout, missing_docs)]

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use foundation::clock::{ManualClock, UnixNanos};
use foundation::disk::RealDisk;
use model::{AccessScope, Labels};
use tsdb::{MatchOp, Matcher, Options, ReadLimits, Tsdb};

const START_MS: i64 = 1_700_006_400_000;
const STEP_MS: i64 = 15_000;

fn open(dir: &Path) -> Tsdb {
    let clock = Arc::new(ManualClock::new(UnixNanos::from_millis(START_MS + 86_400_000)));
    let mut options = Options::new(dir);
    options.min_free_bytes = 0;
    options.head_bytes_max = 8 << 30;
    options.log_bytes_max = u64::MAX;
    options.retention = None;
    Tsdb::open(Arc::new(RealDisk), clock, options).expect("open")
}

fn labels(host: usize, i: usize) -> Labels {
    let instance = format!("host-{host:04}.example.com:9100");
    let name = match i {
        0..32 => "node_cpu_seconds_total",
        32..60 => "node_network_receive_bytes_total",
        _ => "node_memory_bytes",
    };
    let part = format!("part-{i}");
    Labels::from_pairs([
        ("__name__", name),
        ("instance", &instance),
        ("job", "node"),
        ("env", "production"),
        ("part", &part),
    ])
}

fn write(dir: &Path, hosts: usize, hours: i64) {
    let db = open(dir);
    let all: Vec<Labels> = (0..hosts).flat_map(|h| (0..100).map(move |i| labels(h, i))).collect();
    for step in 0..hours * 3_600_000 / STEP_MS {
        let sample = |(n, labels): (usize, &Labels)| {
            let noise = (n as i64 * 31 + step * 17) % 7;
            let v = match n % 100 {
                0..32 => ((step * 1500 + noise) as f64) / 100.0,
                32..60 => (step * 20_000 + noise * 999) as f64,
                _ => ((n as i64 % 1000 + noise) * 4096) as f64,
            };
            (labels.clone(), START_MS + step * STEP_MS, v)
        };
        db.append_wait(all.iter().enumerate().map(sample).collect()).expect("append");
    }
    db.flush().expect("flush");
}

/// User time of this process.
fn cpu() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let ticks = stat.rsplit(')').next().and_then(|s| s.split_whitespace().nth(11)?.parse::<u64>().ok());
    Duration::from_millis(ticks.unwrap_or(0) * 10)
}

fn main() {
    let mut args = std::env::args().skip(1);
    let dir = args.next().expect("a folder");
    let dir = Path::new(&dir);
    let mut numbers = args.filter_map(|a| a.parse::<usize>().ok());
    let (hosts, hours) = (numbers.next().unwrap_or(200), numbers.next().unwrap_or(1));
    if !dir.join("MANIFEST").exists() {
        write(dir, hosts, hours as i64);
    }
    let db = open(dir);
    let rounds = if std::env::var_os("ONCE").is_some() { 1 } else { 20 };
    let limits = ReadLimits { max_samples: u64::MAX, ..ReadLimits::default() };
    for (what, matchers) in [
        ("one metric", vec![Matcher::new("__name__", MatchOp::Eq, "node_cpu_seconds_total")]),
        ("everything", vec![Matcher::new("__name__", MatchOp::Re, ".+")]),
        ("one host", vec![Matcher::new("instance", MatchOp::Re, "host-0007.*")]),
    ] {
        let (mut series, mut samples) = (0, 0);
        let (mut select, mut decode) = (Duration::ZERO, Duration::ZERO);
        let (wall, before) = (Instant::now(), cpu());
        for _ in 0..rounds {
            let began = cpu();
            let set = db.select(&AccessScope::ALL, &matchers, (i64::MIN, i64::MAX), limits.clone()).expect("select");
            let selected = cpu();
            for s in &set.series {
                samples += s.samples().expect("samples").len();
            }
            series += set.series.len();
            (select, decode) = (select + (selected - began), decode + (cpu() - selected));
        }
        println!(
            "{what}: {series} series, {samples} samples in {:.2?} CPU ({:.2?}); select {:.2} us/series; decode {:.1} ns/sample",
            cpu() - before,
            wall.elapsed(),
            select.as_secs_f64() * 1e6 / series as f64,
            decode.as_secs_f64() * 1e9 / samples as f64,
        );
    }
}
