//! New segment files and the manifest that names them: both, or neither.
//!
//! A flush or merge that fails is tried again; on a full disk it would leave
//! a file behind each time and keep the disk full. So files that no manifest
//! names are removed at once. When the manifest itself could not be replaced
//! it is not known which one a crash would leave, and the new one names the
//! files: the old one is written again first. Until that succeeds the files
//! stay, and no further ones are made.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use super::Shared;
use crate::block::Block;
use crate::catalogue::Catalogue;
use crate::manifest::{self, Manifest};
use crate::partition::Day;
use crate::segment::{self, Segment};

/// Segment files that are written and not yet named by the manifest.
#[derive(Default)]
pub(super) struct Pending {
    files: Vec<PathBuf>,
    pub(super) segments: Vec<Arc<Segment>>,
}

impl Pending {
    /// Writes blocks of one day as a segment file and opens it, which reads it back; see [`segment::write`].
    pub(super) fn write(
        &mut self,
        shared: &Shared,
        id: u64,
        day: Day,
        blocks: &[Arc<Block>],
        catalogue: Option<Catalogue>,
        written: &mut dyn FnMut(u64) -> io::Result<()>,
    ) -> io::Result<()> {
        self.files.push(manifest::segment_path(&shared.dir, day, id));
        let place = segment::Place { dir: &shared.dir, schema: shared.schema, id, day };
        let info = segment::write(&shared.disk, place, blocks, catalogue.as_ref(), written)?;
        let segment = Segment::open(&shared.disk, &shared.dir, shared.schema, info, &shared.dictionaries)
            .map_err(|e| io::Error::new(io::ErrorKind::InvalidData, e))?;
        self.segments.push(Arc::new(segment));
        Ok(())
    }

    /// The bytes of the files.
    pub(super) fn bytes(&self) -> u64 {
        self.segments.iter().map(|s| s.info.bytes).sum()
    }

    /// Removes the files: no manifest names them.
    pub(super) fn discard(self, shared: &Shared) {
        remove(shared, &self.files);
    }

    /// Replaces `manifest` by `next`, which names the files; returns the segments.
    pub(super) fn commit(
        self,
        shared: &Shared,
        manifest: &mut Manifest,
        mut next: Manifest,
    ) -> io::Result<Vec<Arc<Segment>>> {
        next.next_segment = manifest.next_segment;
        next.segments.extend(self.segments.iter().map(|s| s.info.clone()));
        if let Err(error) = next.write(&shared.disk, &shared.dir) {
            shared.unsettled.lock().extend(self.files);
            if let Err(error) = settle(shared, manifest) {
                tracing::warn!(store = shared.schema.dir(), %error, "cannot write the manifest again");
            }
            return Err(error);
        }
        *manifest = next;
        Ok(self.segments)
    }
}

/// After a manifest that could not be replaced: writes it again as it was, and removes the files that only the
/// new one named. To be called before further files are made.
///
/// # Errors
/// When the disk still refuses; the files stay.
pub(super) fn settle(shared: &Shared, manifest: &Manifest) -> io::Result<()> {
    let mut files = shared.unsettled.lock();
    if !files.is_empty() {
        manifest.write(&shared.disk, &shared.dir)?;
        remove(shared, &std::mem::take(&mut *files));
    }
    Ok(())
}

/// Removes segment files. Queries that run keep them open; what cannot be removed now is removed at the next open.
pub(super) fn remove(shared: &Shared, files: &[PathBuf]) {
    for path in files {
        match shared.disk.remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tracing::warn!(path = %path.display(), %error, "cannot remove a segment file");
            }
            _ => {}
        }
    }
}
