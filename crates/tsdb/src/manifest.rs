//! The manifest: which files are the engine's, replaced as a whole at each change.
//!
//! Names the blocks in the order in which their samples were stored, the
//! snapshot of what outlives a head, and the last log generation that both
//! cover. JSON with a checksum line, so that it can be read and is still
//! protected. Format: `docs/formats/tsdb.md`, "Manifest".

use std::path::{Path, PathBuf};

use foundation::disk::{Disk, write_atomic};
use serde_json::{Value, json};
use wal::Generation;

use crate::TsdbError;

const VERSION: u64 = 1;

/// What the manifest says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Manifest {
    /// Log generations up to here are in blocks and snapshot; 0: none.
    pub(crate) flushed_through: Generation,
    /// Whether `snapshot-<flushed_through>` was written.
    pub(crate) snapshot: bool,
    /// Blocks, those whose samples were stored first first.
    pub(crate) blocks: Vec<u64>,
    /// Every block so far has a smaller number.
    pub(crate) next_block: u64,
}

impl Manifest {
    /// `block-00000000000000000001.brk`
    pub(crate) fn block_path(dir: &Path, id: u64) -> PathBuf {
        dir.join(format!("block-{id:020}.brk"))
    }

    /// `snapshot-00000000000000000001.brk`
    pub(crate) fn snapshot_path(dir: &Path, generation: Generation) -> PathBuf {
        dir.join(format!("snapshot-{generation:020}.brk"))
    }

    fn path(dir: &Path) -> PathBuf {
        dir.join("MANIFEST")
    }

    /// The manifest of `dir`; a new engine's is written, so that one that is gone later is noticed: without it
    /// every block would be an orphan.
    pub(crate) fn load(disk: &dyn Disk, dir: &Path) -> Result<Self, TsdbError> {
        let path = Self::path(dir);
        let bytes = match disk.read(&path) {
            Ok(bytes) => bytes,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
                let files = disk.list(dir).map_err(TsdbError::io("list", dir))?;
                if files.iter().any(|p| is_ours(p)) {
                    let what = "the manifest is gone, but blocks are there; bring it back from a backup";
                    return Err(TsdbError::Damaged { path, offset: 0, what });
                }
                let new = Self::default();
                new.store(disk, dir)?;
                return Ok(new);
            }
            Err(e) => return Err(TsdbError::io("read", &path)(e)),
        };
        let (version, manifest) =
            parse(&bytes).ok_or_else(|| TsdbError::Damaged { path: path.clone(), offset: 0, what: "the manifest" })?;
        if version != VERSION {
            return Err(TsdbError::Version { path, version: version as u32, known: VERSION as u32 });
        }
        Ok(manifest)
    }

    /// Replaces the manifest of `dir`; after a crash the old or the new one is there.
    pub(crate) fn store(&self, disk: &dyn Disk, dir: &Path) -> Result<(), TsdbError> {
        let body = json!({
            "version": VERSION,
            "flushed_through": self.flushed_through,
            "snapshot": self.snapshot,
            "blocks": self.blocks,
            "next_block": self.next_block,
        });
        let mut text = body.to_string();
        text.push_str(&format!("\ncrc32c {:08x}\n", crc32c::crc32c(text.as_bytes())));
        let path = Self::path(dir);
        write_atomic(disk, &path, text.as_bytes()).map_err(TsdbError::io("replace", &path))
    }

    /// Removes the files of `dir` that no manifest names: a crash or a failure left them.
    pub(crate) fn remove_orphans(&self, disk: &dyn Disk, dir: &Path) -> Result<(), TsdbError> {
        let mut named: Vec<PathBuf> = self.blocks.iter().map(|id| Self::block_path(dir, *id)).collect();
        if self.snapshot {
            named.push(Self::snapshot_path(dir, self.flushed_through));
        }
        for path in disk.list(dir).map_err(TsdbError::io("list", dir))? {
            let half_manifest = path.file_name().is_some_and(|n| n == "MANIFEST.tmp");
            if (is_ours(&path) && !named.contains(&path)) || half_manifest {
                tracing::info!(file = %path.display(), "removing a file that was not completed before the last stop");
                disk.remove_file(&path).map_err(TsdbError::io("remove", &path))?;
            }
        }
        Ok(())
    }
}

/// Whether a file has the name of a block or snapshot.
fn is_ours(path: &Path) -> bool {
    let name = path.file_name().and_then(|n| n.to_str()).unwrap_or_default();
    name.ends_with(".brk") && (name.starts_with("block-") || name.starts_with("snapshot-"))
}

fn parse(bytes: &[u8]) -> Option<(u64, Manifest)> {
    let (body, crc) = std::str::from_utf8(bytes).ok()?.split_once('\n')?;
    let crc = u32::from_str_radix(crc.strip_prefix("crc32c ")?.trim_end(), 16).ok()?;
    if crc != crc32c::crc32c(body.as_bytes()) {
        return None;
    }
    let v: Value = serde_json::from_str(body).ok()?;
    let manifest = Manifest {
        flushed_through: v.get("flushed_through")?.as_u64()?,
        snapshot: v.get("snapshot")?.as_bool()?,
        blocks: v.get("blocks")?.as_array()?.iter().map(Value::as_u64).collect::<Option<_>>()?,
        next_block: v.get("next_block")?.as_u64()?,
    };
    Some((v.get("version")?.as_u64()?, manifest))
}

#[cfg(test)]
mod tests {
    use foundation::disk::sim::SimDisk;

    use super::*;

    #[test]
    fn comes_back_and_damage_is_seen() {
        let (disk, dir) = (SimDisk::new(1), Path::new("/m"));
        disk.create_dir_all(dir).unwrap();
        assert_eq!(Manifest::load(&disk, dir).unwrap(), Manifest::default());
        let m = Manifest { flushed_through: 7, snapshot: true, blocks: vec![3, 1], next_block: 4 };
        m.store(&disk, dir).unwrap();
        assert_eq!(Manifest::load(&disk, dir).unwrap(), m);
        disk.flip_bit(&dir.join("MANIFEST"), 20, 1).unwrap();
        assert!(matches!(Manifest::load(&disk, dir), Err(TsdbError::Damaged { .. })));
        disk.remove_file(&dir.join("MANIFEST")).unwrap();
        assert_eq!(Manifest::load(&disk, dir).unwrap(), Manifest::default());
        disk.remove_file(&dir.join("MANIFEST")).unwrap();
        drop(disk.create(&Manifest::block_path(dir, 1)).unwrap());
        let e = Manifest::load(&disk, dir).unwrap_err();
        assert!(e.to_string().contains("the manifest is gone, but blocks are there"), "{e}");
    }
}
