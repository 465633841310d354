//! Copies of the metrics beside them, on request of an operator. Retention never removes one.

use std::path::PathBuf;

use tsdb::Backup;

use crate::data::{Running, StorageError, io};

/// Where in the data directory the copies are.
const FOLDER: &str = "metrics-snapshots";

impl Running {
    /// Copies the metrics as they are now to `metrics-snapshots/<name>`, which an engine opens as its own folder. Blocks are linked
    /// where the file system can: the copy takes room when retention or compaction removes the originals.
    ///
    /// # Errors
    /// There is such a copy, or the disk refused; nothing is left of the copy then.
    pub fn snapshot_metrics(&self, name: &str) -> Result<Backup, StorageError> {
        let folder: PathBuf = self.dir.join(FOLDER);
        let dir = folder.join(name);
        let there = self.disk.list(&dir).map_err(io("list the snapshot"))?;
        if !there.is_empty() {
            let taken = std::io::Error::new(std::io::ErrorKind::AlreadyExists, name.to_owned());
            return Err(io("make the snapshot")(taken));
        }
        self.disk.create_dir_all(&dir).map_err(io("make the folder of snapshots"))?;
        let copied = self.metrics.backup(&dir).map_err(StorageError::from).and_then(|backup| {
            self.disk.sync_dir(&self.dir).map_err(io("sync the data directory"))?;
            Ok(backup)
        });
        if copied.is_err() {
            // What failed is told; that a part of it is left cannot make it worse.
            let _ = self.disk.remove_dir_all(&dir);
        }
        copied
    }
}
