//! Small segments into larger ones, so that files (each held open) stay few.
//!
//! A merge copies codes and columns, joins dictionaries and catalogues and builds the footer
//! anew; rows are looked at only for the summaries, which are made anew too. What is written over and over is bounded: a merge
//! makes of its largest segment one that is several times larger, so a row is
//! written again about once per such step until its segment is large
//! enough. Days that are quiet are brought down to few segments once.
//!
//! Merges have a thread of their own and write at a bounded rate, so that neither flushes nor queries wait for them. When
//! they fall behind all the same, the next flush waits, and memory that is full holds senders back.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use foundation::shutdown::Shutdown;

use super::Shared;
use super::commit::{self, Pending};
use crate::block::Block;
use crate::catalogue::Catalogue;
use crate::error::OpenError;
use crate::manifest::SegmentInfo;
use crate::partition::Day;
use crate::segment::Segment;

/// Segments of so many bytes are not merged any more.
const LARGE: u64 = 64 << 20;
/// A merge makes no larger segment.
const MERGED_MAX: u64 = 256 << 20;
/// A merge makes at least so many times its largest segment.
const GAIN: u64 = 6;
/// The same on a day that is quiet.
const GAIN_QUIET: u64 = 2;
/// A day is quiet when so many segments of other days were written since its last one.
const QUIET: u64 = 16;

/// More segments than this that are still to be merged hold up the next flush.
const WAITING_MAX: usize = 256;
/// How long the thread sleeps at most.
const PERIOD: Duration = Duration::from_secs(10);

/// Told the bytes of each block that was written; may wait, or give the merge up.
type Written<'a> = &'a mut dyn FnMut(u64) -> io::Result<()>;

pub(super) fn spawn(shared: Arc<Shared>, shutdown: Shutdown) -> Result<JoinHandle<()>, OpenError> {
    let path = shared.dir.clone();
    std::thread::Builder::new()
        .name(format!("{}-merger", shared.schema.dir()))
        .spawn(move || run(&shared, &shutdown))
        .map_err(|source| OpenError::Io { path, source })
}

fn run(shared: &Shared, shutdown: &Shutdown) {
    while !shutdown.is_set() {
        let (began, mut bytes) = (Instant::now(), 0);
        merge(shared, &mut |n| {
            bytes += n;
            let due = Duration::from_secs_f64(bytes as f64 / shared.config.merge_bytes_per_second.max(1) as f64);
            if shutdown.wait_timeout(due.saturating_sub(began.elapsed())) {
                return Err(io::Error::new(io::ErrorKind::Interrupted, "the store is being closed"));
            }
            Ok(())
        });
        shared.merge_work.wait(PERIOD);
    }
}

/// Merges at full speed when so many small segments wait that queries would suffer.
pub(super) fn catch_up(shared: &Shared) {
    if waiting(&opened(shared)) > WAITING_MAX {
        merge(shared, &mut |_| Ok(()));
    }
}

/// A segment that could not be opened, or does not read back, is not touched, and does not hold up the others.
fn opened(shared: &Shared) -> Vec<SegmentInfo> {
    shared.state.lock().segments.iter().filter(|s| !s.is_left_alone()).map(|s| s.info.clone()).collect()
}

/// Small segments of the days on which a merge is due. A quiet day keeps its last one however small it is, and there may be
/// years of them.
fn waiting(segments: &[SegmentInfo]) -> usize {
    let days: BTreeSet<Day> = due(segments).into_iter().map(|(day, _)| day).collect();
    segments.iter().filter(|s| s.bytes < LARGE && days.contains(&s.day)).count()
}

/// Merges what is due. A failure leaves everything as it was and is reported.
pub(super) fn merge(shared: &Shared, written: Written<'_>) {
    let _one = shared.merging.lock();
    for (day, ids) in due(&opened(shared)) {
        match merge_one(shared, day, &ids, written) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return,
            Err(error) => {
                tracing::error!(store = shared.schema.dir(), day = %day, %error, "cannot merge segments; they stay as they are");
                if error.kind() == io::ErrorKind::InvalidData {
                    leave_alone(shared, &ids);
                }
            }
            Ok(()) => {}
        }
    }
}

/// Leaves those of some segments out of merges that a merge cannot read: what is damaged stays so, and the others would
/// wait behind it for ever. Queries go on to answer with what of it can be read.
fn leave_alone(shared: &Shared, ids: &[u64]) {
    let parts: Vec<Arc<Segment>> =
        shared.state.lock().segments.iter().filter(|s| ids.contains(&s.info.id)).cloned().collect();
    for segment in parts {
        let Err(error) = segment.reads_back() else { continue };
        segment.leave_alone();
        shared.unmergeable_segments.fetch_add(1, Ordering::Relaxed);
        let path = segment.info.path(&shared.dir);
        tracing::error!(path = %path.display(), %error, "a segment is damaged and is left out of merges from now on");
    }
}

