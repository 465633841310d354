//! Policies on traces, the pool's bounds, and what survives a crash.

use std::path::Path;

use foundation::UnixNanos;
use foundation::clock::ManualClock;
use foundation::disk::RealDisk;
use wire::otlp::tree::{Span, Traces};
use yaml::Findings;
use yaml::parse;

use super::super::testing::{built, of_service, span};
use super::*;
use crate::component::{ComponentId, Kind, StatusBoard};

const SECOND: i64 = 1_000_000_000;

fn sampler(yaml: &str) -> (Pool, Config) {
    sampler_in(yaml, false)
}

/// In front of the engines, or not.
fn sampler_in(yaml: &str, engines: bool) -> (Pool, Config) {
    let node = parse("test.yaml", yaml).unwrap();
    let id: ComponentId = "tail_sampling".parse().unwrap();
    let mut findings = Findings::default();
    let mut setup = Setup::new(Kind::Processor, &id, &node, &mut findings);
    setup.rejected_go_on(engines);
    let config: Config = setup.read().unwrap();
    let pool = config::pool(&mut setup, &config);
    (pool.unwrap_or_else(|_| panic!("{findings}")), config)
}

fn ids(decided: &[Decided]) -> Vec<u8> {
    let mut ids: Vec<u8> = decided
        .iter()
        .flat_map(|d| d.traces().records().map(|s| s.trace_id.as_bytes()[0]).collect::<Vec<_>>())
        .collect();
    ids.sort_unstable();
    ids
}

/// Traces 1 to 8, of which each has something of its own.
fn traces() -> Traces {
    let mut spans: Vec<Span> = (1..=8).map(|t| span(t, 1, "a")).collect();
    spans[0].status.code = 2;
    spans[1].end_time_unix_nano += 5_000_000_000;
    spans[2].attributes.set("http.route", "/pay");
    spans[3].attributes.set("n", 500);
    spans[4].attributes.set("vip", true);
    spans[5].trace_state = "v=1".into();
    spans[6].name = "slow query".into();
    spans.push(Span { parent_span_id: [1; 8].into(), ..span(8, 2, "b") });
    of_service("shop", spans)
}

fn kept(policies: &str) -> Vec<u8> {
    let (mut pool, _) = sampler(&format!("policies:\n{policies}"));
    assert!(pool.add(0, traces(), &Held::free()).is_empty());
    assert!(pool.tick(30 * SECOND - 1).is_empty());
    let mut ids = ids(&pool.tick(30 * SECOND));
    ids.dedup();
    ids
}

