//! Files that were read, and how far: what they begin with tells them apart, whatever they are called.
//!
//! The format on disk is docs/formats/filelog.md.

use std::io;
use std::path::{Path, PathBuf};

use foundation::disk::{Disk, write_atomic};
use serde::{Deserialize, Serialize};

/// Files that are remembered although they are not there any more: a copy may turn up later.
pub(super) const GONE_MAX: usize = 1024;

/// How far a file was read.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Known {
    /// Where it was last.
    pub path: PathBuf,
    /// The file system, and the number of the file in it; 0 when unknown.
    pub device: u64,
    pub inode: u64,
    /// What it begins with, in base64; at most `fingerprint_size` bytes.
    #[serde(with = "base64_bytes")]
    pub fingerprint: Vec<u8>,
    /// Bytes before this one are acknowledged.
    pub offset: u64,
    /// Records before this place.
    #[serde(default)]
    pub records: u64,
}

impl Known {
    /// Whether a file that begins with `begin` can be this one, grown.
    pub(super) fn is_beginning_of(&self, begin: &[u8]) -> bool {
        !self.fingerprint.is_empty() && begin.starts_with(&self.fingerprint)
    }
}

#[derive(Debug, Serialize, Deserialize)]
struct Checkpoint {
    version: u32,
    files: Vec<Known>,
}

/// Reads a checkpoint; none is an empty one.
pub(super) fn read(disk: &dyn Disk, path: &Path) -> Result<Vec<Known>, String> {
    let bytes = match disk.read(path) {
        Ok(bytes) => bytes,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(format!("cannot read the checkpoint {}: {e}", path.display())),
    };
    let checkpoint: Checkpoint = serde_json::from_slice(&bytes).map_err(|e| {
        format!("the checkpoint {} is damaged ({e}); remove it, and files are read as `start_at` says", path.display())
    })?;
    match checkpoint.version {
        1 => Ok(checkpoint.files),
        other => {
            Err(format!("the checkpoint {} has version {other}, which is newer than this program", path.display()))
        }
    }
}

/// Writes a checkpoint; after a crash the old or the new one is there.
pub(super) fn write(disk: &dyn Disk, path: &Path, files: Vec<Known>) -> io::Result<()> {
    let bytes = serde_json::to_vec(&Checkpoint { version: 1, files })?;
    write_atomic(disk, path, &bytes)
}

mod base64_bytes {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD_NO_PAD;
    use serde::{Deserialize as _, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&STANDARD_NO_PAD.encode(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Vec<u8>, D::Error> {
        STANDARD_NO_PAD.decode(String::deserialize(d)?).map_err(serde::de::Error::custom)
    }
}
