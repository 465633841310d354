//! What PromQL over the metrics engine costs: CPU time per query, with all samples in the head or in blocks.
//!
//! `cargo run --release -p query --example promql_speed -- [head|blocks|day|merged] [hosts] [threads] [query] [rounds]` writes an
//! hour of hosts x 100 series of the shape of node_exporter, or a day, scraped up to 5 ms late, in blocks of two hours (with
//! `merged`: compacted) and an hour in the head; then it asks the queries of the benchmarks, or the one whose number is given.

#![allow(clippy::print_stdout, missing_docs)]

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use foundation::clock::{ManualClock, UnixNanos};
use foundation::disk::RealDisk;
use model::{AccessScope, Labels};
use promql::eval::{Engine, EngineOptions, QueryRange};
use query::metrics::{Ask, instant, range};
use tsdb::{Options, Tsdb};

/// As in the server.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const START_MS: i64 = 1_700_006_400_000;
const STEP_MS: i64 = 15_000;
const HOUR_MS: i64 = 3_600_000;
const BOUNDS: [&str; 11] = ["0.1", "0.2", "0.5", "1", "2", "4", "8", "16", "32", "64", "+Inf"];
const SERIES: usize = 100;
/// CPU time is told in hundredths of a second.
const ROUNDS: u32 = 5;

fn open(dir: &Path, hours: i64) -> Tsdb {
    let clock = Arc::new(ManualClock::new(UnixNanos::from_millis(START_MS + hours * HOUR_MS)));
    let mut options = Options::new(dir);
    options.min_free_bytes = 0;
    options.head_bytes_max = 8 << 30;
    options.log_bytes_max = u64::MAX;
    options.retention = None;
    options.out_of_order_window = Duration::from_secs(60);
    Tsdb::open(Arc::new(RealDisk), clock, options).expect("open")
}

/// 32 counters of CPU time, 11 buckets of a histogram, 16 counters of bytes, load, memory, and what nobody asks for.
fn labels(host: usize, i: usize) -> Labels {
    let instance = format!("host-{host:04}.example.com:9100");
    let cluster = format!("cluster-{}", host % 10);
    let common = [("instance", instance.as_str()), ("job", "node"), ("cluster", cluster.as_str())];
    let of = |own: &[(&str, &str)]| Labels::from_pairs(common.into_iter().chain(own.iter().copied()));
    match i {
        0..32 => of(&[
            ("__name__", "node_cpu_seconds_total"),
            ("cpu", &(i % 4).to_string()),
            ("mode", ["idle", "iowait", "irq", "nice", "softirq", "steal", "system", "user"][i / 4]),
        ]),
        32..43 => of(&[("__name__", "http_request_duration_seconds_bucket"), ("le", BOUNDS[i - 32])]),
        43..59 => of(&[("__name__", "node_network_receive_bytes_total"), ("device", &format!("eth{}", i - 43))]),
        59 => of(&[("__name__", "node_load1")]),
        60 => of(&[("__name__", "node_memory_MemAvailable_bytes")]),
        61 => of(&[("__name__", "node_memory_MemTotal_bytes")]),
        _ => of(&[("__name__", "node_filesystem_avail_bytes"), ("mountpoint", &format!("/srv/{i}"))]),
    }
}

fn value(host: usize, i: usize, step: i64) -> f64 {
    let noise = ((host * SERIES + i) as i64 * 31 + step * 17) % 7;
    match i {
        0..32 => (step * 1500 + noise) as f64 / 100.0,
        32..43 => (step * (i as i64 - 31) * 10 + noise) as f64,
        43..59 => (step * 15_000 + noise * 700) as f64,
        59 => noise as f64 / 100.0,
        60 => (2_000_000_000 + noise * 4096) as f64,
        _ => 16_000_000_000.0,
    }
}

