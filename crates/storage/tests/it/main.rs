//! Retention over all three signals: what is announced goes, nothing else, running or stopped.

#![allow(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use eventstore::{Config, EventStore, LogBatch, SpanBatch};
use foundation::UnixNanos;
use foundation::clock::ManualClock;
use foundation::disk::sim::SimDisk;
use model::{Labels, LogRecord, Signal, Span, SpanId, TraceId};
use storage::{Data, Limit, Limits, Retention, Running, Stopped, WhenLow, plan, remove, report};
use tsdb::{Options, Tsdb};

const DAY: Duration = Duration::from_secs(86_400);
const START: UnixNanos = UnixNanos::from_secs(20_000 * 86_400);
const DAYS: u32 = 5;

/// Logs, spans and samples of five days, each in partitions of a day.
fn filled(disk: &SimDisk) -> Running {
    let shared: foundation::disk::SharedDisk = Arc::new(disk.clone());
    let dir = Path::new("/data");
    let events = EventStore::open(shared.clone(), Config::new(dir.join("events"))).unwrap();
    let clock = ManualClock::new(START);
    let mut options = Options::new(dir.join("metrics"));
    (options.min_free_bytes, options.retention) = (0, None);
    let metrics = Tsdb::open(shared.clone(), Arc::new(clock.clone()), options).unwrap();
    for day in 0..DAYS {
        let time = START.plus(DAY * day + Duration::from_secs(3600));
        let limits = wire::otlp::Limits::new(time);
        let (tx, rx) = mpsc::channel();
        let attributes = vec![("parity".to_owned(), model::Value::Int(i64::from(day % 2)))];
        let log = LogRecord { time, observed_time: time, attributes, ..LogRecord::default() };
        let request = wire::otlp::encode::logs_request(&[log]);
        let batch = LogBatch::decode(&request, &limits).unwrap().0;
        let done = tx.clone();
        events.logs().ingest(request, batch, Box::new(move |r| done.send(r.is_ok()).unwrap()));
        let span = Span {
            trace_id: TraceId([1; 16]),
            span_id: SpanId([1 + day as u8; 8]),
            start: time,
            end: time,
            ..Span::default()
        };
        let request = wire::otlp::encode::traces_request(&[span]);
        let batch = SpanBatch::decode(&request, &limits).unwrap().0;
        events.spans().ingest(request, batch, Box::new(move |r| tx.send(r.is_ok()).unwrap()));
        assert_eq!((rx.recv(), rx.recv()), (Ok(true), Ok(true)));
        clock.set(time);
        metrics.append_wait(vec![(Labels::from_pairs([("__name__", "up")]), time.as_millis(), 1.0)]).unwrap();
        metrics.flush().unwrap();
    }
    events.logs().flush();
    events.spans().flush();
    Running { events: Arc::new(events), metrics: Arc::new(metrics), disk: shared, dir: dir.to_owned() }
}

/// Signal and first record of each partition.
fn held(data: &dyn Data) -> BTreeSet<(&'static str, i64)> {
    data.partitions().unwrap().into_iter().map(|p| (p.signal.name(), p.min_time.0)).collect()
}

fn limits() -> Limits {
    let kept = |days| Limit { retention: Some(DAY * days), bytes_max: None };
    Limits { logs: kept(2), traces: kept(1), metrics: kept(3), min_free: 0, when_low: WhenLow::Refuse }
}

#[test]
fn a_running_server_removes_what_its_report_announced() {
    let now = START.plus(DAY * DAYS);
    let retention = Retention::new(filled(&SimDisk::new(1)), limits());
    let announced = retention.report(now, true).unwrap();
    assert_eq!(announced.signals.iter().map(|s| s.partitions.len()).collect::<Vec<_>>(), [5, 5, 5]);
    assert!(announced.signals[0].columns.iter().any(|c| c.column == "time" && c.values == 5), "{announced:?}");
    let parity = announced.signals[0].columns.iter().find(|c| c.key == "parity");
    assert_eq!(parity.map(|c| (c.values, c.distinct, c.distinct_exact)), Some((5, Some(2), Some(true))));
    let removed = retention.apply(now).unwrap();
    let text = |signal: &str, name: &str| format!("{signal} {name}");
    assert_eq!(
        removed.iter().map(|r| text(r.partition.signal.name(), &r.partition.name)).collect::<Vec<_>>(),
        announced.removals.iter().map(|r| text(&r.signal, &r.partition)).collect::<Vec<_>>()
    );
    // Days 0 to 2 of logs are older than two days, 0 to 3 of traces than one; blocks end with their sample.
    let left = retention.report(now, false).unwrap();
    assert_eq!(left.signals.iter().map(|s| s.partitions.len()).collect::<Vec<_>>(), [2, 1, 3]);
    assert!(left.removals.is_empty());
    let bytes: u64 = announced.removals.iter().map(|r| r.bytes).sum();
    assert_eq!((retention.counts().removed_bytes, retention.counts().removed_partitions), (bytes, 9));
}

#[test]
fn a_stopped_directory_is_pruned_the_same() {
    let disk = SimDisk::new(2);
    let now = START.plus(DAY * DAYS);
    let running = filled(&disk);
    let before = held(&running);
    drop(running);
    let mut stopped = Stopped::open(Arc::new(disk.clone()), Path::new("/data")).unwrap();
    assert_eq!(held(&stopped), before);
    let planned = plan(&stopped.partitions().unwrap(), &limits(), now, 0);
    assert_eq!(planned.len(), report(&stopped, &limits(), now, false).unwrap().removals.len());
    let gone: BTreeSet<_> = planned.iter().map(|r| (r.partition.signal.name(), r.partition.min_time.0)).collect();
    remove(&mut stopped, &planned).unwrap();
    drop(stopped);
    let stopped = Stopped::open(Arc::new(disk), Path::new("/data")).unwrap();
    assert_eq!(held(&stopped), before.difference(&gone).copied().collect());
}

