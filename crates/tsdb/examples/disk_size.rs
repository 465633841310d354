//! What hosts that export as node_exporter does cost on disk: bytes per sample by kind of series, bytes per series of
//! index, before and after compaction.
//!
//! `cargo run --release -p tsdb --example disk_size -- [hosts] [hours] [jitter]`: 26 hours end in two blocks of 12 hours and what
//! may still get late samples. All series of a host are scraped at once, up to `jitter` milliseconds late.

#![allow(clippy::print_stdout, missing_docs)]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use foundation::clock::{ManualClock, UnixNanos};
use foundation::disk::RealDisk;
use model::{AccessScope, Labels};
use tsdb::{MatchOp, Matcher, Options, ReadLimits, Tsdb};

const START_MS: i64 = 1_700_006_400_000;
const STEP_MS: i64 = 15_000;

/// A small generator of numbers (xorshift64*): the data is the same on every machine.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }
}

/// A series and how its value moves.
struct Source {
    host: usize,
    kind: &'static str,
    labels: Labels,
    value: f64,
    rate: u64,
}

impl Source {
    fn step(&mut self, r: &mut Random) -> f64 {
        match self.kind {
            // Hundredths of a second, as the kernel counts them: 15 s at most, mostly at an even load.
            "cpu" => {
                self.value = ((self.value * 100.0).round() + (self.rate + r.below(self.rate / 4 + 2)) as f64) / 100.0
            }
            "counter" => self.value += (self.rate + r.below(self.rate / 3 + 2)) as f64,
            // Errors, restarts, drops: seldom.
            "rare" => self.value += f64::from(u8::from(r.below(400) == 0)),
            "bucket" => self.value += r.below(self.rate / 8 + 2) as f64,
            // Pages of memory.
            "memory" => self.value = (self.value + (r.below(201) as f64 - 100.0) * 4096.0).max(4096.0),
            "load" => self.value = ((self.value * 100.0 + r.below(21) as f64 - 10.0).round().max(0.0)) / 100.0,
            _ => {}
        }
        self.value
    }
}

/// A hundred series of one host, in the mix of a node_exporter.
fn host(n: usize, r: &mut Random) -> Vec<Source> {
    let instance = format!("host-{n:04}.example.com:9100");
    let mut out = Vec::new();
    let mut add = |kind: &'static str, name: &str, label: (&str, String), r: &mut Random| {
        let labels = Labels::from_pairs([
            ("__name__", name),
            ("instance", &instance),
            ("job", "node"),
            ("env", if n.is_multiple_of(5) { "staging" } else { "production" }),
            (label.0, &label.1),
        ]);
        let value = match kind {
            "constant" => r.below(1 << 36) as f64,
            "memory" => (r.below(1 << 21) * 4096) as f64,
            "load" => r.below(800) as f64 / 100.0,
            _ => r.below(1 << 30) as f64,
        };
        let rate = 1 << r.below(11);
        out.push(Source { host: n, kind, labels, value, rate });
    };
    for cpu in 0..4 {
        for mode in ["idle", "iowait", "irq", "nice", "softirq", "steal", "system", "user"] {
            let kind = if matches!(mode, "irq" | "nice" | "steal") { "constant" } else { "cpu" };
            add(kind, "node_cpu_seconds_total", ("mode", format!("{mode}-{cpu}")), r);
        }
    }
    for i in 0..16 {
        add("counter", "node_network_receive_bytes_total", ("device", format!("eth{i}")), r);
    }
    for i in 0..8 {
        add("rare", "node_network_receive_errs_total", ("device", format!("eth{i}")), r);
    }
    for le in ["0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1", "2.5", "5", "10", "+Inf"] {
        add("bucket", "http_request_duration_seconds_bucket", ("le", le.to_owned()), r);
    }
    for kind in ["MemFree", "Cached", "Buffers", "Active", "Inactive", "Dirty", "Slab", "Mapped"] {
        add("memory", "node_memory_bytes", ("kind", kind.to_owned()), r);
    }
    for minutes in [1, 5, 15] {
        add("load", "node_load", ("minutes", minutes.to_string()), r);
    }
    for i in 0..21 {
        add("constant", "node_filesystem_size_bytes", ("mountpoint", format!("/data/{i}")), r);
    }
    out
}

