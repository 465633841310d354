//! Every limit says that it was hit, and retention takes what is old.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use foundation::ErrorKind;
use foundation::clock::{ManualClock, UnixNanos};
use foundation::disk::Disk as _;
use foundation::disk::sim::SimDisk;
use model::{AccessScope, Labels};
use tsdb::{MatchOp, Matcher, Options, ReadLimits, Refusal, Tsdb, TsdbError};

const NOW_MS: i64 = 1_700_000_000_000;
const DAY_MS: i64 = 86_400_000;

fn clock() -> ManualClock {
    ManualClock::new(UnixNanos::from_millis(NOW_MS))
}

fn open(disk: &SimDisk, clock: &ManualClock, change: impl FnOnce(&mut Options)) -> Tsdb {
    let mut options = Options::new("/data/metrics");
    options.min_free_bytes = 0;
    change(&mut options);
    Tsdb::open(Arc::new(disk.clone()), Arc::new(clock.clone()), options).expect("open")
}

fn labels(i: usize) -> Labels {
    Labels::from_pairs([("__name__", "m"), ("i", &i.to_string())])
}

fn by_name() -> [Matcher; 1] {
    [Matcher::new("__name__", MatchOp::Eq, "m")]
}

fn count(db: &Tsdb) -> usize {
    let set = db.select(&AccessScope::ALL, &by_name(), (i64::MIN, i64::MAX), ReadLimits::default());
    set.expect("select").collect().expect("collect").len()
}

#[test]
fn a_series_too_many_is_refused_and_names_the_setting() {
    let (disk, clock) = (SimDisk::new(1), clock());
    let db = open(&disk, &clock, |o| o.max_series = 3);
    let stored = db.append_wait((0..5).map(|i| (labels(i), NOW_MS, 1.0)).collect()).expect("append");
    assert_eq!((stored.samples, stored.refused_points), (3, 2));
    let want =
        "the limit on series in memory is reached; remove labels or raise `max_series` (2 samples, first m{i=\"3\"})";
    assert_eq!(stored.message(), want);
    let again = db.append_wait(vec![(labels(0), NOW_MS + 1, 1.0)]).expect("append");
    assert_eq!(again.samples, 1, "known series go on");
}

#[test]
fn wrong_clocks_and_long_labels_are_refused() {
    let (disk, clock) = (SimDisk::new(2), clock());
    let db = open(&disk, &clock, |_| {});
    let year_2200 = 7_258_118_400_000;
    let long = Labels::from_pairs([("__name__", "m"), ("text", &*"x".repeat(70_000))]);
    let samples = vec![
        (labels(0), year_2200, 1.0),
        (labels(0), 0, 1.0),
        (long, NOW_MS, 1.0),
        (Labels::default(), NOW_MS, 1.0),
        (labels(0), NOW_MS, 1.0),
    ];
    let stored = db.append_wait(samples).expect("append");
    assert_eq!((stored.samples, stored.refused_points), (1, 4));
    let why: Vec<_> = stored.refusals.iter().map(|r| (r.0, r.2)).collect();
    assert_eq!(why, [(Refusal::OutOfBounds, 2), (Refusal::LabelsTooLong, 1), (Refusal::NoLabels, 1)]);
    drop(db);
    // Replay knows the rules of then, not of now.
    clock.set(UnixNanos::from_millis(year_2200));
    assert_eq!(count(&open(&disk, &clock, |_| {})), 1);
}

