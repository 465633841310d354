//! Rules that aggregate on the way in: what is stored, what is counted, and what a crash leaves.

use std::sync::Arc;
use std::time::Duration;

use foundation::clock::{ManualClock, UnixNanos};
use foundation::disk::sim::SimDisk;
use model::{AccessScope, Labels};
use tsdb::{AggregateRule, KeepLabels, MatchOp, Matcher, Options, ReadLimits, Tsdb};

const T0: i64 = 1_700_000_040_000;

fn open(disk: &SimDisk) -> Tsdb {
    let rule = AggregateRule {
        matchers: vec![Matcher::new("__name__", MatchOp::Eq, "hits_total")],
        keep: KeepLabels::By(vec!["job".into()]),
        interval: Duration::from_secs(60),
        counters: None,
    };
    let options = Options { aggregate: vec![rule], min_free_bytes: 0, ..Options::new("/data/metrics") };
    let clock = Arc::new(ManualClock::new(UnixNanos::from_millis(T0 + 3_600_000)));
    Tsdb::open(Arc::new(disk.clone()), clock, options).expect("open")
}

/// Two pods that count one a second each, every 15 s from `from` to `to` (seconds).
fn send(db: &Tsdb, from: i64, to: i64) {
    for t in (from..to).step_by(15) {
        let series = |pod: &str| Labels::from_pairs([("__name__", "hits_total"), ("job", "a"), ("pod", pod)]);
        let samples = ["x", "y"].map(|pod| (series(pod), T0 + t * 1000, t as f64));
        let other = (Labels::from_pairs([("__name__", "up"), ("pod", "x")]), T0 + t * 1000, 1.0);
        let stored = db.append_wait(samples.into_iter().chain([other]).collect()).expect("append");
        assert_eq!((stored.samples, stored.aggregated, stored.refused_points), (3, 2, 0));
    }
}

fn read(db: &Tsdb) -> Vec<(String, Vec<(i64, f64)>)> {
    let named = [Matcher::new("__name__", MatchOp::Eq, "hits_total")];
    let found = db.select(&AccessScope::ALL, &named, (i64::MIN, i64::MAX), ReadLimits::default()).expect("select");
    let one = |s: tsdb::SeriesData| {
        (s.labels.to_string(), s.samples.iter().map(|s| ((s.t - T0) / 1000, s.v)).collect::<Vec<_>>())
    };
    found.collect().expect("collect").into_iter().map(one).collect()
}

#[test]
fn only_the_sum_is_stored_and_it_survives_crashes_and_flushes() {
    let disk = SimDisk::new(1);
    let db = open(&disk);
    send(&db, 0, 150);
    assert_eq!(db.refused().get("aggregated"), Some(&20));
    // Minutes are multiples of 60 s: T0 is one.
    let minutes = |n: i64| (0..=n).map(|m| (m * 60, (m * 120) as f64)).collect::<Vec<_>>();
    let told = read(&db);
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].0, "hits_total{job=\"a\"}");
    assert_eq!(told[0].1, minutes(2));
    // A crash without a flush: the log tells the same again.
    let disk = disk.crash();
    drop(db);
    let db = open(&disk);
    assert_eq!(read(&db)[0].1, minutes(2));
    send(&db, 150, 200);
    assert_eq!(read(&db)[0].1, minutes(3));
    // A flush and a crash: the snapshot goes on where it was.
    assert!(db.flush().expect("flush"));
    let disk = disk.crash();
    drop(db);
    let db = open(&disk);
    send(&db, 210, 260);
    assert_eq!(read(&db)[0].1, minutes(4));
}

#[test]
fn a_series_that_is_called_as_its_sum_goes_into_it() {
    let disk = SimDisk::new(2);
    let db = open(&disk);
    // One a second each; the first has no label that goes.
    let pods =
        [&[("__name__", "hits_total"), ("job", "a")][..], &[("__name__", "hits_total"), ("job", "a"), ("pod", "y")]];
    let send = |db: &Tsdb, from: i64, to: i64| {
        for t in (from..to).step_by(15) {
            let sample = |labels: &[(&'static str, &'static str)]| {
                (Labels::from_pairs(labels.iter().copied()), T0 + t * 1000, (1000 + t) as f64)
            };
            let stored = db.append_wait(pods.into_iter().map(sample).collect()).expect("append");
            assert_eq!((stored.samples, stored.aggregated, stored.refused_points), (2, 2, 0), "{t}");
        }
    };
    let minutes =
        |n: i64| vec![("hits_total{job=\"a\"}".to_owned(), (0..=n).map(|m| (m * 60, (m * 120) as f64)).collect())];
    send(&db, 0, 200);
    assert_eq!(read(&db), minutes(3));
    let disk = disk.crash();
    drop(db);
    let db = open(&disk);
    assert_eq!(read(&db), minutes(3), "as the log tells");
    send(&db, 210, 260);
    assert!(db.flush().expect("flush"));
    send(&db, 270, 320);
    assert_eq!(read(&db), minutes(5));
}
