//! Why the metrics engine could not do what was asked.

use std::io;
use std::path::{Path, PathBuf};

use foundation::ErrorKind;
use thiserror::Error;

/// A failure of the metrics engine, with the facts.
#[derive(Debug, Error)]
pub enum TsdbError {
    /// The write-ahead log did not take the record: nothing was stored.
    #[error(transparent)]
    Wal(#[from] wal::WalError),
    /// Samples wait in memory for blocks that cannot be written: nothing was stored.
    #[error("{held} bytes of samples are in memory and the limit is {max}; they cannot be written to disk fast enough")]
    MemoryFull {
        /// Bytes of all heads, estimated.
        held: usize,
        /// The limit: twice [`Options::head_bytes_max`](crate::Options::head_bytes_max).
        max: usize,
    },
    /// The disk refused.
    #[error("cannot {action} {path}: {source}", path = path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On which file or folder.
        path: PathBuf,
        /// What the disk said.
        #[source]
        source: io::Error,
    },
    /// A file does not hold what was written to it.
    #[error("{path} is damaged at byte {offset}: {what}", path = path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where the damaged part begins.
        offset: u64,
        /// Which part.
        what: &'static str,
    },
    /// A file of a newer build.
    #[error("{path} has format version {version}, this build reads version {known}; use the newer build", path = path.display())]
    Version {
        /// The file.
        path: PathBuf,
        /// Its version.
        version: u32,
        /// The version of this build.
        known: u32,
    },
    /// A regular expression of a matcher does not parse.
    #[error("matcher {label}{op}\"{pattern}\": {reason}")]
    BadRegex {
        /// The label that is matched.
        label: String,
        /// `=~` or `!~`.
        op: &'static str,
        /// The expression.
        pattern: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A query touches more than it may.
    #[error("the query would read more than {limit} {what}; narrow its matchers or time range{}", setting.map_or(String::new(), |s| format!(", or raise `{s}`")))]
    LimitExceeded {
        /// `samples` or `series`.
        what: &'static str,
        /// How many are allowed.
        limit: u64,
        /// The setting that raises the limit, if there is one.
        setting: Option<&'static str>,
    },
    /// The deadline of a query passed.
    #[error("the query was stopped at its deadline")]
    Timeout,
    /// The one who asked went away.
    #[error("the query was cancelled")]
    Cancelled,
}

impl TsdbError {
    /// What a caller can do.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Wal(e) => e.kind(),
            Self::MemoryFull { .. } => ErrorKind::UNAVAILABLE,
            Self::Io { source, .. } if foundation::disk::is_full(source) => ErrorKind::UNAVAILABLE,
            Self::Io { .. } | Self::Damaged { .. } => ErrorKind::Internal,
            Self::Version { .. } => ErrorKind::Unsupported,
            Self::BadRegex { .. } => ErrorKind::InvalidInput,
            Self::LimitExceeded { .. } => ErrorKind::LimitExceeded,
            Self::Timeout | Self::Cancelled => ErrorKind::Timeout,
        }
    }

    /// Whether a file is damaged or gone, so that trying again does not help.
    pub(crate) fn is_damage(&self) -> bool {
        match self {
            Self::Damaged { .. } => true,
            Self::Io { source, .. } => source.kind() == io::ErrorKind::NotFound,
            _ => false,
        }
    }

    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { action, path, source }
    }
}
