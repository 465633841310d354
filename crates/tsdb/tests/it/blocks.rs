//! What becomes of blocks: levels, retention by size, damage, a disk that is nearly full.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use foundation::clock::{ManualClock, UnixNanos};
use foundation::disk::Disk as _;
use foundation::disk::sim::SimDisk;
use model::{AccessScope, Labels};
use tsdb::{MatchOp, Matcher, Options, Partial, ReadLimits, Tsdb, TsdbError};

/// The beginning of a day, so that windows begin here.
const DAY_MS: i64 = 1_700_006_400_000;
const HOUR_MS: i64 = 3_600_000;
const DIR: &str = "/data/metrics";

fn open(disk: &SimDisk, change: impl FnOnce(&mut Options)) -> Tsdb {
    let mut options = Options::new(DIR);
    options.min_free_bytes = 0;
    options.retention = None;
    options.out_of_order_window = Duration::from_secs(3600);
    options.future_tolerance = Duration::from_secs(1 << 30);
    change(&mut options);
    let clock = ManualClock::new(UnixNanos::from_millis(DAY_MS));
    Tsdb::open(Arc::new(disk.clone()), Arc::new(clock), options).expect("open")
}

fn labels(series: i64) -> Labels {
    Labels::from_pairs([("__name__", "m"), ("series", &series.to_string())])
}

/// Two hours of minutes of three series, as a block.
fn flush_two_hours(db: &Tsdb, from_hour: i64) {
    let at = |i: i64| DAY_MS + from_hour * HOUR_MS + i * 60_000;
    let samples = (0..120).flat_map(|i| (0..3).map(move |s| (labels(s), at(i), (i * s) as f64)));
    db.append_wait(samples.collect()).expect("append");
    assert!(db.flush().expect("flush"));
}

fn samples(db: &Tsdb, limits: ReadLimits) -> Result<usize, TsdbError> {
    let set =
        db.select(&AccessScope::ALL, &[Matcher::new("__name__", MatchOp::Eq, "m")], (i64::MIN, i64::MAX), limits)?;
    Ok(set.collect()?.iter().map(|s| s.samples.len()).sum())
}

fn block_files(disk: &SimDisk) -> Vec<PathBuf> {
    let files = disk.list(Path::new(DIR)).expect("list");
    files.into_iter().filter(|p| p.to_string_lossy().contains("block-")).collect()
}

#[test]
fn two_hours_become_twelve_then_three_days() {
    let disk = SimDisk::new(1);
    let db = open(&disk, |_| {});
    let mut written = 0;
    for hour in (0..24 * 5).step_by(2) {
        flush_two_hours(&db, hour);
        written += 360;
        while db.compact().expect("compact") > 0 {}
    }
    let blocks = db.stats().blocks;
    assert_eq!(blocks, 9, "2 of three days, one of twelve hours, and six of two hours that may still get late samples");
    assert_eq!(samples(&db, ReadLimits::default()).expect("samples"), written);
    drop(db);
    assert_eq!(samples(&open(&disk, |_| {}), ReadLimits::default()).expect("samples"), written);
}

#[test]
fn a_damaged_chunk_makes_the_answer_partial_and_says_why() {
    let disk = SimDisk::new(3);
    let db = open(&disk, |_| {});
    (0..2).for_each(|i| flush_two_hours(&db, i * 2));
    drop(db);
    // Behind magic and version lies the first chunk.
    disk.flip_bit(&block_files(&disk)[0], 14, 1).expect("flip");
    let db = open(&disk, |_| {});
    assert!(matches!(samples(&db, ReadLimits::default()), Err(TsdbError::Damaged { .. })), "nobody to tell");
    let partial = Partial::default();
    let limits = ReadLimits { partial: Some(partial.clone()), ..ReadLimits::default() };
    assert_eq!(samples(&db, limits.clone()).expect("the rest"), 5 * 120);
    assert!(!partial.is_whole());
    let reasons = partial.reasons();
    assert!(reasons.len() == 1 && reasons[0].contains("is damaged at byte 12: a chunk"), "{reasons:?}");
    assert_eq!(db.stats().damaged_blocks, 1);
    let set = db.select(&AccessScope::ALL, &[], (i64::MIN, i64::MAX), limits).expect("select");
    let stretches = set.series.iter().map(|s| s.stretches(i64::MIN, i64::MAX).expect("stretches").len());
    assert_eq!(stretches.sum::<usize>(), 6, "statistics do not need the chunk");
}

#[test]
fn a_block_that_does_not_open_is_named_in_every_answer() {
    let disk = SimDisk::new(4);
    let db = open(&disk, |_| {});
    (0..2).for_each(|i| flush_two_hours(&db, i * 2));
    drop(db);
    disk.flip_bit(&block_files(&disk)[0], 3, 1).expect("flip");
    let db = open(&disk, |_| {});
    let partial = Partial::default();
    let limits = ReadLimits { partial: Some(partial.clone()), ..ReadLimits::default() };
    assert_eq!(samples(&db, limits.clone()).expect("the rest"), 360);
    assert!(partial.reasons()[0].contains("does not begin as a block does"), "{:?}", partial.reasons());
    let other = Partial::default();
    let limits = ReadLimits { partial: Some(other.clone()), ..limits };
    let values = db.label_values(&AccessScope::ALL, "series", &[], (i64::MIN, i64::MAX), limits).expect("values");
    assert_eq!((values.len(), other.is_whole()), (3, false));
    assert_eq!(db.stats().damaged_blocks, 1);
}

#[test]
fn blocks_are_not_merged_into_a_full_disk() {
    let disk = SimDisk::new(5);
    let db = open(&disk, |_| {});
    (0..8).for_each(|i| flush_two_hours(&db, i * 2));
    disk.fail_writes_after(db.stats().block_bytes / 2);
    assert_eq!(db.compact().expect("nothing to do"), 0);
    disk.heal();
    assert_eq!(db.compact().expect("compact"), 6);
}
