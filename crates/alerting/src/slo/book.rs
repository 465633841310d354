//! The objectives of the server: from files, from its configuration, and made through the API; with what people confirmed.
//!
//! A reload with an error changes nothing. What the API makes is kept in the metadata, one document for each; so is which
//! proposal was confirmed for a promise that does not say what is counted.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use foundation::ErrorKind;
use metastore::{MetaError, Metastore, Origin as Kept};
use parking_lot::Mutex;
use serde_json::{Value, json};
use yaml::{Finding, Findings, Place, Severity};

use super::alerts::rule_group;
use super::config::{Parsed, RawIndicator, indicator, parse};
use super::engine::{Engine, SloError};
use super::print::{self, print};
use super::propose::{Proposal, propose};
use super::spec::{Indicator, Origin, Slo};
use crate::rules::QueryError;
use crate::rules::book::{Rulebook, files};
use crate::rules::file;

/// Documents that hold an objective.
const KIND: &str = "slo";
/// Documents that hold what is counted for a promise.
const CONFIRMED: &str = "slo_indicator";
/// What stands for the file of the rules that objectives make.
const RULES: &str = "slos";
/// The largest file of objectives.
const FILE_BYTES_MAX: u64 = 4 << 20;

/// Why the objectives were not changed, or a question has no answer.
#[derive(Debug, thiserror::Error)]
pub enum BookError {
    /// Files or a request with errors; all findings are given.
    #[error("{}", in_lines(.0))]
    Findings(Vec<(String, Finding)>),
    /// It comes from a file.
    #[error("the objective `{id}` comes from {file}: change it there")]
    FromFile {
        /// The objective.
        id: String,
        /// Its file.
        file: String,
    },
    /// What was confirmed is no indicator.
    #[error("{0}")]
    Indicator(String),
    /// The rules of the objectives cannot be evaluated.
    #[error("the rules of the objectives: {0}")]
    Rules(String),
    /// The metadata cannot be read or written.
    #[error(transparent)]
    Meta(#[from] MetaError),
    /// See [`SloError`].
    #[error(transparent)]
    Slo(#[from] SloError),
}

impl BookError {
    /// What a caller can do.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Findings(_) | Self::FromFile { .. } | Self::Indicator(_) => ErrorKind::InvalidInput,
            Self::Rules(_) => ErrorKind::Internal,
            Self::Meta(e) => e.kind(),
            Self::Slo(e) => e.kind(),
        }
    }
}

impl From<QueryError> for BookError {
    fn from(e: QueryError) -> Self {
        Self::Slo(e.into())
    }
}

fn in_lines(findings: &[(String, Finding)]) -> String {
    let errors = findings.iter().filter(|(_, f)| f.severity == Severity::Error);
    errors.map(|(file, f)| f.of(&file.as_str().into()).to_string()).collect::<Vec<_>>().join("\n")
}

/// All objectives, in one engine.
pub struct Slobook {
    engine: Arc<Engine>,
    rules: Arc<Rulebook>,
    store: Metastore,
    /// Held while the book is changed.
    loaded: Mutex<Loaded>,
}

#[derive(Default)]
struct Loaded {
    from_files: Vec<Slo>,
    findings: Vec<(String, Finding)>,
}

impl Slobook {
    /// A book over an engine; nothing is loaded yet.
    pub fn new(engine: Arc<Engine>, rules: Arc<Rulebook>, store: Metastore) -> Self {
        Self { engine, rules, store, loaded: Mutex::default() }
    }

    /// What counts.
    pub fn engine(&self) -> &Arc<Engine> {
        &self.engine
    }

    /// What was said of the files that are loaded: file and finding.
    pub fn findings(&self) -> Vec<(String, Finding)> {
        self.loaded.lock().findings.clone()
    }

    /// Counts from now on what these files (`*` and `?` in the last part), the documents, and `configured` say.
    ///
    /// # Errors
    /// An error in any file: then everything goes on as it was.
    pub fn reload(&self, patterns: &[PathBuf], configured: &[Slo]) -> Result<(), BookError> {
        let mut loaded = self.loaded.lock();
        let fresh = Loaded::of(patterns, configured)?;
        self.install(&fresh.from_files)?;
        *loaded = fresh;
        Ok(())
    }

