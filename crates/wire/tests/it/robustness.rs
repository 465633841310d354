//! Broken bytes never do more than give an error: truncations, mutations, garbage.

use model::Signal;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use prost::Message;
use wire::fuzz;
use wire::otlp::{self, Limits};
use wire::rows::{RowLogSink, RowMetricSink, RowSpanSink};

use crate::expected::NOW;
use crate::requests;
use crate::shuffle::Rng;

/// The same messages in every run.
fn samples<T>(strategy: impl Strategy<Value = T>, n: usize) -> Vec<T> {
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    (0..n).map(|_| strategy.new_tree(&mut runner).unwrap().current()).collect()
}

fn trace_samples() -> Vec<Vec<u8>> {
    samples(requests::traces(), 24).iter().map(Message::encode_to_vec).collect()
}

fn log_samples() -> Vec<Vec<u8>> {
    samples(requests::logs(), 24).iter().map(Message::encode_to_vec).collect()
}

fn metric_samples() -> Vec<Vec<u8>> {
    samples(requests::metrics(), 24).iter().map(Message::encode_to_vec).collect()
}

/// Checks every prefix of the samples: `decode` gives how many records there are, or that it failed.
fn check_truncations(samples: &[Vec<u8>], decode: fn(&[u8]) -> Option<u64>) {
    let mut failed = 0;
    for sample in samples {
        let all = decode(sample).unwrap();
        // Every byte of the first 2000, then every seventh: long texts are alike inside.
        for end in (0..sample.len()).filter(|i| *i < 2000 || i % 7 == 0) {
            match decode(&sample[..end]) {
                Some(records) => assert!(records <= all),
                None => failed += 1,
            }
        }
    }
    assert!(failed > 1000, "truncations were not noticed");
}

#[test]
fn truncated_requests_fail_or_are_shorter() {
    check_truncations(&trace_samples(), |b| {
        let d = otlp::decode_traces(b, &Limits::new(NOW), &mut RowSpanSink::default()).ok()?;
        Some(d.accepted + d.rejected)
    });
    check_truncations(&log_samples(), |b| {
        let d = otlp::decode_logs(b, &Limits::new(NOW), &mut RowLogSink::default()).ok()?;
        Some(d.accepted + d.rejected)
    });
    check_truncations(&metric_samples(), |b| {
        let d = otlp::decode_metrics(b, &Limits::new(NOW), &mut RowMetricSink::default()).ok()?;
        Some(d.accepted + d.rejected)
    });
}

/// Changes, inserts, removes and repeats a few bytes.
fn mutate(sample: &[u8], rng: &mut Rng) -> Vec<u8> {
    let mut bytes = sample.to_vec();
    for _ in 0..=rng.below(4) {
        if bytes.is_empty() {
            bytes.push(rng.next() as u8);
        }
        let at = rng.below(bytes.len());
        match rng.below(6) {
            0 => bytes[at] = rng.next() as u8,
            1 => bytes[at] ^= 1 << rng.below(8),
            2 => bytes.insert(at, rng.next() as u8),
            3 => drop(bytes.remove(at)),
            4 => bytes[at] = [0, 0x7f, 0x80, 0xff, 0x0a, 0x12][rng.below(6)],
            _ => {
                let end = (at + rng.below(24)).min(bytes.len());
                let piece = bytes[at..end].to_vec();
                let to = rng.below(bytes.len());
                bytes.splice(to..to, piece);
            }
        }
    }
    bytes
}

fn run(target: fn(&[u8]), samples: &[Vec<u8>], iterations: usize) {
    let mut rng = Rng(0x5eed);
    for i in 0..iterations {
        target(&mutate(&samples[i % samples.len()], &mut rng));
    }
    for _ in 0..iterations / 10 {
        let garbage: Vec<u8> = (0..rng.below(64)).map(|_| rng.next() as u8).collect();
        target(&garbage);
    }
}

#[test]
fn mutated_traces_do_not_panic() {
    run(fuzz::fuzz_traces, &trace_samples(), 8000);
}

#[test]
fn mutated_logs_do_not_panic() {
    run(fuzz::fuzz_logs, &log_samples(), 8000);
}

#[test]
fn mutated_metrics_do_not_panic() {
    run(fuzz::fuzz_metrics, &metric_samples(), 8000);
}

#[test]
fn mutated_stored_messages_do_not_panic() {
    let mut samples = trace_samples();
    samples.extend(samples.clone().iter().filter_map(|s| s.get(4..).map(<[u8]>::to_vec)));
    run(fuzz::fuzz_stored, &samples, 8000);
}

