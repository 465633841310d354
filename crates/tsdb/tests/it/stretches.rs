//! Statistics of chunks stand for the samples that they leave undecoded.

use std::sync::Arc;
use std::time::Duration;

use foundation::clock::{ManualClock, UnixNanos};
use foundation::disk::sim::SimDisk;
use model::{AccessScope, Labels};
use tsdb::{Options, ReadLimits, Stretch, Tsdb};

const NOW_MS: i64 = 1_700_000_000_000;

fn open() -> Tsdb {
    let mut options = Options::new("/data/metrics");
    options.out_of_order_window = Duration::from_secs(86_400 * 10);
    options.min_free_bytes = 0;
    let clock = Arc::new(ManualClock::new(UnixNanos::from_millis(NOW_MS)));
    Tsdb::open(Arc::new(SimDisk::new(1)), clock, options).expect("open")
}

/// A counter that begins anew after every 700 samples.
fn sample(i: i64) -> (Labels, i64, f64) {
    (Labels::from_pairs([("__name__", "m")]), NOW_MS - 6_000_000 + i * 1000, (i % 700) as f64 * 0.5)
}

/// What the stretches of a range add up to: samples, their sum, the increase, how many samples were not decoded.
fn totals(db: &Tsdb, (min, max): (i64, i64)) -> (usize, f64, f64, usize) {
    let set = db.select(&AccessScope::ALL, &[], (i64::MIN, i64::MAX), ReadLimits::default()).expect("select");
    let (mut count, mut sum, mut increase, mut skipped) = (0, 0.0, 0.0, 0);
    let mut last: Option<f64> = None;
    let mut grow = |first: f64, within: f64, end: f64| {
        increase += within + last.map_or(0.0, |l| if first < l { first } else { first - l });
        last = Some(end);
    };
    for stretch in set.series[0].stretches(min, max).expect("stretches") {
        match stretch {
            Stretch::Stats(s) => {
                assert!(min <= s.first_t && s.last_t <= max);
                count += s.count as usize;
                skipped += s.count as usize;
                sum += s.sum;
                // A reset adds the value before it: the counter began at 0 again.
                grow(s.first, s.counter.expect("a counter").increase, s.last);
            }
            Stretch::Samples(s) => {
                count += s.floats.len();
                s.floats.iter().for_each(|s| {
                    sum += s.v;
                    grow(s.v, 0.0, s.v);
                });
            }
        }
    }
    (count, sum, increase, skipped)
}

fn naive((min, max): (i64, i64), samples: i64) -> (usize, f64, f64) {
    let inside: Vec<f64> = (0..samples).map(sample).filter(|(_, t, _)| min <= *t && *t <= max).map(|s| s.2).collect();
    let grow = |w: &[f64]| if w[1] < w[0] { w[1] } else { w[1] - w[0] };
    (inside.len(), inside.iter().sum(), inside.windows(2).map(grow).sum())
}

#[test]
fn stretches_add_up_to_the_samples() {
    let db = open();
    let samples = 3600;
    let check = |db: &Tsdb, undecoded: usize| {
        for (from, to) in [(0, samples), (1, samples - 1), (333, 2911), (700, 701), (500, 510)] {
            let range = (sample(from).1, sample(to - 1).1);
            let (count, sum, increase, _) = totals(db, range);
            assert_eq!((count, sum, increase), naive(range, samples), "{from}..{to}");
        }
        assert_eq!(totals(db, (i64::MIN, i64::MAX)).3, undecoded);
    };
    // Every tenth sample comes late, in a block of its own that overlaps the others.
    for part in 0..3 {
        db.append_wait((part * 1200..(part + 1) * 1200).filter(|i| i % 10 != 0 || *i >= 1200).map(sample).collect())
            .expect("append");
        db.flush().expect("flush");
    }
    db.append_wait((0..1200).filter(|i| i % 10 == 0).map(sample).collect()).expect("append");
    db.flush().expect("flush");
    check(&db, 2400);
    assert_eq!(db.compact().expect("compact"), 4);
    check(&db, 3600);
}
