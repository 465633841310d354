//! The rule book: rules from files and rules made through the API, together in one engine.
//!
//! Files are found by patterns and read again on [`Rulebook::reload`]; what the API makes is kept by group in the metadata. A reload
//! with an error changes nothing. The two kinds are told apart everywhere: what comes from a file is changed in the file.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use foundation::ErrorKind;
use metastore::{MetaError, Metastore, Origin};
use parking_lot::Mutex;
use rustc_hash::FxHashSet;
use serde_json::{Value, json};
use yaml::{Finding, Place, Severity};

use super::doors::QueryError;
use super::engine::{Engine, Placed};
use super::file::{self, Dialect, Read};
use super::spec::{Expression, Group};

/// The kind of the documents that hold groups.
const KIND: &str = "rule_group";
/// What stands for the file of a group that the API made.
pub const API: &str = "api";
/// The largest rule file.
pub const FILE_BYTES_MAX: u64 = 16 << 20;
/// Rules together.
const RULES_MAX: usize = 100_000;

/// Why the book was not changed.
#[derive(Debug, thiserror::Error)]
pub enum BookError {
    /// Files or a request with errors; all findings are given.
    #[error("{}", in_lines(.0))]
    Findings(Vec<FileFindings>),
    /// There is no such group.
    #[error("there is no group `{0}` that the API made")]
    NotFound(String),
    /// It comes from a file.
    #[error("the group `{group}` comes from {file}: change it there")]
    FromFile {
        /// The group.
        group: String,
        /// Its file.
        file: String,
    },
    /// More rules than there may be.
    #[error("these would be {0} rules; {RULES_MAX} are evaluated at most")]
    TooMany(usize),
    /// The metadata cannot be read or written.
    #[error(transparent)]
    Meta(#[from] MetaError),
}

impl BookError {
    /// What a caller can do.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Findings(_) => ErrorKind::InvalidInput,
            Self::NotFound(_) => ErrorKind::NotFound,
            Self::FromFile { .. } => ErrorKind::Conflict,
            Self::TooMany(_) => ErrorKind::LimitExceeded,
            Self::Meta(e) => e.kind(),
        }
    }
}

/// What was found in one file.
#[derive(Debug, Clone, PartialEq)]
pub struct FileFindings {
    /// Its path.
    pub file: String,
    /// In the order of the file.
    pub findings: Vec<Finding>,
}

fn in_lines(files: &[FileFindings]) -> String {
    let errors = |f: &FileFindings| {
        let of_file = f.findings.iter().filter(|x| x.severity == Severity::Error);
        of_file.map(|x| x.of(&f.file.as_str().into()).to_string()).collect::<Vec<_>>()
    };
    files.iter().flat_map(errors).collect::<Vec<_>>().join("\n")
}

/// What was taken.
#[derive(Debug, Clone, PartialEq)]
pub struct Imported {
    /// The groups that are evaluated now.
    pub groups: Vec<Group>,
    /// What there is to say of them.
    pub findings: Vec<Finding>,
}

/// All rules.
pub struct Rulebook {
    engine: Arc<Engine>,
    store: Metastore,
    /// Held while the book is changed.
    loaded: Mutex<Loaded>,
}

#[derive(Default)]
struct Loaded {
    from_files: Vec<Placed>,
    findings: Vec<FileFindings>,
    /// Made by another part of the server, by the name that stands for their file.
    generated: BTreeMap<String, Vec<Group>>,
}

impl Rulebook {
    /// A book over an engine; nothing is loaded yet.
    pub fn new(engine: Arc<Engine>, store: Metastore) -> Self {
        Self { engine, store, loaded: Mutex::default() }
    }

    /// What evaluates.
    pub fn engine(&self) -> &Arc<Engine> {
        &self.engine
    }

