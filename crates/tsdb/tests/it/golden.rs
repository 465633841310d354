//! Files of each format version, written once and kept: every later build must open them.
//!
//! `cargo test -p tsdb --test it -- --ignored golden` writes those of the newest version anew. Version 1 has one block in
//! the first encodings; versions 2 to 5 one that was merged and one that was flushed; start times of floats came with version 4, times
//! that chunks share with version 5.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use foundation::clock::{ManualClock, UnixNanos};
use foundation::disk::sim::SimDisk;
use foundation::disk::{Disk, RealDisk, SharedDisk};
use model::histogram::Histogram;
use model::{AccessScope, Labels, SpanId, TraceId};
use tsdb::{
    HistogramSample, HistogramValue, MatchOp, Matcher, MetricType, Options, ReadLimits, STALE_NAN, Sample, Scan,
    SeriesSamples, Tsdb,
};
use wire::protobuf::Writer;

const NOW_MS: i64 = 1_700_000_000_000;

fn golden_dir(version: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(version)
}

fn open(disk: SharedDisk, dir: &Path) -> Tsdb {
    let mut options = Options::new(dir);
    options.retention = None;
    options.min_free_bytes = 0;
    // Series are written one after another, each over 75 minutes.
    options.out_of_order_window = std::time::Duration::from_secs(7200);
    Tsdb::open(disk, Arc::new(ManualClock::new(UnixNanos::from_millis(NOW_MS))), options).expect("open")
}

fn labels(kind: &str) -> Labels {
    Labels::from_pairs([("__name__", "golden"), ("kind", kind), ("job", "größe")])
}

/// The encodings: equal, decimal dense and sparse with exceptions, XOR; even and uneven times.
fn samples(kind: &str, from: i64, to: i64) -> Vec<(Labels, i64, f64)> {
    let sample = |i: i64| {
        let (t, v) = match kind {
            "equal" => (i * 15_000, 7.0),
            "dense" => (i * 15_000 + i % 3, i as f64 * 1.25),
            "sparse" if i == 50 => (i * 15_000, f64::from_bits(STALE_NAN)),
            "sparse" if i == 51 => (i * 15_000, -0.0),
            "sparse" => (i * 15_000, (i / 40) as f64),
            _ => (i * 15_000, (i as f64).sqrt()),
        };
        (labels(kind), NOW_MS - 6_000_000 + t, v)
    };
    (from..to).map(sample).collect()
}

const KINDS: [&str; 4] = ["dense", "equal", "sparse", "xor"];

/// A delta sum `golden.work` with an exemplar.
fn delta(t: i64) -> Vec<u8> {
    let mut w = Writer::new();
    w.message(1, |w| {
        w.message(1, |w| {
            w.message(1, |w| {
                w.string(1, "service.name");
                w.message(2, |w| w.string(1, "api"));
            });
        });
        w.message(2, |w| {
            w.message(2, |w| {
                w.string(1, "golden.work");
                w.string(2, "help");
                w.string(3, "s");
                w.message(7, |w| {
                    w.message(1, |w| {
                        w.fixed64(3, t as u64 * 1_000_000);
                        w.double(4, 0.5);
                        w.message(5, |w| {
                            w.fixed64(2, t as u64 * 1_000_000);
                            w.double(3, 0.25);
                            w.bytes(4, &[1; 8]);
                            w.bytes(5, &[2; 16]);
                        });
                    });
                    w.uint(2, 1);
                    w.uint(3, 1);
                });
            });
        });
    });
    w.as_bytes().to_vec()
}

/// Counters of which the start time is known: one began once, one anew after every 60 samples.
const COUNTERS: [&str; 2] = ["anew", "once"];

fn counter(kind: &str, i: i64) -> (i64, i64, f64) {
    let began = if kind == "once" { 0 } else { i / 60 * 60 };
    (NOW_MS - 6_001_000 + began * 15_000, NOW_MS - 6_000_000 + i * 15_000, (i - began) as f64)
}

fn counter_labels(kind: &str) -> Labels {
    Labels::from_pairs([("__name__", "golden_started_total"), ("kind", kind)])
}

fn count_since(db: &Tsdb, samples: std::ops::Range<i64>) {
    let mut batch = db.batch();
    for (kind, i) in COUNTERS.iter().flat_map(|kind| samples.clone().map(move |i| (kind, i))) {
        let (start, t, v) = counter(kind, i);
        batch.series_of(&counter_labels(kind)).since(start).sample(t, v);
    }
    db.append_batch_wait(batch).expect("append");
}

/// Series that are scraped together, at uneven times.
const SCRAPED: usize = 4;

fn scraped_labels(n: usize) -> Labels {
    Labels::from_pairs([("__name__", "golden_scraped"), ("n", &n.to_string())])
}

fn scraped_at(i: i64) -> i64 {
    NOW_MS - 6_000_000 + i * 15_000 + i * 37 % 11
}

/// The first half are floats, the others histograms.
fn scraped(n: usize) -> SeriesSamples {
    let mut out = SeriesSamples::default();
    for i in 0..150 {
        if n < SCRAPED / 2 {
            out.floats.push(Sample { t: scraped_at(i), v: (i * n as i64) as f64 });
        } else {
            let count = i as u64 * n as u64;
            let h = Histogram::<u64> { count, zero_count: count, sum: 0.5, ..Histogram::default() };
            out.histograms.push(HistogramSample {
                t: scraped_at(i),
                start_t: 0,
                value: HistogramValue::Int(Arc::new(h)),
            });
        }
    }
    out
}

