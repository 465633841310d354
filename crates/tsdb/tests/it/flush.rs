//! When a flush is due, what it writes, and that it ends.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use foundation::clock::{ManualClock, UnixNanos};
use foundation::disk::sim::SimDisk;
use foundation::disk::{Disk, DiskFile, ReadAt, SharedDisk};
use model::Labels;
use parking_lot::Mutex;
use tsdb::{Options, Refusal, Tsdb};

const NOW_MS: i64 = 1_700_000_000_000;

fn open(disk: SharedDisk, change: impl FnOnce(&mut Options)) -> Tsdb {
    let clock = Arc::new(ManualClock::new(UnixNanos::from_millis(NOW_MS)));
    let mut options = Options::new("/data/metrics");
    options.min_free_bytes = 0;
    change(&mut options);
    Tsdb::open(disk, clock, options).expect("open")
}

fn labels(i: usize) -> Labels {
    Labels::from_pairs([("__name__", "m"), ("i", &i.to_string())])
}

type Hook = Box<dyn FnMut() + Send>;

/// A disk that calls a hook whenever a block is begun.
struct HookedDisk {
    disk: SimDisk,
    hook: Arc<Mutex<Option<Hook>>>,
}

impl Disk for HookedDisk {
    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let is_block = path.file_name().is_some_and(|n| n.to_string_lossy().starts_with("block-"));
        // The log makes files too, while the hook runs.
        let taken = if is_block { self.hook.lock().take() } else { None };
        if let Some(mut hook) = taken {
            hook();
            self.hook.lock().get_or_insert(hook);
        }
        self.disk.create(path)
    }
    fn open_append(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        self.disk.open_append(path)
    }
    fn open_read(&self, path: &Path) -> io::Result<Arc<dyn ReadAt>> {
        self.disk.open_read(path)
    }
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        self.disk.read(path)
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.disk.rename(from, to)
    }
    fn hard_link(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.disk.hard_link(from, to)
    }
    fn remove_file(&self, path: &Path) -> io::Result<()> {
        self.disk.remove_file(path)
    }
    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        self.disk.remove_dir(path)
    }

    fn remove_dir_all(&self, path: &Path) -> io::Result<()> {
        self.disk.remove_dir_all(path)
    }
    fn create_dir_all(&self, path: &Path) -> io::Result<()> {
        self.disk.create_dir_all(path)
    }
    fn list(&self, path: &Path) -> io::Result<Vec<PathBuf>> {
        self.disk.list(path)
    }
    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        self.disk.sync_dir(path)
    }
    fn free_bytes(&self, path: &Path) -> io::Result<u64> {
        self.disk.free_bytes(path)
    }
}

#[test]
fn a_flush_ends_although_requests_keep_arriving() {
    let hook = Arc::new(Mutex::new(None));
    let db = Arc::new(open(Arc::new(HookedDisk { disk: SimDisk::new(1), hook: hook.clone() }), |_| {}));
    let arriving = db.clone();
    let mut left = 1..50;
    // While each block is written, one more request arrives.
    *hook.lock() = Some(Box::new(move || {
        if let Some(t) = left.next() {
            arriving.append_wait(vec![(labels(0), NOW_MS + t, 1.0)]).expect("append");
        }
    }) as Hook);
    db.append_wait(vec![(labels(0), NOW_MS, 1.0)]).expect("append");
    assert!(db.flush().expect("flush"));
    assert_eq!((db.stats().blocks, db.stats().head_samples), (1, 1), "what arrived meanwhile waits for the next flush");
    assert!(db.flush().expect("flush"));
    assert_eq!(db.stats().blocks, 2);
    *hook.lock() = None;
    assert!(db.flush().expect("flush"));
    assert!(!db.flush().expect("flush"), "there is nothing left");
}

