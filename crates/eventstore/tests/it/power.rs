//! The power goes at every single change that a flush, a merge and retention make on the disk: nothing acknowledged is lost,
//! nothing is there twice, no more goes than was announced, and no file is left that nobody names.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use crate::support::{numbers, open, store_number};
use eventstore::{EventStore, Partition};
use foundation::disk::Disk as _;
use foundation::disk::sim::SimDisk;

/// What a crash leaves of unsynced bytes and names differs by the seed of the disk.
const SEEDS: u64 = 4;

/// A store that is about to do something.
struct Case {
    store: EventStore,
    /// What was acknowledged.
    stored: BTreeSet<i64>,
    announced: Vec<Partition>,
}

/// Days and numbers of `flushed`, each flushed on its own, then those that are only in memory.
fn case(disk: &SimDisk, flushed: &[(i64, i64)], in_memory: &[(i64, i64)]) -> Case {
    let store = open(Arc::new(disk.clone()), Path::new("/store"));
    for (day, id) in flushed {
        assert!(store_number(&store, *id, *day));
        store.logs().flush();
    }
    in_memory.iter().for_each(|(day, id)| assert!(store_number(&store, *id, *day)));
    let stored = flushed.iter().chain(in_memory).map(|(_, id)| *id).collect();
    let announced = store.logs().partitions().into_iter().take(2).collect();
    Case { store, stored, announced }
}

/// Cuts the power at every change that `work` makes, one after another, and opens what is found. `work` says whether it did all of it;
/// `check` gets that, the store that was opened, and the case. How many changes `work` makes.
fn at_every_change(
    seed: u64,
    make: impl Fn(&SimDisk) -> Case,
    work: impl Fn(&Case) -> bool,
    check: impl Fn(bool, &EventStore, &Case),
) -> u64 {
    let (mut changes, mut idle) = (0, 0);
    for step in 0..1_000u64 {
        let disk = SimDisk::new(seed * 1_000 + step);
        let mut case = make(&disk);
        disk.cut_power_after(step);
        let done = work(&case);
        let off = disk.is_off();
        assert!(off || done, "step {step} of seed {seed}: not all was done, and the power is on");
        let found = disk.crash();
        drop(std::mem::replace(&mut case.store, open(Arc::new(found.clone()), Path::new("/store"))));
        check(done, &case.store, &case);
        let before = numbers(&case.store);
        // It goes on: what the log gave back becomes a segment, new records too.
        assert!(store_number(&case.store, 1_000, 9));
        case.store.logs().flush();
        let after: BTreeSet<i64> = before.iter().copied().chain([1_000]).collect();
        assert_eq!(numbers(&case.store), after, "step {step} of seed {seed}");
        let mut files = Vec::new();
        for folder in found.list(Path::new("/store/logs")).unwrap() {
            files
                .extend(found.list(&folder).unwrap().into_iter().filter(|f| f.extension().is_some_and(|e| e == "evt")));
        }
        let stats = case.store.logs().stats();
        assert_eq!((files.len() as u64, stats.damaged_blocks), (stats.segments, 0), "step {step} of seed {seed}");
        // The store's own thread may have flushed before; then there was less to do.
        (changes, idle) = if off { (step + 1, 0) } else { (changes, idle + 1) };
        if idle == 3 {
            return changes;
        }
    }
    panic!("the work never ends");
}

#[test]
fn at_every_change_of_a_flush() {
    for seed in 0..SEEDS {
        let make = |disk: &SimDisk| case(disk, &[(0, 1)], &[(0, 2), (1, 3), (2, 4)]);
        let work = |case: &Case| {
            case.store.logs().flush();
            case.store.logs().stats().memory_rows == 0
        };
        let check = |_: bool, store: &EventStore, case: &Case| assert_eq!(numbers(store), case.stored);
        let changes = at_every_change(seed, make, work, check);
        println!("the power went at each of {changes} changes");
        // A generation of the log, three segments and their folders, the manifest, the generation that goes.
        assert!(changes > 20, "{changes} changes");
    }
}

#[test]
fn at_every_change_of_a_merge() {
    for seed in 0..SEEDS {
        let make = |disk: &SimDisk| case(disk, &[(0, 1), (0, 2), (0, 3), (0, 4), (0, 5)], &[(0, 6)]);
        // The sixth segment of about one size makes a merge due.
        let work = |case: &Case| {
            case.store.logs().flush();
            case.store.logs().stats().segments == 1
        };
        let check = |done: bool, store: &EventStore, case: &Case| {
            assert_eq!(numbers(store), case.stored);
            assert!(!done || store.logs().stats().segments == 1);
        };
        let changes = at_every_change(seed, make, work, check);
        println!("the power went at each of {changes} changes");
        assert!(changes > 20, "{changes} changes");
    }
}

#[test]
fn at_every_change_of_retention() {
    for seed in 0..SEEDS {
        let make = |disk: &SimDisk| case(disk, &[(0, 1), (0, 2), (1, 3), (2, 4), (2, 5), (3, 6)], &[(0, 7), (3, 8)]);
        let rows = |announced: &[Partition]| announced.iter().map(|p| p.rows).sum::<u64>();
        let work = |case: &Case| {
            case.store.logs().remove(&case.announced).is_ok_and(|removed| removed.rows == rows(&case.announced))
        };
        let check = |done: bool, store: &EventStore, case: &Case| {
            let left = numbers(store);
            // The store's own thread may have flushed before the announcement; then the seventh was announced too.
            let announced: &[i64] = if rows(&case.announced) == 4 { &[1, 2, 3, 7] } else { &[1, 2, 3] };
            let stays: BTreeSet<i64> = case.stored.iter().copied().filter(|n| !announced.contains(n)).collect();
            // All of the announced is there, or nothing of it; once it was said to be gone, it is.
            assert!(left == stays || left == case.stored && !done, "{left:?}");
        };
        let changes = at_every_change(seed, make, work, check);
        println!("the power went at each of {changes} changes");
        // The manifest, three files, two folders.
        assert!(changes >= 10, "{changes} changes");
    }
}
