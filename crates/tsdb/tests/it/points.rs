//! What one sender can do with odd points: totals stay finite, points stay whole, texts stay short.

use std::sync::Arc;
use std::sync::mpsc::sync_channel;

use foundation::clock::{ManualClock, UnixNanos};
use foundation::disk::sim::SimDisk;
use model::AccessScope;
use tsdb::{Ingested, MatchOp, Matcher, Options, ReadLimits, Tsdb};
use wire::otlp::Decoded;
use wire::protobuf::Writer;

const NOW_MS: i64 = 1_700_000_000_000;
const DELTA: u64 = 1;
const CUMULATIVE: u64 = 2;

fn open(disk: &SimDisk, change: impl FnOnce(&mut Options)) -> Tsdb {
    let clock = Arc::new(ManualClock::new(UnixNanos::from_millis(NOW_MS)));
    let mut options = Options::new("/data/metrics");
    options.min_free_bytes = 0;
    change(&mut options);
    Tsdb::open(Arc::new(disk.clone()), clock, options).expect("open")
}

/// A metric named `name`; `data` writes its points into the data field.
fn metric(name: &str, unit: &str, help: &str, data_field: u32, data: impl FnOnce(&mut Writer)) -> Vec<u8> {
    let mut w = Writer::new();
    w.message(1, |w| {
        w.message(2, |w| {
            w.message(2, |w| {
                w.string(1, name);
                w.string(2, help);
                w.string(3, unit);
                w.message(data_field, data);
            });
        });
    });
    w.as_bytes().to_vec()
}

/// A monotonic sum with one point, to which `more` adds.
fn sum(name: &str, temporality: u64, t_ms: i64, v: f64, more: impl FnOnce(&mut Writer)) -> Vec<u8> {
    metric(name, "", "", 7, |w| {
        w.message(1, |w| {
            w.fixed64(3, t_ms as u64 * 1_000_000);
            w.double(4, v);
            more(w);
        });
        w.uint(2, temporality);
        w.uint(3, 1);
    })
}

fn ingest(db: &Tsdb, request: &[u8]) -> (Ingested, Decoded) {
    let (batch, decoded) = db.decode(request).expect("well-formed");
    let (tx, rx) = sync_channel(1);
    db.append_batch(batch, Box::new(move |r| tx.send(r).expect("waiting")));
    (rx.recv().expect("completed").expect("stored"), decoded)
}

fn last_values(db: &Tsdb, name: &str) -> Vec<f64> {
    let matchers = [Matcher::new("__name__", MatchOp::Eq, name)];
    let found = db.select(&AccessScope::ALL, &matchers, (i64::MIN, i64::MAX), ReadLimits::default()).expect("select");
    let last = |s: tsdb::SeriesData| s.samples.last().map(|s| s.v);
    found.collect().expect("collect").into_iter().filter_map(last).collect()
}

#[test]
fn a_delta_that_is_not_finite_is_refused_and_the_total_goes_on() {
    let disk = SimDisk::new(1);
    let db = open(&disk, |_| {});
    let point = |second: i64, v: f64| sum("work", DELTA, NOW_MS + second * 1000, v, |_| {});
    ingest(&db, &point(1, 2.0));
    for v in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let (stored, decoded) = ingest(&db, &point(2, v));
        assert_eq!((stored.samples, decoded.rejected), (0, 1), "{v}");
        let why = decoded.first_error.expect("why");
        assert!(why.contains("not a finite number"), "{why}");
    }
    ingest(&db, &point(2, 3.0));
    assert_eq!(last_values(&db, "work_total"), [5.0]);
    // Two finite increments whose total is not finite.
    ingest(&db, &point(3, f64::MAX));
    let (stored, _) = ingest(&db, &point(4, f64::MAX));
    assert!(stored.message().contains("not a finite number"), "{}", stored.message());
    drop(db);
    assert_eq!(last_values(&open(&disk, |_| {}), "work_total"), [f64::MAX]);
    // The value of a cumulative stream is the sender's word.
    let db = open(&disk, |_| {});
    ingest(&db, &sum("other", CUMULATIVE, NOW_MS, f64::INFINITY, |_| {}));
    assert_eq!(last_values(&db, "other_total"), [f64::INFINITY]);
}

/// A delta histogram with buckets up to 1, 2, and +Inf, each with one measurement; 5 series.
fn histogram(name: &str, t_ms: i64) -> Vec<u8> {
    metric(name, "", "", 9, |w| {
        w.message(1, |w| {
            w.fixed64(3, t_ms as u64 * 1_000_000);
            w.fixed64(4, 3);
            w.double(5, 4.5);
            (0..3).for_each(|_| w.fixed64(6, 1));
            [1.0, 2.0].iter().for_each(|b| w.double(7, *b));
        });
        w.uint(2, DELTA);
    })
}

