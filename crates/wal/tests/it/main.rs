//! The promises of the log, on a disk that fails, tears and forgets.

#![allow(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc;

use foundation::ErrorKind;
use foundation::disk::sim::SimDisk;
use foundation::disk::{Disk as _, RealDisk, write_atomic};
use wal::{Generation, Options, RepairReport, Wal, WalError};

fn options() -> Options {
    Options { min_free_bytes: 0, ..Options::new("/data/wal") }
}

fn open(disk: &SimDisk, options: Options) -> (Wal, RepairReport, Vec<(Generation, Vec<u8>)>) {
    let mut seen = Vec::new();
    let (wal, report) = Wal::open(Arc::new(disk.clone()), options, 0, &mut |g, r| seen.push((g, r.to_vec()))).unwrap();
    (wal, report, seen)
}

fn numbers(seen: &[(Generation, Vec<u8>)]) -> Vec<u32> {
    seen.iter().map(|(_, r)| u32::from_le_bytes(r[..4].try_into().unwrap())).collect()
}

/// A record that says its number and is `len` bytes long.
fn record(n: u32, len: usize) -> Vec<u8> {
    let mut r = n.to_le_bytes().to_vec();
    r.resize(4 + len, n as u8);
    r
}

#[test]
fn replays_in_order_into_new_generations() {
    let disk = SimDisk::new(1);
    let (wal, _, seen) = open(&disk, options());
    assert!(seen.is_empty());
    for n in 0..10 {
        assert_eq!(wal.append_wait(record(n, 10)).unwrap(), 1);
    }
    drop(wal);
    let (wal, report, seen) = open(&disk, options());
    assert_eq!(numbers(&seen), (0..10).collect::<Vec<_>>());
    assert_eq!((report.records, report.damage.len()), (10, 0));
    assert_eq!(wal.append_wait(record(10, 10)).unwrap(), 2);
    drop(wal);
    let (wal, _, seen) = open(&disk, options());
    assert_eq!(seen.len(), 11);
    wal.remove_through(1).unwrap();
    drop(wal);
    assert_eq!(numbers(&open(&disk, options()).2), [10]);
}

#[test]
fn generations_never_start_again() {
    let disk = SimDisk::new(1);
    let (wal, _, _) = open(&disk, options());
    wal.append_wait(record(0, 1)).unwrap();
    drop(wal);
    let open_covered = |covered| {
        let mut seen = 0;
        let (wal, _) = Wal::open(Arc::new(disk.clone()), options(), covered, &mut |_, _| seen += 1).unwrap();
        (wal, seen)
    };
    // The engine has flushed generation 5: what the folder still holds of older ones is not replayed.
    let (wal, seen) = open_covered(5);
    assert_eq!(seen, 0);
    assert_eq!(wal.append_wait(record(1, 1)).unwrap(), 6);
    drop(wal);
    assert_eq!(open_covered(5).1, 1);
}

#[test]
fn rotation_separates_what_was_completed_before_from_after() {
    let disk = SimDisk::new(1);
    let (wal, _, _) = open(&disk, options());
    let (tx, rx) = mpsc::channel();
    for n in 0..20 {
        let (done, rotated) = (tx.clone(), tx.clone());
        wal.append(record(n, 1), Box::new(move |r| done.send((n, r.unwrap())).unwrap()));
        if n == 9 {
            wal.rotate(Box::new(move |frozen| rotated.send((1000, frozen.unwrap())).unwrap()));
        }
    }
    drop((wal, tx));
    let order: Vec<_> = rx.iter().collect();
    let expected: Vec<_> = (0..10).map(|n| (n, 1)).chain([(1000, 1)]).chain((10..20).map(|n| (n, 2))).collect();
    assert_eq!(order, expected);
}

