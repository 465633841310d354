//! The checks, one file each: a check is a function from the repository's files to findings.
//!
//! Every check sees the same in-memory [`Repository`], so its tests need no files.

mod circles;
mod floors;
mod formats;
mod layout;
mod manifest;
mod repository;
mod rust_source;
mod texts;

#[cfg(test)]
mod tests;

use std::fmt;
use std::io;
use std::path::Path;

use repository::Repository;

/// One broken rule: where, what, and how to mend it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Finding {
    /// Relative to the root of the repository, with `/`.
    pub(crate) path: String,
    /// From 1.
    pub(crate) line: usize,
    pub(crate) problem: String,
    pub(crate) remedy: String,
}

impl Finding {
    fn new(path: &str, line: usize, problem: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line, problem: problem.into(), remedy: remedy.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}\n    fix: {}", self.path, self.line, self.problem, self.remedy)
    }
}

const CHECKS: [fn(&Repository) -> Vec<Finding>; 5] =
    [floors::check, circles::check, layout::check, texts::check, formats::check];

/// Runs every check on the repository at `root`; findings are ordered by path and line.
///
/// # Errors
/// The root cannot be read.
pub(crate) fn check(root: &Path) -> io::Result<Vec<Finding>> {
    Ok(check_all(&Repository::load(root)?))
}

fn check_all(repository: &Repository) -> Vec<Finding> {
    let mut findings: Vec<_> = CHECKS.iter().flat_map(|check| check(repository)).collect();
    findings.sort();
    findings.dedup();
    findings
}