/// With `hours` beyond one all but the last half of the last two hours is flushed every two hours.
fn write(db: &Tsdb, hosts: usize, hours: i64) {
    let all: Vec<Labels> = (0..hosts * SERIES).map(|n| labels(n / SERIES, n % SERIES)).collect();
    let jitter = if hours > 1 { 6 } else { 1 };
    let flush_every = 2 * HOUR_MS / STEP_MS;
    for step in 0..=hours * HOUR_MS / STEP_MS {
        let mut batch = db.batch();
        for (n, labels) in all.iter().enumerate() {
            let late = (step * 7919 + (n / SERIES) as i64 * 31) * 2_654_435_761 % 1_000_003 % jitter;
            batch.series_of(labels).sample(START_MS + step * STEP_MS + 7 + late, value(n / SERIES, n % SERIES, step));
        }
        db.append_batch_wait(batch).expect("append");
        if hours > 1 && (step + 1) % flush_every == 0 {
            db.flush().expect("flush");
        }
    }
}

/// User and system time of this process in seconds.
fn cpu() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit(')').next().unwrap_or_default();
    let ticks = fields.split_whitespace().skip(11).take(2).filter_map(|f| f.parse::<f64>().ok());
    ticks.sum::<f64>() / 100.0
}

fn main() {
    let mut args = std::env::args().skip(1);
    let way = args.next().unwrap_or_default();
    let hours = if matches!(&*way, "day" | "merged") { 25 } else { 1 };
    let mut number = || args.next().and_then(|a| a.parse::<usize>().ok());
    let (hosts, threads, only) = (number().unwrap_or(2_000), number().unwrap_or(2), number());
    let asked_rounds = number();
    let dir = tempfile::tempdir().expect("a temporary folder");
    let db = open(dir.path(), hours);
    write(&db, hosts, hours);
    while way == "merged" && db.compact().expect("compact") > 0 {}
    if way == "blocks" {
        db.flush().expect("flush");
    }
    println!("{} series are written", hosts * SERIES);
    let engine = Engine::new(EngineOptions { threads, ..EngineOptions::default() });
    let queries = [
        ("sum by (instance) (rate(node_cpu_seconds_total[5m]))", 60_000),
        ("sum by (instance) (rate(node_cpu_seconds_total[5m]))", STEP_MS),
        ("histogram_quantile(0.99, sum by (le) (rate(http_request_duration_seconds_bucket[5m])))", 60_000),
        ("histogram_quantile(0.99, sum by (le, instance) (rate(http_request_duration_seconds_bucket[5m])))", 60_000),
        ("sum by (cluster) (rate(node_network_receive_bytes_total[5m]))", 60_000),
        ("node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes < 0.1 or node_load1 > 100", 0),
        ("max(max_over_time(node_load1[1h]))", 0),
        ("sum by (mode) (increase(node_cpu_seconds_total[1h]))", 0),
        ("count({__name__=~\".+\"})", 0),
        ("max_over_time(node_cpu_seconds_total[30m])", 60_000),
        ("avg by (cluster) (avg_over_time(node_load1[1h]))", 0),
    ];
    for (i, (query, step_ms)) in queries.into_iter().enumerate().filter(|(i, _)| only.is_none_or(|o| o == *i)) {
        let rounds = asked_rounds.map_or(if only.is_some() { 30 * ROUNDS } else { ROUNDS }, |n| n as u32);
        let ask = || {
            let deadline = Instant::now() + Duration::from_secs(600);
            let ask = Ask::new(AccessScope::ALL, deadline, Arc::new(AtomicBool::new(false)));
            let end_ms = START_MS + hours * HOUR_MS + 5_000;
            match step_ms {
                0 => instant(&engine, &db, &ask, query, end_ms),
                _ => range(&engine, &db, &ask, query, QueryRange { start_ms: START_MS + 600_000, end_ms, step_ms }),
            }
            .expect("an answer")
        };
        ask();
        let (cpu_before, wall) = (cpu(), Instant::now());
        let samples = (0..rounds).map(|_| ask().output.samples_loaded).fold(0, |_, samples| samples);
        let (cpu, wall) = ((cpu() - cpu_before) * 1e3, wall.elapsed().as_secs_f64() * 1e3);
        let per_round = |all: f64| all / f64::from(rounds);
        println!(
            "{i:2} {:6.1} ms CPU {:6.1} ms wall, {samples} samples: {query} each {} s",
            per_round(cpu),
            per_round(wall),
            step_ms / 1000
        );
    }
}
