//! Disks that fail, fill up and lose power: an acknowledged record is there exactly once, any other at most once.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use crate::support::random::Rng;
use crate::support::{ingest_logs, limits, open};
use eventstore::query::*;
use eventstore::{Config, EventStore, Removed};
use foundation::disk::sim::SimDisk;
use foundation::disk::{Disk as _, SharedDisk};
use foundation::{ErrorKind, UnixNanos};
use model::{LogRecord, TimeRange, Value};

fn record(id: i64, rng: &mut Rng) -> LogRecord {
    let time = UnixNanos(1 + rng.below(2 * 86_400_000_000_000) as i64);
    LogRecord { time, observed_time: time, body: Value::Int(id), ..LogRecord::default() }
}

/// How often each id is in the store.
fn ids(store: &EventStore) -> BTreeMap<i64, usize> {
    let found = store.logs().latest(&Select::all(TimeRange::ALL, limits()), &Page::newest(1_000_000)).unwrap();
    assert_eq!(found.partial, None);
    let mut out = BTreeMap::new();
    for row in found.value.rows {
        let Value::Int(id) = row.record.body else { panic!("a body that was never sent") };
        *out.entry(id).or_insert(0) += 1;
    }
    out
}

fn check(store: &EventStore, acknowledged: &BTreeSet<i64>, seed: u64) {
    let found = ids(store);
    for id in acknowledged {
        assert!(found.contains_key(id), "record {id} was acknowledged and is lost (seed {seed})");
    }
    let twice: Vec<_> = found.iter().filter(|(_, n)| **n > 1).collect();
    assert!(twice.is_empty(), "records are there more than once: {twice:?} (seed {seed})");
}

#[test]
fn acknowledged_records_survive_every_fault_exactly_once() {
    for seed in 0..60u64 {
        let mut rng = Rng::new(seed);
        let mut disk = SimDisk::new(seed);
        let mut acknowledged = BTreeSet::new();
        let mut next_id = 0;
        for _ in 0..6 {
            disk.heal();
            let store = open(Arc::new(disk.clone()), Path::new("/store"));
            check(&store, &acknowledged, seed);
            // The fault of this round comes somewhere in the steps that follow.
            match rng.below(4) {
                0 => disk.fail_writes_after(rng.below(20_000)),
                1 => disk.fail_sync_after(rng.below(12)),
                _ => {}
            }
            for _ in 0..rng.below(12) {
                let batch: Vec<LogRecord> =
                    (0..1 + rng.below(20)).map(|i| record(next_id + i as i64, &mut rng)).collect();
                let ids = next_id..next_id + batch.len() as i64;
                next_id = ids.end;
                match ingest_logs(&store, &batch) {
                    Ok(_) => acknowledged.extend(ids),
                    Err(e) => assert!(matches!(e.kind(), ErrorKind::Unavailable { .. })),
                }
                if rng.below(4) == 0 {
                    store.logs().flush();
                }
                if rng.below(8) == 0 {
                    disk.heal();
                }
                if rng.below(3) == 0 {
                    check(&store, &acknowledged, seed);
                }
            }
            if rng.below(3) == 0 {
                disk.heal();
                drop(store);
            } else {
                let found = disk.crash();
                drop(store);
                disk = found;
            }
        }
        disk.heal();
        check(&open(Arc::new(disk), Path::new("/store")), &acknowledged, seed);
    }
}

#[test]
fn merges_that_a_crash_interrupts_lose_and_repeat_nothing() {
    let mut merges = 0;
    for seed in 0..24u64 {
        let mut rng = Rng::new(seed);
        let mut disk = SimDisk::new(seed);
        let mut acknowledged = BTreeSet::new();
        for round in 0..3 {
            disk.heal();
            let store = open(Arc::new(disk.clone()), Path::new("/store"));
            check(&store, &acknowledged, seed);
            for i in 0..8 {
                let id = round * 100 + i;
                let record = LogRecord { time: UnixNanos(id + 1), ..record(id, &mut rng) };
                // The power goes while one of the later flushes is merged.
                if i == 5 {
                    disk.fail_sync_after(rng.below(24));
                }
                if ingest_logs(&store, &[record]).is_ok() {
                    acknowledged.insert(id);
                }
                store.logs().flush();
            }
            merges += u64::from(store.logs().stats().merged_bytes > 0);
            let found = disk.crash();
            drop(store);
            disk = found;
        }
        disk.heal();
        check(&open(Arc::new(disk), Path::new("/store")), &acknowledged, seed);
    }
    assert!(merges > 12, "{merges} rounds with a merge");
}

