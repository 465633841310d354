//! A backup is opened and has all that was acknowledged before it, whatever happens to the engine meanwhile.

use std::path::Path;
use std::sync::Arc;

use foundation::clock::{ManualClock, UnixNanos};
use foundation::disk::sim::SimDisk;
use foundation::disk::{Disk as _, RealDisk, SharedDisk};
use model::{AccessScope, Labels};
use tsdb::{Options, ReadLimits, Tsdb};

const NOW_MS: i64 = 1_700_000_000_000;

fn open(disk: &SharedDisk, dir: &Path) -> Tsdb {
    let mut options = Options::new(dir);
    options.min_free_bytes = 0;
    let clock = Arc::new(ManualClock::new(UnixNanos::from_millis(NOW_MS)));
    Tsdb::open(disk.clone(), clock, options).expect("open")
}

fn append(db: &Tsdb, from: i64, to: i64) {
    let samples = (from..to).map(|i| (Labels::from_pairs([("__name__", "m")]), NOW_MS - 100_000 + i, i as f64));
    db.append_wait(samples.collect()).expect("append");
}

fn values(db: &Tsdb) -> Vec<f64> {
    let set = db.select(&AccessScope::ALL, &[], (i64::MIN, i64::MAX), ReadLimits::default()).expect("select");
    set.collect().expect("collect").iter().flat_map(|s| s.samples.iter().map(|s| s.v)).collect()
}

fn up_to(n: i64) -> Vec<f64> {
    (0..n).map(|i| i as f64).collect()
}

fn check(disk: &SharedDisk, dir: &Path, to: &Path) {
    let db = open(disk, dir);
    append(&db, 0, 300);
    db.flush().expect("flush");
    append(&db, 300, 400);
    let backup = db.backup(to).expect("backup");
    assert_eq!((backup.blocks, backup.linked, backup.left_out.len()), (2, 2, 0));
    append(&db, 400, 500);
    assert!(db.backup(to).expect_err("occupied").to_string().contains("the folder is not empty"));
    db.flush().expect("flush");
    drop(db);
    let copy = open(disk, to);
    assert_eq!(values(&copy), up_to(400));
    // The copy is an engine of its own.
    append(&copy, 400, 420);
    copy.close().expect("close");
    assert_eq!(values(&open(disk, to)), up_to(420));
    assert_eq!(values(&open(disk, dir)), up_to(500));
}

#[test]
fn the_copy_opens_and_goes_on() {
    check(&(Arc::new(SimDisk::new(1)) as SharedDisk), Path::new("/data/metrics"), Path::new("/backup/metrics"));
    let dir = tempfile::tempdir().expect("folder");
    check(&(Arc::new(RealDisk) as SharedDisk), &dir.path().join("metrics"), &dir.path().join("backup"));
}

#[test]
fn an_interrupted_backup_does_not_open_and_a_finished_one_survives_a_crash() {
    for room in (0..4000).step_by(97).chain([100_000]) {
        let sim = SimDisk::new(room);
        let disk: SharedDisk = Arc::new(sim.clone());
        let (dir, to) = (Path::new("/data/metrics"), Path::new("/backup/metrics"));
        let db = open(&disk, dir);
        append(&db, 0, 300);
        db.flush().expect("flush");
        sim.fail_writes_after(room);
        let done = db.backup(to).is_ok();
        sim.heal();
        let sim = sim.crash();
        drop(db);
        let disk: SharedDisk = Arc::new(sim.clone());
        if done {
            assert_eq!(values(&open(&disk, to)), up_to(300), "room {room}");
        } else if !sim.list(to).expect("list").is_empty() {
            let clock = Arc::new(ManualClock::new(UnixNanos::from_millis(NOW_MS)));
            assert!(Tsdb::open(disk.clone(), clock, Options::new(to)).is_err(), "room {room}");
        }
        assert_eq!(values(&open(&disk, dir)), up_to(300));
    }
}
