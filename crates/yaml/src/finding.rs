//! What is to be said of a file: how bad it is, where, of which setting, what, the remedy, and what the system makes of it whose
//! language the file is written in.

use std::fmt;
use std::sync::Arc;

use crate::place::Place;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The file is not used.
    Error,
    /// The file is used, and something of it is not as it is written.
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

/// What another system makes of the same line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Elsewhere {
    /// As it is called in a sentence: `Prometheus`, `the Collector`.
    pub system: &'static str,
    /// What it does.
    pub verdict: Verdict,
}

impl Elsewhere {
    /// `system` does not take the file because of it.
    pub const fn refused_by(system: &'static str) -> Self {
        Self { system, verdict: Verdict::Refuses }
    }
}

impl fmt::Display for Elsewhere {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.verdict {
            Verdict::Accepts => write!(f, "{} accepts it as it is", self.system),
            Verdict::Refuses => write!(f, "{} refuses it", self.system),
            Verdict::Differs(how) => write!(f, "{} {how}", self.system),
        }
    }
}

/// What a system does with a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It takes it as it is.
    Accepts,
    /// It does not take the file.
    Refuses,
    /// It says nothing or takes it differently; the words tell how, behind the name of the system.
    Differs(&'static str),
}

/// One thing that is to be said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// Where.
    pub place: Place,
    /// Which setting, from the top: `processors.batch.timeout`, `receivers[1].name`; empty for the file as a whole.
    pub path: String,
    /// What is the matter. Never contains a secret.
    pub message: String,
    /// What to write instead; empty when the message says it.
    pub remedy: String,
    /// What the system does with it that the language of the file comes from, where that is to be said.
    pub elsewhere: Option<Elsewhere>,
}

impl Finding {
    /// The same in the file that is called `file`, for a text that was read without its name.
    #[must_use]
    pub fn of(&self, file: &Arc<str>) -> Self {
        Self { place: self.place.of(file), ..self.clone() }
    }

    /// Whether the system that the language of the file comes from refuses the file because of it.
    pub fn refused_elsewhere(&self) -> bool {
        let refused = self.elsewhere.is_some_and(|e| e.verdict == Verdict::Refuses);
        refused || (self.severity == Severity::Error && self.elsewhere.is_none())
    }
}

impl fmt::Display for Finding {
    /// `otel.yaml:12:5: warning: processors.batch: what; what to do (the Collector refuses it)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.place.is_nowhere() {
            write!(f, "{}: ", self.place)?;
        }
        write!(f, "{}: ", self.severity.name())?;
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.message)?;
        if !self.remedy.is_empty() {
            write!(f, "; {}", self.remedy)?;
        }
        match self.elsewhere {
            None => Ok(()),
            Some(elsewhere) => write!(f, " ({elsewhere})"),
        }
    }
}

/// Everything that is to be said; nothing stops at the first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Findings(Vec<Finding>);

impl Findings {
    /// Adds one.
    pub fn push(&mut self, finding: Finding) {
        self.0.push(finding);
    }

    /// The file cannot be used.
    pub fn error(
        &mut self,
        place: &Place,
        path: impl Into<String>,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        self.add(Severity::Error, place, path.into(), message.into(), remedy.into(), None);
    }

    /// We go on without the part, or take it differently.
    pub fn warning(
        &mut self,
        place: &Place,
        path: impl Into<String>,
        message: impl Into<String>,
        remedy: impl Into<String>,
        elsewhere: Option<Elsewhere>,
    ) {
        self.add(Severity::Warning, place, path.into(), message.into(), remedy.into(), elsewhere);
    }

    /// Worth knowing.
    pub fn info(
        &mut self,
        place: &Place,
        path: impl Into<String>,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        self.add(Severity::Info, place, path.into(), message.into(), remedy.into(), None);
    }

    fn add(
        &mut self,
        severity: Severity,
        place: &Place,
        path: String,
        message: String,
        remedy: String,
        elsewhere: Option<Elsewhere>,
    ) {
        self.0.push(Finding { severity, place: place.clone(), path, message, remedy, elsewhere });
    }

    /// Whether nothing can start with it.
    pub fn has_errors(&self) -> bool {
        self.0.iter().any(|f| f.severity == Severity::Error)
    }

    /// Whether the system that the language of the file comes from refuses the file.
    pub fn refused_elsewhere(&self) -> bool {
        self.0.iter().any(Finding::refused_elsewhere)
    }

    /// Whether there is nothing to say.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// In the order in which they were noticed.
    pub fn iter(&self) -> impl Iterator<Item = &Finding> {
        self.0.iter()
    }

    /// All of them, by place; what is said twice is said once.
    pub fn sorted(&self) -> Vec<&Finding> {
        let mut all: Vec<&Finding> = self.0.iter().collect();
        all.sort_by(|a, b| {
            (&a.place, a.severity, &a.path, &a.message).cmp(&(&b.place, b.severity, &b.path, &b.message))
        });
        all.dedup();
        all
    }

    /// All of them, by place; of one place in the order in which they were noticed.
    pub fn into_sorted(mut self) -> Vec<Finding> {
        self.0.sort_by(|a, b| a.place.cmp(&b.place));
        self.0
    }
}

impl fmt::Display for Findings {
    /// A line each, by place.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<String> = self.sorted().into_iter().map(ToString::to_string).collect();
        f.write_str(&lines.join("\n"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_where_how_bad_what_the_remedy_and_what_others_do() {
        let mut findings = Findings::default();
        let place = Place { file: "a.yaml".into(), line: 2, column: 3 };
        let accepts = Elsewhere { system: "the other", verdict: Verdict::Accepts };
        findings.warning(&place, "b.c", "is not used", "leave it out", Some(accepts));
        findings.error(&Place { line: 1, ..place.clone() }, "", "is wrong", "");
        findings.info(&Place::default(), "", "is known", "");
        findings.error(&Place { line: 1, ..place }, "", "is wrong", "");
        assert_eq!(
            findings.to_string(),
            "info: is known\na.yaml:1:3: error: is wrong\na.yaml:2:3: warning: b.c: is not used; leave it out (the other accepts it as it is)"
        );
        assert_eq!(findings.iter().map(Finding::refused_elsewhere).collect::<Vec<_>>(), [false, true, false, true]);
        assert_eq!(findings.iter().nth(2).unwrap().of(&"b.yaml".into()).to_string(), "b.yaml: info: is known");
    }
}
