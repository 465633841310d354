//! Opens the file, reads from it, and hands what is to be written to the one writer.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use foundation::Clock;
use parking_lot::Mutex;
use rusqlite::{Connection, ErrorCode, OpenFlags, Transaction};

use crate::error::MetaError;
use crate::schema;
use crate::writer::Writer;

/// The name of the file in the data directory.
pub const FILE: &str = "meta.db";
/// A file below this is checked page by page when it is opened; that takes about a second per gigabyte.
const CHECKED_BYTES_MAX: u64 = 256 << 20;
/// Connections that wait for readers.
const READERS_MAX: usize = 4;

/// The metadata file; clones share it. All calls wait for the disk: call them from threads that may wait.
#[derive(Clone)]
pub struct Metastore(Arc<Inner>);

struct Inner {
    path: PathBuf,
    clock: Arc<dyn Clock>,
    writer: Writer,
    /// Connections that nobody reads with at the moment.
    readers: Mutex<Vec<Connection>>,
}

impl Metastore {
    /// Opens `meta.db` in `dir`, or makes it.
    ///
    /// # Errors
    /// What is damaged, written by a later version, or cannot be opened.
    pub fn open(dir: &Path, clock: Arc<dyn Clock>) -> Result<Self, MetaError> {
        let path = dir.join(FILE);
        let mut connection = connect(&path, false)?;
        prepare(&mut connection, &path).map_err(|e| match e {
            MetaError::Sqlite(source) => explain(source, &path),
            other => other,
        })?;
        let writer = Writer::start(connection).map_err(|e| MetaError::Open {
            path: path.clone(),
            source: rusqlite::Error::ToSqlConversionFailure(Box::new(e)),
        })?;
        Ok(Self(Arc::new(Inner { path, clock, writer, readers: Mutex::default() })))
    }

    /// The clock that times of changes are read from.
    pub(crate) fn clock(&self) -> &dyn Clock {
        &*self.0.clock
    }

    /// An id that nobody else has: a random UUID.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn new_id(&self) -> Result<String, MetaError> {
        self.read(|c| {
            let bytes: Vec<u8> = c.query_row("SELECT randomblob(16)", [], |row| row.get(0))?;
            Ok(uuid(&bytes))
        })
    }

    /// Runs `work` on one state of the file.
    pub(crate) fn read<T>(&self, work: impl FnOnce(&Connection) -> Result<T, MetaError>) -> Result<T, MetaError> {
        let idle = self.0.readers.lock().pop();
        let connection = match idle {
            Some(connection) => connection,
            None => connect(&self.0.path, true)?,
        };
        let result = work(&connection);
        let mut readers = self.0.readers.lock();
        if readers.len() < READERS_MAX {
            readers.push(connection);
        }
        result
    }

    /// Runs `work` on the writer's thread and returns when it is synced. When it fails nothing of it is written.
    pub(crate) fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, MetaError> + Send + 'static,
    ) -> Result<T, MetaError> {
        self.0.writer.run(work)
    }

    /// Bytes on the disk, and in the log of the file that was not yet moved into it.
    pub fn bytes(&self) -> u64 {
        let size = |p: PathBuf| std::fs::metadata(p).map_or(0, |m| m.len());
        size(self.0.path.clone()) + size(self.0.path.with_extension("db-wal"))
    }

    /// Ends the writer; what was answered is on the disk already.
    pub fn close(&self) {
        self.0.writer.stop();
        self.0.readers.lock().clear();
    }
}

fn connect(path: &Path, read_only: bool) -> Result<Connection, MetaError> {
    let access = if read_only {
        OpenFlags::SQLITE_OPEN_READ_ONLY
    } else {
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE
    };
    let open = || {
        let connection = Connection::open_with_flags(path, access | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
        connection.busy_timeout(Duration::from_secs(5))?;
        connection.set_prepared_statement_cache_capacity(64);
        Ok(connection)
    };
    open().map_err(|e| explain(e, path))
}

fn prepare(connection: &mut Connection, path: &Path) -> Result<(), MetaError> {
    let found = schema::version(connection)?;
    if found > schema::LATEST {
        return Err(MetaError::Newer { path: path.to_owned(), found, known: schema::LATEST });
    }
    if found > 0 && std::fs::metadata(path).is_ok_and(|m| m.len() < CHECKED_BYTES_MAX) {
        let verdict: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
        if verdict != "ok" {
            return Err(MetaError::Damaged { path: path.to_owned(), detail: verdict });
        }
    }
    connection.pragma_update(None, "journal_mode", "WAL")?;
    // Acknowledged means safe: every commit is synced.
    connection.pragma_update(None, "synchronous", "FULL")?;
    schema::migrate(connection)?;
    Ok(())
}

fn explain(source: rusqlite::Error, path: &Path) -> MetaError {
    let path = path.to_owned();
    match source.sqlite_error_code() {
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => {
            MetaError::Damaged { path, detail: source.to_string() }
        }
        _ => MetaError::Open { path, source },
    }
}

/// Version 4, variant 1 of RFC 9562 out of 16 random bytes.
fn uuid(random: &[u8]) -> String {
    let mut text = String::with_capacity(36);
    for (at, byte) in random.iter().take(16).enumerate() {
        if [4, 6, 8, 10].contains(&at) {
            text.push('-');
        }
        let byte = match at {
            6 => (byte & 0x0f) | 0x40,
            8 => (byte & 0x3f) | 0x80,
            _ => *byte,
        };
        text.push_str(&format!("{byte:02x}"));
    }
    text
}

#[cfg(test)]
mod tests;
