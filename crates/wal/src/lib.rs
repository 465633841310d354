//! Floor 1: the write-ahead log that every engine uses.
//!
//! A [`Wal`] is a folder of numbered files. [`Wal::append`] hands a record to
//! the one writer thread, which writes all records that wait, syncs once
//! (group commit), and then runs each record's completion in log order. What
//! a completion does (put the decoded batch in memory, answer the sender)
//! therefore happens strictly after the record is safe, and in the same order
//! as replay will see it.
//!
//! A *generation* is what one memory of an engine holds: an engine rotates
//! when it freezes its memory, so that generation `n` holds exactly what
//! memory `n` holds, and is deleted when that memory is safe in a segment or
//! block. Format: `docs/formats/wal.md`.
//!
//! *Invariant:* records are bytes; no telemetry, no async runtime.

mod file;
mod frame;
mod writer;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use foundation::ErrorKind;
use foundation::disk::{Disk, SharedDisk};
use thiserror::Error;

pub use file::{Damage, RepairReport};
pub use writer::Stats;

/// Numbers what one memory of an engine holds; grows by one at each rotation.
pub type Generation = u64;

/// Runs on the writer thread once the record is safe or refused.
pub type Completion = Box<dyn FnOnce(Result<Generation, WalError>) + Send>;

/// The largest record in bytes. Larger ones are refused: the frame counts in 32 bits, and
/// no sender is allowed a larger request.
pub const RECORD_BYTES_MAX: usize = 1 << 30;

/// How many folders above the log may be new with it: an engine's half, the engine, the data directory.
const FOLDERS_SYNCED: usize = 3;

/// How a log is kept.
#[derive(Debug, Clone)]
pub struct Options {
    /// The folder; made if it is not there.
    pub dir: PathBuf,
    /// Bytes that may wait for a sync. Beyond it appends are refused as unavailable: the disk is slower than the senders.
    pub max_pending_bytes: usize,
    /// A file is followed by the next part of its generation at this size.
    pub part_bytes: u64,
    /// Appends are refused while the disk has less room than this, so that what is in memory can still be flushed.
    pub min_free_bytes: u64,
    /// Compress records with zstd level 1 where that makes them smaller. Costs about 1.5 ns a byte and
    /// saves four fifths of what is written: right when the disk is the bottleneck.
    pub compress: bool,
}

impl Options {
    /// The defaults for a log in `dir`.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self {
            dir: dir.into(),
            max_pending_bytes: 64 << 20,
            part_bytes: 64 << 20,
            min_free_bytes: 128 << 20,
            compress: false,
        }
    }
}

/// Why a record was not taken, or a log could not be opened.
#[derive(Debug, Clone, Error)]
pub enum WalError {
    /// The disk refused.
    #[error("cannot {action} {path}: {source}", path = path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On which file or folder.
        path: PathBuf,
        /// What the disk said.
        #[source]
        source: Arc<io::Error>,
    },
    /// More waits for the disk than is allowed.
    #[error("{pending} bytes wait to be synced and the limit is {limit}; the disk is slower than the senders")]
    Backlog {
        /// Bytes waiting.
        pending: usize,
        /// The limit.
        limit: usize,
    },
    /// The disk is nearly full.
    #[error("the disk of {path} has {free} bytes left and {reserve} are kept free; make room on it: remove files or, where data is stored, shorten the retention", path = path.display())]
    NearlyFull {
        /// The log's folder.
        path: PathBuf,
        /// Bytes left.
        free: u64,
        /// Bytes kept free.
        reserve: u64,
    },
    /// The record is beyond [`RECORD_BYTES_MAX`].
    #[error("a record of {0} bytes is larger than the log takes ({RECORD_BYTES_MAX})")]
    TooLarge(usize),
    /// The log was closed.
    #[error("the log is closed")]
    Closed,
    /// A file of the folder was written by a newer version.
    #[error("{path} has format version {version}, this build reads versions 1 and 2; use the newer build", path = path.display())]
    Version {
        /// The file.
        path: PathBuf,
        /// Its version.
        version: u8,
    },
}

