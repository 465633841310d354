//! Unit tests of rules, in the format of `promtool test rules`.
//!
//! Series are given, rules are evaluated on them step by step, and alerts and values are compared with what is expected. Source:
//! prometheus.io, "Unit Testing for Rules"; `cmd/promtool/unittest.go`.

mod file;
mod run;

use std::path::{Path, PathBuf};

use yaml::{Findings, Severity};

use super::book::{files, read_file};
use super::spec::Group;
use file::TestFile;

/// What came of one test file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Verdict {
    /// Test cases that passed.
    pub passed: usize,
    /// What went wrong, as it is printed; empty when all is well.
    pub failures: Vec<String>,
}

/// Runs the tests of a file. Rule files are found beside it.
pub fn run(path: &Path) -> Verdict {
    let wrong = |message: String| Verdict { passed: 0, failures: vec![message] };
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(e) => return wrong(format!("cannot be read: {e}")),
    };
    let node = match yaml::parse("", &text) {
        Ok(node) => node,
        Err(e) => return wrong(e.to_string()),
    };
    let mut findings = Findings::default();
    let Some(file) = node.read::<TestFile>("", &mut findings) else {
        return wrong(lines(findings));
    };
    if findings.has_errors() {
        return wrong(lines(findings));
    }
    let folder = path.parent().unwrap_or(Path::new(""));
    let groups = match rules(&file.rule_files, folder) {
        Ok(groups) => groups,
        Err(e) => return wrong(e),
    };
    run::run(&file, &groups)
}

fn lines(findings: Findings) -> String {
    findings.into_sorted().iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

fn rules(patterns: &[PathBuf], folder: &Path) -> Result<Vec<Group>, String> {
    let mut groups = Vec::new();
    let patterns: Vec<PathBuf> = patterns.iter().map(|pattern| folder.join(pattern)).collect();
    for path in files(&patterns) {
        let read = read_file(&path);
        if !read.is_usable() {
            let errors = read.findings.iter().filter(|f| f.severity == Severity::Error);
            let name = path.display().to_string().into();
            let lines: Vec<_> = errors.map(|f| f.of(&name).to_string()).collect();
            return Err(lines.join("\n"));
        }
        groups.extend(read.groups);
    }
    Ok(groups)
}

#[cfg(test)]
mod tests;
