//! The engine against a naive model: random appends, flushes, compactions and restarts, then every sample compared.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use foundation::clock::{ManualClock, UnixNanos};
use foundation::disk::SharedDisk;
use foundation::disk::sim::SimDisk;
use model::{AccessScope, Labels};
use proptest::prelude::*;
use tsdb::{MatchOp, Matcher, Options, ReadLimits, Sample, Tsdb};

const NOW_MS: i64 = 1_700_000_000_000;
const WINDOW_MS: i64 = 600_000;

#[derive(Debug, Clone)]
enum Step {
    /// Series and time offsets (ms before or after the newest so far) with values.
    Append(Vec<(u8, i64, i16)>),
    Flush,
    Compact,
    Reopen,
}

fn step() -> impl Strategy<Value = Step> {
    let sample = (0u8..6, prop_oneof![3 => 1i64..20_000, 1 => -700_000i64..0, 1 => Just(0)], -3i16..3);
    prop_oneof![
        6 => prop::collection::vec(sample, 1..150).prop_map(Step::Append),
        2 => Just(Step::Flush),
        1 => Just(Step::Compact),
        1 => Just(Step::Reopen),
    ]
}

fn labels(series: u8) -> Labels {
    let env = if series.is_multiple_of(2) { "prod" } else { "" };
    Labels::from_pairs([("__name__", "m"), ("series", &series.to_string()), ("env", env)])
}

fn open(disk: &SharedDisk) -> Tsdb {
    let clock = Arc::new(ManualClock::new(UnixNanos::from_millis(NOW_MS)));
    let mut options = Options::new("/data/metrics");
    options.out_of_order_window = Duration::from_millis(WINDOW_MS as u64);
    // Samples in order may be as old as those out of order.
    options.block_span = 2 * options.out_of_order_window;
    options.future_tolerance = Duration::from_secs(1 << 30);
    options.min_free_bytes = 0;
    Tsdb::open(disk.clone(), clock, options).expect("open")
}

/// What the engine promises: of samples with one time the first stored counts; those behind the window are refused.
#[derive(Default)]
struct Model {
    newest: Option<i64>,
    series: BTreeMap<u8, BTreeMap<i64, f64>>,
}

impl Model {
    fn append(&mut self, series: u8, t: i64, v: f64) {
        if self.newest.is_some_and(|n| t < n - WINDOW_MS) {
            return;
        }
        self.newest = self.newest.max(Some(t));
        self.series.entry(series).or_default().entry(t).or_insert(v);
    }

    fn within(&self, series: u8, min: i64, max: i64) -> Vec<Sample> {
        let samples = self.series.get(&series).into_iter().flat_map(|s| s.range(min..=max));
        samples.map(|(t, v)| Sample { t: *t, v: *v }).collect()
    }
}

fn check(db: &Tsdb, model: &Model, min: i64, max: i64) {
    for (matchers, wanted) in [
        (vec![Matcher::new("__name__", MatchOp::Eq, "m")], (|_| true) as fn(u8) -> bool),
        (vec![Matcher::new("env", MatchOp::Eq, "")], |s| s % 2 == 1),
        (vec![Matcher::new("env", MatchOp::Ne, "")], |s| s % 2 == 0),
        (vec![Matcher::new("series", MatchOp::Re, "[0-2]")], |s| s <= 2),
        (vec![Matcher::new("env", MatchOp::Re, "prod|"), Matcher::new("series", MatchOp::Nre, "1|5")], |s| {
            s != 1 && s != 5
        }),
    ] {
        let found = db.select(&AccessScope::ALL, &matchers, (min, max), ReadLimits::default()).expect("select");
        let found: Vec<(Labels, Vec<Sample>)> =
            found.collect().expect("collect").into_iter().map(|s| (s.labels, s.samples)).collect();
        let want = (0..6).filter(|s| wanted(*s)).map(|s| (labels(s), model.within(s, min, max)));
        let mut want: Vec<_> = want.filter(|(_, samples)| !samples.is_empty()).collect();
        want.sort_by(|a, b| a.0.cmp(&b.0));
        for (found, want) in found.iter().zip(&want) {
            assert_eq!(found.0, want.0, "{matchers:?}");
            let differs = found.1.iter().zip(&want.1).position(|(a, b)| a != b);
            let at = differs.unwrap_or(found.1.len().min(want.1.len()));
            assert_eq!(
                (found.1.get(at), found.1.len()),
                (want.1.get(at), want.1.len()),
                "{matchers:?} {}: sample {at}",
                want.0
            );
        }
        assert_eq!(found.len(), want.len(), "{matchers:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn the_engine_has_what_the_model_has(steps in prop::collection::vec(step(), 1..40), seed in any::<u64>()) {
        let disk: SharedDisk = Arc::new(SimDisk::new(seed));
        let mut db = open(&disk);
        let mut model = Model::default();
        let mut at = NOW_MS;
        for step in steps {
            match step {
                Step::Append(samples) => {
                    let mut batch = Vec::new();
                    for (series, offset, v) in samples {
                        let t = at + offset;
                        at = at.max(t);
                        model.append(series, t, f64::from(v) / 4.0);
                        batch.push((labels(series), t, f64::from(v) / 4.0));
                    }
                    db.append_wait(batch).expect("append");
                }
                Step::Flush => drop(db.flush().expect("flush")),
                Step::Compact => drop(db.compact().expect("compact")),
                Step::Reopen => {
                    drop(db);
                    db = open(&disk);
                }
            }
            let (min, max) = (at - 300_000, at - 5_000);
            check(&db, &model, min, max);
        }
        check(&db, &model, i64::MIN, i64::MAX);
        db.close().expect("close");
        check(&open(&disk), &model, i64::MIN, i64::MAX);
    }
}
