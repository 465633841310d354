//! What a sender of remote write is told: the contract of the official receiver tests (prometheus/compliance), and ours.

use std::sync::Arc;
use std::time::Duration;

use foundation::clock::ManualClock;
use foundation::disk::{RealDisk, SharedDisk};
use foundation::{Clock, UnixNanos};
use http_body_util::BodyExt as _;
use model::Histogram;
use model::histogram::{BucketSpan, CUSTOM_BUCKETS_SCHEMA};
use tsdb::Tsdb;
use wire::prometheus::encode::{V1, V2};
use wire::prometheus::{ExemplarRef, MetricType, Stamp};

use super::*;
use crate::ingest::{Acceptance, Engines};
use crate::journal::Journal;

const NOW_MS: i64 = 1_700_000_000_000;

struct Fixture {
    receiver: RemoteWrite,
    journal: Journal,
    _dir: tempfile::TempDir,
}

fn fixture() -> Fixture {
    fixture_with(64 << 20, usize::MAX)
}

fn fixture_with(limit: usize, budget: usize) -> Fixture {
    let dir = tempfile::tempdir().unwrap();
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::new(UnixNanos(NOW_MS * 1_000_000)));
    let disk: SharedDisk = Arc::new(RealDisk);
    let events =
        eventstore::EventStore::open(disk.clone(), eventstore::Config::new(dir.path().join("events"))).unwrap();
    let metrics = Tsdb::open(disk, clock.clone(), tsdb::Options::new(dir.path().join("metrics"))).unwrap();
    let engines = Engines { events: Arc::new(events), metrics: Arc::new(metrics) };
    let acceptance = Acceptance { past_max: Duration::from_secs(86_400), future_max: Duration::from_secs(60) };
    let journal = Journal::new(clock.clone());
    let ingest = Ingest::new(engines, clock, acceptance, journal.clone());
    let limit = RequestLimit { bytes: limit, setting: "remote_write.max_request_body_size" };
    Fixture { receiver: RemoteWrite::new(ingest, limit, Budget::new(budget)), journal, _dir: dir }
}

const V2_TYPE: &str = "application/x-protobuf;proto=io.prometheus.write.v2.Request";

/// Status, written counts of 2.0 (`None` without the headers), and the text.
type Answer = (u16, Option<[u64; 3]>, String);

async fn send(f: &Fixture, headers: &[(&str, &str)], body: Vec<u8>) -> (Answer, HeaderMap) {
    let mut request = Request::post(PATH);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = f.receiver.handle(request.body(Full::new(Bytes::from(body))).unwrap()).await;
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let text = response.into_body().collect().await.unwrap().to_bytes();
    let count = |name: &str| headers.get(name)?.to_str().ok()?.parse().ok();
    let [a, b, c] = WRITTEN.map(count);
    let counts = a.zip(b).zip(c).map(|((a, b), c)| [a, b, c]);
    ((status, counts, String::from_utf8(text.to_vec()).unwrap()), headers)
}

fn snappy(body: &[u8]) -> Vec<u8> {
    snap::raw::Encoder::new().compress_vec(body).unwrap()
}

async fn send_v2(f: &Fixture, build: impl FnOnce(&mut V2)) -> Answer {
    let mut request = V2::new();
    build(&mut request);
    let headers =
        [("content-type", V2_TYPE), ("content-encoding", "snappy"), ("x-prometheus-remote-write-version", "2.0.0")];
    send(f, &headers, snappy(&request.into_bytes())).await.0
}

fn at(t: i64) -> Stamp {
    Stamp { t, start: 0 }
}

fn written(counts: [u64; 3]) -> Answer {
    (204, Some(counts), String::new())
}

