//! Words that must not stand in a tracked file: unfinished work, paths of one machine, hosts of package registries.
//!
//! A line that needs one of them all the same says why: `tidy-allow: <reason>` on that line.

use super::Finding;
use super::repository::Repository;

// Written in halves, so that this file passes its own check.
const UNFINISHED: [&str; 5] = [
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("X", "XX"),
    concat!("unimpl", "emented!"),
    concat!("to", "do!"),
];

/// Filler; the second word is an attribute in markup too, so both are looked for in Rust and in prose only.
const FILLER: [&str; 2] = [concat!("lorem ", "ipsum"), concat!("place", "holder")];

const MACHINE_PATHS: [&str; 3] = [concat!("/wo", "rk"), concat!("/ro", "ot"), concat!("/ho", "me/")];

const REGISTRY_HOSTS: [&str; 9] = [
    concat!("crates", ".io"),
    concat!("npmjs", ".org"),
    concat!("npmjs", ".com"),
    concat!("yarnpkg", ".com"),
    concat!("pypi", ".org"),
    concat!("pythonhosted", ".org"),
    concat!("proxy.golang", ".org"),
    concat!("repo.maven.apache", ".org"),
    concat!("deb.debian", ".org"),
];

const ALLOW: &str = "tidy-allow: ";

pub(crate) fn check(repository: &Repository) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in repository.files() {
        // Cargo names its index in every entry of its lock file; recorded data is somebody else's text.
        if path == "Cargo.lock" || path.split('/').any(|part| matches!(part, "testdata" | "fixtures" | "golden")) {
            continue;
        }
        let lock = path.ends_with("package-lock.json");
        let filler_matters = path.ends_with(".rs") || path.ends_with(".md");
        for (index, line) in text.lines().enumerate() {
            if line.contains(ALLOW) {
                continue;
            }
            let mut found =
                |problem: String, remedy: &str| findings.push(Finding::new(path, index + 1, problem, remedy));
            if let Some(host) = REGISTRY_HOSTS.iter().find(|host| has_host(line, host)) {
                let remedy = if lock {
                    "write the lock file with `npm install --omit-lockfile-registry-resolved`"
                } else {
                    "name the package, not where it is fetched from"
                };
                found(format!("names a package registry (`{host}`)"), remedy);
            }
            if lock {
                continue;
            }
            if let Some(word) = UNFINISHED.iter().find(|word| has_word(line, word)) {
                found(format!("unfinished work (`{word}`)"), "finish it, or file an issue and delete the note");
            }
            if let Some(word) = FILLER.iter().find(|word| filler_matters && has_word(&line.to_lowercase(), word)) {
                found(format!("filler text (`{word}`)"), "say the real thing, or another word for what is meant");
            }
            if let Some(start) = MACHINE_PATHS.iter().find(|start| has_path(line, start)) {
                found(
                    format!("a path of one machine (`{start}`)"),
                    "use a path relative to the repository, or a temporary folder",
                );
            }
        }
    }
    findings
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn has_word(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + word.len()..].chars().next();
        !before.is_some_and(is_word) && (word.ends_with('!') || !after.is_some_and(is_word))
    })
}

/// The start of an absolute path: nothing path-like before it, and the name ends there.
fn has_path(line: &str, start: &str) -> bool {
    line.match_indices(start).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + start.len()..].chars().next();
        let is_start =
            !before.is_some_and(|c| is_word(c) || matches!(c, '/' | '.' | '-' | '}' | ')' | '*' | '~' | '@' | '$'));
        is_start && (start.ends_with('/') || !after.is_some_and(|c| is_word(c) || c == '-'))
    })
}

fn has_host(line: &str, host: &str) -> bool {
    line.match_indices(host)
        .any(|(at, _)| !line[at + host.len()..].chars().next().is_some_and(|c| is_word(c) || c == '-'))
}