#[test]
fn a_query_stops_at_its_limits() {
    let (disk, clock) = (SimDisk::new(3), clock());
    let db = open(&disk, &clock, |_| {});
    for t in 0..10 {
        db.append_wait((0..10).map(|i| (labels(i), NOW_MS + t, 1.0)).collect()).expect("append");
    }
    let run = |limits: ReadLimits| {
        let set = db.select(&AccessScope::ALL, &by_name(), (i64::MIN, i64::MAX), limits)?;
        set.collect().map(|s| s.len())
    };
    assert_eq!(run(ReadLimits::default()).expect("enough"), 10);
    for (limits, message) in [
        (ReadLimits { max_series: 9, ..ReadLimits::default() }, "the query would read more than 9 series; narrow"),
        (ReadLimits { max_samples: 99, ..ReadLimits::default() }, "the query would read more than 99 samples; narrow"),
    ] {
        let e = run(limits).expect_err("limit");
        assert!(e.to_string().starts_with(message), "{e}");
        assert_eq!(e.kind(), ErrorKind::LimitExceeded);
    }
    let past = ReadLimits { deadline: Some(Instant::now()), ..ReadLimits::default() };
    assert!(matches!(run(past), Err(TsdbError::Timeout)));
    let cancel = Arc::new(AtomicBool::new(false));
    let limits = ReadLimits { cancel: Some(cancel.clone()), ..ReadLimits::default() };
    let set = db.select(&AccessScope::ALL, &by_name(), (i64::MIN, i64::MAX), limits).expect("not yet");
    cancel.store(true, Ordering::Relaxed);
    assert!(matches!(set.series[0].samples(), Err(TsdbError::Cancelled)));
}

#[test]
fn maintain_flushes_heads_that_pass_two_hours_of_the_clock() {
    let (disk, clock) = (SimDisk::new(4), clock());
    let db = open(&disk, &clock, |_| {});
    // Two days ago, at an even hour.
    let even = (NOW_MS - 2 * DAY_MS) / 7_200_000 * 7_200_000;
    let put = |i, t: i64| db.append_wait(vec![(labels(i), t, 1.0)]).expect("append");
    put(0, even + 3_600_000);
    assert!(!db.maintain().expect("maintain"), "one sample is no reason to flush");
    put(0, even + 7_199_999);
    assert!(!db.maintain().expect("maintain"));
    put(0, even + 7_200_000);
    assert!(db.maintain().expect("maintain"));
    // Late ones of the hours before do not make the next head long.
    put(0, even + 7_200_001);
    put(1, even + 7_000_000);
    assert!(!db.maintain().expect("maintain"));
    put(0, even + 14_400_000);
    assert!(db.maintain().expect("maintain"));
    // A head that has hardly begun goes on to the next multiple.
    put(0, even + 18_100_000);
    drop(db);
    let db = open(&disk, &clock, |_| {});
    let put = |i, t: i64| db.append_wait(vec![(labels(i), t, 1.0)]).expect("append");
    put(0, even + 21_600_000);
    assert!(!db.maintain().expect("maintain"));
    put(0, even + 28_800_000);
    assert!(db.maintain().expect("maintain"));
    assert_eq!(count(&db), 2);
}

#[test]
fn four_flushes_become_one_block_with_every_sample() {
    let (disk, clock) = (SimDisk::new(5), clock());
    let db = open(&disk, &clock, |_| {});
    for t in 0..4 {
        db.append_wait((0..600).map(|i| (labels(i), NOW_MS + t, t as f64)).collect()).expect("append");
        db.flush().expect("flush");
    }
    assert_eq!(db.compact().expect("compact"), 4);
    assert_eq!(db.compact().expect("compact"), 0);
    let stats = db.stats();
    assert_eq!((stats.blocks, stats.block_series, stats.block_samples), (1, 600, 2400));
    drop(db);
    let db = open(&disk, &clock, |_| {});
    assert_eq!((count(&db), db.stats().block_samples), (600, 2400));
}

#[test]
fn replay_holds_the_series_limit_and_takes_what_was_taken() {
    let (disk, clock) = (SimDisk::new(6), clock());
    let limit = |o: &mut Options| o.max_series = 3;
    let db = open(&disk, &clock, limit);
    let stored = db.append_wait((0..5).map(|i| (labels(i), NOW_MS, 1.0)).collect()).expect("append");
    assert_eq!((stored.samples, stored.refused_points), (3, 2));
    drop(db);
    let db = open(&disk, &clock, limit);
    assert_eq!(count(&db), 3, "the refused series are in the log, and stay refused");
    // A head that cannot be stored, and one more behind it: both were taken, each up to the limit.
    disk.fail_writes_after(0);
    db.flush().expect_err("full");
    disk.heal();
    let stored = db.append_wait((10..15).map(|i| (labels(i), NOW_MS, 1.0)).collect()).expect("append");
    assert_eq!((stored.samples, stored.refused_points), (3, 2));
    drop(db);
    let db = open(&disk, &clock, limit);
    assert_eq!(count(&db), 6);
    assert!(db.maintain().expect("maintain"), "two heads in one leave memory at once");
}

