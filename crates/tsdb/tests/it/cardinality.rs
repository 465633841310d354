//! Top lists of series and how they grew, over head and blocks.

use std::sync::Arc;
use std::time::Duration;

use foundation::clock::{ManualClock, UnixNanos};
use foundation::disk::sim::SimDisk;
use model::Labels;
use tsdb::{Cardinal, Options, Tsdb};

const NOW_MS: i64 = 1_700_000_000_000;
const HOUR: Duration = Duration::from_secs(3600);

fn append(db: &Tsdb, t: i64, pods: usize) {
    let of = |name: &str, job: &str, pod: String| Labels::from_pairs([("__name__", name), ("job", job), ("pod", &pod)]);
    let mut samples: Vec<_> = (0..pods).map(|p| (of("requests_total", "api", format!("pod-{p}")), t, 1.0)).collect();
    samples.extend((0..2).map(|p| (of("up", "db", format!("pod-{p}")), t, 1.0)));
    assert_eq!(db.append_wait(samples).expect("append").samples as usize, pods + 2);
}

fn line(name: &str, now: u64, before: Option<u64>) -> Cardinal {
    Cardinal { name: name.into(), now, before }
}

#[test]
fn lists_say_what_grew() {
    let mut options = Options::new("/data/metrics");
    options.min_free_bytes = 0;
    let clock = Arc::new(ManualClock::new(UnixNanos::from_millis(NOW_MS)));
    let db = Tsdb::open(Arc::new(SimDisk::new(1)), clock, options).expect("open");
    assert_eq!(db.cardinality(HOUR, 10).expect("empty").series, 0);
    append(&db, NOW_MS - 3_700_000, 3);
    append(&db, NOW_MS - 3_500_000, 3);
    let first = db.cardinality(HOUR, 10).expect("cardinality");
    assert_eq!((first.series, first.series_before), (5, None), "nothing to compare with");
    db.flush().expect("flush");
    append(&db, NOW_MS, 40);
    let c = db.cardinality(HOUR, 2).expect("cardinality");
    assert_eq!((c.series, c.series_before, c.label_names, c.label_pairs), (42, Some(5), 3, 44));
    assert_eq!(c.metrics, [line("requests_total", 40, Some(3)), line("up", 2, Some(2))]);
    assert_eq!(c.jobs, [line("api", 40, Some(3)), line("db", 2, Some(2))]);
    assert_eq!(c.pairs, [line("__name__=requests_total", 40, Some(3)), line("job=api", 40, Some(3))]);
    assert_eq!(c.values, [line("pod", 40, Some(3)), line("__name__", 2, Some(2))]);
    assert_eq!(c.bytes[0], line("__name__", 14 * 40 + 2 * 2, None));
    db.flush().expect("flush");
    assert_eq!(db.cardinality(HOUR, 2).expect("cardinality").metrics, c.metrics, "the head was just frozen");
}
