//! The data directory: made, locked against a second instance, marked with the format's version.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use anyhow::anyhow;
use thiserror::Error;

/// What the directory was laid out as; a build refuses what is newer.
const LAYOUT_VERSION: &str = "1";
/// The file that says so.
const LAYOUT: &str = "LAYOUT";

/// Why a data directory cannot be used.
#[derive(Debug, Error)]
pub(crate) enum DataDirError {
    #[error("there is no data directory {}: a server makes it when it starts (else set --data-dir)", path.display())]
    Missing { path: PathBuf },
    #[error("{} is no data directory of bellrock: there is no file LAYOUT in it (set --data-dir)", path.display())]
    Foreign { path: PathBuf },
    #[error("cannot use the data directory {} (set --data-dir)", path.display())]
    Io { path: PathBuf, source: io::Error },
    #[error(
        "the data directory {} is in use by another bellrock{}; stop it, or set --data-dir",
        path.display(),
        pid.as_ref().map_or(String::new(), |p| format!(" (process {p})"))
    )]
    InUse { path: PathBuf, pid: Option<String> },
    #[error("the data directory {} has layout {found}, this build knows {LAYOUT_VERSION}; use the newer build", path.display())]
    Newer { path: PathBuf, found: String },
}

/// Holds the lock until it is dropped.
#[derive(Debug)]
pub(crate) struct DataDir {
    pub path: PathBuf,
    _lock: File,
}

/// Locks the directory of a stopped server. One that is not there is not made.
pub(crate) fn existing(path: &Path) -> Result<DataDir, DataDirError> {
    if !path.is_dir() {
        return Err(DataDirError::Missing { path: path.to_owned() });
    }
    if !path.join(LAYOUT).is_file() {
        return Err(DataDirError::Foreign { path: path.to_owned() });
    }
    open(path)
}

/// The same for a command that could ask the server instead.
pub(crate) fn of_stopped(path: &Path) -> anyhow::Result<DataDir> {
    existing(path).map_err(|e| match e {
        DataDirError::InUse { .. } => anyhow!("{e}, or ask the server with --api, as --api http://127.0.0.1:8080"),
        e => e.into(),
    })
}

/// Makes and locks the directory. The operating system frees the lock when the process ends, however it ends.
pub(crate) fn open(path: &Path) -> Result<DataDir, DataDirError> {
    let io = |source| DataDirError::Io { path: path.to_owned(), source };
    std::fs::create_dir_all(path).map_err(io)?;
    let lock_path = path.join("LOCK");
    let mut lock =
        OpenOptions::new().create(true).truncate(false).write(true).read(true).open(&lock_path).map_err(io)?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let pid = std::fs::read_to_string(&lock_path).ok().map(|p| p.trim().to_owned()).filter(|p| !p.is_empty());
            return Err(DataDirError::InUse { path: path.to_owned(), pid });
        }
        Err(TryLockError::Error(e)) => return Err(io(e)),
    }
    lock.set_len(0).map_err(io)?;
    writeln!(lock, "{}", std::process::id()).map_err(io)?;
    check_layout(path)?;
    Ok(DataDir { path: path.to_owned(), _lock: lock })
}

fn check_layout(path: &Path) -> Result<(), DataDirError> {
    let io = |source| DataDirError::Io { path: path.to_owned(), source };
    let file = path.join(LAYOUT);
    match std::fs::read_to_string(&file) {
        Ok(found) if found.trim() == LAYOUT_VERSION => Ok(()),
        Ok(found) => Err(DataDirError::Newer { path: path.to_owned(), found: found.trim().to_owned() }),
        Err(e) if e.kind() == io::ErrorKind::NotFound => {
            let text = format!("{LAYOUT_VERSION}\n");
            foundation::disk::write_atomic(&foundation::disk::RealDisk, &file, text.as_bytes()).map_err(io)
        }
        Err(e) => Err(io(e)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_instance_is_refused_until_the_first_is_gone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("data");
        let first = open(&path).unwrap();
        let e = open(&path).unwrap_err().to_string();
        assert!(e.contains("in use by another bellrock") && e.contains(&std::process::id().to_string()), "{e}");
        drop(first);
        open(&path).unwrap();
    }

    #[test]
    fn what_is_no_data_directory_stays_as_it_is() {
        let dir = tempfile::tempdir().unwrap();
        let missing = dir.path().join("missing");
        assert!(existing(&missing).unwrap_err().to_string().starts_with("there is no data directory"));
        assert!(!missing.exists());
        let foreign = existing(dir.path()).unwrap_err().to_string();
        assert!(foreign.contains("is no data directory of bellrock"), "{foreign}");
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
        let _held = open(dir.path()).unwrap();
        let in_use = of_stopped(dir.path()).unwrap_err().to_string();
        assert!(in_use.contains("in use") && in_use.ends_with("--api http://127.0.0.1:8080"), "{in_use}");
    }

    #[test]
    fn a_newer_layout_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        drop(open(dir.path()).unwrap());
        std::fs::File::create(dir.path().join("LAYOUT")).unwrap().write_all(b"2\n").unwrap();
        assert!(open(dir.path()).unwrap_err().to_string().contains("layout 2"));
    }
}