#[test]
fn every_policy() {
    for (policies, expected) in [
        ("- {name: p, type: always_sample}", &[1, 2, 3, 4, 5, 6, 7, 8][..]),
        ("- {name: p, type: status_code, status_code: {status_codes: [ERROR]}}", &[1]),
        ("- {name: p, type: latency, latency: {threshold_ms: 1000}}", &[2]),
        ("- {name: p, type: latency, latency: {threshold_ms: 50, upper_threshold_ms: 1000}}", &[1, 3, 4, 5, 6, 7, 8]),
        ("- {name: p, type: string_attribute, string_attribute: {key: http.route, values: [/pay]}}", &[3]),
        (
            "- {name: p, type: string_attribute, string_attribute: {key: service.name, values: ['^sh'], enabled_regex_matching: true}}",
            &[1, 2, 3, 4, 5, 6, 7, 8],
        ),
        ("- {name: p, type: numeric_attribute, numeric_attribute: {key: n, min_value: 400, max_value: 599}}", &[4]),
        ("- {name: p, type: boolean_attribute, boolean_attribute: {key: vip, value: true}}", &[5]),
        (
            "- {name: p, type: boolean_attribute, boolean_attribute: {key: vip, value: true, invert_match: true}}",
            &[1, 2, 3, 4, 6, 7, 8],
        ),
        ("- {name: p, type: trace_state, trace_state: {key: v, values: ['1']}}", &[6]),
        ("- {name: p, type: ottl_condition, ottl_condition: {span: ['IsMatch(name, \"slow\")']}}", &[7]),
        ("- {name: p, type: span_count, span_count: {min_spans: 2}}", &[8]),
        ("- {name: p, type: probabilistic, probabilistic: {sampling_percentage: 0}}", &[]),
        ("- {name: p, type: probabilistic, probabilistic: {sampling_percentage: 100}}", &[1, 2, 3, 4, 5, 6, 7, 8]),
        ("- {name: p, type: rate_limiting, rate_limiting: {spans_per_second: 3}}", &[1, 2, 3]),
        (
            "- {name: p, type: and, and: {and_sub_policy: [{type: latency, latency: {threshold_ms: 50}}, {type: status_code, status_code: {status_codes: [ERROR]}}]}}",
            &[1],
        ),
        (
            "- {name: p, type: not, not: {not_sub_policy: {type: status_code, status_code: {status_codes: [ERROR]}}}}",
            &[2, 3, 4, 5, 6, 7, 8],
        ),
        (
            "- {name: a, type: always_sample}\n- {name: d, type: drop, drop: {drop_sub_policy: [{type: span_count, span_count: {max_spans: 1}}]}}",
            &[8],
        ),
        (
            "- {name: p, type: composite, composite: {max_total_spans_per_second: 4, policy_order: [errors, all], composite_sub_policy: [{name: all, type: always_sample}, {name: errors, type: status_code, status_code: {status_codes: [ERROR]}}], rate_allocation: [{policy: errors, percent: 50}, {policy: all, percent: 50}]}}",
            &[1, 2, 3],
        ),
        (
            "- {name: a, type: boolean_attribute, boolean_attribute: {key: vip, value: true, invert_match: true}}\n- {name: b, type: always_sample}",
            &[1, 2, 3, 4, 6, 7, 8],
        ),
    ] {
        assert_eq!(kept(policies), expected, "{policies}");
    }
}

#[test]
fn late_spans_follow_and_room_is_made_by_the_oldest() {
    let (mut pool, _) = sampler(
        "{num_traces: 2, policies: [{name: e, type: status_code, status_code: {status_codes: [ERROR]}}], decision_cache: {sampled_cache_size: 2, non_sampled_cache_size: 2}}",
    );
    let error = |t| Span { status: wire::otlp::tree::Status { code: 2, ..Default::default() }, ..span(t, 1, "e") };
    let held = Held::free();
    assert!(pool.add(0, of_service("s", vec![error(1), span(2, 1, "ok")]), &held).is_empty());
    assert_eq!(ids(&pool.add(SECOND, of_service("s", vec![span(3, 1, "ok")]), &held)), [1]);
    assert_eq!(pool.counts, pool::Counts { sampled: 1, early: 1, ..Default::default() });
    assert_eq!(ids(&pool.add(SECOND, of_service("s", vec![span(1, 2, "late")]), &held)), [1]);
    assert!(pool.tick(31 * SECOND).is_empty());
    assert!(pool.add(32 * SECOND, of_service("s", vec![error(2)]), &held).is_empty(), "it follows, although it failed");
    assert_eq!(pool.counts, pool::Counts { sampled: 1, dropped: 2, early: 1, late: 2 });
    assert_eq!(pool.waiting(), 0);
}

/// The traces that go on, each with `true` when it is rejected.
fn verdicts(decided: &[Decided]) -> Vec<(u8, bool)> {
    let of = |s: &Span| (s.trace_id.as_bytes()[0], wire::otlp::sampling::is_rejected(&s.trace_state));
    let mut all: Vec<_> = decided.iter().flat_map(|d| d.traces().records().map(of).collect::<Vec<_>>()).collect();
    all.sort_unstable();
    all
}