    /// Reads all files that `patterns` name (`*` and `?` in the last part) and all documents, and evaluates what they say from now on.
    ///
    /// # Errors
    /// An error in any file: then everything goes on as it was.
    pub fn reload(&self, patterns: &[PathBuf]) -> Result<Vec<FileFindings>, BookError> {
        let mut loaded = self.loaded.lock();
        let (mut placed, mut findings) = (Vec::new(), Vec::new());
        for path in files(patterns) {
            let name = path.display().to_string();
            let mut read = read_file(&path);
            self.check(&mut read);
            findings.push(FileFindings { file: name.clone(), findings: read.findings });
            placed.extend(read.groups.into_iter().map(|group| Placed { file: name.clone(), group }));
        }
        if findings.iter().flat_map(|f| &f.findings).any(|f| f.severity == Severity::Error) {
            return Err(BookError::Findings(findings));
        }
        self.install(&placed, &loaded.generated)?;
        loaded.from_files = placed;
        loaded.findings.clone_from(&findings);
        Ok(findings)
    }

    /// Evaluates groups that another part of the server makes, in place of those it made before; `file` stands for their file.
    ///
    /// # Errors
    /// Too many rules, or the metadata cannot be read: then everything goes on as it was.
    pub fn generated(&self, file: &str, groups: Vec<Group>) -> Result<(), BookError> {
        let mut loaded = self.loaded.lock();
        let mut generated = loaded.generated.clone();
        generated.insert(file.to_owned(), groups);
        self.install(&loaded.from_files, &generated)?;
        loaded.generated = generated;
        Ok(())
    }

    fn install(&self, from_files: &[Placed], generated: &BTreeMap<String, Vec<Group>>) -> Result<(), BookError> {
        let made = self.made()?;
        let placed = |(file, groups): (&String, &Vec<Group>)| {
            groups.iter().map(|group| Placed { file: file.clone(), group: group.clone() }).collect::<Vec<_>>()
        };
        let all: Vec<Placed> =
            from_files.iter().cloned().chain(made).chain(generated.iter().flat_map(placed)).collect();
        let rules: usize = all.iter().map(|p| p.group.rules.len()).sum();
        if rules > RULES_MAX {
            return Err(BookError::TooMany(rules));
        }
        self.engine.replace(all);
        Ok(())
    }

    /// The groups that the API made. One that cannot be read any more is left out and said: a newer version may have written it.
    fn made(&self) -> Result<Vec<Placed>, BookError> {
        let mut made = Vec::new();
        for document in self.store.documents().list(KIND)? {
            let read = file::read(document.body.get("yaml").and_then(Value::as_str).unwrap_or_default());
            if !read.is_usable() {
                tracing::error!(group = document.id, "a stored group of rules cannot be read and is not evaluated");
            }
            made.extend(read.groups.into_iter().map(|group| Placed { file: API.to_owned(), group }));
        }
        Ok(made)
    }

    /// What of a file can only be checked with the engines at hand.
    fn check(&self, read: &mut Read) {
        for (group, rule) in read.groups.iter().flat_map(|g| g.rules.iter().map(move |r| (g, r))) {
            if !matches!(rule.expression, Expression::Events(_)) {
                continue;
            }
            if let Err(e) = self.engine.surroundings().query.check(&rule.expression) {
                read.findings.push(wrong_events(group, &rule.name, &e));
            }
        }
    }

    /// Takes the groups of a file through the API; a group of the same name that the API made before is replaced.
    ///
    /// # Errors
    /// An error anywhere in it: then nothing is taken.
    pub fn import(&self, text: &str) -> Result<Imported, BookError> {
        let mut read = file::read(text);
        self.check(&mut read);
        if !read.is_usable() {
            return Err(BookError::Findings(vec![FileFindings {
                file: "request".to_owned(),
                findings: read.findings,
            }]));
        }
        let loaded = self.loaded.lock();
        let before = self.made()?;
        let rules = |groups: &mut dyn Iterator<Item = &Group>| groups.map(|g| g.rules.len()).sum::<usize>();
        let kept = before.iter().map(|p| &p.group).filter(|g| !read.groups.iter().any(|n| n.name == g.name));
        let all = rules(&mut kept.chain(&read.groups).chain(loaded.from_files.iter().map(|p| &p.group)));
        if all > RULES_MAX {
            return Err(BookError::TooMany(all));
        }
        for group in &read.groups {
            let body = json!({"yaml": file::write([group], Dialect::Bellrock)});
            self.store.documents().put(KIND, &group.name, &body, Origin::Api)?;
        }
        self.install(&loaded.from_files, &loaded.generated)?;
        Ok(Imported { groups: read.groups, findings: read.findings })
    }

