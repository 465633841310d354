//! Segment files with seeded damage: whatever the bytes, opening and asking neither panics nor takes memory without bound.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::support::memory::most_held_by;
use crate::support::random::{self, Rng};
use crate::support::{ingest_logs, ingest_spans, limits, model_aggregate, model_traces, open};
use eventstore::EventStore;
use eventstore::query::*;
use foundation::disk::sim::SimDisk;
use foundation::disk::{Disk as _, SharedDisk};
use model::{AccessScope, TimeRange};

/// CRC-32C as a polynomial, in the order in which the bits of a file follow one another: the lowest bit of a byte is its first.
const POLYNOMIAL: u64 = 0x1_05ec_76f1;

/// What a thread may hold while it opens and asks a store of some hundred small records. Undamaged it is less than three megabytes.
const HELD_MAX: usize = 16 << 20;

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
    store.spans().column_bytes(None);
    let of_logs = all().filter(random::filter(rng, false));
    drop(store.logs().aggregate(&of_logs, &model_aggregate::random(rng, false)).unwrap());
    drop(store.logs().patterns(&all(), Buckets::split(TimeRange::ALL, 4), 100).unwrap());
    drop(store.logs().field_keys(&all()).unwrap());
    let of_spans = all().filter(random::filter(rng, true));
    drop(store.spans().aggregate(&of_spans, &model_aggregate::random(rng, true)).unwrap());
    drop(store.spans().find_traces(&of_spans, 10, None).unwrap());
    drop(store.spans().find_traces_by(&all(), &model_traces::random_condition(rng, 0), 10, None).unwrap());
    drop(store.spans().service_map(&all()).unwrap());
    drop(store.spans().red(&all(), RedBy::Operation).unwrap());
    drop(store.spans().field_keys(&all()).unwrap());
    store.spans().catalogue(TimeRange::ALL);
}

/// A store of some hundred records and spans on a disk, and its segment files.
fn filled(seed: u64) -> (SimDisk, Vec<PathBuf>) {
    let disk = SimDisk::new(seed);
    let mut rng = Rng::new(seed);
    let store = open(Arc::new(disk.clone()), Path::new("/store"));
    for _ in 0..30 {
        ingest_logs(&store, &random::logs(&mut rng)).unwrap();
        ingest_spans(&store, &random::spans(&mut rng)).unwrap();
    }
    store.logs().flush();
    store.spans().flush();
    drop(store);
    let mut files = Vec::new();
    for half in ["/store/logs", "/store/spans"] {
        for folder in disk.list(Path::new(half)).unwrap() {
            files.extend(disk.list(&folder).unwrap_or_default());
        }
    }
    files.retain(|f| f.extension().is_some_and(|e| e == "evt"));
    assert!(files.len() >= 2);
    (disk, files)
}

#[test]
fn damaged_segments_are_refused_or_read() {
    let (disk, files) = filled(40);
    let mut rng = Rng::new(41);
    let shared: SharedDisk = Arc::new(disk.clone());
    let mut reported = 0;
    for _ in 0..150 {
        let file = &files[rng.below(files.len() as u64) as usize];
        let len = shared.read(file).unwrap().len();
        // Often near the end, where the footer is.
        let near_end = len - 1 - rng.below(400.min(len as u64 - 1)) as usize;
        let at = if rng.below(3) == 0 { near_end } else { rng.below(len as u64) as usize };
        let bit = rng.below(8) as u8;
        disk.flip_bit(file, at, bit).unwrap();
        let (held, store) = most_held_by(|| {
            let store = open(shared.clone(), Path::new("/store"));
            ask(&store, &mut rng);
            store
        });
        assert!(held < HELD_MAX, "{held} bytes, bit {bit} of byte {at} of {}", file.display());
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

/// Changes eight bytes at `at` so that no CRC-32C over all of them notices; the same again takes it back.
fn damage_unseen(disk: &SimDisk, file: &Path, at: usize, multiple: u64) {
    let pattern = (0..31).filter(|i| multiple >> i & 1 == 1).fold(0, |sum, i| sum ^ POLYNOMIAL << i);
    (0..64)
        .filter(|bit| pattern >> bit & 1 == 1)
        .for_each(|bit| disk.flip_bit(file, at + bit / 8, bit as u8 % 8).unwrap());
}

#[test]
fn multiples_of_the_polynomial_are_not_seen() {
    let disk = SimDisk::new(1);
    let path = Path::new("/a");
    let mut rng = Rng::new(1);
    let bytes: Vec<u8> = (0..100).map(|_| rng.next() as u8).collect();
    disk.create(path).unwrap().write_all(&bytes).unwrap();
    for at in 0..92 {
        let multiple = 1 + rng.below((1 << 31) - 1);
        damage_unseen(&disk, path, at, multiple);
        let found = disk.read(path).unwrap();
        assert!(found != bytes && crc32c::crc32c(&found) == crc32c::crc32c(&bytes), "at {at}");
        damage_unseen(&disk, path, at, multiple);
        assert_eq!(disk.read(path).unwrap(), bytes);
    }
}

#[test]
fn damage_that_no_checksum_sees_neither_panics_nor_takes_memory_without_bound() {
    let (disk, files) = filled(42);
    let shared: SharedDisk = Arc::new(disk.clone());
    let (mut rng, mut read, mut most) = (Rng::new(43), 0, 0);
    for _ in 0..rounds() {
        let file = &files[rng.below(files.len() as u64) as usize];
        let len = shared.read(file).unwrap().len() as u64;
        // Often near the end, where the footer is. Small multiples change few bits: lengths stay plausible.
        let near_end = len - 8 - rng.below(600.min(len - 8));
        let at = if rng.below(3) == 0 { near_end } else { rng.below(len - 8) } as usize;
        let multiple = if rng.below(2) == 0 { 1 << rng.below(31) } else { 1 + rng.below((1 << 31) - 1) };
        damage_unseen(&disk, file, at, multiple);
        let (held, store) = most_held_by(|| {
            let store = open(shared.clone(), Path::new("/store"));
            ask(&store, &mut rng);
            store
        });
        assert!(held < HELD_MAX, "{held} bytes, {multiple:#x} at {at} of {}", file.display());
        most = most.max(held);
        read += u64::from(store.logs().stats().damaged_blocks + store.spans().stats().damaged_blocks == 0);
        drop(store);
        damage_unseen(&disk, file, at, multiple);
    }
    println!("{} damages, {read} of them unseen; at most {most} bytes held", rounds());
    // Much of it cannot be told from what was written.
    assert!(read > rounds() / 4, "{read} of {}", rounds());
}

/// `BELLROCK_FUZZ_ROUNDS` says otherwise.
#[allow(clippy::disallowed_methods, reason = "how long a test runs is not configuration of the product")]
fn rounds() -> u64 {
    std::env::var("BELLROCK_FUZZ_ROUNDS").ok().and_then(|n| n.parse().ok()).unwrap_or(300)
}