#[test]
fn segments_that_no_manifest_names_are_removed_at_open() {
    let disk: SharedDisk = Arc::new(SimDisk::new(7));
    drop(open(disk.clone(), Path::new("/store")));
    let folder = Path::new("/store/logs/19700101");
    disk.create_dir_all(folder).unwrap();
    let orphan = folder.join("seg-000000000009.evt");
    disk.create(&orphan).unwrap().write_all(b"left over").unwrap();
    drop(open(disk.clone(), Path::new("/store")));
    assert!(disk.read(&orphan).is_err());
}

#[test]
fn segments_without_their_manifest_are_kept_and_the_store_is_not_opened() {
    let disk: SharedDisk = Arc::new(SimDisk::new(9));
    let (dir, manifest) = (Path::new("/store"), Path::new("/store/logs/MANIFEST"));
    let mut rng = Rng::new(9);
    let store = open(disk.clone(), dir);
    // A new store has its manifest before its first segment.
    assert!(disk.read(manifest).is_ok());
    ingest_logs(&store, &[LogRecord { time: UnixNanos(1), ..record(1, &mut rng) }]).unwrap();
    store.logs().flush();
    drop(store);
    disk.rename(manifest, Path::new("/store/elsewhere")).unwrap();
    let refused = EventStore::open(disk.clone(), Config::new(dir)).err();
    assert!(matches!(&refused, Some(eventstore::OpenError::ManifestGone { path }) if path == manifest), "{refused:?}");
    disk.rename(Path::new("/store/elsewhere"), manifest).unwrap();
    assert_eq!(ids(&open(disk, dir)).into_keys().collect::<Vec<_>>(), [1]);
}

#[test]
fn a_damaged_block_is_left_out_and_said() {
    let mut rng = Rng::new(1);
    let disk = SimDisk::new(1);
    let store = open(Arc::new(disk.clone()), Path::new("/store"));
    let old: Vec<LogRecord> = (0..100).map(|i| LogRecord { time: UnixNanos(i + 1), ..record(i, &mut rng) }).collect();
    ingest_logs(&store, &old).unwrap();
    store.logs().flush();
    let segments = disk.list(Path::new("/store/logs/19700101")).unwrap();
    ingest_logs(&store, &[record(1000, &mut rng)]).unwrap();
    let store = {
        drop(store);
        // Within the columns of the only block of the first segment.
        let len = disk.read(&segments[0]).unwrap().len();
        disk.flip_bit(&segments[0], len / 2, 3).unwrap();
        open(Arc::new(disk.clone()), Path::new("/store"))
    };
    let found = store.logs().latest(&Select::all(TimeRange::ALL, limits()), &Page::newest(1000)).unwrap();
    assert_eq!(found.partial, Some(Partial::Damaged { blocks: 1 }));
    assert_eq!(found.value.rows.len(), 1);
    assert_eq!(store.logs().stats().damaged_blocks, 1);
}

#[test]
fn memory_that_is_full_refuses_until_it_is_flushed() {
    let mut rng = Rng::new(1);
    let mut config = Config::new("/store");
    config.memory_bytes_max = 200_000;
    let store = EventStore::open(Arc::new(SimDisk::new(1)), config).unwrap();
    let mut refused = None;
    for i in 0..1000 {
        let batch: Vec<LogRecord> = (0..20).map(|n| record(i * 20 + n, &mut rng)).collect();
        if let Err(e) = ingest_logs(&store, &batch) {
            refused = Some(e);
            break;
        }
    }
    assert!(matches!(refused.map(|e| e.kind()), Some(ErrorKind::Unavailable { .. })));
    store.logs().flush();
    ingest_logs(&store, &[record(-1, &mut rng)]).unwrap();
    assert!(ids(&store).contains_key(&-1));
}

