//! The open files: appends records, syncs them, puts full files aside.
//!
//! A file ends where its last acknowledged record does: what a crash or a full disk left behind it is cut off before anything
//! else is written. Synchronous; one lock over all of it, because the disk is one.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use foundation::Clock;
use foundation::disk::{DiskFile, SharedDisk};
use parking_lot::Mutex;

use super::frame::Frame;
use super::rotation::Rotation;

/// What is done with files.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    pub(super) frame: Frame,
    /// Whether what is in a file goes when this process opens it for the first time.
    pub(super) truncate: bool,
    pub(super) rotation: Option<Rotation>,
    pub(super) create_directory: bool,
    /// With more open the one that was not used for longest is closed.
    pub(super) open_max: usize,
}

/// The files of one exporter.
pub(super) struct Files {
    disk: SharedDisk,
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    plan: Option<Plan>,
    open: BTreeMap<PathBuf, Open>,
    /// Those that this process has opened: they are not truncated again.
    seen: BTreeSet<PathBuf>,
    /// Where those end of which a sync failed: what lies behind may or may not be on the disk.
    doubtful: BTreeMap<PathBuf, u64>,
    /// Counts uses.
    uses: u64,
}

struct Open {
    file: Box<dyn DiskFile>,
    len: u64,
    /// What of it is safe.
    synced: u64,
    used: u64,
}

impl Files {
    pub(super) fn new(disk: SharedDisk, clock: Arc<dyn Clock>) -> Self {
        Self { disk, clock, state: Mutex::default() }
    }

    /// What is done from now on.
    pub(super) fn set_plan(&self, plan: Plan) {
        self.state.lock().plan = Some(plan);
    }

    /// Opens a file, so that what is wrong with it is known.
    ///
    /// # Errors
    /// What, and the remedy.
    pub(super) fn open(&self, path: &Path) -> Result<(), String> {
        self.opened(&mut self.state.lock(), path).map(drop)
    }

    /// Appends records and syncs them; one answer for each.
    pub(super) fn append(&self, records: &[(PathBuf, Bytes)]) -> Vec<Result<(), String>> {
        let mut state = self.state.lock();
        let mut results: Vec<_> = records.iter().map(|(path, bytes)| self.write(&mut state, path, bytes)).collect();
        let paths: BTreeSet<&PathBuf> = records.iter().map(|(path, _)| path).collect();
        for path in paths {
            // One that was closed was synced.
            let Some(open) = state.open.get_mut(path).filter(|open| open.synced < open.len) else { continue };
            if let Err(e) = open.file.sync_data() {
                let synced = open.synced;
                state.doubtful.insert(path.clone(), synced);
                state.open.remove(path);
                let message = failed("sync", path, &e);
                for ((other, _), result) in records.iter().zip(&mut results) {
                    if other == path && result.is_ok() {
                        *result = Err(message.clone());
                    }
                }
            } else {
                open.synced = open.len;
            }
        }
        results
    }

    fn write(&self, state: &mut State, path: &Path, record: &Bytes) -> Result<(), String> {
        let rotation = state.plan.as_ref().and_then(|plan| plan.rotation.clone());
        let len = self.opened(state, path)?.len;
        if let Some(rotation) = rotation
            && len > 0
            && len + record.len() as u64 > rotation.bytes_max()
        {
            self.put_aside(state, &rotation, path).map_err(|e| failed("rotate", path, &e))?;
        }
        let open = self.opened(state, path)?;
        if let Err(e) = open.file.write_all(record) {
            // What was acknowledged ends before it.
            if open.file.truncate(open.len).is_err() {
                state.open.remove(path);
            }
            return Err(failed("write", path, &e));
        }
        open.len += record.len() as u64;
        Ok(())
    }

    fn put_aside(&self, state: &mut State, rotation: &Rotation, path: &Path) -> io::Result<()> {
        if let Some(mut open) = state.open.remove(path) {
            open.file.sync_data()?;
        }
        let folder = folder(path);
        let now = self.clock.now();
        let backup = rotation.backup(path, now, &self.disk.list(folder)?);
        self.disk.rename(path, &backup)?;
        self.disk.sync_dir(folder)?;
        for old in rotation.superfluous(path, now, &self.disk.list(folder)?) {
            if let Err(e) = self.disk.remove_file(&old) {
                tracing::warn!(file = %old.display(), error = %e, "an old file could not be removed; tried again");
            }
        }
        Ok(())
    }

    /// The open file at `path`.
    fn opened<'a>(&self, state: &'a mut State, path: &Path) -> Result<&'a mut Open, String> {
        state.uses += 1;
        let used = state.uses;
        if !state.open.contains_key(path) {
            let Some(plan) = state.plan.clone() else { return Err("the exporter has not been started".to_owned()) };
            if state.open.len() >= plan.open_max
                && let Some(oldest) = state.open.iter().min_by_key(|(_, open)| open.used).map(|(path, _)| path.clone())
                && let Some(mut open) = state.open.remove(&oldest)
            {
                open.file.sync_data().map_err(|e| failed("sync", &oldest, &e))?;
            }
            let truncate = plan.truncate && !state.seen.contains(path);
            let end = state.doubtful.get(path).copied();
            let (file, len) = self.open_file(&plan, path, truncate, end)?;
            state.doubtful.remove(path);
            state.seen.insert(path.to_owned());
            state.open.insert(path.to_owned(), Open { file, len, synced: len, used });
        }
        let open = state.open.get_mut(path).ok_or_else(|| "the file is closed".to_owned())?;
        open.used = used;
        Ok(open)
    }

    /// Opens a file at its end: `end` if that is known, else behind its last whole record.
    fn open_file(
        &self,
        plan: &Plan,
        path: &Path,
        truncate: bool,
        end: Option<u64>,
    ) -> Result<(Box<dyn DiskFile>, u64), String> {
        let folder = folder(path);
        if plan.create_directory {
            self.disk.create_dir_all(folder).map_err(|e| failed("make the folder of", path, &e))?;
        }
        let there = match self.disk.open_read(path) {
            Ok(there) if !truncate => Some(there),
            Ok(_) => None,
            Err(e) if e.kind() == io::ErrorKind::NotFound => None,
            Err(e) => return Err(failed("read", path, &e)),
        };
        let Some(there) = there else {
            let mut file = self.disk.create(path).map_err(|e| match e.kind() {
                io::ErrorKind::NotFound => {
                    format!(
                        "the folder of {} does not exist; make it, or write `create_directory: true`",
                        path.display()
                    )
                }
                _ => failed("make", path, &e),
            })?;
            file.sync_data().and_then(|()| self.disk.sync_dir(folder)).map_err(|e| failed("make", path, &e))?;
            return Ok((file, 0));
        };
        let whole = plan.frame.end(&*there).map_err(|e| {
            format!("{} is not written on: {e}; move it away, or write `append: false` to empty it", path.display())
        })?;
        let end = whole.min(end.unwrap_or(whole));
        let mut file = self.disk.open_append(path).map_err(|e| failed("open", path, &e))?;
        if end < there.len() {
            let bytes = there.len() - end;
            tracing::warn!(file = %path.display(), bytes, "the end of the file was never finished and is cut off");
            file.truncate(end).and_then(|()| file.sync_data()).map_err(|e| failed("cut", path, &e))?;
        }
        Ok((file, end))
    }
}

fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

fn failed(what: &str, path: &Path, e: &io::Error) -> String {
    let remedy = if foundation::disk::is_full(e) { "; make room" } else { "" };
    format!("cannot {what} {}: {e}{remedy}", path.display())
}
