//! Golden files of native histograms, batches in the log and snapshots of version 2: every later build must open them.
//!
//! `cargo test -p tsdb --test it golden_batch -- --ignored` writes them anew, for a new version beside the old one.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use foundation::clock::{ManualClock, UnixNanos};
use foundation::disk::sim::SimDisk;
use foundation::disk::{Disk, RealDisk, SharedDisk};
use model::AccessScope;
use model::histogram::{BucketSpan, CounterReset, Histogram};
use tsdb::{
    Exemplar, HistogramSample, HistogramValue, MatchOp, Matcher, Metadata, MetricType, Options, ReadLimits, Sample,
    SeriesSamples, Tsdb,
};

use super::histograms::delta;

const NOW_MS: i64 = 1_700_000_000_000;

fn golden_dir() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/v2-histograms")
}

fn open(disk: SharedDisk, dir: &Path) -> Tsdb {
    let mut options = Options::new(dir);
    options.retention = None;
    options.min_free_bytes = 0;
    Tsdb::open(disk, Arc::new(ManualClock::new(UnixNanos::from_millis(NOW_MS))), options).expect("open")
}

fn at(i: i64) -> i64 {
    NOW_MS - 900_000 + i * 15_000
}

fn whole(n: u64) -> Histogram<u64> {
    Histogram {
        schema: 3,
        zero_threshold: 1e-128,
        zero_count: n,
        count: 3 * n + 1,
        sum: n as f64 * 0.25,
        positive_spans: vec![BucketSpan { offset: -2, length: 1 }, BucketSpan { offset: 5, length: 1 }],
        positive: vec![n, 1],
        negative_spans: vec![BucketSpan { offset: 1, length: 1 }],
        negative: vec![n],
        custom_bounds: vec![],
        counter_reset: CounterReset::Unknown,
    }
}

fn custom(n: u64) -> Histogram<f64> {
    Histogram {
        schema: model::histogram::CUSTOM_BUCKETS_SCHEMA,
        count: n as f64 + 0.5,
        sum: 7.0,
        positive_spans: vec![BucketSpan { offset: 0, length: 2 }],
        positive: vec![n as f64, 0.5],
        custom_bounds: vec![0.5, 1.0],
        counter_reset: CounterReset::Gauge,
        ..Histogram::default()
    }
}

/// The histograms of round `i` of two series, one of which has a float at the end.
fn write(db: &Tsdb, rounds: std::ops::Range<i64>) {
    for i in rounds {
        let t = at(i);
        let mut batch = db.batch();
        let mut series = batch.series([("__name__", "golden_hist"), ("job", "größe")]);
        series.since(at(-1)).histogram(t, HistogramValue::Int(Arc::new(whole(i as u64))));
        series.exemplar(Exemplar::from_labels(t, 0.25, [("user", "7")]));
        let mut series = batch.series([("__name__", "golden_mixed")]);
        series.histogram(t, HistogramValue::Float(Arc::new(custom(i as u64)))).sample(t + 1, i as f64);
        let about = Metadata { kind: MetricType::GaugeHistogram, unit: "s".into(), help: "Golden.".into() };
        batch.metadata("golden_hist", about);
        assert_eq!(db.append_batch_wait(batch).expect("append").histograms, 2);
        let (batch, _) = db.decode(&delta(t - 15_000, t, 3)).expect("well-formed");
        assert_eq!(db.append_batch_wait(batch).expect("append").histograms, 1);
    }
}

#[test]
#[ignore = "writes the golden files"]
fn write_golden_batch_files() {
    let db = open(Arc::new(RealDisk), &golden_dir());
    write(&db, 0..40);
    db.flush().expect("flush");
    // These stay in the log.
    write(&db, 40..44);
}

fn read(db: &Tsdb, name: &str) -> SeriesSamples {
    let named = [Matcher::new("__name__", MatchOp::Eq, name)];
    let found = db.select(&AccessScope::ALL, &named, (i64::MIN, i64::MAX), ReadLimits::default()).expect("select");
    found.series[0].read().expect("read")
}

#[test]
fn histograms_of_version_2_open() {
    let disk = SimDisk::new(1);
    for sub in ["", "wal"] {
        let to = Path::new("/golden").join(sub);
        disk.create_dir_all(&to).expect("folder");
        for from in RealDisk.list(&golden_dir().join(sub)).expect("list") {
            if let Ok(bytes) = RealDisk.read(&from) {
                let mut file = disk.create(&to.join(from.file_name().expect("name"))).expect("create");
                file.write_all(&bytes).expect("write");
            }
        }
    }
    let db = open(Arc::new(disk), Path::new("/golden"));
    assert_eq!((db.stats().blocks, db.stats().head_series), (1, 3));
    let want: Vec<_> = (0..44)
        .map(|i| HistogramSample { t: at(i), start_t: at(-1), value: HistogramValue::Int(Arc::new(whole(i as u64))) })
        .collect();
    assert!(read(&db, "golden_hist") == SeriesSamples { histograms: want, ..SeriesSamples::default() });
    let mixed = read(&db, "golden_mixed");
    assert!(mixed.floats == (0..44).map(|i| Sample { t: at(i) + 1, v: i as f64 }).collect::<Vec<_>>());
    assert!((0..).zip(&mixed.histograms).all(|(i, h)| h.value == HistogramValue::Float(Arc::new(custom(i)))));
    let totals = read(&db, "lat").histograms;
    let count = |h: &HistogramSample| h.value.to_float().count;
    assert_eq!((totals.len(), totals.last().map(count)), (44, Some(44.0)), "the total goes on from the snapshot");
    assert_eq!(db.metadata()["golden_hist"].kind, MetricType::GaugeHistogram);
    let named = [Matcher::new("__name__", MatchOp::Eq, "golden_hist")];
    let exemplars = db.exemplars(&AccessScope::ALL, &named, (i64::MIN, i64::MAX), ReadLimits::default());
    assert_eq!(exemplars.expect("exemplars")[0].exemplars.last().map(|e| e.t), Some(at(43)));
}
