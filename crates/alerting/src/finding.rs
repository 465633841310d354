//! What is noticed about a configuration: where, what, what to do, and whether the system it was written for would take it.

use std::fmt;

/// Line and column, both from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Place {
    /// From 1; 0 when nothing of the file is meant.
    pub line: u32,
    /// In characters, from 1.
    pub column: u32,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The file is not used.
    Error,
    /// The file is used, and something of it does nothing, or not what was meant.
    Warning,
    /// The file is used as it was meant.
    Info,
}

impl Severity {
    /// `error`, `warning` or `info`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Info => "info",
        }
    }
}

/// One thing that was noticed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How much it matters.
    pub severity: Severity,
    /// Where it is written.
    pub place: Place,
    /// The setting, as `receivers[1].slack_configs[0].api_url`; empty for the file as a whole.
    pub path: String,
    /// What is the matter. Never contains a secret.
    pub message: String,
    /// What to do about it; may be empty.
    pub remedy: String,
    /// Whether the system that the format comes from refuses the file because of it.
    pub foreign_refusal: bool,
}

impl fmt::Display for Finding {
    /// `12:5: receivers[1].name: what (what to do)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.place)?;
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.message)?;
        if !self.remedy.is_empty() {
            write!(f, " ({})", self.remedy)?;
        }
        Ok(())
    }
}

/// Collects findings; nothing stops at the first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Findings(Vec<Finding>);

impl Findings {
    /// The file cannot be used. The system that the format comes from refuses it too.
    pub fn error(&mut self, place: Place, path: &str, message: impl Into<String>, remedy: impl Into<String>) {
        self.push(Severity::Error, place, path, message.into(), remedy.into(), true);
    }

    /// We go on without the part, or read it otherwise; the system that the format comes from takes it as it is.
    pub fn warn(&mut self, place: Place, path: &str, message: impl Into<String>, remedy: impl Into<String>) {
        self.push(Severity::Warning, place, path, message.into(), remedy.into(), false);
    }

    /// We go on; the system that the format comes from refuses the file.
    pub fn warn_refused(&mut self, place: Place, path: &str, message: impl Into<String>, remedy: impl Into<String>) {
        self.push(Severity::Warning, place, path, message.into(), remedy.into(), true);
    }

    /// Worth knowing.
    pub fn info(&mut self, place: Place, path: &str, message: impl Into<String>, remedy: impl Into<String>) {
        self.push(Severity::Info, place, path, message.into(), remedy.into(), false);
    }

    fn push(
        &mut self,
        severity: Severity,
        place: Place,
        path: &str,
        message: String,
        remedy: String,
        foreign_refusal: bool,
    ) {
        self.0.push(Finding { severity, place, path: path.to_owned(), message, remedy, foreign_refusal });
    }

    /// Adds one.
    pub fn add(&mut self, finding: Finding) {
        self.0.push(finding);
    }

    /// All of them, in the order of the file.
    pub fn into_sorted(mut self) -> Vec<Finding> {
        self.0.sort_by_key(|f| f.place);
        self.0
    }

    /// In the order in which they were noticed.
    pub fn iter(&self) -> impl Iterator<Item = &Finding> {
        self.0.iter()
    }

    /// Whether one of them is an error.
    pub fn has_errors(&self) -> bool {
        self.0.iter().any(|f| f.severity == Severity::Error)
    }

    /// Whether the system that the format comes from refuses the file.
    pub fn foreign_refusal(&self) -> bool {
        self.0.iter().any(|f| f.foreign_refusal)
    }
}
