//! Files are named relative to the configuration file that names them.

use std::path::{Path, PathBuf};

/// Makes a relative `path` start at `directory`.
pub(crate) fn resolve(path: &mut PathBuf, directory: &Path) {
    if path.is_relative() && !path.as_os_str().is_empty() {
        *path = directory.join(&*path);
    }
}
