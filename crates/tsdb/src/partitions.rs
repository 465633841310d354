//! Blocks as retention sees them: what each holds, and how blocks are taken away.
//!
//! Whoever decides what goes sees [`BlockSummary`]s first and hands their numbers
//! back: nothing else is removed. A block that was merged meanwhile has
//! another number, and stays.

use std::path::Path;

use foundation::disk::Disk;

use crate::TsdbError;
use crate::block::Block;
use crate::db::Tsdb;
use crate::manifest::Manifest;

/// What a block holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockSummary {
    /// Its number.
    pub id: u64,
    /// Time of its oldest and newest sample, milliseconds since the epoch.
    pub min_ms: i64,
    /// See `min_ms`.
    pub max_ms: i64,
    /// Series in it.
    pub series: u64,
    /// Samples in it.
    pub samples: u64,
    /// Bytes of its file.
    pub bytes: u64,
}

impl BlockSummary {
    fn of(b: &Block) -> Self {
        let (min_ms, max_ms) = b.bounds();
        let series = u64::from(b.series_count());
        Self { id: b.id, min_ms, max_ms, series, samples: b.samples(), bytes: b.bytes() }
    }
}

impl Tsdb {
    /// The blocks that can be read, in no order.
    pub fn blocks(&self) -> Vec<BlockSummary> {
        self.inner.state.read().blocks.iter().map(|b| BlockSummary::of(b)).collect()
    }

    /// Takes blocks away; returns those that were still there.
    ///
    /// # Errors
    /// The disk refused; blocks that were taken out of the manifest are gone for queries all the same.
    pub fn remove_blocks(&self, ids: &[u64]) -> Result<Vec<BlockSummary>, TsdbError> {
        let _merging = self.inner.merging.lock();
        let mut files = self.inner.files.lock();
        let mut gone = self.inner.state.read().blocks.clone();
        gone.retain(|b| ids.contains(&b.id));
        if gone.is_empty() {
            return Ok(Vec::new());
        }
        let goes = |id: u64| gone.iter().any(|b| b.id == id);
        let mut next = files.manifest.clone();
        next.blocks.retain(|id| !goes(*id));
        self.inner.replace_manifest(&mut files, next, None)?;
        self.inner.state.write().blocks.retain(|b| !goes(b.id));
        for block in &gone {
            // Queries that hold the block read on: the file is open.
            self.inner.disk.remove_file(&block.path).map_err(TsdbError::io("remove", &block.path))?;
        }
        Ok(gone.iter().map(|b| BlockSummary::of(b)).collect())
    }
}

/// The blocks of an engine that nobody has open; those that cannot be read are left out and reported.
///
/// # Errors
/// When the manifest cannot be read. An engine that is not there has none.
pub fn stopped_blocks(disk: &dyn Disk, dir: &Path) -> Result<Vec<BlockSummary>, TsdbError> {
    Ok(open(disk, dir, &manifest(disk, dir)?).iter().map(BlockSummary::of).collect())
}

/// Takes blocks of an engine away that nobody has open; returns those that were there.
///
/// # Errors
/// The disk refused; what the manifest no longer names is removed at the next open.
pub fn remove_stopped_blocks(disk: &dyn Disk, dir: &Path, ids: &[u64]) -> Result<Vec<BlockSummary>, TsdbError> {
    let mut manifest = manifest(disk, dir)?;
    let mut gone = open(disk, dir, &manifest);
    gone.retain(|b| ids.contains(&b.id));
    if gone.is_empty() {
        return Ok(Vec::new());
    }
    manifest.blocks.retain(|id| !gone.iter().any(|b| b.id == *id));
    manifest.store(disk, dir)?;
    for block in &gone {
        disk.remove_file(&block.path).map_err(TsdbError::io("remove", &block.path))?;
    }
    Ok(gone.iter().map(BlockSummary::of).collect())
}

/// The manifest of a folder; unlike an engine, looking makes nothing.
fn manifest(disk: &dyn Disk, dir: &Path) -> Result<Manifest, TsdbError> {
    let files = disk.list(dir).map_err(TsdbError::io("list", dir))?;
    if files.is_empty() { Ok(Manifest::default()) } else { Manifest::load(disk, dir) }
}

fn open(disk: &dyn Disk, dir: &Path, manifest: &Manifest) -> Vec<Block> {
    let open = |id: &u64| match Block::open(disk, &Manifest::block_path(dir, *id), *id) {
        Ok(block) => Some(block),
        Err(e) => {
            tracing::error!(error = %e, "a block of metrics cannot be read");
            None
        }
    };
    manifest.blocks.iter().filter_map(open).collect()
}
