//! What can be queried (blocks, frozen heads and the head, oldest first), and which files there are.

use std::path::PathBuf;
use std::sync::Arc;

use wal::Generation;

use crate::block::Block;
use crate::head::Head;
use crate::manifest::Manifest;
use crate::snapshot::Snapshot;

/// A head whose log generation is closed, on its way to a block.
#[derive(Debug)]
pub(crate) struct Frozen {
    /// The last generation whose samples are in the head.
    pub(crate) generation: Generation,
    pub(crate) head: Arc<Head>,
    /// As it was at the end of that generation.
    pub(crate) snapshot: Snapshot,
}

/// Where samples lie, in the order in which they were stored.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) blocks: Vec<Arc<Block>>,
    /// Why blocks of the manifest could not be opened: what they hold is not in answers.
    pub(crate) unreadable: Vec<String>,
    /// More than one only while blocks cannot be written.
    pub(crate) frozen: Vec<Arc<Frozen>>,
    pub(crate) head: Arc<Head>,
}

/// Which files are the engine's.
#[derive(Debug, Default)]
pub(crate) struct Files {
    /// As the engine goes by it.
    pub(crate) manifest: Manifest,
    /// A block whose manifest could not be replaced: nobody knows whether the one on disk names it, so
    /// it is neither used nor removed until a manifest was replaced without it.
    pub(crate) unsettled: Option<PathBuf>,
}
