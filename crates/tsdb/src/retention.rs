//! What is removed when: blocks that are too old, and the oldest when all are too large.

use foundation::clock::UnixNanos;

use crate::TsdbError;
use crate::db::{Tsdb, millis};
use crate::plan::{self, BlockInfo};

impl Tsdb {
    /// Removes the blocks whose newest sample is older than the retention, then the oldest while all together are larger
    /// than [`Options::retention_bytes`](crate::Options::retention_bytes); returns how many.
    ///
    /// # Errors
    /// The disk refused; blocks that were taken out of the manifest are gone for queries all the same.
    pub fn apply_retention(&self, now: UnixNanos) -> Result<usize, TsdbError> {
        let options = &self.inner.options;
        let oldest = options.retention.map_or(i64::MIN, |r| now.as_millis().saturating_sub(millis(r)));
        let mut files = self.inner.files.lock();
        let blocks = self.inner.state.read().blocks.clone();
        let (expired, kept): (Vec<BlockInfo>, Vec<BlockInfo>) =
            blocks.iter().map(|b| b.info()).partition(|b| b.max < oldest);
        let too_large = plan::over_size(&kept, options.retention_bytes.unwrap_or(u64::MAX));
        let gone = |id: u64| expired.iter().any(|b| b.id == id) || too_large.contains(&id);
        if !blocks.iter().any(|b| gone(b.id)) {
            return Ok(0);
        }
        let mut next = files.manifest.clone();
        next.blocks.retain(|id| !gone(*id));
        self.inner.replace_manifest(&mut files, next, None)?;
        self.inner.state.write().blocks.retain(|b| !gone(b.id));
        let mut removed = 0;
        for block in blocks.iter().filter(|b| gone(b.id)) {
            // Queries that hold the block read on: the file is open.
            self.inner.disk.remove_file(&block.path).map_err(TsdbError::io("remove", &block.path))?;
            removed += 1;
        }
        Ok(removed)
    }
}
