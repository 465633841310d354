//! The disk door: every byte that reaches or leaves the disk goes through a [`Disk`].
//!
//! [`RealDisk`] is the operating system. [`SimDisk`](sim::SimDisk) is a disk in memory that fails,
//! tears and forgets what was not synced, under a seed; the durability tests
//! of the engines run on it.
//!
//! What the door promises, and engines may rely on:
//! * bytes written and then synced with [`DiskFile::sync_data`] survive a crash;
//! * a file made or renamed survives a crash once its folder was synced with [`Disk::sync_dir`];
//! * anything else may be there, be gone, or be there in part.

mod aligned;
mod real;
pub mod sim;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use aligned::AlignedBuffer;
pub use real::RealDisk;

/// What a file that is written past the page cache is written in: the blocks of file systems, and no smaller than what devices write
/// as one.
pub const BLOCK_BYTES: usize = 4096;

/// A disk, shared by everything that stores.
pub type SharedDisk = Arc<dyn Disk>;

/// A place that stores files.
pub trait Disk: Send + Sync + 'static {
    /// Makes an empty file for writing; what was there is gone.
    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>>;
    /// As [`Disk::create`], for what is written once and synced at once: past the page cache, where the file system can. Then
    /// [`DiskFile::block_bytes`] says so, and each write has to be whole blocks out of an [`AlignedBuffer`].
    fn create_direct(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        self.create(path)
    }
    /// Opens an existing file for writing at its end.
    fn open_append(&self, path: &Path) -> io::Result<Box<dyn DiskFile>>;
    /// Opens a file for reading at any offset.
    fn open_read(&self, path: &Path) -> io::Result<Arc<dyn ReadAt>>;
    /// Reads a whole file.
    fn read(&self, path: &Path) -> io::Result<Vec<u8>>;
    /// Renames a file, replacing what is there. Lasting only after [`Disk::sync_dir`].
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Makes another name for a file, on the same file system. Lasting only after [`Disk::sync_dir`].
    fn hard_link(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Removes a file.
    fn remove_file(&self, path: &Path) -> io::Result<()>;
    /// Removes a folder that has nothing in it; another one stays, with an error ([`io::ErrorKind::DirectoryNotEmpty`]).
    fn remove_dir(&self, path: &Path) -> io::Result<()>;
    /// Removes a folder and all that is in it.
    fn remove_dir_all(&self, path: &Path) -> io::Result<()>;
    /// Makes a folder and those above it.
    fn create_dir_all(&self, path: &Path) -> io::Result<()>;
    /// The files and folders directly in `path`, sorted by name; empty when `path` does not exist.
    fn list(&self, path: &Path) -> io::Result<Vec<PathBuf>>;
    /// Makes file names in `path` lasting.
    fn sync_dir(&self, path: &Path) -> io::Result<()>;
    /// Bytes that can still be written under `path`.
    fn free_bytes(&self, path: &Path) -> io::Result<u64>;
}

/// A file open for writing.
pub trait DiskFile: Send {
    /// Appends all of `bytes` at the end.
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()>;
    /// Returns once everything written so far survives a crash.
    ///
    /// After an error the state of what was written is unknown: Linux drops
    /// the dirty pages. The caller must not write on, but start a new file.
    fn sync_data(&mut self) -> io::Result<()>;
    /// Cuts the file to `len` bytes.
    fn truncate(&mut self, len: u64) -> io::Result<()>;
    /// Each write is a multiple of so many bytes.
    fn block_bytes(&self) -> usize {
        1
    }
}

/// A file open for reading at any offset, from any thread.
pub trait ReadAt: Send + Sync {
    /// Fills `buf` from `offset`; `UnexpectedEof` when the file is shorter.
    fn read_exact_at(&self, buf: &mut [u8], offset: u64) -> io::Result<()>;
    /// The `len` bytes from `offset`; `UnexpectedEof` when the file is shorter.
    fn read_vec_at(&self, len: usize, offset: u64) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; len];
        self.read_exact_at(&mut bytes, offset)?;
        Ok(bytes)
    }
    /// Says that these bytes will be read soon. Returns at once, and promises nothing.
    fn will_need(&self, _offset: u64, _len: u64) {}
    /// The length of the file in bytes.
    fn len(&self) -> u64;
    /// Whether the file is empty.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Replaces the file at `path` so that after a crash either the old or the new content is there.
///
/// Writes `path` with `.tmp` added, syncs, renames, syncs the folder.
pub fn write_atomic(disk: &dyn Disk, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut tmp = path.as_os_str().to_owned();
    tmp.push(".tmp");
    let tmp = PathBuf::from(tmp);
    let mut file = disk.create(&tmp)?;
    file.write_all(bytes)?;
    file.sync_data()?;
    drop(file);
    disk.rename(&tmp, path)?;
    match path.parent() {
        Some(dir) => disk.sync_dir(dir),
        None => Ok(()),
    }
}

/// Whether an error means that the disk or a quota is full, so that a retry later can succeed.
pub fn is_full(e: &io::Error) -> bool {
    matches!(e.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}
