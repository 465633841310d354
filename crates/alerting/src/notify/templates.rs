//! The named templates: ours, under the names that Alertmanager's receivers use by default, and those of the user's files.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use foundation::Clock;
use gotemplate::{Error, Library, Mode, Template};

use yaml::{Findings, Place};

const TEXTS: &str = include_str!("templates/texts.tmpl");
const EMAIL: &str = include_str!("templates/email.tmpl");

/// A file of templates is read whole.
const FILE_BYTES_MAX: u64 = 4 << 20;

/// As many files as one configuration may name.
const FILES_MAX: usize = 1000;

/// Named templates with Alertmanager's functions.
#[derive(Debug)]
pub(super) struct Templates(Library);

/// The names and texts that are there without any file, for `template render` and for people who look.
pub fn default_templates(clock: Arc<dyn Clock>) -> Library {
    let mut library = gotemplate::alertmanager::library(clock);
    for (name, source) in [("texts.tmpl", TEXTS), ("email.tmpl", EMAIL)] {
        if let Err(e) = library.add(name, source) {
            // They are part of the program, and a test fills each of them.
            tracing::error!(error = %e, "a built-in template cannot be used");
        }
    }
    library
}

impl Templates {
    /// The default ones and those of the files that `patterns` name.
    pub(super) fn load(clock: Arc<dyn Clock>, patterns: &[String], base: &Path, findings: &mut Findings) -> Self {
        let mut library = default_templates(clock);
        let mut read = 0;
        for (i, pattern) in patterns.iter().enumerate() {
            let path = format!("templates[{i}]");
            let files = match files_of(pattern, base) {
                Ok(files) => files,
                Err(message) => {
                    findings.error(&Place::default(), &path, message, "");
                    continue;
                }
            };
            if files.is_empty() {
                findings.warning(&Place::default(), &path, format!("no file matches {pattern:?}"), "", None);
            }
            for file in files {
                read += 1;
                if read > FILES_MAX {
                    findings.error(&Place::default(), &path, format!("more than {FILES_MAX} files of templates"), "");
                    return Self(library);
                }
                add_file(&mut library, &file, &path, findings);
            }
        }
        Self(library)
    }

    pub(super) fn compile(&self, name: &str, source: &str, mode: Mode) -> Result<Template, Error> {
        self.0.compile(name, source, mode)
    }
}

fn add_file(library: &mut Library, file: &Path, path: &str, findings: &mut Findings) {
    let name = file.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let size = std::fs::metadata(file).map(|m| m.len()).unwrap_or(0);
    let result = if size > FILE_BYTES_MAX {
        Err(format!("larger than {FILE_BYTES_MAX} bytes"))
    } else {
        std::fs::read_to_string(file).map_err(|e| e.to_string())
    };
    let result = result.and_then(|source| library.add(&name, &source).map_err(|e| e.to_string()));
    if let Err(message) = result {
        findings.error(&Place::default(), path, format!("{}: {message}", file.display()), "");
    }
}

/// The files that a pattern names, sorted: `*` and `?` in the last part of the path, and in folders.
fn files_of(pattern: &str, base: &Path) -> Result<Vec<PathBuf>, String> {
    let whole = base.join(pattern);
    let mut found = vec![PathBuf::new()];
    for part in whole.components() {
        let part = part.as_os_str().to_string_lossy().into_owned();
        if !part.contains(['*', '?', '[']) {
            found.iter_mut().for_each(|path| path.push(&part));
            continue;
        }
        let mut next = Vec::new();
        for folder in &found {
            let Ok(entries) = std::fs::read_dir(folder) else { continue };
            for entry in entries.flatten() {
                let name = entry.file_name().to_string_lossy().into_owned();
                if matches(&part, &name)? {
                    next.push(folder.join(name));
                }
            }
        }
        next.sort();
        found = next;
    }
    Ok(found.into_iter().filter(|path| path.is_file()).collect())
}

/// Go's `filepath.Match` for one part of a path.
fn matches(pattern: &str, name: &str) -> Result<bool, String> {
    let mut expression = String::from("^");
    let mut rest = pattern.chars();
    while let Some(c) = rest.next() {
        match c {
            '*' => expression.push_str(".*"),
            '?' => expression.push('.'),
            '[' => expression.push('['),
            ']' => expression.push(']'),
            '\\' => expression.push_str(&re_escape(rest.next().unwrap_or('\\'))),
            '^' | '-' => expression.push(c),
            other => expression.push_str(&re_escape(other)),
        }
    }
    expression.push('$');
    let regex = re2::compile(&expression).map_err(|_| format!("{pattern:?} is not a pattern of files"))?;
    Ok(regex.is_match(name) && (!name.starts_with('.') || pattern.starts_with('.')))
}

fn re_escape(c: char) -> String {
    if c.is_ascii_punctuation() { format!("\\{c}") } else { c.to_string() }
}
