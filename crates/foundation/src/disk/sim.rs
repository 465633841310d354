//! A disk in memory that fails, tears and forgets what was not synced, under a seed.
//!
//! What it models, after the behaviour of Linux file systems:
//! * bytes written and not synced are, after a crash, there, gone, or there in
//!   part, each write on its own, so later writes can survive earlier ones
//!   (the hole reads as zeroes);
//! * names made, renamed or removed and not synced are, after a crash, there
//!   up to some point in the order of the calls (file systems journal names);
//! * a failed sync drops the unsynced bytes for good, although reads still see
//!   them until the crash;
//! * a file past the page cache takes whole blocks, and nothing else;
//! * a full disk writes a part of the bytes and then fails.

use std::collections::{BTreeMap, HashSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;

use super::{BLOCK_BYTES, Disk, DiskFile, ReadAt};

/// A disk in memory; clones share it.
#[derive(Clone)]
pub struct SimDisk(Arc<Mutex<State>>);

type Inode = usize;

#[derive(Default)]
struct State {
    rng: u64,
    inodes: Vec<File>,
    /// What the running process sees.
    names: BTreeMap<PathBuf, Inode>,
    /// What a crash leaves for sure.
    durable_names: BTreeMap<PathBuf, Inode>,
    /// Changes of names since the last sync of their folder, in order.
    pending_names: Vec<NameChange>,
    dirs: Vec<PathBuf>,
    /// The power is off: every call fails.
    dead: bool,
    /// Bytes that can still be written; `None` is no limit.
    room: Option<u64>,
    /// Whether [`Disk::free_bytes`] does not tell.
    room_hidden: bool,
    /// How many syncs from now on succeed before one fails.
    syncs_before_failure: Option<u64>,
    /// How many changes from now on are made before the power goes.
    changes_before_cut: Option<u64>,
    /// What files past the cache are written in, where it is not [`BLOCK_BYTES`].
    block_bytes: Option<usize>,
}

#[derive(Clone, Default)]
struct File {
    content: Vec<u8>,
    durable: Vec<u8>,
    /// Writes since the last sync.
    pending: Vec<Change>,
    /// How often it is open for writing.
    writers: usize,
}

#[derive(Clone)]
enum Change {
    Write { at: usize, bytes: Vec<u8> },
    Truncate(usize),
}

#[derive(Clone)]
enum NameChange {
    Link(PathBuf, Inode),
    Unlink(PathBuf),
    Rename { from: PathBuf, to: PathBuf, inode: Inode },
}

impl NameChange {
    fn dir(&self) -> Option<&Path> {
        match self {
            Self::Link(p, _) | Self::Unlink(p) | Self::Rename { to: p, .. } => p.parent(),
        }
    }

    fn inode(&self) -> Option<Inode> {
        match self {
            Self::Link(_, inode) | Self::Rename { inode, .. } => Some(*inode),
            Self::Unlink(_) => None,
        }
    }

    fn apply(self, names: &mut BTreeMap<PathBuf, Inode>) {
        match self {
            Self::Link(p, inode) => drop(names.insert(p, inode)),
            Self::Unlink(p) => drop(names.remove(&p)),
            Self::Rename { from, to, inode } => {
                names.remove(&from);
                names.insert(to, inode);
            }
        }
    }
}

impl Change {
    fn apply(&self, content: &mut Vec<u8>) {
        match self {
            Self::Write { at, bytes } => {
                let end = at + bytes.len();
                if content.len() < end {
                    content.resize(end, 0);
                }
                content[*at..end].copy_from_slice(bytes);
            }
            Self::Truncate(len) => content.truncate(*len),
        }
    }
}

impl State {
    fn alive(&self) -> io::Result<()> {
        if self.dead { Err(io::Error::other("the simulated power is off")) } else { Ok(()) }
    }

    /// As [`State::alive`], for a call that changes something: the power may go instead.
    fn change(&mut self) -> io::Result<()> {
        match &mut self.changes_before_cut {
            Some(0) => self.dead = true,
            Some(n) => *n -= 1,
            None => {}
        }
        self.alive()
    }

    /// SplitMix64 (Steele, Lea, Flood 2014).
    fn random(&mut self) -> u64 {
        self.rng = self.rng.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.rng;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    fn inode(&self, path: &Path) -> io::Result<Inode> {
        self.names.get(path).copied().ok_or_else(|| not_found(path))
    }

    fn rename_all(&mut self, change: NameChange) {
        change.clone().apply(&mut self.names);
        self.pending_names.push(change);
    }

    /// Gives back the bytes of files that have no name, whatever a crash leaves, and that nobody writes.
    fn release(&mut self) {
        let pending = self.pending_names.iter().filter_map(NameChange::inode);
        let named: HashSet<Inode> =
            self.names.values().chain(self.durable_names.values()).copied().chain(pending).collect();
        for (inode, file) in self.inodes.iter_mut().enumerate() {
            if file.writers == 0 && !named.contains(&inode) {
                *file = File::default();
            }
        }
    }
}

/// A folder and those above it.
fn add_dirs(dirs: &mut Vec<PathBuf>, path: &Path) {
    for dir in path.ancestors() {
        if !dirs.iter().any(|d| d == dir) {
            dirs.push(dir.to_owned());
        }
    }
}

fn not_found(path: &Path) -> io::Error {
    io::Error::new(io::ErrorKind::NotFound, format!("{} does not exist", path.display()))
}

impl SimDisk {
    /// An empty disk whose faults follow `seed`.
    pub fn new(seed: u64) -> Self {
        Self(Arc::new(Mutex::new(State { rng: seed, ..State::default() })))
    }

    /// Cuts the power. Every call on this disk fails from now on; the result is the disk as found afterwards.
    #[must_use]
    pub fn crash(&self) -> Self {
        let mut s = self.0.lock();
        s.dead = true;
        let mut names = std::mem::take(&mut s.durable_names);
        let survive = (s.random() % (s.pending_names.len() as u64 + 1)) as usize;
        for change in s.pending_names.drain(..survive).collect::<Vec<_>>() {
            change.apply(&mut names);
        }
        let mut inodes = std::mem::take(&mut s.inodes);
        for file in &mut inodes {
            let mut content = std::mem::take(&mut file.durable);
            for change in std::mem::take(&mut file.pending) {
                survive_partly(&mut s, change, &mut content);
            }
            *file = File { durable: content.clone(), content, ..File::default() };
        }
        let rng = s.random();
        let (mut dirs, block_bytes) = (s.dirs.clone(), s.block_bytes);
        // A folder whose files came back is there too.
        names.keys().filter_map(|file| file.parent()).for_each(|dir| add_dirs(&mut dirs, dir));
        let state = State { rng, inodes, durable_names: names.clone(), names, dirs, block_bytes, ..State::default() };
        Self(Arc::new(Mutex::new(state)))
    }

    /// Only `bytes` more can be written; what is beyond fails as on a full disk.
    pub fn fail_writes_after(&self, bytes: u64) {
        self.0.lock().room = Some(bytes);
    }

    /// As [`SimDisk::fail_writes_after`], but whoever asks for the free space is told that there is plenty: writes fail in
    /// the middle of what was begun.
    pub fn fail_writes_unannounced_after(&self, bytes: u64) {
        let mut s = self.0.lock();
        (s.room, s.room_hidden) = (Some(bytes), true);
    }

    /// There is room again, and syncs succeed.
    pub fn heal(&self) {
        let mut s = self.0.lock();
        (s.room, s.room_hidden) = (None, false);
        s.syncs_before_failure = None;
    }

    /// Files past the page cache are written in blocks of so many bytes; with 1 there is no way past it.
    #[must_use]
    pub fn with_blocks_of(self, bytes: usize) -> Self {
        self.0.lock().block_bytes = Some(bytes);
        self
    }

    /// `n` more syncs succeed, then one fails.
    pub fn fail_sync_after(&self, n: u64) {
        self.0.lock().syncs_before_failure = Some(n);
    }

    /// `n` more changes are made (files written, cut, synced, made, renamed or removed), and the power goes at the one after
    /// them: it and every later call fail. What is found then is told by [`SimDisk::crash`].
    pub fn cut_power_after(&self, n: u64) {
        self.0.lock().changes_before_cut = Some(n);
    }

    /// Whether the power is off.
    pub fn is_off(&self) -> bool {
        self.0.lock().dead
    }

    /// Flips one bit of a file, as a decaying medium does.
    pub fn flip_bit(&self, path: &Path, at: usize, bit: u8) -> io::Result<()> {
        let mut s = self.0.lock();
        let inode = s.inode(path)?;
        let file = &mut s.inodes[inode];
        for content in [&mut file.content, &mut file.durable] {
            if let Some(byte) = content.get_mut(at) {
                *byte ^= 1 << (bit % 8);
            }
        }
        Ok(())
    }
}

/// An unsynced change after the crash: kept, gone, torn, or (bytes never written) zeroes.
fn survive_partly(s: &mut State, change: Change, content: &mut Vec<u8>) {
    match (s.random() % 4, change) {
        (0 | 1, change) => change.apply(content),
        (2, Change::Write { at, mut bytes }) => {
            bytes.truncate((s.random() % (bytes.len() as u64 + 1)) as usize);
            Change::Write { at, bytes }.apply(content);
        }
        _ => {}
    }
}

struct SimFile {
    disk: SimDisk,
    inode: Inode,
    block_bytes: usize,
}

struct SimReader {
    content: Vec<u8>,
}

impl SimFile {
    fn open(disk: &SimDisk, s: &mut State, inode: Inode, block_bytes: usize) -> Box<dyn DiskFile> {
        s.inodes[inode].writers += 1;
        Box::new(Self { disk: disk.clone(), inode, block_bytes })
    }
}

impl Drop for SimFile {
    fn drop(&mut self) {
        // After a crash the files are those of another disk.
        if let Some(file) = self.disk.0.lock().inodes.get_mut(self.inode) {
            file.writers -= 1;
        }
    }
}

impl SimDisk {
    fn create_in_blocks(&self, path: &Path, block_bytes: usize) -> io::Result<Box<dyn DiskFile>> {
        let mut s = self.0.lock();
        s.change()?;
        let inode = s.inodes.len();
        s.inodes.push(File::default());
        s.rename_all(NameChange::Link(path.to_owned(), inode));
        Ok(SimFile::open(self, &mut s, inode, block_bytes))
    }
}

impl Disk for SimDisk {
    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        self.create_in_blocks(path, 1)
    }

    fn create_direct(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let block_bytes = self.0.lock().block_bytes.unwrap_or(BLOCK_BYTES);
        self.create_in_blocks(path, block_bytes)
    }

    fn open_append(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let mut s = self.0.lock();
        s.alive()?;
        let inode = s.inode(path)?;
        Ok(SimFile::open(self, &mut s, inode, 1))
    }

    fn open_read(&self, path: &Path) -> io::Result<Arc<dyn ReadAt>> {
        Ok(Arc::new(SimReader { content: self.read(path)? }))
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let s = self.0.lock();
        s.alive()?;
        let inode = s.inode(path)?;
        Ok(s.inodes[inode].content.clone())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut s = self.0.lock();
        s.change()?;
        let inode = s.inode(from)?;
        s.rename_all(NameChange::Rename { from: from.to_owned(), to: to.to_owned(), inode });
        Ok(())
    }

    fn hard_link(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut s = self.0.lock();
        s.change()?;
        let inode = s.inode(from)?;
        if s.names.contains_key(to) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        s.rename_all(NameChange::Link(to.to_owned(), inode));
        Ok(())
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        let mut s = self.0.lock();
        s.change()?;
        s.inode(path)?;
        s.rename_all(NameChange::Unlink(path.to_owned()));
        Ok(())
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        let mut s = self.0.lock();
        s.change()?;
        let mut below = s.names.keys().chain(&s.dirs).filter(|p| p.starts_with(path) && *p != path);
        if below.next().is_some() {
            return Err(io::ErrorKind::DirectoryNotEmpty.into());
        }
        s.dirs.retain(|d| d != path);
        Ok(())
    }

    fn remove_dir_all(&self, path: &Path) -> io::Result<()> {
        let mut s = self.0.lock();
        s.change()?;
        let below: Vec<_> = s.names.keys().filter(|p| p.starts_with(path)).cloned().collect();
        for p in below {
            s.rename_all(NameChange::Unlink(p));
        }
        s.dirs.retain(|d| !d.starts_with(path));
        Ok(())
    }

    fn create_dir_all(&self, path: &Path) -> io::Result<()> {
        let mut s = self.0.lock();
        s.change()?;
        add_dirs(&mut s.dirs, path);
        Ok(())
    }

    fn list(&self, path: &Path) -> io::Result<Vec<PathBuf>> {
        let s = self.0.lock();
        s.alive()?;
        let files = s.names.keys().filter(|p| p.parent() == Some(path)).cloned();
        let dirs = s.dirs.iter().filter(|p| p.parent() == Some(path)).cloned();
        let mut out: Vec<_> = files.chain(dirs).collect();
        out.sort();
        Ok(out)
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        let mut s = self.0.lock();
        s.change()?;
        let pending = std::mem::take(&mut s.pending_names);
        for change in pending {
            if change.dir() == Some(path) {
                change.apply(&mut s.durable_names);
            } else {
                s.pending_names.push(change);
            }
        }
        s.release();
        Ok(())
    }

    fn free_bytes(&self, _path: &Path) -> io::Result<u64> {
        let s = self.0.lock();
        Ok(s.room.filter(|_| !s.room_hidden).unwrap_or(u64::MAX))
    }
}

impl DiskFile for SimFile {
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut s = self.disk.0.lock();
        s.change()?;
        let at = s.inodes[self.inode].content.len();
        assert!(
            bytes.len().is_multiple_of(self.block_bytes) && at.is_multiple_of(self.block_bytes),
            "{} bytes at {at} are not whole blocks of {}",
            bytes.len(),
            self.block_bytes
        );
        let fits = s.room.map_or(bytes.len(), |room| bytes.len().min(room as usize));
        if let Some(room) = &mut s.room {
            *room -= fits as u64;
        }
        let file = &mut s.inodes[self.inode];
        let change = Change::Write { at: file.content.len(), bytes: bytes[..fits].to_vec() };
        change.apply(&mut file.content);
        file.pending.push(change);
        if fits < bytes.len() {
            return Err(io::Error::new(io::ErrorKind::StorageFull, "the simulated disk is full"));
        }
        Ok(())
    }

    fn sync_data(&mut self) -> io::Result<()> {
        let mut s = self.disk.0.lock();
        s.change()?;
        match &mut s.syncs_before_failure {
            Some(0) => {
                s.syncs_before_failure = None;
                s.inodes[self.inode].pending.clear();
                return Err(io::Error::other("the simulated disk failed to sync"));
            }
            Some(n) => *n -= 1,
            None => {}
        }
        let file = &mut s.inodes[self.inode];
        let pending = std::mem::take(&mut file.pending);
        pending.iter().for_each(|change| change.apply(&mut file.durable));
        Ok(())
    }

    fn truncate(&mut self, len: u64) -> io::Result<()> {
        let mut s = self.disk.0.lock();
        s.change()?;
        let file = &mut s.inodes[self.inode];
        let change = Change::Truncate(len as usize);
        change.apply(&mut file.content);
        file.pending.push(change);
        Ok(())
    }

    fn block_bytes(&self) -> usize {
        self.block_bytes
    }
}

