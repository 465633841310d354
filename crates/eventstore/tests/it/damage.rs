//! Segment files with seeded damage: whatever the bytes, opening and asking neither panics nor takes memory without bound.

use std::path::Path;
use std::sync::Arc;

use crate::support::random::{self, Rng};
use crate::support::{ingest_logs, ingest_spans, limits, open};
use eventstore::EventStore;
use eventstore::query::*;
use foundation::disk::SharedDisk;
use foundation::disk::sim::SimDisk;
use model::{AccessScope, TimeRange};

/// Asks everything once; answers may be partial and nothing else.
fn ask(store: &EventStore, rng: &mut Rng) {
    let all = || Select::all(TimeRange::ALL, limits());
    let text = Filter::Is(Predicate::Text { text: "timeout 5".into(), mode: TextMatch::Token });
    drop(store.logs().latest(&all(), &Page::newest(1000)).unwrap());
    drop(store.logs().latest(&all().filter(text), &Page::newest(10)).unwrap());
    drop(store.logs().latest(&all().filter(random::filter(rng, false)), &Page::newest(10)).unwrap());
    drop(store.logs().field_values(&all(), &Field::attribute("k0"), 10).unwrap());
    drop(store.spans().latest(&all().filter(random::filter(rng, true)), &Page::newest(1000)).unwrap());
    let some = store.spans().latest(&all(), &Page::newest(1)).unwrap().value.rows;
    if let Some(row) = some.first() {
        drop(store.spans().trace(row.record.trace_id, None, &AccessScope::ALL, &limits()).unwrap());
    }
    store.logs().column_bytes(None);
}

#[test]
fn damaged_segments_are_refused_or_read() {
    let disk = SimDisk::new(40);
    let mut rng = Rng::new(40);
    let store = open(Arc::new(disk.clone()), Path::new("/store"));
    for _ in 0..30 {
        ingest_logs(&store, &random::logs(&mut rng)).unwrap();
        ingest_spans(&store, &random::spans(&mut rng)).unwrap();
    }
    store.logs().flush();
    store.spans().flush();
    drop(store);
    let shared: SharedDisk = Arc::new(disk.clone());
    let mut files = Vec::new();
    for half in ["/store/logs", "/store/spans"] {
        for folder in shared.list(Path::new(half)).unwrap() {
            files.extend(shared.list(&folder).unwrap_or_default());
        }
    }
    files.retain(|f| f.extension().is_some_and(|e| e == "evt"));
    assert!(files.len() >= 2);
    let mut reported = 0;
    for _ in 0..150 {
        let file = &files[rng.below(files.len() as u64) as usize];
        let len = shared.read(file).unwrap().len();
        // Often near the end, where the footer is.
        let near_end = len - 1 - rng.below(400.min(len as u64 - 1)) as usize;
        let at = if rng.below(3) == 0 { near_end } else { rng.below(len as u64) as usize };
        let bit = rng.below(8) as u8;
        disk.flip_bit(file, at, bit).unwrap();
        let store = open(shared.clone(), Path::new("/store"));
        ask(&store, &mut rng);
        reported += u64::from(store.logs().stats().damaged_blocks + store.spans().stats().damaged_blocks > 0);
        drop(store);
        // One at a time.
        disk.flip_bit(file, at, bit).unwrap();
    }
    // Most bits are under a checksum of something that these questions read.
    assert!(reported > 75, "{reported} of 150");
    let store = open(shared, Path::new("/store"));
    ask(&store, &mut rng);
    assert_eq!(store.logs().stats().damaged_blocks + store.spans().stats().damaged_blocks, 0);
}
