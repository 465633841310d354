//! Partitions as retention sees them: what each day holds, and how days are taken away.
//!
//! Whoever decides what goes sees [`Partition`]s first and hands back those
//! that are to go: nothing else is removed. Segments that were written or
//! merged meanwhile are of the store, not of the announcement, and stay.
//! The order is safe at every step: the manifest no longer names the segments,
//! then their files go; what a crash leaves behind is removed at the next open.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use foundation::disk::SharedDisk;
use model::UnixNanos;

use crate::dictionary::Cache;
use crate::error::OpenError;
use crate::manifest::{Manifest, SegmentInfo};
use crate::partition::Day;
use crate::schema::Schema;
use crate::segment::Segment;
use crate::usage::{ColumnBytes, column_bytes};

/// The segments of one day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Partition {
    /// The folder: `20261122`.
    pub day: String,
    /// The first moment after the day.
    pub end: UnixNanos,
    /// Of the oldest and the newest row.
    pub min_time: UnixNanos,
    /// See `min_time`.
    pub max_time: UnixNanos,
    /// Rows of all its segments.
    pub rows: u64,
    /// Bytes of their files.
    pub bytes: u64,
    /// Their numbers.
    pub segments: Vec<u64>,
}

/// What was taken away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Removed {
    /// Segments that were announced and still there.
    pub segments: u64,
    /// Their rows.
    pub rows: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// The partitions of segments, oldest first.
pub(crate) fn partitions<'a>(segments: impl IntoIterator<Item = &'a SegmentInfo>) -> Vec<Partition> {
    let mut days: BTreeMap<Day, Partition> = BTreeMap::new();
    for s in segments {
        let p = days.entry(s.day).or_insert_with(|| Partition {
            day: s.day.to_string(),
            end: s.day.end(),
            min_time: s.min_time,
            max_time: s.max_time,
            rows: 0,
            bytes: 0,
            segments: Vec::new(),
        });
        p.min_time = p.min_time.min(s.min_time);
        p.max_time = p.max_time.max(s.max_time);
        p.rows += s.rows;
        p.bytes += s.bytes;
        p.segments.push(s.id);
    }
    days.into_values().collect()
}

/// Takes the announced segments that are still there out of the manifest; what was taken out. The files are still there.
///
/// # Errors
/// The disk refused: nothing changed, as far as is known.
pub(crate) fn take_out(
    disk: &SharedDisk,
    dir: &Path,
    manifest: &mut Manifest,
    announced: &[Partition],
) -> io::Result<Vec<SegmentInfo>> {
    let goes = |s: &SegmentInfo| announced.iter().any(|p| p.end == s.day.end() && p.segments.contains(&s.id));
    let mut next = manifest.clone();
    let gone: Vec<SegmentInfo> = next.segments.iter().filter(|s| goes(s)).cloned().collect();
    if !gone.is_empty() {
        next.segments.retain(|s| !goes(s));
        next.write(disk, dir)?;
        *manifest = next;
    }
    Ok(gone)
}

/// Removes the files of segments that no manifest names any more, and folders that are empty then.
pub(crate) fn remove_files(disk: &SharedDisk, dir: &Path, gone: &[SegmentInfo]) -> Removed {
    let mut folders: Vec<PathBuf> = Vec::new();
    for s in gone {
        let path = s.path(dir);
        // Queries that run keep the files open; what cannot be removed now is removed at the next open.
        match disk.remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tracing::warn!(path = %path.display(), %error, "cannot remove a segment file");
            }
            _ => {}
        }
        folders.extend(path.parent().map(Path::to_owned));
    }
    folders.sort_unstable();
    folders.dedup();
    for folder in folders {
        // What somebody writes into it meanwhile keeps it.
        match disk.remove_dir(&folder) {
            Err(error) if !matches!(error.kind(), io::ErrorKind::DirectoryNotEmpty | io::ErrorKind::NotFound) => {
                tracing::warn!(path = %folder.display(), %error, "cannot remove an empty folder");
            }
            _ => {}
        }
    }
    Removed {
        segments: gone.len() as u64,
        rows: gone.iter().map(|s| s.rows).sum(),
        bytes: gone.iter().map(|s| s.bytes).sum(),
    }
}

/// Which half of a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Half {
    /// Log records.
    Logs,
    /// Spans.
    Spans,
}

/// The segment files of a half of a store that nobody has open: its log is not looked at.
pub struct Files {
    disk: SharedDisk,
    dir: PathBuf,
    schema: Schema,
    manifest: Manifest,
}

impl Files {
    /// Reads what the store in `dir` has; the caller holds the lock on it.
    ///
    /// # Errors
    /// When the manifest cannot be read. A store that is not there is empty.
    pub fn read(disk: SharedDisk, dir: &Path, half: Half) -> Result<Self, OpenError> {
        let schema = match half {
            Half::Logs => Schema::Logs,
            Half::Spans => Schema::Spans,
        };
        let dir = dir.join(schema.dir());
        let manifest = Manifest::read(&disk, &dir)?.unwrap_or_default();
        Ok(Self { disk, dir, schema, manifest })
    }

    /// Oldest first.
    pub fn partitions(&self) -> Vec<Partition> {
        partitions(&self.manifest.segments)
    }

    /// Where the bytes of a partition are. Reads the header of every block.
    ///
    /// # Errors
    /// When a segment or a header cannot be read.
    pub fn column_bytes(&self, partition: &Partition) -> io::Result<Vec<ColumnBytes>> {
        let damaged = |e| io::Error::new(io::ErrorKind::InvalidData, e);
        let infos = self.manifest.segments.iter().filter(|s| partition.segments.contains(&s.id));
        let cache = Arc::new(Cache::default());
        let open = |info: &SegmentInfo| Segment::open(&self.disk, &self.dir, self.schema, info.clone(), &cache);
        let segments = infos.map(|i| open(i).map(Arc::new)).collect::<Result<Vec<_>, _>>().map_err(damaged)?;
        column_bytes(&segments).map_err(damaged)
    }

    /// Takes partitions away as they were announced.
    ///
    /// # Errors
    /// The disk refused: nothing was removed.
    pub fn remove(&mut self, announced: &[Partition]) -> io::Result<Removed> {
        let gone = take_out(&self.disk, &self.dir, &mut self.manifest, announced)?;
        Ok(remove_files(&self.disk, &self.dir, &gone))
    }
}