    /// Takes the objectives of a text; those of the same id that the API made before are replaced.
    ///
    /// # Errors
    /// An error anywhere in it, or an id that a file has: then nothing is taken.
    pub fn import(&self, text: &str) -> Result<(Vec<Slo>, Vec<Finding>), BookError> {
        let Parsed { slos, mut findings } = parse(text, &Origin::Api);
        if slos.is_empty() && !findings.has_errors() {
            let remedy = "write them below `slos` or `error_budgets`, or as OpenSLO";
            findings.error(&Place::default(), "", "there are no objectives", remedy);
        }
        let failed = findings.has_errors();
        let findings = findings.into_sorted();
        if failed {
            return Err(BookError::Findings(findings.into_iter().map(|f| ("request".to_owned(), f)).collect()));
        }
        let loaded = self.loaded.lock();
        slos.iter().try_for_each(|slo| loaded.refuse_file(&slo.id))?;
        for slo in &slos {
            self.store.documents().put(KIND, &slo.id, &json!({"yaml": print([slo])}), Kept::Api)?;
        }
        self.install(&loaded.from_files)?;
        Ok((slos, findings))
    }

    /// Removes an objective that the API made, and what was confirmed for it.
    ///
    /// # Errors
    /// There is none of that id, or it comes from a file.
    pub fn remove(&self, id: &str) -> Result<(), BookError> {
        let loaded = self.loaded.lock();
        loaded.refuse_file(id)?;
        match self.store.documents().delete(KIND, id, None) {
            Err(MetaError::NotFound { .. }) => return Err(SloError::Unknown(id.to_owned()).into()),
            other => other?,
        }
        match self.store.documents().delete(CONFIRMED, id, None) {
            Ok(()) | Err(MetaError::NotFound { .. }) => {}
            Err(e) => return Err(e.into()),
        }
        self.install(&loaded.from_files)
    }

    /// What a promise could count, from the metrics that are there; the best first.
    ///
    /// # Errors
    /// There is no such objective, or the metrics engine does not answer.
    pub fn proposals(&self, id: &str) -> Result<Vec<Proposal>, BookError> {
        let entry = self.engine.entry(id).ok_or_else(|| SloError::Unknown(id.to_owned()))?;
        Ok(propose(self.engine.source(), &entry.slo, self.engine.now())?)
    }

    /// Says what is counted for a promise: `indicator` as in a file, in YAML or JSON.
    ///
    /// # Errors
    /// There is no such objective, its file says what is counted, or `indicator` is none.
    pub fn confirm(&self, id: &str, indicator: &str) -> Result<(), BookError> {
        let loaded = self.loaded.lock();
        let entry = self.engine.entry(id).ok_or_else(|| SloError::Unknown(id.to_owned()))?;
        let documents = self.store.documents();
        if entry.slo.indicator.is_some() && documents.get(CONFIRMED, id)?.is_none() {
            let message = format!("`{id}` says what is counted where it is written; change it there");
            return Err(BookError::Indicator(message));
        }
        let indicator = read_indicator(indicator).map_err(BookError::Indicator)?;
        documents.put(CONFIRMED, id, &json!({"indicator": print::indicator(&indicator)}), Kept::Api)?;
        self.install(&loaded.from_files)
    }

    /// All objectives as one file of our own form.
    pub fn export(&self) -> String {
        print(self.engine.entries().iter().map(|e| &*e.slo))
    }

    /// Counts with the documents and these of files.
    fn install(&self, from_files: &[Slo]) -> Result<(), BookError> {
        let slos = with_documents(from_files, &self.store)?;
        let groups = slos.iter().filter_map(rule_group).flat_map(|yaml| file::read(&yaml).groups).collect();
        self.rules.generated(RULES, groups).map_err(|e| BookError::Rules(e.to_string()))?;
        if let Err(e) = self.engine.apply(slos) {
            tracing::error!(error = %e, "minutes of objectives cannot be kept on the disk; they are counted from history");
        }
        Ok(())
    }
}

