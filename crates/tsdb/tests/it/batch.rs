//! Batches: the way in of everything but OTLP. What is wrong is counted and named, the rest is stored and survives a restart.

use foundation::disk::sim::SimDisk;
use model::{AccessScope, Labels, SpanId, TraceId};
use tsdb::{Exemplar, MatchOp, Matcher, Metadata, MetricType, ReadLimits, Refusal, STALE_NAN, Tsdb};

use crate::support::{NOW_MS, open};

fn lines(db: &Tsdb) -> Vec<String> {
    let named = [Matcher::new("__name__", MatchOp::Re, ".+")];
    let found = db.select(&AccessScope::ALL, &named, (i64::MIN, i64::MAX), ReadLimits::default()).expect("select");
    let text = |s: &tsdb::Sample| format!("{}={}", s.t - NOW_MS, s.v);
    let line =
        |s: tsdb::SeriesData| format!("{} {}", s.labels, s.samples.iter().map(text).collect::<Vec<_>>().join(" "));
    found.collect().expect("collect").into_iter().map(line).collect()
}

#[test]
fn a_batch_is_stored_and_replayed() {
    let disk = SimDisk::new(1);
    let db = open(&disk);
    let mut batch = db.batch();
    let exemplar = Exemplar::from_labels(
        NOW_MS,
        0.5,
        [("trace_id", "0102030405060708090a0b0c0d0e0f10"), ("span_id", "not an id"), ("user", "7")],
    );
    batch
        .series([("job", "api"), ("__name__", "up"), ("none", "")])
        .since(NOW_MS - 60_000)
        .sample(NOW_MS, 1.0)
        .sample(NOW_MS + 1, f64::from_bits(STALE_NAN))
        .exemplar(exemplar);
    let mut key = Vec::new();
    assert!(tsdb::key::write([("__name__", "down")], &mut key));
    batch.series_by_key(&key).sample(NOW_MS, 2.0);
    batch.series_of(&Labels::from_pairs([("__name__", "up"), ("job", "api")])).sample(NOW_MS + 2, 3.0);
    let about = Metadata { kind: MetricType::StateSet, unit: "s".into(), help: "Whether.".into() };
    batch.metadata("up", about.clone());
    let stored = db.append_batch_wait(batch).expect("stored");
    assert_eq!((stored.samples, stored.exemplars, stored.refusals.len()), (4, 1, 0), "{}", stored.message());

    let want = ["down 0=2".to_owned(), r#"up{job="api"} 0=1 1=NaN 2=3"#.to_owned()];
    assert_eq!(lines(&db), want);
    drop(db);
    let db = open(&disk);
    assert_eq!(lines(&db), want, "after replay");
    assert_eq!(db.metadata()["up"], about);
    let up = [Matcher::new("__name__", MatchOp::Eq, "up")];
    let found = db.exemplars(&AccessScope::ALL, &up, (0, i64::MAX), ReadLimits::default()).expect("exemplars");
    let e = &found[0].exemplars[0];
    assert_eq!(
        (e.trace_id, e.span_id),
        (TraceId([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]), SpanId::ZERO)
    );
    assert_eq!(e.attributes, [("span_id".into(), "not an id".into()), ("user".into(), "7".into())]);
}

#[test]
fn what_is_wrong_is_named_and_costs_the_others_nothing() {
    let db = open(&SimDisk::new(2));
    let mut batch = db.batch();
    batch.series([("__name__", "a"), ("__name__", "b")]).sample(NOW_MS, 1.0).sample(NOW_MS + 1, 1.0);
    assert_eq!(batch.series([]).refusal(), Some(Refusal::NoLabels));
    batch.series_by_key(b"\x01").sample(NOW_MS, 1.0);
    batch.series([("__name__", "good")]).sample(NOW_MS, 1.0).sample(NOW_MS + 86_400_000, 1.0);
    batch.series([("__name__", "good")]).sample(NOW_MS, 2.0);
    let long = "x".repeat(2000);
    let exemplar = |labels| Exemplar::from_labels(NOW_MS, 1.0, labels);
    batch.series([("__name__", "good")]).exemplar(exemplar([("k", &*long)]));
    batch.series([("__name__", "absent")]).exemplar(exemplar([("k", "v")]));
    let stored = db.append_batch_wait(batch).expect("stored");
    assert_eq!((stored.samples, stored.exemplars, stored.refused_points), (1, 0, 5));
    let why: Vec<(Refusal, u64)> = stored.refusals.iter().map(|(why, _, n)| (*why, *n)).collect();
    let want = [
        (Refusal::BadLabels, 3),
        (Refusal::OutOfBounds, 1),
        (Refusal::ExemplarTooLong, 1),
        (Refusal::Duplicate, 1),
        (Refusal::ExemplarWithoutSeries, 1),
    ];
    assert_eq!(why, want);
    assert_eq!(lines(&db), ["good 0=1"]);
}