    /// Removes a group that the API made.
    ///
    /// # Errors
    /// There is none of that name, or it comes from a file.
    pub fn remove(&self, name: &str) -> Result<(), BookError> {
        let loaded = self.loaded.lock();
        match self.store.documents().delete(KIND, name, None) {
            Ok(()) => self.install(&loaded.from_files, &loaded.generated),
            Err(MetaError::NotFound { .. }) => Err(match loaded.from_files.iter().find(|p| p.group.name == name) {
                Some(p) => BookError::FromFile { group: name.to_owned(), file: p.file.clone() },
                None => BookError::NotFound(name.to_owned()),
            }),
            Err(e) => Err(e.into()),
        }
    }

    /// What the files that are loaded had to be told.
    pub fn findings(&self) -> Vec<FileFindings> {
        self.loaded.lock().findings.clone()
    }

    /// All groups as one rule file. Groups of different files that have one name are told apart by a number.
    pub fn export(&self, dialect: Dialect) -> String {
        let mut groups: Vec<Group> = self.engine.groups().iter().map(|g| g.group.clone()).collect();
        for n in 1..groups.len() {
            let (before, rest) = groups.split_at_mut(n);
            let Some(group) = rest.first_mut() else { break };
            let name = group.name.clone();
            let mut number = 2;
            while before.iter().any(|b| b.name == group.name) {
                group.name = format!("{name} ({number})");
                number += 1;
            }
        }
        file::write(&groups, dialect)
    }
}

fn wrong_events(group: &Group, rule: &str, e: &QueryError) -> Finding {
    Finding {
        severity: Severity::Error,
        place: Place::default(),
        path: format!("{} ({rule}).expr", group.name),
        message: e.message.clone(),
        remedy: "write a filter with a `stats` stage, as `level>=error | stats count() by service`".to_owned(),
        elsewhere: None,
    }
}

/// Reads one rule file from the disk; that it cannot be read is a finding.
pub fn read_file(path: &Path) -> Read {
    let failed = |message: String| Read {
        groups: Vec::new(),
        findings: vec![Finding {
            severity: Severity::Error,
            place: Place::default(),
            path: String::new(),
            message,
            remedy: "check the path and its permissions".to_owned(),
            elsewhere: None,
        }],
    };
    match std::fs::metadata(path) {
        Ok(m) if m.len() > FILE_BYTES_MAX => failed(format!("has {} bytes; {FILE_BYTES_MAX} are read", m.len())),
        _ => match std::fs::read_to_string(path) {
            Ok(text) => file::read(&text),
            Err(e) => failed(format!("cannot be read: {e}")),
        },
    }
}

/// The files that patterns name, in their order; one that several name is one file.
pub fn files(patterns: &[PathBuf]) -> Vec<PathBuf> {
    let mut seen = FxHashSet::default();
    patterns.iter().flat_map(|pattern| matching(pattern)).filter(|path| seen.insert(path.clone())).collect()
}

/// The files that a pattern names, sorted. A pattern without `*` and `?` names one file, whether it is there or not.
pub fn matching(pattern: &Path) -> Vec<PathBuf> {
    let last = pattern.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    if !last.contains(['*', '?']) {
        return vec![pattern.to_owned()];
    }
    let folder = pattern.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let names = entries.filter_map(|e| e.ok().map(|e| e.file_name().to_string_lossy().into_owned()));
    let mut found: Vec<PathBuf> = names.filter(|name| is_match(&last, name)).map(|name| folder.join(name)).collect();
    found.sort();
    found
}

/// Whether a name satisfies a pattern of `*` and `?`.
fn is_match(pattern: &str, name: &str) -> bool {
    match pattern.chars().next() {
        None => name.is_empty(),
        Some('*') => {
            let rest = &pattern[1..];
            // `*` does not begin with a point, as in a shell.
            let hidden = name.starts_with('.') && rest.is_empty();
            !hidden && name.char_indices().map(|(i, _)| i).chain([name.len()]).any(|i| is_match(rest, &name[i..]))
        }
        Some(c) => name
            .chars()
            .next()
            .is_some_and(|n| (c == '?' || c == n) && is_match(&pattern[c.len_utf8()..], &name[n.len_utf8()..])),
    }
}

#[cfg(test)]
mod tests;
