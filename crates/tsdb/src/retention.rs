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
        let blocks: Vec<BlockInfo> = self.inner.state.read().blocks.iter().map(|b| b.info()).collect();
        let (expired, kept): (Vec<BlockInfo>, Vec<BlockInfo>) = blocks.iter().partition(|b| b.max < oldest);
        let mut gone = plan::over_size(&kept, options.retention_bytes.unwrap_or(u64::MAX));
        gone.extend(expired.iter().map(|b| b.id));
        Ok(self.remove_blocks(&gone)?.len())
    }
}
