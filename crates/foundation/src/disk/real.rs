//! The disk of the operating system.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::num::NonZeroU64;
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::buffer::spare_capacity;
use rustix::fs::{Advice, OFlags, fadvise};

use super::{BLOCK_BYTES, Disk, DiskFile, ReadAt};

/// The disk of the operating system.
#[derive(Debug, Default, Clone, Copy)]
pub struct RealDisk;

struct RealFile {
    file: File,
    /// Past the page cache.
    direct: bool,
    block_bytes: usize,
}

impl RealFile {
    fn cached(file: File) -> Box<dyn DiskFile> {
        Box::new(Self { file, direct: false, block_bytes: 1 })
    }
}

/// What a file system says that does not write past the page cache, or not this.
fn is_refused(e: &io::Error) -> bool {
    matches!(e.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported)
}

struct RealReader {
    file: File,
    len: u64,
}

impl Disk for RealDisk {
    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let f = OpenOptions::new().create(true).write(true).truncate(true).open(path)?;
        Ok(RealFile::cached(f))
    }

    fn create_direct(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let mut options = OpenOptions::new();
        options.create(true).write(true).truncate(true).custom_flags(OFlags::DIRECT.bits().cast_signed());
        match options.open(path) {
            Ok(file) => Ok(Box::new(RealFile { file, direct: true, block_bytes: BLOCK_BYTES })),
            Err(e) if is_refused(&e) => self.create(path),
            Err(e) => Err(e),
        }
    }

    fn open_append(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        Ok(RealFile::cached(OpenOptions::new().append(true).open(path)?))
    }

    fn open_read(&self, path: &Path) -> io::Result<Arc<dyn ReadAt>> {
        let file = File::open(path)?;
        let len = file.metadata()?.len();
        Ok(Arc::new(RealReader { file, len }))
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        fs::read(path)
    }

    #[expect(clippy::disallowed_methods, reason = "this is the door")]
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn hard_link(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::hard_link(from, to)
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        fs::remove_dir(path)
    }

    fn remove_dir_all(&self, path: &Path) -> io::Result<()> {
        fs::remove_dir_all(path)
    }

    fn create_dir_all(&self, path: &Path) -> io::Result<()> {
        fs::create_dir_all(path)
    }

    fn list(&self, path: &Path) -> io::Result<Vec<PathBuf>> {
        let entries = match fs::read_dir(path) {
            Ok(entries) => entries,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(e) => return Err(e),
        };
        let mut out = entries.map(|e| e.map(|e| e.path())).collect::<io::Result<Vec<_>>>()?;
        out.sort();
        Ok(out)
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        File::open(path)?.sync_all()
    }

    fn free_bytes(&self, path: &Path) -> io::Result<u64> {
        let s = rustix::fs::statvfs(path)?;
        Ok(s.f_bavail.saturating_mul(s.f_frsize))
    }
}

impl DiskFile for RealFile {
    fn write_all(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            match self.file.write(bytes) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(n) => bytes = &bytes[n..],
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                // Some open such a file and refuse the write; what is written is the same through the cache.
                Err(e) if self.direct && is_refused(&e) => {
                    let flags = rustix::fs::fcntl_getfl(&self.file)?;
                    rustix::fs::fcntl_setfl(&self.file, flags - OFlags::DIRECT)?;
                    self.direct = false;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(())
    }

    fn sync_data(&mut self) -> io::Result<()> {
        self.file.sync_data()
    }

    fn truncate(&mut self, len: u64) -> io::Result<()> {
        use std::io::Seek as _;
        self.file.set_len(len)?;
        self.file.seek(io::SeekFrom::Start(len)).map(|_| ())
    }

    fn block_bytes(&self) -> usize {
        self.block_bytes
    }
}

impl ReadAt for RealReader {
    fn read_exact_at(&self, buf: &mut [u8], offset: u64) -> io::Result<()> {
        self.file.read_exact_at(buf, offset)
    }

    /// Without clearing the bytes before they are read.
    fn read_vec_at(&self, len: usize, offset: u64) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::with_capacity(len);
        while bytes.len() < len {
            let at = offset + bytes.len() as u64;
            match rustix::io::pread(&self.file, spare_capacity(&mut bytes), at) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(e) => return Err(e.into()),
            }
        }
        bytes.truncate(len);
        Ok(bytes)
    }

    fn will_need(&self, offset: u64, len: u64) {
        // A system that does not listen reads later.
        let _ = fadvise(&self.file, offset, NonZeroU64::new(len), Advice::WillNeed);
    }

    fn len(&self) -> u64 {
        self.len
    }
}

#[cfg(test)]
mod tests {
    use super::super::AlignedBuffer;
    use super::*;

    #[test]
    fn a_file_past_the_cache_takes_blocks_and_whatever_else_it_gets() {
        // On the disk that is built on, and in memory, where there may be no way past.
        for parent in [env!("CARGO_MANIFEST_DIR"), "/dev/shm", "/tmp"] {
            let Ok(dir) = tempfile::tempdir_in(parent) else { continue };
            let path = dir.path().join("log");
            let mut file = RealDisk.create_direct(&path).unwrap();
            assert!([1, BLOCK_BYTES].contains(&file.block_bytes()));
            let mut block = AlignedBuffer::new(BLOCK_BYTES);
            assert!(block.fill(&[7; BLOCK_BYTES]).is_empty());
            file.write_all(block.as_slice()).unwrap();
            file.write_all(block.as_slice()).unwrap();
            file.truncate(BLOCK_BYTES as u64).unwrap();
            // Neither whole blocks nor aligned: through the cache.
            file.write_all(&block.as_slice()[1..4]).unwrap();
            file.sync_data().unwrap();
            assert_eq!(RealDisk.read(&path).unwrap(), [7; BLOCK_BYTES + 3]);
        }
    }
}