#[test]
fn a_head_that_cannot_leave_memory_refuses_until_it_can() {
    let (disk, clock) = (SimDisk::new(7), clock());
    let db = open(&disk, &clock, |o| o.head_bytes_max = 50_000);
    let append = |i: usize| db.append_wait(vec![(labels(i), NOW_MS, 1.0)]);
    (0..20).for_each(|i| drop(append(i).expect("there is room")));
    disk.fail_writes_after(0);
    db.flush().expect_err("full");
    disk.heal();
    let e = (20..10_000).find_map(|i| append(i).err()).expect("a ceiling");
    let TsdbError::MemoryFull { held, max } = e else { panic!("{e}") };
    assert!((100_000..110_000).contains(&held) && max == 100_000, "{held} of {max}");
    assert!(matches!(e.kind(), ErrorKind::Unavailable { .. }), "{e}");
    assert!(e.to_string().contains("cannot be written to disk fast enough"), "{e}");
    let logged = db.stats().wal.records;
    append(0).expect_err("full");
    assert_eq!(db.stats().wal.records, logged, "what is refused is not logged");
    assert!(db.maintain().expect("maintain"));
    append(20_000).expect("there is room again");
}

#[test]
fn open_samples_are_counted_as_they_lie_in_memory() {
    let (disk, clock) = (SimDisk::new(8), clock());
    let db = open(&disk, &clock, |_| {});
    db.append_wait(vec![(labels(0), NOW_MS, 1.0)]).expect("append");
    let one = db.stats().head_bytes;
    db.append_wait((1..60).map(|t| (labels(0), NOW_MS + t, t as f64)).collect()).expect("append");
    assert!(db.stats().head_bytes - one >= 60, "{} after {one}", db.stats().head_bytes);
}

#[test]
fn a_damaged_chunk_stops_only_the_compaction_of_its_block() {
    let (disk, clock) = (SimDisk::new(9), clock());
    let db = open(&disk, &clock, |_| {});
    for t in 0..6 {
        db.append_wait((0..10).map(|i| (labels(i), NOW_MS + t, t as f64)).collect()).expect("append");
        db.flush().expect("flush");
    }
    let dir = Path::new("/data/metrics");
    let mut files = disk.list(dir).expect("list");
    files.retain(|p| p.to_string_lossy().contains("block-"));
    // Behind magic and version lies the first chunk.
    drop(db);
    disk.flip_bit(&files[1], 14, 1).expect("flip");
    let db = open(&disk, &clock, |_| {});
    let e = db.compact().expect_err("damaged");
    assert!(e.to_string().contains(&*files[1].to_string_lossy()), "{e}");
    assert_eq!(db.compact().expect("the others go on"), 4);
    assert_eq!(db.compact().expect("nothing more to do"), 0);
    assert_eq!((db.stats().blocks, db.stats().block_samples), (3, 60), "the damaged block is kept");
}

