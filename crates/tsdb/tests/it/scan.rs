//! Reading with a scan gives what reading without one gives, and what is left out was not needed.

use std::sync::Arc;

use foundation::clock::{ManualClock, UnixNanos};
use foundation::disk::sim::SimDisk;
use model::{AccessScope, Labels};
use proptest::prelude::*;
use tsdb::{Options, ReadLimits, Reduce, STALE_NAN, Scan, Tsdb};

const NOW_MS: i64 = 1_700_000_000_000;

/// Rises of a counter, falls, and the odd values.
fn value() -> impl Strategy<Value = f64> {
    prop_oneof![
        40 => (0i32..2000).prop_map(|n| f64::from(n) / 4.0),
        1 => Just(f64::from_bits(STALE_NAN)),
        1 => Just(f64::NAN),
        1 => Just(f64::NEG_INFINITY),
    ]
}

fn open(disk: &SimDisk) -> Tsdb {
    let mut options = Options::new("/data/metrics");
    options.min_free_bytes = 0;
    options.out_of_order_window = std::time::Duration::from_secs(86_400);
    Tsdb::open(Arc::new(disk.clone()), Arc::new(ManualClock::new(UnixNanos::from_millis(NOW_MS))), options)
        .expect("open")
}

fn number(v: f64) -> u64 {
    v.to_bits()
}

fn check(db: &Tsdb, range: (i64, i64)) {
    let set = db.select(&AccessScope::ALL, &[], range, ReadLimits::default()).expect("select");
    let mut scan = Scan::default();
    for series in &set.series {
        let all = series.read().expect("read");
        series.scan(None, &mut scan).expect("scan");
        assert_eq!((scan.samples(), scan.left_out()), (&all, 0));
        if series.scan_columns(None, &mut scan).expect("columns") {
            let (times, values) = scan.columns();
            let both = times.iter().zip(values).map(|(t, v)| tsdb::Sample { t: *t, v: *v });
            assert_eq!((both.collect::<Vec<_>>(), values.len()), (all.floats.clone(), all.floats.len()));
        }
        let floats = &all.floats;
        let (Some(first), Some(last)) = (floats.first(), floats.last()) else { continue };
        let mut reduced = |reduce| {
            series.scan(Some(reduce), &mut scan).expect("scan");
            (scan.samples().floats.clone(), scan.left_out())
        };
        let (newest, _) = reduced(Reduce::Newest);
        assert_eq!(newest.last(), Some(last));
        let (some, left_out) = reduced(Reduce::Number);
        assert_eq!(some.len() + left_out, floats.len());
        let (some, left_out) = reduced(Reduce::Rises);
        assert_eq!((some.first(), some.last(), some.len() + left_out), (Some(first), Some(last), floats.len()));
        let falls =
            |s: &[tsdb::Sample]| s.windows(2).filter(|w| w[1].v < w[0].v).map(|w| number(w[0].v)).collect::<Vec<_>>();
        assert_eq!(falls(&some), falls(floats));
        let most = |s: &[tsdb::Sample], f: fn(f64, f64) -> f64| s.iter().map(|s| s.v).reduce(f).map(number);
        let (some, _) = reduced(Reduce::Largest);
        assert_eq!(most(&some, f64::max), most(floats, f64::max));
        let (some, _) = reduced(Reduce::Smallest);
        assert_eq!(most(&some, f64::min), most(floats, f64::min));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]
    #[test]
    fn a_scan_is_a_read(
        parts in prop::collection::vec((prop::collection::vec(value(), 1..700), any::<bool>(), 0i64..4), 1..5),
        edges in prop::collection::vec((0i64..2_000_000, 0i64..2_000_000), 3),
    ) {
        let disk = SimDisk::new(1);
        let db = open(&disk);
        let start = NOW_MS - 4_000_000;
        let mut t = start;
        for (values, flushed, back) in parts {
            // Some parts begin before the end of the one before.
            t -= back * 7_001;
            for name in ["a", "b", "c"] {
                let labels = Labels::from_pairs([("__name__", name)]);
                let at = (0..).map(|i| t + i * 1000);
                db.append_wait(at.zip(&values).map(|(t, v)| (labels.clone(), t, *v)).collect()).expect("append");
            }
            t += values.len() as i64 * 1000;
            if flushed {
                db.flush().expect("flush");
            }
        }
        for merged in [false, true] {
            if merged {
                db.compact().expect("compact");
            }
            check(&db, (i64::MIN, i64::MAX));
            edges.iter().for_each(|(a, b)| check(&db, (start + a.min(b), start + a.max(b))));
        }
    }
}