#[test]
fn a_flush_does_not_wait_for_a_compaction() {
    let hook = Arc::new(Mutex::new(None));
    let disk = SimDisk::new(1);
    let db = Arc::new(open(Arc::new(HookedDisk { disk: disk.clone(), hook: hook.clone() }), |_| {}));
    let put = |db: &Tsdb, t: i64| {
        db.append_wait(vec![(labels(0), NOW_MS + t, t as f64)]).expect("append");
        assert!(db.flush().expect("flush"));
    };
    (0..4).for_each(|t| put(&db, t));
    let flushing = db.clone();
    // Within the compaction, on its thread: with one lock for both this would never end.
    *hook.lock() = Some(Box::new(move || put(&flushing, 4)) as Hook);
    assert_eq!(db.compact().expect("compact"), 4);
    *hook.lock() = None;
    assert_eq!((db.stats().blocks, db.stats().block_samples), (2, 5));
    drop(db);
    let db = open(Arc::new(disk.crash()), |_| {});
    assert_eq!((db.stats().blocks, db.stats().block_samples), (2, 5), "the manifest knows both");
}

const LOG_BYTES_MAX: u64 = 10_000;

fn wal_files(disk: &SimDisk) -> usize {
    disk.list(Path::new("/data/metrics/wal")).expect("list").len()
}

#[test]
fn a_log_that_grows_without_new_samples_is_flushed() {
    let disk = SimDisk::new(2);
    let small_log = |o: &mut Options| o.log_bytes_max = LOG_BYTES_MAX;
    let db = open(Arc::new(disk.clone()), small_log);
    let resend = |db: &Tsdb| {
        let from = db.stats().wal.bytes_written;
        while db.stats().wal.bytes_written - from < LOG_BYTES_MAX {
            assert!(!db.maintain().expect("maintain"), "the log is short");
            db.append_wait(vec![(labels(0), NOW_MS, 1.0)]).expect("append");
        }
    };
    resend(&db);
    assert_eq!(db.stats().head_samples, 1);
    assert!(db.maintain().expect("maintain"));
    assert_eq!((db.stats().blocks, wal_files(&disk)), (1, 0));
    assert!(!db.maintain().expect("maintain"));
    // What is replayed counts, without its frames in the log.
    resend(&db);
    drop(db);
    let db = open(Arc::new(disk.clone()), |o| o.log_bytes_max = LOG_BYTES_MAX / 2);
    assert!(db.maintain().expect("maintain"));
    assert!(!db.maintain().expect("maintain"));
}

#[test]
fn a_log_of_refused_samples_is_rotated_although_the_head_is_empty() {
    let disk = SimDisk::new(3);
    let small_log = |o: &mut Options| o.log_bytes_max = LOG_BYTES_MAX;
    let db = open(Arc::new(disk.clone()), small_log);
    db.append_wait(vec![(labels(0), NOW_MS, 1.0)]).expect("append");
    assert!(db.flush().expect("flush"));
    for _ in 0..2 {
        let from = db.stats().wal.bytes_written;
        while db.stats().wal.bytes_written - from < LOG_BYTES_MAX {
            assert!(!db.maintain().expect("maintain"), "the log is short");
            let late = db.append_wait(vec![(labels(1), NOW_MS - 3_600_001, 1.0)]).expect("append");
            assert_eq!(late.refusals[0].0, Refusal::TooOld);
        }
        assert!(wal_files(&disk) > 0);
        assert!(db.maintain().expect("maintain"));
        assert_eq!((db.stats().blocks, wal_files(&disk)), (1, 0), "no block of nothing");
    }
    drop(db);
    let db = open(Arc::new(disk.crash()), small_log);
    assert_eq!((db.stats().blocks, db.stats().newest_ms), (1, Some(NOW_MS)));
    let late = db.append_wait(vec![(labels(1), NOW_MS - 3_600_001, 1.0)]).expect("append");
    assert_eq!(late.refusals[0].0, Refusal::TooOld, "the snapshot was written and is read");
}