#[test]
fn what_was_acknowledged_survives_every_crash() {
    for seed in 0..300u64 {
        // Past the page cache every third.
        let mut disk = SimDisk::new(seed).with_blocks_of([1, 64, 512][seed as usize % 3]);
        let mut acknowledged = Vec::new();
        let mut next = 0;
        for round in 0..4u64 {
            let small_parts = Options { part_bytes: 200, compress: seed % 2 == 0, ..options() };
            let (wal, _, seen) = open(&disk, small_parts);
            let seen = numbers(&seen);
            for n in &acknowledged {
                assert!(seen.contains(n), "seed {seed} round {round}: {n} was lost");
            }
            assert!(seen.is_sorted(), "seed {seed}: replay keeps the order");
            disk.fail_sync_after(seed % 7);
            let (tx, rx) = mpsc::channel();
            for _ in 0..20 {
                let tx = tx.clone();
                let n = next;
                next += 1;
                let done = move |r: Result<_, WalError>| {
                    if r.is_ok() {
                        tx.send(n).unwrap()
                    }
                };
                wal.append(record(n, (n as usize * 37) % 900), Box::new(done));
                if n % 6 == 5 {
                    wal.rotate(Box::new(|_| {}));
                }
            }
            // Some of the appends are waited for, the others are cut off by the crash.
            let waited = 20 - (seed % 5) as usize;
            acknowledged.extend(rx.iter().take(if seed % 3 == 0 { waited.min(10) } else { 1 }));
            let crashed = disk.crash();
            drop(tx);
            drop(wal);
            acknowledged.extend(rx.try_iter());
            disk = crashed;
        }
    }
}

/// Groups of several writes, each of which is lost or torn on its own.
#[test]
fn large_groups_survive_in_blocks() {
    for seed in 0..20u64 {
        let disk = SimDisk::new(seed).with_blocks_of(4096);
        let (wal, _, _) = open(&disk, options());
        wal.append_wait(record(0, 100)).unwrap();
        let (tx, rx) = mpsc::channel();
        for n in 1..6 {
            let tx = tx.clone();
            wal.append(
                record(n, 700_000),
                Box::new(move |r| {
                    if r.is_ok() {
                        tx.send(n).unwrap();
                    }
                }),
            );
        }
        let mut acknowledged = vec![0];
        acknowledged.extend(rx.iter().take((seed % 4) as usize));
        let crashed = disk.crash();
        drop((wal, tx));
        acknowledged.extend(rx.try_iter());
        let (wal, _, seen) = open(&crashed, options());
        let seen = numbers(&seen);
        assert!(acknowledged.iter().all(|n| seen.contains(n)), "seed {seed}: {acknowledged:?} of {seen:?}");
        wal.append_wait(record(9, 10)).unwrap();
    }
}

#[test]
fn fillers_are_no_records_and_a_failed_write_leaves_whole_blocks() {
    let disk = SimDisk::new(3).with_blocks_of(512);
    let (wal, _, _) = open(&disk, options());
    for n in 0..3 {
        wal.append_wait(record(n, 100)).unwrap();
    }
    disk.fail_writes_after(50);
    wal.append_wait(record(3, 1000)).unwrap_err();
    disk.heal();
    wal.append_wait(record(4, 1000)).unwrap();
    drop(wal);
    let file = disk.list(Path::new("/data/wal")).unwrap().remove(0);
    assert_eq!(
        disk.read(&file).unwrap().len(),
        (1 + 1 + 1 + 3) * 512,
        "the last leaves no room for the filler's own header"
    );
    let (_, report, seen) = open(&disk, options());
    assert_eq!(numbers(&seen), [0, 1, 2, 4]);
    assert!(report.damage.is_empty(), "{:?}", report.damage);
}

#[test]
fn what_was_refused_is_not_read_again() {
    for seed in 0..50 {
        // The record was written whole, its filler was not.
        let disk = SimDisk::new(seed).with_blocks_of(512);
        let (wal, _, _) = open(&disk, options());
        wal.append_wait(record(0, 100)).unwrap();
        disk.fail_writes_after(400);
        wal.append_wait(record(1, 300)).unwrap_err();
        let (_, _, seen) = open(&disk.crash(), options());
        assert_eq!(numbers(&seen), [0], "after a crash, seed {seed}");
    }
    // The system still has what it failed to sync.
    let disk = SimDisk::new(1);
    let (wal, _, _) = open(&disk, options());
    wal.append_wait(record(0, 100)).unwrap();
    disk.fail_sync_after(0);
    wal.append_wait(record(1, 100)).unwrap_err();
    wal.append_wait(record(2, 100)).unwrap();
    drop(wal);
    let (_, _, seen) = open(&disk, options());
    assert_eq!(numbers(&seen), [0, 2], "after a restart");
}

