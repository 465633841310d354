//! Merges in the background write at the rate that is configured: ingest, flushes and queries do not wait for them, and neither does
//! whoever closes the store.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::support::{numbers, store_number};
use eventstore::{Config, EventStore};
use foundation::disk::sim::SimDisk;

/// Far more than anything here takes, and far less than a merge at the rate of a byte a second.
const PATIENCE: Duration = Duration::from_secs(60);

fn open(disk: &SimDisk, merge_bytes_per_second: u64) -> EventStore {
    let config = Config { flush_rows: 1, merge_bytes_per_second, ..Config::new(Path::new("/store")) };
    EventStore::open(Arc::new(disk.clone()), config).unwrap()
}

fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "not in time: {what}");
        std::thread::yield_now();
    }
}

#[test]
fn a_slow_merge_holds_nothing_up_and_ends_when_the_store_is_closed() {
    let disk = SimDisk::new(95);
    let store = open(&disk, 1);
    let segments = |store: &EventStore| store.logs().stats().segments as i64;
    for id in 0..10 {
        // The store flushes by itself, one record after another.
        assert!(store_number(&store, id, 0));
        until("the flush", || segments(&store) == id + 1);
        assert_eq!(numbers(&store), (0..=id).collect());
    }
    // Of six of about one size one is to be made; the first block of it alone takes minutes.
    assert_eq!(store.logs().stats().merged_bytes, 0);
    let closing = Instant::now();
    drop(store);
    assert!(closing.elapsed() < PATIENCE);

    let store = open(&disk, 64 << 20);
    assert_eq!(numbers(&store), (0..10).collect());
    assert!(store_number(&store, 10, 0));
    until("the merge", || segments(&store) < 6 && store.logs().stats().merged_bytes > 0);
    assert_eq!(numbers(&store), (0..=10).collect());
}
