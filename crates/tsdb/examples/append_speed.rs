//! Measures the write path: samples per CPU-second and bytes per sample.
//!
//! `cargo run --release -p tsdb --example append_speed [hosts]`: hosts x 100 node-like series every
//! 15 s for half an hour, as batches (the shape of remote write: 20 hosts a request, one sample per series) and as
//! OTLP, log and sync included; then a start as after SIGKILL, and the flush.

#![allow(clippy::print_stdout, missing_docs)]

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::time::{Duration, Instant};

use foundation::clock::SystemClock;
use foundation::disk::RealDisk;
use tsdb::{Options, Tsdb};
use wire::protobuf::Writer;

const START_MS: i64 = 1_700_000_000_000;
const SERIES_PER_HOST: usize = 100;
const ROUNDS: i64 = 120;
/// A request is what one agent sends at a time.
const HOSTS_PER_REQUEST: usize = 20;
const DIGITS: [&str; 10] = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];

fn main() {
    let hosts: usize = std::env::args().nth(1).and_then(|a| a.parse().ok()).unwrap_or(200);
    println!("{hosts} hosts, {} series, {ROUNDS} rounds of 15 s", hosts * SERIES_PER_HOST);
    run("batch", hosts, &|db, round, from, to| {
        let started = cpu_time();
        let mut batch = db.batch();
        let (mut instance, mut n) = (String::new(), 0);
        for host in from..to {
            instance.clear();
            let _ = write!(instance, "host-{host:05}.fra.example.com:9100");
            for series in 0..SERIES_PER_HOST {
                let labels = [
                    ("__name__", names(series)),
                    ("cluster", "prod-eu-1"),
                    ("cpu", DIGITS[series % 10]),
                    ("datacenter", "fra-2"),
                    ("instance", &instance),
                    ("job", "node"),
                ];
                batch.series(labels).sample(START_MS + round * 15_000, value(host, series, round));
                n += 1;
            }
        }
        let (tx, rx) = sync_channel(1);
        db.append_batch(batch, Box::new(move |r| tx.send(r).expect("waiting")));
        (n, started, rx)
    });
    run("OTLP", hosts, &|db, round, from, to| {
        let request = otlp(round, from, to);
        let started = cpu_time();
        let (batch, decoded) = db.decode(&request).expect("well-formed");
        let (tx, rx) = sync_channel(1);
        db.append_batch(batch, Box::new(move |r| tx.send(r).expect("waiting")));
        (decoded.accepted as usize, started, rx)
    });
}

type Waiting = (usize, Duration, std::sync::mpsc::Receiver<Result<tsdb::Ingested, tsdb::TsdbError>>);

fn run(what: &str, hosts: usize, send: &dyn Fn(&Tsdb, i64, usize, usize) -> Waiting) {
    let resident_before = resident_bytes();
    let dir = tempfile::tempdir().expect("a folder");
    let mut options = Options::new(dir.path());
    options.retention = None;
    options.head_bytes_max = usize::MAX / 2;
    options.log_bytes_max = u64::MAX;
    let open = || Tsdb::open(Arc::new(RealDisk), Arc::new(SystemClock), options.clone()).expect("open");
    let db = open();
    let mut samples = 0;
    let mut steady = Duration::ZERO;
    for round in 0..ROUNDS {
        for from in (0..hosts).step_by(HOSTS_PER_REQUEST) {
            let (n, started, done) = send(&db, round, from, hosts.min(from + HOSTS_PER_REQUEST));
            let stored = done.recv().expect("completed").expect("stored");
            assert!(stored.refusals.is_empty(), "{}", stored.message());
            // The first round makes the series.
            if round > 0 {
                steady += cpu_time() - started;
                samples += n;
            }
        }
    }
    let stats = db.stats();
    let resident = resident_bytes().saturating_sub(resident_before) as f64 / stats.head_series as f64;
    let rate = samples as f64 / steady.as_secs_f64() / 1e6;
    let memory = stats.head_bytes as f64 / stats.head_series as f64;
    println!(
        "{what}: {rate:.2} M samples per CPU-second, log included, {resident:.0} B/series resident ({memory:.0} estimated), {:.1} B/sample in the log",
        stats.wal.bytes_written as f64 / stats.head_samples as f64
    );
    drop(db);
    let (started, began) = (Instant::now(), process_time());
    let db = open();
    let (took, used) = (started.elapsed().as_secs_f64(), (process_time() - began).as_secs_f64());
    println!("{what}: replay {used:.2} CPU-seconds in {took:.2} s");
    assert_eq!(db.stats().head_samples, stats.head_samples);
    let started = cpu_time();
    db.flush().expect("flush");
    let stats = db.stats();
    println!(
        "{what}: flush {:.2} M samples per CPU-second, {:.2} B/sample on disk with index",
        stats.block_samples as f64 / (cpu_time() - started).as_secs_f64() / 1e6,
        stats.block_bytes as f64 / stats.block_samples as f64
    );
}

