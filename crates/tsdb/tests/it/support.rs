//! What several files of these tests need.

use std::sync::Arc;

use foundation::clock::{ManualClock, UnixNanos};
use foundation::disk::sim::SimDisk;
use tsdb::{Options, Tsdb};

/// What the clock shows, always.
pub(crate) const NOW_MS: i64 = 1_700_000_000_000;

/// An engine with the usual options.
pub(crate) fn open(disk: &SimDisk) -> Tsdb {
    let clock = Arc::new(ManualClock::new(UnixNanos::from_millis(NOW_MS)));
    let mut options = Options::new("/data/metrics");
    options.min_free_bytes = 0;
    Tsdb::open(Arc::new(disk.clone()), clock, options).expect("open")
}

/// A flush, a restart, a crash or nothing, in turns of `i`; returns what there is afterwards.
pub(crate) fn disturb(i: i64, disk: SimDisk, db: Tsdb) -> (SimDisk, Tsdb) {
    match i % 4 {
        1 => {
            db.flush().expect("flush");
            (disk, db)
        }
        2 => {
            drop(db);
            let db = open(&disk);
            (disk, db)
        }
        3 => {
            let disk = disk.crash();
            drop(db);
            let db = open(&disk);
            (disk, db)
        }
        _ => (disk, db),
    }
}
