//! A copy of the engine's files while it runs, that can be opened as it is.
//!
//! What was acknowledged before the call is in it: the head is flushed first.
//! Blocks never change, so that they are linked where the file system can, and
//! else copied from the open file; a block that compaction or retention removes
//! meanwhile is read on. The manifest comes last: a folder without one is a
//! backup that was interrupted, and does not open.

use std::path::Path;
use std::sync::Arc;

use crate::TsdbError;
use crate::block::Block;
use crate::db::Tsdb;
use crate::manifest::Manifest;

/// What a backup holds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Backup {
    /// Blocks in it.
    pub blocks: usize,
    /// Their bytes.
    pub bytes: u64,
    /// How many of them are links to the engine's files and take no room of their own.
    pub linked: usize,
    /// Why blocks of the engine are not in it: they could not be opened.
    pub left_out: Vec<String>,
}

impl Tsdb {
    /// Makes a copy of all samples, exemplars, metadata and totals in `dir`, which must be empty or not there. To restore it,
    /// open an engine on the folder, or on a copy of it.
    ///
    /// Appends go on meanwhile. Compaction and flushes wait only while the list of files is taken.
    ///
    /// # Errors
    /// The head could not be flushed, the folder has files, or the disk refused; `dir` may then hold a part without a manifest.
    pub fn backup(&self, dir: &Path) -> Result<Backup, TsdbError> {
        let disk = &*self.inner.disk;
        if !disk.list(dir).map_err(TsdbError::io("list", dir))?.is_empty() {
            let occupied = std::io::Error::new(std::io::ErrorKind::AlreadyExists, "the folder is not empty");
            return Err(TsdbError::io("make a backup in", dir)(occupied));
        }
        disk.create_dir_all(dir).map_err(TsdbError::io("make the folder", dir))?;
        self.flush()?;
        let (mut manifest, blocks, left_out) = self.begin_copy(dir)?;
        let mut backup = Backup { left_out, ..Backup::default() };
        for block in &blocks {
            backup.linked += usize::from(self.copy_block(block, &Manifest::block_path(dir, block.id))?);
            backup.bytes += block.bytes();
        }
        backup.blocks = blocks.len();
        manifest.blocks.retain(|id| blocks.iter().any(|b| b.id == *id));
        disk.sync_dir(dir).map_err(TsdbError::io("sync", dir))?;
        manifest.store(disk, dir)?;
        if let Some(parent) = dir.parent().filter(|p| !p.as_os_str().is_empty()) {
            disk.sync_dir(parent).map_err(TsdbError::io("sync", parent))?;
        }
        Ok(backup)
    }

    /// The files of one moment; the snapshot of that moment is copied before another replaces it.
    fn begin_copy(&self, dir: &Path) -> Result<(Manifest, Vec<Arc<Block>>, Vec<String>), TsdbError> {
        let files = self.inner.files.lock();
        let manifest = files.manifest.clone();
        if manifest.snapshot {
            let path = |dir| Manifest::snapshot_path(dir, manifest.flushed_through);
            let from = path(&self.inner.options.dir);
            let bytes = self.inner.disk.read(&from).map_err(TsdbError::io("read", &from))?;
            self.write_synced(&path(dir), &mut [Ok(bytes)].into_iter())?;
        }
        let state = self.inner.state.read();
        Ok((manifest, state.blocks.clone(), state.unreadable.clone()))
    }

    /// Returns whether the copy is a link.
    fn copy_block(&self, block: &Block, to: &Path) -> Result<bool, TsdbError> {
        if self.inner.disk.hard_link(&block.path, to).is_ok() {
            return Ok(true);
        }
        self.write_synced(to, &mut block.contents()).map(|()| false)
    }

    fn write_synced(
        &self,
        path: &Path,
        parts: &mut dyn Iterator<Item = Result<Vec<u8>, TsdbError>>,
    ) -> Result<(), TsdbError> {
        let mut file = self.inner.disk.create(path).map_err(TsdbError::io("make", path))?;
        for part in parts {
            file.write_all(&part?).map_err(TsdbError::io("write", path))?;
        }
        file.sync_data().map_err(TsdbError::io("sync", path))
    }
}