#[test]
fn in_front_of_the_engines_rejected_spans_go_on_marked() {
    let (mut pool, _) =
        sampler_in("policies: [{name: e, type: status_code, status_code: {status_codes: [ERROR]}}]", true);
    let error = Span { status: wire::otlp::tree::Status { code: 2, ..Default::default() }, ..span(1, 1, "e") };
    let marked = Span { trace_state: wire::otlp::sampling::rejected("a=b"), ..span(1, 3, "before") };
    let held = Held::free();
    let at_once = pool.add(0, of_service("s", vec![error, span(2, 1, "ok"), marked]), &held);
    assert_eq!(verdicts(&at_once), [(1, true)], "what was rejected before belongs to no decision");
    assert_eq!(verdicts(&pool.tick(30 * SECOND)), [(1, false), (2, true)]);
    let late = pool.add(31 * SECOND, of_service("s", vec![span(1, 4, "late"), span(2, 4, "late")]), &held);
    assert_eq!(verdicts(&late), [(1, false), (2, true)]);
    assert_eq!(pool.counts, pool::Counts { sampled: 1, dropped: 1, early: 0, late: 2 });
}

#[test]
fn the_root_shortens_the_wait_and_chance_is_written_down() {
    let (mut pool, _) = sampler(
        "{decision_wait_after_root_received: 2s, policies: [{name: p, type: probabilistic, probabilistic: {sampling_percentage: 50}}]}",
    );
    let spans = (1..=200).map(|t| span(t, 1, "r")).collect();
    assert!(pool.add(0, of_service("s", spans), &Held::free()).is_empty());
    let decided = pool.tick(2 * SECOND);
    // The trace ids are one byte repeated: those from 0x80 on are kept.
    assert_eq!(ids(&decided), (0x80..=200).collect::<Vec<u8>>());
    assert_eq!(decided[0].traces().records().next().unwrap().trace_state, "ot=th:8");
    assert!(pool.tick(60 * SECOND).is_empty());
}

#[test]
fn mistakes_are_told_with_their_line() {
    for (yaml, message) in [
        ("decision_wait: 5s", "no policies"),
        ("policies:\n- {name: a, type: latncy}", "did you mean `latency`?"),
        ("policies:\n- {name: a, type: latency}", "test.yaml:2"),
        ("policies:\n- {name: a, type: latency}", "needs a section `latency`"),
        ("policies:\n- {name: a, type: always_sample}\n- {name: a, type: always_sample}", "a name of its own"),
        ("policies:\n- {name: a, type: status_code, status_code: {status_codes: [BAD]}}", "there is OK, ERROR, UNSET"),
        ("policies:\n- {name: a, type: ottl_condition, ottl_condition: {span: ['nam == 1']}}", "`nam` is not a path"),
        (
            "policies:\n- {name: a, type: composite, composite: {policy_order: [x]}}",
            "`x` is not in `composite_sub_policy`",
        ),
        ("policies:\n- {name: a, type: and, and: {and_sub_policy: []}}", "at least one policy"),
    ] {
        let Err(said) = built(&FACTORY, Signal::Traces, yaml) else { panic!("{yaml}") };
        assert!(said.contains(message), "{yaml}: {said}");
    }
}

/// Takes or refuses, and remembers.
#[derive(Default)]
struct Back {
    seen: Mutex<Vec<u8>>,
    refuses: std::sync::atomic::AtomicBool,
    refused: AtomicUsize,
}

impl Consumer for Back {
    fn consume(&self, telemetry: Telemetry) -> Answer<'_> {
        Box::pin(async move {
            if self.refuses.load(Ordering::Relaxed) {
                self.refused.fetch_add(1, Ordering::Relaxed);
                return Err(Refusal::new(ErrorKind::UNAVAILABLE, "down"));
            }
            let Tree::Traces(t) = telemetry.into_tree()? else { panic!() };
            self.seen.lock().extend(t.records().map(|s| s.trace_id.as_bytes()[0]));
            Ok(Decoded::default())
        })
    }
}

