//! The text files of the repository, read once into memory.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;
use std::process::Command;

/// Folders that hold what was built or installed; used only where git cannot list the files.
const NOT_OURS: [&str; 8] =
    [".git", "target", "node_modules", "dist", ".venv", "bellrock-data", "__pycache__", ".pytest_cache"];

/// Path (relative, with `/`) to text. Files that are not UTF-8 are left out.
pub(crate) struct Repository {
    files: BTreeMap<String, String>,
}

impl Repository {
    /// Reads what git tracks or would track; without git (a source archive) everything but build output.
    ///
    /// # Errors
    /// A folder or file cannot be read.
    pub(crate) fn load(root: &Path) -> io::Result<Self> {
        let mut paths = match listed_by_git(root) {
            Some(paths) => paths,
            None => {
                let mut found = Vec::new();
                walk(root, "", &mut found)?;
                found
            }
        };
        paths.sort();
        paths.dedup();
        let mut files = BTreeMap::new();
        for path in paths {
            match fs::read(root.join(&path)) {
                Ok(bytes) => {
                    if let Ok(text) = String::from_utf8(bytes) {
                        files.insert(path, text);
                    }
                }
                // Deleted in the working tree, or a link to a folder.
                Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::IsADirectory) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(Self { files })
    }

    #[cfg(test)]
    pub(crate) fn from_files(files: &[(&str, &str)]) -> Self {
        Self { files: files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect() }
    }

    /// All files, ordered by path.
    pub(crate) fn files(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files.iter().map(|(path, text)| (path.as_str(), text.as_str()))
    }

    pub(crate) fn get(&self, path: &str) -> Option<&str> {
        self.files.get(path).map(String::as_str)
    }

    /// Names of the folders `crates/<name>` that hold a manifest.
    pub(crate) fn crate_folders(&self) -> Vec<&str> {
        self.files
            .keys()
            .filter_map(|path| path.strip_prefix("crates/")?.strip_suffix("/Cargo.toml"))
            .filter(|name| !name.contains('/'))
            .collect()
    }
}

fn listed_by_git(root: &Path) -> Option<Vec<String>> {
    let output = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard", "-z"])
        .current_dir(root)
        .output()
        .ok()
        .filter(|output| output.status.success())?;
    let paths: Vec<String> =
        output.stdout.split(|byte| *byte == 0).filter_map(|path| String::from_utf8(path.to_vec()).ok()).collect();
    let paths: Vec<String> = paths.into_iter().filter(|path| !path.is_empty()).collect();
    (!paths.is_empty()).then_some(paths)
}

fn walk(root: &Path, folder: &str, found: &mut Vec<String>) -> io::Result<()> {
    for entry in fs::read_dir(root.join(folder))? {
        let entry = entry?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        let path = if folder.is_empty() { name.clone() } else { format!("{folder}/{name}") };
        let kind = entry.file_type()?;
        if kind.is_dir() {
            if !NOT_OURS.contains(&name.as_str()) {
                walk(root, &path, found)?;
            }
        } else if kind.is_file() {
            found.push(path);
        }
    }
    Ok(())
}
