//! The writer thread: takes what waits, writes it, syncs once, completes in order.
//!
//! Locks: `Queue::inner` protects the queue and the counters and is never held
//! over I/O or a completion.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use bytes::Bytes;
use foundation::disk::{AlignedBuffer, DiskFile, SharedDisk};
use parking_lot::{Condvar, Mutex};

use crate::frame::{self, Frame};
use crate::{Completion, Generation, Options, RECORD_BYTES_MAX, WalError, file};

/// One group is at most this large, so that the first record of a burst is not held up by the last.
const GROUP_BYTES_MAX: usize = 8 << 20;
/// One write takes at most so many bytes.
const WRITE_BYTES_MAX: usize = 1 << 20;
/// How often the room on the disk is looked at.
const FREE_CHECK_PERIOD: Duration = Duration::from_secs(1);

/// What a log did since it was opened.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Stats {
    /// Records that are safe.
    pub records: u64,
    /// Bytes written for them, frames included.
    pub bytes_written: u64,
    /// Syncs.
    pub syncs: u64,
    /// Nanoseconds spent in syncs.
    pub sync_nanos: u64,
    /// Records refused.
    pub refused: u64,
    /// Bytes that wait for a sync.
    pub pending_bytes: usize,
    /// The generation that is written.
    pub generation: Generation,
}

enum Item {
    Record(Frame, Completion),
    Rotate(Completion),
}

/// What waits for the writer thread.
pub(crate) struct Queue {
    inner: Mutex<Inner>,
    changed: Condvar,
    max_pending_bytes: usize,
    compress: bool,
}

#[derive(Default)]
struct Inner {
    items: VecDeque<Item>,
    closed: bool,
    stats: Stats,
}

impl Queue {
    pub(crate) fn append(&self, record: Bytes, done: Completion) {
        if record.len() > RECORD_BYTES_MAX {
            return done(Err(WalError::TooLarge(record.len())));
        }
        let frame = Frame::encode(record, self.compress);
        let mut inner = self.inner.lock();
        let pending = inner.stats.pending_bytes + frame.len();
        let refusal = if inner.closed {
            Some(WalError::Closed)
        } else if pending > self.max_pending_bytes && inner.stats.pending_bytes > 0 {
            // A single record above the limit passes when nothing else waits: else it never could.
            Some(WalError::Backlog { pending, limit: self.max_pending_bytes })
        } else {
            None
        };
        if let Some(e) = refusal {
            inner.stats.refused += 1;
            drop(inner);
            return done(Err(e));
        }
        inner.stats.pending_bytes = pending;
        inner.items.push_back(Item::Record(frame, done));
        drop(inner);
        self.changed.notify_one();
    }

    pub(crate) fn rotate(&self, then: Completion) {
        let mut inner = self.inner.lock();
        if inner.closed {
            drop(inner);
            return then(Err(WalError::Closed));
        }
        inner.items.push_back(Item::Rotate(then));
        drop(inner);
        self.changed.notify_one();
    }

    pub(crate) fn close(&self) {
        self.inner.lock().closed = true;
        self.changed.notify_one();
    }

    pub(crate) fn stats(&self) -> Stats {
        self.inner.lock().stats
    }

    pub(crate) fn current_generation(&self) -> Generation {
        self.inner.lock().stats.generation
    }

    /// The next rotation, or the next group of records; `None` when closed and empty.
    fn take(&self) -> Option<Work> {
        let mut inner = self.inner.lock();
        loop {
            let mut group = Vec::new();
            let mut bytes = 0;
            while let Some(item) = inner.items.pop_front() {
                match item {
                    Item::Rotate(then) if group.is_empty() => return Some(Work::Rotate(then)),
                    Item::Record(frame, done) if group.is_empty() || bytes + frame.len() <= GROUP_BYTES_MAX => {
                        bytes += frame.len();
                        group.push((frame, done));
                    }
                    other => {
                        inner.items.push_front(other);
                        break;
                    }
                }
            }
            if !group.is_empty() {
                return Some(Work::Group(group, bytes));
            }
            if inner.closed {
                return None;
            }
            self.changed.wait(&mut inner);
        }
    }
}

enum Work {
    Group(Vec<(Frame, Completion)>, usize),
    Rotate(Completion),
}

pub(crate) fn start(
    disk: SharedDisk,
    options: Options,
    generation: Generation,
) -> Result<(Arc<Queue>, JoinHandle<()>), WalError> {
    let inner = Inner { stats: Stats { generation, ..Stats::default() }, ..Inner::default() };
    let queue = Arc::new(Queue {
        inner: Mutex::new(inner),
        changed: Condvar::new(),
        max_pending_bytes: options.max_pending_bytes,
        compress: options.compress,
    });
    let dir = options.dir.clone();
    let writer = Writer {
        disk,
        options,
        queue: queue.clone(),
        generation,
        part: 0,
        open: None,
        free_checked: None,
        gather: AlignedBuffer::new(WRITE_BYTES_MAX),
    };
    let thread = std::thread::Builder::new()
        .name("wal-writer".to_owned())
        .spawn(move || writer.run())
        .map_err(WalError::io("start the writer thread for", &dir))?;
    Ok((queue, thread))
}

/// However the writer thread ends, a panic in a completion included, nobody waits for it for ever.
struct Ending(Arc<Queue>);

impl Drop for Ending {
    fn drop(&mut self) {
        let left = {
            let mut inner = self.0.inner.lock();
            inner.closed = true;
            inner.stats.pending_bytes = 0;
            std::mem::take(&mut inner.items)
        };
        for item in left {
            match item {
                Item::Record(_, done) | Item::Rotate(done) => done(Err(WalError::Closed)),
            }
        }
    }
}