#[test]
fn a_crash_in_the_middle_takes_no_more_than_was_announced() {
    for seed in 0..40u64 {
        let disk = SimDisk::new(seed);
        let running = filled(&disk);
        let before = held(&running);
        let now = START.plus(DAY * DAYS);
        let planned = plan(&running.partitions().unwrap(), &limits(), now, 0);
        let gone: BTreeSet<_> = planned.iter().map(|r| (r.partition.signal.name(), r.partition.min_time.0)).collect();
        disk.fail_sync_after(seed % 7);
        let whole = remove(&mut running.clone(), &planned).is_ok();
        let found = disk.crash();
        drop(running);
        let shared: foundation::disk::SharedDisk = Arc::new(found);
        let events = EventStore::open(shared.clone(), Config::new("/data/events")).unwrap();
        let mut options = Options::new("/data/metrics");
        (options.min_free_bytes, options.retention) = (0, None);
        let metrics = Tsdb::open(shared.clone(), Arc::new(ManualClock::new(now)), options).unwrap();
        let dir = Path::new("/data").to_owned();
        let running = Running { events: Arc::new(events), metrics: Arc::new(metrics), disk: shared, dir };
        let left = held(&running);
        assert!(before.difference(&left).all(|p| gone.contains(p)), "more went than was announced (seed {seed})");
        assert!(!whole || left == before.difference(&gone).copied().collect(), "seed {seed}");
        assert!(running.partitions().unwrap().iter().all(|p| p.signal != Signal::Logs || p.records == 1));
    }
}

#[test]
fn a_snapshot_of_the_metrics_opens_as_an_engine_and_outlives_retention() {
    let disk = SimDisk::new(7);
    let running = filled(&disk);
    // Is in memory when the copy is made.
    let newest = START.plus(DAY * (DAYS - 1) + Duration::from_secs(3660));
    running.metrics.append_wait(vec![(Labels::from_pairs([("__name__", "late")]), newest.as_millis(), 2.0)]).unwrap();
    let backup = running.snapshot_metrics("one").unwrap();
    assert_eq!((backup.blocks, backup.left_out.len()), (DAYS as usize + 1, 0));
    let again = running.snapshot_metrics("one").unwrap_err().to_string();
    assert!(again.contains("make the snapshot: one"), "{again}");
    let retention = Retention::new(running, limits());
    assert!(!retention.apply(newest).unwrap().is_empty());

    // Nothing that was not synced is needed.
    let disk = disk.crash();
    let mut options = Options::new("/data/metrics-snapshots/one");
    (options.min_free_bytes, options.retention) = (0, None);
    let copy = Tsdb::open(Arc::new(disk.clone()), Arc::new(ManualClock::new(newest)), options).unwrap();
    let all = copy.select(&model::AccessScope::ALL, &[], (i64::MIN, i64::MAX), tsdb::ReadLimits::default()).unwrap();
    let samples: usize = all.collect().unwrap().iter().map(|s| s.samples.len()).sum();
    assert_eq!(samples, DAYS as usize + 1);
}

#[test]
fn of_a_snapshot_that_fails_nothing_is_left() {
    let disk = SimDisk::new(8);
    let running = filled(&disk);
    disk.fail_writes_after(0);
    assert!(running.snapshot_metrics("one").is_err());
    disk.heal();
    assert_eq!(running.disk.list(Path::new("/data/metrics-snapshots/one")).unwrap(), Vec::<std::path::PathBuf>::new());
    running.snapshot_metrics("one").unwrap();
}

#[test]
fn on_a_low_disk_the_oldest_of_all_signals_go_and_the_newest_stay() {
    let disk = SimDisk::new(9);
    let running = filled(&disk);
    let now = START.plus(DAY * DAYS);
    let all = running.partitions().unwrap();
    let of_oldest_day: u64 = all.iter().filter(|p| p.min_time.0 < START.plus(DAY).0).map(|p| p.bytes).sum();
    // No retention and no size: only the room decides. It is low by what the oldest day of all three signals has.
    let min_free = 1 << 20;
    let limits = |when_low| Limits { min_free, when_low, ..Limits::default() };
    disk.fail_writes_after(2 * min_free - of_oldest_day);
    let refusing = Retention::new(running.clone(), limits(WhenLow::Refuse));
    assert!(refusing.apply(now).unwrap().is_empty(), "who refuses new data removes nothing");
    let removing = Retention::new(running.clone(), limits(WhenLow::RemoveOldest));
    let announced = removing.report(now, false).unwrap().removals;
    let removed = removing.apply(now).unwrap();
    let names = |signal: Signal| removed.iter().filter(move |r| r.partition.signal == signal).count();
    assert_eq!([Signal::Logs, Signal::Traces, Signal::Metrics].map(names), [1, 1, 1]);
    assert!(removed.iter().all(|r| r.partition.min_time.0 < START.plus(DAY).0 && r.reason.name() == "low disk"));
    assert_eq!(announced.iter().map(|r| r.bytes).sum::<u64>(), of_oldest_day);
    // Were there no room at all, the newest of each signal would stay.
    disk.fail_writes_after(0);
    removing.apply(now).unwrap_err();
    disk.fail_writes_after(min_free);
    removing.apply(now).unwrap();
    let left = held(&running);
    assert_eq!(left.len(), 3, "{left:?}");
    assert!(left.iter().all(|(_, min_time)| *min_time >= START.plus(DAY * (DAYS - 1)).0));
}