#[test]
fn limits_by_what_a_series_is_refuse_new_ones_by_name() {
    let (disk, clock) = (SimDisk::new(21), clock());
    let limit = |o: &mut Options| {
        o.series_limits = tsdb::SeriesLimits {
            series_per_metric: Some(2),
            series_per_job: Some(3),
            labels: Some(3),
            label_name_bytes: Some(8),
            label_value_bytes: Some(5),
        };
        o.drop_series =
            vec![vec![Matcher::new("__name__", MatchOp::Re, "go_.*"), Matcher::new("job", MatchOp::Ne, "b")]];
    };
    let db = open(&disk, &clock, limit);
    let mut batch = db.batch();
    for i in ["1", "2", "3"] {
        batch.series([("__name__", "m"), ("job", "a"), ("i", i)]).sample(NOW_MS, 1.0);
    }
    batch.series([("__name__", "n"), ("job", "a")]).sample(NOW_MS, 1.0);
    batch.series([("__name__", "o"), ("job", "a")]).sample(NOW_MS, 1.0).sample(NOW_MS + 1, 1.0);
    batch.series([("__name__", "p"), ("a", "1"), ("b", "1"), ("c", "1")]).sample(NOW_MS, 1.0);
    batch.series([("__name__", "p"), ("name_long", "1")]).sample(NOW_MS, 1.0);
    batch.series([("__name__", "p"), ("a", "value_long")]).sample(NOW_MS, 1.0);
    batch.series([("__name__", "go_x"), ("job", "a")]).sample(NOW_MS, 1.0);
    batch.series([("__name__", "go_x"), ("job", "b")]).sample(NOW_MS, 1.0);
    let stored = db.append_batch_wait(batch).expect("stored");
    assert_eq!((stored.samples, stored.dropped, db.stats().head_series), (4, 1, 4));
    let why: Vec<_> = stored.refusals.iter().map(|r| (r.0, r.1.as_str(), r.2)).collect();
    let want = [
        (Refusal::MetricLimit, r#"m{i="3", job="a"}"#, 1),
        (Refusal::JobLimit, r#"o{job="a"}"#, 2),
        (Refusal::TooManyLabels, r#"p{a="1", b="1", c="1"}"#, 1),
        (Refusal::LabelNameTooLong, r#"p{name_long="1"}"#, 1),
        (Refusal::LabelValueTooLong, r#"p{a="value_long"}"#, 1),
    ];
    assert_eq!(why, want);
    let counted: Vec<(&str, u64)> = db.refused().into_iter().collect();
    let names = ["dropped", "job_series_limit", "label_limit", "label_name_length_limit", "label_value_length_limit"];
    assert_eq!(
        counted,
        [(names[0], 1), (names[1], 2), (names[2], 1), (names[3], 1), (names[4], 1), ("metric_series_limit", 1)]
    );
    // What is known goes on, after a restart under smaller limits too.
    drop(db);
    let db = open(&disk, &clock, |o| {
        limit(o);
        o.max_series = 1;
    });
    assert_eq!(db.stats().head_series, 4, "what was acknowledged is taken again");
    let mut batch = db.batch();
    batch.series([("__name__", "m"), ("job", "a"), ("i", "2")]).sample(NOW_MS + 2, 1.0);
    batch.series([("__name__", "q")]).sample(NOW_MS + 2, 1.0);
    let stored = db.append_batch_wait(batch).expect("stored");
    assert_eq!((stored.samples, stored.refusals[0].0), (1, Refusal::SeriesLimit));
}

#[test]
fn a_series_that_is_behind_the_others_goes_on_in_order_without_a_window() {
    let (disk, clock) = (SimDisk::new(22), clock());
    let db = open(&disk, &clock, |o| {
        o.out_of_order_window = std::time::Duration::ZERO;
        o.block_span = std::time::Duration::from_secs(200);
    });
    let at = |series, t: i64, v| db.append_wait(vec![(labels(series), NOW_MS + t, v)]).expect("append");
    let why = |i: tsdb::Ingested| i.refusals.first().map(|r| r.0);
    assert_eq!(why(at(0, 0, 1.0)), None);
    assert_eq!(why(at(1, -90_000, 1.0)), None, "half a block behind");
    assert_eq!(why(at(1, -89_000, 1.0)), None);
    assert_eq!(why(at(1, -89_000, 1.0)), None, "the same again");
    assert_eq!(why(at(1, -89_000, 2.0)), Some(Refusal::Duplicate));
    assert_eq!(why(at(1, -90_000, 1.0)), Some(Refusal::OutOfOrder));
    assert_eq!(why(at(1, -101_000, 1.0)), Some(Refusal::OutOfBounds));
    assert_eq!(why(at(2, -101_000, 1.0)), Some(Refusal::OutOfBounds), "a new series too");
}
