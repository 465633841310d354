//! Retention of a running server: plans, removes exactly that, and counts.

use std::sync::atomic::{AtomicU64, Ordering};

use foundation::UnixNanos;
use model::Signal;
use tsdb::Backup;

use crate::data::{Data, Running, StorageError, remove};
use crate::plan::{Limit, Limits, Removal, plan};
use crate::report::{Report, report};

/// Keeps a server's data within its limits.
pub struct Retention {
    data: Running,
    limits: Limits,
    removed_partitions: AtomicU64,
    removed_bytes: AtomicU64,
    failed: AtomicU64,
}

/// What retention did since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// Partitions that were removed.
    pub removed_partitions: u64,
    /// Their bytes.
    pub removed_bytes: u64,
    /// Rounds that failed; the next tries again.
    pub failed: u64,
}

impl Retention {
    /// Keeps `data` within `limits`.
    pub fn new(data: Running, limits: Limits) -> Self {
        Self { data, limits, removed_partitions: 0.into(), removed_bytes: 0.into(), failed: 0.into() }
    }

    /// The limits.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Bytes that can still be written.
    ///
    /// # Errors
    /// When the disk does not say.
    pub fn free_bytes(&self) -> Result<u64, StorageError> {
        self.data.free_bytes()
    }

    /// What lies on disk, and what would go now.
    ///
    /// # Errors
    /// When something cannot be read.
    pub fn report(&self, now: UnixNanos, columns: bool) -> Result<Report, StorageError> {
        report(&self.data, &self.limits, now, columns)
    }

    /// What would go now if `signal` were kept within `limit` and nothing else changed.
    ///
    /// # Errors
    /// When something cannot be read.
    pub fn preview(&self, signal: Signal, limit: Limit, now: UnixNanos) -> Result<Vec<Removal>, StorageError> {
        let limits = self.limits.with(signal, limit);
        let mut removals = plan(&self.data.partitions()?, &limits, now, self.data.free_bytes()?);
        removals.retain(|r| r.partition.signal == signal);
        Ok(removals)
    }

    /// [`Running::snapshot_metrics`].
    ///
    /// # Errors
    /// There is such a copy, or the disk refused.
    pub fn snapshot_metrics(&self, name: &str) -> Result<Backup, StorageError> {
        self.data.snapshot_metrics(name)
    }

    /// Removes what goes now; what that was.
    ///
    /// # Errors
    /// The disk refused a part; the next round tries again.
    pub fn apply(&self, now: UnixNanos) -> Result<Vec<Removal>, StorageError> {
        let apply = || {
            let removals = plan(&self.data.partitions()?, &self.limits, now, self.data.free_bytes()?);
            let bytes = if removals.is_empty() { 0 } else { remove(&mut self.data.clone(), &removals)? };
            Ok((removals, bytes))
        };
        let result: Result<(Vec<Removal>, u64), StorageError> = apply();
        match &result {
            Ok((removals, bytes)) => {
                self.removed_partitions.fetch_add(removals.len() as u64, Ordering::Relaxed);
                self.removed_bytes.fetch_add(*bytes, Ordering::Relaxed);
            }
            Err(_) => drop(self.failed.fetch_add(1, Ordering::Relaxed)),
        }
        result.map(|(removals, _)| removals)
    }

    /// What it did so far.
    pub fn counts(&self) -> Counts {
        let of = |n: &AtomicU64| n.load(Ordering::Relaxed);
        Counts {
            removed_partitions: of(&self.removed_partitions),
            removed_bytes: of(&self.removed_bytes),
            failed: of(&self.failed),
        }
    }
}