struct OpenFile {
    path: PathBuf,
    file: Box<dyn DiskFile>,
    /// Everything before is synced; whole blocks.
    len: u64,
}

struct Writer {
    disk: SharedDisk,
    options: Options,
    queue: Arc<Queue>,
    generation: Generation,
    /// The part that the next file gets.
    part: u32,
    open: Option<OpenFile>,
    free_checked: Option<Instant>,
    /// What the next write takes.
    gather: AlignedBuffer,
}

impl OpenFile {
    /// Takes back what was written since the last sync.
    fn cut(&mut self) -> std::io::Result<()> {
        self.file.truncate(self.len)
    }
}

impl Writer {
    fn run(mut self) {
        let _ending = Ending(self.queue.clone());
        while let Some(work) = self.queue.take() {
            match work {
                Work::Rotate(then) => self.rotate(then),
                Work::Group(group, bytes) => self.commit(group, bytes),
            }
        }
    }

    fn rotate(&mut self, then: Completion) {
        let frozen = self.generation;
        self.open = None;
        self.generation += 1;
        self.part = 0;
        self.queue.inner.lock().stats.generation = self.generation;
        then(Ok(frozen));
    }

    fn commit(&mut self, group: Vec<(Frame, Completion)>, bytes: usize) {
        let before = Instant::now();
        let result = self.write_group(&group, bytes);
        {
            let mut inner = self.queue.inner.lock();
            let s = &mut inner.stats;
            s.pending_bytes -= bytes;
            match &result {
                Ok(()) => {
                    s.records += group.len() as u64;
                    s.bytes_written += bytes as u64;
                    s.syncs += 1;
                    s.sync_nanos += before.elapsed().as_nanos() as u64;
                }
                Err(_) => s.refused += group.len() as u64,
            }
        }
        if let Err(e) = &result {
            tracing::error!(error = %e, records = group.len(), "records were refused: the log cannot be written");
        }
        for (_, done) in group {
            done(result.clone().map(|()| self.generation));
        }
    }

    fn write_group(&mut self, group: &[(Frame, Completion)], bytes: usize) -> Result<(), WalError> {
        self.check_free()?;
        let mut open = match self.open.take() {
            Some(open) if open.len < self.options.part_bytes => open,
            _ => self.create_part()?,
        };
        let path = open.path.clone();
        let header = (open.len == 0).then(|| frame::file_header(self.generation));
        let header = header.as_ref().map_or(&[][..], |header| &header[..]);
        let end = open.len + (header.len() + bytes) as u64;
        // No block that holds acknowledged records is ever written again.
        let filler = frame::filler(end, open.file.block_bytes());
        if let Err(e) = write_frames(&mut *open.file, header, group, &filler, &mut self.gather) {
            self.free_checked = None;
            // The cut is synced: a crash must not bring back records that were written whole. If it is not, the next group begins a
            // new part.
            if open.cut().is_ok() && open.file.sync_data().is_ok() {
                self.open = Some(open);
            }
            return Err(WalError::io("write", &path)(e));
        }
        if let Err(e) = open.file.sync_data() {
            // Nobody knows what is on the disk: the file is left behind, never written again. A restart would still read what a
            // crash may take away.
            if let Err(error) = open.cut() {
                tracing::warn!(path = %path.display(), %error, "records that were refused may be read after a restart");
            }
            return Err(WalError::io("sync", &path)(e));
        }
        open.len = end + filler.len() as u64;
        self.open = Some(open);
        Ok(())
    }

    fn create_part(&mut self) -> Result<OpenFile, WalError> {
        let path = self.options.dir.join(file::name(self.generation, self.part));
        self.part += 1;
        let file = self.disk.create_direct(&path).map_err(WalError::io("make", &path))?;
        if let Err(e) = self.disk.sync_dir(&self.options.dir).map_err(WalError::io("sync", &self.options.dir)) {
            // Nothing in it was acknowledged: every refused group would leave a file behind.
            drop(file);
            if self.disk.remove_file(&path).is_ok() {
                self.part -= 1;
            }
            return Err(e);
        }
        Ok(OpenFile { path, file, len: 0 })
    }

    fn check_free(&mut self) -> Result<(), WalError> {
        if self.free_checked.is_some_and(|at| at.elapsed() < FREE_CHECK_PERIOD) {
            return Ok(());
        }
        let dir: &Path = &self.options.dir;
        let free = self.disk.free_bytes(dir).map_err(WalError::io("measure the free room of", dir))?;
        let reserve = self.options.min_free_bytes;
        if free < reserve {
            return Err(WalError::NearlyFull { path: dir.to_owned(), free, reserve });
        }
        self.free_checked = Some(Instant::now());
        Ok(())
    }
}

/// Writes everything by way of `gather`, which is left empty.
fn write_frames(
    file: &mut dyn DiskFile,
    header: &[u8],
    group: &[(Frame, Completion)],
    filler: &[u8],
    gather: &mut AlignedBuffer,
) -> std::io::Result<()> {
    gather.clear();
    let frames = group.iter().flat_map(|(frame, _)| [&frame.header[..], &frame.payload[..]]);
    for mut piece in std::iter::once(header).chain(frames).chain([filler]) {
        loop {
            piece = gather.fill(piece);
            if piece.is_empty() {
                break;
            }
            file.write_all(gather.as_slice())?;
            gather.clear();
        }
    }
    file.write_all(gather.as_slice())?;
    gather.clear();
    Ok(())
}
