//! Power cuts and full disks: what was acknowledged is there, once, whatever happens when.

use std::path::Path;

use foundation::disk::Disk as _;
use foundation::disk::sim::SimDisk;
use model::{AccessScope, Labels};
use tsdb::{MatchOp, Matcher, ReadLimits, Sample, Tsdb};

use crate::support::{NOW_MS, open};

fn series(i: i64) -> Labels {
    Labels::from_pairs([("__name__", "m"), ("i", &i.to_string())])
}

fn samples(db: &Tsdb) -> Vec<(Labels, Vec<Sample>)> {
    let all = [Matcher::new("__name__", MatchOp::Eq, "m")];
    let found = db.select(&AccessScope::ALL, &all, (i64::MIN, i64::MAX), ReadLimits::default()).expect("select");
    found.collect().expect("collect").into_iter().map(|s| (s.labels, s.samples)).collect()
}

/// Appends rounds of samples with flushes and compactions between them until the disk fails; returns how many rounds were acknowledged.
fn write_until_failure(db: &Tsdb, rounds: i64) -> i64 {
    for round in 0..rounds {
        let batch = (0..5).map(|i| (series(i), NOW_MS + round * 1000, round as f64)).collect();
        if db.append_wait(batch).is_err() {
            return round;
        }
        if round % 3 == 2 && (db.flush().is_err() || db.compact().is_err()) {
            return round + 1;
        }
    }
    rounds
}

fn check(db: &Tsdb, acknowledged: i64, tried: i64, what: &str) {
    let found = samples(db);
    assert_eq!(found.len(), if found.is_empty() { 0 } else { 5 }, "{what}");
    assert!(acknowledged == 0 || !found.is_empty(), "{what}");
    for (labels, samples) in found {
        let n = samples.len() as i64;
        assert!(acknowledged <= n && n <= tried, "{what}: {labels} has {n} samples, {acknowledged} acknowledged");
        for (round, s) in (0..).zip(&samples) {
            assert_eq!(*s, Sample { t: NOW_MS + round * 1000, v: round as f64 }, "{what}: {labels}");
        }
    }
}

#[test]
fn nothing_acknowledged_is_lost_when_the_power_goes_after_any_number_of_bytes() {
    for seed in 0..150u64 {
        let disk = SimDisk::new(seed);
        let db = open(&disk);
        // A failing write stops the run at a point inside append, flush or compaction.
        disk.fail_writes_unannounced_after(200 + seed * 97);
        let acknowledged = write_until_failure(&db, 40);
        let after = disk.crash();
        drop(db);
        after.heal();
        let db = open(&after);
        check(&db, acknowledged, acknowledged + 1, &format!("seed {seed}"));
        // It goes on, and a second crash right after a flush is survived too.
        db.append_wait(vec![(series(0), NOW_MS + 1_000_000, 1.0)]).expect("append");
        let before = samples(&db);
        db.flush().expect("flush");
        assert_eq!(samples(&db), before, "seed {seed}");
        let after = after.crash();
        drop(db);
        assert_eq!(samples(&open(&after)), before, "seed {seed}");
    }
}

#[test]
fn nothing_acknowledged_is_lost_when_a_sync_fails() {
    for seed in 0..60u64 {
        let disk = SimDisk::new(seed);
        let db = open(&disk);
        disk.fail_sync_after(seed);
        let acknowledged = write_until_failure(&db, 40);
        let after = disk.crash();
        drop(db);
        check(&open(&after), acknowledged, acknowledged + 1, &format!("seed {seed}"));
    }
}

#[test]
fn a_full_disk_refuses_and_recovers_without_a_restart() {
    let disk = SimDisk::new(3);
    let db = open(&disk);
    assert_eq!(write_until_failure(&db, 5), 5);
    disk.fail_writes_after(0);
    let e = db.append_wait(vec![(series(0), NOW_MS + 60_000, 1.0)]).expect_err("full");
    assert!(matches!(e.kind(), foundation::ErrorKind::Unavailable { .. }), "{e}");
    let before = samples(&db);
    assert_eq!(before.len(), 5, "what is frozen can be queried");
    // It fails at every byte of block, snapshot and manifest, until there is just enough room.
    let enough = (1..10_000).find(|room| {
        disk.fail_writes_after(*room);
        db.flush().is_ok()
    });
    assert!(enough.is_some_and(|room| room > 500), "{enough:?}");
    assert_eq!(samples(&db), before);
    disk.heal();
    db.append_wait(vec![(series(0), NOW_MS + 60_000, 1.0)]).expect("there is room again");
    assert!(db.flush().expect("flush"));
    assert_eq!((db.stats().blocks, db.stats().head_samples), (3, 0));
    let names = disk.list(Path::new("/data/metrics")).expect("list");
    assert_eq!(names.iter().filter(|p| p.to_string_lossy().contains("block-")).count(), 3, "{names:?}");
    drop(db);
    let db = open(&disk);
    assert_eq!(samples(&db).iter().map(|s| s.1.len()).sum::<usize>(), 26);
}

