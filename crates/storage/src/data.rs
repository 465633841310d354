//! Where partitions are listed and removed: the engines of a running server, or a stopped data directory.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use eventstore::{ColumnBytes, EventStore, Files, Half, Partition};
use foundation::UnixNanos;
use foundation::disk::SharedDisk;
use model::Signal;
use thiserror::Error;
use tsdb::{BlockSummary, Tsdb, TsdbError};

use crate::plan::{PartitionInfo, Removal};

/// Why something could not be listed or removed.
#[derive(Debug, Error)]
pub enum StorageError {
    /// A half of the event store cannot be read.
    #[error(transparent)]
    Events(#[from] eventstore::OpenError),
    /// The disk refused.
    #[error("cannot {action}: {source}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// What the disk said.
        #[source]
        source: std::io::Error,
    },
    /// The metrics engine refused.
    #[error(transparent)]
    Metrics(#[from] TsdbError),
}

pub(crate) fn io(action: &'static str) -> impl FnOnce(std::io::Error) -> StorageError {
    move |source| StorageError::Io { action, source }
}

/// Data that partitions can be listed of and removed from.
pub trait Data {
    /// All partitions of all signals.
    ///
    /// # Errors
    /// When they cannot be read.
    fn partitions(&self) -> Result<Vec<PartitionInfo>, StorageError>;

    /// Where the bytes of a partition are; metrics have no columns. Reads the header of every block.
    ///
    /// # Errors
    /// When they cannot be read.
    fn columns(&self, partition: &PartitionInfo) -> Result<Vec<ColumnBytes>, StorageError>;

    /// Removes partitions of one signal; the bytes that went.
    ///
    /// # Errors
    /// The disk refused; nothing went, or what went is removed at the next open.
    fn remove_of(&mut self, signal: Signal, partitions: &[&PartitionInfo]) -> Result<u64, StorageError>;

    /// Bytes that can still be written.
    ///
    /// # Errors
    /// When the disk does not say.
    fn free_bytes(&self) -> Result<u64, StorageError>;
}

/// Removes what was planned and nothing else; the bytes that went.
///
/// # Errors
/// The first that a signal had; the other signals were tried all the same.
pub fn remove(data: &mut dyn Data, removals: &[Removal]) -> Result<u64, StorageError> {
    let mut by_signal: BTreeMap<&str, (Signal, Vec<&PartitionInfo>)> = BTreeMap::new();
    for r in removals {
        let signal = r.partition.signal;
        by_signal.entry(signal.name()).or_insert((signal, Vec::new())).1.push(&r.partition);
    }
    let results: Vec<_> = by_signal.into_values().map(|(signal, list)| data.remove_of(signal, &list)).collect();
    results.into_iter().sum()
}

fn of_day(signal: Signal, p: Partition) -> PartitionInfo {
    PartitionInfo {
        signal,
        name: p.day,
        end: p.end,
        min_time: p.min_time,
        max_time: p.max_time,
        records: p.rows,
        bytes: p.bytes,
        parts: p.segments,
    }
}

fn to_day(p: &PartitionInfo) -> Partition {
    Partition {
        day: p.name.clone(),
        end: p.end,
        min_time: p.min_time,
        max_time: p.max_time,
        rows: p.records,
        bytes: p.bytes,
        segments: p.parts.clone(),
    }
}

fn of_block(b: BlockSummary) -> PartitionInfo {
    PartitionInfo {
        signal: Signal::Metrics,
        name: format!("block {}", b.id),
        end: UnixNanos::from_millis(b.max_ms.saturating_add(1)),
        min_time: UnixNanos::from_millis(b.min_ms),
        max_time: UnixNanos::from_millis(b.max_ms),
        records: b.samples,
        bytes: b.bytes,
        parts: vec![b.id],
    }
}

fn block_ids(partitions: &[&PartitionInfo]) -> Vec<u64> {
    partitions.iter().flat_map(|p| p.parts.iter().copied()).collect()
}

/// The engines of a running server.
#[derive(Clone)]
pub struct Running {
    /// Logs and spans.
    pub events: Arc<EventStore>,
    /// Samples.
    pub metrics: Arc<Tsdb>,
    /// The disk they are on.
    pub disk: SharedDisk,
    /// The data directory.
    pub dir: PathBuf,
}

impl Data for Running {
    fn partitions(&self) -> Result<Vec<PartitionInfo>, StorageError> {
        let logs = self.events.logs().partitions().into_iter().map(|p| of_day(Signal::Logs, p));
        let spans = self.events.spans().partitions().into_iter().map(|p| of_day(Signal::Traces, p));
        Ok(logs.chain(spans).chain(self.metrics.blocks().into_iter().map(of_block)).collect())
    }

