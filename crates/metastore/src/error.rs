//! What goes wrong with the metadata file, and what is asked of it wrongly.

use std::path::PathBuf;

use foundation::ErrorKind;
use thiserror::Error;

/// Failures of the metadata store.
#[derive(Debug, Error)]
pub enum MetaError {
    /// The file is no database, or its pages contradict each other.
    #[error(
        "{} is damaged: {detail}; stop the server, put back a copy, or move the file away to begin with an empty one",
        path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        detail: String,
    },
    /// A later version of the server has written the file.
    #[error("{} has layout {found}, and this version knows up to {known}; use the version that wrote it", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// The number in the file.
        found: i64,
        /// The last migration of this build.
        known: i64,
    },
    /// The file cannot be opened.
    #[error("cannot open {}: {source}", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        source: rusqlite::Error,
    },
    /// Nothing has this id.
    #[error("there is no {kind} `{id}`")]
    NotFound {
        /// The kind of document.
        kind: String,
        /// What was asked for.
        id: String,
    },
    /// The id is taken.
    #[error("there is a {kind} `{id}` already")]
    Exists {
        /// The kind of document.
        kind: String,
        /// What was to be made.
        id: String,
    },
    /// Somebody else changed it in between.
    #[error("{kind} `{id}` is at version {found}, not {expected}: somebody changed it; read it again")]
    Version {
        /// The kind of document.
        kind: String,
        /// The document.
        id: String,
        /// What the caller had read.
        expected: u64,
        /// What is there.
        found: u64,
    },
    /// It comes from a file, where it has to be changed.
    #[error("{kind} `{id}` comes from a file; change it there")]
    FromFile {
        /// The kind of document.
        kind: String,
        /// The document.
        id: String,
    },
    /// A limit is reached.
    #[error("{what}: more than {max}")]
    Limit {
        /// What there is too much of.
        what: &'static str,
        /// How much there may be.
        max: usize,
    },
    /// SQLite failed: the disk is full, or cannot be written.
    #[error("the metadata file: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// A body that is no JSON any more.
    #[error("the metadata file holds a body that is not JSON: {0}")]
    Body(#[from] serde_json::Error),
    /// The server is stopping.
    #[error("the metadata store is closed")]
    Closed,
}

impl MetaError {
    /// What a caller can do about it.
    pub const fn kind(&self) -> ErrorKind {
        match self {
            Self::NotFound { .. } => ErrorKind::NotFound,
            Self::Exists { .. } | Self::Version { .. } | Self::FromFile { .. } => ErrorKind::Conflict,
            Self::Limit { .. } => ErrorKind::TooLarge,
            Self::Closed => ErrorKind::UNAVAILABLE,
            Self::Damaged { .. } | Self::Newer { .. } | Self::Open { .. } | Self::Sqlite(_) | Self::Body(_) => {
                ErrorKind::Internal
            }
        }
    }
}
