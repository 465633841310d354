//! How files begin, how long they may be, and which files must be there.

use std::collections::BTreeMap;

use super::Finding;
use super::repository::Repository;
use super::rust_source::lines_without_tests;

/// Above this a file holds a second concept; 150 to 300 is the aim (CONTRIBUTING.md).
const LINES_MAX: usize = 900;

const SOURCE_ENDINGS: [&str; 8] = [".rs", ".ts", ".tsx", ".js", ".mjs", ".py", ".sh", ".css"];

const NEEDED: [(&str, &str); 2] = [
    ("rustfmt.toml", "the house's formatting is written down once, at the root"),
    ("clippy.toml", "the bans of the house, with their reasons, stand at the root"),
];

pub(crate) fn check(repository: &Repository) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, why) in NEEDED {
        if repository.get(path).is_none() {
            findings.push(Finding::new(path, 1, "the file is missing", why));
        }
    }
    for (path, text) in repository.files() {
        if path.ends_with(".rs") && !text.starts_with("//!") {
            findings.push(Finding::new(
                path,
                1,
                "the file does not start with `//!`",
                "say on the first line what the file is; then what it must not know and where its format comes from",
            ));
        }
        findings.extend(too_long(path, text));
    }
    findings.extend(decisions(repository));
    findings
}

fn too_long(path: &str, text: &str) -> Option<Finding> {
    if !SOURCE_ENDINGS.iter().any(|ending| path.ends_with(ending)) || is_test_file(path) {
        return None;
    }
    if text.lines().take(5).any(|line| line.contains("@generated")) {
        return None;
    }
    let lines = if path.ends_with(".rs") { lines_without_tests(text) } else { text.lines().count() };
    (lines > LINES_MAX).then(|| {
        Finding::new(
            path,
            lines,
            format!("{lines} lines without tests, the limit is {LINES_MAX}"),
            "find the second concept in the file and give it a file of its own",
        )
    })
}

fn is_test_file(path: &str) -> bool {
    path.split('/').any(|part| matches!(part, "tests" | "tests.rs" | "testdata" | "fixtures" | "golden"))
        || path.contains(".test.")
        || path.contains("_test.")
}

/// `docs/adr/NNNN-title.md`, each number once.
fn decisions(repository: &Repository) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut numbers: BTreeMap<&str, &str> = BTreeMap::new();
    for (path, name) in repository.files().filter_map(|(path, _)| Some((path, path.strip_prefix("docs/adr/")?))) {
        let Some(number) = decision_number(name) else {
            findings.push(Finding::new(
                path,
                1,
                "not a name of a decision",
                "name it docs/adr/NNNN-title.md: four digits, then lowercase words joined by `-`",
            ));
            continue;
        };
        if let Some(other) = numbers.insert(number, path) {
            findings.push(Finding::new(path, 1, format!("{other} has the same number"), "take the next free number"));
        }
    }
    findings
}

fn decision_number(name: &str) -> Option<&str> {
    let (number, title) = name.strip_suffix(".md")?.split_once('-')?;
    let digits = number.len() == 4 && number.bytes().all(|byte| byte.is_ascii_digit());
    let words = title
        .split('-')
        .all(|word| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()));
    (digits && words).then_some(number)
}