impl WalError {
    /// What a caller can do.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Io { .. } | Self::Backlog { .. } | Self::NearlyFull { .. } | Self::Closed => ErrorKind::UNAVAILABLE,
            Self::TooLarge(_) => ErrorKind::TooLarge,
            Self::Version { .. } => ErrorKind::Unsupported,
        }
    }

    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |e| Self::Io { action, path, source: Arc::new(e) }
    }
}

/// A write-ahead log. Dropping it writes and syncs what waits, then ends the writer thread.
pub struct Wal {
    disk: SharedDisk,
    dir: PathBuf,
    queue: Arc<writer::Queue>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Wal {
    /// Opens the log, repairs torn tails, and replays every record behind `covered_through` in order.
    ///
    /// `covered_through` is the last generation whose data is safe elsewhere, as the engine's manifest says (0: none).
    /// What is left of those generations is deleted, not replayed. New records go to a generation of their own, behind
    /// all of these: the numbers never start again, even when the folder is empty.
    ///
    /// # Errors
    /// When the folder or a file cannot be read, or a file is of a newer version. Damage inside a
    /// file is not an error: it is skipped and in the report.
    pub fn open(
        disk: SharedDisk,
        options: Options,
        covered_through: Generation,
        replay: &mut dyn FnMut(Generation, &[u8]),
    ) -> Result<(Self, RepairReport), WalError> {
        make_folder(&*disk, &options.dir)?;
        file::remove_through(&*disk, &options.dir, covered_through)?;
        let report = file::replay_all(&*disk, &options.dir, replay)?;
        let dir = options.dir.clone();
        let (queue, thread) = writer::start(disk.clone(), options, report.last_generation.max(covered_through) + 1)?;
        Ok((Self { disk, dir, queue, thread: Some(thread) }, report))
    }

    /// Queues a record. `done` runs on the writer thread after the record is synced or refused, in log
    /// order; a record that is refused at once (backlog, size) runs it on the caller's thread.
    ///
    /// A completion must be short and must not wait for another append.
    pub fn append(&self, record: impl Into<bytes::Bytes>, done: Completion) {
        self.queue.append(record.into(), done);
    }

    /// Queues a record and waits until it is safe. Not to be called from a completion.
    ///
    /// # Errors
    /// The record is refused and may be tried again.
    pub fn append_wait(&self, record: impl Into<bytes::Bytes>) -> Result<Generation, WalError> {
        let (tx, rx) = std::sync::mpsc::sync_channel(1);
        self.append(record, Box::new(move |result| drop(tx.send(result))));
        rx.recv().unwrap_or(Err(WalError::Closed))
    }

    /// Begins a new generation after all records queued so far. `then` runs on the writer thread between
    /// the last completion of the frozen generation and the first of the new one.
    pub fn rotate(&self, then: Completion) {
        self.queue.rotate(then);
    }

    /// Deletes the generations up to and including `through`: their data is safe elsewhere.
    ///
    /// # Errors
    /// When a file cannot be removed; calling again later is safe.
    pub fn remove_through(&self, through: Generation) -> Result<(), WalError> {
        file::remove_through(&*self.disk, &self.dir, through.min(self.queue.current_generation() - 1))
    }

    /// Hands over the records of one generation that was rotated away, in order. What is damaged is skipped and logged.
    ///
    /// # Errors
    /// A file cannot be read.
    pub fn read_generation(&self, generation: Generation, record: &mut dyn FnMut(&[u8])) -> Result<(), WalError> {
        file::read_generation(&*self.disk, &self.dir, generation, record)
    }

    /// What the log did so far.
    pub fn stats(&self) -> Stats {
        self.queue.stats()
    }
}

/// Makes the folder, and makes its name and those above it lasting.
fn make_folder(disk: &dyn Disk, dir: &Path) -> Result<(), WalError> {
    disk.create_dir_all(dir).map_err(WalError::io("make the folder", dir))?;
    for parent in dir.ancestors().skip(1).take(FOLDERS_SYNCED).filter(|p| !p.as_os_str().is_empty()) {
        disk.sync_dir(parent).map_err(WalError::io("sync", parent))?;
    }
    Ok(())
}

impl Drop for Wal {
    fn drop(&mut self) {
        self.queue.close();
        if let Some(thread) = self.thread.take() {
            // A panic there was reported by the panic hook; there is nobody left to tell.
            let _ = thread.join();
        }
    }
}