#[test]
fn whole_days_are_taken_away() {
    let day = 86_400_000_000_000i64;
    let config = Config::new("/store");
    let disk = SimDisk::new(3);
    let store = EventStore::open(Arc::new(disk.clone()), config.clone()).unwrap();
    let mut rng = Rng::new(3);
    for d in 0..4 {
        ingest_logs(&store, &[LogRecord { time: UnixNanos(d * day + 5), ..record(d, &mut rng) }]).unwrap();
    }
    store.logs().flush();
    let partitions = store.logs().partitions();
    assert_eq!(
        partitions.iter().map(|p| (p.end.0 / day, p.rows)).collect::<Vec<_>>(),
        [(1, 1), (2, 1), (3, 1), (4, 1)]
    );
    assert_eq!(store.logs().remove(&partitions[..2]).unwrap().rows, 2);
    assert_eq!(ids(&store).into_keys().collect::<Vec<_>>(), [2, 3]);
    assert_eq!(store.logs().remove(&partitions[..2]).unwrap(), Removed::default());
    drop(store);
    assert!(disk.list(Path::new("/store/logs/19700101")).unwrap().is_empty());
    let store = EventStore::open(Arc::new(disk), config).unwrap();
    assert_eq!(ids(&store).into_keys().collect::<Vec<_>>(), [2, 3]);
}

#[test]
fn limits_make_outcomes_partial() {
    let mut rng = Rng::new(4);
    let store = open(Arc::new(SimDisk::new(4)), Path::new("/store"));
    let batch: Vec<LogRecord> = (0..500).map(|i| record(i, &mut rng)).collect();
    ingest_logs(&store, &batch).unwrap();
    let ask =
        |limits: Limits| store.logs().latest(&Select::all(TimeRange::ALL, limits), &Page::newest(500)).unwrap().partial;
    assert_eq!(ask(Limits { deadline: std::time::Instant::now(), ..limits() }), Some(Partial::Deadline));
    assert_eq!(ask(Limits { memory_bytes: 10_000, ..limits() }), Some(Partial::Memory));
    let cancelled = limits();
    cancelled.cancel.cancel();
    assert_eq!(ask(cancelled), Some(Partial::Cancelled));
    assert_eq!(ask(limits()), None);
}

#[test]
fn full_blocks_are_sealed_and_answer_like_small_ones() {
    let mut rng = Rng::new(5);
    let store = open(Arc::new(SimDisk::new(5)), Path::new("/store"));
    let mut id = 0;
    for _ in 0..5 {
        let batch: Vec<LogRecord> = (0..9_000).map(|i| record(id + i, &mut rng)).collect();
        ingest_logs(&store, &batch).unwrap();
        id += 9_000;
    }
    let count = |store: &EventStore| {
        let buckets = Buckets { start: UnixNanos(0), step_nanos: 86_400_000_000_000, count: 2 };
        let counts = store.logs().count_over_time(&Select::all(TimeRange::ALL, limits()), buckets, None).unwrap();
        counts.value.groups[0].counts.iter().sum::<u64>()
    };
    assert_eq!(count(&store), 45_000);
    store.logs().flush();
    assert_eq!(count(&store), 45_000);
    assert_eq!(ids(&store).len(), 45_000);
    let one = Select::all(TimeRange::ALL, limits()).filter(Filter::eq(Field::Body, 31_415));
    assert_eq!(store.logs().latest(&one, &Page::newest(10)).unwrap().value.rows.len(), 1);
}

#[test]
fn queries_see_every_acknowledged_record_once_while_memory_moves() {
    let mut config = Config::new("/store");
    // Flushes all the time, sealing and freezing under the queries.
    config.flush_rows = 2_000;
    let store = EventStore::open(Arc::new(SimDisk::new(6)), config).unwrap();
    let acknowledged = std::sync::atomic::AtomicI64::new(0);
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let mut rng = Rng::new(6);
            for i in 0..200 {
                let batch: Vec<LogRecord> = (0..100).map(|n| record(i * 100 + n, &mut rng)).collect();
                ingest_logs(&store, &batch).unwrap();
                acknowledged.store((i + 1) * 100, std::sync::atomic::Ordering::SeqCst);
            }
        });
        while !writer.is_finished() {
            let before = acknowledged.load(std::sync::atomic::Ordering::SeqCst);
            let found = ids(&store);
            assert!(found.values().all(|n| *n == 1));
            assert!((0..before).all(|id| found.contains_key(&id)), "{before} were acknowledged");
        }
    });
    assert_eq!(ids(&store).len(), 20_000);
    assert!(store.logs().stats().segments > 0);
}

