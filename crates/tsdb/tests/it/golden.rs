//! Files of each format version, written once and kept: every later build must open them.
//!
//! `cargo test -p tsdb --test it -- --ignored golden` writes those of the newest version anew. Version 1 has one block in
//! the first encodings; versions 2 and 3 one that was merged and one that was flushed.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use foundation::clock::{ManualClock, UnixNanos};
use foundation::disk::sim::SimDisk;
use foundation::disk::{Disk, RealDisk, SharedDisk};
use model::{AccessScope, Labels, SpanId, TraceId};
use tsdb::{MatchOp, Matcher, MetricType, Options, ReadLimits, STALE_NAN, Tsdb};
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

fn ingest(db: &Tsdb, request: &[u8]) {
    let (batch, _) = db.decode(request).expect("well-formed");
    let (tx, rx) = std::sync::mpsc::sync_channel(1);
    db.append_batch(batch, Box::new(move |r| tx.send(r).expect("waiting")));
    rx.recv().expect("completed").expect("stored");
}

#[test]
#[ignore = "writes the golden files"]
fn write_golden_files() {
    let db = open(Arc::new(RealDisk), &golden_dir("v3"));
    for kind in KINDS {
        assert_eq!(db.append_wait(samples(kind, 0, 300)).expect("append").samples, 300);
        db.flush().expect("flush");
    }
    assert_eq!(db.compact().expect("compact"), 4);
    ingest(&db, &delta(NOW_MS - 1_000_000));
    db.flush().expect("flush");
    // These stay in the log.
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
    opens("v1", 1);
}

#[test]
fn version_2_opens() {
    opens("v2", 2);
}

#[test]
fn version_3_opens() {
    opens("v3", 2);
}

fn opens(version: &str, blocks: u64) {
    let db = open(Arc::new(copy(version)), Path::new("/golden"));
    assert_eq!((db.stats().blocks, db.stats().block_series), (blocks, 5));
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
}
