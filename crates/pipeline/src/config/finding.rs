//! What is to be said about a configuration: where, what, the remedy, and whether the OpenTelemetry Collector would take it.

use std::fmt;

use yaml::Place;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Nothing starts with it.
    Error,
    /// It starts; something is not as it is written.
    Warning,
}

/// What the Collector makes of the same line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Collector {
    /// It takes it as it is.
    Accepts,
    /// It does not start.
    Refuses,
    /// It says nothing or takes it differently; the word tells how.
    Differs(&'static str),
}

/// One thing that is to be said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// Where.
    pub place: Place,
    /// Which setting, from the top: `processors.batch.timeout`.
    pub path: String,
    /// What is wrong or done differently.
    pub message: String,
    /// What to write instead; empty when the message says it.
    pub fix: String,
    /// What the Collector does with it, where that is known.
    pub collector: Option<Collector>,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        write!(f, "{}: {severity}: {}: {}", self.place, self.path, self.message)?;
        if !self.fix.is_empty() {
            write!(f, "; {}", self.fix)?;
        }
        match self.collector {
            None => Ok(()),
            Some(Collector::Accepts) => f.write_str(" (the Collector accepts it as it is)"),
            Some(Collector::Refuses) => f.write_str(" (the Collector refuses it)"),
            Some(Collector::Differs(how)) => write!(f, " (the Collector {how})"),
        }
    }
}

/// Everything that is to be said, in the order of the files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Findings(Vec<Finding>);

impl Findings {
    /// Adds one.
    pub fn push(&mut self, finding: Finding) {
        self.0.push(finding);
    }

    /// Adds an error.
    pub fn error(&mut self, place: &Place, path: impl Into<String>, message: impl Into<String>) {
        self.push(Finding {
            severity: Severity::Error,
            place: place.clone(),
            path: path.into(),
            message: message.into(),
            fix: String::new(),
            collector: None,
        });
    }

    /// Adds a warning.
    pub fn warning(
        &mut self,
        place: &Place,
        path: impl Into<String>,
        message: impl Into<String>,
        fix: impl Into<String>,
        collector: Option<Collector>,
    ) {
        self.push(Finding {
            severity: Severity::Warning,
            place: place.clone(),
            path: path.into(),
            message: message.into(),
            fix: fix.into(),
            collector,
        });
    }

    /// Whether nothing can start with it.
    pub fn has_errors(&self) -> bool {
        self.0.iter().any(|f| f.severity == Severity::Error)
    }

    /// Whether there is nothing to say.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
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
}

impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<String> = self.sorted().into_iter().map(ToString::to_string).collect();
        f.write_str(&lines.join("\n"))
    }
}