#[test]
fn small_segments_are_merged_and_their_files_removed() {
    let disk = SimDisk::new(8);
    let store = open(Arc::new(disk.clone()), Path::new("/store"));
    let mut rng = Rng::new(8);
    for i in 0..30 {
        let time = UnixNanos(i + 1);
        ingest_logs(&store, &[LogRecord { time, observed_time: time, ..record(i, &mut rng) }]).unwrap();
        store.logs().flush();
    }
    let files = disk.list(Path::new("/store/logs/19700101")).unwrap();
    assert!(files.len() < 10, "{files:?}");
    assert_eq!(store.logs().stats().segments as usize, files.len());
    assert_eq!(ids(&store).len(), 30);
    drop(store);
    assert_eq!(ids(&open(Arc::new(disk), Path::new("/store"))).len(), 30);
}

/// A request that names many resources, of which only the last has a record.
fn mostly_empty_request(resources: usize) -> Vec<u8> {
    // `ExportLogsServiceRequest.resource_logs` (1): messages of a resource (1) with one attribute each.
    let mut out = Vec::new();
    for i in 0..resources {
        let value = format!("{i:06}");
        let mut attribute = vec![0x0a, 1, b'n', 0x12, 8, 0x0a, 6];
        attribute.extend_from_slice(value.as_bytes());
        let mut resource = vec![0x0a, attribute.len() as u8];
        resource.extend(attribute);
        let mut message = vec![0x0a, resource.len() as u8];
        message.extend(resource);
        out.extend([0x0a, message.len() as u8]);
        out.extend(message);
    }
    let last =
        LogRecord { time: UnixNanos(1), observed_time: UnixNanos(1), body: Value::Int(5), ..LogRecord::default() };
    out.extend(wire::otlp::encode::logs_request(&[last]));
    out
}

#[test]
fn a_request_with_many_empty_resources_is_stored_and_flushed() {
    let disk = SimDisk::new(20);
    let store = open(Arc::new(disk.clone()), Path::new("/store"));
    let request = mostly_empty_request(9_000);
    let (batch, _) = eventstore::LogBatch::decode(&request, &crate::support::decode_limits()).unwrap();
    let (tx, rx) = std::sync::mpsc::channel();
    store.logs().ingest(request, batch, Box::new(move |result| tx.send(result).unwrap()));
    rx.recv().unwrap().unwrap();
    store.logs().flush();
    let stats = store.logs().stats();
    assert_eq!((stats.failed_flushes, stats.memory_rows, stats.segment_rows), (0, 0, 1));
    assert_eq!(ids(&store).into_keys().collect::<Vec<_>>(), [5]);
}

#[test]
fn flushes_and_merges_that_fail_leave_no_files_behind() {
    let disk = SimDisk::new(21);
    let folder = Path::new("/store/logs/19700101");
    let store = open(Arc::new(disk.clone()), Path::new("/store"));
    let mut rng = Rng::new(21);
    let files = || disk.list(folder).unwrap().len();
    let mut id = 0;
    // Enough rounds that some of the faults come in the merge, which follows a flush that succeeded.
    for _ in 0..9 {
        let time = UnixNanos(id + 1);
        ingest_logs(&store, &[LogRecord { time, observed_time: time, ..record(id, &mut rng) }]).unwrap();
        id += 1;
        // The disk fills up at every point of a flush: in a segment, and in the manifest.
        for room in (0..1_200).step_by(40) {
            disk.fail_writes_after(room);
            store.logs().flush();
            // After a manifest that failed twice, its files may stay until there is room; further ones are not made.
            // Polled, as the store's own thread may be at it too.
            let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
            while files() > store.logs().stats().segments as usize + 1 {
                assert!(std::time::Instant::now() < deadline, "{} files, room {room}", files());
                std::thread::yield_now();
            }
            disk.heal();
        }
        store.logs().flush();
    }
    for syncs in 0..6 {
        let time = UnixNanos(id + 1);
        ingest_logs(&store, &[LogRecord { time, observed_time: time, ..record(id, &mut rng) }]).unwrap();
        id += 1;
        disk.fail_sync_after(syncs);
        store.logs().flush();
        disk.heal();
        store.logs().flush();
        assert_eq!(files() as u64, store.logs().stats().segments, "the sync {syncs} failed");
    }
    assert_eq!(ids(&store).len(), id as usize);
    // A crash finds the manifest that was written again, and all its files.
    let found = disk.crash();
    drop(store);
    assert_eq!(ids(&open(Arc::new(found), Path::new("/store"))).len(), id as usize);
}