#[tokio::test(flavor = "multi_thread")]
async fn samples_of_any_value_are_written() {
    let f = fixture();
    let values = [1.0, f64::from_bits(model::STALE_NAN_BITS), f64::NAN, f64::INFINITY, f64::NEG_INFINITY];
    let labels: [&[(&str, &str)]; 5] = [
        &[("__name__", "up")],
        &[("__name__", "up"), ("job", "testjob"), ("instance", "localhost:9090")],
        &[("instance", "localhost:9090"), ("__name__", "up"), ("job", "test\njob\n")],
        &[("__name__", "resource.cpu.usage"), ("job.name", "testjob")],
        &[("__name__", "resource cpu usage"), ("job name", "testjob")],
    ];
    for (n, value) in (0..).zip(values) {
        for labels in labels {
            let answer = send_v2(&f, |r| r.series(labels.iter().copied(), |s| s.sample(at(NOW_MS + n), value))).await;
            assert_eq!(answer, written([1, 0, 0]));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn series_without_a_name_are_refused_and_the_others_written() {
    let f = fixture();
    for labels in [&[][..], &[("job", "x")], &[("__name__", "")]] {
        let (status, counts, text) =
            send_v2(&f, |r| r.series(labels.iter().copied(), |s| s.sample(at(NOW_MS), 1.0))).await;
        assert_eq!((status, counts), (400, Some([0, 0, 0])));
        assert_eq!(text, "timeseries[0]: the series has no metric name (label `__name__`)");
    }
    let (status, counts, _) = send_v2(&f, |r| {
        r.series([("job", "x")], |s| s.sample(at(NOW_MS), 1.0));
        for instance in ["a", "b", "c"] {
            r.series([("__name__", "up"), ("instance", instance)], |s| s.sample(at(NOW_MS), 1.0));
        }
    })
    .await;
    assert_eq!((status, counts), (400, Some([3, 0, 0])));
    assert_eq!(f.journal.refusals()[0].code, "partial");
}

#[tokio::test(flavor = "multi_thread")]
async fn samples_that_the_engine_refuses_are_a_bad_request() {
    let f = fixture();
    let up = [("__name__", "up")];
    assert_eq!(send_v2(&f, |r| r.series(up, |s| s.sample(at(NOW_MS), 1.0))).await, written([1, 0, 0]));
    let (status, counts, text) = send_v2(&f, |r| r.series(up, |s| s.sample(at(NOW_MS), 2.0))).await;
    assert_eq!((status, counts), (400, Some([0, 0, 0])));
    assert!(text.contains("duplicate sample for timestamp"), "{text}");
    let (status, _, text) = send_v2(&f, |r| r.series(up, |s| s.sample(at(NOW_MS + 86_400_000), 2.0))).await;
    assert_eq!(status, 400);
    assert!(text.contains("out of bounds"), "{text}");
    // The same again is no error: a sender that got no answer sends it again.
    assert_eq!(send_v2(&f, |r| r.series(up, |s| s.sample(at(NOW_MS), 1.0))).await, written([1, 0, 0]));
}

fn histogram(positive: bool, negative: bool, zero: bool) -> Histogram<u64> {
    let mut h = Histogram { sum: 1.0, ..Histogram::default() };
    if positive {
        h.positive_spans = vec![BucketSpan { offset: 0, length: 3 }, BucketSpan { offset: 2, length: 2 }];
        h.positive = vec![1, 3, 4, 7, 8];
    }
    if negative {
        h.negative_spans = vec![BucketSpan { offset: 0, length: 2 }];
        h.negative = vec![1, 2];
    }
    h.zero_count = u64::from(zero);
    h.count = h.positive.iter().chain(&h.negative).sum::<u64>() + h.zero_count;
    h
}

#[tokio::test(flavor = "multi_thread")]
async fn histograms_are_written_or_named() {
    let f = fixture();
    let custom = Histogram {
        schema: CUSTOM_BUCKETS_SCHEMA,
        sum: 1.0,
        count: 30,
        positive_spans: vec![BucketSpan { offset: 0, length: 6 }],
        positive: vec![2, 3, 5, 8, 7, 5],
        custom_bounds: vec![0.1, 0.5, 1.0, 2.5, 5.0, 10.0],
        ..Histogram::default()
    };
    let good = [
        histogram(true, true, true),
        custom,
        histogram(true, false, true),
        histogram(false, true, false),
        histogram(false, false, false),
    ];
    for (n, h) in (0..).zip(&good) {
        let since = Stamp { t: NOW_MS + n, start: NOW_MS - 1_800_000 };
        let answer = send_v2(&f, |r| {
            r.series([("__name__", "h"), ("n", &n.to_string())], |s| {
                s.histogram(since, h);
                s.exemplar(&ExemplarRef { labels: &[("trace_id", "abc123")], value: 1.23, t: since.t });
                s.metadata(MetricType::Histogram, "help\nwith \"quotes\"", "seconds");
            })
        })
        .await;
        assert_eq!(answer, written([0, 1, 1]), "{h:?}");
    }
    let bad = Histogram { count: 99, ..histogram(true, false, false) };
    let (status, counts, text) =
        send_v2(&f, |r| r.series([("__name__", "h")], |s| s.histogram(at(NOW_MS), &bad))).await;
    assert_eq!((status, counts), (400, Some([0, 0, 0])));
    assert_eq!(text, "timeseries[0]: native histogram: the buckets have 23 observations, but the count is 99");
}

#[tokio::test(flavor = "multi_thread")]
async fn exemplars_are_counted() {
    let f = fixture();
    let labels: [&[(&str, &str)]; 4] = [
        &[],
        &[("trace_id", "xyz789"), ("span_id", "span123")],
        &[("user_id", "user123")],
        &[("trace_id", "unicode_测试")],
    ];
    for (n, labels) in (0..).zip(labels) {
        let answer = send_v2(&f, |r| {
            r.series([("__name__", "simple_counter"), ("region", "🌍")], |s| {
                s.sample(at(NOW_MS + n), 1.0);
                s.exemplar(&ExemplarRef { labels, value: 1.0, t: NOW_MS + n });
            })
        })
        .await;
        assert_eq!(answer, written([1, 0, 1]));
    }
    // One of a series that is not there cannot be written, and 2.0 forbids to answer 2xx then.
    let orphan = ExemplarRef { labels: &[], value: 1.0, t: NOW_MS };
    let (status, counts, _) = send_v2(&f, |r| r.series([("__name__", "orphan")], |s| s.exemplar(&orphan))).await;
    assert_eq!((status, counts), (400, Some([0, 0, 0])));
}

#[tokio::test(flavor = "multi_thread")]
async fn metadata_alone_is_taken() {
    let f = fixture();
    let answer =
        send_v2(&f, |r| r.series([("__name__", "orphan")], |s| s.metadata(MetricType::Counter, "help", "count"))).await;
    assert_eq!(answer, written([0, 0, 0]));
    assert_eq!(send_v2(&f, |_| {}).await, written([0, 0, 0]));
}

#[tokio::test(flavor = "multi_thread")]
async fn version_1_is_taken_without_headers_of_version_2() {
    let f = fixture();
    let mut request = V1::new();
    request.series([("job", "api"), ("__name__", "up")], |s| s.sample(NOW_MS, 1.0));
    let body = snappy(&request.into_bytes());
    for headers in [
        &[("content-type", "application/x-protobuf"), ("content-encoding", "snappy")][..],
        &[("content-type", "application/x-protobuf; proto=prometheus.WriteRequest")],
        &[],
    ] {
        assert_eq!(send(&f, headers, body.clone()).await.0, (204, None, String::new()));
    }
    let mut broken = body;
    broken[0] = 0xff;
    let ((status, _, text), _) = send(&f, &[], broken).await;
    assert_eq!(status, 400);
    assert!(text.starts_with("the body is not valid snappy"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_spoken_is_refused_by_name() {
    let f = fixture();
    for content_type in ["application/json", "image/png", "application/x-protobuf;proto=io.prometheus.write.v3.Request"]
    {
        let ((status, _, text), _) = send(&f, &[("content-type", content_type)], b"0x".to_vec()).await;
        assert_eq!(status, 415);
        assert!(text.contains("io.prometheus.write.v2.Request"), "{text}");
    }
    let ((status, _, _), _) = send(&f, &[("origin", "https://elsewhere.example")], snappy(b"")).await;
    assert_eq!(status, 415);
    for encoding in ["gzip", "deflate", "zstd"] {
        let ((status, _, text), headers) = send(&f, &[("content-encoding", encoding)], b"0x".to_vec()).await;
        assert_eq!((status, &headers[header::ACCEPT_ENCODING]), (415, &HeaderValue::from_static("snappy")));
        assert_eq!(text, format!("content-encoding `{encoding}` is not supported; remote write is sent with snappy"));
    }
    let get = Request::get(PATH).body(Full::new(Bytes::new())).unwrap();
    assert_eq!(f.receiver.handle(get).await.status(), 405);
}

#[tokio::test(flavor = "multi_thread")]
async fn large_requests_and_full_memory_are_refused() {
    // Snappy makes 20 bytes of a megabyte of zeroes' announcement: the claim alone must not cost memory.
    let f = fixture_with(1 << 20, usize::MAX);
    let ((status, _, text), _) = send(&f, &[], snappy(&vec![0; 2 << 20])).await;
    assert_eq!(status, 413);
    assert!(text.contains("remote_write.max_request_body_size"), "{text}");
    let f = fixture_with(64 << 20, 10);
    let mut held = f.receiver.budget.lease();
    held.grow(10).unwrap();
    let ((status, _, _), headers) = send(&f, &[], snappy(b"")).await;
    assert_eq!((status, &headers[header::RETRY_AFTER]), (503, &HeaderValue::from_static("1")));
}