#[test]
fn orphans_are_removed_and_a_damaged_block_is_left_out() {
    let disk = SimDisk::new(4);
    let db = open(&disk);
    write_until_failure(&db, 3);
    db.append_wait(vec![(series(9), NOW_MS + 60_000, 1.0)]).expect("append");
    db.close().expect("close");
    let dir = Path::new("/data/metrics");
    let orphan = dir.join("block-00000000000000000099.brk");
    drop(disk.create(&orphan).expect("create"));
    let db = open(&disk);
    assert!(!disk.list(dir).expect("list").contains(&orphan));
    assert_eq!(samples(&db).len(), 6);
    drop(db);
    let first =
        disk.list(dir).expect("list").into_iter().find(|p| p.to_string_lossy().contains("block-")).expect("one");
    disk.flip_bit(&first, 3, 1).expect("flip");
    let db = open(&disk);
    assert_eq!(samples(&db).len(), 1, "the other block is there, without the snapshot too");
    assert!(disk.list(dir).expect("list").contains(&first), "and nothing is thrown away");
}

#[test]
fn a_lost_record_costs_the_series_it_named_and_mixes_up_none() {
    let disk = SimDisk::new(6);
    let db = open(&disk);
    let append = |db: &Tsdb, ids: &[i64], t: i64| {
        db.append_wait(ids.iter().map(|i| (series(*i), NOW_MS + t, (*i * 100 + t) as f64)).collect()).expect("append");
    };
    append(&db, &[0, 1], 1);
    append(&db, &[2], 2);
    append(&db, &[2, 1, 3], 3);
    drop(db);
    let dir = Path::new("/data/metrics/wal");
    let log = disk.list(dir).expect("list").into_iter().next().expect("one file");
    // Within the payload of the first record, behind the headers of file and frame.
    disk.flip_bit(&log, 60, 1).expect("flip");
    let db = open(&disk);
    let found: Vec<(Labels, Vec<f64>)> =
        samples(&db).into_iter().map(|(labels, s)| (labels, s.iter().map(|s| s.v).collect())).collect();
    let want = [(series(2), vec![202.0, 203.0]), (series(3), vec![303.0])];
    assert_eq!(found, want);
    // In the next generation they are named anew.
    append(&db, &[0, 1, 2, 3], 4);
    append(&db, &[0, 1, 2, 3], 5);
    drop(db);
    let db = open(&disk);
    let lengths: Vec<usize> = samples(&db).iter().map(|s| s.1.len()).collect();
    assert_eq!(lengths, [2, 2, 4, 3]);
}

#[test]
fn what_many_senders_were_told_is_safe_survives_flushes_in_between() {
    const SENDERS: i64 = 4;
    const ROUNDS: i64 = 60;
    let disk = SimDisk::new(7);
    let db = open(&disk);
    // All bring two series that the others bring too, under times of their own, and some of their own that change.
    let batch = |sender: i64, round: i64| {
        let t = NOW_MS + round * SENDERS + sender;
        let of = |i: i64| (series(i), t, (i * 1_000_000 + t - NOW_MS) as f64);
        vec![of(0), of(1), of(10 + sender * 10 + round % 7), of(100 + sender * ROUNDS + round)]
    };
    std::thread::scope(|scope| {
        let senders: Vec<_> = (0..SENDERS)
            .map(|sender| {
                let (db, batch) = (&db, &batch);
                scope.spawn(move || {
                    for round in 0..ROUNDS {
                        let stored = db.append_wait(batch(sender, round)).expect("append");
                        assert_eq!(stored.samples, 4, "{}", stored.message());
                    }
                })
            })
            .collect();
        // Generations of the log end while records that name series by number are on their way.
        while !senders.iter().all(|s| s.is_finished()) {
            db.flush().expect("flush");
        }
    });
    let mut want: std::collections::BTreeMap<Labels, Vec<(i64, f64)>> = Default::default();
    for (labels, t, v) in (0..SENDERS).flat_map(|s| (0..ROUNDS).flat_map(move |r| batch(s, r))) {
        want.entry(labels).or_default().push((t, v));
    }
    want.values_mut().for_each(|samples| samples.sort_by_key(|s| s.0));
    let want: Vec<_> = want.into_iter().collect();
    let found = |db: &Tsdb| {
        let pairs = |samples: Vec<Sample>| samples.into_iter().map(|s| (s.t, s.v)).collect::<Vec<_>>();
        samples(db).into_iter().map(|(labels, s)| (labels, pairs(s))).collect::<Vec<_>>()
    };
    assert!(found(&db) == want, "before the crash");
    let after = disk.crash();
    drop(db);
    assert!(found(&open(&after)) == want, "after the crash");
}
