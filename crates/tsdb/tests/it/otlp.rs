//! OTLP through the engine: delta totals over flush and restart, exemplars, names as sent, access.

use std::sync::mpsc::sync_channel;

use foundation::disk::sim::SimDisk;
use model::{AccessScope, TraceId};
use tsdb::{Ingested, MatchOp, Matcher, MetricType, ReadLimits, Sample, Tsdb};
use wire::protobuf::Writer;

use crate::support::{NOW_MS, disturb, open};

const DELTA: u64 = 1;
const CUMULATIVE: u64 = 2;

fn attribute(w: &mut Writer, field: u32, key: &str, value: &str) {
    w.message(field, |w| {
        w.string(1, key);
        w.message(2, |w| w.string(1, value));
    });
}

/// One sum of `service` with one point, and an exemplar when it is traced.
fn sum(service: &str, name: &str, temporality: u64, t_ms: i64, v: f64, traced: bool) -> Vec<u8> {
    let mut w = Writer::new();
    w.message(1, |w| {
        w.message(1, |w| attribute(w, 1, "service.name", service));
        w.message(2, |w| {
            w.message(2, |w| {
                w.string(1, name);
                w.string(3, "s");
                w.message(7, |w| {
                    w.message(1, |w| {
                        w.fixed64(3, t_ms as u64 * 1_000_000);
                        w.double(4, v);
                        if traced {
                            w.message(5, |w| {
                                w.fixed64(2, t_ms as u64 * 1_000_000);
                                w.double(3, v);
                                w.bytes(4, &[1; 8]);
                                w.bytes(5, &[2; 16]);
                                attribute(w, 7, "user", "7");
                            });
                        }
                    });
                    w.uint(2, temporality);
                    w.uint(3, 1);
                });
            });
        });
    });
    w.as_bytes().to_vec()
}

fn ingest(db: &Tsdb, request: &[u8]) -> Ingested {
    let (batch, decoded) = db.decode(request).expect("well-formed");
    assert_eq!(decoded.rejected, 0, "{:?}", decoded.first_error);
    let (tx, rx) = sync_channel(1);
    db.append_batch(batch, Box::new(move |r| tx.send(r).expect("waiting")));
    rx.recv().expect("completed").expect("stored")
}

fn values(db: &Tsdb, scope: &AccessScope, name: &str) -> Vec<(i64, f64)> {
    let matchers = [Matcher::new("__name__", MatchOp::Eq, name)];
    let found = db.select(scope, &matchers, (i64::MIN, i64::MAX), ReadLimits::default()).expect("select");
    let samples = found.collect().expect("collect").into_iter().flat_map(|s| s.samples);
    samples.map(|Sample { t, v }| ((t - NOW_MS) / 1000, v)).collect()
}

#[test]
fn delta_totals_go_on_over_flush_restart_and_crash() {
    let mut disk = SimDisk::new(1);
    let mut db = open(&disk);
    let points = 12;
    for i in 1..=points {
        let stored = ingest(&db, &sum("api", "work.time", DELTA, NOW_MS + i * 1000, 0.5, false));
        assert_eq!(stored.samples, 1);
        (disk, db) = disturb(i, disk, db);
    }
    let want: Vec<_> = (1..=points).map(|i| (i, i as f64 * 0.5)).collect();
    assert_eq!(values(&db, &AccessScope::ALL, "work_time_seconds_total"), want);
    assert_eq!(db.stats().delta_streams, 1);
    let refused = ingest(&db, &sum("api", "work.time", DELTA, NOW_MS + points * 1000, 9.0, false));
    assert_eq!((refused.samples, refused.refused_points), (0, 1));
    assert!(refused.message().starts_with("the delta point is not newer"), "{}", refused.message());
}

#[test]
fn the_name_as_sent_finds_the_series_and_the_scope_hides_the_others() {
    let disk = SimDisk::new(2);
    let db = open(&disk);
    ingest(&db, &sum("api", "work.time", CUMULATIVE, NOW_MS, 1.0, false));
    ingest(&db, &sum("bot", "work.time", CUMULATIVE, NOW_MS + 1000, 2.0, false));
    let api = AccessScope { services: Some(vec!["api".to_owned()]) };
    for _ in 0..2 {
        assert_eq!(values(&db, &AccessScope::ALL, "work.time"), [(0, 1.0), (1, 2.0)]);
        assert_eq!(values(&db, &api, "work_time_seconds_total"), [(0, 1.0)]);
        let range = (i64::MIN, i64::MAX);
        let services = |scope| db.label_values(scope, "service", &[], range, ReadLimits::default()).expect("values");
        assert_eq!(services(&AccessScope::ALL), ["api", "bot"]);
        assert_eq!(services(&api), ["api"]);
        let names = db.label_names(&AccessScope::ALL, &[], range, ReadLimits::default()).expect("names");
        assert_eq!(names, ["__name__", "job", "service", "service_name"]);
        assert_eq!(db.metadata()["work_time_seconds_total"].kind, MetricType::Counter);
        db.flush().expect("flush");
    }
    drop(db);
    assert_eq!(values(&open(&disk), &api, "work.time"), [(0, 1.0)]);
}