/// What all threads of the process have used so far (Linux; 0 elsewhere). Unlike the time of day it does not depend on
/// what else the machine does.
fn cpu_time() -> Duration {
    let tasks = std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let used = |task: std::fs::DirEntry| {
        let stat = std::fs::read_to_string(task.path().join("schedstat")).ok()?;
        stat.split(' ').next()?.parse::<u64>().ok()
    };
    Duration::from_nanos(tasks.filter_map(used).sum())
}

/// What the process has used so far, threads that have ended included, to a hundredth of a second (Linux; 0 elsewhere).
fn process_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit(") ").next().unwrap_or_default().split(' ');
    // User and system time.
    Duration::from_millis(fields.skip(11).take(2).filter_map(|ticks| ticks.parse::<u64>().ok()).sum::<u64>() * 10)
}

/// Linux; 0 elsewhere.
fn resident_bytes() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    statm.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok()).unwrap_or_default() * 4096
}

fn names(series: usize) -> &'static str {
    const NAMES: [&str; 10] = [
        "node_cpu_seconds_total",
        "node_network_receive_bytes_total",
        "node_memory_available_bytes",
        "node_load1",
        "node_disk_reads_completed_total",
        "node_filesystem_size_bytes",
        "node_context_switches_total",
        "node_hwmon_temp_celsius",
        "node_processes_running",
        "node_boot_time_seconds",
    ];
    NAMES[series / 10 % NAMES.len()]
}

/// Deterministic, and as compressible as node_exporter's values: counters, gauges, constants.
fn value(host: usize, series: usize, round: i64) -> f64 {
    let noise =
        ((host * 7919 + series * 104_729) as u64).wrapping_add(round as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let noise = (noise >> 40) as f64 / (1u64 << 24) as f64;
    let t = round as f64;
    match series / 10 % 10 {
        0 => (t * 1400.0 + noise * 90.0).round() / 100.0,
        1 => (t * 150_000.0 + noise * 9000.0).round(),
        2 => 8e9 + (noise * 2000.0).round() * 4096.0,
        3 => (noise * 400.0).round() / 100.0,
        4 => t * 30.0 + (noise * 10.0).round(),
        6 => t * 12_000.0 + (noise * 900.0).round(),
        7 => 40.0 + (noise * 16.0).round() / 2.0,
        8 => (noise * 5.0).round(),
        _ => 1_690_000_000.0,
    }
}

fn otlp(round: i64, from: usize, to: usize) -> Vec<u8> {
    let text = |w: &mut Writer, field: u32, key: &str, value: &str| {
        w.message(field, |w| {
            w.string(1, key);
            w.message(2, |w| w.string(1, value));
        });
    };
    let mut w = Writer::new();
    for host in from..to {
        w.message(1, |w| {
            w.message(1, |w| {
                text(w, 1, "service.name", "node");
                text(w, 1, "service.instance.id", &format!("host-{host}:9100"));
            });
            w.message(2, |w| {
                for first in (0..SERIES_PER_HOST).step_by(10) {
                    w.message(2, |w| {
                        w.string(1, names(first));
                        w.message(7, |w| {
                            for series in first..first + 10 {
                                w.message(1, |w| {
                                    w.fixed64(3, (START_MS + round * 15_000) as u64 * 1_000_000);
                                    w.double(4, value(host, series, round));
                                    text(w, 7, "cpu", &(series % 10).to_string());
                                });
                            }
                            w.uint(2, 2);
                        });
                    });
                }
            });
        });
    }
    w.as_bytes().to_vec()
}