    fn columns(&self, partition: &PartitionInfo) -> Result<Vec<ColumnBytes>, StorageError> {
        let day = to_day(partition);
        Ok(match partition.signal {
            Signal::Logs => self.events.logs().column_bytes(Some(&day)),
            Signal::Traces => self.events.spans().column_bytes(Some(&day)),
            Signal::Metrics => Vec::new(),
        })
    }

    fn remove_of(&mut self, signal: Signal, partitions: &[&PartitionInfo]) -> Result<u64, StorageError> {
        let days: Vec<Partition> = partitions.iter().map(|p| to_day(p)).collect();
        match signal {
            Signal::Logs => self.events.logs().remove(&days).map(|r| r.bytes).map_err(io("remove partitions of logs")),
            Signal::Traces => {
                self.events.spans().remove(&days).map(|r| r.bytes).map_err(io("remove partitions of spans"))
            }
            Signal::Metrics => Ok(self.metrics.remove_blocks(&block_ids(partitions))?.iter().map(|b| b.bytes).sum()),
        }
    }

    fn free_bytes(&self) -> Result<u64, StorageError> {
        self.disk.free_bytes(&self.dir).map_err(io("measure the free room of the disk"))
    }
}

/// A data directory that no server has open; the caller holds its lock. Logs are not looked at: what only they hold is
/// not listed and not touched.
pub struct Stopped {
    disk: SharedDisk,
    dir: PathBuf,
    logs: Files,
    spans: Files,
}

impl Stopped {
    /// Reads the manifests below the data directory.
    ///
    /// # Errors
    /// When one cannot be read.
    pub fn open(disk: SharedDisk, dir: &Path) -> Result<Self, StorageError> {
        let events = dir.join("events");
        let logs = Files::read(disk.clone(), &events, Half::Logs)?;
        let spans = Files::read(disk.clone(), &events, Half::Spans)?;
        Ok(Self { disk, dir: dir.to_owned(), logs, spans })
    }

    fn metrics(&self) -> PathBuf {
        self.dir.join("metrics")
    }
}

impl Data for Stopped {
    fn partitions(&self) -> Result<Vec<PartitionInfo>, StorageError> {
        let logs = self.logs.partitions().into_iter().map(|p| of_day(Signal::Logs, p));
        let spans = self.spans.partitions().into_iter().map(|p| of_day(Signal::Traces, p));
        let blocks = tsdb::stopped_blocks(&*self.disk, &self.metrics())?;
        Ok(logs.chain(spans).chain(blocks.into_iter().map(of_block)).collect())
    }

    fn columns(&self, partition: &PartitionInfo) -> Result<Vec<ColumnBytes>, StorageError> {
        let day = to_day(partition);
        match partition.signal {
            Signal::Logs => self.logs.column_bytes(&day).map_err(io("read segments of logs")),
            Signal::Traces => self.spans.column_bytes(&day).map_err(io("read segments of spans")),
            Signal::Metrics => Ok(Vec::new()),
        }
    }

    fn remove_of(&mut self, signal: Signal, partitions: &[&PartitionInfo]) -> Result<u64, StorageError> {
        let days: Vec<Partition> = partitions.iter().map(|p| to_day(p)).collect();
        match signal {
            Signal::Logs => self.logs.remove(&days).map(|r| r.bytes).map_err(io("remove partitions of logs")),
            Signal::Traces => self.spans.remove(&days).map(|r| r.bytes).map_err(io("remove partitions of spans")),
            Signal::Metrics => {
                let gone = tsdb::remove_stopped_blocks(&*self.disk, &self.metrics(), &block_ids(partitions))?;
                Ok(gone.iter().map(|b| b.bytes).sum())
            }
        }
    }

    fn free_bytes(&self) -> Result<u64, StorageError> {
        self.disk.free_bytes(&self.dir).map_err(io("measure the free room of the disk"))
    }
}
