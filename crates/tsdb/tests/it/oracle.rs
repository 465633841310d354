//! The engine against a naive model: random appends, flushes, compactions and restarts, then every sample compared.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use foundation::clock::{ManualClock, UnixNanos};
use foundation::disk::SharedDisk;
use foundation::disk::sim::SimDisk;
use model::histogram::{BucketSpan, Histogram};
use model::{AccessScope, Labels};
use proptest::prelude::*;
use tsdb::{HistogramSample, HistogramValue, MatchOp, Matcher, Options, ReadLimits, Sample, SeriesSamples, Tsdb};

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

/// A float or, of every third value, a histogram, with whole counts or not; some series have both.
fn value(v: i16) -> Result<f64, HistogramValue> {
    if v.rem_euclid(3) != 1 {
        return Ok(f64::from(v) / 4.0);
    }
    let n = v.unsigned_abs();
    let h = Histogram::<u64> {
        schema: i32::from(v % 2),
        count: u64::from(n) + 2,
        sum: f64::from(v),
        positive_spans: vec![BucketSpan { offset: i32::from(v), length: 2 }],
        positive: vec![u64::from(n), 2],
        ..Histogram::default()
    };
    Err(if v < 0 { HistogramValue::Float(Arc::new(Histogram::from(&h))) } else { HistogramValue::Int(Arc::new(h)) })
}

/// When the counter of a series began: not known, once, anew after every 100 seconds, with every sample.
fn start(series: u8, t: i64) -> i64 {
    match series % 4 {
        0 => 0,
        1 => NOW_MS - 1_000_000,
        2 => t - t.rem_euclid(100_000),
        _ => t - 7,
    }
}

/// What the engine promises: of samples with one time the first stored counts; those behind the window are refused.
#[derive(Default)]
struct Model {
    newest: Option<i64>,
    series: BTreeMap<u8, BTreeMap<i64, i16>>,
}

impl Model {
    fn append(&mut self, series: u8, t: i64, v: i16) {
        if self.newest.is_some_and(|n| t < n - WINDOW_MS) {
            return;
        }
        self.newest = self.newest.max(Some(t));
        self.series.entry(series).or_default().entry(t).or_insert(v);
    }

    fn within(&self, series: u8, min: i64, max: i64) -> SeriesSamples {
        let mut samples = SeriesSamples::default();
        for (t, v) in self.series.get(&series).into_iter().flat_map(|s| s.range(min..=max)) {
            match value(*v) {
                Ok(v) => samples.floats.push(Sample { t: *t, v }),
                Err(value) => samples.histograms.push(HistogramSample { t: *t, start_t: start(series, *t), value }),
            }
        }
        samples.starts = samples.floats.iter().map(|s| start(series, s.t)).collect();
        samples
    }
}

/// Names the first sample that differs: the lists are long.
fn assert_same<T: PartialEq + std::fmt::Debug>(found: &[T], want: &[T], labels: &Labels) {
    let differs = found.iter().zip(want).position(|(a, b)| a != b);
    let at = differs.unwrap_or(found.len().min(want.len()));
    assert_eq!((found.get(at), found.len()), (want.get(at), want.len()), "{labels}: sample {at}");
}

/// The newest sample of every series, when only that is asked for.
fn check_newest(db: &Tsdb, model: &Model, min: i64, max: i64) {
    let named = [Matcher::new("__name__", MatchOp::Eq, "m")];
    let found = db.select_newest(&AccessScope::ALL, &named, (min, max), ReadLimits::default()).expect("select");
    assert!(found.series.is_sorted_by(|a, b| a.labels() < b.labels()));
    let newest = |s: &SeriesSamples| s.bounds().map(|(_, last)| last);
    let mut have = BTreeMap::new();
    for series in &found.series {
        let mut read = series.read().expect("read");
        let Some(last) = newest(&read) else { continue };
        read.floats.retain(|s| s.t == last);
        read.histograms.retain(|s| s.t == last);
        have.insert(series.labels().clone(), (read.floats, read.histograms));
    }
    let mut want = BTreeMap::new();
    for series in 0..6 {
        let mut all = model.within(series, min, max);
        let Some(last) = newest(&all) else { continue };
        all.floats.retain(|s| s.t == last);
        all.histograms.retain(|s| s.t == last);
        want.insert(labels(series), (all.floats, all.histograms));
    }
    assert_eq!(have, want);
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
        let found = found.series.iter().map(|s| (s.labels().clone(), s.read().expect("read")));
        let found: Vec<(Labels, SeriesSamples)> = found.filter(|(_, samples)| !samples.is_empty()).collect();
        let want = (0..6).filter(|s| wanted(*s)).map(|s| (labels(s), model.within(s, min, max)));
        let mut want: Vec<_> = want.filter(|(_, samples)| !samples.is_empty()).collect();
        want.sort_by(|a, b| a.0.cmp(&b.0));
        for (found, want) in found.iter().zip(&want) {
            assert_eq!(found.0, want.0, "{matchers:?}");
            assert_same(&found.1.floats, &want.1.floats, &found.0);
            assert_eq!(found.1.starts, want.1.starts, "{}", found.0);
            assert_same(&found.1.histograms, &want.1.histograms, &found.0);
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
                    let mut batch = db.batch();
                    for (series, offset, v) in samples {
                        let t = at + offset;
                        at = at.max(t);
                        model.append(series, t, v);
                        let labels = labels(series);
                        let start = start(series, t);
                        let mut series = batch.series_of(&labels);
                        match value(v) {
                            Ok(v) => series.since(start).sample(t, v),
                            Err(h) => series.since(start).histogram(t, h),
                        };
                    }
                    db.append_batch_wait(batch).expect("append");
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
            check_newest(&db, &model, min, max);
            check_newest(&db, &model, at - 30_000, i64::MAX);
        }
        check(&db, &model, i64::MIN, i64::MAX);
        db.close().expect("close");
        check(&open(&disk), &model, i64::MIN, i64::MAX);
    }
}