fn scrape(db: &Tsdb) {
    let mut batch = db.batch();
    for n in 0..SCRAPED {
        let samples = scraped(n);
        for s in samples.floats {
            batch.series_of(&scraped_labels(n)).sample(s.t, s.v);
        }
        for h in samples.histograms {
            batch.series_of(&scraped_labels(n)).histogram(h.t, h.value);
        }
    }
    db.append_batch_wait(batch).expect("append");
}

fn ingest(db: &Tsdb, request: &[u8]) {
    let (batch, _) = db.decode(request).expect("well-formed");
    let (tx, rx) = std::sync::mpsc::sync_channel(1);
    db.append_batch(batch, Box::new(move |r| tx.send(r).expect("waiting")));
    rx.recv().expect("completed").expect("stored");
}

#[test]
#[ignore = "writes the golden files"]
fn write_golden_files() {
    let db = open(Arc::new(RealDisk), &golden_dir("v5"));
    count_since(&db, 0..300);
    for kind in KINDS {
        if kind == "equal" {
            scrape(&db);
        }
        assert_eq!(db.append_wait(samples(kind, 0, 300)).expect("append").samples, 300);
        db.flush().expect("flush");
    }
    while db.compact().expect("compact") > 0 {}
    assert_eq!(db.stats().blocks, 1);
    ingest(&db, &delta(NOW_MS - 1_000_000));
    db.flush().expect("flush");
    // These stay in the log.
    count_since(&db, 300..310);
    db.append_wait(samples("dense", 300, 310)).expect("append");
    ingest(&db, &delta(NOW_MS - 900_000));
}

/// The golden files on a disk in memory, so that opening them changes nothing.
fn copy(version: &str) -> SimDisk {
    let disk = SimDisk::new(1);
    for sub in ["", "wal"] {
        let to = Path::new("/golden").join(sub);
        disk.create_dir_all(&to).expect("folder");
        for from in RealDisk.list(&golden_dir(version).join(sub)).expect("list") {
            if let Ok(bytes) = RealDisk.read(&from) {
                let mut file = disk.create(&to.join(from.file_name().expect("name"))).expect("create");
                file.write_all(&bytes).expect("write");
            }
        }
    }
    disk
}

#[test]
fn version_1_opens() {
    opens("v1", (1, 5));
}

#[test]
fn version_2_opens() {
    opens("v2", (2, 5));
}

#[test]
fn version_3_opens() {
    opens("v3", (2, 5));
}

#[test]
fn version_4_opens() {
    has_start_times(&opens("v4", (2, 7)));
}

#[test]
fn version_5_opens() {
    let db = opens("v5", (2, 7 + SCRAPED as u64));
    has_start_times(&db);
    let matchers = [Matcher::new("__name__", MatchOp::Eq, "golden_scraped")];
    let found = db.select(&AccessScope::ALL, &matchers, (i64::MIN, i64::MAX), ReadLimits::default()).expect("select");
    assert_eq!(found.series.len(), SCRAPED);
    let mut scan = Scan::default();
    for (n, series) in found.series.iter().enumerate() {
        assert_eq!((series.labels(), series.read().expect("read")), (&scraped_labels(n), scraped(n)));
        series.scan(None, &mut scan).expect("scan");
        assert_eq!(scan.samples(), &scraped(n));
    }
}

fn has_start_times(db: &Tsdb) {
    let matchers = [Matcher::new("__name__", MatchOp::Eq, "golden_started_total")];
    let found = db.select(&AccessScope::ALL, &matchers, (i64::MIN, i64::MAX), ReadLimits::default()).expect("select");
    assert_eq!(found.series.len(), COUNTERS.len());
    for (series, kind) in found.series.iter().zip(COUNTERS) {
        let read = series.read().expect("read");
        let have: Vec<_> = read.floats.iter().zip(read.starts.iter()).map(|(s, start)| (start, s.t, s.v)).collect();
        assert_eq!(series.labels(), &counter_labels(kind));
        assert_eq!(have, (0..310).map(|i| counter(kind, i)).collect::<Vec<_>>());
    }
}

fn opens(version: &str, counts: (u64, u64)) -> Tsdb {
    let db = open(Arc::new(copy(version)), Path::new("/golden"));
    assert_eq!((db.stats().blocks, db.stats().block_series), counts);
    let all = (i64::MIN, i64::MAX);
    let matchers = [Matcher::new("job", MatchOp::Eq, "größe")];
    let found = db.select(&AccessScope::ALL, &matchers, all, ReadLimits::default()).expect("select");
    let found = found.collect().expect("collect");
    assert_eq!(found.len(), KINDS.len());
    for (series, kind) in found.iter().zip(KINDS) {
        let want = samples(kind, 0, if kind == "dense" { 310 } else { 300 });
        assert_eq!((&series.labels, series.samples.len()), (&labels(kind), want.len()));
        for (have, (_, t, v)) in series.samples.iter().zip(&want) {
            assert_eq!((have.t, have.v.to_bits()), (*t, v.to_bits()), "{kind}");
        }
    }
    let as_sent = [Matcher::new("__name__", MatchOp::Eq, "golden.work")];
    let found = db.select(&AccessScope::ALL, &as_sent, all, ReadLimits::default()).expect("select");
    let totals: Vec<f64> = found.collect().expect("collect")[0].samples.iter().map(|s| s.v).collect();
    assert_eq!(totals, [0.5, 1.0], "the delta total goes on from the snapshot");
    let exemplars = db.exemplars(&AccessScope::ALL, &as_sent, all, ReadLimits::default()).expect("exemplars");
    let e = &exemplars[0].exemplars[0];
    assert_eq!((e.value, e.trace_id, e.span_id), (0.25, TraceId([2; 16]), SpanId([1; 8])));
    assert_eq!(db.metadata()["golden_work_seconds_total"].kind, MetricType::Counter);
    db
}
