//! Taking partitions away: exactly what was announced, whatever the disk does meanwhile.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use crate::support::random::Rng;
use crate::support::{DAY, numbers, open, store_number};
use eventstore::{Files, Half, Partition};
use foundation::disk::sim::SimDisk;

#[test]
fn a_crash_while_partitions_go_loses_nothing_else() {
    for seed in 0..60u64 {
        let mut rng = Rng::new(seed);
        let disk = SimDisk::new(seed);
        let store = open(Arc::new(disk.clone()), Path::new("/store"));
        let days: Vec<i64> = (0..12).map(|_| rng.below(4) as i64).collect();
        for (id, day) in days.iter().enumerate() {
            assert!(store_number(&store, id as i64, *day));
            if rng.below(3) == 0 {
                store.logs().flush();
            }
        }
        store.logs().flush();
        let announced: Vec<Partition> = store.logs().partitions().into_iter().take(2).collect();
        let of_announced = |id: &i64| announced.iter().any(|p| p.end.0 == (days[*id as usize] + 1) * DAY);
        match rng.below(3) {
            0 => disk.fail_sync_after(rng.below(4)),
            1 => disk.fail_writes_after(rng.below(400)),
            _ => {}
        }
        let removed = store.logs().remove(&announced);
        let seen = numbers(&store);
        disk.heal();
        let found = if rng.below(4) == 0 { disk.clone() } else { disk.crash() };
        drop(store);
        let store = open(Arc::new(found), Path::new("/store"));
        let left = numbers(&store);
        let stays: BTreeSet<i64> = (0..12).filter(|id| !of_announced(id)).collect();
        assert!(left.is_superset(&stays), "more went than was announced (seed {seed})");
        match removed {
            Ok(removed) => {
                assert_eq!((&left, &seen), (&stays, &stays), "seed {seed}");
                assert_eq!(removed.rows, 12 - stays.len() as u64);
            }
            // Nobody knows what is on the disk: all of the announced is there, or nothing.
            Err(_) => assert!(seen.len() == 12 && (left.len() == 12 || left == stays), "seed {seed}"),
        }
    }
}

#[test]
fn what_was_merged_or_written_after_the_announcement_stays() {
    let store = open(Arc::new(SimDisk::new(1)), Path::new("/store"));
    assert!(store_number(&store, 0, 0));
    store.logs().flush();
    let announced = store.logs().partitions();
    assert!(store_number(&store, 1, 0));
    store.logs().flush();
    assert_eq!(store.logs().remove(&announced).unwrap().rows, 1);
    assert_eq!(numbers(&store), [1].into());
    // A merge makes of the announced segments one that was not announced.
    let announced = store.logs().partitions();
    let is_there = |id: &u64| store.logs().partitions().iter().any(|p| p.segments.contains(id));
    let mut next = 2;
    while announced[0].segments.iter().all(is_there) {
        assert!(next < 100, "nothing is merged");
        assert!(store_number(&store, next, 0));
        store.logs().flush();
        next += 1;
    }
    assert_eq!(store.logs().remove(&announced).unwrap().rows, 0);
    assert_eq!(numbers(&store), (1..next).collect());
}

#[test]
fn a_stopped_store_is_looked_at_and_pruned_without_its_log() {
    let disk = SimDisk::new(1);
    let store = open(Arc::new(disk.clone()), Path::new("/store"));
    assert!(store_number(&store, 0, 0));
    assert!(store_number(&store, 1, 1));
    store.logs().flush();
    let whole = store.logs().column_bytes(None);
    drop(store);
    let mut files = Files::read(Arc::new(disk.clone()), Path::new("/store"), Half::Logs).unwrap();
    let partitions = files.partitions();
    let sum: u64 = partitions.iter().flat_map(|p| files.column_bytes(p).unwrap()).map(|c| c.bytes).sum();
    assert_eq!(sum, whole.iter().map(|c| c.bytes).sum::<u64>());
    assert_eq!(sum, partitions.iter().map(|p| p.bytes).sum::<u64>());
    assert_eq!(files.remove(&partitions[..1]).unwrap().rows, 1);
    assert_eq!(files.partitions(), partitions[1..]);
    assert_eq!(numbers(&open(Arc::new(disk), Path::new("/store"))), [1].into());
    assert!(Files::read(Arc::new(SimDisk::new(2)), Path::new("/none"), Half::Spans).unwrap().partitions().is_empty());
}