#[test]
fn a_histogram_point_is_taken_whole_or_not_at_all() {
    let disk = SimDisk::new(2);
    let few = |o: &mut Options| o.max_series = 8;
    let db = open(&disk, few);
    assert_eq!(ingest(&db, &histogram("a", NOW_MS)).0.samples, 5);
    // There is room for three more series and the point needs five.
    let (refused, _) = ingest(&db, &histogram("b", NOW_MS));
    assert_eq!((refused.samples, refused.refused_points), (0, 1));
    assert!(refused.message().starts_with("the limit on series"), "{}", refused.message());
    assert!(refused.message().contains("(5 samples, first b_bucket{le=\"1\"})"), "{}", refused.message());
    assert_eq!((db.stats().head_series, db.stats().delta_streams), (5, 5));
    // A smaller point fits. Known series go on.
    assert_eq!(ingest(&db, &sum("c", DELTA, NOW_MS, 1.0, |_| {})).0.samples, 1);
    assert_eq!(ingest(&db, &histogram("a", NOW_MS + 1000)).0.samples, 5);
    // With room, the first point of `b` that counts is the one that is taken.
    assert!(db.flush().expect("flush"));
    assert_eq!(ingest(&db, &histogram("b", NOW_MS + 2000)).0.samples, 5);
    assert_eq!(last_values(&db, "b_count"), [3.0]);
    assert_eq!(last_values(&db, "b_bucket"), [3.0, 1.0, 2.0], "le +Inf, 1, 2");
    // A point that is not newer is refused whole too.
    let (late, _) = ingest(&db, &histogram("b", NOW_MS + 2000));
    assert_eq!((late.samples, late.refused_points), (0, 1));
    drop(db);
    let db = open(&disk, few);
    assert_eq!((last_values(&db, "b_count"), last_values(&db, "a_count")), (vec![3.0], vec![6.0]));
}

#[test]
fn an_exemplar_with_long_attributes_is_left_out_and_its_sample_is_kept() {
    let disk = SimDisk::new(3);
    let db = open(&disk, |_| {});
    let traced = |t_ms: i64, text: usize| {
        sum("work", CUMULATIVE, t_ms, 1.0, |w| {
            w.message(5, |w| {
                w.fixed64(2, t_ms as u64 * 1_000_000);
                w.double(3, 1.0);
                w.message(7, |w| {
                    w.string(1, "text");
                    w.message(2, |w| w.string(1, &"x".repeat(text)));
                });
            });
        })
    };
    let kept = |db: &Tsdb| {
        let matchers = [Matcher::new("__name__", MatchOp::Eq, "work_total")];
        let range = (i64::MIN, i64::MAX);
        let found = db.exemplars(&AccessScope::ALL, &matchers, range, ReadLimits::default()).expect("exemplars");
        found.iter().map(|s| s.exemplars.len()).sum::<usize>()
    };
    assert_eq!(ingest(&db, &traced(NOW_MS, 1021)).0.samples, 1);
    assert_eq!(kept(&db), 0, "1,025 bytes of names and values");
    let before = db.stats().head_bytes;
    assert_eq!(ingest(&db, &traced(NOW_MS + 1, 1020)).0.samples, 1);
    assert_eq!(kept(&db), 1);
    assert!(db.stats().head_bytes >= before + 1024, "exemplars count as memory");
}

#[test]
fn long_metric_names_have_no_metadata_and_long_texts_are_cut() {
    let disk = SimDisk::new(4);
    let db = open(&disk, |_| {});
    let gauge = |name: &str, unit: &str, help: &str| {
        metric(name, unit, help, 5, |w| {
            w.message(1, |w| {
                w.fixed64(3, NOW_MS as u64 * 1_000_000);
                w.double(4, 1.0);
            });
        })
    };
    let long = "n".repeat(1025);
    ingest(&db, &gauge(&long, "", ""));
    assert_eq!(last_values(&db, &long), [1.0], "its samples are kept");
    assert!(db.metadata().is_empty());
    // 1,023 bytes and then a character of two.
    let help = format!("{}\u{fc}{}", "x".repeat(1023), "y".repeat(5000));
    ingest(&db, &gauge("short", "", &help));
    assert_eq!(db.metadata()["short"].help, "x".repeat(1023));
    let unit = format!("{{{}", "u".repeat(2000));
    ingest(&db, &gauge("curly", &unit, ""));
    assert_eq!(db.metadata()["curly"].unit.len(), 1024);
    // A long name as sent leads nowhere, its stored name is known.
    let as_sent = format!("a.{}b", ".".repeat(1024));
    ingest(&db, &gauge(&as_sent, "", ""));
    assert_eq!((last_values(&db, "a_b"), last_values(&db, &as_sent).len()), (vec![1.0], 0));
    assert!(db.metadata().contains_key("a_b"));
    // One name as sent with many units: the first 16 stored names are found by it.
    (0..20).for_each(|i| drop(ingest(&db, &gauge("many.units", &format!("u{i}"), ""))));
    assert_eq!(last_values(&db, "many.units").len(), 16);
    assert_eq!(last_values(&db, "many_units_u19"), [1.0]);
}

#[test]
fn what_was_taken_at_the_limit_is_taken_again_by_a_replay_with_more_room() {
    let disk = SimDisk::new(5);
    let few = |o: &mut Options| o.max_series = 10;
    let db = open(&disk, few);
    (0..6).for_each(|i| drop(ingest(&db, &sum(&format!("a{i}"), CUMULATIVE, NOW_MS, 1.0, |_| {}))));
    drop(db);
    // Behind a restart the head has room for four; replay of this generation has room for ten, as two histograms take.
    let db = open(&disk, few);
    let points = [histogram("b", NOW_MS), histogram("c", NOW_MS)];
    points.iter().for_each(|p| assert_eq!(ingest(&db, p).0.samples, 0));
    let names: Vec<String> = (0..4).map(|i| format!("d{i}_total")).collect();
    names.iter().for_each(|n| drop(ingest(&db, &sum(n, CUMULATIVE, NOW_MS, 1.0, |_| {}))));
    let taken: Vec<_> = names.iter().filter(|n| !last_values(&db, n).is_empty()).collect();
    drop(db);
    let db = open(&disk, few);
    taken.iter().for_each(|n| assert_eq!(last_values(&db, n), [1.0], "{n}"));
    assert_eq!(last_values(&db, "a5_total"), [1.0]);
}