impl Back {
    async fn has(&self, expected: &[u8]) {
        let end = std::time::Instant::now() + Duration::from_secs(20);
        loop {
            let mut seen = self.seen.lock().clone();
            seen.sort_unstable();
            if seen == expected {
                return;
            }
            assert!(std::time::Instant::now() < end, "{seen:?} is not {expected:?}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

struct Stand {
    back: Arc<Back>,
    front: Arc<dyn Consumer>,
    run: Run,
    clock: ManualClock,
    meters: Meters,
}

fn stand(dir: &Path) -> Stand {
    let (pool, config) = sampler("policies: [{name: all, type: always_sample}]");
    let back = Arc::new(Back::default());
    let clock = ManualClock::new(UnixNanos::from_secs(1));
    let mut run = Run::new("processors.tail_sampling", StatusBoard::new(Arc::new(clock.clone())));
    let log = Log::open(Arc::new(RealDisk), dir);
    let around = Around { clock: Arc::new(clock.clone()), meters: Meters::default() };
    let meters = around.meters.clone();
    let front = begin(pool, &config, log, around, back.clone(), &mut run);
    Stand { back, front, run, clock, meters }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_survives_a_crash_and_a_stop_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let first = stand(dir.path());
    let answer = first.front.consume(Telemetry::of(of_service("s", vec![span(1, 1, "a"), span(2, 1, "b")]))).await;
    assert_eq!(answer.unwrap().accepted, 2);
    // A crash: the tasks are cut off, and nothing is decided. Its lock is free when the last of them is gone.
    drop((first.run, first.front));
    let lock = std::fs::File::open(dir.path().join("000001/LOCK")).unwrap();
    while lock.try_lock().is_err() {
        tokio::task::yield_now().await;
    }
    drop(lock);

    let second = stand(dir.path());
    assert!(second.back.seen.lock().is_empty());
    second.front.consume(Telemetry::of(of_service("s", vec![span(3, 1, "c")]))).await.unwrap();
    second.clock.advance(Duration::from_secs(31));
    second.back.has(&[1, 2, 3]).await;
    let sampled = second.meters.readings().into_iter().filter(|r| r.name.ends_with("_traces_sampled") && r.value > 0.0);
    let sampled: Vec<String> = sampled.map(|r| format!("{} {:?} {}", r.name, r.labels, r.value)).collect();
    let at = r#"("processor", "tail_sampling")"#;
    let expected = [
        format!(
            r#"otelcol_processor_tail_sampling_count_traces_sampled [{at}, ("policy", "all"), ("sampled", "true")] 3"#
        ),
        format!(r#"otelcol_processor_tail_sampling_global_count_traces_sampled [{at}, ("sampled", "true")] 3"#),
    ];
    assert_eq!(sampled, expected);
    second.front.consume(Telemetry::of(of_service("s", vec![span(4, 1, "d")]))).await.unwrap();
    second.run.stop(Duration::from_secs(20)).await;
    second.back.has(&[1, 2, 3, 4]).await;
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0, "the log is gone with its last trace");
}

/// Cuts an instance off, and waits until its folder is free.
fn crash(stand: Stand, folder: &Path) {
    drop((stand.run, stand.front));
    let lock = std::fs::File::open(folder.join("LOCK")).unwrap();
    while lock.try_lock().is_err() {
        std::thread::yield_now();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_passed_on_is_not_passed_on_again_after_a_crash() {
    let dir = tempfile::tempdir().unwrap();
    let first = stand(dir.path());
    // One request with a trace that is decided before the crash, and one that is decided after it.
    first.front.consume(Telemetry::of(of_service("s", vec![span(1, 1, "a")]))).await.unwrap();
    first.clock.advance(Duration::from_secs(20));
    first.front.consume(Telemetry::of(of_service("s", vec![span(1, 2, "a"), span(2, 1, "b")]))).await.unwrap();
    first.clock.advance(Duration::from_secs(11));
    first.back.has(&[1, 1]).await;
    let written = |record: &[u8]| {
        let files = std::fs::read_dir(dir.path().join("000001/wal")).unwrap();
        files.flatten().any(|f| std::fs::read(f.path()).unwrap().windows(record.len()).any(|w| w == record))
    };
    while !written(&[&[0, 2][..], &[1; 16]].concat()) {
        tokio::task::yield_now().await;
    }
    first.front.consume(Telemetry::of(of_service("s", vec![span(3, 1, "c")]))).await.unwrap();
    crash(first, &dir.path().join("000001"));

    let second = stand(dir.path());
    // The decision survived with it: late spans follow.
    second.front.consume(Telemetry::of(of_service("s", vec![span(1, 3, "late")]))).await.unwrap();
    second.back.has(&[1]).await;
    second.front.consume(Telemetry::of(of_service("s", vec![span(4, 1, "d")]))).await.unwrap();
    crash(second, &dir.path().join("000002"));

    let third = stand(dir.path());
    third.clock.advance(Duration::from_secs(31));
    third.back.has(&[2, 3, 4]).await;
    third.run.stop(Duration::from_secs(20)).await;
    third.back.has(&[2, 3, 4]).await;
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_passed_on_is_tried_again() {
    let dir = tempfile::tempdir().unwrap();
    let s = stand(dir.path());
    s.back.refuses.store(true, Ordering::Relaxed);
    s.front.consume(Telemetry::of(of_service("s", vec![span(1, 1, "a")]))).await.unwrap();
    s.clock.advance(Duration::from_secs(31));
    while s.back.refused.load(Ordering::Relaxed) == 0 {
        tokio::task::yield_now().await;
    }
    s.back.refuses.store(false, Ordering::Relaxed);
    s.back.has(&[1]).await;
    s.run.stop(Duration::from_secs(20)).await;
}

/// What services send: 10 attributes, some 450 bytes a span.
fn load(request: u64, spans: u64, traces: u64) -> Traces {
    let of = |n: u64| {
        let n = request * spans + n;
        let trace = n % traces + n / (traces * 10) * traces;
        let mut id = [1; 16];
        id[..8].copy_from_slice(&trace.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
        let mut s = Span { trace_id: id.into(), ..span(1, 1, "GET /api/v1/products/{id}") };
        s.status.code = i32::from(n.is_multiple_of(97)) * 2;
        for (key, value) in [
            ("http.request.method", "GET"),
            ("http.route", "/api/v1/products/{id}"),
            ("url.full", "https://shop.example.com/api/v1/products/4711?currency=EUR"),
            ("user_agent.original", "Mozilla/5.0 (X11; Linux x86_64) Chrome/130.0"),
            ("server.address", "shop.example.com"),
            ("client.address", "203.0.113.7"),
            ("network.protocol.version", "1.1"),
        ] {
            s.attributes.push(key, value);
        }
        s.attributes.push("http.response.status_code", 200);
        s.attributes.push("order.id", n as i64);
        s
    };
    of_service("shop", (0..spans).map(of).collect())
}

/// `cargo test --release -p pipeline tail_sampling_speed -- --ignored --nocapture`
#[test]
#[ignore = "a measurement"]
fn tail_sampling_speed() {
    let (mut pool, _) = sampler(
        "{num_traces: 100000, decision_wait: 3600s, memory_limit_mib: 1400, policies: [{name: e, type: status_code, status_code: {status_codes: [ERROR]}}, {name: l, type: latency, latency: {threshold_ms: 1000}}, {name: s, type: string_attribute, string_attribute: {key: http.route, values: [/pay]}}, {name: p, type: probabilistic, probabilistic: {sampling_percentage: 10}}]}",
    );
    let rss = || {
        let text = std::fs::read_to_string("/proc/self/status").unwrap();
        let line = text.lines().find(|l| l.starts_with("VmRSS")).unwrap().to_owned();
        line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1024
    };
    let (mut nanos, mut spans, mut kept, mut bytes) = (0u128, 0u64, 0usize, 0usize);
    for request in 0..2000 {
        let encoded = load(request, 1000, 100_000).encode();
        bytes += encoded.len();
        let began = std::time::Instant::now();
        let traces = Traces::decode(&encoded).unwrap();
        for decided in pool.add(request as i64, traces, &Held::free()) {
            kept += decided.traces().items();
        }
        nanos += began.elapsed().as_nanos();
        spans += 1000;
    }
    println!(
        "{spans} spans of {} bytes, {} live traces, {kept} spans kept: {} ns/span, {} spans/s on one core, {} MiB resident, {:?}",
        bytes as u64 / spans,
        pool.waiting(),
        nanos / u128::from(spans),
        u128::from(spans) * 1_000_000_000 / nanos,
        rss(),
        pool.counts,
    );
    assert!(pool.waiting() >= 90_000);
}
