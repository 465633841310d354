//! Ingest, queries, flushes, merges and retention at once, for half a minute or as long as `BELLROCK_SOAK_SECONDS` says
//! (`make soak`: ten minutes).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::support::random::{self, Rng};
use crate::support::{ingest_logs, ingest_spans, limits};
use eventstore::query::*;
use eventstore::{Config, EventStore};
use foundation::UnixNanos;
use foundation::disk::sim::SimDisk;
use model::{LogRecord, TimeRange, Value};

const DAY: i64 = 86_400_000_000_000;

#[allow(clippy::disallowed_methods, reason = "how long a test runs is not configuration of the product")]
fn seconds() -> u64 {
    std::env::var("BELLROCK_SOAK_SECONDS").ok().and_then(|s| s.parse().ok()).unwrap_or(30)
}

fn config() -> Config {
    let mut config = Config::new("/store");
    config.flush_rows = 3_000;
    config
}

/// What the threads share: acknowledged records by day, and the first day that was not dropped.
struct Seen {
    acknowledged: Vec<AtomicU64>,
    kept_from: AtomicU64,
    done: AtomicBool,
}

/// Days that the run goes through.
const DAYS: u64 = 12;

fn day(n: u64) -> TimeRange {
    TimeRange::new(UnixNanos(n as i64 * DAY), UnixNanos((n as i64 + 1) * DAY))
}

fn count(store: &EventStore, n: u64) -> u64 {
    let found = store.logs().count_over_time(&Select::all(day(n), limits()), Buckets::split(day(n), 1), None).unwrap();
    assert_eq!(found.partial, None);
    found.value.groups.iter().flat_map(|g| &g.counts).sum()
}

/// Sends records of rising days; the time says how far the run is.
fn write(store: &EventStore, seen: &Seen, began: Instant, run: Duration, seed: u64) {
    let mut rng = Rng::new(seed);
    while began.elapsed() < run {
        let today = ((began.elapsed().as_secs_f64() / run.as_secs_f64()) * DAYS as f64) as u64;
        let today = today.min(DAYS - 1);
        let batch: Vec<LogRecord> = (0..200)
            .map(|_| {
                let time = UnixNanos(today as i64 * DAY + 1 + rng.below(DAY as u64 - 1) as i64);
                let body = Value::Str(format!("request {} took {} ms", rng.next(), rng.below(900)));
                LogRecord { time, observed_time: time, body, ..LogRecord::default() }
            })
            .collect();
        match ingest_logs(store, &batch) {
            Ok(_) => drop(seen.acknowledged[today as usize].fetch_add(200, Ordering::SeqCst)),
            Err(e) => assert!(matches!(e.kind(), foundation::ErrorKind::Unavailable { .. }), "{e}"),
        }
        if rng.below(4) == 0 {
            ingest_spans(store, &random::spans(&mut rng)).unwrap();
        }
    }
}

fn read(store: &EventStore, seen: &Seen, seed: u64) {
    let mut rng = Rng::new(seed);
    while !seen.done.load(Ordering::SeqCst) {
        let n = rng.below(DAYS);
        let before = seen.acknowledged[n as usize].load(Ordering::SeqCst);
        let found = count(store, n);
        // What is dropped meanwhile is not missed.
        if n >= seen.kept_from.load(Ordering::SeqCst) {
            assert!(found >= before, "day {n}: {found} of {before}");
        }
        let select = Select::all(random::range(&mut rng), limits()).filter(random::filter(&mut rng, false));
        assert_eq!(store.logs().latest(&select, &Page::newest(20)).unwrap().partial, None);
        let select = Select::all(TimeRange::ALL, limits()).filter(random::filter(&mut rng, true));
        assert_eq!(store.spans().find_traces(&select, 5, None).unwrap().partial, None);
    }
}

#[test]
fn everything_at_once() {
    let run = Duration::from_secs(seconds());
    let disk = Arc::new(SimDisk::new(50));
    let store = EventStore::open(disk.clone(), config()).unwrap();
    let seen = Seen {
        acknowledged: (0..DAYS).map(|_| AtomicU64::new(0)).collect(),
        kept_from: AtomicU64::new(0),
        done: AtomicBool::new(false),
    };
    let began = Instant::now();
    std::thread::scope(|scope| {
        let writers: Vec<_> = (0..2)
            .map(|n| {
                scope.spawn({
                    let (store, seen) = (&store, &seen);
                    move || write(store, seen, began, run, n)
                })
            })
            .collect();
        for n in 0..2 {
            let (store, seen) = (&store, &seen);
            scope.spawn(move || read(store, seen, 100 + n));
        }
        let mut dropped = 0;
        while writers.iter().any(|w| !w.is_finished()) {
            let newest =
                (0..DAYS).rev().find(|n| seen.acknowledged[*n as usize].load(Ordering::SeqCst) > 0).unwrap_or(0);
            // Days end, so that the two before the newest are kept. Said before it is done.
            seen.kept_from.fetch_max(newest.saturating_sub(2), Ordering::SeqCst);
            dropped += apply_retention(&store, UnixNanos(newest as i64 * DAY + 1));
            std::thread::yield_now();
        }
        assert!(dropped > 0);
        seen.done.store(true, Ordering::SeqCst);
    });
    store.logs().flush();
    let stats = store.logs().stats();
    assert!(stats.segments > 0 && stats.memory_rows == 0 && stats.damaged_blocks == 0 && stats.failed_flushes == 0);
    let kept: Vec<u64> = (seen.kept_from.load(Ordering::SeqCst)..DAYS).collect();
    for n in &kept {
        assert_eq!(count(&store, *n), seen.acknowledged[*n as usize].load(Ordering::SeqCst), "day {n}");
    }
    drop(store);
    let store = EventStore::open(disk, config()).unwrap();
    for n in kept {
        assert_eq!(count(&store, n), seen.acknowledged[n as usize].load(Ordering::SeqCst), "day {n} after a restart");
    }
}

/// Takes away the days that ended two days before `now`; how many.
fn apply_retention(store: &EventStore, now: UnixNanos) -> usize {
    let mut old = store.logs().partitions();
    old.retain(|p| p.end.0 <= now.0 - 2 * DAY);
    store.logs().remove(&old).unwrap();
    old.len()
}
