//! Files by patterns: `/var/log/**/*.log`.

use std::path::PathBuf;
use std::time::Duration;

use foundation::UnixNanos;

/// Files that match; more are not looked at, and that is said.
const FILES_MAX: usize = 10_000;

/// Finds files.
#[derive(Debug, Clone)]
pub(crate) struct Finder {
    include: Vec<String>,
    exclude: Vec<glob::Pattern>,
    older: Duration,
}

/// What matches.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Matching {
    /// Sorted, each once.
    pub(crate) paths: Vec<PathBuf>,
    /// There are more than are looked at.
    pub(crate) too_many: bool,
}

const OPTIONS: glob::MatchOptions =
    glob::MatchOptions { case_sensitive: true, require_literal_separator: true, require_literal_leading_dot: false };

impl Finder {
    /// Fails with the setting that is wrong and why.
    pub(super) fn new(include: &[String], exclude: &[String], older: Duration) -> Result<Self, (String, String)> {
        let read = |setting: &str, patterns: &[String]| -> Result<Vec<glob::Pattern>, (String, String)> {
            let one = |(n, text): (usize, &String)| {
                glob::Pattern::new(text).map_err(|e| (format!("{setting}[{n}]"), format!("`{text}`: {}", e.msg)))
            };
            patterns.iter().enumerate().map(one).collect()
        };
        read("include", include)?;
        Ok(Self { include: include.to_vec(), exclude: read("exclude", exclude)?, older })
    }

    pub(super) fn find(&self, now: UnixNanos) -> Matching {
        let mut found = Matching::default();
        for pattern in &self.include {
            let Ok(paths) = glob::glob_with(pattern, OPTIONS) else { continue };
            for path in paths.filter_map(Result::ok) {
                if self.exclude.iter().any(|p| p.matches_path_with(&path, OPTIONS))
                    || !path.is_file()
                    || self.is_old(&path, now)
                {
                    continue;
                }
                if found.paths.len() == FILES_MAX {
                    found.too_many = true;
                    break;
                }
                found.paths.push(path);
            }
        }
        found.paths.sort();
        found.paths.dedup();
        found
    }

    fn is_old(&self, path: &std::path::Path, now: UnixNanos) -> bool {
        if self.older.is_zero() {
            return false;
        }
        let modified = std::fs::metadata(path).ok().and_then(|m| m.modified().ok());
        let modified = modified.and_then(|t| t.duration_since(std::time::UNIX_EPOCH).ok());
        modified.is_some_and(|t| UnixNanos(t.as_nanos() as i64) < now.minus(self.older))
    }
}