fn main() {
    let mut args = std::env::args().skip(1).filter_map(|a| a.parse::<usize>().ok());
    let (hosts, hours) = (args.next().unwrap_or(20), args.next().unwrap_or(26) as i64);
    let jitter = args.next().unwrap_or(0) as u64;
    let dir = tempfile::tempdir().expect("a temporary folder");
    let mut r = Random(42);
    let mut sources: Vec<Source> = (0..hosts).flat_map(|n| host(n, &mut r)).collect();
    let mut by_kind: BTreeMap<&str, Vec<Labels>> = BTreeMap::new();
    sources.iter().for_each(|s| by_kind.entry(s.kind).or_default().push(s.labels.clone()));
    println!("{} series, {hours} h at 15 s, up to {jitter} ms late", sources.len());
    let all = write(&dir.path().join("all"), &mut sources, hours, jitter);
    println!("all: {all}");
    for (kind, labels) in by_kind {
        let mut r = Random(42);
        let mut sources: Vec<Source> = (0..hosts).flat_map(|n| host(n, &mut r)).filter(|s| s.kind == kind).collect();
        println!("{kind} ({} series): {}", labels.len(), write(&dir.path().join(kind), &mut sources, hours, jitter));
    }
}

/// Writes the sources and says what they cost.
fn write(dir: &Path, sources: &mut [Source], hours: i64, jitter: u64) -> String {
    let clock = Arc::new(ManualClock::new(UnixNanos::from_millis(START_MS + hours * 3_600_000)));
    let mut options = Options::new(dir);
    options.min_free_bytes = 0;
    options.head_bytes_max = 8 << 30;
    options.log_bytes_max = u64::MAX;
    options.retention = None;
    let db = Tsdb::open(Arc::new(RealDisk), clock, options).expect("open");
    let mut r = Random(7);
    for step in 0..hours * 3_600_000 / STEP_MS {
        let t = START_MS + step * STEP_MS;
        let mut late = (usize::MAX, 0);
        let sample = |s: &mut Source| {
            if late.0 != s.host {
                late = (s.host, r.below(jitter + 1) as i64);
            }
            (s.labels.clone(), t + late.1, s.step(&mut r))
        };
        db.append_wait(sources.iter_mut().map(sample).collect()).expect("append");
        if (step + 1) % (2 * 3_600_000 / STEP_MS) == 0 {
            db.flush().expect("flush");
        }
    }
    db.flush().expect("flush");
    let size = |db: &Tsdb| {
        let s = db.stats();
        let per_series = s.block_index_bytes as f64 / s.block_series as f64;
        let per_sample = (s.block_bytes - s.block_index_bytes) as f64 / s.block_samples as f64;
        format!("{per_sample:.3} B/sample and {per_series:.0} B/series of index in {} blocks", s.blocks)
    };
    let flushed = size(&db);
    let began = Instant::now();
    while db.compact().expect("compact") > 0 {}
    let took = began.elapsed();
    let compacted = size(&db);
    let limits = ReadLimits { max_samples: u64::MAX, ..ReadLimits::default() };
    let matcher = [Matcher::new("job", MatchOp::Eq, "node")];
    let began = Instant::now();
    let found = db.select(&AccessScope::ALL, &matcher, (i64::MIN, i64::MAX), limits).expect("select");
    let selected = began.elapsed();
    let mut samples = 0;
    for s in &found.series {
        samples += s.samples().expect("samples").len();
    }
    let read = began.elapsed() - selected;
    let rate = samples as f64 / read.as_secs_f64() / 1e6;
    format!(
        "flushed {flushed}; compacted {compacted} ({took:.1?}); read {rate:.0}M samples/s, selected in {selected:.1?}"
    )
}
