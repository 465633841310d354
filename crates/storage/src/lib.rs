//! Floor 4: what lies on disk, and what retention takes away (ADR 0023).
//!
//! `plan` decides, as a pure function of what there is, the limits, the time
//! and the room on the disk, which partitions go; `data` lists and removes them,
//! in a running server or a stopped data directory; `report` says where the bytes are;
//! `snapshot` copies the metrics.
//!
//! *Invariant:* only what a [`Removal`] names is removed.

pub mod data;
pub mod plan;
pub mod report;
mod retention;
mod snapshot;

pub use data::{Data, Running, Stopped, StorageError, remove};
pub use plan::{Limit, Limits, PartitionInfo, Reason, Removal, WhenLow, plan};
pub use report::{Report, report};
pub use retention::{Counts, Retention};