#[test]
fn labels_are_found_by_the_keys_of_attributes() {
    let disk = SimDisk::new(5);
    let db = open(&disk);
    let texts = ["", "/a", "/b"];
    let both: Vec<_> = texts.iter().flat_map(|own| texts.map(|stored| (*own, stored))).collect();
    let mut batch = db.batch();
    for (own, stored) in &both {
        let labels = [("__name__", "m"), ("http.route", own), ("http_route", stored)];
        batch.series(labels.into_iter().filter(|(_, value)| !value.is_empty())).sample(NOW_MS, 1.0);
    }
    let (tx, rx) = sync_channel(1);
    db.append_batch(batch, Box::new(move |r| tx.send(r).expect("waiting")));
    assert!(rx.recv().expect("completed").expect("stored").refusals.is_empty());
    let holds = |op, text: &str| -> &dyn Fn(&str) -> bool {
        match (op, text) {
            (MatchOp::Eq, "/a") => &|v| v == "/a",
            (MatchOp::Eq, _) => &|v| v.is_empty(),
            (MatchOp::Ne, "/a") => &|v| v != "/a",
            (MatchOp::Ne, _) => &|v| !v.is_empty(),
            (MatchOp::Re, _) => &|v| v.starts_with('/'),
            (MatchOp::Nre, _) => &|v| !v.starts_with('/'),
        }
    };
    for _ in 0..2 {
        let (eq, ne) = (MatchOp::Eq, MatchOp::Ne);
        for (op, text) in [(eq, "/a"), (eq, ""), (ne, "/a"), (ne, ""), (MatchOp::Re, "/.*"), (MatchOp::Nre, "/.*")] {
            let matchers = [Matcher::new("__name__", eq, "m"), Matcher::new("http.route", op, text)];
            let found = db
                .select(&AccessScope::ALL, &matchers, (i64::MIN, i64::MAX), ReadLimits::default())
                .expect("select")
                .collect()
                .expect("collect");
            let label = |labels: &model::Labels, name| labels.get(name).to_owned();
            let mut found: Vec<_> =
                found.iter().map(|s| (label(&s.labels, "http.route"), label(&s.labels, "http_route"))).collect();
            found.sort();
            // The label that is called so counts; the stored name of the attribute is for series without it.
            let value = |own: &str, stored: &str| if own.is_empty() { stored.to_owned() } else { own.to_owned() };
            let want = both.iter().filter(|(own, stored)| holds(op, text)(&value(own, stored)));
            let want: Vec<_> = want.map(|(own, stored)| ((*own).to_owned(), (*stored).to_owned())).collect();
            assert_eq!(found, want, "{op:?} {text:?}");
        }
        db.flush().expect("flush");
    }
}

#[test]
fn exemplars_survive_flush_and_restart() {
    let disk = SimDisk::new(3);
    let db = open(&disk);
    ingest(&db, &sum("api", "work.time", CUMULATIVE, NOW_MS, 1.0, true));
    db.flush().expect("flush");
    ingest(&db, &sum("api", "work.time", CUMULATIVE, NOW_MS + 1000, 2.0, true));
    drop(db);
    let db = open(&disk);
    let matchers = [Matcher::new("service", MatchOp::Eq, "api")];
    let found = db
        .exemplars(&AccessScope::ALL, &matchers, (NOW_MS, NOW_MS + 1000), tsdb::ReadLimits::default())
        .expect("exemplars");
    assert_eq!(found.len(), 1);
    let e: Vec<_> = found[0].exemplars.iter().map(|e| (e.t - NOW_MS, e.value, e.trace_id)).collect();
    assert_eq!(e, [(0, 1.0, TraceId([2; 16])), (1000, 2.0, TraceId([2; 16]))]);
    assert_eq!(found[0].exemplars[0].attributes, [("user".to_owned(), "7".to_owned())]);
}

#[test]
fn refusals_say_what_and_which_series() {
    let disk = SimDisk::new(4);
    let db = open(&disk);
    ingest(&db, &sum("api", "work", CUMULATIVE, NOW_MS, 1.0, false));
    let again = ingest(&db, &sum("api", "work", CUMULATIVE, NOW_MS, 1.0, false));
    assert_eq!((again.samples, again.refused_points), (1, 0), "the same sample twice is fine");
    let other = ingest(&db, &sum("api", "work", CUMULATIVE, NOW_MS, 2.0, false));
    assert!(
        other.message().starts_with("duplicate sample for timestamp (1 samples, first work_seconds_total{"),
        "{}",
        other.message()
    );
    let old = ingest(&db, &sum("api", "work", CUMULATIVE, NOW_MS - 3_600_001, 2.0, false));
    assert!(old.message().starts_with("too old sample"), "{}", old.message());
    let (_, decoded) = db.decode(&sum("api", "work", CUMULATIVE, NOW_MS + 3_600_000, 2.0, false)).expect("well-formed");
    assert_eq!(decoded.rejected, 1);
    assert!(decoded.first_error.expect("why").contains("out of bounds"));
}
