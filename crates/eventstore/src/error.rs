//! What can go wrong, one enum per operation family.

use std::io;
use std::path::PathBuf;

use foundation::ErrorKind;
use thiserror::Error;
use wal::WalError;

/// The store can not be opened.
#[derive(Debug, Error)]
pub enum OpenError {
    /// The disk refused.
    #[error("cannot open the event store at {path}")]
    Io {
        /// Where.
        path: PathBuf,
        /// What the disk said.
        source: io::Error,
    },
    /// The manifest is damaged.
    #[error("the manifest {path} is damaged in line {line}: {what}")]
    Manifest {
        /// Where.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        what: &'static str,
    },
    /// There are segments, and nothing that says which of them are live.
    #[error("the manifest {path} is gone, but segments are there; bring it back from a backup")]
    ManifestGone {
        /// Where it should be.
        path: PathBuf,
    },
    /// The write-ahead log can not be opened.
    #[error("cannot open the write-ahead log of the event store")]
    Wal(#[from] WalError),
}

impl OpenError {
    /// What a caller can do about it.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Io { .. } | Self::Manifest { .. } | Self::ManifestGone { .. } => ErrorKind::Internal,
            Self::Wal(e) => e.kind(),
        }
    }
}

/// A batch was not stored.
#[derive(Debug, Error)]
pub enum IngestError {
    /// Memory waits to be written to disk.
    #[error(
        "the event store holds {held} bytes in memory, more than {max} (`memory.events`), until they are written to disk"
    )]
    MemoryFull {
        /// Bytes held.
        held: usize,
        /// Bytes allowed.
        max: usize,
    },
    /// The write-ahead log refused.
    #[error(transparent)]
    Wal(#[from] WalError),
}

impl IngestError {
    /// What a caller can do about it.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::MemoryFull { .. } => ErrorKind::UNAVAILABLE,
            Self::Wal(e) => e.kind(),
        }
    }
}

/// A query can not be run.
#[derive(Debug, Error, Clone, PartialEq, Eq)]
pub enum QueryError {
    /// A pattern is not a regular expression, or is too large.
    #[error("`{pattern}` is not a regular expression: {message}")]
    Regex {
        /// The pattern.
        pattern: String,
        /// What is wrong with it.
        message: String,
    },
    /// Conditions nest deeper than allowed.
    #[error("the filter nests deeper than {max} levels")]
    TooDeep {
        /// How deep it may nest.
        max: usize,
    },
}

impl QueryError {
    /// What a caller can do about it.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Regex { .. } | Self::TooDeep { .. } => ErrorKind::InvalidInput,
        }
    }
}
