//! Samples from before the head become blocks: all of them, once, in windows of their own.

use std::sync::Arc;
use std::time::Duration;

use foundation::clock::{ManualClock, UnixNanos};
use foundation::disk::sim::SimDisk;
use model::AccessScope;
use tsdb::{Backfilled, MatchOp, Matcher, Metadata, MetricType, Options, ReadLimits, Refusal, Tsdb};

const HOUR_MS: i64 = 3_600_000;
/// An even twelve hours.
const NOW_MS: i64 = 1_699_963_200_000 + 36 * HOUR_MS;

fn open(disk: &SimDisk) -> Tsdb {
    let mut options = Options::new("/data/metrics");
    options.min_free_bytes = 0;
    options.retention = Some(Duration::from_secs(10 * 86_400));
    Tsdb::open(Arc::new(disk.clone()), Arc::new(ManualClock::new(UnixNanos::from_millis(NOW_MS))), options)
        .expect("open")
}

/// A sample a minute of each series, over the two days before now and a quarter of an hour, newest first.
fn fill(db: &Tsdb, bytes_max: usize) -> (Backfilled, u64) {
    let mut backfill = db.backfill(bytes_max);
    let mut stored = 0;
    for hour in (0..48).rev() {
        let mut batch = backfill.batch();
        for series in 0..3 {
            let name = series.to_string();
            let mut series = batch.series([("__name__", "old_total"), ("series", &name)]);
            for minute in 0..60 {
                let i = hour * 60 + minute;
                series.since(NOW_MS - 50 * HOUR_MS).sample(NOW_MS - 49 * HOUR_MS + i * 60_000, i as f64);
            }
        }
        let about = Metadata { kind: MetricType::Counter, unit: String::new(), help: "Old.".into() };
        batch.metadata("old_total", about);
        let done = backfill.append(batch).expect("append");
        assert_eq!(done.message(), "");
        stored += done.samples;
    }
    (backfill.finish().expect("finish"), stored)
}

fn read(db: &Tsdb) -> Vec<Vec<(i64, f64)>> {
    let named = [Matcher::new("__name__", MatchOp::Eq, "old_total")];
    let found = db.select(&AccessScope::ALL, &named, (i64::MIN, i64::MAX), ReadLimits::default()).expect("select");
    let samples = |s: &tsdb::SeriesHandle| {
        let read = s.read().expect("read");
        assert_eq!(read.starts.of_all(read.floats.len()), Some(NOW_MS - 50 * HOUR_MS));
        read.floats.iter().map(|s| (s.t, s.v)).collect()
    };
    found.series.iter().map(samples).collect()
}

#[test]
fn old_samples_become_a_block_for_each_window() {
    let want: Vec<(i64, f64)> = (0..2880).map(|i| (NOW_MS - 49 * HOUR_MS + i * 60_000, i as f64)).collect();
    for bytes_max in [1 << 30, 20_000] {
        let mut disk = SimDisk::new(1);
        let db = open(&disk);
        db.append_wait(vec![(model::Labels::from_pairs([("__name__", "up")]), NOW_MS - 60_000, 1.0)]).expect("append");
        let (done, stored) = fill(&db, bytes_max);
        assert_eq!((done.samples, stored), (3 * 2880, 3 * 2880));
        assert_eq!((done.blocks == 5, done.blocks >= 5), (bytes_max == 1 << 30, true), "{done:?}");
        assert_eq!(read(&db), vec![want.clone(); 3]);
        assert_eq!(db.metadata()["old_total"].help, "Old.");
        // A second time changes nothing, nor does a power cut or a merge.
        fill(&db, bytes_max);
        assert_eq!(read(&db), vec![want.clone(); 3]);
        drop(db);
        disk = disk.crash();
        let db = open(&disk);
        assert_eq!((read(&db), db.stats().head_series), (vec![want.clone(); 3], 1));
        while db.compact().expect("compact") > 0 {}
        assert_eq!(read(&db), vec![want.clone(); 3]);
        assert_eq!(db.metadata()["old_total"].help, "Old.");
    }
}

#[test]
fn what_the_head_has_and_what_retention_removes_is_refused() {
    let disk = SimDisk::new(1);
    let db = open(&disk);
    db.append_wait(vec![(model::Labels::from_pairs([("__name__", "up")]), NOW_MS - 60_000, 1.0)]).expect("append");
    let mut backfill = db.backfill(1 << 20);
    assert_eq!(backfill.bounds(), (NOW_MS - 240 * HOUR_MS, NOW_MS - 60_001));
    let mut batch = backfill.batch();
    for t in [NOW_MS - 60_000, NOW_MS - 60_001, NOW_MS - 240 * HOUR_MS - 1] {
        batch.series([("__name__", "old_total")]).sample(t, 1.0);
    }
    let done = backfill.append(batch).expect("append");
    assert_eq!((done.samples, done.refusals[0].0, done.refusals[0].2), (1, Refusal::OutOfBounds, 2));
    assert_eq!(backfill.finish().expect("finish").samples, 1);
}