#[test]
fn mutated_trees_do_not_panic() {
    let mut samples = trace_samples();
    samples.extend(log_samples());
    samples.extend(metric_samples());
    run(fuzz::fuzz_tree, &samples, 12_000);
}

#[test]
fn mutated_json_does_not_panic() {
    let mut json: Vec<Vec<u8>> = vec![];
    json.extend(samples(requests::traces(), 8).iter().map(|r| serde_json::to_vec(r).unwrap()));
    json.extend(samples(requests::logs(), 8).iter().map(|r| serde_json::to_vec(r).unwrap()));
    json.extend(samples(requests::metrics(), 8).iter().map(|r| serde_json::to_vec(r).unwrap()));
    run(fuzz::fuzz_json, &json, 4000);
    let limit = wire::otlp::json::MAX_DEPTH * 2;
    let deep = format!("{{\"resourceSpans\":{}", "[".repeat(limit));
    assert!(wire::otlp::json::to_protobuf(Signal::Traces, deep.as_bytes()).is_err());
}

fn remote_write_samples() -> Vec<Vec<u8>> {
    use model::histogram::BucketSpan;
    use wire::prometheus::encode::{V1, V2};
    use wire::prometheus::{ExemplarRef, MetricType, Stamp};
    let histogram = model::Histogram {
        count: 6u64,
        zero_count: 1,
        sum: 4.5,
        positive_spans: vec![BucketSpan { offset: -1, length: 1 }, BucketSpan { offset: 3, length: 1 }],
        positive: vec![2, 3],
        ..model::Histogram::default()
    };
    let labels = [("__name__", "http_requests_total"), ("instance", "a:1"), ("job", "ü")];
    let exemplar = ExemplarRef { labels: &[("trace_id", "abc")], value: 1.0, t: 5 };
    let (mut v1, mut v2) = (V1::new(), V2::new());
    for n in 0..3 {
        v1.series(labels, |s| {
            s.sample(1_700_000_000_000 + n, n as f64);
            s.histogram(n, &histogram);
            s.histogram(n, &model::Histogram::<f64>::from(&histogram));
            s.exemplar(&exemplar);
        });
        v2.series(labels, |s| {
            s.sample(Stamp { t: n, start: 4 }, n as f64);
            s.histogram(Stamp { t: n, start: 4 }, &histogram);
            s.histogram(Stamp { t: n, start: 4 }, &model::Histogram::<f64>::from(&histogram));
            s.exemplar(&exemplar);
            s.metadata(MetricType::Counter, "help", "seconds");
        });
    }
    vec![v1.into_bytes(), v2.into_bytes()]
}

#[test]
fn mutated_remote_write_does_not_panic() {
    run(fuzz::fuzz_remote_write, &remote_write_samples(), 16_000);
}

#[test]
fn mutated_expositions_do_not_panic() {
    let text = b"# HELP go_gc A \\n summary.\n# TYPE go_gc summary\ngo_gc{quantile=\"0.25\",a=\"x\\\"y\"} 7e-05 152\n{\"my.m\",\"l\"=\"v\"} 1\n";
    let open =
        b"# TYPE f counter\n# UNIT f_s s\nf_total{a=\"b\"} 1 1.5 # {t=\"x\"} 0.6 1.7\nf_created{a=\"b\"} 1\n# EOF\n";
    // Two families: a counter with an exemplar, a native histogram.
    let protobuf = b"\x2a\x0a\x01r\x18\x00\x22\x23\x0a\x06\x0a\x01j\x12\x01x\x1a\x19\x09\x00\x00\x00\x00\x00\x00\x1c\x40\x12\x0e\x0a\x0a\x0a\x01t\x12\x05abcde\x1a\x00\
        \x1d\x0a\x01l\x18\x04\x22\x16\x3a\x14\x08\x06\x11\x00\x00\x00\x00\x00\x00\x12\x40\x28\x06\x38\x01\x62\x04\x08\x01\x10\x02";
    run(fuzz::fuzz_exposition, &[text.to_vec(), open.to_vec(), protobuf.to_vec()], 12_000);
}

#[test]
fn mutated_remote_read_does_not_panic() {
    let mut w = wire::protobuf::Writer::new();
    w.message(1, |w| {
        w.uint(1, 1_700_000_000_000);
        w.message(3, |w| {
            w.uint(1, 2);
            w.string(2, "job");
            w.string(3, "shop|bot");
        });
    });
    w.bytes(2, &[1, 0]);
    run(fuzz::fuzz_remote_read, &[w.into_bytes()], 8000);
}