#[test]
fn a_full_disk_refuses_and_recovers_by_itself() {
    let disk = SimDisk::new(3);
    let (wal, _, _) = open(&disk, options());
    wal.append_wait(record(0, 100)).unwrap();
    disk.fail_writes_after(50);
    let e = wal.append_wait(record(1, 100)).unwrap_err();
    assert_eq!(e.kind(), ErrorKind::UNAVAILABLE, "{e}");
    disk.heal();
    wal.append_wait(record(2, 100)).unwrap();
    drop(wal);
    let (_, report, seen) = open(&disk, options());
    assert_eq!(numbers(&seen), [0, 2]);
    assert!(report.damage.is_empty());
}

#[test]
fn keeps_room_for_the_flush() {
    let disk = SimDisk::new(3);
    let (wal, _, _) = open(&disk, Options { min_free_bytes: 1000, ..options() });
    disk.fail_writes_after(999);
    let e = wal.append_wait(record(1, 1)).unwrap_err();
    assert!(matches!(e, WalError::NearlyFull { free: 999, reserve: 1000, .. }), "{e}");
}

#[test]
fn a_backlog_is_refused_not_buffered() {
    let disk = SimDisk::new(3);
    let (wal, _, _) = open(&disk, Options { max_pending_bytes: 1000, ..options() });
    let (gate, open_gate) = mpsc::channel::<()>();
    let (at_gate, waits) = mpsc::channel();
    let wait = move |_| {
        at_gate.send(()).unwrap();
        open_gate.recv().unwrap();
    };
    wal.append(record(0, 1), Box::new(wait));
    // Whatever comes before the writer waits could be taken beside it.
    waits.recv().unwrap();
    let (tx, rx) = mpsc::channel();
    for n in 1..100 {
        let tx = tx.clone();
        wal.append(record(n, 100), Box::new(move |r| tx.send(r.is_ok()).unwrap()));
    }
    gate.send(()).unwrap();
    drop((wal, tx));
    let results: Vec<bool> = rx.iter().collect();
    let taken = results.iter().filter(|ok| **ok).count();
    assert_eq!(results.len(), 99);
    assert!((1..=9).contains(&taken), "{taken}");
}

#[test]
fn one_decayed_record_costs_only_itself() {
    let disk = SimDisk::new(4).with_blocks_of(1);
    let (wal, _, _) = open(&disk, options());
    for n in 0..3 {
        wal.append_wait(record(n, 100)).unwrap();
    }
    drop(wal);
    let file = disk.list(Path::new("/data/wal")).unwrap().remove(0);
    disk.flip_bit(&file, 20 + 121 + 60, 0).unwrap();
    let (_, report, seen) = open(&disk, options());
    assert_eq!(numbers(&seen), [0, 2]);
    assert!(!report.damage[0].torn_tail);
}

/// The committed files were written by each version of the format and open for ever.
#[test]
fn golden_files_open() {
    for version in ["v1.wal", "v2.wal"] {
        let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(version);
        let dir = tempfile::tempdir().unwrap();
        let name = "0000000000000007-00000000.wal";
        std::fs::copy(&golden, dir.path().join(name)).unwrap();
        let mut seen = Vec::new();
        let options = Options { compress: true, ..Options::new(dir.path()) };
        let (wal, report) = Wal::open(Arc::new(RealDisk), options, 0, &mut |g, r| seen.push((g, r.to_vec()))).unwrap();
        assert_eq!(seen, golden_records(), "{version}");
        assert!(report.damage.is_empty(), "{version}");
        assert_eq!(wal.append_wait(b"next".to_vec()).unwrap(), 8);
    }
}

fn golden_records() -> Vec<(Generation, Vec<u8>)> {
    let long = "a line that repeats\n".repeat(60).into_bytes();
    vec![(7, b"first".to_vec()), (7, Vec::new()), (7, long)]
}

/// Writes the golden file anew; run by hand when the format gets a new version (and then under a new name).
#[test]
#[ignore = "writes the golden file"]
fn write_golden_file() {
    let disk = SimDisk::new(1).with_blocks_of(64);
    let (wal, _, _) = open(&disk, Options { compress: true, ..options() });
    for _ in 1..7 {
        wal.rotate(Box::new(|_| {}));
    }
    for (_, r) in golden_records() {
        wal.append_wait(r).unwrap();
    }
    drop(wal);
    let file: Vec<PathBuf> = disk.list(Path::new("/data/wal")).unwrap();
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/v2.wal");
    write_atomic(&RealDisk, &golden, &disk.read(&file[0]).unwrap()).unwrap();
}