#[test]
fn a_segment_that_cannot_be_opened_makes_answers_partial_and_holds_nothing_up() {
    let day = 86_400_000_000_000i64;
    let config = Config::new("/store");
    let disk = SimDisk::new(22);
    let mut rng = Rng::new(22);
    let mut next = 0;
    let mut store_one = |store: &EventStore, time: i64| {
        let time = UnixNanos(time);
        ingest_logs(store, &[LogRecord { time, observed_time: time, ..record(next, &mut rng) }]).unwrap();
        store.logs().flush();
        next += 1;
    };
    let store = EventStore::open(Arc::new(disk.clone()), config.clone()).unwrap();
    store_one(&store, 1);
    let broken = disk.list(Path::new("/store/logs/19700101")).unwrap().remove(0);
    drop(store);
    let len = disk.read(&broken).unwrap().len();
    disk.flip_bit(&broken, len - 1, 0).unwrap();
    let store = EventStore::open(Arc::new(disk.clone()), config).unwrap();
    let ask =
        |range: TimeRange| store.logs().latest(&Select::all(range, limits()), &Page::newest(100)).unwrap().partial;
    assert_eq!(ask(TimeRange::ALL), Some(Partial::Damaged { blocks: 1 }));
    assert_eq!(ask(TimeRange::new(UnixNanos(2), UnixNanos::MAX)), None);
    // The others of its day are merged, and it stays.
    for i in 0..8 {
        store_one(&store, 10 + i);
    }
    let stats = store.logs().stats();
    assert!(stats.segments < 8 && stats.merged_bytes > 0);
    assert!(disk.read(&broken).is_ok());
    store_one(&store, 3 * day);
    let oldest = store.logs().partitions().remove(0);
    let segments = oldest.segments.len() as u64;
    assert_eq!(store.logs().remove(&[oldest]).unwrap().segments, segments);
    assert_eq!(ask(TimeRange::ALL), None);
    assert!(disk.read(&broken).is_err());
}

#[test]
fn a_page_that_ended_early_has_no_cursor_that_jumps_over_rows() {
    let store = open(Arc::new(SimDisk::new(23)), Path::new("/store"));
    let log = |time, body: String| LogRecord {
        time: UnixNanos(time),
        observed_time: UnixNanos(time),
        body: Value::Str(body),
        ..LogRecord::default()
    };
    ingest_logs(&store, &[log(10, "x".into()), log(100, "x".into())]).unwrap();
    store.logs().flush();
    // Between the two, in a block that does not fit into the memory of the query.
    ingest_logs(&store, &[log(50, "x".repeat(1_000_000))]).unwrap();
    store.logs().flush();
    let filter = Filter::Is(Predicate::Contains { field: Field::Body, text: "x".into(), ignore_case: false });
    let ask = |memory_bytes| {
        let select = Select::all(TimeRange::ALL, Limits { memory_bytes, ..limits() }).filter(filter.clone());
        store.logs().latest(&select, &Page::newest(2)).unwrap()
    };
    let found = ask(100_000);
    assert_eq!((found.partial, found.value.next), (Some(Partial::Memory), None));
    let found = ask(100_000_000);
    assert_eq!((found.partial, found.value.next.map(|id| id.time)), (None, Some(UnixNanos(50))));
}