/// All objectives of files, of the configuration, and of the API, as a book over `store` would count them.
///
/// # Errors
/// An error in any file.
pub fn written(patterns: &[PathBuf], configured: &[Slo], store: &Metastore) -> Result<Vec<Slo>, BookError> {
    with_documents(&Loaded::of(patterns, configured)?.from_files, store)
}

/// The objectives of files and those that the API made, with what was confirmed.
fn with_documents(from_files: &[Slo], store: &Metastore) -> Result<Vec<Slo>, BookError> {
    let mut slos = from_files.to_vec();
    for document in store.documents().list(KIND)? {
        let parsed = parse(document.body.get("yaml").and_then(Value::as_str).unwrap_or_default(), &Origin::Api);
        // A newer version may have written it; a file may have taken its id since.
        if parsed.findings.has_errors() {
            tracing::error!(slo = document.id, "a stored objective cannot be read and is not counted");
        }
        slos.extend(parsed.slos.into_iter().filter(|s| !from_files.iter().any(|f| f.id == s.id)));
    }
    for slo in slos.iter_mut().filter(|s| s.indicator.is_none()) {
        let Some(document) = store.documents().get(CONFIRMED, &slo.id)? else { continue };
        match read_indicator(&document.body.get("indicator").unwrap_or(&Value::Null).to_string()) {
            Ok(indicator) => slo.indicator = Some(indicator),
            Err(e) => tracing::error!(slo = slo.id, error = e, "what was confirmed for an objective cannot be read"),
        }
    }
    Ok(slos)
}

impl Loaded {
    fn of(patterns: &[PathBuf], configured: &[Slo]) -> Result<Self, BookError> {
        let mut fresh = Self { from_files: configured.to_vec(), findings: Vec::new() };
        for path in files(patterns) {
            fresh.read(&path);
        }
        if fresh.findings.iter().any(|(_, f)| f.severity == Severity::Error) {
            return Err(BookError::Findings(fresh.findings));
        }
        Ok(fresh)
    }

    fn read(&mut self, path: &Path) {
        let file = path.display().to_string();
        let mut parsed = read_file(path);
        for slo in &parsed.slos {
            if self.from_files.iter().any(|s| s.id == slo.id) {
                let message = "another file has an objective of this name";
                parsed.findings.error(&Place::default(), &slo.id, message, "give each its own");
            }
        }
        self.from_files.extend(parsed.slos);
        self.findings.extend(parsed.findings.into_sorted().into_iter().map(|f| (file.clone(), f)));
    }

    fn refuse_file(&self, id: &str) -> Result<(), BookError> {
        match self.from_files.iter().find(|s| s.id == id).map(|s| &s.origin) {
            Some(Origin::File(file)) => Err(BookError::FromFile { id: id.to_owned(), file: file.clone() }),
            _ => Ok(()),
        }
    }
}

/// Reads one file of objectives from the disk; that it cannot be read is a finding.
pub fn read_file(path: &Path) -> Parsed {
    match read_text(path) {
        Ok(text) => parse(&text, &Origin::File(path.display().to_string())),
        Err(e) => {
            let mut findings = Findings::default();
            findings.error(&Place::default(), "", e, "check the path and its permissions");
            Parsed { slos: Vec::new(), findings }
        }
    }
}

fn read_text(path: &Path) -> Result<String, String> {
    let length = std::fs::metadata(path).map_err(|e| format!("cannot be read: {e}"))?.len();
    if length > FILE_BYTES_MAX {
        return Err(format!("has {length} bytes; a file of objectives has {FILE_BYTES_MAX} at most"));
    }
    std::fs::read_to_string(path).map_err(|e| format!("cannot be read: {e}"))
}

fn read_indicator(text: &str) -> Result<Indicator, String> {
    let node = yaml::parse("", text).map_err(|e| e.to_string())?;
    let mut findings = Findings::default();
    let raw: Option<RawIndicator> = node.read("indicator", &mut findings);
    match (raw, findings.into_sorted().into_iter().next()) {
        (Some(raw), None) => indicator(&raw),
        (_, Some(finding)) => Err(finding.to_string()),
        (None, None) => Err("there is no indicator".to_owned()),
    }
}
