//! Native histograms through log, head, block and restart: from OTLP, with totals of deltas, and markers of the end.

use std::sync::Arc;

use foundation::disk::sim::SimDisk;
use model::histogram::Histogram;
use model::{AccessScope, STALE_NAN_BITS};
use tsdb::{HistogramValue, Ingested, MatchOp, Matcher, ReadLimits, Refusal, SeriesSamples, Tsdb};
use wire::protobuf::Writer;

use crate::support::{NOW_MS, disturb, open};

const DELTA: u64 = 1;

fn read(db: &Tsdb, name: &str) -> SeriesSamples {
    let named = [Matcher::new("__name__", MatchOp::Eq, name)];
    let found = db.select(&AccessScope::ALL, &named, (i64::MIN, i64::MAX), ReadLimits::default()).expect("select");
    found.series.first().map(|s| s.read().expect("read")).unwrap_or_default()
}

fn ingest(db: &Tsdb, request: &[u8]) -> Ingested {
    let (batch, decoded) = db.decode(request).expect("well-formed");
    assert_eq!(decoded.rejected, 0, "{:?}", decoded.first_error);
    db.append_batch_wait(batch).expect("stored")
}

/// One delta point of an exponential histogram `lat` at scale `scale`, one observation in bucket 4.
pub(super) fn delta(start_ms: i64, t_ms: i64, scale: u64) -> Vec<u8> {
    let mut w = Writer::new();
    w.message(1, |w| {
        w.message(2, |w| {
            w.message(2, |w| {
                w.string(1, "lat");
                w.message(10, |w| {
                    w.message(1, |w| {
                        w.fixed64(2, start_ms as u64 * 1_000_000);
                        w.fixed64(3, t_ms as u64 * 1_000_000);
                        w.fixed64(4, 1);
                        w.double(5, 0.5);
                        w.uint(6, scale << 1);
                        w.message(8, |w| {
                            w.uint(1, 8);
                            w.uint(2, 1);
                        });
                    });
                    w.uint(2, DELTA);
                });
            });
        });
    });
    w.as_bytes().to_vec()
}

#[test]
fn delta_histograms_are_added_up_over_flush_restart_and_crash() {
    let mut disk = SimDisk::new(1);
    let mut db = open(&disk);
    for i in 1..=12 {
        // The sender made its buckets coarser on the way.
        let scale = if i < 6 { 3 } else { 2 };
        let stored = ingest(&db, &delta(NOW_MS + (i - 1) * 1000, NOW_MS + i * 1000, scale));
        assert_eq!((stored.histograms, stored.samples), (1, 0), "{}", stored.message());
        (disk, db) = disturb(i, disk, db);
    }
    let found = read(&db, "lat");
    let counts: Vec<(i64, u64, i32, f64)> = found
        .histograms
        .iter()
        .map(|s| match &s.value {
            HistogramValue::Int(h) => ((s.t - NOW_MS) / 1000, h.count, h.schema, h.sum),
            HistogramValue::Float(_) => panic!("whole counts"),
        })
        .collect();
    let want: Vec<_> = (1..=12).map(|i| (i, i as u64, if i < 6 { 3 } else { 2 }, i as f64 * 0.5)).collect();
    assert_eq!(counts, want);
    assert!(found.histograms.iter().all(|s| s.start_t >= NOW_MS));
    assert_eq!(db.stats().delta_streams, 1);
    // What is not newer, or began before the stream did, is refused.
    for request in [delta(NOW_MS, NOW_MS + 12_000, 2), delta(NOW_MS - 1, NOW_MS + 13_000, 2)] {
        let refused = ingest(&db, &request);
        assert_eq!((refused.histograms, refused.refusals[0].0), (0, Refusal::DeltaOrder));
    }
}

#[test]
fn a_float_marker_ends_a_series_of_histograms() {
    let disk = SimDisk::new(2);
    let db = open(&disk);
    let whole = HistogramValue::Int(Arc::new(Histogram { count: 3, zero_count: 3, sum: 1.0, ..Histogram::default() }));
    let mut batch = db.batch();
    batch
        .series([("__name__", "h")])
        .histogram(NOW_MS, whole.clone())
        .histogram(NOW_MS, whole.clone())
        .sample(NOW_MS, 1.0)
        .sample(NOW_MS + 1, f64::from_bits(STALE_NAN_BITS))
        .sample(NOW_MS + 2, 4.0)
        .sample(NOW_MS + 3, f64::from_bits(STALE_NAN_BITS));
    let stored = db.append_batch_wait(batch).expect("stored");
    assert_eq!((stored.histograms, stored.samples, stored.refusals[0].0), (2, 3, Refusal::Duplicate));
    for db in [db, open(&disk)] {
        let found = read(&db, "h");
        assert_eq!(found.histograms.iter().map(|s| s.t - NOW_MS).collect::<Vec<_>>(), [0, 1]);
        assert_eq!(found.histograms[0].value, whole);
        assert!(matches!(&found.histograms[1].value, HistogramValue::Int(h) if h.is_stale()), "as whole as the series");
        assert_eq!(found.floats.iter().map(|s| s.t - NOW_MS).collect::<Vec<_>>(), [2, 3]);
        drop(db);
    }
}
