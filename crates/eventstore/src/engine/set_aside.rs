//! Blocks that no segment can hold, kept in files for whoever wants to look into them.

use super::Shared;
use crate::block::Block;

/// The folder beside those of the days.
const FOLDER: &str = "damaged";
/// Files that are kept; what comes after them is only reported.
const FILES_MAX: usize = 64;

/// Writes the bytes of a block of memory that does not read back into a file; where, if that worked.
///
/// Nothing depends on the file: it is not read again, and a failure is reported and no more.
pub(super) fn set_aside(shared: &Shared, block: &Block) -> Option<std::path::PathBuf> {
    let folder = shared.dir.join(FOLDER);
    let write = || -> std::io::Result<Option<std::path::PathBuf>> {
        shared.disk.create_dir_all(&folder)?;
        let files = shared.disk.list(&folder)?.len();
        if files >= FILES_MAX {
            return Ok(None);
        }
        let path = folder.join(format!("block-{}-{files}.evb", block.meta.min_time.0));
        let bytes = block.read(0, block.len as usize).map_err(std::io::Error::other)?;
        let mut file = shared.disk.create(&path)?;
        file.write_all(&bytes)?;
        file.sync_data()?;
        shared.disk.sync_dir(&folder)?;
        Ok(Some(path))
    };
    write().unwrap_or_else(|error| {
        tracing::warn!(path = %folder.display(), %error, "cannot keep a damaged block");
        None
    })
}