impl ReadAt for SimReader {
    fn read_exact_at(&self, buf: &mut [u8], offset: u64) -> io::Result<()> {
        let at = usize::try_from(offset).unwrap_or(usize::MAX);
        let part = at.checked_add(buf.len()).and_then(|end| self.content.get(at..end));
        buf.copy_from_slice(part.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn len(&self) -> u64 {
        self.content.len() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::super::write_atomic;
    use super::*;

    #[test]
    fn synced_bytes_under_a_synced_name_survive() {
        for seed in 0..200 {
            let disk = SimDisk::new(seed);
            disk.create_dir_all(Path::new("/d")).unwrap();
            let mut f = disk.create(Path::new("/d/a")).unwrap();
            f.write_all(b"safe").unwrap();
            f.sync_data().unwrap();
            disk.sync_dir(Path::new("/d")).unwrap();
            f.write_all(b" lost or torn").unwrap();
            let found = disk.crash().read(Path::new("/d/a")).unwrap();
            assert!(found.starts_with(b"safe"), "seed {seed}: {found:?}");
            assert!(f.write_all(b"x").is_err(), "the power is off");
        }
    }

    #[test]
    fn the_power_goes_at_every_change_and_old_or_new_is_found() {
        let path = Path::new("/d/manifest");
        let mut steps = 0;
        loop {
            let disk = SimDisk::new(steps);
            write_atomic(&disk, path, b"old").unwrap();
            disk.cut_power_after(steps);
            let done = write_atomic(&disk, path, b"new").is_ok();
            assert_eq!(disk.is_off(), !done);
            assert_eq!(disk.read(path).is_ok(), done, "reads fail too once the power is off");
            let found = disk.crash().read(path).unwrap();
            assert!(found == b"old" && !done || found == b"new", "step {steps}: {found:?} {done}");
            if done {
                break;
            }
            steps += 1;
        }
        // Make, write, sync, rename, sync of the folder.
        assert_eq!(steps, 5);
    }

    #[test]
    fn removed_files_take_no_memory_once_that_is_certain() {
        let disk = SimDisk::new(1);
        let dir = Path::new("/d");
        let held = || disk.0.lock().inodes.iter().map(|f| f.content.len() + f.durable.len()).sum::<usize>();
        for name in ["a", "b"] {
            let mut f = disk.create(&dir.join(name)).unwrap();
            f.write_all(b"1234").unwrap();
            f.sync_data().unwrap();
        }
        disk.sync_dir(dir).unwrap();
        let mut open = disk.open_append(&dir.join("b")).unwrap();
        ["a", "b"].iter().for_each(|name| disk.remove_file(&dir.join(name)).unwrap());
        assert_eq!(held(), 16, "a crash may bring them back");
        disk.sync_dir(dir).unwrap();
        open.write_all(b"5").unwrap();
        assert_eq!(held(), 9, "who writes goes on");
        drop(open);
        disk.sync_dir(dir).unwrap();
        assert_eq!(held(), 0);
    }

    #[test]
    fn bytes_of_a_failed_sync_do_not_come_back() {
        let disk = SimDisk::new(1);
        let mut f = disk.create(Path::new("/a")).unwrap();
        disk.sync_dir(Path::new("/")).unwrap();
        f.write_all(b"gone").unwrap();
        disk.fail_sync_after(0);
        f.sync_data().unwrap_err();
        f.write_all(b"kept").unwrap();
        f.sync_data().unwrap();
        assert_eq!(disk.crash().read(Path::new("/a")).unwrap(), b"\0\0\0\0kept");
    }

    #[test]
    fn unsynced_bytes_are_sometimes_lost() {
        let lost = (0..50).filter(|seed| {
            let disk = SimDisk::new(*seed);
            let mut f = disk.create(Path::new("/a")).unwrap();
            disk.sync_dir(Path::new("/")).unwrap();
            f.write_all(b"bytes").unwrap();
            disk.crash().read(Path::new("/a")).unwrap() != b"bytes"
        });
        let lost = lost.count();
        assert!(lost > 5 && lost < 50, "{lost}");
    }

    #[test]
    fn atomic_write_leaves_old_or_new() {
        for seed in 0..200 {
            let disk = SimDisk::new(seed);
            let path = Path::new("/d/manifest");
            write_atomic(&disk, path, b"old").unwrap();
            disk.fail_sync_after(seed % 3);
            let done = write_atomic(&disk, path, b"new").is_ok();
            let found = disk.crash().read(path).unwrap();
            assert!(found == b"old" && !done || found == b"new", "seed {seed}: {found:?} {done}");
        }
    }

    #[test]
    fn a_full_disk_writes_a_part_and_recovers() {
        let disk = SimDisk::new(1);
        let mut f = disk.create(Path::new("/a")).unwrap();
        disk.fail_writes_after(3);
        let e = f.write_all(b"12345").unwrap_err();
        assert!(super::super::is_full(&e));
        disk.heal();
        f.truncate(0).unwrap();
        f.write_all(b"12345").unwrap();
        assert_eq!(disk.read(Path::new("/a")).unwrap(), b"12345");
    }
}