/// The segments that are to become one, at most one set per day.
fn due(segments: &[SegmentInfo]) -> Vec<(Day, Vec<u64>)> {
    let next = segments.iter().map(|s| s.id + 1).max().unwrap_or_default();
    let mut days: BTreeMap<Day, Vec<&SegmentInfo>> = BTreeMap::new();
    for s in segments {
        days.entry(s.day).or_default().push(s);
    }
    let newest = days.last_key_value().map(|(day, _)| *day);
    let mut out = Vec::new();
    for (day, mut all) in days {
        let last = all.iter().map(|s| s.id).max().unwrap_or_default();
        let quiet = Some(day) != newest && last + QUIET <= next;
        all.retain(|s| s.bytes < LARGE);
        all.sort_by_key(|s| (s.bytes, s.id));
        let gain = if quiet { GAIN_QUIET } else { GAIN };
        let mut total = 0;
        let mut best = 0;
        for (i, s) in all.iter().enumerate() {
            total += s.bytes;
            if total > MERGED_MAX {
                break;
            }
            if i > 0 && total >= s.bytes * gain {
                best = i + 1;
            }
        }
        if best > 0 {
            out.push((day, all[..best].iter().map(|s| s.id).collect()));
        }
    }
    out
}

fn merge_one(shared: &Shared, day: Day, ids: &[u64], written: Written<'_>) -> io::Result<()> {
    let parts: Vec<Arc<Segment>> =
        shared.state.lock().segments.iter().filter(|s| ids.contains(&s.info.id)).cloned().collect();
    let blocks: Vec<Arc<Block>> = parts.iter().flat_map(|s| s.blocks.iter().cloned()).collect();
    let catalogue = Catalogue::joined(parts.iter().map(|s| s.catalogue.as_ref()));
    let id = {
        let mut manifest = shared.flushing.lock();
        commit::settle(shared, &manifest)?;
        manifest.take_id()
    };
    let mut pending = Pending::default();
    if let Err(error) = pending.write(shared, id, day, &blocks, catalogue, written) {
        pending.discard(shared);
        return Err(error);
    }
    shared.merged_bytes.fetch_add(pending.bytes(), Ordering::Relaxed);
    {
        let mut manifest = shared.flushing.lock();
        // Retention may have taken a part away meanwhile: its rows must not come back.
        let whole = ids.iter().all(|id| manifest.segments.iter().any(|s| s.id == *id));
        if !whole || commit::settle(shared, &manifest).is_err() {
            pending.discard(shared);
            return Ok(());
        }
        let mut next = manifest.clone();
        next.segments.retain(|s| !ids.contains(&s.id));
        let merged = pending.commit(shared, &mut manifest, next)?;
        let mut state = shared.state.lock();
        state.segments.retain(|s| !ids.contains(&s.info.id));
        state.segments.extend(merged);
    }
    let files: Vec<PathBuf> = parts.iter().map(|s| s.info.path(&shared.dir)).collect();
    commit::remove(shared, &files);
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::mpsc;

    use foundation::disk::Disk as _;
    use foundation::disk::sim::SimDisk;
    use model::{LogRecord, TimeRange, UnixNanos, Value};

    use super::*;
    use crate::batch::LogBatch;
    use crate::config::Config;
    use crate::engine::Engine;
    use crate::schema::Schema;

    fn segment(id: u64, days: i64, bytes: u64) -> SegmentInfo {
        SegmentInfo {
            id,
            day: Day::of(UnixNanos::from_secs(days * 86_400)),
            rows: 1,
            min_time: UnixNanos(0),
            max_time: UnixNanos(0),
            bytes,
        }
    }

    #[test]
    fn segments_of_about_one_size_and_day_are_merged() {
        let mut segments: Vec<SegmentInfo> = (0..5).map(|id| segment(id, 1, 1000 + id)).collect();
        assert!(due(&segments).is_empty());
        segments.push(segment(5, 1, 2 << 20));
        assert!(due(&segments).is_empty());
        segments.push(segment(6, 1, 1006));
        segments.push(segment(7, 1, 1007));
        assert_eq!(due(&segments), [(segments[0].day, vec![0, 1, 2, 3, 4, 6, 7])]);
        // Another day goes on: this one is quiet, and one large segment is made of what it has.
        segments.truncate(3);
        segments.extend([segment(9, 2, 1000), segment(20, 2, 100 << 20), segment(8, 1, 100 << 20)]);
        assert!(due(&segments).is_empty());
        segments.push(segment(25, 2, 100 << 20));
        assert_eq!(due(&segments).iter().map(|(_, ids)| ids.clone()).collect::<Vec<_>>(), [[0, 1, 2]]);
    }

    #[test]
    fn what_quiet_days_keep_waits_for_nothing() {
        let mut segments: Vec<SegmentInfo> = (0..400).map(|day| segment(day, day as i64, 1000)).collect();
        assert_eq!(waiting(&segments), 0);
        segments.extend((400..700).map(|id| segment(id, 399, 1000)));
        segments.push(segment(700, 399, LARGE));
        assert_eq!(waiting(&segments), 301);
    }

    /// Flushes of `bytes` for some days, with some late rows; bytes written per byte flushed, and segments left.
    fn run(bytes: u64, flushes_per_day: u64) -> (f64, usize) {
        let (mut segments, mut flushed, mut written, mut next) = (Vec::<SegmentInfo>::new(), 0, 0, 0);
        for n in 0..flushes_per_day * 4 {
            let day = (n / flushes_per_day) as i64;
            let late = n % 10 == 9 && day > 0;
            for (day, bytes) in [(day, bytes + n % 7 * bytes / 20), (day - 1, if late { bytes / 50 } else { 0 })] {
                if bytes > 0 {
                    segments.push(segment(next, day, bytes));
                    next += 1;
                    flushed += bytes;
                    written += bytes;
                }
            }
            for (day, ids) in due(&segments) {
                let merged = segments.iter().filter(|s| ids.contains(&s.id)).map(|s| s.bytes).sum();
                segments.retain(|s| !ids.contains(&s.id));
                segments.push(SegmentInfo { day, ..segment(next, 0, merged) });
                next += 1;
                written += merged;
            }
        }
        (written as f64 / flushed as f64, segments.len())
    }

    #[test]
    fn what_is_written_again_is_bounded() {
        for (bytes, flushes) in [(50 << 20, 300), (10 << 20, 500), (1 << 20, 800), (100 << 10, 144)] {
            let (amplification, segments) = run(bytes, flushes);
            assert!(amplification <= 4.0, "{amplification:.2} at flushes of {bytes}");
            let least = (bytes * flushes * 4).div_ceil(LARGE) as usize;
            assert!(segments <= least + 80, "{segments} segments at flushes of {bytes}, at least {least}");
        }
    }

    #[test]
    fn a_damaged_dictionary_holds_up_no_other_segment() {
        let disk = SimDisk::new(4);
        let open = || Engine::open(Arc::new(disk.clone()), Config::new("/store"), Schema::Logs, None).unwrap();
        let flush = |engine: &Engine, n: i64| {
            let time = |i: i64| UnixNanos((n + 1) * 1_000 + i);
            let record = |i: i64| LogRecord {
                time: time(i),
                observed_time: time(i),
                attributes: vec![("k".to_owned(), Value::Str(format!("value {}", i % 5)))],
                ..LogRecord::default()
            };
            let request = wire::otlp::encode::logs_request(&(0..100).map(record).collect::<Vec<_>>());
            let (batch, _) = LogBatch::decode(&request, &wire::otlp::Limits::new(UnixNanos::from_secs(1_000))).unwrap();
            let (tx, rx) = mpsc::channel();
            engine.ingest(request, batch.into_inner(), Box::new(move |result| tx.send(result.is_ok()).unwrap()));
            assert_eq!(rx.recv(), Ok(true));
            engine.flush();
        };
        let engine = open();
        flush(&engine, 0);
        // A bit of the only dictionary, which lies before the footer.
        let segment = engine.snapshot(TimeRange::ALL).segments[0].clone();
        let path = segment.info.path(Path::new("/store/logs"));
        let at = disk.read(&path).unwrap().windows(7).rposition(|w| w == b"value 1").unwrap();
        drop(engine);
        disk.flip_bit(&path, at, 0).unwrap();
        let engine = open();
        (1..12).for_each(|n| flush(&engine, n));
        let stats = engine.stats();
        // The others became one, again and again; nothing is lost.
        assert_eq!((stats.unmergeable_segments, stats.segment_rows), (1, 1_200));
        assert!(stats.segments < 8, "{}", stats.segments);
        assert!(engine.snapshot(TimeRange::ALL).segments.iter().any(|s| s.info.id == segment.info.id));
    }
}
